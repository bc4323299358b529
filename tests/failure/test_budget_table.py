"""A table of budgets is what the functions of risk control say one by one."""

import numpy as np
import pytest
from makers import random_activations

from visionfail import failure
from visionfail.failure import Scored


def scored(seed, n=600):
    generator = np.random.default_rng(seed)
    failed = generator.random(n) < 0.2
    score = failed + generator.normal(0, 0.5, n)
    return Scored({"auditor": score, "1 - confidence": generator.random(n)}, failed, np.arange(n))


FRESH = {"the mix": scored(3), "clean": scored(4)}


@pytest.fixture(scope="module")
def table():
    detectors = ["auditor", "1 - confidence"]
    return failure.budget_table(
        scored(1), scored(2), FRESH, detectors=detectors, budgets=[0.05, 0.1]
    )


def test_a_row_for_every_detector_budget_and_condition(table):
    assert len(table) == 2 * 2 * 2
    assert list(table.condition.unique()) == ["the mix", "clean"]


def test_risk_is_that_of_the_answers_up_to_the_threshold(table):
    for row in table[table.accepted > 0].itertuples():
        fresh = FRESH[row.condition]
        accepted = fresh.scores[row.detector] <= row.threshold
        assert row.accepted == accepted.sum() and row.coverage == accepted.mean()
        assert row.risk == pytest.approx(fresh.failed[accepted].mean())
        assert row.failing == fresh.failed.mean()


def test_one_threshold_serves_all_conditions_and_a_larger_budget_accepts_no_less(table):
    auditor = table[table.detector == "auditor"]
    assert (auditor.groupby("budget").threshold.nunique() == 1).all()
    coverage = auditor[auditor.condition == "the mix"].set_index("budget").coverage
    assert 0 < coverage[0.05] <= coverage[0.1]


def test_a_score_that_tells_nothing_accepts_nothing(table):
    useless = table[table.detector == "1 - confidence"]
    assert (useless.accepted == 0).all() and useless.threshold.isna().all()


def test_scores_of_an_auditor_and_of_confidence():
    seen = random_activations()
    auditor = failure.fit(seen.features(), seen.failed, seed=0)
    of_seen = failure.scored_by(auditor, seen)
    assert np.array_equal(of_seen.scores["auditor"], auditor.score(seen.features()))
    expected = 1 - failure.confidence_of(seen)
    assert np.allclose(of_seen.scores["1 - confidence"], expected)
    assert np.array_equal(of_seen.failed, seen.failed)
