"""Accuracy by class: each class, the worst one, the gap, and each class against the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from visionfail import metrics
from visionfail.claims import LEVEL
from visionfail.metrics import Estimate
from visionfail.studies.uneven.answers import (
    checked_answers,
    checked_values,
    checked_wrong,
    estimate_of,
    one_hot,
    quotient,
    weights_of,
)
from visionfail.studies.uneven.groups import (
    blocks_of,
    effective_wilson,
    exchange_groups,
)

FEWER = "fewer errors"
MORE = "more errors"
UNDECIDED = "undecided"
ABSENT = "no test images"
TOLERANCE = 1e-6  # the same sum in another order


@dataclass(frozen=True, eq=False)
class ClassSums:
    """Right answers and images of each class: row 0 as measured, the others in each resample."""

    right: np.ndarray  # (B + 1, S, K)
    n: np.ndarray  # (B + 1, K)

    @property
    def accuracy(self) -> np.ndarray:
        """Accuracy of each class, (B + 1, S, K); NaN where a class has no images."""
        return quotient(self.right, self.n[:, None])

    def of(self, label: int) -> Estimate:
        """The accuracy of one class by seed."""
        return estimate_of(self.accuracy[:, :, label])

    def below_rest(self, label: int) -> Estimate:
        """The accuracy over all other classes' images minus that of one class, by seed."""
        others = np.arange(self.n.shape[1]) != label
        of_others = quotient(
            self.right[:, :, others].sum(axis=2), self.n[:, others].sum(axis=1)[:, None]
        )
        return estimate_of(of_others - self.accuracy[:, :, label])

    def between(self, better: Sequence[int], worse: Sequence[int]) -> Estimate:
        """The mean accuracy of the classes `better` minus that of those `worse`, by seed.

        Each class counts alike. They must have been named before the answers were seen: then
        nothing is chosen, and chance does not widen it.
        """
        high = self.accuracy[:, :, list(better)].mean(axis=2)
        low = self.accuracy[:, :, list(worse)].mean(axis=2)
        return estimate_of(high - low)

    def worst(self) -> Estimate:
        """The accuracy of the worst class by seed, whichever class that is in each resample.

        Corrected for what chance takes from it (`reflected`).
        """
        return reflected(estimate_of(np.nanmin(self.accuracy, axis=2)))

    def gap(self) -> Estimate:
        """The best minus the worst class's accuracy by seed, whichever they are in each resample.

        Less what chance adds to it (`reflected`). Where all classes are alike the interval lies
        above 0 too often, so that a gap also needs the p value of `gap_at_chance`.
        """
        return reflected(estimate_of(self._range()))

    def observed_gap(self) -> Estimate:
        """As `gap`, but as observed: too large, and never near 0 where all classes are alike."""
        return estimate_of(self._range())

    def _range(self) -> np.ndarray:
        """Best minus worst, (B + 1, S)."""
        return np.nanmax(self.accuracy, axis=2) - np.nanmin(self.accuracy, axis=2)


def reflected(value: Estimate) -> Estimate:
    """A value in [0, 1] less the bias that its resamples show, they mirrored at what was measured.

    A resample's worst class is worse than the one measured, as that is worse than the truth: each
    draw pulls extremes apart. What the second draw adds is taken from the first. Davison and
    Hinkley 1997, Bootstrap Methods and their Application, sections 2.1 and 5.2.
    """
    mirrored = np.clip(2 * value.exact - value.samples, 0, 1)
    exact = np.clip(2 * value.exact - value.samples.mean(axis=0), 0, 1)
    return Estimate(exact, mirrored)


def class_sums(
    predicted: ArrayLike, labels: ArrayLike, counts: np.ndarray, *, num_classes: int
) -> ClassSums:
    """The ClassSums of predictions (S, N) or (N,) and labels (N,), from counts (B, N) of resamples.

    ValueError for another length or a class out of range; a class may be absent.
    """
    predicted, labels = checked_answers(predicted, labels, num_classes=num_classes)
    weights = weights_of(counts, len(labels))
    members = one_hot(labels, num_classes)  # (N, K)
    right = [weights @ (members * (answers == labels)[:, None]) for answers in predicted]
    return ClassSums(np.stack(right, axis=1), weights @ members)


