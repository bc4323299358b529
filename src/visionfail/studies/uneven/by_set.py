"""The study's statistics of one set's answers, with its groups and classes put in."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from visionfail.studies.uneven import (
    classes,
    confidence,
    confusions,
    covariates,
    halves,
    persistence,
    tables,
)
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
    """`confusion_structure` of the answers, unknown groups taken cautiously.

    Images that have one wrong answer from one seed have several from three, so unknown groups are
    taken for each seed alone, too: see `Structure.with_seeds_alone`.
    """
    together = confusions.confusion_structure(
        answers.predicted,
        answers.labels,
        answers.groups_for_confusions(),
        num_classes=len(answers.classes),
        permutations=permutations,
        generator=np.random.default_rng(0),
    )
    seeds = len(answers.predicted)
    if answers.frames == 1 or seeds == 1:
        return together
    alone = [structure_of(answers.of_seed(s), permutations=permutations) for s in range(seeds)]
    return together.with_seeds_alone(alone)


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


def order_on_same_images(answers: SeedAnswers, *, permutations: int) -> tuple[float, float]:
    """(Kendall's W of all seeds' class error rates, its p): on the images that they share.

    What chance did to these is the same for all, so both say too much: see `order_between_halves`.
    """
    num_classes = len(answers.classes)
    rates = [
        covariates.class_means(wrong, answers.labels, num_classes=num_classes)
        for wrong in answers.wrong
    ]
    there = np.bincount(answers.labels, minlength=num_classes) > 0
    ranked = np.stack(rates)[:, there]  # (S, classes with images)
    p = persistence.concordance_p(
        ranked, permutations=permutations, generator=np.random.default_rng(0)
    )
    return persistence.kendalls_w(ranked), p


def table_of_confidence(answers: SeedAnswers, means: Mapping[str, ClassMeans]) -> pd.DataFrame:
    """`confidence_table` of the answers, with `things`: how many show the images that count.

    Those of the class, for "when right" those that a seed gets right, for "when wrong" wrong.
    """
    table = confidence.confidence_table(means, classes=answers.classes)
    right = answers.correct.any(axis=0)
    wrong = answers.wrong.any(axis=0)
    counted = {"when right": right, "when wrong": wrong, "sure when wrong": wrong}
    things = []
    for name, measure in zip(table["class"], table.measure, strict=True):
        of_class = answers.labels == answers.classes.index(name)
        things.append(answers.things_among(of_class & counted.get(measure, True)))
    return table.assign(things=things)


def table_by_answer(answers: SeedAnswers, counts: np.ndarray) -> pd.DataFrame:
    """A row per class as it is answered: class, value (overconfidence), lo, hi, answers, things.

    The interval is 95%, images and seeds resampled crossed; `answers` are those of all seeds that
    name the class, `things` what their images show. NaN for a class that is never answered.
    """
    means = overconfidence_by_answer(answers, counts)
    table = confidence.confidence_table({"overconfidence": means}, classes=answers.classes)
    things = []
    for label in range(len(answers.classes)):
        things.append(answers.things_among((answers.predicted == label).any(axis=0)))
    return table.drop(columns="measure").assign(things=things)


def in_short(answers: SeedAnswers, counts: np.ndarray, *, permutations: int) -> dict[str, Any]:
    """What the study tells of a set in one row, to set two parts of a set side by side.

    {"things", "fewest" (of a class), "worst_class", and with their intervals (_lo, _hi): "gap",
    "kappa", "shared" (errors that all seeds make), "misfit" (of confusions, above chance), "range"
    (of overconfidence over classes); "p of gap", "p of confusions", "p of range", the last two by a
    fifth of the permutations}.
    """
    null = exchanged(answers, answers.wrong, permutations=permutations)
    gap = tables.gap_row(answers, sums_by_class(answers, counts), null)
    lasting = tables.persistence_row(answers, counts)
    structure = structure_of(answers, permutations=permutations // 5)
    misfit = confusions.misfit_above_chance(
        answers.predicted, answers.labels, counts, structure
    ).interval()
    over = answers.confidence - answers.correct
    moved = exchanged(answers, over, permutations=permutations // 5)
    by_class = confidence_by_class(answers, counts, above=1)["overconfidence"]
    intervals = {
        "gap": (gap["gap"], gap["lo"], gap["hi"]),
        "kappa": (lasting["kappa"], lasting["kappa_lo"], lasting["kappa_hi"]),
        "shared": (lasting["shared"], lasting["shared_lo"], lasting["shared_hi"]),
        "misfit": misfit,
        "range": by_class.range_over_classes().interval(),
    }
    row: dict[str, Any] = {"things": answers.things, "fewest": int(answers.independent.min())}
    row["worst_class"] = gap["worst_class"]
    for name, (value, lo, hi) in intervals.items():
        row.update({name: value, f"{name}_lo": lo, f"{name}_hi": hi})
    row["p of gap"] = gap["p"]
    row["p of confusions"] = structure.p
    row["p of range"] = classes.gap_at_chance(over, answers.labels, moved)["p"]
    return row


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
