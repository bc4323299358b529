"""Means over corruptions: accuracy, mCE and relative mCE. Hendrycks and Dietterich 2019,
arXiv:1903.12261.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

# ---- summaries over corruptions Accuracies come as {corruption: array (..., severities)}: leading
# axes, such as bootstrap samples, go through. Which corruptions belong to the mean (the 15, or the
# 14 without frost) is always said by the caller.


def by_corruption(
    values: ArrayLike, conditions: Sequence[tuple[str, int]]
) -> dict[str, np.ndarray]:
    """Values (..., conditions) regrouped as {corruption: (..., severities)}, severities ascending
    as in `conditions`.

    ValueError where `conditions`, pairs of corruption and severity, has another length or a
    repeated pair.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape[-1:] != (len(conditions),) or len(set(conditions)) != len(conditions):
        raise ValueError(
            f"values of shape {values.shape} need as many different conditions, got "
            f"{len(conditions)}."
        )
    names = dict.fromkeys(name for name, _ in conditions)
    columns = {
        c: [i for _, i in sorted((s, i) for i, (n, s) in enumerate(conditions) if n == c)]
        for c in names
    }
    return {name: values[..., index] for name, index in columns.items()}


def mean_corruption_accuracy(
    accuracies: Mapping[str, ArrayLike], corruptions: Sequence[str]
) -> np.ndarray | float:
    """The plain mean of accuracy over `corruptions` and severities: the headline, with nothing
    divided by a baseline.

    Accuracies {corruption: (..., severities)}; returns (...), a float without leading axes.
    """
    return _plain(_stack(accuracies, corruptions, "accuracies").mean(axis=(-1, -2)))


def mce(
    accuracies: Mapping[str, ArrayLike],
    baseline: Mapping[str, ArrayLike],
    *,
    corruptions: Sequence[str],
) -> np.ndarray | float:
    """mCE as a fraction: mean over c in `corruptions` of (sum over s of E[c, s]) / (sum over s of
    E_baseline[c, s]).

    E = 1 - accuracy, s the severities; 1 is the baseline's own. Accuracies {corruption: (...,
    severities)}, baseline {corruption: (severities,)}; ValueError where the baseline lacks a
    corruption or makes no error on it. Hendrycks and Dietterich 2019, arXiv:1903.12261.
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
    """Relative mCE as a fraction: as `mce`, but with E[c, s] - E[clean] in the place of E[c, s],
    for both models.

    `clean` (...) and `baseline_clean` are accuracies without corruption. ValueError as `mce`, and
    where the baseline loses nothing under a corruption. Hendrycks and Dietterich 2019,
    arXiv:1903.12261.
    """
    drop = np.asarray(clean, dtype=np.float64)[..., None, None] - _stack(
        accuracies, corruptions, "accuracies"
    )
    baseline_drop = baseline_clean - _stack(baseline, corruptions, "baseline")
    return _mean_ratio(drop, baseline_drop, corruptions)


def _mean_ratio(
    above: np.ndarray, below: np.ndarray, corruptions: Sequence[str]
) -> np.ndarray | float:
    if above.shape[-1] != below.shape[-1]:
        raise ValueError(
            f"{above.shape[-1]} severities against {below.shape[-1]} of the baseline: give the "
            "same ones."
        )
    below = below.sum(axis=-1)
    if (below <= 1e-12).any():
        names = [name for name, value in zip(corruptions, below, strict=True) if value <= 1e-12]
        raise ValueError(
            f"the baseline loses nothing under {', '.join(names)}: the ratio is not defined there."
        )
    return _plain((above.sum(axis=-1) / below).mean(axis=-1))


def _stack(
    accuracies: Mapping[str, ArrayLike], corruptions: Sequence[str], what: str
) -> np.ndarray:
    """(..., corruptions, severities), checked."""
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


# ---- checks


def _plain(values: np.ndarray) -> np.ndarray | float:
    return float(values) if values.ndim == 0 else values
