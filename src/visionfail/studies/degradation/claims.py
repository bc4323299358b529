"""The claims of the study: each has a statistic, a region and a verdict from the stored answers.

What is judged and how was written down in notes/claims.md before any network here had met a
corrupted test image.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from visionfail import corruptions, metrics
from visionfail.claims import JUDGED, Claim
from visionfail.evaluation import Outcomes
from visionfail.metrics import Estimate
from visionfail.studies.degradation import regimes
from visionfail.studies.degradation.curves import (
    SEVERITY,
    Curves,
    Strengths,
    accuracy_drop,
    compared,
    curves_of,
    gap_at_equal_severity,
    gap_at_equal_strength,
)

Axes = Mapping[str, Strengths]  # {"pixel_change" | "dissimilarity": strengths}
EXPLORED = ("resnet18", 0)  # seen in notebook 03 before it was judged
MILD = 0.10  # at most this drop, mean over severities
STRAIGHT = 0.10  # at most this share of the loss from a straight line
MOST = 0.5  # at least this share of the loss in one step
LOST_LOW = 0.38  # 43 points, give or take 5
LOST_HIGH = 0.48


@dataclass(frozen=True, kw_only=True)
class CurveClaim(Claim):
    """A claim whose statistic is computed from the curves.

    Where it compares groups of corruptions, `axis` is the strength at which it does, or severity:
    the claim then has to stand with each corruption left out in turn.
    """

    compute: Callable[[Curves, Axes], np.ndarray]  # curves (..., 6) and axes -> (...)
    axis: str | None = None


# ---- statistics of accuracies (..., 6) by corruption, each (...)


def _contrast_from_line(curves: Curves, axes: Axes) -> np.ndarray:
    """The largest distance of contrast's curve from a straight line, as a share of the loss."""
    return regimes.distance_from_line(curves["contrast"], SEVERITY)


def _fog_last_step(curves: Curves, axes: Axes) -> np.ndarray:
    """The step from severity 4 to 5 under fog, as a share of the loss."""
    return regimes.shape(curves["fog"], SEVERITY).steps[..., -1]


def _motion_first_step(curves: Curves, axes: Axes) -> np.ndarray:
    """The step from clean to severity 1 under motion blur, as a share of the loss."""
    return regimes.shape(curves["motion_blur"], SEVERITY).steps[..., 0]


def _gap_at_severity(curves: Curves, axes: Axes) -> np.ndarray:
    """Accuracy, pixel-level minus structural, at equal severity."""
    return gap_at_equal_severity(curves)


def _gap_at_pixel_change(curves: Curves, axes: Axes) -> np.ndarray:
    """Accuracy, pixel-level minus structural, at equal pixel change."""
    return gap_at_equal_strength(curves, axes["pixel_change"])


def _gap_at_dissimilarity(curves: Curves, axes: Axes) -> np.ndarray:
    """Accuracy, pixel-level minus structural, at equal dissimilarity."""
    return gap_at_equal_strength(curves, axes["dissimilarity"])


def _jpeg_drop(curves: Curves, axes: Axes) -> np.ndarray:
    """The drop under JPEG compression, mean over severities."""
    return accuracy_drop(curves, "jpeg_compression").mean(axis=-1)


def _brightness_drop(curves: Curves, axes: Axes) -> np.ndarray:
    """The drop under brightness, mean over severities."""
    return accuracy_drop(curves, "brightness").mean(axis=-1)


def _severe_contrast_drop(curves: Curves, axes: Axes) -> np.ndarray:
    """The drop under contrast at severity 5."""
    return accuracy_drop(curves, "contrast")[..., -1]


def _severe_contrast_share(curves: Curves, axes: Axes) -> np.ndarray:
    """The same as a share of clean accuracy."""
    return accuracy_drop(curves, "contrast")[..., -1] / curves["contrast"][..., 0]


def _largest_contrast_drop(curves: Curves, axes: Axes) -> np.ndarray:
    """The largest drop under contrast over severities."""
    return accuracy_drop(curves, "contrast").max(axis=-1)


# ---- the claims

HARDER = "structural corruptions hurt more than pixel-level ones"
LOST = "up to 43 points are lost under severe contrast"
GAP = "accuracy, pixel-level minus structural"
MEAN_DROP = "drop, mean over severities"

