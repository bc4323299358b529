"""Pictures are shown pixel by pixel, each in its place."""

import numpy as np
import pytest

from figures.checks import CLASSES, CORRUPTIONS, assert_readable, pictures, words
from visionfail.figures.pictures import (
    augmentation_before_after,
    corruption_gallery,
    heat,
    image_grid,
)


def captioned_grid():
    captions = ["automobile →\nairplane 99%"] * 16
    return image_grid(pictures(16), columns=8, captions=captions, title="Confident mistakes")


def grid_by_class():
    return image_grid(pictures(50), columns=5, row_names=CLASSES, title="Five per class")


def grey_grid():
    return image_grid(pictures(5, 1, 28), columns=5)


def augmentation():
    return augmentation_before_after(pictures(20), pictures(20), title="What training sees")


def gallery():
    images = pictures(30).reshape(5, 6, 3, 32, 32)
    return corruption_gallery(images, CORRUPTIONS, severities=range(6), title="One image")


@pytest.mark.parametrize("draw", [captioned_grid, grid_by_class, grey_grid, augmentation, gallery])
def test_figures_are_readable(draw):
    assert_readable(draw())


def shown_pixels(tile):
    """A drawn colour image, (C, H, W) again."""
    return np.moveaxis(np.asarray(tile.get_array()), -1, 0)


def test_grids_show_the_very_pixels():
    images = pictures(6)
    tiles = image_grid(images, columns=3).axes[0].images
    assert np.array_equal([shown_pixels(tile) for tile in tiles], images)
    assert {tile.get_interpolation() for tile in tiles} == {"nearest"}


def test_grey_pictures_are_shown_from_black_to_white():
    images = pictures(2, 1, 28)
    tile = image_grid(images, columns=2).axes[0].images[1]
    assert np.array_equal(np.asarray(tile.get_array()), images[1, 0])
    assert tile.get_clim() == (0, 255)


def test_augmentation_puts_after_under_before():
    before = pictures(20)
    after = 255 - before
    tiles = augmentation_before_after(before, after).axes[0].images
    left, _, lower, upper = tiles[10].get_extent()
    assert left == 0
    assert tiles[0].get_extent()[2] < upper < lower  # y grows downwards
    assert np.array_equal(shown_pixels(tiles[10]), after[0])
    assert np.array_equal(shown_pixels(tiles[20]), before[10])


def test_a_gallery_fills_its_left_block_first():
    images = pictures(6)[:, None]
    names = ["fog", "contrast", "frost", "snow", "brightness"]
    left, right = corruption_gallery(images[:5], names, severities=[5]).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["fog", "contrast", "frost*"]
    assert [label.get_text() for label in right.get_yticklabels()] == ["snow", "brightness"]
    assert np.array_equal(shown_pixels(right.images[0]), images[3, 0])


@pytest.mark.parametrize("ours", [True, False])
def test_frost_is_marked_where_its_texture_is_ours(ours):
    images = pictures(2)[:, None]
    fig = corruption_gallery(images, ["frost", "fog"], severities=[5], frost_is_ours=ours)
    assert ("frost*" in words(fig)) == ours
    assert any("our own texture" in text for text in words(fig)) == ours


def test_heat_is_dark_blue_for_none_and_yellow_for_all():
    ends = heat(np.array([[0.0, 1.0]]))
    assert ends.dtype == np.uint8
    assert ends.tolist() == [[[0, 34, 78], [254, 232, 56]]]  # cividis, Nunez et al. 2018


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: image_grid(pictures(2).astype(float), columns=2), "float64"),
        (lambda: image_grid(np.moveaxis(pictures(2), 1, -1), columns=2), r"\(N, C, H, W\)"),
        (lambda: image_grid(pictures(3), columns=2, captions=["a"]), "1 captions for 3"),
        (lambda: image_grid(pictures(3), columns=2, row_names=["a"]), "1 row names for 2"),
        (lambda: augmentation_before_after(pictures(3), pictures(2)), "differ"),
        (lambda: augmentation_before_after(pictures(13), pictures(13)), "do not fill"),
        (lambda: corruption_gallery(pictures(6), CORRUPTIONS, severities=range(6)), r"give \(5, 6"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
