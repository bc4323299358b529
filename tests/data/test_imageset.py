import pytest
import torch

from visionfail.data.imageset import ImageSet

CLASSES = ("a", "b", "c")


def make(*, images=None, labels=None, origin="official"):
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8) if images is None else images
    return ImageSet(
        images, torch.tensor([0, 1, 2, 2]) if labels is None else labels, CLASSES, origin
    )


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(4, 3, 8, 8)}, r"torch\.float32 \(4, 3, 8, 8\).*pass uint8"),
        (
            {"images": torch.zeros(4, 8, 8, dtype=torch.uint8)},
            r"\(4, 8, 8\): pass uint8 \(N, C, H, W\)",
        ),
        (
            {"images": torch.zeros(4, 8, 8, 3, dtype=torch.uint8)},
            r"\(4, 8, 8, 3\).*1 or 3 channels",
        ),
        ({"images": torch.zeros(0, 3, 8, 8, dtype=torch.uint8)}, "an empty set"),
        ({"labels": torch.tensor([0, 1, 2])}, "3 labels for 4 images"),
        ({"labels": torch.tensor([0, 1, 2, 3])}, "from 0 to 3, out of range for 3 classes"),
        ({"labels": torch.tensor([0, -1, 2, 2])}, "from -1 to 2, out of range"),
        (
            {"labels": torch.tensor([0, 1, 2, 2], dtype=torch.uint8)},
            r"torch\.uint8 \(4,\): pass int64",
        ),
        ({"labels": torch.zeros(4, 1, dtype=torch.int64)}, r"\(4, 1\): pass int64 \(N,\)"),
        ({"origin": "real"}, "unknown origin 'real': choose one of official, identical"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


@pytest.mark.parametrize(
    ("origin", "of_part"),
    [
        ("official", "subset"),
        ("identical", "subset"),
        ("regenerated", "regenerated"),
        ("standin", "standin"),
    ],
)
def test_the_first_images_carry_the_mark_of_a_part(origin, of_part):
    images = make(origin=origin)
    first = images.first(3)
    assert first.origin == of_part and len(first) == 3 and first.labels.tolist() == [0, 1, 2]
    assert first.classes == CLASSES
    assert images.first(4) is images and images.first(1000) is images
    with pytest.raises(ValueError, match="0 images asked for: ask for at least 1"):
        images.first(0)


def test_moving_keeps_everything():
    images = make(origin="standin")
    moved = images.to("cpu")
    assert torch.equal(moved.images, images.images) and torch.equal(moved.labels, images.labels)
    assert (moved.classes, moved.origin) == (CLASSES, "standin")
