"""Hiding pixels where maps say: which pixels, which images, and the table."""

import numpy as np
import pytest
import torch
from makers import squares
from makers.drifts import resamples

from visionfail.explain.gradcam import gradcam
from visionfail.models.predict import predict
from visionfail.studies.saliency import drift, occlusion

TEST = squares(12, seed=0)


def test_each_image_is_under_its_corruption_in_turn():
    corrupted = occlusion.corrupted_in_turn(TEST.images, 5)
    for k in range(12):
        expected = drift.make_version(TEST.images, drift.CORE[k % 6], 5)[k]
        assert torch.equal(corrupted[k], expected)
    assert torch.equal(occlusion.corrupted_in_turn(TEST.images, 0), TEST.images)


def test_what_is_measured_is_the_fall_of_the_log_odds(tiny_model, tmp_path):
    classes = predict(tiny_model, TEST.images).argmax(1).numpy()
    path = tmp_path / "occlusion.npz"
    falls, how = occlusion.load_or_occlude(path, tiny_model, TEST, classes, weights="w")
    assert how == "computed"
    assert falls.shape == (len(occlusion.HIDDEN), len(occlusion.OCCLUDED), 12)
    same = occlusion.HIDDEN.index("clean map")
    assert np.array_equal(falls[0, 0], falls[same, 0], equal_nan=True)  # on clean images
    again, how = occlusion.load_or_occlude(path, tiny_model, TEST, classes, weights="w")
    assert how == "loaded" and np.array_equal(again, falls, equal_nan=True)
    assert occlusion.load_or_occlude(path, tiny_model, TEST, classes, weights="v")[1] == "computed"


def test_random_maps_are_as_smooth_as_those_of_grad_cam(tiny_model):
    random = occlusion.random_maps((12, 32, 32))
    assert np.array_equal(random, occlusion.random_maps((12, 32, 32)))
    maps = gradcam(tiny_model, TEST.images, [0] * 12)
    steps = [np.abs(np.diff(values, axis=2)).max() for values in (random, maps)]
    assert steps[0] < 2 * steps[1]


def test_a_map_that_is_the_better_guide_holds_and_one_that_is_worse_fails():
    falls = np.random.default_rng(0).normal(0, 0.1, (5, 3, 200))
    falls[0] += 2  # the own map
    falls[1] += 1
    falls[3] += 3  # the middle is better
    right = np.arange(200) < 150
    falls[0, :, 10] = np.nan
    table = occlusion.occlusion_table(falls, right, resamples(200))
    table = table.set_index(["severity", "hidden"])
    assert table.verdict[5, "weakest of it"] == "holds"
    assert table.verdict[5, "middle"] == "fails"
    assert (0, "clean map") not in table.index
    expected = np.nanmean((falls[0] - falls[1])[1, :150])
    assert table.less[3, "weakest of it"] == pytest.approx(expected)
    assert set(table.n) == {149}
