"""Masks: bits there and back, which are usable, and how a hole is filled."""

import numpy as np
import pytest

from visionfail.studies.transfer import masks


def test_masks_come_back_from_their_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(masks, "FILE", tmp_path / "masks.npz")
    pixels = np.random.default_rng(0).random((5, 32, 32)) < 0.3
    masks.save_masks(pixels, made={"by": "chance"})
    found = masks.load_masks()
    assert np.array_equal(found.pixels, pixels) and found.made["by"] == "chance"


def test_a_mask_that_is_too_small_or_too_large_is_not_usable():
    pixels = np.zeros((3, 10, 10), dtype=bool)
    pixels[0, :3, :3] = True
    pixels[1, :5, :5] = True
    pixels[2, :9] = True
    found = masks.Masks(pixels, {})
    assert found.share() == pytest.approx([0.09, 0.25, 0.9])
    assert found.usable().tolist() == [False, True, False]


def test_a_hole_is_filled_with_the_nearest_pixel_outside_of_its_rim():
    image = np.zeros((3, 12, 12), dtype=np.uint8)
    image[:, :, 6:] = 200  # the right half is bright
    mask = np.zeros((12, 12), dtype=bool)
    mask[4:8, 1:3] = True
    image[:, 4:8, 1:3] = 99  # the object
    image[:, 3, 1:3] = 98  # its edge, just outside of the mask
    filled = masks.without_object(image, mask)
    assert not np.isin(filled, (98, 99)).any()
    assert np.array_equal(filled[:, :, 6:], image[:, :, 6:])
    bare = masks.without_object(image, mask, rim=0)
    assert (bare == 98).any() and not (bare == 99).any()


def test_a_mask_whose_rim_would_cover_everything_is_not_widened():
    image = np.arange(3 * 16, dtype=np.uint8).reshape(3, 4, 4)
    mask = np.ones((4, 4), dtype=bool)
    mask[0, 0] = False
    filled = masks.without_object(image, mask)
    assert (filled == image[:, :1, :1]).all()
