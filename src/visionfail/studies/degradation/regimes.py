"""In which way accuracy falls: from a severity curve to a regime, how stable the answer is, how
often it is wrong.

The rules look at points of accuracy and not at significance: with 10,000 images every real bend is
significant, so the question is whether it is large enough to matter. In this order, on a curve with
positions x from 0 (clean) to 1:

graceful       the curve falls by less than GRACEFUL below clean, at its lowest near-linear    no
point lies further than LINEAR from the best straight line threshold      two straight pieces that
meet at a severity come within LINEAR of every point and closer than a parabola
               does (a break, not a bend), and after it accuracy falls at least STEEPER times as
               fast as before
early-plateau  the step from clean to the first severity takes at least EARLY of the whole loss, and
falls at least
               STEEPER times as fast as the rest (on an axis with even steps the first implies the
               second)
undecided      anything else: smooth bends, curves that rise again, one odd severity
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

REGIMES = ("graceful", "near-linear", "threshold", "early-plateau", "undecided")
# five points; the two published standard networks differ by more than 2 in 29 of their 75 cells
GRACEFUL = 0.05
# three points: three times the half width of an interval at n = 10,000, where accuracy is a half
LINEAR = 0.03
# x^2 falls three times as fast in its second half as in its first: a break must do at least as much
STEEPER = 3.0
EARLY = 0.5  # most of the loss; a straight line of five even steps loses a fifth there
STABLE = 0.8  # share of the bootstraps that must agree


def regime(accuracy: ArrayLike, positions: ArrayLike) -> np.ndarray | str:
    """The regime of accuracies (..., S) in [0, 1] at ascending positions (S,), the first of them
    clean; S at least 4.

    Returns names of shape (...), a plain string for one curve. ValueError for fewer positions,
    accuracies that are no fractions, or positions that do not ascend (a dose that does not grow
    with severity is no axis).
    """
    curves, x = _checked(accuracy, positions)
    total = curves[..., 0] - curves.min(axis=-1)
    before, after, hinge = best_hinge(curves, x)
    broken = (hinge <= LINEAR) & (hinge < _misfit(curves, _basis(x, 2)))
    first, rest = _steps(curves, x)
    rules = {
        "graceful": total < GRACEFUL,
        "near-linear": _misfit(curves, _basis(x, 1)) <= LINEAR,
        "threshold": broken & (after > before) & (after >= STEEPER * before),
        "early-plateau": (first * x[1] >= EARLY * total) & (first >= STEEPER * rest),
    }
    names = np.select(list(rules.values()), list(rules), default="undecided")
    return str(names) if names.ndim == 0 else names


def best_hinge(curves: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the two-piece lines that break at an inner position the one of least squares, for curves
    (..., S): how fast accuracy falls before and after the break, and the largest deviation, each
    (...).
    """
    fits = []
    for knot in x[1:-1]:
        basis = np.stack([np.ones_like(x), x, np.maximum(x - knot, 0)], axis=1)
        coefficients = curves @ np.linalg.pinv(basis).T
        residuals = curves - coefficients @ basis.T
        before = -coefficients[..., 1]
        after = before - coefficients[..., 2]
        fits.append(np.stack([(residuals**2).sum(-1), before, after, np.abs(residuals).max(-1)]))
    fits = np.stack(fits)  # (knots, 4, ...)
    best = fits[:, 0].argmin(axis=0)
    _, before, after, deviation = np.take_along_axis(fits, best[None, None], axis=0)[0]
    return before, after, deviation


def regime_shares(samples: ArrayLike, positions: ArrayLike) -> dict[str, float]:
    """The share of each regime, most common first, among bootstrapped curves (B, S); only those
    that occur.
    """
    names, counts = np.unique(np.atleast_1d(regime(samples, positions)), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): float(counts[i] / counts.sum()) for i in order}


def stable_regime(accuracy: ArrayLike, samples: ArrayLike, positions: ArrayLike) -> dict:
    """{"regime", "point", "share"}: the regime of the curve (S,), called undecided where fewer than
    STABLE of the bootstrapped curves (B, S) agree with it; "point" is what the curve alone says,
    "share" how many agree.
    """
    point = regime(accuracy, positions)
    share = regime_shares(samples, positions).get(point, 0.0)
    return {"regime": point if share >= STABLE else "undecided", "point": point, "share": share}


