"""Whether seeds put the classes in one order on images that they do not share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from visionfail.studies.uneven.answers import one_hot, quotient
from visionfail.studies.uneven.groups import (
    blocks_of,
    exchange_groups,
    group_counts,
    group_index,
    groups_per_class,
)
from visionfail.studies.uneven.persistence import checked_seeds, mean_over_pairs


@dataclass(frozen=True)
class HalvedConcordance:
    """Kendall's W of two seeds' class accuracies, one seed on each half of the groups.

    `w` is the mean over pairs of seeds and halvings, `spread` its standard deviation between
    halvings, (lo, hi) 95% with groups and seeds resampled crossed: halves of a resample hold fewer
    different groups, so it lies a little low. `same_seed` is the same of each seed with itself:
    what half of the images lets one network repeat, a bound for two of them. `chance` is the mean
    of W where groups have exchanged errors, `p` the chance of so large a W there; two orders that
    have nothing in common have W = 0.5. `halvings` and `classes`, of two groups or more, count what
    it is over.
    """

    w: float
    spread: float
    lo: float
    hi: float
    same_seed: float
    chance: float
    p: float
    halvings: int
    classes: int


def halved_concordance(
    wrong: ArrayLike,
    labels: np.ndarray,
    groups: ArrayLike | None,
    *,
    num_classes: int,
    halvings: int,
    bootstraps: int,
    permutations: int,
    generator: np.random.Generator,
) -> HalvedConcordance:
    """The HalvedConcordance of wrong answers (S, N) over random halvings of the groups.

    The groups must be known: frames of one sign in both halves are shared images again. A class
    of a single group is in no second half, so it is left out. ValueError for a single seed or
    where fewer than two classes are left.
    """
    wrong = checked_seeds(wrong, labels)
    index = group_index(groups, len(labels))
    halves = random_halves(index, halvings, generator)  # (H, N)
    everything = np.ones(len(labels), dtype=np.float32)
    by_halving = _concordances(wrong, labels, halves, everything, num_classes)  # (H, S, S)
    if np.isnan(by_halving).all():
        raise ValueError("no halving leaves errors in two classes or more in both halves.")
    measured = np.nanmean(by_halving, axis=0)  # (S, S)
    resamples = _resampled(wrong, labels, index, num_classes, bootstraps, generator)
    w, lo, hi = mean_over_pairs(np.concatenate([measured[None], resamples]))
    chance = _at_chance(wrong, labels, groups, halves, num_classes, permutations, generator)
    different = ~np.eye(len(wrong), dtype=bool)
    return HalvedConcordance(
        w=w,
        spread=float(by_halving[:, different].mean(axis=1).std(ddof=1)),
        lo=lo,
        hi=hi,
        same_seed=float(np.diag(measured).mean()),
        chance=float(chance.mean()),
        p=(1 + int((chance >= w - 1e-12).sum())) / (1 + permutations),
        halvings=halvings,
        classes=int((groups_per_class(labels, index, num_classes=num_classes) > 1).sum()),
    )


def random_halves(index: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Which images lie in the first half of the groups, bool (count, N), drawn anew each time."""
    groups = int(index.max()) + 1
    halves = []
    for _ in range(count):
        first = generator.permutation(groups) < groups // 2  # (G,)
        halves.append(first[index])
    return np.stack(halves)


def _concordances(
    wrong: np.ndarray,
    labels: np.ndarray,
    halves: np.ndarray,
    weights: np.ndarray,
    num_classes: int,
) -> np.ndarray:
    """Kendall's W of seed a on the first and seed b on the second half, (halvings, S, S)."""
    somewhere = np.flatnonzero(wrong.any(axis=0))
    errors = wrong[:, somewhere].astype(np.float32)  # (S, M)
    members = one_hot(labels, num_classes)  # (N, K)
    tables = []
    for first in halves:
        rates = []
        for half in (first, ~first):
            drawn = weights * half  # (N,)
            counted = (errors * drawn[somewhere]) @ members[somewhere]
            rates.append(quotient(counted, drawn @ members))  # (S, K)
        tables.append(_pairwise_w(*rates))
    return np.stack(tables)


def _pairwise_w(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's W of each row of `first` with each of `second`, both (S, K), as (S, S).

    Classes that are NaN in either are left out; NaN where fewer than two are left.
    """
    common = ~np.isnan(first + second).any(axis=0)
    if common.sum() < 2:
        return np.full((len(first), len(second)), np.nan)
    centred = []
    for values in (first, second):
        ranks = stats.rankdata(values[:, common], axis=1)
        centred.append(ranks - ranks.mean(axis=1, keepdims=True))
    a, b = centred
    variances = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)  # (S, S)
    # `kendalls_w` of two raters, for all pairs at once
    return 0.5 + quotient(a @ b.T, variances)


def _resampled(
    wrong: np.ndarray,
    labels: np.ndarray,
    index: np.ndarray,
    num_classes: int,
    bootstraps: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Kendall's W in resamples of the groups, (B, S, S), a random halving each.

    All copies of a group lie in one half.
    """
    samples = []
    for _ in range(bootstraps):
        counts = group_counts(index, len(labels), bootstraps=1, generator=generator)[0]  # (N,)
        halves = random_halves(index, 1, generator)
        samples.append(_concordances(wrong, labels, halves, counts, num_classes)[0])
    return np.stack(samples)


def _at_chance(
    wrong: np.ndarray,
    labels: np.ndarray,
    groups: ArrayLike | None,
    halves: np.ndarray,
    num_classes: int,
    permutations: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Mean W over pairs of seeds and halvings where groups have exchanged errors, (P,)."""
    blocks = blocks_of(groups, len(labels))
    everything = np.ones(len(labels), dtype=np.float32)
    different = ~np.eye(len(wrong), dtype=bool)
    means = []
    for _ in range(permutations):
        moved = labels[exchange_groups(blocks, generator)]
        by_halving = _concordances(wrong, moved, halves, everything, num_classes)
        means.append(np.nanmean(by_halving[:, different]))
    return np.array(means)
