"""The claims of the study: each has a statistic, a region and a verdict from the stored answers.

What is judged and how was written down in notes/claims.md before any network here had met a
corrupted test image.
"""

from collections.abc import Callable, Mapping
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
    curves_of,
    gap_at_equal_severity,
    gap_at_equal_strength,
)

Axes = Mapping[str, Strengths]  # {"pixel_change" | "dissimilarity": strengths}
EXPLORED = ("resnet18", 0)  # seen in notebook 03 before it was judged
MILD = 0.10  # at most this drop, mean over severities
LOST_LOW = 0.38  # 43 points, give or take 5
LOST_HIGH = 0.48


@dataclass(frozen=True, kw_only=True)
class CurveClaim(Claim):
    """A claim whose statistic is computed from the curves."""

    compute: Callable[[Curves, Axes], np.ndarray]  # curves (..., 6) and axes -> (...)


@dataclass(frozen=True)
class RegimeClaim:
    """A claim that holds where the curve of `corruption` over severity is of `regime`."""

    key: str
    words: str
    corruption: str
    regime: str


# ---- statistics of accuracies (..., 6) by corruption, each (...)


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
    RegimeClaim(
        key="1",
        words="accuracy under contrast falls near-linearly",
        corruption="contrast",
        regime="near-linear",
    ),
    RegimeClaim(
        key="2",
        words="fog does little up to a threshold, then accuracy collapses",
        corruption="fog",
        regime="threshold",
    ),
    RegimeClaim(
        key="3",
        words="motion blur does its damage early and then levels off",
        corruption="motion_blur",
        regime="early-plateau",
    ),
    CurveClaim(
        key="4a",
        words=f"{HARDER}, at equal severity",
        statistic=GAP,
        low=0,
        compute=_gap_at_severity,
    ),
    CurveClaim(
        key="4b",
        words=f"{HARDER}, at equal pixel change",
        statistic=GAP,
        low=0,
        compute=_gap_at_pixel_change,
    ),
    CurveClaim(
        key="4c",
        words=f"{HARDER}, at equal structural similarity",
        statistic=GAP,
        low=0,
        compute=_gap_at_dissimilarity,
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

    `strengths` are rows of `strengths.strength_rows`. A claim about a regime has as its value the
    share of bootstraps that agree, and no interval.
    """
    curves, resampled = _exact_and_resampled(outcomes, bootstraps, generator)
    axes = {}
    for metric in ("pixel_change", "dissimilarity"):
        axes[metric] = corruptions.strength_axes(strengths, metric)
    rows = []
    for claim in DEGRADATION_CLAIMS:
        if isinstance(claim, RegimeClaim):
            row = _regime_row(claim, curves, resampled)
        else:
            row = _interval_row(claim, curves, resampled, axes)
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


def _interval_row(claim: CurveClaim, curves: Curves, resampled: Curves, axes: Axes) -> dict:
    """The row of a claim about a size: value, interval over images, verdict."""
    exact = np.array([claim.compute(curves, axes)])  # (1,)
    samples = claim.compute(resampled, axes)[:, None]  # (B, 1)
    return claim.judge(Estimate(exact, samples))


def _regime_row(claim: RegimeClaim, curves: Curves, resampled: Curves) -> dict:
    """The row of a claim about a regime: the share of bootstraps that agree, verdict."""
    samples = resampled[claim.corruption]  # (B, 6)
    stable = regimes.stable_regime(curves[claim.corruption], samples, SEVERITY)
    shares = regimes.regime_shares(samples, SEVERITY)
    verdicts = {claim.regime: "holds", "undecided": "undecided"}
    return {
        "claim": claim.key,
        "words": claim.words,
        "statistic": f"share of bootstraps that are {claim.regime} (the curve: {stable['point']})",
        "low": regimes.STABLE,
        "high": 1.0,
        "value": shares.get(claim.regime, 0.0),
        "lo": np.nan,
        "hi": np.nan,
        "verdict": verdicts.get(stable["regime"], "fails"),
    }


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