def exchanged_class_means(
    values: ArrayLike,
    labels: np.ndarray,
    groups: ArrayLike | None,
    *,
    num_classes: int,
    permutations: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Means by class if values had nothing to do with classes, float (permutations, S, K).

    Values (S, N) are wrong answers, or confidence minus right ones. Whole groups exchange theirs,
    image by image, with groups of their size; labels stay. So what images of a group share stays
    together, in a sign of one class as in a house of several, and so does what its size or the
    place in it does to a digit. Exact where, given its size, a group's values are independent of
    its classes. One that alone has its size keeps its values.
    """
    values = checked_values(values, labels)
    blocks = blocks_of(groups, len(labels))
    n = np.bincount(labels, minlength=num_classes)
    somewhere = np.flatnonzero(values.any(axis=0))  # zeros add nothing
    values = values[:, somewhere]  # (S, M)
    means = []
    for _ in range(permutations):
        # moving labels the one way is moving values the other way
        moved = labels[exchange_groups(blocks, generator)][somewhere]
        means.append(quotient(values @ one_hot(moved, num_classes), n))
    return np.stack(means)


def two_sided_p(value: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Permutation p values (K,) in (0, 1] of values (K,) among those under the null (P, K).

    Twice the smaller tail, the value itself counted in: never 0. NaN where a value is.
    """
    above = 1 + (null >= value - TOLERANCE).sum(axis=0)
    below = 1 + (null <= value + TOLERANCE).sum(axis=0)
    p = np.minimum(1, 2 * np.minimum(above, below) / (len(null) + 1))
    return np.where(np.isnan(value), np.nan, p)


def gap_at_chance(values: ArrayLike, labels: np.ndarray, null: np.ndarray) -> dict[str, float]:
    """{"gap", "chance", "high", "p"}: the gap observed, and the mean and 95% point under the null.

    The gap is the largest minus the smallest class mean of values (S, N), mean over seeds. `null`
    is of `exchanged_class_means` for these values; p is the chance of so large a gap there.
    """
    gap = _mean_range(_class_means(values, labels, null.shape[2])[None])[0]
    chance = _mean_range(null)  # (P,)
    larger = int((chance >= gap - TOLERANCE).sum())
    return {
        "gap": float(gap),
        "chance": float(chance.mean()),
        "high": float(np.quantile(chance, 0.95)),
        "p": (1 + larger) / (1 + len(chance)),
    }


def _class_means(values: ArrayLike, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """The mean of values (S, N) over the images of each class, (S, K), NaN without images."""
    sums = checked_values(values, labels) @ one_hot(labels, num_classes)
    return quotient(sums, np.bincount(labels, minlength=num_classes))


def _mean_range(means: np.ndarray) -> np.ndarray:
    """Largest minus smallest of the classes' means (P, S, K), mean over seeds: (P,)."""
    return (np.nanmax(means, axis=2) - np.nanmin(means, axis=2)).mean(axis=1)


def class_p_values(wrong: ArrayLike, labels: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Holm's p values (K,) that each class errs as the rest does, mean over seeds.

    `null` is of `exchanged_class_means`. They speak of these networks on other images, not of
    other seeds. NaN for an absent class, which is no test. ValueError for too few permutations.
    """
    permutations, _, num_classes = null.shape
    if permutations < 2 * num_classes / LEVEL:
        raise ValueError(
            f"{permutations} permutations: with {num_classes} classes no p value could pass "
            f"Holm's correction; make {round(2 * num_classes / LEVEL)} or more, better 10,000."
        )
    rates = _class_means(checked_wrong(wrong, labels), labels, num_classes).mean(axis=0)  # (K,)
    p = two_sided_p(rates, null.mean(axis=1))
    tested = ~np.isnan(p)
    p[tested] = metrics.holm(p[tested])
    return p


def class_table(
    sums: ClassSums,
    p_holm: np.ndarray,
    effective: np.ndarray,
    independent: np.ndarray,
    *,
    classes: Sequence[str],
) -> pd.DataFrame:
    """A row per class, the worst first: its accuracy, and how it compares to the rest.

    Columns: class, accuracy (mean over seeds), lo, hi (95%: the wider of the bootstrap of images
    and seeds, crossed, and Wilson's interval over `effective` (K,) images, which alone is fit where
    all answers are right), naive_lo, naive_hi (Wilson's over all images, as if they were
    independent), n, independent (K,), below_rest, rest_lo, rest_hi, p_holm of `class_p_values`, and
    outcome: MORE or FEWER where p_holm < 5% and the interval of below_rest excludes 0, else
    UNDECIDED; ABSENT without images.
    """
    rows = []
    for label, name in enumerate(classes):
        n = int(sums.n[0, label])
        row: dict[str, Any] = {"class": name, "n": n, "independent": int(independent[label])}
        if n:
            row.update(_accuracy_row(sums.of(label), n, effective[label]))
            row.update(_rest_row(sums.below_rest(label), p_holm[label]))
        else:
            row["outcome"] = ABSENT
        rows.append(row)
    return pd.DataFrame(rows).sort_values("accuracy", kind="stable", ignore_index=True)


def _accuracy_row(accuracy: Estimate, n: int, effective: float) -> dict[str, float]:
    """The columns of `class_table` that say how often a class is answered rightly."""
    value, lo, hi = accuracy.interval()
    wilson_lo, wilson_hi = effective_wilson(value, effective)
    naive_lo, naive_hi = effective_wilson(value, n)
    return {
        "accuracy": value,
        "lo": float(min(lo, wilson_lo)),
        "hi": float(max(hi, wilson_hi)),
        "naive_lo": float(naive_lo),
        "naive_hi": float(naive_hi),
    }


def _rest_row(below_rest: Estimate, p_holm: float) -> dict[str, float | str]:
    """The columns of `class_table` that compare a class with the rest."""
    value, lo, hi = below_rest.interval()
    outcome = UNDECIDED
    if p_holm < LEVEL and lo > 0:
        outcome = MORE
    elif p_holm < LEVEL and hi < 0:
        outcome = FEWER
    return {
        "below_rest": value,
        "rest_lo": lo,
        "rest_hi": hi,
        "p_holm": p_holm,
        "outcome": outcome,
    }
