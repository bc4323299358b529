"""Compactness and fragments of maps, by maps whose values are known."""

import numpy as np
import pytest
from skimage.measure import label

from visionfail import explain


def test_the_strongest_fifth_holds_its_share():
    even = np.ones((1, 10, 10))
    spot = np.zeros((1, 10, 10))
    spot[0, 2:5, 2:5] = 1  # 9 of the 20 strongest pixels
    half = even.copy()
    half[0, :2] = 5  # a fifth of the pixels
    shares = explain.top_share(np.concatenate([even, spot, half]))
    assert shares == pytest.approx([0.2, 1, 100 / 180])


def test_fragments_are_regions_connected_across_sides():
    maps = np.zeros((3, 8, 8))
    maps[0, 1, 1] = 1
    maps[1, 1, 1] = maps[1, 2, 2] = 1  # corners do not connect
    maps[1, 6, 6] = 0.4  # under half of the maximum
    maps[2, :, 3] = 1
    assert explain.fragments(maps).tolist() == [1, 2, 1]


def test_fragments_are_those_of_scikit_image():
    maps = np.random.default_rng(0).random((20, 12, 12)) ** 3
    expected = [label(values >= values.max() / 2, connectivity=1).max() for values in maps]
    assert max(expected) > 3
    assert explain.fragments(maps).tolist() == expected


def test_empty_maps_have_neither():
    empty = np.zeros((1, 4, 4))
    assert np.isnan(explain.top_share(empty)).all() and np.isnan(explain.fragments(empty)).all()
