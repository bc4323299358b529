"""Answers of several seeds to the same images, checked, and values by seed with resamples."""

import numpy as np
from numpy.typing import ArrayLike

from visionfail.metrics import Estimate


def checked_answers(
    predicted: ArrayLike, labels: ArrayLike, *, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Predicted classes int64 (S, N) by seed, and labels int64 (N,), both from 0 to K - 1.

    One network may give (N,). ValueError for another length or a class out of range.
    """
    predicted = np.atleast_2d(np.asarray(predicted))  # (S, N)
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels) or predicted.shape[1:] != labels.shape:
        raise ValueError(
            f"predictions {predicted.shape} and labels {labels.shape}: give (seeds, N) and (N,), "
            "at least one image."
        )
    _check_classes(predicted, num_classes, "prediction")
    _check_classes(labels, num_classes, "label")
    return predicted.astype(np.int64), labels.astype(np.int64)


def _check_classes(values: np.ndarray, num_classes: int, what: str) -> None:
    """Raises ValueError unless all values are integers from 0 to K - 1."""
    if values.dtype.kind not in "iu":
        raise ValueError(f"{what}s are {values.dtype}: give integers.")
    for value in (values.min(), values.max()):
        if not 0 <= value < num_classes:
            raise ValueError(
                f"{what} {value} is out of range: classes run from 0 to {num_classes - 1}."
            )


def checked_wrong(wrong: ArrayLike, labels: np.ndarray | None = None) -> np.ndarray:
    """The same as bool (S, N), seeds by images; one network may give (N,).

    ValueError for another dtype or shape, or where there are not as many labels (N,).
    """
    wrong = np.atleast_2d(np.asarray(wrong))
    if wrong.dtype != bool or wrong.ndim != 2 or not wrong.size:
        raise ValueError(
            f"wrong is {wrong.dtype} {wrong.shape}: give booleans, predicted != labels, (seeds, N)."
        )
    if labels is not None and labels.shape != wrong.shape[1:]:
        raise ValueError(f"labels have shape {labels.shape} for {wrong.shape[1]} images.")
    return wrong


def checked_values(values: ArrayLike, labels: np.ndarray) -> np.ndarray:
    """A number per seed and image, float32 (S, N); one network may give (N,), booleans count 0, 1.

    ValueError where one is not finite, or where there are not as many labels (N,).
    """
    values = np.atleast_2d(np.asarray(values, dtype=np.float32))
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"values have shape {values.shape}: give finite numbers, (seeds, N).")
    if labels.shape != values.shape[1:]:
        raise ValueError(f"labels have shape {labels.shape} for {values.shape[1]} images.")
    return values


def weights_of(counts: np.ndarray, n: int) -> np.ndarray:
    """A row of ones, then counts (B, N) of resamples: float32 (B + 1, N).

    ValueError where the counts are of another number of images.
    """
    counts = np.asarray(counts, dtype=np.float32)
    if counts.ndim != 2 or counts.shape[1] != n:
        raise ValueError(f"counts have shape {counts.shape} for {n} images: give (B, {n}).")
    return np.concatenate([np.ones((1, n), dtype=np.float32), counts])


def estimate_of(values: np.ndarray) -> Estimate:
    """The Estimate of values (B + 1, S) in the rows of `weights_of`."""
    return Estimate(values[0], values[1:])


def one_hot(classes: np.ndarray, num_classes: int) -> np.ndarray:
    """A row per class number of (N,) that is 1 at its class, float32 (N, K)."""
    return np.eye(num_classes, dtype=np.float32)[classes]


def quotient(top: ArrayLike, bottom: ArrayLike) -> np.ndarray:
    """top / bottom in float64, broadcast; NaN where the bottom is 0."""
    top = np.asarray(top, dtype=np.float64)
    bottom = np.asarray(bottom, dtype=np.float64)
    shape = np.broadcast_shapes(top.shape, bottom.shape)
    return np.divide(top, bottom, out=np.full(shape, np.nan), where=bottom != 0)
