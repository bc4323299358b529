"""The link of clean errors and fragility: found where planted, absent where it is not."""

import numpy as np
import pytest
from scipy import stats

from visionfail.studies.uneven import covariates, link
from visionfail.studies.uneven.attacked import EPSILONS
from visionfail.studies.uneven.seed_answers import SeedAnswers


def world(*, linked, n=4000, seed=0):
    """(answers, attacked, correct): class k errs in 2 + 2k percent; its images fall at an epsilon
    that shrinks with k where the two are linked.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 8, n)
    wrong = rng.random((2, n)) < 0.02 + 0.02 * labels
    predicted = np.where(wrong, (labels + 1) % 8, labels)
    made = {"dataset": "cifar10", "split": "test", "seeds": [0, 1], "classes": list("abcdefgh")}
    answers = SeedAnswers(labels, predicted, np.zeros((2, n)), None, {}, made)
    attacked = np.arange(0, n, 2)
    order = labels[attacked] if linked else rng.permutation(8)[labels[attacked]]
    falls_at = 8 / (1 + order) * rng.lognormal(0, 0.3, (2, len(attacked)))
    correct = falls_at[:, None] > np.array(EPSILONS)[:, None]
    correct &= ~wrong[:, None, attacked]
    return answers, attacked, correct


def test_a_planted_link_is_found_and_its_absence_is_not_one():
    settings = {"halvings": 5, "bootstraps": 60, "generator": np.random.default_rng(0)}
    found = link.link_between_halves(*world(linked=True), **settings)
    assert found.value > 0.9 and found.lo > 0.5 and found.classes == 8
    values = []
    for seed in range(12):
        one = link.link_between_halves(*world(linked=False, seed=seed), **settings)
        values.append(one.value)
    assert abs(np.mean(values)) < 0.3


def test_epsilons_that_are_never_reached_are_tied():
    first = np.array([0.1, 0.2, 0.3, 0.4])
    second = -np.array([np.inf, np.inf, 4.0, 2.0])
    value, _, _, classes = covariates.rank_correlation(first, second)
    assert value == pytest.approx(stats.spearmanr(first, [1, 1, 2, 3]).statistic)
    assert classes == 4
    value, _, _, classes = covariates.rank_correlation(first, np.array([np.nan, 1, 1, 1]))
    assert np.isnan(value) and classes == 3


@pytest.mark.fault("bad arguments")
def test_other_shapes_are_refused():
    answers, attacked, correct = world(linked=True, n=100)
    with pytest.raises(ValueError, match="seeds, epsilons, images"):
        link.link_between_halves(
            answers,
            attacked[:-1],
            correct,
            halvings=1,
            bootstraps=2,
            generator=np.random.default_rng(0),
        )
