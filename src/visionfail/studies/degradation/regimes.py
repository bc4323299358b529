"""How accuracy falls: from a severity curve to a regime, how stable it is, how often it is wrong.

The rules look at points of accuracy and not at significance: with 10,000 images every real bend is
significant, so the question is whether it is large enough to matter. They are tried in this order
on a curve with positions x from 0 (clean) to 1:

graceful: the curve falls by less than GRACEFUL below clean, at its lowest.
near-linear: no point lies further than LINEAR from the best straight line.
threshold: two straight pieces that meet at a severity come within LINEAR of every point and closer
    than a parabola does (a break, not a bend); after it accuracy falls at least STEEPER times as
    fast as before.
early-plateau: the step from clean to the first severity is at least EARLY of the whole loss, and
    falls at least STEEPER times as fast as what follows (on an axis with even steps the first
    implies the second).
undecided: anything else, such as smooth bends, curves that rise again, one odd severity.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, eq=False)
class HingeFit:
    """The least-squares fit of curves (..., S) by two straight pieces, each quantity (...)."""

    before: np.ndarray  # how fast accuracy falls before the break, per unit of x
    after: np.ndarray
    squared_error: np.ndarray  # sum of squares over positions
    deviation: np.ndarray  # the largest over positions


def regime(accuracy: ArrayLike, positions: ArrayLike) -> np.ndarray | str:
    """The regime of accuracies (..., S) in [0, 1]: names (...), a plain string for one curve.

    Positions (S,), at least 4, ascend, the first of them clean. ValueError for fewer positions,
    accuracies that are no fractions, or positions that do not ascend (a strength that does not grow
    with severity is no axis).
    """
    curves, x = _checked(accuracy, positions)
    loss = curves[..., 0] - curves.min(axis=-1)  # (...)
    before, after, deviation = best_hinge(curves, x)
    broken = (deviation <= LINEAR) & (deviation < _misfit(curves, _basis(x, 2)))
    first, later = _steps(curves, x)
    rules = {
        "graceful": loss < GRACEFUL,
        "near-linear": _misfit(curves, _basis(x, 1)) <= LINEAR,
        "threshold": broken & (after > before) & (after >= STEEPER * before),
        "early-plateau": (first * x[1] >= EARLY * loss) & (first >= STEEPER * later),
    }
    names = np.select(list(rules.values()), list(rules), default="undecided")
    return str(names) if names.ndim == 0 else names


def best_hinge(curves: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(before, after, deviation), each (...), of the best two-piece line of curves (..., S).

    It breaks at the inner position of least squares. The first two say how fast accuracy falls
    before and after the break, the third is the largest deviation.
    """
    fits = [_fit_hinge(curves, x, knot) for knot in x[1:-1]]
    best = np.argmin([fit.squared_error for fit in fits], axis=0)  # (...) the knot of each curve
    before = _at_knot([fit.before for fit in fits], best)
    after = _at_knot([fit.after for fit in fits], best)
    deviation = _at_knot([fit.deviation for fit in fits], best)
    return before, after, deviation


def _fit_hinge(curves: np.ndarray, x: np.ndarray, knot: float) -> HingeFit:
    """The fit of curves (..., S) that breaks at `knot`."""
    basis = np.stack([np.ones_like(x), x, np.maximum(x - knot, 0)], axis=1)  # (S, 3)
    coefficients = curves @ np.linalg.pinv(basis).T  # (..., 3)
    residuals = curves - coefficients @ basis.T  # (..., S)
    before = -coefficients[..., 1]
    return HingeFit(
        before=before,
        after=before - coefficients[..., 2],
        squared_error=(residuals**2).sum(-1),
        deviation=np.abs(residuals).max(-1),
    )


def _at_knot(values: list[np.ndarray], best: np.ndarray) -> np.ndarray:
    """For each curve the value (...) at its best knot, of values (...) by knot."""
    stacked = np.stack(values)  # (knots, ...)
    return np.take_along_axis(stacked, np.asarray(best)[None], axis=0)[0]


