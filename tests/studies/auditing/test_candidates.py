"""The start of the search is the one that a simulation on held-out draws has accept most."""

import numpy as np
import pandas as pd
import pytest
from makers import save_rows

from visionfail import failure
from visionfail.failure import Scored
from visionfail.studies.auditing import candidates


def held_out(seed, n=3000):
    """A good and a poor failure score; failures are likelier where the good one is high."""
    generator = np.random.default_rng(seed)
    score = generator.random(n)
    failed = generator.random(n) < np.where(score < 0.6, 0.0025, 0.3)
    poor = score + generator.normal(scale=0.3, size=n)
    return Scored({"good": score, "poor": poor}, failed, np.arange(n))


HELD_OUT = {seed: held_out(seed) for seed in (3, 4)}


@pytest.fixture(scope="module")
def simulated():
    return candidates.simulate_by_seed(
        HELD_OUT, ["good", "poor"], budgets=[0.01, 0.05], n=2000, repeats=30, delta=0.05
    )


def by_hand():
    """Coverage of four starts: the mean over two detectors is highest at 20%, of each elsewhere."""
    starts = [0.1, 0.2, 0.3, 0.4]
    good = pd.DataFrame({"start": starts, "coverage": [0.0, 0.5, 0.6, 0.1], "detector": "good"})
    poor = pd.DataFrame({"start": starts, "coverage": [0.5, 0.4, 0.1, 0.0], "detector": "poor"})
    table = pd.concat([good, poor], ignore_index=True)
    table = table.assign(budget=0.01, nothing=0.25, broken=[0.04, 0, 0, 0] * 2, repeats=50)
    return pd.concat([table.assign(seed=0), table.assign(seed=1, nothing=0.75, broken=0.0)])


def test_every_seed_detector_budget_and_start_is_simulated(simulated):
    assert len(simulated) == 2 * 2 * 2 * len(failure.STARTS)
    assert not simulated.duplicated(["seed", "detector", "budget", "start"]).any()
    row = simulated.query("seed == 4 and detector == 'poor' and budget == 0.05 and start == 0.4")
    table = failure.simulate_starts(
        HELD_OUT[4].scores["poor"],
        HELD_OUT[4].failed,
        starts=failure.STARTS,
        budget=0.05,
        n=2000,
        repeats=30,
        generator=np.random.default_rng(4),
    )
    assert row.coverage.item() == table.coverage[table.start == 0.4].item()


def test_the_best_start_accepts_most_on_the_mean_of_all():
    assert candidates.best_start(by_hand()) == 0.2


def test_the_best_start_is_neither_too_low_nor_too_high(simulated):
    # ten percent are 200 answers, too few to prove a risk under 1%; beyond 70% a third is wrong
    assert 0.2 <= candidates.best_start(simulated) <= 0.6


def test_the_table_of_starts_counts_all_seeds():
    table = candidates.start_table(by_hand())
    first = table[(table.detector == "good") & (table.start == 0.1)].iloc[0]
    assert len(table) == 8
    assert first.nothing == 0.5  # a quarter of one seed's, three quarters of the other's
    assert first.repetitions == 100
    assert first.broken == 0.02  # 2 of 100, Wilson by hand
    assert (first.lo, first.hi) == (
        pytest.approx(0.0055, abs=5e-5),
        pytest.approx(0.0700, abs=5e-5),
    )


def test_candidates_are_quantiles_of_each_seeds_own_scores():
    thresholds = candidates.candidates_by_seed(HELD_OUT, ["poor"], start=0.4)
    assert list(thresholds) == [(3, "poor"), (4, "poor")]
    first = thresholds[4, "poor"][0]
    assert (HELD_OUT[4].scores["poor"] <= first).mean() == pytest.approx(0.4, abs=1e-3)


def test_rows_name_what_was_simulated_and_on_which_split(tmp_path):
    rows = candidates.start_rows(candidates.start_table(by_hand()), origin="standin")
    table = save_rows(rows, "starts", tmp_path)
    assert set(table.split) == {"auditor"}
    row = table[table.metric == "simulated broken, budget 0.01: good"].iloc[0]
    assert (row.condition, row.value, row.n) == ("start 0.1", 0.02, 100)
    assert row.hi > row.value > row.lo
