import numpy as np
import pytest
import torch
from makers import squares
from scipy import ndimage

from visionfail import paths
from visionfail.explain.gradcam import gradcam
from visionfail.explain.maps import centre_mass
from visionfail.files import load_arrays, save_arrays
from visionfail.metrics import classification
from visionfail.models.predict import predict
from visionfail.studies.saliency import drift

TEST = squares(24, seed=0)
TOP = 0.2  # share of the pixels that count as where a map looks


@pytest.fixture
def measured(tiny_model, tmp_path):
    path = tmp_path / "drift.npz"
    classes = predict(tiny_model, TEST.images).argmax(1).numpy()
    stored, how = drift.load_or_measure_drift(path, tiny_model, TEST, classes, weights="w")
    assert how == "computed"
    return tiny_model, classes, stored, path


def test_a_step_there_and_back_changes_nothing_but_the_rim():
    pictures = np.random.default_rng(0).random((8, 5, 7))
    back = drift.shift_by_one(drift.shift_by_one(pictures), back=True)
    assert np.array_equal(back[:, 1:-1, 1:-1], pictures[:, 1:-1, 1:-1])


def test_a_step_is_the_shift_of_scipy():
    pictures = np.random.default_rng(0).random((8, 5, 7))
    moved = drift.shift_by_one(pictures)
    steps = [(-1, 0), (1, 0), (0, -1), (0, 1)] * 2  # rows down, columns right
    for k, step in enumerate(steps):
        expected = ndimage.shift(pictures[k], step, order=0, mode="nearest")
        assert np.array_equal(moved[k], expected)


def test_jitter_is_a_pixel_and_faint_noise():
    plain = torch.full((4, 3, 32, 32), 128, dtype=torch.uint8)
    changed = drift.jitter(plain).float() - 128
    assert changed.std().item() == pytest.approx(2, rel=0.05)
    assert abs(changed.mean().item()) < 0.1
    assert torch.equal(drift.jitter(plain), drift.jitter(plain))


def top_pixels(saliency):
    """The places of the largest TOP of a map (H, W), the first of equal ones first."""
    ranked = sorted(range(saliency.size), key=lambda place: -saliency.flat[place])
    return set(ranked[: round(TOP * saliency.size)])


def test_measures_are_those_of_scipy_and_of_sets_of_pixels(measured):
    model, classes, stored, _ = measured
    row = drift.CONDITIONS.index(("fog", 3))
    images = drift.make_version(TEST.images, "fog", 3)
    clean = gradcam(model, TEST.images, torch.as_tensor(classes))
    foggy = gradcam(model, images, torch.as_tensor(classes))
    assert np.array_equal(stored.predicted[row], predict(model, images).argmax(1))
    compared = 0
    for k in range(len(TEST)):
        if not clean[k].any() or not foggy[k].any():
            assert np.isnan(stored.overlap[row, k])
            continue
        first = top_pixels(clean[k])
        second = top_pixels(foggy[k])
        overlap = len(first & second) / len(first | second)
        assert stored.overlap[row, k] == pytest.approx(overlap, abs=1e-3)
        before = ndimage.center_of_mass(clean[k].astype(float))
        after = ndimage.center_of_mass(foggy[k].astype(float))
        distance = np.hypot(before[0] - after[0], before[1] - after[1])
        assert stored.shift[row, k] * 32 == pytest.approx(distance, abs=0.02)
        share = foggy[k] / foggy[k].sum(dtype=float)
        entropy = -sum(p * np.log(p) for p in share.flat if p > 0) / np.log(share.size)
        assert stored.entropy[row, k] == pytest.approx(entropy, abs=1e-3)
        assert stored.centre[row, k] == pytest.approx(share[8:24, 8:24].sum(), abs=1e-3)
        compared += 1
    assert compared > len(TEST) / 2


def test_the_log_odds_of_the_class_are_those_of_its_probability(measured):
    model, classes, stored, _ = measured
    row = drift.CONDITIONS.index(("contrast", 5))
    logits = predict(model, drift.make_version(TEST.images, "contrast", 5)).double()
    p = logits.softmax(1)[torch.arange(len(TEST)), torch.as_tensor(classes)]
    assert np.allclose(stored.class_log_odds[row], torch.log(p / (1 - p)), atol=2e-3)
    # the class named on the clean image is the surest there
    assert np.array_equal(stored.class_log_odds[0], stored.log_odds[0])


def test_the_log_odds_of_a_class_stay_finite_where_its_probability_rounds_to_0_or_1():
    logits = np.array([[2000.0, -2000.0], [2000.0, -2000.0]])
    assert list(classification.log_odds(logits, [0, 1])) == [4000, -4000]
    with pytest.raises(ValueError, match="label 2 is out of range"):
        classification.log_odds(logits, [0, 2])


def test_a_clean_map_lies_on_itself(measured):
    stored = measured[2]
    has_map = np.isfinite(stored.overlap[0])
    assert (stored.overlap[0][has_map] == 1).all()
    assert (stored.shift[0][has_map] == 0).all()


@pytest.mark.fault("results of another run")
def test_what_was_measured_is_loaded_only_for_the_same_question(measured):
    model, classes, stored, path = measured

    def load(classes=classes, weights="w", layer=None):
        return drift.load_or_measure_drift(path, model, TEST, classes, weights=weights, layer=layer)

    again, how = load()
    assert how == "loaded"
    assert np.array_equal(again.overlap, stored.overlap, equal_nan=True)
    assert again.made == stored.made
    for other in ({"weights": "v"}, {"layer": "layer3"}, {"classes": (classes + 1) % 10}):
        assert load(**other)[1] == "computed"


@pytest.mark.fault("results of another run")
def test_what_lacks_a_measure_is_measured_again(measured):
    model, classes, stored, path = measured
    arrays, made = load_arrays(path)
    del arrays["class_log_odds"]
    save_arrays(path, arrays, made=made)
    again, how = drift.load_or_measure_drift(path, model, TEST, classes, weights="w")
    assert how == "computed"
    assert np.array_equal(again.class_log_odds, stored.class_log_odds)


@pytest.mark.fault("missing files and data")
def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing is stored at"):
        drift.Drift.load(tmp_path / "none.npz")


def test_the_middle_quarter_of_an_even_map_is_a_quarter():
    maps = np.stack([np.ones((32, 32)), np.zeros((32, 32)), np.pad(np.ones((16, 16)), 8)])
    assert np.allclose(centre_mass(maps), [0.25, np.nan, 1], equal_nan=True)


def test_stored_drift_has_the_right_shape():
    for path in paths.RESULTS.glob("drift-*.npz"):
        stored = drift.Drift.load(path)
        for name in drift.ARRAYS:
            shape = getattr(stored, name).shape
            assert shape[-1:] == stored.labels.shape
            assert name == "labels" or shape == (len(drift.CONDITIONS), len(stored.labels))
