"""Thresholds that keep the error among accepted answers under a budget.

The threshold is searched, so testing the one that looks best on the same images would be too
hopeful. Here candidate thresholds are fixed before (quantiles of the score on other
images) and are tested one after another, from the strictest on; the first that fails ends the
search. Such a fixed sequence needs no correction for its length: with probability at least 1 -
delta no accepted candidate breaks the budget. Angelopoulos et al. 2021, arXiv:2110.01052.

Any candidate may come first, as long as other images choose it. The first test of a start too low
has few answers to count, that of a start too high has many wrong ones among them: either may fail,
and then nothing is accepted. `simulate_starts` shows how often.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from visionfail import metrics

DELTA = 0.05


def candidate_thresholds(score: ArrayLike, *, start: float) -> np.ndarray:
    """Candidate thresholds, ascending: quantiles of a score (N,), from the share `start` on.

    The first accepts that share of these images, the next one percent more, and so on, at most one
    for each; the last is infinite: everything accepted. The images are others than those that the
    candidates are tested on. ValueError for an empty or not finite score and for a start outside
    (0, 1].
    """
    score = np.asarray(score, dtype=np.float64)
    if score.ndim != 1 or not len(score) or not np.isfinite(score).all():
        raise ValueError(f"score has shape {score.shape}: give finite numbers (N,).")
    if not 0 < start <= 1:
        raise ValueError(f"start {start} is a share between 0 and 1: 0.4 for forty percent.")
    coverages = np.arange(round(100 * start), 101) / 100
    candidates = np.quantile(score, coverages)
    candidates[-1] = np.inf
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
    candidates = np.sort(np.asarray(candidates, dtype=np.float64))
    accepted, errors = _count_up_to(candidates, score, failed)
    passed = binomial_p_value(errors, accepted, budget) <= delta
    count = _passed_in_sequence(passed)
    return float(candidates[count - 1]) if count else None


def _count_up_to(
    candidates: np.ndarray, score: np.ndarray, failed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(accepted, errors), each (C,): the answers that each candidate accepts, the wrong ones."""
    accepted = np.searchsorted(np.sort(score), candidates, side="right")
    errors = np.searchsorted(np.sort(score[failed]), candidates, side="right")
    return accepted, errors


def _passed_in_sequence(passed: np.ndarray) -> np.ndarray:
    """How many tests (..., C) are passed before the first that is not, (...)."""
    return np.cumprod(passed, axis=-1).sum(axis=-1)


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


def binomial_p_value(errors: ArrayLike, accepted: ArrayLike, budget: float) -> np.ndarray:
    """The exact binomial probability of at most `errors` among `accepted` answers, each (...).

    Their error rate is taken to be `budget`.
    """
    return stats.binom.cdf(errors, accepted, budget)


def simulate_starts(
    score: ArrayLike,
    failed: ArrayLike,
    *,
    starts: Sequence[float],
    budget: float,
    n: int,
    repeats: int,
    generator: np.random.Generator,
    delta: float = DELTA,
) -> pd.DataFrame:
    """A row per start: what its thresholds would do if these images (N,) were the population.

    Each repeat draws n of them with replacement, chooses a `threshold` on those for every start,
    and looks up what it does on all N. Columns: start; nothing, the share of repeats that accept
    nothing; coverage, their mean, 0 where nothing is accepted; broken, the share of repeats whose
    risk exceeds the budget; repeats.
    """
    score = np.asarray(score, dtype=np.float64)
    failed = np.asarray(failed)
    _check(score, failed, budget, delta)
    candidates = candidate_thresholds(score, start=min(starts))
    population = _count_up_to(candidates, score, failed)
    passed = []
    for _ in range(repeats):
        drawn = generator.integers(len(score), size=n)
        accepted, errors = _count_up_to(candidates, score[drawn], failed[drawn])
        passed.append(binomial_p_value(errors, accepted, budget) <= delta)
    firsts = np.searchsorted(candidates, np.quantile(score, starts))  # where each start stands
    rows = []
    for start, first in zip(starts, firsts, strict=True):
        count = _passed_in_sequence(np.stack(passed)[:, first:])  # (repeats,)
        row = {"start": start}
        row.update(_outcomes(first + count - 1, count == 0, population, budget))
        rows.append(row)
    return pd.DataFrame(rows).assign(repeats=repeats)


def _outcomes(
    last: np.ndarray, nothing: np.ndarray, population: tuple[np.ndarray, np.ndarray], budget: float
) -> dict[str, float]:
    """{"nothing", "coverage", "broken"}: shares of repeats and the mean coverage, in [0, 1].

    `last` (R,) are the candidates chosen, void where `nothing` (R,) is accepted; `population` are
    the (accepted, errors) of each candidate (C,), the last of which accepts all.
    """
    accepted, errors = population
    coverage = np.where(nothing, 0, accepted[last] / accepted[-1])
    broken = ~nothing & (errors[last] > budget * accepted[last])
    return {"nothing": nothing.mean(), "coverage": coverage.mean(), "broken": broken.mean()}


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
    delta: float = DELTA,
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
        limit = threshold(
            score[choosing], failed[choosing], candidates=candidates, budget=budget, delta=delta
        )
        on_all = evaluate_threshold(score, failed, limit)
        row = evaluate_threshold(score[testing], failed[testing], limit)
        row["met"] = bool(on_all["accepted"] == 0 or on_all["risk"] <= budget)
        rows.append(row)
    return pd.DataFrame(rows)
