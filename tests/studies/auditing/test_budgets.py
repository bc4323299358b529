"""Budgets over all seeds: the pooled risk, its interval, and how often nothing is accepted."""

import numpy as np
import pandas as pd
import pytest
from makers import save_rows
from scipy import stats

from visionfail import failure, metrics
from visionfail.data import standins
from visionfail.failure import Scored
from visionfail.models import networks
from visionfail.studies.auditing import budgets, members, shifted_digits

BUDGET = 0.2


def scored(score, failed):
    """Answers to as many digits, one for each, with one failure score."""
    return Scored({"auditor": np.array(score)}, np.array(failed, dtype=bool), np.arange(len(score)))


# seed 0 accepts one answer, a wrong one; seed 1 accepts three, all right; seed 2 accepts nothing
THREE_SEEDS = {
    0: scored([0.1, 0.9, 0.9, 0.9], [1, 1, 0, 0]),
    1: scored([0.1, 0.2, 0.3, 0.9], [0, 0, 0, 1]),
    2: scored([0.1, 0.2, 0.3, 0.9], [1, 0, 0, 0]),
}
LIMITS = {(0, "auditor", BUDGET): 0.5, (1, "auditor", BUDGET): 0.5, (2, "auditor", BUDGET): None}


def pooled(by_seed, limits, bootstraps=500):
    table = budgets.pooled_risk({"mix": by_seed}, limits, budgets=[BUDGET], bootstraps=bootstraps)
    (row,) = table.to_dict("records")
    return row


def many(seeds, n=2000, copies=True, risk=0.1):
    """Seeds that accept everything and are wrong on the same digits, or on digits of their own."""
    by_seed = {}
    for seed in range(seeds):
        generator = np.random.default_rng(0 if copies else seed)
        by_seed[seed] = scored(np.zeros(n), generator.random(n) < risk)
    return by_seed, {(seed, "auditor", BUDGET): 0.5 for seed in range(seeds)}


def test_pooled_risk_is_wrong_answers_over_accepted_answers():
    row = pooled(THREE_SEEDS, LIMITS)
    assert row["accepted"] == 4
    assert row["risk"] == 0.25  # one of four; the mean of the seeds' risks would be a half
    assert row["coverage"] == 4 / 12
    assert row["failing"] == 4 / 12
    assert row["n"] == 4  # digits, though there were twelve answers
    assert row["seeds"] == 3
    assert row["seeds that accept nothing"] == 1
    assert row["verdict"] == "undecided"


def test_the_interval_counts_digits_where_all_seeds_fail_on_the_same():
    # five copies of a seed know no more than it does: Wilson of 2,000, not of 10,000 answers
    row = pooled(*many(5, copies=True))
    wrong = row["risk"] * 2000
    lo, hi = metrics.wilson(wrong, 2000)
    assert row["hi"] - row["lo"] == pytest.approx(hi - lo, rel=0.1)
    too_narrow_lo, too_narrow_hi = metrics.wilson(5 * wrong, 10_000)
    assert too_narrow_hi - too_narrow_lo < 0.5 * (row["hi"] - row["lo"])


def test_the_interval_knows_that_seeds_differ():
    calm, limits = many(4)
    mixed = dict(calm)
    for seed in (0, 1):
        mixed[seed] = many(1, risk=0.3)[0][0]
    same = pooled(calm, limits)
    row = pooled(mixed, limits)
    assert row["risk"] == pytest.approx(0.2, abs=0.02)
    assert row["lo"] < 0.12  # all four seeds drawn alike
    assert row["hi"] > 0.28
    assert same["hi"] - same["lo"] < 0.04


def test_without_a_mistake_the_interval_still_has_a_width():
    row = pooled({0: scored([0.1, 0.2, 0.9], [0, 0, 1])}, {(0, "auditor", BUDGET): 0.5})
    assert row["risk"] == 0
    assert row["lo"] == 0
    assert row["hi"] == metrics.wilson(0, 2)[1]


def test_where_no_seed_accepts_anything_there_is_no_risk():
    row = pooled(THREE_SEEDS, {key: None for key in LIMITS})
    assert np.isnan([row["risk"], row["lo"], row["hi"]]).all()
    assert row["verdict"] == "accepts nothing"
    assert row["seeds that accept nothing"] == 3


def test_each_condition_has_a_row_per_seed_for_the_one_budget():
    limits = dict(LIMITS)
    limits[1, "auditor", 0.01] = None
    table = budgets.risk_under_shift({"mix": THREE_SEEDS}, limits, budget=BUDGET)
    assert list(table.seed) == [0, 1, 2]
    assert list(table.accepted) == [1, 3, 0]
    assert list(table.failing) == [0.5, 0.25, 0.25]


