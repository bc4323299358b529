"""Measures of a recipe's answers by seed, with their values in every resample of the images."""

from collections.abc import Callable, Sequence

import numpy as np

from visionfail.metrics import Estimate, confidence_bin, mean_of_estimates, ratio_of_sums
from visionfail.studies.transfer.answers import Asked

BINS = 15


def mean_of(values: np.ndarray, counts: np.ndarray, *, among: np.ndarray | None = None) -> Estimate:
    """The mean of values (S, N), among the images `among` bool (N,) or all; counts (B, N)."""
    chosen = np.ones(values.shape[1]) if among is None else among
    return ratio_of_sums(values * chosen, np.broadcast_to(chosen, values.shape), counts)


def accuracy_of(asked: Asked, counts: np.ndarray) -> Estimate:
    """Accuracy by seed."""
    return mean_of(asked.correct, counts)


def recall_of(asked: Asked, classes: Sequence[int], counts: np.ndarray) -> Estimate:
    """The mean recall of some classes by seed."""
    parts = [mean_of(asked.correct, counts, among=asked.labels == label) for label in classes]
    return mean_of_estimates(parts)


def worst_recall(asked: Asked, counts: np.ndarray) -> Estimate:
    """The lowest recall of any class by seed: of whichever is lowest in each resample."""
    classes = np.unique(asked.labels)
    parts = [mean_of(asked.correct, counts, among=asked.labels == label) for label in classes]
    exact = np.min([part.exact for part in parts], axis=0)
    samples = np.min([part.samples for part in parts], axis=0)
    return Estimate(exact, samples)


def macro_f1(asked: Asked, counts: np.ndarray) -> Estimate:
    """The mean over classes of F1, 2 TP / (2 TP + FP + FN), by seed."""

    def of_one(predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
        classes = np.arange(asked.labels.max() + 1)
        truth = (asked.labels[:, None] == classes).astype(float)  # (N, K)
        answer = (predicted[:, None] == classes).astype(float)
        hits = weights @ (truth * answer)  # (B, K)
        return (2 * hits / (weights @ truth + weights @ answer)).mean(axis=1)

    return by_seed(asked.predicted, counts, of_one)


def calibration_error(asked: Asked, counts: np.ndarray) -> Estimate:
    """ECE with BINS bins of confidence, by seed."""

    def of_one(gap_and_bin: np.ndarray, weights: np.ndarray) -> np.ndarray:
        gap, place = gap_and_bin
        in_bin = place[:, None] == np.arange(BINS)  # (N, BINS)
        sums = weights @ (gap[:, None] * in_bin)  # (B, BINS)
        return np.abs(sums).sum(axis=1) / weights.sum(axis=1)

    gap = asked.confidence - asked.correct  # (S, N)
    place = confidence_bin(asked.confidence, bins=BINS)
    return by_seed(np.stack([gap, place], axis=1), counts, of_one)


def by_seed(
    values: np.ndarray, counts: np.ndarray, measure: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Estimate:
    """The Estimate of `measure(values of a seed, weights (B, N)) -> (B,)`, counts (B, N)."""
    once = np.ones((1, counts.shape[1]))  # as measured, every image counts once
    exact = np.concatenate([measure(of_seed, once) for of_seed in values])
    samples = np.stack([measure(of_seed, counts) for of_seed in values], axis=1)
    return Estimate(exact, samples)
