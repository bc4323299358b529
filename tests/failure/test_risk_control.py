import numpy as np
import pytest
from scipy import stats

from visionfail.failure import risk_control


def sample(n, seed, rate=0.1):
    """Scores uniform in [0, 1], and failures with probability 2 * rate * score, each (n,).

    The risk up to a score t is rate * t.
    """
    generator = np.random.default_rng(seed)
    score = generator.random(n)
    failed = generator.random(n) < 2 * rate * score
    return score, failed


GRID = risk_control.candidate_thresholds(np.linspace(0, 1, 1001))


def test_candidates_ascend_and_end_with_everything():
    assert (np.diff(GRID) > 0).all()
    assert GRID[-1] == np.inf
    assert GRID[0] == pytest.approx(0.3)
    # all scores alike: accept the lot, or all of it
    assert len(risk_control.candidate_thresholds(np.zeros(50))) == 2


def test_p_value_is_the_binomial_sum():
    expected = sum(stats.binom.pmf(k, 200, 0.05) for k in range(4))
    assert risk_control.binomial_p_value(3, 200, 0.05) == pytest.approx(expected)
    assert risk_control.binomial_p_value(0, 0, 0.05) == 1  # nothing accepted proves nothing


@pytest.mark.parametrize("n", [300, 2000])
def test_the_budget_is_broken_no_more_often_than_delta(n):
    # the true risk of a threshold t is 0.1 t, so a budget of 0.05 is broken where t > 0.5
    broken = 0
    for seed in range(2000):
        score, failed = sample(n, seed)
        t = risk_control.threshold(score, failed, candidates=GRID, budget=0.05)
        broken += t is not None and min(t, 1) > 0.5
    broken /= 2000
    assert broken <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert broken > 0.005  # and it is no more timid than it has to be


def test_picking_the_best_looking_threshold_would_break_it_far_more_often():
    broken = 0
    for seed in range(500):
        score, failed = sample(300, seed)
        passing = []
        for t in GRID:
            accepted = score <= t
            if accepted.any() and failed[accepted].mean() <= 0.05:
                passing.append(t)
        broken += bool(passing) and min(passing[-1], 1) > 0.5
    assert broken / 500 > 0.3


def test_more_images_allow_more_answers():
    thresholds = []
    for n in (300, 20_000):
        score, failed = sample(n, 0)
        t = risk_control.threshold(score, failed, candidates=GRID, budget=0.05)
        thresholds.append(0 if t is None else t)
    assert thresholds[0] < thresholds[1] <= 0.5


def test_a_budget_that_cannot_be_met_accepts_nothing_and_says_so():
    score, failed = sample(2000, 0, rate=0.45)
    assert risk_control.threshold(score, failed, candidates=GRID, budget=0.01) is None
    row = risk_control.evaluate_threshold(score, failed, None)
    assert row["accepted"] == row["coverage"] == 0
    assert np.isnan([row["risk"], row["lo"], row["hi"]]).all()


def test_too_few_images_promise_nothing_even_without_a_failure():
    thresholds = []
    for n in (40, 2000):
        score = np.linspace(0, 1, n)
        right = np.zeros(n, dtype=bool)
        thresholds.append(risk_control.threshold(score, right, candidates=GRID, budget=0.01))
    assert thresholds[0] is None
    assert thresholds[1] == np.inf  # no failure at all: everything may be answered


def test_realised_counts():
    score = np.array([0.1, 0.2, 0.3, 0.4])
    failed = np.array([False, True, False, True])
    row = risk_control.evaluate_threshold(score, failed, 0.3)
    assert row["coverage"] == 0.75
    assert row["risk"] == pytest.approx(1 / 3)
    assert row["lo"] < 1 / 3 < row["hi"]


def test_in_re_splits_the_budget_is_met_nearly_always():
    score, failed = sample(6000, 1)
    table = risk_control.resplit(
        score,
        failed,
        held=2000,
        candidates=GRID,
        budget=0.07,
        repeats=200,
        generator=np.random.default_rng(0),
    )
    assert len(table) == 200
    assert table.n.eq(4000).all()
    assert table.met.mean() >= 1 - risk_control.DELTA
    assert 0.4 < table.coverage.mean() < 0.7  # 0.7 is what the truth allows
    held = np.random.default_rng(0).permutation(6000)[:2000]
    limit = risk_control.threshold(score[held], failed[held], candidates=GRID, budget=0.07)
    assert table.met[0] == (failed[score <= limit].mean() <= 0.07)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": 5}, "between 0 and 1"),
        ({"delta": 0}, "between 0 and 1"),
        ({"failed": np.zeros(3, dtype=bool)}, "one of each"),
    ],
)
def test_bad_input_is_named(changes, message):
    arguments = {"failed": np.zeros(4, dtype=bool), "candidates": GRID, "budget": 0.05}
    arguments.update(changes)
    with pytest.raises(ValueError, match=message):
        risk_control.threshold(np.zeros(4), **arguments)


def test_a_grid_without_scores_is_refused():
    with pytest.raises(ValueError, match="finite"):
        risk_control.candidate_thresholds([])
