"""Means over corruptions: accuracy, mCE and relative mCE.

Accuracies come as {corruption: array (..., severities)}: leading axes, such as bootstrap samples,
go through. Which corruptions belong to the mean (the 15, or the 14 without frost) is always said
by the caller. Hendrycks and Dietterich 2019, arXiv:1903.12261.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike


def by_corruption(
    values: ArrayLike, conditions: Sequence[tuple[str, int]]
) -> dict[str, np.ndarray]:
    """Values (..., conditions) regrouped as {corruption: (..., severities)}, severities ascending.

    `conditions` are the pairs (corruption, severity) of the last axis; ValueError where their
    number is another or a pair is repeated.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape[-1:] != (len(conditions),) or len(set(conditions)) != len(conditions):
        raise ValueError(
            f"values of shape {values.shape} need as many different conditions, got "
            f"{len(conditions)}."
        )
    columns: dict[str, dict[int, int]] = {}  # corruption -> severity -> column
    for column, (name, severity) in enumerate(conditions):
        columns.setdefault(name, {})[severity] = column
    grouped = {}
    for name, column_of in columns.items():
        ascending = [column_of[severity] for severity in sorted(column_of)]
        grouped[name] = values[..., ascending]
    return grouped


def mean_corruption_accuracy(
    accuracies: Mapping[str, ArrayLike], corruptions: Sequence[str]
) -> np.ndarray | float:
    """The plain mean of accuracy over `corruptions` and severities: (...), or a float.

    Accuracies are {corruption: (..., severities)}; nothing is divided by a baseline.
    """
    stacked = _stack(accuracies, corruptions, "accuracies")  # (..., corruptions, severities)
    return _float_or_array(stacked.mean(axis=(-1, -2)))


def mce(
    accuracies: Mapping[str, ArrayLike],
    baseline: Mapping[str, ArrayLike],
    *,
    corruptions: Sequence[str],
) -> np.ndarray | float:
    """The mean corruption error relative to a baseline, as a fraction (...): 1 is the baseline's.

    mCE = mean over c in `corruptions` of (sum over s of E[c, s]) / (sum over s of E_baseline[c, s])
    with E = 1 - accuracy and s the severities. Accuracies are {corruption: (..., severities)}, the
    baseline's {corruption: (severities,)}. ValueError where the baseline lacks a corruption or
    makes no error on it. Hendrycks and Dietterich 2019, arXiv:1903.12261.
    """
    errors = 1 - _stack(accuracies, corruptions, "accuracies")
    baseline_errors = 1 - _stack(baseline, corruptions, "baseline")
    return _mean_ratio(errors, baseline_errors, corruptions)


def relative_mce(
    accuracies: Mapping[str, ArrayLike],
    baseline: Mapping[str, ArrayLike],
    *,
    clean: ArrayLike,
    baseline_clean: float,
    corruptions: Sequence[str],
) -> np.ndarray | float:
    """Relative mCE as a fraction (...): as `mce`, with E[c, s] - E[clean] in the place of E[c, s].

    `clean` (...) and `baseline_clean` are the two models' accuracies without corruption. ValueError
    as in `mce`, and where the baseline loses nothing under a corruption. Hendrycks and Dietterich
    2019, arXiv:1903.12261.
    """
    clean = np.asarray(clean, dtype=np.float64)[..., None, None]  # (..., 1, 1)
    drop = clean - _stack(accuracies, corruptions, "accuracies")
    baseline_drop = baseline_clean - _stack(baseline, corruptions, "baseline")
    return _mean_ratio(drop, baseline_drop, corruptions)


def _mean_ratio(
    above: np.ndarray, below: np.ndarray, corruptions: Sequence[str]
) -> np.ndarray | float:
    """The mean over corruptions of sum(above) / sum(below): (...), or a float.

    Both are (..., corruptions, severities), summed over severities; ValueError where a sum of
    `below` is 0.
    """
    if above.shape[-1] != below.shape[-1]:
        raise ValueError(
            f"{above.shape[-1]} severities against {below.shape[-1]} of the baseline: give the "
            "same ones."
        )
    below = below.sum(axis=-1)  # (corruptions,)
    undefined = below <= 1e-12
    if undefined.any():
        names = [name for name, zero in zip(corruptions, undefined, strict=True) if zero]
        raise ValueError(
            f"the baseline loses nothing under {', '.join(names)}: the ratio is not defined there."
        )
    return _float_or_array((above.sum(axis=-1) / below).mean(axis=-1))


def _stack(
    accuracies: Mapping[str, ArrayLike], corruptions: Sequence[str], what: str
) -> np.ndarray:
    """Accuracies as one array (..., corruptions, severities).

    ValueError for a missing corruption, unequal shapes or values outside [0, 1].
    """
    missing = [name for name in corruptions if name not in accuracies]
    if missing or not len(corruptions):
        raise ValueError(
            f"{what}: no values for {', '.join(missing) or 'any corruption'}; got "
            f"{sorted(accuracies)}."
        )
    arrays = [np.asarray(accuracies[name], dtype=np.float64) for name in corruptions]
    if len({array.shape for array in arrays}) > 1 or arrays[0].ndim < 1 or not arrays[0].size:
        raise ValueError(
            f"{what}: every corruption needs as many severities, got {[a.shape for a in arrays]}."
        )
    stacked = np.stack(arrays, axis=-2)
    if not ((stacked >= 0) & (stacked <= 1)).all():
        raise ValueError(f"{what} must be fractions in [0, 1], without NaN: divide percent by 100.")
    return stacked


def _float_or_array(values: np.ndarray) -> np.ndarray | float:
    """A float where there are no axes left, else the array."""
    return float(values) if values.ndim == 0 else values
