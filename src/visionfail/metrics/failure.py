"""How well a failure score ranks failures above right answers, and the risk of selective answers.

Throughout, `score` (N,) is higher where failure is likelier, and `failed` (N,) is true where the
answer was wrong.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from sklearn import metrics as sklearn_metrics

ROWS = 16  # resamples worked on at once: what they need stays in a processor's cache


def auroc(score: ArrayLike, failed: ArrayLike) -> float:
    """The chance in [0, 1] that a failure scores higher than a right answer; a tie counts half.

    Failures are the positives; 0.5 is a score without information. ValueError where all or none
    failed.
    """
    score, failed = _checked(score, failed)
    return float(sklearn_metrics.roc_auc_score(failed, score))


def risk_coverage_curve(score: ArrayLike, failed: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(coverage, selective risk), each (N,): the failure rate of the k lowest scores, k = 1 to N.

    Among equal scores the failures are spread evenly, which is what a random order of them gives on
    average.
    """
    score, failed = _checked(score, failed, both=False)
    errors = _errors_by_rank(score, failed)
    k = np.arange(1, len(errors) + 1)
    return k / len(errors), errors / k


def aurc(score: ArrayLike, failed: ArrayLike) -> float:
    """The mean selective risk over all coverages k / N, in [0, 1]; smaller is better.

    Geifman and El-Yaniv 2017, arXiv:1705.08500.
    """
    _, risk = risk_coverage_curve(score, failed)
    return float(risk.mean())


def augrc(score: ArrayLike, failed: ArrayLike) -> float:
    """The mean over all coverages k / N of the fraction both accepted and wrong, in [0, 1].

    As `aurc`, but a failure costs the same at every coverage. Traub et al. 2024, arXiv:2407.01032.
    """
    coverage, risk = risk_coverage_curve(score, failed)
    return float((coverage * risk).mean())


def bootstrap_auroc(score: ArrayLike, failed: ArrayLike, counts: np.ndarray) -> np.ndarray:
    """The AUROC in each resample, (B,); NaN where it drew no failure or no right answer.

    Counts (B, N) say how often each image is drawn, as `intervals.resampling_counts` gives them;
    the same counts for several scores make their comparison paired. `defined_resamples` drops NaN.
    """
    score, failed = _checked(score, failed)
    wrong = np.flatnonzero(failed)  # (F,)
    right = np.flatnonzero(~failed)  # (R,)
    right = right[np.argsort(score[right], kind="stable")]
    # how many of the right answers score less than each failure, and at most as much, (F,) each
    fewest = np.searchsorted(score[right], score[wrong], side="left")
    most = np.searchsorted(score[right], score[wrong], side="right")
    areas = []
    for row in range(0, len(counts), ROWS):
        drawn = counts[row : row + ROWS]
        areas.append(_auroc_of(drawn.take(wrong, axis=1), drawn.take(right, axis=1), fewest, most))
    return np.concatenate(areas)


def defined_resamples(samples: np.ndarray) -> np.ndarray:
    """The values (B,) of the resamples that are not NaN.

    With ten failures, one resample in 20,000 draws none of them.
    """
    return samples[~np.isnan(samples)]


def _auroc_of(
    wrong: np.ndarray, right: np.ndarray, fewest: np.ndarray, most: np.ndarray
) -> np.ndarray:
    """The AUROC (B,) where failures are drawn as often as `wrong` (B, F) says and right answers, in
    ascending order of score, as often as `right` (B, R) says.

    The first `fewest` (F,) of the right answers score less than a failure, the first `most` at most
    as much; those between are ties and count half. Counts and their sums are whole numbers, which
    float32 holds exactly up to 2^24.
    """
    lower = np.zeros((len(right), right.shape[1] + 1), dtype=np.float32)
    np.cumsum(right, axis=1, dtype=np.float32, out=lower[:, 1:])
    below = lower.take(fewest, axis=1)  # (B, F)
    below += lower.take(most, axis=1)
    beaten = np.einsum("bf,bf->b", wrong, below, dtype=np.float64) / 2
    pairs = wrong.sum(axis=1, dtype=np.float64) * lower[:, -1]
    undefined = np.full(len(right), np.nan)
    return np.divide(beaten, pairs, out=undefined, where=pairs > 0)


