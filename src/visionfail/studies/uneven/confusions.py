"""Which classes are taken for which: structured, or what the classes' own rates make of chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from visionfail.metrics import Estimate
from visionfail.studies.uneven.answers import (
    checked_answers,
    estimate_of,
    one_hot,
    quotient,
    weights_of,
)
from visionfail.studies.uneven.exchange import ClassExchange
from visionfail.studies.uneven.groups import group_index

ROUNDS = 200  # of proportional fitting, most of the time a few tens are enough
PRECISE = 1e-6  # of an answer
AT_ONCE = 2_000_000  # cells of tables fitted together


def confusion_tables(
    predicted: ArrayLike, labels: ArrayLike, weights: np.ndarray, *, num_classes: int
) -> np.ndarray:
    """Wrong answers by true and predicted class, (rows of weights, S, K, K), zero on the diagonal.

    Weights (rows, N) say how often each image counts. ValueError as in `class_sums`.
    """
    predicted, labels = checked_answers(predicted, labels, num_classes=num_classes)
    tables = []
    for answers in predicted:
        wrong = np.flatnonzero(answers != labels)
        cells = one_hot(labels[wrong] * num_classes + answers[wrong], num_classes**2)  # (M, K * K)
        tables.append(weights[:, wrong] @ cells)
    return np.stack(tables, axis=1).reshape(len(weights), -1, num_classes, num_classes)


def quasi_independence(tables: np.ndarray) -> np.ndarray:
    """Expected tables (..., K, K) with the margins of `tables`, if wrong answers ignored the truth.

    Off the diagonal a true class times an answer, each with a rate of its own; the diagonal is
    zero, since there are no wrong answers there. By iterative proportional fitting. Goodman 1968,
    doi:10.1080/01621459.1968.10480916.
    """
    tables = np.asarray(tables, dtype=np.float64)
    rows = tables.sum(axis=-1, keepdims=True)  # (..., K, 1)
    columns = tables.sum(axis=-2, keepdims=True)  # (..., 1, K)
    expected = np.broadcast_to(1 - np.eye(tables.shape[-1]), tables.shape)
    for _ in range(ROUNDS):
        expected = expected * _scale(rows, expected.sum(axis=-1, keepdims=True))
        fitted = expected.sum(axis=-2, keepdims=True)
        if np.abs(fitted - columns).max(initial=0) < PRECISE:
            break
        expected = expected * _scale(columns, fitted)
    return expected


def _scale(wanted: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """wanted / fitted, 0 where nothing is left to scale."""
    return np.divide(wanted, fitted, out=np.zeros_like(fitted), where=fitted > 0)


def standardised(tables: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Pearson residuals (..., K, K): counted minus expected, over the root of the expected.

    Zero where nothing is expected, as on the diagonal.
    """
    difference = np.asarray(tables) - expected
    positive = expected > 0
    root = np.sqrt(np.where(positive, expected, 1))
    return np.where(positive, difference / root, 0)


@dataclass(frozen=True, eq=False)
class Structure:
    """How far confusions are from quasi-independence, and as far as chance goes.

    `statistic` is Pearson's, over all seeds; `chance` (P,) the same where whole groups have
    exchanged their true classes; `largest` (P,) the largest residual of each of those; `residuals`
    (K, K) those measured; `misfit_at_chance` (S,) the mean of `misfit_shares` by seed after
    exchanges; n the wrong answers, groups how many groups of images have any; `p_alone` the largest
    p of a seed that was tested alone, 0 where none was.
    """

    statistic: float
    chance: np.ndarray
    residuals: np.ndarray
    largest: np.ndarray
    misfit_at_chance: np.ndarray
    n: int
    groups: int
    p_alone: float = 0.0

    @property
    def p(self) -> float:
        """The chance of so large a statistic under quasi-independence, never 0.

        Where seeds were tested alone, too, it is the largest of all.
        """
        larger = int((self.chance >= self.statistic - 1e-9).sum())
        return max((1 + larger) / (1 + len(self.chance)), self.p_alone)

    def with_seeds_alone(self, alone: Sequence["Structure"]) -> "Structure":
        """This of all seeds with the largest p of each seed's own, and each one's misfit at chance.

        For unknown groups: their most cautious cut is another for each seed.
        """
        misfit = np.concatenate([structure.misfit_at_chance for structure in alone])  # (S,)
        largest_p = max(structure.p for structure in alone)
        return replace(self, misfit_at_chance=misfit, p_alone=largest_p)

    def pair_p(self) -> np.ndarray:
        """P values (K, K) of each pair, in either of which no residual anywhere is that large.

        The largest residual of each table at chance corrects for the number of pairs. Westfall and
        Young 1993, Resampling-Based Multiple Testing.
        """
        larger = (self.largest[:, None, None] >= self.residuals - 1e-9).sum(axis=0)
        return (1 + larger) / (1 + len(self.largest))


