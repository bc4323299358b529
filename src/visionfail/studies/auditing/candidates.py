"""The candidate thresholds of all seeds and detectors, and at which coverage their search starts.

All of it is settled on held-out draws, which serve neither to choose a threshold nor to test it, so
that the guarantee holds whatever is chosen here.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visionfail import failure, metrics
from visionfail.failure import Scored
from visionfail.studies.auditing.tables import result_rows


def simulate_by_seed(
    held_out: Mapping[int, Scored],
    detectors: Sequence[str],
    *,
    budgets: Sequence[float],
    n: int,
    repeats: int,
    delta: float,
) -> pd.DataFrame:
    """`failure.simulate_starts` from each of `failure.STARTS`, for each seed, detector and budget.

    `held_out` are scores on draws that serve neither to choose thresholds nor to test them.
    Columns: seed, detector, budget, start, nothing, coverage, broken, repeats.
    """
    tables = []
    for seed, scored in held_out.items():
        for detector in detectors:
            for budget in budgets:
                table = failure.simulate_starts(
                    scored.scores[detector],
                    scored.failed,
                    starts=failure.STARTS,
                    budget=budget,
                    n=n,
                    repeats=repeats,
                    generator=np.random.default_rng(seed),
                    delta=delta,
                )
                tables.append(table.assign(seed=seed, detector=detector, budget=budget))
    return pd.concat(tables, ignore_index=True)


def best_start(simulated: pd.DataFrame) -> float:
    """The start with the highest coverage in `simulate_by_seed`.

    The mean is over seeds, detectors and budgets; of equal starts the lowest.
    """
    return float(simulated.groupby("start").coverage.mean().idxmax())


def start_table(simulated: pd.DataFrame) -> pd.DataFrame:
    """`simulate_by_seed` over all seeds: shares of the repetitions, in [0, 1].

    Columns: detector, budget, start, nothing, coverage, broken with its Wilson interval lo and hi,
    repetitions.
    """
    over_seeds = simulated.groupby(["detector", "budget", "start"], sort=False)
    table = over_seeds.agg(
        nothing=("nothing", "mean"),
        coverage=("coverage", "mean"),
        broken=("broken", "mean"),
        repetitions=("repeats", "sum"),
    ).reset_index()
    count = (table.broken * table.repetitions).round()
    lo, hi = metrics.wilson(count, table.repetitions)
    return table.assign(lo=lo, hi=hi)


def candidates_by_seed(
    held_out: Mapping[int, Scored], detectors: Sequence[str], *, start: float
) -> dict[tuple[int, str], np.ndarray]:
    """Candidate thresholds by seed and detector: quantiles of the scores on held-out draws."""
    candidates = {}
    for seed, scored in held_out.items():
        for detector in detectors:
            candidates[seed, detector] = failure.candidate_thresholds(
                scored.scores[detector], start=start
            )
    return candidates


def start_rows(table: pd.DataFrame, *, origin: str) -> list[dict]:
    """Rows of results/ from `start_table`, on the split "auditor", whose draws are simulated."""
    tables = {}
    for budget, searches in table.groupby("budget"):
        names = [f"start {start:g}" for start in searches.start]
        searches = searches.assign(slice=names, n=searches.repetitions)
        for column in ("nothing", "coverage"):
            shares = searches.assign(value=searches[column], lo=np.nan, hi=np.nan)
            tables[f"simulated {column}, budget {budget:g}"] = shares
        tables[f"simulated broken, budget {budget:g}"] = searches.assign(value=searches.broken)
    rows = result_rows(tables, origin=origin)
    for row in rows:
        row["split"] = "auditor"
    return rows
