"""A value per seed and in every resample of the images, so that differences keep the pairing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from visionfail.metrics import failure, intervals


@dataclass(frozen=True, eq=False)
class Estimate:
    """AUROC of one judge on one slice by seed, (S,), and in each resample of the digits, (B, S);
    NaN where a resample has no failure, or nothing else.
    """

    exact: np.ndarray
    samples: np.ndarray

    def __sub__(self, other: "Estimate") -> "Estimate":
        return Estimate(self.exact - other.exact, self.samples - other.samples)

    def means(self) -> np.ndarray:
        """The mean over seeds in each resample where it is defined: (B,), or a few less."""
        return failure.defined_resamples(self.samples.mean(axis=1))

    def interval(self) -> tuple[float, float, float]:
        """(mean over seeds, lo, hi): 95% over digits, for these seeds."""
        return (float(self.exact.mean()), *intervals.percentile_interval(self.means()))


def interval_over_seeds(values: Sequence[float]) -> dict:
    """{"value": the mean, "lo", "hi": 95% t interval over seeds}."""
    reach = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values) if len(values) > 1 else np.nan
    return {"value": np.mean(values), "lo": np.mean(values) - reach, "hi": np.mean(values) + reach}


def mean_of_estimates(parts: Sequence[Estimate]) -> Estimate:
    """The mean over slices: a judge that only recognises which slice it is in gains nothing
    here.
    """
    return Estimate(
        np.mean([p.exact for p in parts], axis=0), np.mean([p.samples for p in parts], axis=0)
    )


def ratio_of_sums(
    top: Sequence[np.ndarray], bottom: Sequence[np.ndarray], counts: np.ndarray
) -> Estimate:
    """Sum of `top` over sum of `bottom`, each (N,), by seed, and in each resample of the digits."""
    parts = [
        (np.asarray(a, dtype=float), np.asarray(b, dtype=float))
        for a, b in zip(top, bottom, strict=True)
    ]
    exact = np.array([a.sum() / b.sum() for a, b in parts])
    return Estimate(exact, np.stack([(counts @ a) / (counts @ b) for a, b in parts], axis=1))
