"""How often a regime is named that the curve without noise does not have."""

import itertools

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from visionfail.studies.degradation.regimes import STABLE, regime

CLEAN = 0.94  # the accuracy at which random curves begin
LOSS_EDGES = (0.05, 0.1, 0.2, 0.4, 0.8)  # between sizes of the loss, the smallest to the largest


def random_curves(
    count: int, positions: int, *, rising: bool, generator: np.random.Generator
) -> np.ndarray:
    """Random accuracies (count, positions) that begin at CLEAN and lose between 5 and 80 points.

    The steps share the loss by chance, evenly among all ways to share it; with `rising` one step
    of each curve, not the first, is turned round.
    """
    loss = generator.uniform(LOSS_EDGES[0], LOSS_EDGES[-1], size=(count, 1))
    steps = generator.dirichlet(np.ones(positions - 1), size=count)  # (count, positions - 1)
    if rising:
        turned = generator.integers(1, positions - 1, size=count)
        steps[np.arange(count), turned] *= -1
    lost = np.cumsum(steps, axis=1)
    lost /= np.maximum(lost.max(axis=1, keepdims=True), 1e-9)
    clean = np.zeros((count, 1))
    curves = CLEAN - loss * np.concatenate([clean, lost], axis=1)
    return np.clip(curves, 0, 1)


def false_alarm_table(
    positions: ArrayLike,
    *,
    n: int,
    curves: int,
    bootstraps: int,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """How often regimes of `curves` random curves, each measured on n images, are stable and wrong.

    A row per kind (falling, or rising once) and size of the loss; columns kind, loss, curves,
    stable, and stable but wrong: shares of the curves whose regime STABLE of the bootstraps agree
    with, and whose stable regime is not that of the curve without noise. Each accuracy is drawn
    from a binomial of its own, which is noisier between severities than the same images are.
    ValueError where n, curves or bootstraps is below 1.
    """
    if min(n, curves, bootstraps) < 1:
        raise ValueError(
            f"n is {n}, curves {curves}, bootstraps {bootstraps}: all must be at least 1."
        )
    rows = []
    for kind, rising in {"falling": False, "rising once": True}.items():
        exact = random_curves(curves, np.size(positions), rising=rising, generator=generator)
        stable, wrong = _stable_and_wrong(exact, positions, n, bootstraps, generator)
        loss = exact[:, 0] - exact.min(axis=1)  # (curves,)
        for low, high in itertools.pairwise(LOSS_EDGES):
            inside = (loss >= low) & (loss < high)
            row: dict[str, str | float] = {"kind": kind}
            row["loss"] = f"{100 * low:.0f} to {100 * high:.0f} points"
            row["curves"] = int(inside.sum())
            row["stable"] = stable[inside].mean()
            row["stable but wrong"] = (stable & wrong)[inside].mean()
            rows.append(row)
    return pd.DataFrame(rows)


def _stable_and_wrong(
    exact: np.ndarray, positions: ArrayLike, n: int, bootstraps: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each curve's measured regime is stable, and whether it is another, bool (curves,)."""
    truth = np.asarray(regime(exact, positions))  # (curves,)
    measured = generator.binomial(n, exact) / n  # (curves, S)
    named = np.asarray(regime(measured, positions))
    agreeing = np.zeros(len(exact))
    for _ in range(bootstraps):
        again = generator.binomial(n, measured) / n
        agreeing += np.asarray(regime(again, positions)) == named
    return agreeing / bootstraps >= STABLE, named != truth
