"""Verdicts on the study's claims, and regimes of its curves, from the stored answers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visionfail import corruptions, metrics
from visionfail.claims import JUDGED, verdict_of, weakest_verdict
from visionfail.evaluation import Outcomes
from visionfail.metrics import Estimate
from visionfail.names import readable
from visionfail.studies.degradation import regimes
from visionfail.studies.degradation.curve_claims import DEGRADATION_CLAIMS, Axes, CurveClaim
from visionfail.studies.degradation.curves import (
    SEVERITY,
    Curves,
    Strengths,
    compared,
    curves_of,
    gap_bounds_at_equal_strength,
)

EXPLORED = ("resnet18", 0)  # seen in notebook 03 before it was judged


def judge_degradation(
    outcomes: Outcomes,
    strengths: pd.DataFrame,
    *,
    model: str,
    seed: int,
    bootstraps: int,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """A row per claim about one network, with the columns JUDGED.

    `strengths` are rows of `strengths.strength_rows`.
    """
    curves, resampled = _exact_and_resampled(outcomes, bootstraps, generator)
    axes = _axes_of(strengths)
    rows = []
    for claim in DEGRADATION_CLAIMS:
        if claim.axis is None:
            row = claim.judge(_estimate(claim, curves, resampled, axes))
        else:
            variants = left_out_rows(claim, curves, resampled, axes)
            row = _weakest_row(variants)
        explored = claim.amended or (model, seed) == EXPLORED
        row["status"] = "exploratory" if explored else "confirmatory"
        rows.append(row)
    table = pd.DataFrame(rows).assign(model=model, seed=seed)
    table = table.assign(n=len(outcomes.labels), source="working hypothesis")
    return table.loc[:, list(JUDGED)]


def _axes_of(strengths: pd.DataFrame) -> dict[str, Strengths]:
    """The strengths at which groups are compared, by metric, from rows of strength_rows."""
    metrics_compared = ("pixel_change", "dissimilarity")
    return {metric: corruptions.strength_axes(strengths, metric) for metric in metrics_compared}


def _exact_and_resampled(
    outcomes: Outcomes, bootstraps: int, generator: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The curves by corruption, (6,), and those in each resample of the images, (B, 6)."""
    accuracies = metrics.bootstrap_condition_means(
        outcomes.correct, bootstraps=bootstraps, generator=generator
    )  # (B, conditions)
    curves = curves_of(outcomes.correct.mean(axis=1), outcomes)
    return curves, curves_of(accuracies, outcomes)


def _estimate(claim: CurveClaim, curves: Curves, resampled: Curves, axes: Axes) -> Estimate:
    """The statistic of a claim, and in each resample of the images."""
    exact = np.array([claim.compute(curves, axes)])  # (1,)
    samples = claim.compute(resampled, axes)[:, None]  # (B, 1)
    return Estimate(exact, samples)


def left_out_rows(claim: CurveClaim, curves: Curves, resampled: Curves, axes: Axes) -> list[dict]:
    """The rows of a claim about groups: of all that it compares, then with each left out in turn.

    Each has a field "left out", and at equal strength "least" and "most", between which the value
    lies if accuracy between two severities lies between theirs: a verdict that these do not share
    is undecided. A corruption that is alone in its group is not left out.
    """
    strengths = axes.get(claim.axis or "severity")  # none at equal severity
    rows = [_row_of_groups(claim, curves, resampled, axes)]
    rows[0]["left out"] = "none"
    for group in compared(curves, strengths):
        for name in group if len(group) > 1 else ():
            fewer = {key: curve for key, curve in curves.items() if key != name}
            fewer_resampled = {key: curve for key, curve in resampled.items() if key != name}
            row = _row_of_groups(claim, fewer, fewer_resampled, axes)
            row["left out"] = name
            rows.append(row)
    return rows


def _weakest_row(variants: Sequence[Mapping]) -> dict:
    """The first of `left_out_rows` with the verdict that all share and an interval that shows it.

    It reaches over all of their intervals and over what their straight lines allow.
    """
    lows = [row[end] for row in variants for end in ("lo", "least") if end in row]
    highs = [row[end] for row in variants for end in ("hi", "most") if end in row]
    row = dict(variants[0], lo=min(lows), hi=max(highs))
    row["verdict"] = weakest_verdict(variants)
    return row


def what_it_rests_on(rows: pd.DataFrame) -> str:
    """In words, from the rows of one claim in `left_out_table`: does leaving one out turn it?"""
    everything = rows.verdict[rows["left out"] == "none"].iloc[0]
    turned = rows.loc[rows.verdict != everything]
    if turned.empty:
        return f"{everything}, whatever is left out"
    words = []
    for verdict, of_verdict in turned.groupby("verdict"):
        names = " or ".join(readable(name) for name in of_verdict["left out"])
        words.append(f"{verdict} without {names}")
    return f"{everything} with all, but {', '.join(words)}, so undecided"


def _row_of_groups(claim: CurveClaim, curves: Curves, resampled: Curves, axes: Axes) -> dict:
    """The row of a claim about groups, at equal strength with what its straight lines allow."""
    row = claim.judge(_estimate(claim, curves, resampled, axes))
    strengths = axes.get(claim.axis or "severity")
    if strengths is not None:
        row["least"], row["most"] = gap_bounds_at_equal_strength(curves, strengths)
        allowed = verdict_of(row["least"], row["most"], low=claim.low, high=claim.high)
        if allowed != row["verdict"]:
            row["verdict"] = "undecided"
    return row


def left_out_table(
    outcomes: Outcomes, strengths: pd.DataFrame, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """The rows of `left_out_rows` of every claim that compares groups of corruptions."""
    curves, resampled = _exact_and_resampled(outcomes, bootstraps, generator)
    axes = _axes_of(strengths)
    rows = []
    for claim in DEGRADATION_CLAIMS:
        if claim.axis is not None:
            rows += left_out_rows(claim, curves, resampled, axes)
    columns = ["claim", "words", "left out", "value", "lo", "hi", "least", "most", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def severity_regimes(
    outcomes: Outcomes, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """A row per corruption: corruption, regime, point, share, over the severities of the sweep.

    These are at least three, the same of every corruption; no strengths are needed.
    """
    curves, resampled = _exact_and_resampled(outcomes, bootstraps, generator)
    severities = sorted({severity for _, severity in outcomes.conditions})
    return regimes.regime_rows(curves, resampled, dict.fromkeys(curves, severities)).reset_index()


def regimes_alike(by_network: pd.DataFrame) -> pd.Series:
    """Whether all networks have the same stable regime, by corruption.

    `by_network` has a row per corruption and a column per network, with the regime or "unstable".
    """
    stable = (by_network != "unstable").all(axis=1)
    return stable & (by_network.nunique(axis=1) == 1)


def regime_table(
    outcomes: Outcomes, strengths: pd.DataFrame, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """A row per axis and corruption: corruption, regime, point, share, axis.

    The axes are severity, pixel_change and parameter; a corruption whose strength does not grow
    with severity has no row there.
    """
    curves, resampled = _exact_and_resampled(outcomes, bootstraps, generator)
    positions: dict[str, Strengths] = {"severity": dict.fromkeys(curves, SEVERITY)}
    for metric in ("pixel_change", "parameter"):
        positions[metric] = corruptions.strength_axes(strengths, metric)
    tables = []
    for axis, of_corruption in positions.items():
        table = regimes.regime_rows(curves, resampled, of_corruption)
        tables.append(table.assign(axis=axis))
    return pd.concat(tables).reset_index()
