"""The sentences of the study, each with a statistic, a region and a verdict that the stored answers
decide.

What is judged and how was written down in notes/claims.md before any network here had met a
corrupted test image.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from visionfail import claims, corruptions, metrics
from visionfail.evaluation import Outcomes
from visionfail.metrics import Estimate
from visionfail.studies.degradation import regimes

Curves = Mapping[str, np.ndarray]  # {corruption: accuracies (..., 6), clean first}
PIXEL_LEVEL = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise")
STRUCTURAL = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "elastic_transform")
SEVERITY = tuple(range(6))
EXPLORED = ("resnet18", 0)  # seen in notebook 03 before it was judged
POINTS = 50  # points at which curves are compared at equal dose


@dataclass(frozen=True)
class CurveClaim:
    """A sentence that holds where `low` <= statistic <= `high`."""

    key: str
    words: str
    statistic: str  # in words
    low: float
    high: float
    compute: Callable[
        [Curves, Mapping[str, Curves]], np.ndarray
    ]  # curves (B, 6) and doses by axis -> (B,)


@dataclass(frozen=True)
class RegimeClaim:
    """A sentence that holds where the curve of `corruption` over severity is of `regime`."""

    key: str
    words: str
    corruption: str
    regime: str


def accuracy_drop(curves: Curves, corruption: str) -> np.ndarray:
    """Clean accuracy minus accuracy at severities 1 to 5: (..., 5)."""
    return curves[corruption][..., :1] - curves[corruption][..., 1:]


def gap_at_equal_severity(curves: Curves) -> np.ndarray:
    """Accuracy under pixel-level corruptions minus that under structural ones, mean over
    severities: (...).
    """
    pixel, structural = (
        np.mean([curves[name][..., 1:] for name in names], axis=0) for names in GROUPS
    )
    return (pixel - structural).mean(axis=-1)


def gap_at_equal_strength(curves: Curves, doses: Curves) -> np.ndarray:
    """The same where each curve is interpolated at equal dose, from none to the largest that every
    corruption with a dose that grows with severity reaches; the others are left out. ValueError
    where a group has none left.
    """
    groups = [[name for name in names if name in doses] for names in GROUPS]
    if not all(groups):
        raise ValueError(
            f"of the groups {GROUPS} only {groups} have a dose that grows: nothing to compare."
        )
    grid = np.linspace(0, min(doses[name][-1] for names in groups for name in names), POINTS)
    pixel, structural = (
        np.mean([_at(curves[n], doses[n], grid) for n in names], axis=0) for names in groups
    )
    return (pixel - structural).mean(axis=-1)


def _at(curve: np.ndarray, dose_of: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Accuracies (..., 6) at ascending doses (6,), interpolated linearly at `grid` (G,): (...,
    G).
    """
    right = np.clip(np.searchsorted(dose_of, grid), 1, len(dose_of) - 1)
    x = np.asarray(dose_of, dtype=float)
    share = (grid - x[right - 1]) / (x[right] - x[right - 1])
    return curve[..., right - 1] * (1 - share) + curve[..., right] * share


GROUPS = (PIXEL_LEVEL, STRUCTURAL)
HARDER = "structural corruptions hurt more than pixel-level ones"
LOST = "up to 43 points are lost under severe contrast"

DEGRADATION_CLAIMS = (
    RegimeClaim("1", "accuracy under contrast falls near-linearly", "contrast", "near-linear"),
    RegimeClaim(
        "2", "fog does little up to a threshold, then accuracy collapses", "fog", "threshold"
    ),
    RegimeClaim(
        "3", "motion blur does its damage early and then levels off", "motion_blur", "early-plateau"
    ),
    CurveClaim(
        "4a",
        f"{HARDER}, at equal severity",
        "accuracy, pixel-level minus structural",
        0,
        np.inf,
        lambda curves, doses: gap_at_equal_severity(curves),
    ),
    CurveClaim(
        "4b",
        f"{HARDER}, at equal pixel change",
        "accuracy, pixel-level minus structural",
        0,
        np.inf,
        lambda curves, doses: gap_at_equal_strength(curves, doses["pixel_change"]),
    ),
    CurveClaim(
        "4c",
        f"{HARDER}, at equal structural similarity",
        "accuracy, pixel-level minus structural",
        0,
        np.inf,
        lambda curves, doses: gap_at_equal_strength(curves, doses["dissimilarity"]),
    ),
    CurveClaim(
        "5",
        "JPEG is mild",
        "drop, mean over severities",
        -np.inf,
        0.10,
        lambda curves, doses: accuracy_drop(curves, "jpeg_compression").mean(axis=-1),
    ),
    CurveClaim(
        "6",
        "brightness is mild",
        "drop, mean over severities",
        -np.inf,
        0.10,
        lambda curves, doses: accuracy_drop(curves, "brightness").mean(axis=-1),
    ),
    CurveClaim(
        "7a",
        f"{LOST}: at severity 5",
        "drop at severity 5",
        0.38,
        0.48,
        lambda curves, doses: accuracy_drop(curves, "contrast")[..., -1],
    ),
    CurveClaim(
        "7b",
        f"{LOST}: as a share of clean accuracy",
        "drop at severity 5 / clean accuracy",
        0.38,
        0.48,
        lambda curves, doses: (
            accuracy_drop(curves, "contrast")[..., -1] / curves["contrast"][..., 0]
        ),
    ),
    CurveClaim(
        "7c",
        f"{LOST}: no severity loses more",
        "largest drop over severities",
        -np.inf,
        0.48,
        lambda curves, doses: accuracy_drop(curves, "contrast").max(axis=-1),
    ),
)


