"""How sure a number is: Wilson for one proportion, a bootstrap over images for anything else,
paired comparison.

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
    """Wilson score interval (lo, hi) in [0, 1] of the proportion successes / n; arrays broadcast,
    scalars give floats.

    ValueError where n < 1 or successes lie outside 0 to n. Wilson 1927,
    doi:10.1080/01621459.1927.10502953.
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
    p, shrink = successes / n, 1 / (1 + z**2 / n)
    centre = shrink * (p + z**2 / (2 * n))
    half = shrink * z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # the formula meets 0 and 1 exactly there; rounding must not step over
    lo, hi = (
        np.where(successes == 0, 0.0, centre - half),
        np.where(successes == n, 1.0, centre + half),
    )
    return (float(lo), float(hi)) if lo.ndim == 0 else (lo, hi)


def bootstrap_means(
    values: ArrayLike, *, bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """The mean over images of every row of `values` (rows, images), in each of `bootstraps`
    resamples of the images: float64 (bootstraps, rows). ValueError unless finite, with at least one
    row and image. Efron 1979, doi:10.1214/aos/1176344552.
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
    columns = values.T.astype(
        np.float32
    )  # sums of booleans are whole numbers, exact in float32 below 2**24 images
    rows = max(1, CHUNK // n)
    chunks = [min(rows, bootstraps - start) for start in range(0, bootstraps, rows)]
    return (
        np.concatenate([resampling_counts(b, n, generator) @ columns for b in chunks]).astype(
            np.float64
        )
        / n
    )


def bootstrap_condition_means(
    correct: ArrayLike, *, bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """Accuracy of every condition in each of `bootstraps` resamples of the images: (bootstraps,
    conditions), exact.

    Correct is boolean (conditions, images), column i the same image throughout. ValueError if it is
    not.
    """
    return bootstrap_means(_correct(correct), bootstraps=bootstraps, generator=generator)


def percentile_interval(
    samples: ArrayLike, *, confidence: float = 0.95
) -> tuple[np.ndarray | float, ...]:
    """The (lo, hi) that cut equal tails from bootstrap samples (bootstraps, ...): floats, or arrays
    of shape (...).
    """
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim < 1 or len(samples) < 2 or not np.isfinite(samples).all():
        raise ValueError(f"samples of shape {samples.shape} must be at least 2, all finite.")
    tail = (1 - _checked(confidence)) / 2
    lo, hi = np.quantile(samples, [tail, 1 - tail], axis=0)
    return (float(lo), float(hi)) if lo.ndim == 0 else (lo, hi)


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
    """(value, lo, hi) of a statistic of the conditions' accuracies, percentile bootstrap over
    images.

    Correct is boolean (conditions, images); `statistic` maps accuracies (..., conditions) to (...),
    as `mean_over_conditions` does. ValueError if it returns another shape.
    """
    correct = _correct(correct)
    samples = np.asarray(
        statistic(bootstrap_condition_means(correct, bootstraps=bootstraps, generator=generator))
    )
    if samples.shape != (bootstraps,):
        raise ValueError(
            f"statistic returned {samples.shape}, not {(bootstraps,)}: reduce the last axis alone."
        )
    value = float(statistic(correct.mean(axis=1)))
    return (value, *percentile_interval(samples, confidence=confidence))


def resampling_counts(bootstraps: int, n: int, generator: np.random.Generator) -> np.ndarray:
    """How often each of n images is drawn in n draws with replacement: float32 (bootstraps, n)."""
    draws = (generator.integers(n, size=n) for _ in range(bootstraps))
    return np.stack(
        [np.bincount(draw, minlength=n) for draw in draws], dtype=np.float32, casting="unsafe"
    )


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(
            f"confidence is {confidence}: give a fraction between 0 and 1, such as 0.95."
        )
    return confidence


def _correct(correct: ArrayLike) -> np.ndarray:
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