def bootstrap_aurc(score: ArrayLike, failed: ArrayLike, counts: np.ndarray) -> np.ndarray:
    """The AURC in each resample, (B,), from counts (B, N) as `bootstrap_auroc` takes them."""
    areas = []
    for errors in _errors_in_resamples(score, failed, counts):
        risk = errors / np.arange(1, len(errors) + 1)
        areas.append(risk.mean())
    return np.array(areas)


def bootstrap_augrc(score: ArrayLike, failed: ArrayLike, counts: np.ndarray) -> np.ndarray:
    """The AUGRC in each resample, (B,), from counts (B, N) as `bootstrap_auroc` takes them."""
    areas = []
    for errors in _errors_in_resamples(score, failed, counts):
        areas.append(errors.mean() / len(errors))
    return np.array(areas)


def _errors_in_resamples(
    score: ArrayLike, failed: ArrayLike, counts: np.ndarray
) -> Iterator[np.ndarray]:
    """Of each resample of counts (B, N) the number wrong among the k lowest scores, k from 1."""
    score, failed = _checked(score, failed, both=False)
    order = np.argsort(score, kind="stable")
    score = score[order]
    failed = failed[order]
    for count in counts[:, order].astype(int):
        yield _errors_ascending(np.repeat(score, count), np.repeat(failed, count))


def selective_risk_at(
    score: ArrayLike, failed: ArrayLike, coverages: ArrayLike, counts: np.ndarray
) -> np.ndarray:
    """The selective risk at coverages (C,) in (0, 1] in each resample, (B, C).

    Counts (B, N) are those of `bootstrap_auroc`. At least the asked fraction is accepted; equal
    scores are accepted in their given order.
    """
    score, failed = _checked(score, failed, both=False)
    order = np.argsort(score, kind="stable")
    accepted = np.cumsum(counts[:, order], axis=1, dtype=np.float64)  # (B, N)
    errors = np.cumsum(counts[:, order] * failed[order], axis=1, dtype=np.float64)
    asked = np.asarray(coverages) * accepted[:, -1:]  # (B, C) answers to accept
    last = []  # the last image accepted
    for accepted_so_far, wanted in zip(accepted, asked, strict=True):
        last.append(np.searchsorted(accepted_so_far, wanted - 1e-9))
    last = np.stack(last)  # (B, C)
    return np.take_along_axis(errors, last, axis=1) / np.take_along_axis(accepted, last, axis=1)


def _errors_by_rank(score: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """The expected number of failures among the k lowest scores, k = 1 to N: (N,).

    The order of equal scores counts as random.
    """
    order = np.argsort(score, kind="stable")
    return _errors_ascending(score[order], failed[order])


def _errors_ascending(score: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """The expected number of failures among the first k scores, which ascend already: (N,)."""
    starts = np.flatnonzero(np.diff(score, prepend=-np.inf))  # of each run of equal scores
    sizes = np.diff(starts, append=len(score))
    rate = np.add.reduceat(failed.astype(np.float64), starts) / sizes  # of failures, per run
    return np.cumsum(np.repeat(rate, sizes))


def _checked(
    score: ArrayLike, failed: ArrayLike, *, both: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Score as float64 (N,) and failed as bool (N,).

    ValueError for another shape or dtype or, with `both`, unless both failures and right answers
    are among them.
    """
    score = np.asarray(score, dtype=np.float64)
    failed = np.asarray(failed)
    if failed.dtype != bool or failed.ndim != 1 or not len(failed):
        raise ValueError(
            f"failed is {failed.dtype} {failed.shape}: pass booleans (N,), predictions != labels."
        )
    if score.shape != failed.shape or not np.isfinite(score).all():
        raise ValueError(
            f"score has shape {score.shape} for {len(failed)} answers: one finite number for each."
        )
    if both and (failed.all() or not failed.any()):
        raise ValueError(
            f"{failed.sum()} of {len(failed)} answers failed: with none, or all, nothing can be "
            "ranked."
        )
    return score, failed