def confusion_structure(
    predicted: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None,
    *,
    num_classes: int,
    permutations: int,
    generator: np.random.Generator,
) -> Structure:
    """The Structure of the wrong answers in predictions (S, N) to labels (N,).

    All seeds' answers to an image stay with it, all wrong answers of a group with the group.
    ValueError where nothing is wrong: there are no confusions then.
    """
    predicted, labels = checked_answers(predicted, labels, num_classes=num_classes)
    wrong = (predicted != labels).any(axis=0)
    if not wrong.any():
        raise ValueError("all answers are right: there are no confusions to test.")
    index = group_index(groups, len(labels))
    exchange = ClassExchange(
        predicted[:, wrong], labels[wrong], index[wrong], num_classes=num_classes
    )
    measured = exchange.table().sum(axis=0)  # (K, K)
    residuals = standardised(measured, quasi_independence(measured))
    tables = exchange.tables(permutations, generator)  # (P, S, K, K)
    pooled = tables.sum(axis=1)
    chance = standardised(pooled, quasi_independence(pooled))
    return Structure(
        statistic=float((residuals**2).sum()),
        chance=(chance**2).sum(axis=(1, 2)),
        residuals=residuals,
        largest=chance.max(axis=(1, 2)),
        misfit_at_chance=misfit_shares(tables).mean(axis=0),
        n=int(measured.sum()),
        groups=exchange.groups,
    )


def pair_table(
    predicted: ArrayLike,
    labels: ArrayLike,
    counts: np.ndarray,
    structure: Structure,
    *,
    classes: Sequence[str],
) -> pd.DataFrame:
    """A row per pair of classes confused at all, the largest residual first.

    Columns: true, answered (class names), wrong (answers, all seeds), share (of all wrong answers,
    mean over seeds), expected (under quasi-independence), excess (share minus expected), lo, hi
    (95% of the excess, images and seeds resampled crossed, by counts (B, N)), residual, p of
    `Structure.pair_p`. A seed without errors is left out of the means.
    """
    weights = weights_of(counts, np.size(labels))
    tables = confusion_tables(predicted, labels, weights, num_classes=len(classes))
    tables = tables[:, tables[0].sum(axis=(1, 2)) > 0]  # (B + 1, S, K, K)
    shares = quotient(tables, tables.sum(axis=(2, 3), keepdims=True))
    expected = fitted_in_parts(np.nan_to_num(shares))
    p = structure.pair_p()
    rows = []
    for true, answered in np.argwhere(tables[0].sum(axis=0) > 0):
        share = shares[:, :, true, answered]  # (B + 1, S)
        excess = estimate_of(share - expected[:, :, true, answered])
        row: dict[str, Any] = {"true": classes[true], "answered": classes[answered]}
        row["wrong"] = int(tables[0, :, true, answered].sum())
        row["share"] = float(share[0].mean())
        row["expected"] = float(expected[0, :, true, answered].mean())
        row["excess"], row["lo"], row["hi"] = excess.interval()
        row["residual"] = float(structure.residuals[true, answered])
        row["p"] = float(p[true, answered])
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values("residual", ascending=False, kind="stable", ignore_index=True)


def fitted_in_parts(tables: np.ndarray) -> np.ndarray:
    """`quasi_independence` of tables (B, S, K, K), some resamples at a time."""
    at_once = max(1, AT_ONCE // tables[0].size)
    parts = []
    for start in range(0, len(tables), at_once):
        parts.append(quasi_independence(tables[start : start + at_once]))
    return np.concatenate(parts)


def misfit_shares(tables: np.ndarray) -> np.ndarray:
    """The share of wrong answers in tables (B, S, K, K) that quasi-independence misplaces, (B, S).

    Half the sum of the distances between shares counted and expected, in [0, 1]: the index of
    dissimilarity. 0 for a table without answers.
    """
    shares = np.nan_to_num(quotient(tables, tables.sum(axis=(2, 3), keepdims=True)))
    return np.abs(shares - fitted_in_parts(shares)).sum(axis=(2, 3)) / 2


def misfit_above_chance(
    predicted: ArrayLike, labels: ArrayLike, counts: np.ndarray, structure: Structure
) -> Estimate:
    """`misfit_shares` by seed minus what it is by chance, 0 where confusions have no structure.

    Few answers in many pairs never fit exactly, in resamples even less. So the mean after exchanges
    is taken away, and the resamples, of counts (B, N), give only how far the value scatters.
    """
    weights = weights_of(counts, np.size(labels))
    tables = confusion_tables(predicted, labels, weights, num_classes=len(structure.residuals))
    misfit = misfit_shares(tables)  # (B + 1, S)
    exact = misfit[0] - structure.misfit_at_chance
    return Estimate(exact, exact + misfit[1:] - misfit[1:].mean(axis=0))
