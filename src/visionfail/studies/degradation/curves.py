"""Accuracy over severity by corruption, and how two groups of corruptions compare."""

from collections.abc import Mapping, Sequence

import numpy as np

from visionfail import metrics
from visionfail.evaluation import Outcomes

Curves = Mapping[str, np.ndarray]  # {corruption: accuracies (..., 6), clean first}
Strengths = Mapping[str, Sequence[float] | np.ndarray]  # {corruption: at severity 0 to 5, (6,)}
PIXEL_LEVEL = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise")
STRUCTURAL = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "elastic_transform")
GROUPS = (PIXEL_LEVEL, STRUCTURAL)
SEVERITY = tuple(range(6))
POINTS = 50  # points at which curves are compared at equal strength


def curves_of(accuracies: np.ndarray, outcomes: Outcomes) -> dict[str, np.ndarray]:
    """{corruption: (..., 6)}, clean first, of a sweep's accuracies (..., conditions).

    6 where the sweep has all five severities, else one more than it has.
    """
    by_name = metrics.by_corruption(accuracies, outcomes.conditions)
    clean = by_name.pop("clean")  # (..., 1)
    curves = {}
    for name, corrupted in by_name.items():  # (..., 5)
        curves[name] = np.concatenate([clean, corrupted], axis=-1)
    return curves


def accuracy_drop(curves: Curves, corruption: str) -> np.ndarray:
    """Clean accuracy minus accuracy at severities 1 to 5, as fractions (..., 5)."""
    return curves[corruption][..., :1] - curves[corruption][..., 1:]


def compared(curves: Curves, strengths: Strengths | None = None) -> tuple[list[str], list[str]]:
    """The corruptions of `curves` that a comparison is over: (pixel-level, structural).

    With `strengths` only those whose strength grows with severity. ValueError where a group has
    none left.
    """
    groups = []
    for group in GROUPS:
        names = [name for name in group if name in curves]
        if strengths is not None:
            names = [name for name in names if name in strengths]
        groups.append(names)
    pixel, structural = groups
    if not pixel or not structural:
        raise ValueError(
            f"of the groups {GROUPS} only {groups} have a curve and a strength that grows with "
            "severity: nothing to compare."
        )
    return pixel, structural


def gap_at_equal_severity(curves: Curves) -> np.ndarray:
    """Accuracy under pixel-level minus structural corruptions, mean over severities: (...).

    Corruptions that are not in `curves` are left out.
    """
    pixel_names, structural_names = compared(curves)
    pixel = np.mean([curves[name][..., 1:] for name in pixel_names], axis=0)  # (..., 5)
    structural = np.mean([curves[name][..., 1:] for name in structural_names], axis=0)
    return (pixel - structural).mean(axis=-1)


def gap_at_equal_strength(curves: Curves, strengths: Strengths) -> np.ndarray:
    """The same with each curve interpolated at POINTS equal strengths, mean over these: (...).

    They run from 0 to the largest that every corruption reaches whose strength grows with
    severity; the others are left out. ValueError where a group has none left.
    """
    pixel_names, structural_names = compared(curves, strengths)
    grid = _equal_strengths(strengths, pixel_names + structural_names)
    pixel = _mean_curve(curves, strengths, pixel_names, grid)  # (..., POINTS)
    structural = _mean_curve(curves, strengths, structural_names, grid)
    return (pixel - structural).mean(axis=-1)


def gap_bounds_at_equal_strength(curves: Curves, strengths: Strengths) -> tuple[float, float]:
    """The least and the most that gap can be if accuracy lies between the two severities measured.

    A straight line between these points is a guess, and where a corruption's first severity is
    strong already most of the comparison is guessed. Curves are (6,).
    """
    pixel_names, structural_names = compared(curves, strengths)
    grid = _equal_strengths(strengths, pixel_names + structural_names)
    pixel_low, pixel_high = _mean_steps(curves, strengths, pixel_names, grid)
    structural_low, structural_high = _mean_steps(curves, strengths, structural_names, grid)
    return pixel_low - structural_high, pixel_high - structural_low


def _equal_strengths(strengths: Strengths, names: Sequence[str]) -> np.ndarray:
    """POINTS strengths from 0 to the largest that all of `names` reach."""
    return np.linspace(0, min(strengths[name][-1] for name in names), POINTS)


def _mean_steps(
    curves: Curves, strengths: Strengths, names: Sequence[str], grid: np.ndarray
) -> tuple[float, float]:
    """Mean accuracy at `grid`, each the lower and the higher of the two severities around it."""
    low = []
    high = []
    for name in names:
        strength = np.asarray(strengths[name], dtype=float)
        after = curves[name][np.searchsorted(strength, grid)]  # (POINTS,)
        # a strength measured as nearly 0 when clean may lie above the grid's first point
        place = np.maximum(np.searchsorted(strength, grid, side="right") - 1, 0)
        before = curves[name][place]
        low.append(np.minimum(before, after).mean())
        high.append(np.maximum(before, after).mean())
    return float(np.mean(low)), float(np.mean(high))


def _mean_curve(
    curves: Curves, strengths: Strengths, names: Sequence[str], grid: np.ndarray
) -> np.ndarray:
    """Mean accuracy over the corruptions `names` at the strengths `grid` (G,): (..., G)."""
    interpolated = []
    for name in names:
        strength = np.asarray(strengths[name], dtype=float)
        interpolated.append(_interpolate(curves[name], strength, grid))
    return np.mean(interpolated, axis=0)


def _interpolate(curve: np.ndarray, strength: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Accuracies (..., 6) at ascending strengths (6,), linearly at `grid` (G,): (..., G)."""
    right = np.clip(np.searchsorted(strength, grid), 1, len(strength) - 1)  # (G,)
    left = right - 1
    share = (grid - strength[left]) / (strength[right] - strength[left])
    return curve[..., left] * (1 - share) + curve[..., right] * share
