"""Answer only where the score is low enough: a threshold that keeps the error among accepted
answers under a budget.

The threshold is searched, so testing the one that looks best on the same images would be too
hopeful. Here candidates lie on a grid that was fixed before (quantiles of the score on other
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

COVERAGES = tuple(
    np.round(np.arange(0.30, 1.0001, 0.01), 2)
)  # of the grid; a start at 30% has enough answers to test

DELTA = 0.05


def candidate_thresholds(score: ArrayLike, coverages: Sequence[float] = COVERAGES) -> np.ndarray:
    """Candidate thresholds, ascending: quantiles of a score on images that serve neither to choose
    nor to judge.

    The last is infinite: everything accepted. ValueError for an empty or not finite score.
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
    """The largest threshold found safe: of the answers with score <= threshold at most `budget` are
    wrong, with probability at least 1 - `delta` over the images (N,), which must be independent:
    one draw a digit. None where not even the strictest candidate is found safe: then nothing can be
    promised, and nothing is accepted.
    """
    score, failed = np.asarray(score, dtype=np.float64), np.asarray(failed)
    if score.shape != failed.shape or failed.dtype != bool or not len(failed):
        raise ValueError(
            f"score {score.shape} and failed {failed.dtype} {failed.shape}: one of each for every "
            "image."
        )
    if not (0 < budget < 1 and 0 < delta < 1):
        raise ValueError(
            f"budget {budget} and delta {delta} are shares between 0 and 1: 0.02 for two percent."
        )
    found = None
    for candidate in np.sort(np.asarray(candidates, dtype=np.float64)):
        accepted = score <= candidate
        if binomial_p_value(int(failed[accepted].sum()), int(accepted.sum()), budget) > delta:
            break
        found = float(candidate)
    return found


def binomial_p_value(errors: int, accepted: int, budget: float) -> float:
    """How likely so few errors among `accepted` answers would be if their error rate were `budget`:
    exact binomial.
    """
    return float(stats.binom.cdf(errors, accepted, budget))


def evaluate_threshold(score: ArrayLike, failed: ArrayLike, limit: float | None) -> dict:
    """{"coverage", "risk", "lo", "hi", "accepted", "n"} of a threshold on fresh images; risk with
    its Wilson interval, missing where nothing is accepted.
    """
    score, failed = np.asarray(score, dtype=np.float64), np.asarray(failed)
    accepted = np.zeros(len(score), dtype=bool) if limit is None else score <= limit
    errors, n = int(failed[accepted].sum()), int(accepted.sum())
    lo, hi = metrics.wilson(errors, n) if n else (np.nan, np.nan)
    risk = errors / n if n else np.nan
    return {
        "coverage": n / len(score),
        "risk": risk,
        "lo": lo,
        "hi": hi,
        "accepted": n,
        "n": len(score),
    }


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
    """How the budget is kept when the images are dealt anew, `held` to set the threshold and the
    others to judge it.

    A row a repeat: as `realised` on the others, and "kept": whether the risk among all images, of
    which the held ones are a sample, is within the budget or nothing is accepted. That is what
    delta promises; what the others show has chance of its own on top.
    """
    rows = []
    for _ in range(repeats):
        order = generator.permutation(len(score))
        choose, judge = order[:held], order[held:]
        limit = threshold(score[choose], failed[choose], candidates=candidates, budget=budget)
        truth = evaluate_threshold(score, failed, limit)
        kept = bool(truth["accepted"] == 0 or truth["risk"] <= budget)
        rows.append(evaluate_threshold(score[judge], failed[judge], limit) | {"kept": kept})
    return pd.DataFrame(rows)
