"""What goes with a class's errors, over classes: frequency, size, brightness, contrast, votes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from torch import Tensor

from visionfail import metrics
from visionfail.studies.uneven.answers import quotient

FEWEST = 4  # classes of which a correlation has an interval
LARGEST = 255  # grey level


def image_brightness(images: Tensor) -> np.ndarray:
    """The mean of all pixels of each image, (N,) in [0, 1], of images uint8 (N, C, H, W)."""
    return _grey(images).mean(axis=1)


def image_contrast(images: Tensor) -> np.ndarray:
    """The standard deviation of each image's grey pixels, (N,) in [0, 0.5], of uint8 (N, C, H, W).

    Grey is the mean of the channels.
    """
    return _grey(images).std(axis=1)


def _grey(images: Tensor) -> np.ndarray:
    """The mean over channels of images uint8 (N, C, H, W), (N, H * W) in [0, 1]."""
    pixels = images.cpu().numpy()
    if pixels.dtype != np.uint8 or pixels.ndim != 4:
        raise ValueError(f"images are {pixels.dtype} {pixels.shape}: pass uint8 (N, C, H, W).")
    return pixels.mean(axis=1, dtype=np.float32).reshape(len(pixels), -1) / LARGEST


def class_means(values: ArrayLike, labels: np.ndarray, *, num_classes: int) -> np.ndarray:
    """The mean of values (N,) over the images of each class, (K,), NaN without images."""
    values = np.asarray(values, dtype=np.float64)
    if values.shape != labels.shape:
        raise ValueError(f"{values.shape} values for {labels.shape} labels: give one per image.")
    sums = np.bincount(labels, weights=values, minlength=num_classes)
    return quotient(sums, np.bincount(labels, minlength=num_classes))


def rank_correlation(first: ArrayLike, second: ArrayLike) -> tuple[float, float, float, int]:
    """(Spearman's correlation, lo, hi, K): its 95% interval over the K classes that both have.

    Fisher's transformation with the variance (1 + r^2 / 2) / (K - 3) of ranks: as wide as a
    bootstrap over classes, but not of no width where two orders agree. The classes count as a
    sample of such classes. NaN where one side is constant; no interval below FEWEST classes. Bonett
    and Wright 2000, doi:10.1007/BF02294183.
    """
    first = np.asarray(first, dtype=np.float64)
    second = np.asarray(second, dtype=np.float64)
    both = ~np.isnan(first + second)
    k = int(both.sum())
    ranks = [stats.rankdata(values[both]) for values in (first, second)]
    if k < 2 or min(np.ptp(rank) for rank in ranks) == 0:
        return np.nan, np.nan, np.nan, k
    r = float(np.corrcoef(*ranks)[0, 1])
    lo, hi = _fisher_interval(r, k)
    return r, lo, hi, k


def _fisher_interval(r: float, k: int) -> tuple[float, float]:
    """The 95% interval of a rank correlation over k classes; NaN below FEWEST."""
    if k < FEWEST:
        return np.nan, np.nan
    reach = stats.norm.ppf(0.975) * np.sqrt((1 + r**2 / 2) / (k - 3))
    middle = np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9))
    lo, hi = np.tanh([middle - reach, middle + reach])
    return float(lo), float(hi)


def partial_rank_correlation(
    first: ArrayLike, second: ArrayLike, given: ArrayLike
) -> tuple[float, float, float]:
    """(Spearman's correlation given a third value of each class, lo, hi), all (K,).

    What is left between the ranks of `first` and `second` once a straight line of the ranks of
    `given` is taken from both; the interval is `rank_correlation`'s with one class fewer. NaN where
    one of them is constant or given by the third.
    """
    values = [np.asarray(side, dtype=np.float64) for side in (first, second, given)]
    known = ~np.isnan(sum(values))
    ranks = [stats.rankdata(side[known]) for side in values]
    if known.sum() < FEWEST or min(np.ptp(rank) for rank in ranks) == 0:
        return np.nan, np.nan, np.nan
    correlations = np.corrcoef(ranks)
    with_given = correlations[:2, 2]
    left = np.sqrt(np.prod(1 - with_given**2))
    if left < 1e-9:
        return np.nan, np.nan, np.nan
    r = float(np.clip((correlations[0, 1] - np.prod(with_given)) / left, -1, 1))
    lo, hi = _fisher_interval(r, int(known.sum()) - 1)
    return r, lo, hi


def correlation_table(
    errors: ArrayLike,
    covariates: Mapping[str, ArrayLike],
    *,
    permutations: int,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """A row per covariate {name: (K,)}: how its order of classes goes with that of errors.

    Errors are error rates (S, K), seeds by classes. Columns: covariate, correlation (Spearman's,
    with the mean error over seeds), lo, hi (95%), classes, seed_lo, seed_hi (the lowest and highest
    of a single seed), p (classes permuted), p_holm over the covariates. A correlation over classes
    says what goes together, not why.
    """
    errors = np.atleast_2d(np.asarray(errors, dtype=np.float64))
    rows = []
    for name, values in covariates.items():
        mean_errors = errors.mean(axis=0)
        r, lo, hi, k = rank_correlation(values, mean_errors)
        by_seed = [rank_correlation(values, of_seed)[0] for of_seed in errors]
        row: dict[str, Any] = {
            "covariate": name,
            "correlation": r,
            "lo": lo,
            "hi": hi,
            "classes": k,
        }
        row["seed_lo"] = min(by_seed)
        row["seed_hi"] = max(by_seed)
        row["p"] = _correlation_p(values, mean_errors, permutations, generator)
        rows.append(row)
    table = pd.DataFrame(rows)
    defined = table.p.notna()
    table.loc[defined, "p_holm"] = metrics.holm(table.p[defined])
    return table


def _correlation_p(
    values: ArrayLike, errors: np.ndarray, permutations: int, generator: np.random.Generator
) -> float:
    """The two-sided p value, never 0, of a rank correlation if classes were permuted; or NaN."""
    values = np.asarray(values, dtype=np.float64)
    both = ~np.isnan(values + errors)
    observed = rank_correlation(values, errors)[0]
    if np.isnan(observed):
        return np.nan
    ranks = stats.rankdata(errors[both])
    shuffled = generator.permuted(np.tile(ranks, (permutations, 1)), axis=1)  # (P, K)
    standard = stats.zscore(stats.rankdata(values[both]))
    chance = shuffled @ standard / (len(ranks) * ranks.std())
    larger = int((np.abs(chance) >= abs(observed) - 1e-9).sum())
    return (1 + larger) / (1 + permutations)
