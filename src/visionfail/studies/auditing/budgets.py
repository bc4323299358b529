"""Risk budgets for all seeds, detectors and budgets at once: thresholds, re-splits, other shifts.

Tables have a column detector: the one whose failure score is cut off.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from visionfail import claims, failure, metrics
from visionfail.failure import Scored
from visionfail.studies.auditing.protocol import TrainedDetectors, score_sample
from visionfail.studies.auditing.shifted_digits import ShiftedDigits

Scores = Mapping[int, Scored]  # by seed
Candidates = Mapping[tuple[int, str], np.ndarray]  # thresholds by seed and detector
Limits = dict[tuple[int, str, float], float | None]  # by seed, detector and budget


def candidates_by_seed(
    trained: Mapping[int, TrainedDetectors], detectors: Sequence[str]
) -> dict[tuple[int, str], np.ndarray]:
    """Candidate thresholds by seed and detector: quantiles of its scores on the held-out draws."""
    candidates = {}
    for seed, detector_set in trained.items():
        scores = detector_set.panel.score(detector_set.held)
        for detector in detectors:
            candidates[seed, detector] = failure.candidate_thresholds(scores[detector])
    return candidates


def safe_thresholds(
    chosen_on: Scores, candidates: Candidates, *, budgets: Sequence[float], delta: float
) -> Limits:
    """The largest safe threshold by seed, detector and budget; None where no candidate is safe."""
    limits: Limits = {}
    for (seed, detector), thresholds in candidates.items():
        scored = chosen_on[seed]
        for budget in budgets:
            limits[seed, detector, budget] = failure.threshold(
                scored.scores[detector],
                scored.failed,
                candidates=thresholds,
                budget=budget,
                delta=delta,
            )
    return limits


def threshold_table(tested_on: Scores, limits: Limits) -> pd.DataFrame:
    """The coverage and risk of each threshold on test draws, a row per seed, detector and budget.

    Columns: seed, detector, budget, coverage, risk, lo, hi, accepted, n, and verdict, which says
    whether the risk is within the budget.
    """
    rows = []
    for (seed, detector, budget), limit in limits.items():
        scored = tested_on[seed]
        result = failure.evaluate_threshold(scored.scores[detector], scored.failed, limit)
        row = {"seed": seed, "detector": detector, "budget": budget}
        row.update(result)
        row["verdict"] = "accepts nothing"
        if result["accepted"]:
            row["verdict"] = claims.verdict_of(result["lo"], result["hi"], low=0, high=budget)
        rows.append(row)
    return pd.DataFrame(rows)


def resplit_table(
    chosen_on: Scores,
    tested_on: Scores,
    candidates: Candidates,
    *,
    budgets: Sequence[float],
    repeats: int,
) -> pd.DataFrame:
    """How many of `repeats` re-splits of validation and test draws met each budget.

    Columns: seed, detector, budget; met and met among tested, the re-splits that met it among all
    draws and among the tested ones; nothing, those that accept no answer; coverage, their mean.
    """
    rows = []
    for (seed, detector), thresholds in candidates.items():
        choosing = chosen_on[seed]
        testing = tested_on[seed]
        for budget in budgets:
            splits = failure.resplit(
                np.concatenate([choosing.scores[detector], testing.scores[detector]]),
                np.concatenate([choosing.failed, testing.failed]),
                held=len(choosing.failed),
                candidates=thresholds,
                budget=budget,
                repeats=repeats,
                generator=np.random.default_rng(seed),
            )
            row = {"seed": seed, "detector": detector, "budget": budget}
            row.update(_count_resplits(splits, budget))
            rows.append(row)
    return pd.DataFrame(rows)


def _count_resplits(splits: pd.DataFrame, budget: float) -> dict[str, Any]:
    """{"met", "met among tested", "nothing", "coverage"}: counts, and a mean in [0, 1].

    `splits` is the table of `failure.resplit`, a row per re-split.
    """
    accepts_nothing = splits.accepted == 0
    met_among_tested = accepts_nothing | (splits.risk <= budget)
    return {
        "met": splits.met.sum(),
        "met among tested": met_among_tested.sum(),
        "nothing": accepts_nothing.sum(),
        "coverage": splits.coverage.mean(),
    }


def guarantee_table(resplits: pd.DataFrame, *, repeats: int, delta: float) -> pd.DataFrame:
    """`resplit_table` over all seeds: the share of re-splits that met each budget, in [0, 1].

    Columns: detector, budget, met with its Wilson interval lo and hi, met among tested, accepts
    nothing, coverage, re-splits, and verdict, which says whether the share is at least 1 - delta.
    """
    rows = []
    for detector, budget, by_seed in _rows_by_pair(resplits, "detector", "budget"):
        total = repeats * len(by_seed)
        met = int(by_seed.met.sum())
        wilson_lo, wilson_hi = metrics.wilson(met, total)
        lo = float(wilson_lo)
        hi = float(wilson_hi)
        row = {"detector": detector, "budget": budget, "met": met / total, "lo": lo, "hi": hi}
        row["met among tested"] = by_seed["met among tested"].sum() / total
        row["accepts nothing"] = by_seed.nothing.sum() / total
        row["coverage"] = by_seed.coverage.mean()
        row["re-splits"] = total
        row["verdict"] = claims.verdict_of(lo, hi, low=1 - delta, high=1)
        rows.append(row)
    return pd.DataFrame(rows)


def risk_under_shift(
    models: Mapping[int, nn.Module],
    trained: Mapping[int, TrainedDetectors],
    samples: Mapping[str, ShiftedDigits],
    limits: Limits,
    *,
    budget: float,
) -> pd.DataFrame:
    """The coverage and risk of the thresholds for one budget on each of the samples.

    Columns: condition, seed, detector, failing (the share of wrong answers if all are given),
    coverage, risk, lo, hi, accepted, n.
    """
    detectors = list(dict.fromkeys(detector for _, detector, _ in limits))
    rows = []
    for name, sample in samples.items():
        for seed, model in models.items():
            scored = score_sample(model, trained[seed].panel, sample)
            for detector in detectors:
                limit = limits[seed, detector, budget]
                row = {"condition": name, "seed": seed, "detector": detector}
                row["failing"] = scored.failed.mean()
                row.update(
                    failure.evaluate_threshold(scored.scores[detector], scored.failed, limit)
                )
                rows.append(row)
    return pd.DataFrame(rows)


def pooled_risk(table: pd.DataFrame) -> pd.DataFrame:
    """`risk_under_shift` over all seeds: wrong answers over accepted answers, in [0, 1].

    A mean of the seeds' risks would weigh a seed that accepts a single answer like any other.
    Columns: condition, detector, wrong if all answered, risk, accepted, coverage, seeds that accept
    nothing.
    """
    rows = []
    for name, detector, by_seed in _rows_by_pair(table, "condition", "detector"):
        accepted = int(by_seed.accepted.sum())
        wrong = round((by_seed.risk * by_seed.accepted).sum())
        row = {"condition": name, "detector": detector}
        row["wrong if all answered"] = by_seed.failing.mean()
        row["risk"] = wrong / accepted if accepted else np.nan
        row["accepted"] = accepted
        row["coverage"] = by_seed.coverage.mean()
        row["seeds that accept nothing"] = int((by_seed.accepted == 0).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def _rows_by_pair(
    table: pd.DataFrame, first: str, second: str
) -> Iterator[tuple[Any, Any, pd.DataFrame]]:
    """Each pair of values in the two columns, in the table's order, with the rows that have it."""
    for value, other in dict.fromkeys(zip(table[first], table[second], strict=True)):
        yield value, other, table.loc[(table[first] == value) & (table[second] == other)]
