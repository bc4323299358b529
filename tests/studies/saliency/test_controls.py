"""Controls for the overlap of maps, on a small network."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from makers import squares
from makers.drifts import constructed_drift, resamples

from visionfail.explain.gradcam import gradcam
from visionfail.explain.maps import overlap
from visionfail.explain.randomisation import parts_from_the_top, randomised
from visionfail.models.predict import predict
from visionfail.studies.saliency import controls

TEST = squares(24, seed=0)
TRAIN = squares(60, seed=1)


@pytest.fixture
def compared(tiny_model, tmp_path):
    classes = predict(tiny_model, TEST.images).argmax(1).numpy()
    path = tmp_path / "overlaps.npz"
    overlaps, how = controls.load_or_compare_maps(
        path, tiny_model, TEST, classes, train=TRAIN, weights="w"
    )
    assert how == "computed"
    return overlaps, classes, path


def test_another_class_is_the_second_most_likely(tiny_model, compared):
    overlaps, classes, _ = compared
    second = predict(tiny_model, TEST.images).argsort(1, descending=True)[:, 1]
    maps = gradcam(tiny_model, TEST.images, classes)
    expected = overlap(maps, gradcam(tiny_model, TEST.images, second))
    assert np.allclose(overlaps[controls.ANOTHER_CLASS], expected, atol=1e-3, equal_nan=True)


def test_the_steps_of_randomisation_go_from_the_head_to_the_stem(compared):
    steps = [name for name in compared[0] if name.startswith(controls.WITHOUT)]
    lowest = [name.removeprefix(controls.WITHOUT) for name in steps]
    assert lowest == ["head", "stage 4", "stage 3", "stage 2", "stage 1", "stem"]


def test_a_random_head_leaves_the_features(tiny_model, compared):
    overlaps, classes, _ = compared
    control = randomised(tiny_model, ["fc"], TRAIN.images, seed=controls.RANDOM_SEED)
    other = deepcopy(tiny_model)
    other.fc.load_state_dict(control.fc.state_dict())
    maps = gradcam(tiny_model, TEST.images, classes)
    expected = overlap(maps, gradcam(other, TEST.images, classes))
    assert np.allclose(overlaps[controls.WITHOUT + "head"], expected, atol=1e-3, equal_nan=True)


def test_the_control_has_lost_every_layer_and_is_built_once(tiny_model, tmp_path, monkeypatch):
    classes = predict(tiny_model, TEST.images).argmax(1).numpy()
    before = {name: value.clone() for name, value in tiny_model.state_dict().items()}

    def load():
        path = tmp_path / "control.npz"
        return controls.load_or_measure_control(
            path, tiny_model, TEST, classes, train=TRAIN, weights="w"
        )

    measured, how = load()
    assert how == "computed"
    assert measured.made["weights"] == controls.control_weights("w", TRAIN)
    parts = parts_from_the_top(tiny_model)
    names = [name for modules in parts.values() for name in modules]
    control = randomised(tiny_model, names, TRAIN.images, seed=controls.RANDOM_SEED)
    assert np.array_equal(measured.predicted[0], predict(control, TEST.images).argmax(1))
    assert all(torch.equal(value, before[name]) for name, value in tiny_model.state_dict().items())
    monkeypatch.setattr(controls.explain, "randomised", None)  # would fail if it was called
    assert load()[1] == "loaded"


@pytest.mark.fault("results of another run")
def test_controls_are_loaded_only_for_the_same_question(tiny_model, compared):
    overlaps, classes, path = compared

    def load(classes=classes, train=TRAIN, weights="w"):
        return controls.load_or_compare_maps(
            path, tiny_model, TEST, classes, train=train, weights=weights
        )

    again, how = load()
    assert how == "loaded"
    assert np.array_equal(again[controls.BLOB], overlaps[controls.BLOB], equal_nan=True)
    for other in ({"weights": "v"}, {"train": TRAIN.first(50)}, {"classes": (classes + 1) % 10}):
        assert load(**other)[1] == "computed"


def test_a_randomisation_is_named_by_its_lowest_part():
    measured = constructed_drift(40)
    overlaps = {controls.BLOB: np.full(40, 0.5)}
    overlaps[controls.WITHOUT + "head"] = np.full(40, 0.3)
    overlaps[controls.WITHOUT + "stage 4"] = np.where(np.arange(40) < 20, 0.2, np.nan)
    table = controls.cascade_table(overlaps, measured, resamples(40))
    clean = measured.predicted[0] == 0
    assert list(table["randomised down to"]) == ["head", "stage 4"]
    assert list(table.overlap) == pytest.approx([0.3, 0.2])
    assert list(table["empty maps"]) == pytest.approx([0, clean[20:].sum() / clean.sum()])
    assert list(table.n) == [clean.sum(), clean[:20].sum()]
