"""Explanation quality by class: which answers count, and what goes with errors."""

import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail import explain, models
from visionfail.studies.uneven import covariates, explanations
from visionfail.studies.uneven.seed_answers import SeedAnswers


@pytest.fixture(scope="module")
def mapped():
    """(network, images, answers, measures) of a narrow network with random weights."""
    images = squares(12, seed=0)
    network = models.build("resnet18", num_classes=10, width=8, **STATS, seed=0)
    logits = models.predict(network, images.images)
    answers = SeedAnswers(
        labels=images.labels.numpy(),
        predicted=np.stack([logits.argmax(1).numpy()] * 2),
        log_odds=np.ones((2, 12), dtype=np.float16),
        groups=None,
        covariates={},
        made={"dataset": "cifar10", "split": "test", "seeds": [3, 4]}
        | {"classes": list(images.classes)},
    )
    measures = explanations.explain_all(
        {3: network}, images, answers, train=squares(20, seed=1), mapped=8, hidden=3
    )
    return network, images, answers, measures


def test_measures_are_those_of_the_maps_of_the_answers(mapped):
    network, images, answers, measures = mapped
    assert set(measures) == set(explanations.measured_names())
    maps = explain.gradcam(network, images.images[:8], torch.tensor(answers.predicted[0, :8]))
    entropy = measures["entropy"][0, :8]
    assert entropy == pytest.approx(explain.map_entropy(maps), abs=1e-3, nan_ok=True)
    assert np.isnan(measures["entropy"][0, 8:]).all()
    assert np.isfinite(measures[explanations.OWN][0, :3]).any()
    assert np.isnan(measures[explanations.OWN][0, 3:]).all()


def test_a_seed_without_weights_has_no_maps(mapped):
    _, _, _, measures = mapped
    for values in measures.values():
        assert np.isnan(values[1]).all()


def test_a_random_head_changes_the_maps_alone(mapped):
    network, images, answers, measures = mapped
    random = measures[f"entropy, {explanations.RANDOM_HEAD}"][0, :8]
    assert not np.allclose(random, measures["entropy"][0, :8], equal_nan=True)
    assert models.predict(network, images.images).argmax(1).tolist() == (
        answers.predicted[0].tolist()
    )


def answers_with(correct, labels):
    """Answers that are right where `correct` (S, N) says so, of three classes."""
    predicted = np.where(correct, labels, (labels + 1) % 3)
    made = {"dataset": "cifar10", "split": "test", "seeds": [0, 1], "classes": ["a", "b", "c"]}
    log_odds = np.zeros(predicted.shape, dtype=np.float16)
    return SeedAnswers(labels, predicted, log_odds, None, {}, made)


def test_only_right_answers_with_a_value_count():
    labels = np.array([0, 0, 1, 1, 2])
    correct = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 0, 0]], dtype=bool)
    values = np.array([[1, 9, 2, np.nan, 9], [3, 5, 4, 9, 9]])
    means = explanations.means_of_right_answers(values, answers_with(correct, labels))
    # a: mean of 1, and of 3 and 5; b: 2, and 4; c: never right
    assert means == pytest.approx([2.5, 3, np.nan], nan_ok=True)


def test_classes_without_errors_are_left_out():
    labels = np.array([0, 0, 1, 1, 2])
    correct = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 1, 0]], dtype=bool)
    rates = explanations.classes_with_errors(answers_with(correct, labels))
    assert rates == pytest.approx([0.25, np.nan, 1], nan_ok=True)


def answers_of_six(correct, labels, rng):
    """Answers that are right where `correct` (S, N) says so, of six classes."""
    predicted = np.where(correct, labels, (labels + 1) % 6)
    seeds = list(range(len(correct)))
    made = {"dataset": "cifar10", "split": "test", "seeds": seeds, "classes": list("abcdef")}
    log_odds = rng.normal(3, 0.1, predicted.shape).astype(np.float16)
    return SeedAnswers(labels, predicted, log_odds, None, {}, made)


def test_measures_are_set_against_the_errors_of_classes():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 200)
    correct = rng.random((2, 1200)) > 0.03 + 0.05 * labels
    answers = answers_of_six(correct, labels, rng)
    measured = {}
    for name in explanations.measured_names():
        measured[name] = rng.random((2, 1200))
    measured["entropy"] = labels + 0.1 * rng.random((2, 1200))
    measured["entropy"][:, ::2] = np.nan  # half have no map
    measured["centre, random head"] = -labels + 0.1 * rng.random((2, 1200))
    table = explanations.explanation_table(measured, answers).set_index("measure")
    assert table.correlation["entropy"] == pytest.approx(1)
    assert table.random_head["centre"] == pytest.approx(-1)
    assert table.head_hi["centre"] < -0.9 < table.head_hi["entropy"]
    assert np.isnan(table.random_head[explanations.OWN])
    assert table.maps["entropy"] == correct[:, 1::2].sum()
    assert (table.classes == 6).all() and table.worse["strongest fifth"] == "less"


def test_a_measure_that_hardly_varies_tells_nothing():
    assert explanations.others_than_most(np.array([1, 1, 2, 1, 3])) == 2
    assert explanations.others_than_most(np.array([])) == 0
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 200)
    correct = rng.random((1, 1200)) > 0.03 + 0.05 * labels
    answers = answers_of_six(correct, labels, rng)
    measured = {name: rng.random((1, 1200)) for name in explanations.measured_names()}
    measured["fragments"] = np.ones((1, 1200))
    enough = int(np.ceil(explanations.FEWEST_OTHERS * correct.sum()))
    few = np.flatnonzero(correct[0])[:enough]  # of the first class, the easiest
    measured["fragments"][0, few[1:]] = 2
    row = explanations.explanation_table(measured, answers).set_index("measure").loc["fragments"]
    assert row.others == enough - 1 and np.isnan(row.correlation)
    assert row.classes == 6  # which its control has, too
    measured["fragments"][0, few] = 2
    row = explanations.explanation_table(measured, answers).set_index("measure").loc["fragments"]
    assert row.others == enough and row.correlation < 0


def test_partial_correlation_is_that_of_the_ranks_left_over():
    rng = np.random.default_rng(0)
    given = rng.random(30)
    first = given + rng.random(30)
    second = given + rng.random(30)
    ranks = [np.argsort(np.argsort(side)) for side in (first, second, given)]
    left = [side - np.polyval(np.polyfit(ranks[2], side, 1), ranks[2]) for side in ranks[:2]]
    r, lo, hi = covariates.partial_rank_correlation(first, second, given)
    assert r == pytest.approx(np.corrcoef(left)[0, 1])
    assert lo < r < hi
    plain = covariates.rank_correlation(first, second)[0]
    assert r < plain


def test_nothing_is_left_of_what_is_given():
    values = np.arange(10.0)
    assert np.isnan(covariates.partial_rank_correlation(values, values[::-1], values)).all()
    assert np.isnan(covariates.partial_rank_correlation(values, values, np.ones(10))).all()