def constructed_curves(positions: ArrayLike) -> dict[str, tuple[np.ndarray, str]]:
    """{description: (accuracies (S,), the regime it was built to be)} to test the rules on; smooth
    bends are built as undecided or near-linear, never as thresholds, so that a threshold found
    there is a false alarm.
    """
    x = _checked(np.zeros(len(np.atleast_1d(positions))), positions)[1]
    late, first = np.maximum(x - x[-3], 0) / (1 - x[-3]), np.minimum(x / x[1], 1)
    return {
        "level": (0.95 - 0.02 * x, "graceful"),
        "line": (0.95 - 0.4 * x, "near-linear"),
        "gentle bend": (0.95 - 0.4 * (0.7 * x + 0.3 * x**2), "near-linear"),
        "parabola": (0.95 - 0.45 * x**2, "undecided"),
        "cubic": (0.95 - 0.45 * x**3, "undecided"),
        "logistic": (0.95 - 0.6 / (1 + np.exp(-8 * (x - 0.55))), "undecided"),
        "break": (0.95 - 0.04 * x - 0.5 * late, "threshold"),
        "early loss": (0.95 - 0.3 * first - 0.06 * x, "early-plateau"),
    }


def false_alarm_table(
    positions: ArrayLike, *, n: int, repeats: int, generator: np.random.Generator
) -> pd.DataFrame:
    """How the rules call the `constructed` curves measured on n images: shares, a row a curve and a
    column a regime.

    Each accuracy is drawn from a binomial of its own, which is noisier between severities than the
    same images are. ValueError where n or repeats is below 1.
    """
    if n < 1 or repeats < 1:
        raise ValueError(f"n is {n} and repeats {repeats}: both must be at least 1.")
    lines = {}
    for name, (curve, built) in constructed_curves(positions).items():
        drawn = generator.binomial(n, curve, size=(repeats, len(curve))) / n
        lines[name] = (
            {"built": built} | dict.fromkeys(REGIMES, 0.0) | regime_shares(drawn, positions)
        )
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("curve")


def regime_rows(
    curves: Mapping[str, np.ndarray],
    samples: Mapping[str, np.ndarray],
    positions: Mapping[str, ArrayLike],
) -> pd.DataFrame:
    """`judged` for every corruption in `positions` that has an axis there: a row a corruption, in
    that order.
    """
    lines = {name: stable_regime(curves[name], samples[name], x) for name, x in positions.items()}
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("corruption")


def _basis(x: np.ndarray, degree: int) -> np.ndarray:
    return np.vander(x, degree + 1)


def _misfit(curves: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The largest deviation of curves (..., S) from their least-squares fit in the columns of
    `basis`: (...).
    """
    return np.abs(curves - curves @ np.linalg.pinv(basis).T @ basis.T).max(axis=-1)


def _steps(curves: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How fast accuracy falls in the first step, and from there to the last position."""
    first = (curves[..., 0] - curves[..., 1]) / (x[1] - x[0])
    return first, (curves[..., 1] - curves[..., -1]) / (x[-1] - x[1])


def _checked(accuracy: ArrayLike, positions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64, positions moved and scaled to run from 0 to 1."""
    curves, x = np.asarray(accuracy, dtype=np.float64), np.asarray(positions, dtype=np.float64)
    if x.ndim != 1 or len(x) < 4:
        raise ValueError(f"{x.size} positions: a regime needs clean and at least three severities.")
    if not (np.isfinite(x).all() and (np.diff(x) > 0).all()):
        raise ValueError(
            f"positions {x.tolist()} do not ascend: severity, or a dose that grows with it."
        )
    if curves.shape[-1:] != x.shape:
        raise ValueError(
            f"curves of shape {curves.shape} for {len(x)} positions: the last axis must be the "
            "severities."
        )
    if not ((curves >= 0) & (curves <= 1)).all():  # NaN fails here too
        raise ValueError(
            "accuracies must be fractions between 0 and 1, one a position; n must not be 0."
        )
    return curves, (x - x[0]) / (x[-1] - x[0])
