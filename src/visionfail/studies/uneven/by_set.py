"""The study's statistics of one set's answers, with its groups and classes put in."""

import numpy as np
import pandas as pd

from visionfail.studies.uneven import classes, confidence, confusions, covariates, halves
from visionfail.studies.uneven.classes import ClassSums
from visionfail.studies.uneven.confidence import ClassMeans
from visionfail.studies.uneven.confusions import Structure
from visionfail.studies.uneven.halves import HalvedConcordance
from visionfail.studies.uneven.seed_answers import SeedAnswers


def sums_by_class(answers: SeedAnswers, counts: np.ndarray) -> ClassSums:
    """`class_sums` of the answers in resamples, counts (B, N)."""
    return classes.class_sums(
        answers.predicted, answers.labels, counts, num_classes=len(answers.classes)
    )


def exchanged(answers: SeedAnswers, values: np.ndarray, *, permutations: int) -> np.ndarray:
    """`exchanged_class_means` of values (S, N): groups exchange theirs, unknown ones cautiously."""
    return classes.exchanged_class_means(
        values,
        answers.labels,
        answers.groups_for_errors(),
        num_classes=len(answers.classes),
        permutations=permutations,
        generator=np.random.default_rng(0),
    )


def table_by_class(
    answers: SeedAnswers, sums: ClassSums, null: np.ndarray, correlation: float
) -> pd.DataFrame:
    """`class_table` of the answers; `null` is of `exchanged` for the wrong ones.

    `correlation` is that of being right within groups.
    """
    return classes.class_table(
        sums,
        classes.class_p_values(answers.wrong, answers.labels, null),
        answers.effective(correlation),
        answers.independent,
        classes=answers.classes,
    )


def structure_of(answers: SeedAnswers, *, permutations: int) -> Structure:
    """`confusion_structure` of the answers, unknown groups taken cautiously."""
    return confusions.confusion_structure(
        answers.predicted,
        answers.labels,
        answers.groups_for_confusions(),
        num_classes=len(answers.classes),
        permutations=permutations,
        generator=np.random.default_rng(0),
    )


def pairs_of(answers: SeedAnswers, counts: np.ndarray, structure: Structure) -> pd.DataFrame:
    """`pair_table` of the answers."""
    return confusions.pair_table(
        answers.predicted, answers.labels, counts, structure, classes=answers.classes
    )


def order_between_halves(
    answers: SeedAnswers, *, halvings: int, bootstraps: int, permutations: int
) -> HalvedConcordance:
    """`halved_concordance` of the answers."""
    return halves.halved_concordance(
        answers.wrong,
        answers.labels,
        answers.groups,
        num_classes=len(answers.classes),
        halvings=halvings,
        bootstraps=bootstraps,
        permutations=permutations,
        generator=np.random.default_rng(0),
    )


def confidence_by_class(
    answers: SeedAnswers, counts: np.ndarray, *, above: float
) -> dict[str, ClassMeans]:
    """`class_confidences` of the answers."""
    return confidence.class_confidences(
        answers.predicted,
        answers.labels,
        answers.confidence,
        counts,
        num_classes=len(answers.classes),
        above=above,
    )


def overconfidence_by_answer(answers: SeedAnswers, counts: np.ndarray) -> ClassMeans:
    """`confidence.overconfidence_by_answer` of the answers."""
    return confidence.overconfidence_by_answer(
        answers.predicted,
        answers.labels,
        answers.confidence,
        counts,
        num_classes=len(answers.classes),
    )


def covariates_by_class(answers: SeedAnswers) -> dict[str, np.ndarray]:
    """{name: (K,)}: training images of each class, and class means of what is known of images."""
    of_class = {"training images": np.array(answers.made["train_counts"], dtype=np.float64)}
    for name, values in answers.covariates.items():
        of_class[name] = covariates.class_means(
            values, answers.labels, num_classes=len(answers.classes)
        )
    return of_class
