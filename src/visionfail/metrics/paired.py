"""Two models on the same images: paired differences, McNemar's test, Holm's correction."""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from sklearn import metrics as sklearn_metrics

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
    """(difference, lo, hi) of statistic(a) - statistic(b) for two models on the same images.

    The images are resampled for both models together. Correct is boolean (conditions, images) or
    (images,), of one shape; ValueError otherwise.
    """
    a, b = _same_images(correct_a, correct_b)
    conditions = len(a)

    def difference(accuracies: np.ndarray) -> np.ndarray:
        return statistic(accuracies[..., :conditions]) - statistic(accuracies[..., conditions:])

    # one resample of the images serves both models: that is the pairing
    both = np.concatenate([a, b])  # (2 conditions, images)
    return intervals.image_bootstrap(
        both, difference, bootstraps=bootstraps, generator=generator, confidence=confidence
    )


def mcnemar_exact(correct_a: ArrayLike, correct_b: ArrayLike) -> float:
    """The two-sided exact p value that two models are right equally often on the same images.

    Correct is boolean (images,); p is 1 where the models never differ. ValueError for several
    conditions, whose pairs are not independent. McNemar 1947, doi:10.1007/BF02295996.
    """
    a, b = _same_images(correct_a, correct_b)
    if len(a) > 1:
        raise ValueError(
            f"{len(a)} conditions: McNemar's test takes one; for a mean over several use "
            "paired_bootstrap."
        )
    only_a = int((a & ~b).sum())
    only_b = int((b & ~a).sum())
    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b).pvalue)


def holm(p_values: ArrayLike) -> np.ndarray:
    """P values (m,) adjusted for m tests, in [0, 1].

    Rejecting those under 5% makes one false rejection or more in at most 5% of such tables.
    ValueError unless all p values lie in [0, 1]. Holm 1979, Scandinavian Journal of Statistics 6,
    65-70.
    """
    p = np.atleast_1d(np.asarray(p_values, dtype=np.float64))
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p values must be one-dimensional and lie in [0, 1].")
    order = np.argsort(p, kind="stable")
    tests_left = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * tests_left))
    return adjusted


def _same_images(correct_a: ArrayLike, correct_b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as bool (conditions, images), one condition where there is one axis; ValueError unless
    they have one shape.
    """
    a = intervals.checked_correct(np.atleast_2d(np.asarray(correct_a)))
    b = intervals.checked_correct(np.atleast_2d(np.asarray(correct_b)))
    if a.shape != b.shape:
        raise ValueError(
            f"correct_a {a.shape} and correct_b {b.shape} differ: pass the same images in the same "
            "order."
        )
    return a, b


def disagreement(
    correct_a: np.ndarray, correct_b: np.ndarray, *, bootstraps: int, generator: np.random.Generator
) -> dict[str, float]:
    """Where two models on the same images differ: {"both right", ..., "difference", ..., "n"}.

    Correct is bool (N,) each. "both right", "only a", "only b" and "neither" count images;
    "difference" is the accuracy of a minus that of b, "lo" and "hi" its 95% paired bootstrap
    interval, "p" McNemar's exact p value, "n" the number of images.
    """
    both_right = int((correct_a & correct_b).sum())
    only_a = int((correct_a & ~correct_b).sum())
    only_b = int((~correct_a & correct_b).sum())
    difference, lo, hi = paired_bootstrap(
        correct_a,
        correct_b,
        statistic=intervals.mean_over_conditions,
        bootstraps=bootstraps,
        generator=generator,
    )
    return {
        "both right": both_right,
        "only a": only_a,
        "only b": only_b,
        "neither": len(correct_a) - both_right - only_a - only_b,
        "difference": difference,
        "lo": lo,
        "hi": hi,
        "p": mcnemar_exact(correct_a, correct_b),
        "n": len(correct_a),
    }


def disagreements(correct: Mapping[str, np.ndarray], *, bootstraps: int) -> pd.DataFrame:
    """A row for every two models on the same images: a, b, apart, kappa, difference, lo, hi, n.

    `correct` is {name: bool (N,)}. "apart" counts the images that only one of the two got right.
    "kappa" is Cohen's, of being wrong (error consistency, Geirhos et al. 2020, arXiv:2006.16736): 0
    where mistakes are independent, 1 where they are the same. The others are `disagreement`'s.
    """
    rows = []
    for a, b in itertools.combinations(correct, 2):
        pair = disagreement(
            correct[a], correct[b], bootstraps=bootstraps, generator=np.random.default_rng(0)
        )
        row = {
            "a": a,
            "b": b,
            "apart": pair["only a"] + pair["only b"],
            "kappa": float(sklearn_metrics.cohen_kappa_score(correct[a], correct[b])),
            "difference": pair["difference"],
            "lo": pair["lo"],
            "hi": pair["hi"],
            "n": pair["n"],
        }
        rows.append(row)
    return pd.DataFrame(rows)
