"""How sure the networks are by class, on right and on wrong answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from visionfail import metrics
from visionfail.metrics import Estimate
from visionfail.studies.uneven.answers import (
    checked_answers,
    estimate_of,
    one_hot,
    quotient,
    weights_of,
)
from visionfail.studies.uneven.classes import reflected


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """A measure's sum over some answers of each class, and the number of those answers.

    Both (B + 1, S, K): row 0 as measured, the others in each resample.
    """

    total: np.ndarray
    answers: np.ndarray

    def interval(self, label: int) -> tuple[float, float, float]:
        """(mean over all seeds' answers of a class, lo, hi): 95%, images and seeds crossed.

        A seed counts by its answers, since one that makes no errors has no confidence in them. NaN
        where there are no such answers.
        """
        total = self.total[:, :, label]  # (B + 1, S)
        answers = self.answers[:, :, label]
        times = _seed_draws(*total.shape)
        means = quotient((times * total).sum(axis=1), (times * answers).sum(axis=1))
        samples = means[1:][~np.isnan(means[1:])]
        if np.isnan(means[0]) or len(samples) < 2:
            return float(means[0]), np.nan, np.nan
        lo, hi = metrics.percentile_interval(samples)
        return float(means[0]), float(lo), float(hi)

    def range_over_classes(self) -> Estimate:
        """The largest minus the smallest of the classes' means, by seed, as `reflected` gives it.

        For a measure of all answers whose range lies in [0, 1]. Absent classes are left out.
        """
        means = quotient(self.total, self.answers)  # (B + 1, S, K)
        return reflected(estimate_of(np.nanmax(means, axis=2) - np.nanmin(means, axis=2)))


def _seed_draws(rows: int, seeds: int) -> np.ndarray:
    """How often each seed counts in each row, (rows, S): once in the first, drawn in the others."""
    drawn = metrics.drawn_seeds(rows - 1, seeds)
    times = (drawn[:, :, None] == np.arange(seeds)).sum(axis=1)  # (rows - 1, S)
    return np.concatenate([np.ones((1, seeds), dtype=np.int64), times])


def class_confidences(
    predicted: ArrayLike,
    labels: ArrayLike,
    confidence: ArrayLike,
    counts: np.ndarray,
    *,
    num_classes: int,
    above: float,
) -> dict[str, ClassMeans]:
    """{measure: its ClassMeans}, of predictions and confidence (S, N), seeds by images.

    Confidence lies in [0, 1], labels are (N,), counts (B, N). Measures: "confidence"; "when right"
    and "when wrong", confidence in these answers; "overconfidence", confidence minus accuracy,
    negative where a network is less sure of a class than it could be; "sure and wrong", the share
    of the class's images answered wrongly with confidence over `above`; "sure when wrong", the same
    as a share of its wrong answers. ValueError for confidence outside [0, 1] or of another shape.
    """
    predicted, labels = checked_answers(predicted, labels, num_classes=num_classes)
    confidence = _checked_confidence(confidence, predicted.shape)
    members = one_hot(labels, num_classes)
    weights = weights_of(counts, len(labels))

    def by_class(values: np.ndarray) -> np.ndarray:
        """Values (S, N) added up by class, (B + 1, S, K)."""
        columns = [weights @ (members * of_seed[:, None]) for of_seed in values]
        return np.stack(columns, axis=1)

    wrong = predicted != labels
    answers = by_class(np.ones_like(confidence))
    wrong_answers = by_class(wrong)
    total = by_class(confidence)
    total_when_wrong = by_class(confidence * wrong)
    sure_and_wrong = by_class(wrong & (confidence > above))
    return {
        "confidence": ClassMeans(total, answers),
        "when right": ClassMeans(total - total_when_wrong, answers - wrong_answers),
        "when wrong": ClassMeans(total_when_wrong, wrong_answers),
        "overconfidence": ClassMeans(total - answers + wrong_answers, answers),
        "sure and wrong": ClassMeans(sure_and_wrong, answers),
        "sure when wrong": ClassMeans(sure_and_wrong, wrong_answers),
    }


def overconfidence_by_answer(
    predicted: ArrayLike,
    labels: ArrayLike,
    confidence: ArrayLike,
    counts: np.ndarray,
    *,
    num_classes: int,
) -> ClassMeans:
    """Confidence minus accuracy over the answers that name each class, whatever the truth.

    This is calibration: 0 for every class where confidence can be taken at its word. By true class
    it is not: of a class that is often missed even a calibrated network is right less often than
    it is sure. Arguments and errors as in `class_confidences`.
    """
    predicted, labels = checked_answers(predicted, labels, num_classes=num_classes)
    confidence = _checked_confidence(confidence, predicted.shape)
    weights = weights_of(counts, len(labels))
    totals = []
    answers = []
    for named, of_seed in zip(predicted, confidence, strict=True):
        members = one_hot(named, num_classes)  # (N, K)
        over = of_seed - (named == labels)
        totals.append(weights @ (members * over[:, None]))
        answers.append(weights @ members)
    return ClassMeans(np.stack(totals, axis=1), np.stack(answers, axis=1))


def _checked_confidence(confidence: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """The same as float32 (S, N); ValueError unless of that shape and in [0, 1]."""
    confidence = np.atleast_2d(np.asarray(confidence, dtype=np.float32))
    if confidence.shape != shape:
        raise ValueError(f"confidence has shape {confidence.shape}, the predictions {shape}.")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("confidence must lie in [0, 1], without NaN: pass probabilities.")
    return confidence


def confidence_table(means: Mapping[str, ClassMeans], *, classes: Sequence[str]) -> pd.DataFrame:
    """A row per class and measure of `class_confidences`: class, measure, value, lo, hi, answers.

    The interval is 95%, images and seeds resampled crossed; `answers` counts those of all seeds
    that the mean is over, wrong ones alone for "when wrong". NaN where there are none.
    """
    rows = []
    for label, name in enumerate(classes):
        for measure, of_measure in means.items():
            row: dict[str, Any] = {"class": name, "measure": measure}
            row["value"], row["lo"], row["hi"] = of_measure.interval(label)
            row["answers"] = int(of_measure.answers[0, :, label].sum())
            rows.append(row)
    return pd.DataFrame(rows)
