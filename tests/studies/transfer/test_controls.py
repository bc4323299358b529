"""Controls of claims, on answers whose truth is known by construction."""

import numpy as np
import pytest
from makers import random_outcomes

from visionfail import metrics
from visionfail.studies.transfer import controls, recipes, robustness
from visionfail.studies.transfer.answers import Asked, Trained
from visionfail.studies.transfer.backgrounds import Swapped

N = 1000
LABELS = np.tile(np.arange(10), N // 10)
COUNTS = metrics.resampling_counts(100, N, np.random.default_rng(0))
CAT, DOG = 3, 5


def with_errors(label, answer, count):
    """Answers that take the first `count` images of a class for another one."""
    predicted = LABELS.copy()
    predicted[np.flatnonzero(label == LABELS)[:count]] = answer
    return predicted


def asked_of(predicted):
    predicted = np.atleast_2d(predicted)
    return Asked(predicted, np.ones(predicted.shape, dtype=np.float16), LABELS)


def trained(name, predicted):
    asked = asked_of(predicted)
    return Trained(recipes.members()[name], asked, asked, None, [{"seed": 0}])


def swapped(peaks, centres):
    none = np.zeros((1, len(peaks)), dtype=bool)
    labels = np.zeros(len(peaks), dtype=int)
    return Swapped({}, none, labels, np.array(peaks), np.array(centres), np.full(len(peaks), 0.3))


UNDER_CORRUPTION, _, _ = random_outcomes(n=N)


@pytest.fixture(autouse=True)
def beside(monkeypatch):
    """The reference beside itself: it keeps as much as the others do."""
    names = ("reference", "resnet18 s0", "resnet18 s1")
    alike = dict.fromkeys(names, UNDER_CORRUPTION)
    monkeypatch.setattr(robustness, "networks_beside", lambda reference: alike)


def table_of(networks):
    objects = swapped([True, False, False, False], [True, True, True, False])
    asked = asked_of(with_errors(CAT, DOG, 40))
    of_pictures = np.ones((100, 4))
    table = controls.controls_table(asked, COUNTS, networks, objects, of_pictures, UNDER_CORRUPTION)
    return table.set_index("claim")


def test_a_class_that_is_named_more_often_gains_recall_and_loses_precision():
    before = trained("tuned-64", with_errors(CAT, DOG, 50))  # half of the cats, nothing else a cat
    predicted = with_errors(DOG, CAT, 100)  # all cats, and all dogs
    networks = {"tuned-64": before, "weighted-64": trained("weighted-64", predicted)}
    assert table_of(networks).value["D10c"] == pytest.approx(0.5 - 1)


def test_each_control_changes_one_thing_of_its_claim():
    late = trained("late-at-once-64", LABELS)
    table = table_of(
        {"tuned-64": trained("tuned-64", with_errors(0, 1, 50)), "late-at-once-64": late}
    )
    assert table.value["D3"] == pytest.approx(-0.05)
    assert table.value["D5"] == pytest.approx(0)  # all errors are of cats
    assert table.value["D8a"] == pytest.approx(-0.5) and table.n["D8a"] == 4
    expected = {k: v for k, v in controls.CONTROLS.items() if k != "D10c"}
    for claim in ("D3", "D13"):
        expected[claim] += " (one seed)"
    assert table.control.to_dict() == expected
    assert table.value["D13"] == pytest.approx(0)


def test_a_corruption_that_is_left_out_counts_no_more():
    share = robustness.corrupted_share(UNDER_CORRUPTION, without="frost")
    frost = [UNDER_CORRUPTION.at("frost", severity) for severity in range(1, 6)]
    everything = 75 * robustness.corrupted_share(UNDER_CORRUPTION)
    left = everything - UNDER_CORRUPTION.correct[frost].sum(axis=0)
    np.testing.assert_allclose(70 * share, left)


def test_a_control_whose_recipe_is_missing_is_left_out():
    assert set(table_of({}).index) == {"D5", "D8a", "D13"}
