"""Risk budgets for all seeds, detectors and budgets at once: thresholds, re-splits, other shifts.

Tables have a column judge: the detector whose score is cut off.
"""

from collections.abc import Mapping, Sequence

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
    """Candidate thresholds of each seed and detector: quantiles of its scores on held-out draws."""
    candidates = {}
    for seed, detector_set in trained.items():
        scores = detector_set.panel.score(detector_set.held)
        for detector in detectors:
            candidates[seed, detector] = failure.candidate_thresholds(scores[detector])
    return candidates


def safe_thresholds(
    chosen_on: Scores, candidates: Candidates, *, budgets: Sequence[float], delta: float
) -> Limits:
    """The largest threshold found safe by seed, detector and budget; None where none is."""
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


def realised_table(tested_on: Scores, limits: Limits) -> pd.DataFrame:
    """Coverage and risk of each threshold on test draws, and whether the risk is within the budget:
    columns seed, judge, budget, coverage, risk, lo, hi, accepted, n, verdict.
    """
    rows = []
    for (seed, detector, budget), limit in limits.items():
        scored = tested_on[seed]
        result = failure.evaluate_threshold(scored.scores[detector], scored.failed, limit)
        verdict = "accepts nothing"
        if result["accepted"]:
            verdict = claims.verdict_of(result["lo"], result["hi"], low=0, high=budget)
        row = {"seed": seed, "judge": detector, "budget": budget, **result, "verdict": verdict}
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
    """Validation and test draws put together and split anew, `repeats` times: how often each budget
    was met among all draws (kept) and among the tested ones (seen kept), and the mean coverage.
    """
    rows = []
    for (seed, detector), thresholds in candidates.items():
        choosing, testing = chosen_on[seed], tested_on[seed]
        score = np.concatenate([choosing.scores[detector], testing.scores[detector]])
        failed = np.concatenate([choosing.failed, testing.failed])
        for budget in budgets:
            splits = failure.resplit(
                score,
                failed,
                held=len(choosing.failed),
                candidates=thresholds,
                budget=budget,
                repeats=repeats,
                generator=np.random.default_rng(seed),
            )
            met_among_tested = (splits.accepted == 0) | (splits.risk <= budget)
            row = {"seed": seed, "judge": detector, "budget": budget}
            row["kept"] = splits.kept.sum()
            row["seen kept"] = met_among_tested.sum()
            row["nothing"] = (splits.accepted == 0).sum()
            row["coverage"] = splits.coverage.mean()
            rows.append(row)
    return pd.DataFrame(rows)


def guarantee_table(resplits: pd.DataFrame, *, repeats: int, delta: float) -> pd.DataFrame:
    """`resplit_table` over all seeds: how often each budget was met, with its Wilson interval, and
    whether that is at least 1 - delta.
    """
    rows = []
    for (detector, budget), table in resplits.groupby(["judge", "budget"], sort=False):
        total = repeats * len(table)
        met = int(table.kept.sum())
        lo, hi = metrics.wilson(met, total)
        row = {"detector": detector, "budget": budget, "met": met / total, "lo": lo, "hi": hi}
        row["met among tested"] = table["seen kept"].sum() / total
        row["accepts nothing"] = table.nothing.sum() / total
        row["coverage"] = table.coverage.mean()
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
    """What the thresholds for one budget do on draws of other kinds: columns condition, seed,
    judge, failing (the share of wrong answers if all are given), coverage, risk, lo, hi, accepted,
    n.
    """
    rows = []
    for name, sample in samples.items():
        for seed, model in models.items():
            scored = score_sample(model, trained[seed].panel, sample)
            for detector in dict.fromkeys(key[1] for key in limits):
                limit = limits[seed, detector, budget]
                result = failure.evaluate_threshold(scored.scores[detector], scored.failed, limit)
                row = {"condition": name, "seed": seed, "judge": detector}
                row["failing"] = scored.failed.mean()
                rows.append({**row, **result})
    return pd.DataFrame(rows)


def pooled_risk(table: pd.DataFrame) -> pd.DataFrame:
    """`risk_under_shift` over all seeds: wrong answers over accepted answers, not a mean of shares
    that may be of one answer; and how many seeds accept nothing.
    """
    rows = []
    for (name, detector), part in table.groupby(["condition", "judge"], sort=False):
        accepted = int(part.accepted.sum())
        wrong = round((part.risk * part.accepted).sum())
        row = {
            "condition": name,
            "detector": detector,
            "wrong if all answered": part.failing.mean(),
        }
        row["risk"] = wrong / accepted if accepted else np.nan
        row["accepted"] = accepted
        row["coverage"] = part.coverage.mean()
        row["seeds that accept nothing"] = int((part.accepted == 0).sum())
        rows.append(row)
    return pd.DataFrame(rows)
