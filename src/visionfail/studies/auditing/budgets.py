"""Risk budgets for all seeds, detectors and budgets at once: thresholds, re-splits, other shifts.

Tables have a column detector: the one whose failure score is cut off.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from visionfail import claims, failure, metrics
from visionfail.failure import Scored
from visionfail.studies.auditing.members import Members, score_in_one_pass
from visionfail.studies.auditing.shifted_digits import ShiftedDigits
from visionfail.studies.auditing.tables import result_rows

Scores = Mapping[int, Scored]  # by seed
Candidates = Mapping[tuple[int, str], np.ndarray]  # thresholds by seed and detector
Limits = Mapping[tuple[int, str, float], float | None]  # by seed, detector and budget


def score_by_seed(members: Members, sample: ShiftedDigits) -> dict[int, Scored]:
    """`score_in_one_pass` by the seed of the base classifier."""
    return dict(zip(members.models, score_in_one_pass(members, sample), strict=True))


def safe_thresholds(
    chosen_on: Scores, candidates: Candidates, *, budgets: Sequence[float], delta: float
) -> dict[tuple[int, str, float], float | None]:
    """The largest safe threshold by seed, detector and budget; None where no candidate is safe."""
    limits = {}
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
        row["verdict"] = _verdict(row)
        rows.append(row)
    return pd.DataFrame(rows)


def _verdict(row: Mapping[str, Any]) -> str:
    """Whether the risk in a row is within its budget, by its interval; or "accepts nothing"."""
    if not row["accepted"]:
        return "accepts nothing"
    return claims.verdict_of(row["lo"], row["hi"], low=0, high=row["budget"])


def resplit_table(
    chosen_on: Scores,
    tested_on: Scores,
    candidates: Candidates,
    *,
    budgets: Sequence[float],
    repeats: int,
    delta: float,
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
                delta=delta,
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

    Columns: detector, budget, met with its interval lo and hi, met among tested, accepts nothing,
    met where some are accepted (NaN if that is never so), coverage, re-splits, and verdict, which
    says whether the share met is at least 1 - delta. The interval is over seeds, for re-splits of
    one seed share its digits; of a single seed, or where all seeds have the same share, it is
    Wilson's over re-splits.
    """
    rows = []
    for detector, budget, by_seed in _rows_by_pair(resplits, "detector", "budget"):
        total = repeats * len(by_seed)
        met = int(by_seed.met.sum())
        nothing = int(by_seed.nothing.sum())
        lo, hi = metrics.wilson(met, total)
        if by_seed.met.nunique() > 1:
            over_seeds = metrics.interval_over_seeds((by_seed.met / repeats).tolist())
            lo, hi = max(over_seeds["lo"], 0.0), min(over_seeds["hi"], 1.0)
        row = {"detector": detector, "budget": budget, "met": met / total, "lo": lo, "hi": hi}
        row["met among tested"] = by_seed["met among tested"].sum() / total
        row["accepts nothing"] = nothing / total
        row["met where some are accepted"] = np.nan
        if nothing < total:
            row["met where some are accepted"] = (met - nothing) / (total - nothing)
        row["coverage"] = by_seed.coverage.mean()
        row["re-splits"] = total
        row["verdict"] = claims.verdict_of(float(lo), float(hi), low=1 - delta, high=1)
        rows.append(row)
    return pd.DataFrame(rows)


def risk_under_shift(
    by_condition: Mapping[str, Scores], limits: Limits, *, budget: float
) -> pd.DataFrame:
    """The coverage and risk of the thresholds for one budget under each condition.

    `by_condition` are failure scores by condition and seed. Columns: condition, seed, detector,
    failing (the share of wrong answers if all are given), coverage, risk, lo, hi, accepted, n.
    """
    rows = []
    for name, by_seed in by_condition.items():
        for (seed, detector, of_budget), limit in limits.items():
            if of_budget != budget:
                continue
            scores = by_seed[seed].scores[detector]
            failed = by_seed[seed].failed
            row = {"condition": name, "seed": seed, "detector": detector}
            row["failing"] = failed.mean()
            row.update(failure.evaluate_threshold(scores, failed, limit))
            rows.append(row)
    return pd.DataFrame(rows)