def test_a_threshold_is_within_its_budget_outside_or_undecided():
    answers = np.arange(300) / 300
    failed = {0: np.zeros(300), 1: np.ones(300), 2: np.arange(300) < 60, 3: np.zeros(300)}
    by_seed = {seed: scored(answers, wrong) for seed, wrong in failed.items()}
    limits = {(seed, "auditor", BUDGET): 1.0 for seed in by_seed}
    limits[3, "auditor", BUDGET] = None
    table = budgets.threshold_table(by_seed, limits)
    assert list(table.verdict) == ["holds", "fails", "undecided", "accepts nothing"]


def resplits_by_hand():
    """Of 100 re-splits the one seed met all, 40 of them by accepting nothing, the other 90."""
    rows = [(0, 100, 95, 40, 0.3), (1, 90, 85, 0, 0.5)]
    table = pd.DataFrame(rows, columns=["seed", "met", "met among tested", "nothing", "coverage"])
    return table.assign(detector="auditor", budget=BUDGET)


def test_the_guarantee_says_how_often_it_is_met_by_accepting_nothing():
    (row,) = budgets.guarantee_table(resplits_by_hand(), repeats=100, delta=0.05).to_dict("records")
    assert row["met"] == 0.95
    assert row["accepts nothing"] == 0.2
    assert row["met where some are accepted"] == 150 / 160
    assert row["coverage"] == pytest.approx(0.4)
    assert row["re-splits"] == 200
    over_seeds = stats.t.interval(0.95, 1, loc=0.95, scale=stats.sem([1.0, 0.9]))
    assert row["lo"] == pytest.approx(over_seeds[0])
    assert row["hi"] == 1 and row["verdict"] == "undecided"


def test_where_every_re_split_accepts_nothing_none_is_met_by_accepting():
    table = resplits_by_hand().assign(met=100, nothing=100)
    (row,) = budgets.guarantee_table(table, repeats=100, delta=0.05).to_dict("records")
    assert row["accepts nothing"] == 1
    assert np.isnan(row["met where some are accepted"])
    assert (row["lo"], row["hi"]) == pytest.approx(metrics.wilson(200, 200))  # no seed differs


def test_re_splits_that_accept_nothing_are_counted():
    # 30 digits, all right: no number of them proves a risk under 1%, twelve prove one under 25%
    right = scored(np.linspace(0, 1, 30), np.zeros(30))
    grid = {(0, "auditor"): failure.candidate_thresholds(np.linspace(0, 1, 101), start=0.5)}
    table = budgets.resplit_table(
        {0: right}, {0: right}, grid, budgets=[0.01, 0.25], repeats=7, delta=0.05
    )
    assert list(table.nothing) == [7, 0]
    assert list(table.met) == [7, 7]
    assert list(table.coverage) == [0, 1]


def test_rows_hold_pooled_risks_and_how_often_nothing_is_accepted(tmp_path):
    guarantee = budgets.guarantee_table(resplits_by_hand(), repeats=100, delta=0.05)
    scores = {"mix": THREE_SEEDS, "contrast": {2: THREE_SEEDS[2]}}
    table = budgets.pooled_risk(scores, LIMITS, budgets=[BUDGET], bootstraps=50)
    rows = budgets.pooled_rows(table, guarantee, origin="standin")
    stored = save_rows(rows, "pooled", tmp_path)
    risk, nothing = stored.to_dict("records")  # no row for contrast, where nothing is accepted
    assert risk["metric"] == "pooled risk, budget 0.2: auditor"
    assert (risk["condition"], risk["value"], risk["n"]) == ("mix", 0.25, 4)
    assert nothing["metric"] == "accepts nothing, budget 0.2: auditor"
    assert (nothing["condition"], nothing["value"], nothing["n"]) == ("re-splits", 0.2, 200)


def test_scores_by_seed_are_those_of_all_detectors_without_the_slow_ones():
    models = {}
    for seed in (0, 3):
        models[seed] = networks.build("mnist_cnn", num_classes=10, mean=(0.1,), std=(0.3,), width=8)
        models[seed].fc.bias.data[seed] += 0.1  # so that the two answer differently
    sets = {split: standins.load_standin("mnist", split) for split in ("train", "auditor", "val")}
    draws = shifted_digits.draw_shifted(sets["auditor"], count=500, seed=0)
    both = members.train_members(models, draws, sets)
    sample = shifted_digits.draw_shifted(sets["val"], count=60, seed=7)
    quick = budgets.score_by_seed(both, sample)
    assert list(quick) == [0, 3]
    for scores, expected in zip(quick.values(), members.score_members(both, sample), strict=True):
        assert {"auditor", "auditor + ensemble", "1 - confidence"} <= set(scores.scores)
        assert "moved images" not in scores.scores
        assert np.array_equal(scores.failed, expected.failed)
        for detector, values in scores.scores.items():
            assert np.array_equal(values, expected.scores[detector])
