"""Whether the classes that err most are the first to fall under attack."""

from dataclasses import dataclass

import numpy as np

from visionfail import metrics
from visionfail.studies.uneven.answers import one_hot, quotient
from visionfail.studies.uneven.covariates import rank_correlation
from visionfail.studies.uneven.groups import group_counts, group_index
from visionfail.studies.uneven.half_epsilon import half_epsilons
from visionfail.studies.uneven.halves import random_halves
from visionfail.studies.uneven.seed_answers import SeedAnswers


@dataclass(frozen=True)
class Link:
    """Spearman's correlation over classes of clean error and minus the epsilon that halves a class.

    The error is taken on one half of the groups, the epsilon on the other, so that no image makes
    both. Mean over seeds and halvings; (lo, hi) 95%, groups and seeds resampled crossed with a
    halving each; `classes` that have both, the fewest of any seed and halving.
    """

    value: float
    lo: float
    hi: float
    classes: int


def link_between_halves(
    answers: SeedAnswers,
    attacked: np.ndarray,
    correct: np.ndarray,
    *,
    halvings: int,
    bootstraps: int,
    generator: np.random.Generator,
) -> Link:
    """The Link of clean answers to N images and answers to M attacked ones of them.

    `attacked` int64 (M,) are their numbers, `correct` bool (S, epsilons, M) whether each seed is
    right, clean first. An epsilon that no ladder reaches is tied with all such. ValueError where
    shapes do not fit.
    """
    if correct.shape[::2] != (len(answers.predicted), len(attacked)):
        raise ValueError(
            f"correct is {correct.shape} for {len(answers.predicted)} seeds and {len(attacked)} "
            "attacked images: give (seeds, epsilons, images)."
        )
    n = len(answers.labels)
    index = group_index(answers.groups, n)
    everything = np.ones(n)
    measured = []
    classes = len(answers.classes)
    for _ in range(halvings):
        values, known = _of_halving(answers, attacked, correct, everything, index, generator)
        measured.append(values)
        classes = min(classes, known)
    samples = []
    for _ in range(bootstraps):
        counts = group_counts(index, n, bootstraps=1, generator=generator)[0]
        samples.append(_of_halving(answers, attacked, correct, counts, index, generator)[0])
    exact = np.nanmean(measured, axis=0)  # (S,)
    lo, hi = metrics.Estimate(exact, np.stack(samples)).interval()[1:]
    return Link(float(exact.mean()), lo, hi, classes)


def _of_halving(
    answers: SeedAnswers,
    attacked: np.ndarray,
    correct: np.ndarray,
    weights: np.ndarray,
    index: np.ndarray,
    generator: np.random.Generator,
) -> tuple[np.ndarray, int]:
    """(correlation by seed (S,), the fewest classes of any) for one random halving of the groups.

    Images count by weights (N,).
    """
    first = random_halves(index, 1, generator)[0]  # (N,)
    members = one_hot(answers.labels, len(answers.classes))  # (N, K)
    on_first = weights * first
    on_second = (weights * ~first)[attacked][None]  # (1, M)
    values = []
    classes = []
    for wrong, of_seed in zip(answers.wrong, correct, strict=True):
        errors = quotient((wrong * on_first) @ members, on_first @ members)  # (K,)
        halves = half_epsilons(
            of_seed, answers.labels[attacked], on_second, num_classes=members.shape[1]
        )[0]
        value, _, _, known = rank_correlation(errors, -halves)
        values.append(value)
        classes.append(known)
    return np.array(values), min(classes)
