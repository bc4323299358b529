"""How accuracy falls: from a severity curve to a regime, how stable it is, how often it is wrong.

Everything is measured in shares of the loss, clean accuracy minus the lowest, so that a curve that
loses 15 points and one that loses 60 get the same name for the same shape. The rules look at shares
and not at significance: with 10,000 images every real bend is significant, so the question is
whether it is large enough to matter. They are tried in this order:

mild: the loss is less than MILD.
early collapse: the first step takes at least COLLAPSE of the loss.
non-monotone: accuracy rises again by more than RISE, and by more than RISE_SHARE of the loss.
late collapse, mid collapse: the last step, another one, takes at least COLLAPSE of the loss.
accelerating, decelerating: the curve bends by more than BEND, below or above a straight line.
no bend: anything else.

A step is a collapse only within WIDEST of the axis: on severity every step is a fifth of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

REGIMES = (
    "mild",
    "early collapse",
    "non-monotone",
    "late collapse",
    "mid collapse",
    "accelerating",
    "decelerating",
    "no bend",
)
UNSTABLE = "unstable"
MILD = 0.10  # ten points, as in the claims about JPEG and brightness
COLLAPSE = 0.5  # most of the loss; a straight line of five even steps loses a fifth in each
WIDEST = 1 / 3  # of the axis, for a step that is a collapse
RISE = 0.01  # a point: three times the half width of an interval at n = 10,000 near 90%
RISE_SHARE = 0.05
BEND = 0.10  # half of a parabola's, which is 0.20 below the line
STABLE = 0.975  # share of the bootstraps that must agree: one in forty may not


@dataclass(frozen=True, eq=False)
class Shape:
    """What the rules look at in curves (..., S): steps and bend in shares of the loss."""

    loss: np.ndarray  # clean accuracy minus the lowest, (...)
    rise: np.ndarray  # the most that a later accuracy lies above an earlier one, (...)
    steps: np.ndarray  # what each step loses, (..., S - 1)
    bend: np.ndarray  # mean loss at the inner positions minus that of a straight line, (...)


def shape(accuracy: ArrayLike, positions: ArrayLike) -> Shape:
    """The shape of accuracies (..., S) in [0, 1]; shares of no loss at all are 0.

    Positions (S,), at least 4, ascend, the first of them clean. ValueError for fewer positions,
    accuracies that are no fractions, or positions that do not ascend (a strength that does not grow
    with severity is no axis).
    """
    curves, x = _checked(accuracy, positions)
    loss = curves[..., 0] - curves.min(axis=-1)  # (...)
    lowest_before = np.minimum.accumulate(curves, axis=-1)
    rise = (curves - lowest_before).max(axis=-1)
    lost = curves[..., :1] - curves  # (..., S)
    share = np.divide(lost, loss[..., None], out=np.zeros_like(lost), where=loss[..., None] > 0)
    bend = (share - x)[..., 1:-1].mean(axis=-1)
    return Shape(loss=loss, rise=rise, steps=np.diff(share, axis=-1), bend=bend)


def distance_from_line(accuracy: ArrayLike, positions: ArrayLike) -> np.ndarray:
    """The largest distance of curves (..., S) from their best straight line, in shares of the loss.

    The line is that of least squares; (...), 0 where nothing is lost.
    """
    curves, x = _checked(accuracy, positions)
    basis = np.vander(x, 2)  # (S, 2)
    fitted = curves @ np.linalg.pinv(basis).T @ basis.T  # (..., S)
    distance = np.abs(curves - fitted).max(axis=-1)
    loss = curves[..., 0] - curves.min(axis=-1)
    return np.divide(distance, loss, out=np.zeros_like(loss), where=loss > 0)


def regime(accuracy: ArrayLike, positions: ArrayLike) -> np.ndarray | str:
    """The regime of accuracies (..., S) in [0, 1]: names (...), a plain string for one curve.

    ValueError as in `shape`.
    """
    of_curves = shape(accuracy, positions)
    _, x = _checked(accuracy, positions)
    narrow = np.diff(x) <= WIDEST  # (S - 1,)
    collapses = (of_curves.steps >= COLLAPSE) & narrow  # (..., S - 1)
    rises = (of_curves.rise > RISE) & (of_curves.rise > RISE_SHARE * of_curves.loss)
    rules = {
        "mild": of_curves.loss < MILD,
        "early collapse": collapses[..., 0],
        "non-monotone": rises,
        "late collapse": collapses[..., -1],
        "mid collapse": collapses[..., 1:-1].any(axis=-1),
        "accelerating": of_curves.bend < -BEND,
        "decelerating": of_curves.bend > BEND,
    }
    names = np.select(list(rules.values()), list(rules), default="no bend")
    return str(names) if names.ndim == 0 else names


def regime_shares(samples: ArrayLike, positions: ArrayLike) -> dict[str, float]:
    """{regime: share in (0, 1]} of those that occur among curves (B, S), most common first."""
    regimes = np.atleast_1d(regime(samples, positions))  # (B,)
    names, counts = np.unique(regimes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): float(counts[i] / counts.sum()) for i in order}


def stable_regime(accuracy: ArrayLike, samples: ArrayLike, positions: ArrayLike) -> dict:
    """{"regime", "point", "share"} of one curve (S,) with its bootstrapped curves (B, S).

    "point" is the regime of the curve alone, "share" how many bootstraps agree with it; "regime" is
    UNSTABLE where that is below STABLE. ValueError for more than one curve.
    """
    point = regime(accuracy, positions)
    if not isinstance(point, str):
        raise ValueError(f"curves of shape {np.shape(accuracy)}: give one curve, (severities,).")
    share = regime_shares(samples, positions).get(point, 0.0)
    return {"regime": point if share >= STABLE else UNSTABLE, "point": point, "share": share}


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