def pooled_risk(
    by_condition: Mapping[str, Scores], limits: Limits, *, budgets: Sequence[float], bootstraps: int
) -> pd.DataFrame:
    """The risk over all seeds, wrong over accepted answers, by condition, detector and budget.

    A mean of the seeds' risks would weigh a seed that accepts a single answer like any other. The
    seeds answer the same digits, so the 95% interval (lo, hi) resamples digits and seeds, crossed;
    Wilson's would take every answer for independent of all others.

    Columns: condition, detector, budget, failing (the share of wrong answers if all are given),
    risk, lo, hi (NaN where nothing is accepted), accepted, seeds, seeds that accept nothing, n
    (digits), coverage, and verdict, which says whether the risk is within the budget.
    """
    detectors = list(dict.fromkeys(detector for _, detector, _ in limits))
    rows = []
    for name, by_seed in by_condition.items():
        n = 1 + max(int(scored.digit.max()) for scored in by_seed.values())
        counts = metrics.resampling_counts(bootstraps, n, np.random.default_rng(0))
        failed = np.concatenate([scored.failed for scored in by_seed.values()])
        for detector, budget in itertools.product(detectors, budgets):
            accepted, wrong = _answers_by_digit(by_seed, limits, detector, budget, n=n)
            row = {"condition": name, "detector": detector, "budget": budget}
            row["failing"] = failed.mean()
            row.update(_pooled_fields(accepted, wrong, counts))
            row["coverage"] = accepted.sum() / len(failed)
            row["verdict"] = _verdict(row)
            rows.append(row)
    return pd.DataFrame(rows)


def _answers_by_digit(
    by_seed: Scores, limits: Limits, detector: str, budget: float, *, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """(accepted, wrong), each (seeds, n): answers accepted for each digit, those that are wrong."""
    accepted = np.zeros((len(by_seed), n))
    wrong = np.zeros((len(by_seed), n))
    for row, (seed, scored) in enumerate(by_seed.items()):
        limit = limits[seed, detector, budget]
        if limit is not None:
            chosen = scored.at(scored.scores[detector] <= limit)
            accepted[row] = np.bincount(chosen.digit, minlength=n)
            wrong[row] = np.bincount(chosen.digit, weights=chosen.failed, minlength=n)
    return accepted, wrong


def _pooled_fields(
    accepted: np.ndarray, wrong: np.ndarray, counts: np.ndarray
) -> dict[str, float | int]:
    """The pooled risk of answers (seeds, n), its interval, and how many seeds accept nothing.

    Counts (B, n) say how often each resample holds each digit.
    """
    fields: dict[str, float | int] = {"risk": np.nan, "lo": np.nan, "hi": np.nan}
    if accepted.any():
        fields["risk"] = wrong.sum() / accepted.sum()
        fields["lo"], fields["hi"] = _crossed_interval(accepted, wrong, counts)
    fields["accepted"] = int(accepted.sum())
    fields["seeds"] = len(accepted)
    fields["seeds that accept nothing"] = int((accepted.sum(axis=1) == 0).sum())
    fields["n"] = accepted.shape[1]
    return fields


def _crossed_interval(
    accepted: np.ndarray, wrong: np.ndarray, counts: np.ndarray
) -> tuple[float, float]:
    """The 95% interval of wrong over accepted answers (seeds, n), digits and seeds drawn anew.

    Where no answer is wrong, which resamples cannot but repeat, it is Wilson's over the digits.
    """
    if not wrong.any():
        lo, hi = metrics.wilson(0, int(accepted.any(axis=0).sum()))
        return float(lo), float(hi)
    seeds = metrics.drawn_seeds(len(counts), len(accepted))
    above = np.take_along_axis(counts @ wrong.T, seeds, axis=1).sum(axis=1)  # (B,)
    below = np.take_along_axis(counts @ accepted.T, seeds, axis=1).sum(axis=1)
    defined = below > 0  # a resample may hold only seeds that accept nothing
    lo, hi = metrics.percentile_interval(above[defined] / below[defined])
    return float(lo), float(hi)


def pooled_rows(pooled: pd.DataFrame, guarantee: pd.DataFrame, *, origin: str) -> list[dict]:
    """Rows of results/: risks over all seeds (n digits), and the re-splits that accept nothing."""
    tables = {}
    for budget, table in pooled.loc[pooled.accepted > 0].groupby("budget"):
        name = f"pooled risk, budget {budget:g}"
        tables[name] = table.rename(columns={"condition": "slice", "risk": "value"})
    for budget, table in guarantee.groupby("budget"):
        table = table.rename(columns={"accepts nothing": "value", "re-splits": "n"})
        # re-splits share their digits: no interval treats them as independent
        table = table.assign(slice="re-splits", lo=np.nan, hi=np.nan)
        tables[f"accepts nothing, budget {budget:g}"] = table
    return result_rows(tables, origin=origin)


def _rows_by_pair(
    table: pd.DataFrame, first: str, second: str
) -> Iterator[tuple[Any, Any, pd.DataFrame]]:
    """Each pair of values in the two columns, in the table's order, with the rows that have it."""
    for value, other in dict.fromkeys(zip(table[first], table[second], strict=True)):
        yield value, other, table.loc[(table[first] == value) & (table[second] == other)]
