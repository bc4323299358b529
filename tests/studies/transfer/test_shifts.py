import dataclasses

import numpy as np
import pytest
import torch
from makers import squares

from visionfail import corruptions
from visionfail.studies.transfer import shifts

PICTURES = squares(12, seed=0)


def tiles_of(image, tiles):
    """The tiles of an image (C, H, W), row by row, each as bytes."""
    side = image.shape[1] // tiles
    cut = []
    for row in range(tiles):
        for column in range(tiles):
            rows = slice(row * side, (row + 1) * side)
            columns = slice(column * side, (column + 1) * side)
            cut.append(image[:, rows, columns].numpy().tobytes())
    return cut


@pytest.mark.parametrize("tiles", [2, 4, 8])
def test_every_tile_keeps_its_pixels_and_may_change_its_place(tiles):
    shuffled = shifts.shuffle_tiles(PICTURES.images, tiles)
    assert shuffled.shape == PICTURES.images.shape and shuffled.dtype == torch.uint8
    moved = 0
    for before, after in zip(PICTURES.images, shuffled, strict=True):
        old = tiles_of(before, tiles)
        new = tiles_of(after, tiles)
        assert sorted(old) == sorted(new)
        moved += sum(one != other for one, other in zip(old, new, strict=True))
    expected = len(PICTURES) * (tiles**2 - 1)  # a permutation keeps one place on average
    assert moved == pytest.approx(expected, rel=0.4)


def test_a_single_tile_is_the_image_itself():
    assert torch.equal(shifts.shuffle_tiles(PICTURES.images, 1), PICTURES.images)


def test_the_seed_decides_the_order():
    first = shifts.shuffle_tiles(PICTURES.images, 4, seed=3)
    state = torch.get_rng_state()
    assert torch.equal(first, shifts.shuffle_tiles(PICTURES.images, 4, seed=3))
    assert not torch.equal(first, shifts.shuffle_tiles(PICTURES.images, 4, seed=4))
    assert torch.equal(torch.get_rng_state(), state)


def orders_of(tiles, *, count, seed=0):
    """Where the tiles of `count` copies of one image come from, a row for each."""
    numbered = torch.arange(tiles * tiles).view(1, 1, tiles, tiles).repeat(count, 1, 1, 1)
    return shifts.shuffle_tiles(numbered, tiles, seed=seed).flatten(1)


def test_images_have_orders_of_their_own():
    orders = orders_of(4, count=50)
    assert len({tuple(row.tolist()) for row in orders}) == 50
    # every tile comes to every place: 2,400 draws over 16 places
    first = orders_of(4, count=2400)[:, 0].bincount(minlength=16)
    assert first.min() > 100 and first.max() < 200


def test_an_image_is_shuffled_alike_whoever_stands_behind_it():
    few = shifts.shuffle_tiles(PICTURES.images[:5], 4)
    assert torch.equal(few, shifts.shuffle_tiles(PICTURES.images, 4)[:5])


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(("shape", "tiles"), [((30, 32), 4), ((32, 30), 4), ((32, 32), 5)])
def test_a_side_that_is_no_multiple_is_refused(shape, tiles):
    images = torch.zeros(2, 3, *shape, dtype=torch.uint8)
    words = f"{tiles} tiles along {shape[0]} x {shape[1]} pixels: pass a divisor of both"
    with pytest.raises(ValueError, match=words):
        shifts.shuffle_tiles(images, tiles)


def test_oblong_images_are_cut_into_oblong_tiles():
    images = torch.zeros(1, 1, 8, 4, dtype=torch.long)
    for row, column in np.ndindex(2, 2):
        images[0, 0, 4 * row : 4 * row + 4, 2 * column : 2 * column + 2] = 2 * row + column
    shuffled = shifts.shuffle_tiles(images, 2, seed=1)[0, 0]
    corners = shuffled[::4, ::2]  # one pixel of each tile
    assert torch.equal(shuffled, corners.repeat_interleave(4, 0).repeat_interleave(2, 1))
    assert sorted(corners.flatten().tolist()) == [0, 1, 2, 3]
    assert corners.flatten().tolist() != [0, 1, 2, 3]


def test_conditions_are_the_corruptions_then_the_tiles():
    conditions = shifts.shifted_conditions()
    names = [name for name, _ in conditions]
    assert len(conditions) == len(set(conditions)) == 19 * 3 + 3
    assert conditions[-3:] == [("shuffled", 2), ("shuffled", 4), ("shuffled", 8)]
    assert "clean" not in names and len(set(names[:-3])) == 19
    assert {severity for _, severity in conditions[:-3]} == {1, 3, 5}


CONDITIONS = [("contrast", 3), ("shuffled", 4), ("gaussian_noise", 5)]


def test_shifted_images_are_those_of_each_condition(tmp_path):
    made = shifts.shifted_images(PICTURES, CONDITIONS, tmp_path)
    assert made.shape == (3, 12, 3, 32, 32) and made.dtype == np.uint8
    assert np.array_equal(made[0], corruptions.corrupt(PICTURES.images, "contrast", 3))
    assert np.array_equal(made[1], shifts.shuffle_tiles(PICTURES.images, 4))
    assert np.array_equal(made[2], corruptions.corrupt(PICTURES.images, "gaussian_noise", 5))
    assert len({made[k].tobytes() for k in range(3)}) == 3


def must_not_be_called(*arguments):
    raise AssertionError("what is stored is made again")


def test_shifted_images_are_made_once(tmp_path, monkeypatch):
    made = np.array(shifts.shifted_images(PICTURES, CONDITIONS, tmp_path))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npy", ".sha256"]
    monkeypatch.setattr(shifts, "shifted", must_not_be_called)
    assert np.array_equal(shifts.shifted_images(PICTURES, CONDITIONS, tmp_path), made)


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def of_another_shape(path):
    np.save(path, np.load(path)[:, :5])


def several_arrays(path):
    with open(path, "r+b") as file:
        np.savez(file, images=np.zeros(3))


def of_another_dtype(path):
    np.save(path, np.load(path).astype(np.float32))


def cut(path):
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    "damage", [flipped, of_another_shape, several_arrays, of_another_dtype, cut]
)
def test_damaged_shifted_images_are_made_again(tmp_path, damage):
    whole = np.array(shifts.shifted_images(PICTURES, CONDITIONS, tmp_path))
    (file,) = tmp_path.glob("*.npy")
    damage(file)
    again = shifts.shifted_images(PICTURES, CONDITIONS, tmp_path)
    assert again.dtype == np.uint8 and np.array_equal(again, whole)


@pytest.mark.fault("interrupted run")
def test_an_interrupted_making_leaves_no_file(tmp_path, monkeypatch):
    plain = shifts.shifted

    def interrupted(images, name, severity):
        if name == "shuffled":
            raise KeyboardInterrupt
        return plain(images, name, severity)

    monkeypatch.setattr(shifts, "shifted", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shifts.shifted_images(PICTURES, CONDITIONS, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("results of another run")
def test_shifted_images_of_other_images_are_not_taken_for_these(tmp_path):
    shifts.shifted_images(PICTURES, CONDITIONS, tmp_path)
    other = dataclasses.replace(PICTURES, images=255 - PICTURES.images)
    made = shifts.shifted_images(other, CONDITIONS, tmp_path)
    assert np.array_equal(made[0], corruptions.corrupt(other.images, "contrast", 3))
