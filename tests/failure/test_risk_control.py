import numpy as np
import pytest
from scipy import stats

from visionfail import metrics
from visionfail.failure import risk_control

DELTA = risk_control.DELTA


def sample(n, seed, rate=0.1):
    """Scores uniform in [0, 1], and failures with probability 2 * rate * score, each (n,).

    The risk up to a score t is rate * t.
    """
    generator = np.random.default_rng(seed)
    score = generator.random(n)
    failed = generator.random(n) < 2 * rate * score
    return score, failed


GRID = risk_control.candidate_thresholds(np.linspace(0, 1, 1001), start=0.3)


def test_candidates_ascend_and_end_with_everything():
    assert (np.diff(GRID) > 0).all()
    assert GRID[-1] == np.inf
    assert GRID[0] == pytest.approx(0.3)
    # all scores alike: accept the lot, or all of it
    assert len(risk_control.candidate_thresholds(np.zeros(50), start=0.3)) == 2


@pytest.mark.parametrize("start", [0.01, 0.29, 0.57, 1])
def test_the_first_candidate_accepts_the_share_that_it_starts_at(start):
    candidates = risk_control.candidate_thresholds(np.arange(10_001.0), start=start)
    assert len(candidates) == 101 - round(100 * start)  # one percent apart
    assert candidates[0] == (pytest.approx(10_000 * start) if start < 1 else np.inf)


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


@pytest.mark.fault("too few data")
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


# the chance of failure (N,) by the share of answers with a lower score, (N,); the budget is 5%
LAWS = {
    "just too risky everywhere": lambda rank: np.full_like(rank, 0.0501),
    "safe up to a half, then a cliff": lambda rank: np.where(rank < 0.5, 0.02, 1.0),
    "confident mistakes first": lambda rank: np.where(rank < 0.1, 0.3, 0.024),
    "too risky from the start on": lambda rank: np.where(rank < 0.3, 0.0, 0.2),
}
N = 2000
REPEATS = 300
ALL_STARTS = np.round(np.arange(0.1, 0.95, 0.1), 1)


def risk_up_to(law, coverage):
    """The true risk if a share of the answers, those with the lowest scores, is accepted."""
    ranks = (np.arange(20_000) + 0.5) / 20_000
    return law(ranks)[: round(20_000 * coverage)].mean()


def draw(law, n, generator):
    score = generator.random(n)  # uniform: a score is its own rank
    return score, generator.random(n) < law(score)


def times_broken(law, repeats, choose_candidates):
    """How often the threshold on 2,000 draws breaks a budget of 5% in truth."""
    broken = 0
    for repeat in range(repeats):
        score, failed = draw(law, N, np.random.default_rng(repeat))
        candidates = choose_candidates(score, failed, repeat)
        limit = risk_control.threshold(score, failed, candidates=candidates, budget=0.05)
        broken += limit is not None and risk_up_to(law, min(limit, 1)) > 0.05
    return broken


def is_valid(broken, repeats):
    """Whether as many broken budgets are within what delta allows, and chance on top."""
    lowest, _ = metrics.wilson(broken, repeats)
    return lowest <= DELTA


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_start_chosen_on_other_draws_breaks_the_budget_no_more_often_than_delta(law):
    def best_of_others(score, failed, repeat):
        other_score, other_failed = draw(law, N, np.random.default_rng((1, repeat)))
        table = risk_control.simulate_starts(
            other_score,
            other_failed,
            starts=ALL_STARTS,
            budget=0.05,
            n=N,
            repeats=10,
            generator=np.random.default_rng(repeat),
        )
        start = table.start[table.coverage.idxmax()]
        return risk_control.candidate_thresholds(other_score, start=start)

    assert is_valid(times_broken(law, REPEATS, best_of_others), REPEATS)


def test_a_start_chosen_on_the_same_draws_breaks_it_more_often_and_shows():
    def luckiest(score, failed, repeat):
        p_values = []
        for candidate in GRID:
            accepted = score <= candidate
            p_values.append(stats.binom.cdf(failed[accepted].sum(), accepted.sum(), 0.05))
        return GRID[np.argmin(p_values) :]

    law = LAWS["just too risky everywhere"]
    assert not is_valid(times_broken(law, REPEATS, luckiest), REPEATS)
    assert is_valid(times_broken(law, REPEATS, lambda *_: GRID), REPEATS)


