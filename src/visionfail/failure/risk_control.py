"""Thresholds that keep the error among accepted answers under a budget.

The threshold is searched, so testing the one that looks best on the same images would be too
hopeful. Here candidate thresholds are fixed before (quantiles of the score on other
images) and are tested one after another, from the strictest on; the first that fails ends the
search. Such a fixed sequence needs no correction for its length: with probability at least 1 -
delta no accepted candidate breaks the budget. Angelopoulos et al. 2021, arXiv:2110.01052.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from visionfail import metrics

# coverages of the candidates: a start at 30% has enough answers to test
COVERAGES = tuple(np.round(np.arange(0.30, 1.0001, 0.01), 2))
DELTA = 0.05


def candidate_thresholds(score: ArrayLike, coverages: Sequence[float] = COVERAGES) -> np.ndarray:
    """Candidate thresholds, ascending, at most one per coverage: quantiles of a score (N,).

    The score is of images that serve neither to choose nor to test. The last candidate is
    infinite: everything accepted. ValueError for an empty or not finite score.
    """
    score = np.asarray(score, dtype=np.float64)
    if score.ndim != 1 or not len(score) or not np.isfinite(score).all():
        raise ValueError(f"score has shape {score.shape}: give finite numbers (N,).")
    candidates = np.quantile(score, coverages)
    candidates[np.asarray(coverages) >= 1] = np.inf
    return np.unique(candidates)


def threshold(
    score: ArrayLike,
    failed: ArrayLike,
    *,
    candidates: ArrayLike,
    budget: float,
    delta: float = DELTA,
) -> float | None:
    """The largest threshold that is safe: scores up to it are accepted, at most `budget` wrong.

    `budget` is a fraction in (0, 1). It holds with probability at least 1 - `delta` over the images
    (N,), which must be independent: one draw a digit. None where not even the strictest candidate
    is safe: then nothing can be promised, and nothing is accepted. ValueError for arrays of other
    shapes, for `failed` that is not boolean, and for a budget or delta outside (0, 1).
    """
    score = np.asarray(score, dtype=np.float64)
    failed = np.asarray(failed)
    _check(score, failed, budget, delta)
    largest = None
    for candidate in np.sort(np.asarray(candidates, dtype=np.float64)):
        accepted = score <= candidate
        errors = int(failed[accepted].sum())
        if binomial_p_value(errors, int(accepted.sum()), budget) > delta:
            break
        largest = float(candidate)
    return largest


def _check(score: np.ndarray, failed: np.ndarray, budget: float, delta: float) -> None:
    """Raises ValueError for what `threshold` does not take."""
    if score.shape != failed.shape or failed.dtype != bool or not len(failed):
        raise ValueError(
            f"score {score.shape} and failed {failed.dtype} {failed.shape}: one of each for every "
            "image."
        )
    if not (0 < budget < 1 and 0 < delta < 1):
        raise ValueError(
            f"budget {budget} and delta {delta} are shares between 0 and 1: 0.02 for two percent."
        )


def binomial_p_value(errors: int, accepted: int, budget: float) -> float:
    """The exact binomial probability of at most `errors` among `accepted` answers.

    Their error rate is taken to be `budget`.
    """
    return float(stats.binom.cdf(errors, accepted, budget))


def evaluate_threshold(score: ArrayLike, failed: ArrayLike, limit: float | None) -> dict:
    """{"coverage", "risk", "lo", "hi", "accepted", "n"} of a threshold on fresh images (N,).

    Coverage is the fraction accepted, risk the fraction of these that is wrong, with its Wilson
    interval; NaN where nothing is accepted.
    """
    score = np.asarray(score, dtype=np.float64)
    failed = np.asarray(failed)
    accepted = np.zeros(len(score), dtype=bool) if limit is None else score <= limit
    errors = int(failed[accepted].sum())
    n = int(accepted.sum())
    row = {
        "coverage": n / len(score),
        "risk": np.nan,
        "lo": np.nan,
        "hi": np.nan,
        "accepted": n,
        "n": len(score),
    }
    if n:
        row["risk"] = errors / n
        row["lo"], row["hi"] = metrics.wilson(errors, n)
    return row


def resplit(
    score: np.ndarray,
    failed: np.ndarray,
    *,
    held: int,
    candidates: ArrayLike,
    budget: float,
    repeats: int,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """A row per repeat in which the images (N,) are split anew: `evaluate_threshold`, and "met".

    `held` images set the threshold and the others test it. "met" is whether the risk among all
    images, of which the held ones are a sample, is within the budget or nothing is accepted. That
    is what delta promises; what the others show has chance of its own on top.
    """
    rows = []
    for _ in range(repeats):
        order = generator.permutation(len(score))
        choosing = order[:held]
        testing = order[held:]
        limit = threshold(score[choosing], failed[choosing], candidates=candidates, budget=budget)
        on_all = evaluate_threshold(score, failed, limit)
        row = evaluate_threshold(score[testing], failed[testing], limit)
        row["met"] = bool(on_all["accepted"] == 0 or on_all["risk"] <= budget)
        rows.append(row)
    return pd.DataFrame(rows)
