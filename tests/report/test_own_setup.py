"""The parts of anybody's images share none, and what cannot be measured is refused."""

import dataclasses

import numpy as np
import pytest
import torch
from makers import squares
from PIL import Image

from visionfail import data, paths
from visionfail.report import own_setup, prepare_own_model

MEASURED = {"quick": 50, "full": 2000}
SORTED = squares(500, seed=0)
SORTED = SORTED.at(SORTED.labels.argsort(stable=True))  # by class, as a folder's pictures are


@pytest.fixture(autouse=True)
def runs_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path / "no data"))


def numbered(images):
    """The same images, the first pixel of each its number."""
    marked = images.images.clone()
    numbers = torch.arange(len(images))
    marked[:, 0, 0, 0] = (numbers % 256).to(torch.uint8)
    marked[:, 0, 0, 1] = (numbers // 256).to(torch.uint8)
    return dataclasses.replace(images, images=marked)


def numbers_of(images):
    pixels = images.images[:, 0, 0].long()
    return (pixels[:, 0] + 256 * pixels[:, 1]).tolist()


def test_no_image_is_in_two_parts_and_none_is_lost():
    sets = own_setup.own_parts(numbered(SORTED), most=10_000, measured=120)
    numbers = [number for images in sets.values() for number in numbers_of(images)]
    assert sorted(numbers) == list(range(500))
    assert {name: len(images) for name, images in sets.items()} == {
        "test": 120,
        "learn": 190,
        "candidates": 47,
        "threshold": 143,
    }


def test_every_part_has_the_classes_in_proportion():
    sets = own_setup.own_parts(SORTED, most=10_000, measured=120)
    shares = np.bincount(SORTED.labels, minlength=10) / 500
    for images in sets.values():
        counts = np.bincount(images.labels, minlength=10)
        assert np.abs(counts - shares * len(images)).max() < 2


def test_a_part_of_official_images_is_a_subset():
    official = dataclasses.replace(SORTED, origin="official")
    sets = own_setup.own_parts(official, most=10_000, measured=120)
    assert {images.origin for images in sets.values()} == {"subset"}


@pytest.mark.fault("too few data")
def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="60 images: 100 or more are needed"):
        own_setup.own_parts(SORTED.first(60), most=10_000, measured=120)


def test_the_demonstration_has_images_to_learn_from_and_stand_ins_are_marked():
    run = prepare_own_model("quick", model="", dataset="cifar10", side=32, measured=MEASURED)
    assert run.origin == "standin" and len(run.test) == 50
    assert {images.origin for images in run.sets.values()} == {"standin"}
    assert {"train", "val"} < set(run.sets)


def test_a_folder_of_pictures_at_any_size(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for k in range(60):
            pixels = generator.integers(256, size=(50, 70, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{k}.png")
    folder = str(tmp_path / "pictures")
    run = prepare_own_model("full", model="a:b", dataset=folder, side=48, measured=MEASURED)
    assert run.test.images.shape == (48, 3, 48, 48) and run.test.classes == ("cats", "dogs")
    assert run.origin == "own" and "train" not in run.sets
    assert run.profile.out == paths.RUNS / "own-a-b-pictures"  # the repository's findings stay
    with pytest.raises(ValueError, match="knows CIFAR-10's classes, not those of"):
        prepare_own_model("full", model="", dataset=folder, side=48, measured=MEASURED)


@pytest.mark.fault("downloads that fail")
def test_cifar10_in_full_is_never_a_stand_in(monkeypatch):
    def refuse(name, split, *, download):
        raise ConnectionError(f"{name} {split} cannot be downloaded")

    monkeypatch.setattr(data, "load", refuse)
    with pytest.raises(ConnectionError, match="cifar10 test"):
        prepare_own_model("full", model="a:b", dataset="cifar10", side=32, measured=MEASURED)


@pytest.mark.fault("missing files and data")
def test_a_network_of_somebodys_own_is_not_measured_on_drawn_shapes():
    with pytest.raises(FileNotFoundError, match="drawn shapes say nothing of a:b: run make data"):
        prepare_own_model("quick", model="a:b", dataset="cifar10", side=32, measured=MEASURED)