def test_the_simulation_of_accepting_all_or_nothing_is_the_binomial_law():
    # a start at 100% has a single candidate, which accepts all: no search, one test
    failed = np.arange(5000) < 75  # a risk of 1.5%
    table = risk_control.simulate_starts(
        np.linspace(0, 1, 5000),
        failed,
        starts=[1.0],
        budget=0.02,
        n=N,
        repeats=4000,
        generator=np.random.default_rng(0),
    )
    most = stats.binom.ppf(DELTA, N, 0.02) - 1  # errors that still pass
    assert stats.binom.cdf(most, N, 0.02) <= DELTA < stats.binom.cdf(most + 1, N, 0.02)
    passes = stats.binom.cdf(most, N, 0.015)
    assert 0.2 < passes < 0.8
    assert table.nothing[0] == pytest.approx(1 - passes, abs=4 * np.sqrt(0.25 / 4000))
    assert table.coverage[0] == pytest.approx(1 - table.nothing[0])
    assert table.broken[0] == 0  # 1.5% is within the budget


def test_the_simulation_does_what_the_search_itself_does():
    score, failed = sample(3000, 0)
    arguments = {"budget": 0.05, "n": 500, "repeats": 40}
    starts = [0.2, 0.5, 0.8]
    table = risk_control.simulate_starts(
        score, failed, starts=starts, generator=np.random.default_rng(3), **arguments
    )
    generator = np.random.default_rng(3)
    drawn = [generator.integers(3000, size=500) for _ in range(40)]
    for start, row in zip(starts, table.to_dict("records"), strict=True):
        candidates = risk_control.candidate_thresholds(score, start=start)
        results = []
        for rows in drawn:
            limit = risk_control.threshold(
                score[rows], failed[rows], candidates=candidates, budget=0.05
            )
            results.append(risk_control.evaluate_threshold(score, failed, limit))
        coverage = np.array([result["coverage"] for result in results])
        risk = np.array([result["risk"] for result in results])
        assert row["start"] == start
        assert row["nothing"] == (coverage == 0).mean()
        assert row["coverage"] == pytest.approx(coverage.mean())
        assert row["broken"] == (risk > 0.05).mean()  # no risk of nothing: NaN is not above


def test_too_low_and_too_high_a_start_accept_nothing():
    # safe up to 70%, but one in 400 of the surest answers is wrong: few of them prove nothing
    law = np.random.default_rng(0).random(20_000)
    score = (np.arange(20_000) + 0.5) / 20_000
    failed = law < np.where(score < 0.6, 0.0025, 0.2)
    table = risk_control.simulate_starts(
        score,
        failed,
        starts=[0.1, 0.5, 0.9],
        budget=0.01,
        n=N,
        repeats=200,
        generator=np.random.default_rng(0),
    )
    low, middle, high = table.nothing
    assert low == 1  # 200 answers: even without a mistake they do not prove a risk under 1%
    assert middle < 0.3
    assert high == 1
    assert table.coverage.idxmax() == 1


def test_where_all_answers_are_wrong_every_search_accepts_nothing():
    table = risk_control.simulate_starts(
        np.linspace(0, 1, 100),
        np.ones(100, dtype=bool),
        starts=[0.5],
        budget=0.05,
        n=100,
        repeats=5,
        generator=np.random.default_rng(0),
    )
    assert table.iloc[0].to_dict() == {
        "start": 0.5,
        "nothing": 1,
        "coverage": 0,
        "broken": 0,
        "repeats": 5,
    }


def test_re_splits_obey_delta():
    score, failed = sample(4000, 2)
    coverages = []
    for delta in (0.5, 0.001):
        table = risk_control.resplit(
            score,
            failed,
            held=1000,
            candidates=GRID,
            budget=0.07,
            repeats=20,
            generator=np.random.default_rng(0),
            delta=delta,
        )
        coverages.append(table.coverage.mean())
    assert coverages[0] > coverages[1] + 0.05


@pytest.mark.fault("bad arguments")
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


@pytest.mark.fault("bad arguments")
def test_a_grid_without_scores_is_refused():
    with pytest.raises(ValueError, match="finite"):
        risk_control.candidate_thresholds([], start=0.3)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("start", [0, 30])
def test_a_start_that_is_no_share_is_refused(start):
    with pytest.raises(ValueError, match="between 0 and 1"):
        risk_control.candidate_thresholds([1.0, 2.0], start=start)