DEGRADATION_CLAIMS = (
    CurveClaim(
        key="1",
        words="accuracy under contrast falls near-linearly",
        statistic="largest distance from a straight line / loss, contrast",
        high=STRAIGHT,
        compute=_contrast_from_line,
    ),
    CurveClaim(
        key="2",
        words="fog does little up to a threshold, then accuracy collapses",
        statistic="step from severity 4 to 5 / loss, fog",
        low=MOST,
        compute=_fog_last_step,
    ),
    CurveClaim(
        key="3",
        words="motion blur does its damage early and then levels off",
        statistic="step from clean to severity 1 / loss, motion blur",
        low=MOST,
        compute=_motion_first_step,
    ),
    CurveClaim(
        key="4a",
        words=f"{HARDER}, at equal severity",
        statistic=GAP,
        low=0,
        compute=_gap_at_severity,
        axis="severity",
    ),
    CurveClaim(
        key="4b",
        words=f"{HARDER}, at equal pixel change",
        statistic=GAP,
        low=0,
        compute=_gap_at_pixel_change,
        axis="pixel_change",
    ),
    CurveClaim(
        key="4c",
        words=f"{HARDER}, at equal structural similarity",
        statistic=GAP,
        low=0,
        compute=_gap_at_dissimilarity,
        axis="dissimilarity",
    ),
    CurveClaim(
        key="5",
        words="JPEG is mild",
        statistic=MEAN_DROP,
        high=MILD,
        compute=_jpeg_drop,
    ),
    CurveClaim(
        key="6",
        words="brightness is mild",
        statistic=MEAN_DROP,
        high=MILD,
        compute=_brightness_drop,
    ),
    CurveClaim(
        key="7a",
        words=f"{LOST}: at severity 5",
        statistic="drop at severity 5",
        low=LOST_LOW,
        high=LOST_HIGH,
        compute=_severe_contrast_drop,
    ),
    CurveClaim(
        key="7b",
        words=f"{LOST}: as a share of clean accuracy",
        statistic="drop at severity 5 / clean accuracy",
        low=LOST_LOW,
        high=LOST_HIGH,
        compute=_severe_contrast_share,
    ),
    CurveClaim(
        key="7c",
        words=f"{LOST}: no severity loses more",
        statistic="largest drop over severities",
        high=LOST_HIGH,
        compute=_largest_contrast_drop,
    ),
)


# ---- judged


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
    axes = {}
    for metric in ("pixel_change", "dissimilarity"):
        axes[metric] = corruptions.strength_axes(strengths, metric)
    rows = []
    for claim in DEGRADATION_CLAIMS:
        row = claim.judge(_estimate(claim, curves, resampled, axes))
        if claim.axis is not None:
            row["verdict"] = weakest_verdict(left_out_rows(claim, curves, resampled, axes))
        rows.append(row)
    status = "exploratory" if (model, seed) == EXPLORED else "confirmatory"
    table = pd.DataFrame(rows).assign(model=model, seed=seed, status=status)
    table = table.assign(n=len(outcomes.labels), source="working hypothesis")
    return table.loc[:, list(JUDGED)]


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

    Each has a field "left out". A corruption that is alone in its group is not left out.
    """
    strengths = None if claim.axis == "severity" else axes[claim.axis or ""]
    rows = [claim.judge(_estimate(claim, curves, resampled, axes))]
    rows[0]["left out"] = "none"
    for group in compared(curves, strengths):
        for name in group if len(group) > 1 else ():
            fewer = {key: curve for key, curve in curves.items() if key != name}
            fewer_resampled = {key: curve for key, curve in resampled.items() if key != name}
            row = claim.judge(_estimate(claim, fewer, fewer_resampled, axes))
            row["left out"] = name
            rows.append(row)
    return rows


def weakest_verdict(rows: Sequence[Mapping]) -> str:
    """The verdict that all rows share, else "undecided": it hangs on a single corruption."""
    verdicts = {row["verdict"] for row in rows}
    return verdicts.pop() if len(verdicts) == 1 else "undecided"


def left_out_table(
    outcomes: Outcomes, strengths: pd.DataFrame, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """The rows of `left_out_rows` of every claim that compares groups of corruptions."""
    curves, resampled = _exact_and_resampled(outcomes, bootstraps, generator)
    axes = {}
    for metric in ("pixel_change", "dissimilarity"):
        axes[metric] = corruptions.strength_axes(strengths, metric)
    rows = []
    for claim in DEGRADATION_CLAIMS:
        if claim.axis is not None:
            rows += left_out_rows(claim, curves, resampled, axes)
    columns = ["claim", "words", "left out", "value", "lo", "hi", "verdict"]
    return pd.DataFrame(rows, columns=columns)


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