def curves_of(accuracies: np.ndarray, outcomes: Outcomes) -> dict[str, np.ndarray]:
    """{corruption: (..., 6)} from accuracies (..., conditions) of a sweep with all five severities,
    clean first.
    """
    by_name = metrics.by_corruption(accuracies, outcomes.conditions)
    clean = by_name.pop("clean")
    return {name: np.concatenate([clean, values], axis=-1) for name, values in by_name.items()}


def judge_degradation(
    outcomes: Outcomes,
    doses: pd.DataFrame,
    *,
    model: str,
    seed: int,
    bootstraps: int,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Every claim about one network, a row a claim: words, source, statistic, region, value,
    interval, n, verdict.

    `doses` are rows of `dose.doses`. A claim about a regime has the share of bootstraps that agree
    as its value.
    """
    exact = curves_of(outcomes.correct.mean(axis=1), outcomes)
    samples = metrics.bootstrap_condition_means(
        outcomes.correct, bootstraps=bootstraps, generator=generator
    )
    samples = curves_of(samples, outcomes)
    axes = {
        metric: corruptions.strength_axes(doses, metric)
        for metric in ("pixel_change", "dissimilarity")
    }
    common = {
        "model": model,
        "seed": seed,
        "status": "exploratory" if (model, seed) == EXPLORED else "confirmatory",
    }
    common |= {"n": len(outcomes.labels), "source": "working hypothesis"}
    lines = []
    for claim in DEGRADATION_CLAIMS:
        judged = _regime_row if isinstance(claim, RegimeClaim) else _interval_row
        lines.append(
            {"claim": claim.key, "words": claim.words}
            | common
            | judged(claim, exact, samples, axes)
        )
    return pd.DataFrame(lines)[list(claims.JUDGED)]


def _interval_row(
    claim: CurveClaim, exact: Curves, samples: Curves, axes: Mapping[str, Curves]
) -> dict:
    value = Estimate(np.array([claim.compute(exact, axes)]), claim.compute(samples, axes)[:, None])
    return claims.claim_row(claim.key, claim.words, claim.statistic, claim.low, claim.high, value)


def _regime_row(
    claim: RegimeClaim, exact: Curves, samples: Curves, axes: Mapping[str, Curves]
) -> dict:
    found = regimes.stable_regime(exact[claim.corruption], samples[claim.corruption], SEVERITY)
    share = regimes.regime_shares(samples[claim.corruption], SEVERITY).get(claim.regime, 0.0)
    verdict = {claim.regime: "holds", "undecided": "undecided"}.get(found["regime"], "fails")
    statistic = f"share of bootstraps that are {claim.regime} (the curve: {found['point']})"
    return {
        "statistic": statistic,
        "low": regimes.STABLE,
        "high": 1.0,
        "value": share,
        "verdict": verdict,
    } | {
        "lo": np.nan,
        "hi": np.nan,
    }


def regime_table(
    outcomes: Outcomes, doses: pd.DataFrame, *, bootstraps: int, generator: np.random.Generator
):
    """The regime of every corruption on every axis (severity, pixel_change, parameter): columns
    corruption, axis, regime, point, share; no row where the dose does not grow with severity.
    """
    exact = curves_of(outcomes.correct.mean(axis=1), outcomes)
    samples = metrics.bootstrap_condition_means(
        outcomes.correct, bootstraps=bootstraps, generator=generator
    )
    samples = curves_of(samples, outcomes)
    positions = {"severity": dict.fromkeys(exact, SEVERITY)}
    positions |= {
        metric: corruptions.strength_axes(doses, metric) for metric in ("pixel_change", "parameter")
    }
    tables = [
        regimes.regime_rows(exact, samples, x).assign(axis=axis) for axis, x in positions.items()
    ]
    return pd.concat(tables).reset_index()
