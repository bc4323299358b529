"""Backgrounds: who gives which, what is composed, and where a map's peak lies."""

import numpy as np
import pytest
import torch
from makers import squares
from torch import nn

from visionfail.models import networks
from visionfail.studies.transfer import backgrounds, interpretation, reference

LABELS = np.repeat(np.arange(5), 6)


def test_donors_are_of_the_class_or_of_another_and_never_the_picture_itself():
    for same in (True, False):
        drawn = backgrounds.donors(LABELS, same=same)
        assert drawn.shape == (backgrounds.DONORS, 30)
        assert ((LABELS[drawn] == LABELS) == same).all()
        assert (drawn != np.arange(30)).all()
        assert all(len(set(column)) == backgrounds.DONORS for column in drawn.T)


@pytest.mark.fault("too few data")
def test_a_class_with_too_few_pictures_to_give_backgrounds_is_named():
    with pytest.raises(ValueError, match="class 1 has 2 "):
        backgrounds.donors(np.array([0, 0, 0, 0, 1, 1]), same=True)


def test_the_object_stays_and_the_rest_is_the_background():
    pictures = np.full((2, 3, 4, 4), 7, dtype=np.uint8)
    others = np.full((2, 3, 4, 4), 9, dtype=np.uint8)
    masks = np.zeros((2, 4, 4), dtype=bool)
    masks[:, 1, 2] = True
    made = backgrounds.before(pictures, masks, others)
    assert (made[:, :, 1, 2] == 7).all() and (made == 9).sum() == 2 * 3 * 15


def test_a_peak_counts_where_it_lies_on_the_mask_and_not_where_the_map_is_empty():
    maps = np.zeros((3, 4, 4))
    maps[0, 1, 2] = 1
    maps[1, 3, 3] = 1
    masks = np.zeros((3, 4, 4), dtype=bool)
    masks[:, 1, 2] = True
    masks[2, 0, 0] = True  # where argmax lands on a map of zeros
    assert backgrounds.peak_on_mask(maps, masks).tolist() == [True, False, False]


class ReadsTheCorner(nn.Module):
    """Answers the grey level of the first pixel: the background alone decides."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images):
        level = (255 * images[:, 0, 0, 0]).round()
        return -self.scale * (level[:, None] - torch.arange(10.0)).abs()


def test_a_network_that_reads_the_background_shows_a_gap_and_one_that_does_not_none(monkeypatch):
    images = squares(60, seed=0)
    pictures = images.images.clone()
    pictures[:, :, :4] = images.labels[:, None, None, None].to(torch.uint8)
    images = type(images)(pictures, images.labels, images.classes, images.origin)
    masks = np.zeros((60, 32, 32), dtype=bool)
    masks[:, 10:22, 10:22] = True
    maps = np.zeros((60, 32, 32))
    monkeypatch.setattr(backgrounds.explain, "gradcam", lambda *_: maps)
    arrays = backgrounds.swap_and_ask(ReadsTheCorner(), images, masks)
    swapped = backgrounds.swapped_of(arrays)
    assert swapped.right["original"].all() and swapped.right["same class"].all()
    assert not swapped.right["another class"].any()
    assert swapped.right["background alone"].all()
    assert swapped.centre_on_mask.all() and not swapped.peak_on_mask.any()
    assert swapped.names_donor.all()  # it always says whose background it is
    counts = np.ones((50, 60))
    assert interpretation.donor_share(swapped, counts)[0] == 1
    peaks = interpretation.peak_table(swapped, counts).set_index("on the object").value
    assert peaks["the picture's centre"] == 1 and peaks["peak minus centre"] == -1
    assert peaks["a pixel drawn at random"] == pytest.approx(144 / 1024)
    table = interpretation.swap_table(swapped, counts).set_index(["swap", "classes"])
    assert table.value["another class", "bird"] == 0 and table.value["same class", "bird"] == 1
    assert table.n["original", "bird"] == (images.labels == 2).sum()


def test_training_images_are_asked_once_for_each_network(tmp_path, monkeypatch):
    monkeypatch.setattr(reference.profiles, "FULL", type("P", (), {"results": tmp_path}))
    train = squares(60, seed=0)
    pictures = train.images.clone()
    pictures[:, :, 0, 0] = train.labels[:, None].to(torch.uint8)
    pictures[:6, :, 0, 0] = 11  # is answered 9
    train = type(train)(pictures, train.labels, train.classes, train.origin)
    right, how = reference.load_or_ask_training(ReadsTheCorner(), train, weights="one")
    assert how == "computed" and right[6:].all() and len(right) == 60
    assert right[:6].tolist() == (train.labels[:6] == 9).tolist()
    assert reference.load_or_ask_training(ReadsTheCorner(), train, weights="one")[1] == "loaded"
    assert reference.load_or_ask_training(ReadsTheCorner(), train, weights="two")[1] == "computed"
    again, how = reference.load_or_ask_training(None, train, weights="any")
    assert how == "loaded" and np.array_equal(again, right)


@pytest.mark.fault("results of another run")
def test_what_is_stored_is_loaded_and_another_network_is_asked_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(backgrounds.profiles, "FULL", type("P", (), {"results": tmp_path}))
    images = squares(120, seed=1)
    pixels = np.zeros((120, 32, 32), dtype=bool)
    pixels[:, 8:24, 8:24] = True
    masks = backgrounds.Masks(pixels, {"by": "hand"})
    model = networks.build(
        "imagenet_resnet18", num_classes=10, mean=(0.5,) * 3, std=(0.5,) * 3, width=8
    )
    model.resize_to(64, "bilinear")
    asked = {}
    for weights in ("one", "one", "two"):
        asked[weights], how = backgrounds.load_or_swap(model, images, masks, weights=weights)
        asked.setdefault("how", []).append(how)
    assert asked["how"] == ["computed", "loaded", "computed"]
    loaded, how = backgrounds.load_or_swap(None, None, masks, weights="any")
    assert how == "loaded"
    assert np.array_equal(loaded.right["original"], asked["two"].right["original"])
