"""What is independent: groups of images of one thing, resampled, exchanged and counted whole.

Digits of one house share its light and its paint; the frames of one sign are nearly one picture.
"""

import numpy as np
from numpy.typing import ArrayLike

from visionfail import metrics
from visionfail.studies.uneven.answers import quotient


def group_index(groups: ArrayLike | None, n: int) -> np.ndarray:
    """The number of each image's group, int64 (N,), from 0 on without a gap.

    Without groups each image is a group of its own. ValueError for groups of another length.
    """
    if groups is None:
        return np.arange(n)
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"groups have shape {groups.shape} for {n} images: give a group each.")
    return np.unique(groups, return_inverse=True)[1]


def groups_per_class(
    labels: np.ndarray, groups: ArrayLike | None, *, num_classes: int
) -> np.ndarray:
    """How many groups hold an image of each class, int64 (K,)."""
    index = group_index(groups, len(labels))
    pairs = np.unique(np.stack([labels, index]), axis=1)  # (2, pairs of class and group)
    return np.bincount(pairs[0], minlength=num_classes)


def group_counts(
    groups: ArrayLike | None, n: int, *, bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """How often each of n images is drawn when whole groups are, float32 (B, N).

    As many groups are drawn as there are, with replacement; a resample's number of images varies
    with their sizes.
    """
    index = group_index(groups, n)
    counts = metrics.resampling_counts(bootstraps, int(index.max()) + 1, generator)  # (B, G)
    return counts[:, index]


def sign_counts(
    labels: np.ndarray, *, frames: int, bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """Counts (B, N) as `group_counts` gives them, where it is unknown which frames show one sign.

    A class of n images has n / frames signs, each of `frames` images. In its resamples as many
    images are drawn, each counted `frames` times, as if all frames of a sign were one picture: the
    widest that the signs can make an interval.
    """
    counts = np.zeros((bootstraps, len(labels)), dtype=np.float32)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        signs = max(1, len(members) // frames)
        drawn = generator.integers(len(members), size=(bootstraps, signs))  # (B, signs)
        rows = np.repeat(np.arange(bootstraps), signs)
        np.add.at(counts, (rows, members[drawn.ravel()]), len(members) / signs)
    return counts


def worst_case_groups(predicted: ArrayLike, labels: np.ndarray, *, frames: int) -> np.ndarray:
    """Groups int64 (N,) in place of unknown signs: within a class, the worst images together.

    Predictions are (S, N) or (N,). Each class is sorted by the share of seeds that are wrong and
    cut into groups of `frames`, the last perhaps smaller. Of all ways to cut it, this one sets the
    groups' error rates furthest apart, so tests of error rates that exchange groups are the most
    cautious with it. For confusions use `worst_case_answers`.
    """
    wrong = (np.atleast_2d(predicted) != labels).mean(axis=0)  # (N,)
    return _cut(np.lexsort((-wrong, labels)), labels, frames)


def worst_case_answers(predicted: ArrayLike, labels: np.ndarray, *, frames: int) -> np.ndarray:
    """Groups int64 (N,) in place of unknown signs: all images of a class with one answer together.

    Predictions are (S, N) or (N,). The answer is what most of the seeds that are wrong say. Images
    of one class and answer are cut into groups of `frames`: no fewer signs can have made them.
    """
    answers = np.atleast_2d(predicted)  # (S, N)
    votes = np.zeros((len(labels), int(answers.max()) + 1), dtype=np.int64)  # (N, K)
    for of_seed in answers:
        wrong = np.flatnonzero(of_seed != labels)
        votes[wrong, of_seed[wrong]] += 1
    answer = np.where(votes.any(axis=1), votes.argmax(axis=1), -1)  # -1: always right
    cells = group_index(labels * (answers.max() + 2) + answer, len(labels))
    return _cut(np.argsort(cells, kind="stable"), cells, frames)


def _cut(order: np.ndarray, strata: np.ndarray, size: int) -> np.ndarray:
    """Groups (N,) of `size` within each stratum, images taken in an order that sorts the strata."""
    firsts = np.searchsorted(strata[order], strata[order])  # where the stratum of each begins
    place = np.arange(len(order)) - firsts
    names = np.empty(len(order), dtype=np.int64)
    names[order] = strata[order] * len(order) + place // size
    return group_index(names, len(order))


def blocks_of(groups: ArrayLike | None, n: int) -> list[np.ndarray]:
    """The images of all groups, one int64 (groups, images) for each size that a group has."""
    index = group_index(groups, n)
    sizes = np.bincount(index)
    order = np.argsort(index, kind="stable")
    starts = np.cumsum(sizes) - sizes
    blocks = []
    for size in np.unique(sizes):
        first = starts[sizes == size]
        blocks.append(order[first[:, None] + np.arange(size)])
    return blocks


def exchange_groups(blocks: list[np.ndarray], generator: np.random.Generator) -> np.ndarray:
    """A random order of the images, int64 (N,), that moves whole groups among those of their size.

    `values[order]` gives each group what another one of its size had, image by image; a group that
    is the only one of its size stays. Blocks are those of `blocks_of`.
    """
    order = np.empty(sum(block.size for block in blocks), dtype=np.int64)
    for block in blocks:
        order[block] = generator.permutation(block)  # rows, so groups stay whole
    return order


def correlation_within_groups(
    correct: ArrayLike, groups: ArrayLike, *, labels: ArrayLike | None = None
) -> float:
    """The intraclass correlation of being right (N,) between images of one group, 1 at most.

    From the analysis of variance, unbiased where groups are few. With labels, groups are compared
    within their class, which each must have one of; a class of a single group is left out. NaN
    where all images are right or all wrong. Donner 1986, doi:10.2307/1403259.
    """
    correct = np.asarray(correct, dtype=np.float64)
    index = group_index(groups, len(correct))
    strata = np.zeros(len(correct), dtype=np.int64)
    if labels is not None:
        strata = _class_of_group(np.asarray(labels), index)[index]
        compared = groups_per_class(strata, index, num_classes=strata.max() + 1)[strata] > 1
        correct = correct[compared]
        strata = strata[compared]
        index = group_index(index[compared], len(correct))
    return _anova_correlation(correct, index, strata)


def _class_of_group(labels: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The one class of each group, (G,); ValueError where a group has several."""
    label = np.zeros(index.max() + 1, dtype=np.int64)
    label[index] = labels
    if (label[index] != labels).any():
        raise ValueError("a group has images of several classes: leave `labels` out.")
    return label


def _anova_correlation(correct: np.ndarray, index: np.ndarray, strata: np.ndarray) -> float:
    """The correlation of values (N,) in groups `index` (N,), compared within `strata` (N,)."""
    sizes = np.bincount(index)  # (G,)
    groups_less_strata = len(sizes) - len(np.unique(strata))
    if groups_less_strata < 1 or len(sizes) == len(correct):
        return np.nan
    of_group = np.bincount(index, weights=correct) / sizes
    images = np.bincount(strata)
    of_stratum = np.bincount(strata, weights=correct) / np.maximum(images, 1)
    between = ((of_group[index] - of_stratum[strata]) ** 2).sum() / groups_less_strata
    within = ((correct - of_group[index]) ** 2).sum() / (len(correct) - len(sizes))
    # the size of groups that would give the same, were they all of one size
    unequal = (sizes[index] / images[strata]).sum()
    size = (len(correct) - unequal) / groups_less_strata
    return float(quotient(between - within, between + (size - 1) * within))


def design_effect(correlation: float, *, frames: float) -> float:
    """How many times wider a variance is for groups of `frames` images with that correlation.

    1 + (frames - 1) * correlation: 1 where images are independent, `frames` where those of a group
    are all alike. Kish 1965, Survey Sampling.
    """
    return 1 + (frames - 1) * correlation


def effective_size(n: ArrayLike, *, design_effect: float, frames: float) -> np.ndarray:
    """How many independent images n images (K,) are worth: n / effect, at most n / frames.

    `frames` is how many images show one thing, 1 where the design effect alone shall count. With
    an effect that is NaN, as where all answers are right, n / frames.
    """
    worth = np.asarray(n, dtype=np.float64) / frames
    if np.isnan(design_effect):
        return worth
    return np.minimum(worth, np.asarray(n) / design_effect)


def effective_wilson(
    accuracy: ArrayLike, effective: ArrayLike
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Wilson's 95% interval (lo, hi) of an accuracy in [0, 1] over that many independent images.

    Arrays broadcast. ValueError below one independent image.
    """
    effective = np.asarray(effective, dtype=np.float64)
    return metrics.wilson(np.asarray(accuracy) * effective, effective)
