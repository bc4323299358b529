"""Whether networks that differ in their seed alone err on the same images and the same classes."""

import itertools

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from visionfail import metrics
from visionfail.metrics import Estimate
from visionfail.studies.uneven.answers import checked_wrong, estimate_of, quotient, weights_of


def checked_seeds(wrong: ArrayLike, labels: np.ndarray | None = None) -> np.ndarray:
    """As `checked_wrong`; ValueError unless there are two seeds or more, too."""
    wrong = checked_wrong(wrong, labels)
    if len(wrong) < 2:
        raise ValueError(
            f"{len(wrong)} seed: persistence compares seeds and needs two at least: train another."
        )
    return wrong


def error_consistency(wrong: ArrayLike, weights: np.ndarray) -> np.ndarray:
    """Cohen's kappa of being wrong for every two seeds, (rows of weights, S, S).

    Wrong is bool (S, N), weights (rows, N) say how often each image counts. 1 where two networks
    err on the same images, 0 where on as many in common as their error rates make by chance,
    negative on fewer; NaN where neither ever errs, or neither is ever right. Geirhos et al. 2020,
    arXiv:2006.16736.
    """
    wrong = checked_seeds(wrong).astype(np.float64)  # (S, N)
    total = weights.sum(axis=1, dtype=np.float64)
    rates = weights @ wrong.T / total[:, None]  # (rows, S)
    first = rates[:, :, None]
    second = rates[:, None, :]
    both_wrong = np.empty((len(weights), len(wrong), len(wrong)))
    for seed, errors in enumerate(wrong):
        both_wrong[:, seed] = weights @ (wrong * errors).T / total[:, None]
    agree = 1 - first - second + 2 * both_wrong
    by_chance = first * second + (1 - first) * (1 - second)
    return quotient(agree - by_chance, np.where(by_chance > 1 - 1e-12, 0, 1 - by_chance))


def consistency_table(wrong: ArrayLike, counts: np.ndarray) -> pd.DataFrame:
    """A row per pair of seeds: a, b (places in `wrong`), kappa, lo, hi (95%, over images), n.

    Wrong is bool (S, N), counts (B, N) resample its images. ValueError for a single seed.
    """
    wrong = checked_seeds(wrong)
    kappa = error_consistency(wrong, weights_of(counts, wrong.shape[1]))
    rows = []
    for a, b in itertools.combinations(range(len(wrong)), 2):
        value, lo, hi = _interval_of(kappa[:, a, b])
        row = {"a": a, "b": b, "kappa": value, "lo": lo, "hi": hi, "n": wrong.shape[1]}
        rows.append(row)
    return pd.DataFrame(rows)


def mean_consistency(wrong: ArrayLike, counts: np.ndarray) -> tuple[float, float, float]:
    """(mean kappa over pairs of seeds, lo, hi): 95%, images and seeds resampled crossed."""
    wrong = checked_seeds(wrong)
    kappa = error_consistency(wrong, weights_of(counts, wrong.shape[1]))
    return mean_over_pairs(kappa)


def mean_over_pairs(pairs: np.ndarray) -> tuple[float, float, float]:
    """(mean over pairs of different seeds, lo, hi) of values (B + 1, S, S), row 0 as measured.

    Each resample has its own images and as many seeds drawn anew; a seed is never paired with
    itself, and a draw of one seed alone is left out.
    """
    seeds = pairs.shape[1]
    different = ~np.eye(seeds, dtype=bool)
    exact = pairs[0][different].mean()
    drawn = metrics.drawn_seeds(len(pairs) - 1, seeds)
    samples = []
    for values, chosen in zip(pairs[1:], drawn, strict=True):
        times = np.bincount(chosen, minlength=seeds)
        weights = np.outer(times, times) * different
        samples.append(quotient((weights * values).sum(), weights.sum()))
    return _interval_of(np.array([exact, *samples]))


def _interval_of(values: np.ndarray) -> tuple[float, float, float]:
    """(value, lo, hi) of values (B + 1,), the first as measured; NaN where it is not defined."""
    defined = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or len(defined) < 2:
        return float(values[0]), np.nan, np.nan
    lo, hi = metrics.percentile_interval(defined)
    return float(values[0]), float(lo), float(hi)


# ---- classes: whether seeds put them in one order


def kendalls_w(values: ArrayLike) -> float:
    """Kendall's W of m raters' values (m, K) of K things, in [0, 1], corrected for ties.

    1 where all raters put the things in one order, 0 where their ranks add up to the same for
    each. NaN where each rater ties all of them. ValueError for fewer than two raters or things.
    Kendall and Babington Smith 1939, doi:10.1214/aoms/1177732186.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 2 or np.isnan(values).any():
        raise ValueError(
            f"values have shape {values.shape}: give (raters, things), two of each at least, and "
            "leave out what is NaN."
        )
    ranks = stats.rankdata(values, axis=1)  # (m, K)
    spread_of_sums = ranks.sum(axis=0).var()
    # were all orders one, the sums would scatter as m times one rater's ranks do
    return float(quotient(spread_of_sums, len(ranks) * ranks.var(axis=1).sum()))


def concordance_p(values: ArrayLike, *, permutations: int, generator: np.random.Generator) -> float:
    """The chance, never 0, of so large a Kendall's W if each rater's order (m, K) were random.

    Raters that share their images agree on what chance did to these, so a small p is no proof that
    classes differ: see `halved_concordance`.
    """
    values = np.asarray(values, dtype=np.float64)
    observed = kendalls_w(values)
    larger = 0
    for _ in range(permutations):
        larger += kendalls_w(generator.permuted(values, axis=1)) >= observed - 1e-12
    return (1 + larger) / (1 + permutations)


# ---- images: errors that all seeds make


def shared_error_share(wrong: ArrayLike, counts: np.ndarray) -> Estimate:
    """The share of a seed's errors that all seeds make, by seed; NaN for one without errors."""
    wrong = checked_seeds(wrong)
    weights = weights_of(counts, wrong.shape[1])
    all_wrong = weights @ wrong.all(axis=0).astype(np.float32)  # (B + 1,)
    return estimate_of(quotient(all_wrong[:, None], weights @ wrong.T.astype(np.float32)))


def shared_share_by_chance(wrong: ArrayLike, labels: np.ndarray) -> dict[str, np.ndarray]:
    """{"independent", "within classes"}: what `shared_error_share` would be by seed, (S,) each.

    If seeds erred independently of one another; and if they did so within each class, so that
    hard classes alone made errors common.
    """
    wrong = checked_seeds(wrong, labels)
    strata = {"independent": np.zeros_like(labels), "within classes": labels}
    shares = {}
    for name, stratum in strata.items():
        n = np.bincount(stratum)
        expected = n.astype(np.float64)  # images of each stratum that all seeds get wrong
        for errors in wrong:
            expected = expected * quotient(np.bincount(stratum, weights=errors), n)
        shares[name] = quotient(np.nansum(expected), wrong.sum(axis=1))
    return shares
