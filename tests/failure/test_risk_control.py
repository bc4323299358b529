import numpy as np
import pytest
from scipy import stats

from visionfail.failure import risk_control


def sample(n, seed, rate=0.1):
    """Scores uniform in [0, 1] and failures whose probability is 2 * rate * score: the risk up to t
    is rate * t.
    """
    generator = np.random.default_rng(seed)
    score = generator.random(n)
    return score, generator.random(n) < 2 * rate * score


GRID = risk_control.candidate_thresholds(np.linspace(0, 1, 1001))


def test_candidates_ascend_and_end_with_everything():
    assert (np.diff(GRID) > 0).all() and GRID[-1] == np.inf and GRID[0] == pytest.approx(0.3)
    assert (
        len(risk_control.candidate_thresholds(np.zeros(50))) == 2
    )  # all scores alike: accept the lot, or all of it


def test_p_value_is_the_binomial_sum():
    expected = sum(stats.binom.pmf(k, 200, 0.05) for k in range(4))
    assert risk_control.binomial_p_value(3, 200, 0.05) == pytest.approx(expected)
    assert risk_control.binomial_p_value(0, 0, 0.05) == 1  # nothing accepted proves nothing


@pytest.mark.parametrize("n", [300, 2000])
def test_the_budget_is_broken_no_more_often_than_delta(n):
    # the true risk of a threshold t is 0.1 t, so a budget of 0.05 is broken where t > 0.5
    chosen = [
        risk_control.threshold(*sample(n, seed), candidates=GRID, budget=0.05)
        for seed in range(2000)
    ]
    broken = np.mean([t is not None and min(t, 1) > 0.5 for t in chosen])
    assert broken <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert broken > 0.005  # and it is no more timid than it has to be


def test_picking_the_best_looking_threshold_would_break_it_far_more_often():
    broken = 0
    for seed in range(500):
        score, failed = sample(300, seed)
        counts = [(int(failed[score <= t].sum()), int((score <= t).sum())) for t in GRID]
        passing = [t for t, (k, m) in zip(GRID, counts, strict=True) if m and k / m <= 0.05]
        broken += bool(passing) and min(passing[-1], 1) > 0.5
    assert broken / 500 > 0.3


def test_more_images_allow_more_answers():
    few, many = (
        risk_control.threshold(*sample(n, 0), candidates=GRID, budget=0.05) or 0
        for n in (300, 20_000)
    )
    assert few < many <= 0.5


def test_a_budget_that_cannot_be_met_accepts_nothing_and_says_so():
    score, failed = sample(2000, 0, rate=0.45)
    assert risk_control.threshold(score, failed, candidates=GRID, budget=0.01) is None
    row = risk_control.evaluate_threshold(score, failed, None)
    assert row["accepted"] == row["coverage"] == 0 and np.isnan(row["risk"])


def test_too_few_images_promise_nothing_even_without_a_failure():
    assert (
        risk_control.threshold(
            np.linspace(0, 1, 40), np.zeros(40, dtype=bool), candidates=GRID, budget=0.01
        )
        is None
    )
    enough = risk_control.threshold(
        np.linspace(0, 1, 2000), np.zeros(2000, dtype=bool), candidates=GRID, budget=0.01
    )
    assert enough == np.inf  # no failure at all: everything may be answered


def test_realised_counts():
    score, failed = np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, True, False, True])
    row = risk_control.evaluate_threshold(score, failed, 0.3)
    assert (
        row["coverage"] == 0.75
        and row["risk"] == pytest.approx(1 / 3)
        and row["lo"] < 1 / 3 < row["hi"]
    )


def test_dealt_anew_the_budget_is_kept_nearly_always():
    score, failed = sample(6000, 1)
    draw = {
        "candidates": GRID,
        "budget": 0.07,
        "repeats": 200,
        "generator": np.random.default_rng(0),
    }
    table = risk_control.resplit(score, failed, held=2000, **draw)
    assert len(table) == 200 and table.n.eq(4000).all()
    assert (
        table.kept.mean() >= 1 - risk_control.DELTA and 0.4 < table.coverage.mean() < 0.7
    )  # 0.7 is what the truth allows
    order = np.random.default_rng(0).permutation(6000)
    limit = risk_control.threshold(
        score[order[:2000]], failed[order[:2000]], candidates=GRID, budget=0.07
    )
    assert table.kept[0] == (failed[score <= limit].mean() <= 0.07)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"budget": 5}, "between 0 and 1"),
        ({"delta": 0}, "between 0 and 1"),
        ({"failed": np.zeros(3, dtype=bool)}, "one of each"),
    ],
)
def test_bad_input_is_named(changes, said):
    arguments = {
        "score": np.zeros(4),
        "failed": np.zeros(4, dtype=bool),
        "candidates": GRID,
        "budget": 0.05,
    } | changes
    with pytest.raises(ValueError, match=said):
        risk_control.threshold(arguments.pop("score"), arguments.pop("failed"), **arguments)
    with pytest.raises(ValueError, match="finite"):
        risk_control.candidate_thresholds([])
