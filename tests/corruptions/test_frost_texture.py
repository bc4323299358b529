import numpy as np
import pytest
import torch

from visionfail.corruptions import frost_texture

CPU = torch.device("cpu")


def brightness(number):
    return frost_texture.frost_texture(number).mean(0).numpy()  # (SIDE, SIDE)


def correlation(picture, pixels):
    """The correlation of a picture with itself, moved to the right and down by so many pixels."""
    right = np.corrcoef(picture[:, pixels:].ravel(), picture[:, :-pixels].ravel())[0, 1]
    down = np.corrcoef(picture[pixels:].ravel(), picture[:-pixels].ravel())[0, 1]
    return (right + down) / 2


def test_all_textures_have_the_same_levels_and_none_is_another():
    pictures = [brightness(number) for number in range(frost_texture.TEXTURES)]
    levels = [np.sort(picture, axis=None) for picture in pictures]
    for other in levels[1:]:
        assert np.array_equal(levels[0], other)
    assert levels[0][0] == frost_texture.DARKEST
    assert levels[0][-1] == frost_texture.BRIGHTEST
    assert abs(np.corrcoef(pictures[0].ravel(), pictures[1].ravel())[0, 1]) < 0.1


def test_crystals_are_a_few_pixels_wide():
    for number in range(frost_texture.TEXTURES):
        picture = brightness(number)
        assert correlation(picture, 1) > 0.5  # no noise of single pixels
        assert correlation(picture, 5) < 0.35  # no smooth patches


def test_needles_of_a_plate_have_one_direction_and_plates_differ():
    """Along its needles a plate changes less from pixel to pixel than across."""
    lattice = np.random.default_rng(0).random((frost_texture.LATTICE,) * 2)
    plates = np.array(
        [[0.5, 0.5001], [0.25, 0.75], [0.0, 0.5]]
    )  # left: flat needles; right: upright
    height = frost_texture.crystals(plates, lattice)
    left = height[20:140, 5:60]
    right = height[20:140, 100:155]
    for half, along, across in ((left, 1, 0), (right, 0, 1)):
        assert np.abs(np.diff(half, axis=along)).mean() < np.abs(np.diff(half, axis=across)).mean()


def test_one_channel_is_the_brightness_of_the_three():
    colour = frost_texture.frost_textures(3, CPU).double()
    grey = frost_texture.frost_textures(1, CPU).double()
    weights = torch.tensor([0.299, 0.587, 0.114]).double()[:, None, None]
    assert (grey[:, 0] - (colour * weights).sum(1)).abs().max() <= 1


@pytest.mark.fault("settings around the call")
def test_a_texture_is_the_same_whatever_the_default_device():
    expected = frost_texture.frost_texture(0)
    with torch.device("meta"):
        assert torch.equal(frost_texture.frost_texture(0), expected)
