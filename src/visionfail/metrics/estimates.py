"""A value per seed and in every resample of the images, so that differences keep the pairing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from visionfail.metrics import failure, intervals


@dataclass(frozen=True, eq=False)
class Estimate:
    """A statistic by seed, as measured and in each resample of the images.

    NaN where a resample does not define it: an AUROC needs failures and right answers.
    """

    exact: np.ndarray  # (S,)
    samples: np.ndarray  # (B, S)

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The difference by seed, resample by resample, so that it is paired."""
        return Estimate(self.exact - other.exact, self.samples - other.samples)

    def means(self) -> np.ndarray:
        """The mean over as many seeds, drawn anew, in each resample where it is defined: (B,).

        Images and seeds are resampled crossed: each resample draws its images once for all seeds
        and its seeds once for all images. With one seed images alone are drawn.
        """
        drawn = drawn_seeds(*self.samples.shape)
        return failure.defined_resamples(
            np.take_along_axis(self.samples, drawn, axis=1).mean(axis=1)
        )

    def interval(self) -> tuple[float, float, float]:
        """(mean over seeds, lo, hi): a 95% interval over images and seeds, resampled crossed."""
        lo, hi = intervals.percentile_interval(self.means())
        return float(self.exact.mean()), float(lo), float(hi)


def drawn_seeds(resamples: int, seeds: int) -> np.ndarray:
    """Which seeds each resample draws, as many as there are: int64 (resamples, seeds).

    They are the same for whatever is resampled, so that differences stay paired.
    """
    return np.random.default_rng(0).integers(seeds, size=(resamples, seeds))


def interval_over_seeds(values: Sequence[float]) -> dict:
    """{"value", "lo", "hi"}: the mean and its 95% t interval over seeds, NaN for a single seed."""
    mean = np.mean(values)
    reach = np.nan
    if len(values) > 1:
        reach = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return {"value": mean, "lo": mean - reach, "hi": mean + reach}


def mean_of_estimates(parts: Sequence[Estimate]) -> Estimate:
    """The mean of several estimates, such as one per slice of the data, by seed and resample.

    A detector that only recognises which slice an image is from gains nothing in it.
    """
    exact = np.mean([estimate.exact for estimate in parts], axis=0)  # (S,)
    samples = np.mean([estimate.samples for estimate in parts], axis=0)  # (B, S)
    return Estimate(exact, samples)


def ratio_of_sums(
    top: Sequence[np.ndarray] | np.ndarray,
    bottom: Sequence[np.ndarray] | np.ndarray,
    counts: np.ndarray,
) -> Estimate:
    """Sum of `top` over sum of `bottom`, each (N,) by seed, with its values in the resamples.

    Counts (B, N) say how often each resample holds each image; NaN where the lower sum is 0.
    """
    exact = []
    samples = []
    for above, below in zip(top, bottom, strict=True):
        above = np.asarray(above, dtype=float)
        below = np.asarray(below, dtype=float)
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, as said above
            exact.append(above.sum() / below.sum())
            samples.append((counts @ above) / (counts @ below))  # (B,)
    return Estimate(np.array(exact), np.stack(samples, axis=1))
