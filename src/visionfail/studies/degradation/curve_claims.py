"""The claims of the study: each has a statistic of the curves and a region.

What is judged and how was written down in notes/claims.md before any network here had met a
corrupted test image; claims 1 to 4 are judged by its amendment of 2026-11-28.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from visionfail.claims import Claim
from visionfail.studies.degradation import regimes
from visionfail.studies.degradation.curves import (
    SEVERITY,
    Curves,
    Strengths,
    accuracy_drop,
    gap_at_equal_severity,
    gap_at_equal_strength,
)

Axes = Mapping[str, Strengths]  # {"pixel_change" | "dissimilarity": strengths}
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
        amended=True,
    ),
    CurveClaim(
        key="2",
        words="fog does little up to a threshold, then accuracy collapses",
        statistic="step from severity 4 to 5 / loss, fog",
        low=MOST,
        compute=_fog_last_step,
        amended=True,
    ),
    CurveClaim(
        key="3",
        words="motion blur does its damage early and then levels off",
        statistic="step from clean to severity 1 / loss, motion blur",
        low=MOST,
        compute=_motion_first_step,
        amended=True,
    ),
    CurveClaim(
        key="4a",
        words=f"{HARDER}, at equal severity",
        statistic=GAP,
        low=0,
        compute=_gap_at_severity,
        amended=True,
        axis="severity",
    ),
    CurveClaim(
        key="4b",
        words=f"{HARDER}, at equal pixel change",
        statistic=GAP,
        low=0,
        compute=_gap_at_pixel_change,
        amended=True,
        axis="pixel_change",
    ),
    CurveClaim(
        key="4c",
        words=f"{HARDER}, at equal structural similarity",
        statistic=GAP,
        low=0,
        compute=_gap_at_dissimilarity,
        amended=True,
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
