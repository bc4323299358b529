"""Confidence intervals: Wilson's for one proportion, a bootstrap over images for anything else.

The corrupted copies of one image stand or fall together. Whatever pools several conditions
therefore resamples images, each with all of its conditions; resampling image-condition pairs would
make intervals far too narrow.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

Statistic = Callable[[np.ndarray], np.ndarray]  # accuracies (..., conditions) -> (...)
CHUNK = 4_000_000  # resampling counts held at once, 4 bytes each


def wilson(
    successes: ArrayLike, n: ArrayLike, *, confidence: float = 0.95
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """The Wilson score interval (lo, hi) in [0, 1] of the proportion successes / n.

    Arrays broadcast, scalars give floats. ValueError where n < 1 or successes lie outside 0 to n.
    Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    successes, n = np.broadcast_arrays(
        np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    )
    if not (n >= 1).all():
        raise ValueError(f"n is {n.min()}: an interval needs at least one image.")
    if not ((successes >= 0) & (successes <= n)).all():
        raise ValueError(
            "successes must lie between 0 and n: pass counts, not fractions or percent."
        )
    z = stats.norm.ppf(0.5 + _checked(confidence) / 2)
    p = successes / n
    shrink = 1 / (1 + z**2 / n)
    centre = shrink * (p + z**2 / (2 * n))
    half = shrink * z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # at 0 and n successes the formula gives 0 and 1; rounding must not step over them
    lo = np.where(successes == 0, 0.0, centre - half)
    hi = np.where(successes == n, 1.0, centre + half)
    return _floats_or_arrays(lo, hi)


def bootstrap_means(
    values: ArrayLike, *, bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """The means of `values` (rows, images) over each resample of the images: (bootstraps, rows).

    float64. ValueError unless the values are finite, with at least one row and image. Efron 1979,
    doi:10.1214/aos/1176344552.
    """
    values = np.asarray(values)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(
            f"values have shape {values.shape}: give (rows, images), at least one of each, all "
            "finite."
        )
    if bootstraps < 1:
        raise ValueError(f"bootstraps is {bootstraps}: give at least 1, better 1000.")
    n = values.shape[1]
    # sums of booleans are whole numbers, exact in float32 below 2**24 images
    columns = values.T.astype(np.float32)  # (images, rows)
    at_once = max(1, CHUNK // n)
    sums = []
    for start in range(0, bootstraps, at_once):
        counts = resampling_counts(min(at_once, bootstraps - start), n, generator)
        sums.append(counts @ columns)
    return np.concatenate(sums).astype(np.float64) / n


def bootstrap_condition_means(
    correct: ArrayLike, *, bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """The exact accuracies in each resample of the images, float64 (bootstraps, conditions).

    Correct is boolean (conditions, images), column i the same image throughout; ValueError for
    another dtype or shape.
    """
    return bootstrap_means(checked_correct(correct), bootstraps=bootstraps, generator=generator)


def percentile_interval(
    samples: ArrayLike, *, confidence: float = 0.95
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """The (lo, hi), each (...) or a float, that cut equal tails from samples (bootstraps, ...)."""
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim < 1 or len(samples) < 2 or not np.isfinite(samples).all():
        raise ValueError(f"samples of shape {samples.shape} must be at least 2, all finite.")
    tail = (1 - _checked(confidence)) / 2
    lo, hi = np.quantile(samples, [tail, 1 - tail], axis=0)
    return _floats_or_arrays(lo, hi)


def mean_over_conditions(accuracies: np.ndarray) -> np.ndarray:
    """The plain mean over the last axis of accuracies (..., conditions): (...)."""
    return np.asarray(accuracies).mean(axis=-1)


def image_bootstrap(
    correct: ArrayLike,
    statistic: Statistic,
    *,
    bootstraps: int,
    generator: np.random.Generator,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """(value, lo, hi) of a statistic of the conditions' accuracies, by a bootstrap over images.

    Correct is boolean (conditions, images); `statistic` maps accuracies (..., conditions) to (...),
    as `mean_over_conditions` does. ValueError if it returns another shape.
    """
    correct = checked_correct(correct)
    accuracies = bootstrap_condition_means(correct, bootstraps=bootstraps, generator=generator)
    samples = np.asarray(statistic(accuracies))
    if samples.shape != (bootstraps,):
        raise ValueError(
            f"statistic returned {samples.shape}, not {(bootstraps,)}: reduce the last axis alone."
        )
    value = float(statistic(correct.mean(axis=1)))
    lo, hi = percentile_interval(samples, confidence=confidence)
    return value, float(lo), float(hi)


def resampling_counts(bootstraps: int, n: int, generator: np.random.Generator) -> np.ndarray:
    """How often each of n images is drawn in n draws with replacement: float32 (bootstraps, n)."""
    counts = []
    for _ in range(bootstraps):
        counts.append(np.bincount(generator.integers(n, size=n), minlength=n))
    return np.stack(counts, dtype=np.float32, casting="unsafe")


def _floats_or_arrays(
    lo: np.ndarray, hi: np.ndarray
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Two floats where there are no axes, else the two arrays."""
    if lo.ndim == 0:
        return float(lo), float(hi)
    return lo, hi


def _checked(confidence: float) -> float:
    """The same number; ValueError unless it lies between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(
            f"confidence is {confidence}: give a fraction between 0 and 1, such as 0.95."
        )
    return confidence


def checked_correct(correct: ArrayLike) -> np.ndarray:
    """The same as bool (conditions, images); ValueError for another dtype or shape."""
    correct = np.asarray(correct)
    if correct.dtype != bool:
        raise ValueError(
            f"correct has dtype {correct.dtype}: pass booleans, predictions == labels."
        )
    if correct.ndim != 2 or not correct.size:
        raise ValueError(
            f"correct has shape {correct.shape}: give (conditions, images), at least one of each."
        )
    return correct
