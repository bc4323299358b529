"""Two models on the same images: paired differences, McNemar's test, Holm's correction."""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from visionfail.metrics import intervals


def paired_bootstrap(
    correct_a: ArrayLike,
    correct_b: ArrayLike,
    *,
    statistic: intervals.Statistic,
    bootstraps: int,
    generator: np.random.Generator,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """(difference, lo, hi) of statistic(a) - statistic(b) for two models on the same images,
    resampled together.

    Correct is boolean (conditions, images) or (images,), of one shape. ValueError otherwise.
    """
    a, b = _same_images(correct_a, correct_b)
    conditions = len(a)

    def difference(accuracies: np.ndarray) -> np.ndarray:
        return statistic(accuracies[..., :conditions]) - statistic(accuracies[..., conditions:])

    both = np.concatenate(
        [a, b]
    )  # one resample of the images serves both models: that is the pairing
    return intervals.image_bootstrap(
        both, difference, bootstraps=bootstraps, generator=generator, confidence=confidence
    )


def mcnemar_exact(correct_a: ArrayLike, correct_b: ArrayLike) -> float:
    """Two-sided exact p value that two models (images,) are right equally often on the same images;
    1 if they never differ. ValueError for several conditions, whose pairs are not independent.
    McNemar 1947, doi:10.1007/BF02295996.
    """
    a, b = _same_images(correct_a, correct_b)
    if len(a) > 1:
        raise ValueError(
            f"{len(a)} conditions: McNemar's test takes one; for a mean over several use "
            "paired_bootstrap."
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def holm(p_values: ArrayLike) -> np.ndarray:
    """P values (m,) adjusted so that rejecting those under 5% makes one false rejection or more in
    at most 5% of such tables. ValueError unless all lie in [0, 1]. Holm 1979, Scandinavian Journal
    of Statistics 6, 65-70.
    """
    p = np.atleast_1d(np.asarray(p_values, dtype=np.float64))
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p values must be one-dimensional and lie in [0, 1].")
    order, adjusted = np.argsort(p, kind="stable"), np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def _same_images(correct_a: ArrayLike, correct_b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = (
        intervals._correct(np.atleast_2d(np.asarray(correct))) for correct in (correct_a, correct_b)
    )
    if a.shape != b.shape:
        raise ValueError(
            f"correct_a {a.shape} and correct_b {b.shape} differ: pass the same images in the same "
            "order."
        )
    return a, b


def disagreement(
    correct_a: np.ndarray, correct_b: np.ndarray, *, bootstraps: int, generator: np.random.Generator
) -> dict[str, float]:
    """Two models on the same images, correct (N,) bool each: how many both, only a, only b and
    neither got right; accuracy of a minus that of b, its 95% paired bootstrap interval lo, hi;
    exact McNemar p; n.
    """
    counts = {
        "both right": correct_a & correct_b,
        "only a": correct_a & ~correct_b,
        "only b": ~correct_a & correct_b,
    }
    found = {name: int(chosen.sum()) for name, chosen in counts.items()}
    found["neither"] = len(correct_a) - sum(found.values())
    mean = intervals.mean_over_conditions
    value, lo, hi = paired_bootstrap(
        correct_a, correct_b, statistic=mean, bootstraps=bootstraps, generator=generator
    )
    p = mcnemar_exact(correct_a, correct_b)
    return found | {"difference": value, "lo": lo, "hi": hi, "p": p, "n": len(correct_a)}


def disagreements(correct: Mapping[str, np.ndarray], *, bootstraps: int) -> pd.DataFrame:
    """`disagreement` of every two of several models on the same images, {name: correct (N,) bool}:
    columns a, b, apart (only one of them right), and difference, lo, hi, n.
    """
    rows = []
    for a, b in itertools.combinations(correct, 2):
        pair = disagreement(
            correct[a], correct[b], bootstraps=bootstraps, generator=np.random.default_rng(0)
        )
        pair |= {"a": a, "b": b, "apart": pair["only a"] + pair["only b"]}
        rows.append(
            {name: pair[name] for name in ("a", "b", "apart", "difference", "lo", "hi", "n")}
        )
    return pd.DataFrame(rows)