def regime_shares(samples: ArrayLike, positions: ArrayLike) -> dict[str, float]:
    """{regime: share in (0, 1]} of those that occur among curves (B, S), most common first."""
    regimes = np.atleast_1d(regime(samples, positions))  # (B,)
    names, counts = np.unique(regimes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): float(counts[i] / counts.sum()) for i in order}


def stable_regime(accuracy: ArrayLike, samples: ArrayLike, positions: ArrayLike) -> dict:
    """{"regime", "point", "share"} of one curve (S,) with its bootstrapped curves (B, S).

    "point" is the regime of the curve alone, "share" how many bootstraps agree with it; "regime" is
    undecided where that is below STABLE. ValueError for more than one curve.
    """
    point = regime(accuracy, positions)
    if not isinstance(point, str):
        raise ValueError(f"curves of shape {np.shape(accuracy)}: give one curve, (severities,).")
    share = regime_shares(samples, positions).get(point, 0.0)
    return {"regime": point if share >= STABLE else "undecided", "point": point, "share": share}


def constructed_curves(positions: ArrayLike) -> dict[str, tuple[np.ndarray, str]]:
    """{description: (accuracies (S,), the regime it was built to be)} to test the rules on.

    Smooth bends are built as undecided or near-linear, never as thresholds, so that a threshold
    found there is a false alarm.
    """
    flat = np.zeros(len(np.atleast_1d(positions)))
    _, x = _checked(flat, positions)
    late = np.maximum(x - x[-3], 0) / (1 - x[-3])
    first = np.minimum(x / x[1], 1)
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
    """Shares of regimes among `repeats` noisy copies, a row per constructed curve.

    Each accuracy is drawn from a binomial of its own with n images, which is noisier between
    severities than the same images are. ValueError where n or repeats is below 1.
    """
    if n < 1 or repeats < 1:
        raise ValueError(f"n is {n} and repeats {repeats}: both must be at least 1.")
    rows = {}
    for description, (curve, built) in constructed_curves(positions).items():
        drawn = generator.binomial(n, curve, size=(repeats, len(curve))) / n  # (repeats, S)
        shares = regime_shares(drawn, positions)
        row: dict[str, str | float] = {"built": built}
        for name in REGIMES:
            row[name] = shares.get(name, 0.0)
        rows[description] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("curve")


def regime_rows(
    curves: Mapping[str, np.ndarray],
    samples: Mapping[str, np.ndarray],
    positions: Mapping[str, ArrayLike],
) -> pd.DataFrame:
    """A row of `stable_regime` per corruption in `positions`, in that order."""
    rows = {}
    for corruption, x in positions.items():
        rows[corruption] = stable_regime(curves[corruption], samples[corruption], x)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("corruption")


def _basis(x: np.ndarray, degree: int) -> np.ndarray:
    """Powers of x (S,), the highest first: (S, degree + 1)."""
    return np.vander(x, degree + 1)


def _misfit(curves: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The largest deviation (...) of curves (..., S) from their least-squares fit in `basis`."""
    return np.abs(curves - curves @ np.linalg.pinv(basis).T @ basis.T).max(axis=-1)


def _steps(curves: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How fast accuracy falls in the first step, and from there to the last one, (...) each."""
    first = (curves[..., 0] - curves[..., 1]) / (x[1] - x[0])
    later = (curves[..., 1] - curves[..., -1]) / (x[-1] - x[1])
    return first, later


def _checked(accuracy: ArrayLike, positions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64, positions moved and scaled to run from 0 to 1."""
    curves = np.asarray(accuracy, dtype=np.float64)
    x = np.asarray(positions, dtype=np.float64)
    if x.ndim != 1 or len(x) < 4:
        raise ValueError(f"{x.size} positions: a regime needs clean and at least three severities.")
    if not (np.isfinite(x).all() and (np.diff(x) > 0).all()):
        raise ValueError(
            f"positions {x.tolist()} do not ascend: severity, or a strength that grows with it."
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
