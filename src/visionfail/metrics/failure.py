"""How well a score tells failures from right answers, and what is risked by answering only where it
is low.

Throughout, `score` is higher where failure is likelier, and `failed` is true where the answer was
wrong.
"""

import numpy as np
from numpy.typing import ArrayLike
from sklearn import metrics as sklearn_metrics

from visionfail.metrics import classification, intervals

ROWS = 16  # resamples worked on at once: what they need stays in a processor's cache


def auroc(score: ArrayLike, failed: ArrayLike) -> float:
    """The chance that a failure has a higher score than a right answer, ties half: in [0, 1], 0.5
    for no knowledge.

    Failures are the positives. ValueError where all or none failed: then there is nothing to tell
    apart.
    """
    score, failed = _checked(score, failed)
    return float(sklearn_metrics.roc_auc_score(failed, score))


def average_precision(score: ArrayLike, failed: ArrayLike) -> float:
    """Area under precision against recall in steps; failures are the positives, so chance is the
    rate of failure.
    """
    score, failed = _checked(score, failed)
    return float(sklearn_metrics.average_precision_score(failed, score))


def false_alarm_rate(score: ArrayLike, failed: ArrayLike, *, recall: float = 0.95) -> float:
    """The smallest share of right answers that one has to reject in order to reject `recall` of the
    failures.
    """
    score, failed = _checked(score, failed)
    rate, found, _ = sklearn_metrics.roc_curve(failed, score, drop_intermediate=False)
    return float(rate[found >= recall].min())


def risk_coverage_curve(score: ArrayLike, failed: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(coverage, selective risk), each (N,): of the k least suspicious answers the share of
    failures, k = 1 to N.

    Among equal scores the failures are spread evenly, which is what a random order of them gives on
    average.
    """
    score, failed = _checked(score, failed, both=False)
    errors = _errors_by_rank(score, failed)
    k = np.arange(1, len(errors) + 1)
    return k / len(errors), errors / k


def aurc(score: ArrayLike, failed: ArrayLike) -> float:
    """Mean selective risk over all coverages k / N, smaller is better. Geifman and El-Yaniv 2017,
    arXiv:1705.08500.
    """
    return float(risk_coverage_curve(score, failed)[1].mean())


def augrc(score: ArrayLike, failed: ArrayLike) -> float:
    """Mean over coverages k / N of the chance that an answer is both accepted and wrong: as `aurc`,
    but a failure costs the same at every coverage. Traub et al. 2024, arXiv:2407.01032.
    """
    score, failed = _checked(score, failed, both=False)
    return float(_errors_by_rank(score, failed).mean() / len(failed))


def bootstrap_auroc(score: ArrayLike, failed: ArrayLike, counts: np.ndarray) -> np.ndarray:
    """AUROC in each resample, (B,): counts (B, N) says how often each sample is drawn, as
    `intervals.resampling_counts` gives them; the same counts for several scores make the comparison
    paired. NaN where a resample drew no failure or no right answer: `defined` leaves those out.
    """
    score, failed = _checked(score, failed)
    order = np.argsort(score, kind="stable")
    starts, failed = np.flatnonzero(np.diff(score[order], prepend=-np.inf)), failed[order]
    some = range(0, len(counts), ROWS)
    return np.concatenate(
        [_auroc_of(counts[row : row + ROWS, order], failed, starts) for row in some]
    )


def defined_resamples(samples: np.ndarray) -> np.ndarray:
    """The resamples (B,) without those that are NaN: with ten failures, one in 20,000 draws none of
    them.
    """
    return samples[~np.isnan(samples)]


def _auroc_of(counts: np.ndarray, failed: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """AUROC (B,) of samples in ascending order, drawn so often (B, N); equal scores begin at
    `starts`.
    """
    wrong = np.add.reduceat(np.where(failed, counts, 0), starts, axis=1, dtype=np.float64)
    right = np.add.reduceat(np.where(failed, 0, counts), starts, axis=1, dtype=np.float64)
    below = (
        np.cumsum(right, axis=1) - right / 2
    )  # right answers with a lower score, and half of those with the same
    pairs = wrong.sum(axis=1) * right.sum(axis=1)
    return np.divide(
        (wrong * below).sum(axis=1), pairs, out=np.full(len(counts), np.nan), where=pairs > 0
    )


def bootstrap_aurc(score: ArrayLike, failed: ArrayLike, counts: np.ndarray) -> np.ndarray:
    """AURC in each resample, (B,), from counts (B, N) as `bootstrap_auroc` takes them."""
    score, failed = _checked(score, failed, both=False)
    order = np.argsort(score, kind="stable")
    score, failed, found = score[order], failed[order], []
    for count in counts[:, order].astype(int):
        errors = _cumulated(np.repeat(score, count), np.repeat(failed, count))
        found.append((errors / np.arange(1, len(errors) + 1)).mean())
    return np.array(found)


def selective_risk_at(
    score: ArrayLike, failed: ArrayLike, coverages: ArrayLike, counts: np.ndarray
) -> np.ndarray:
    """Selective risk at some coverages (C,) in (0, 1] in each resample, (B, C): counts (B, N) as
    above. At least the asked share is accepted; equal scores in their given order.
    """
    score, failed = _checked(score, failed, both=False)
    order = np.argsort(score, kind="stable")
    accepted = np.cumsum(counts[:, order], axis=1, dtype=np.float64)
    errors = np.cumsum(counts[:, order] * failed[order], axis=1, dtype=np.float64)
    asked = np.asarray(coverages) * accepted[:, -1:]
    last = np.stack(
        [np.searchsorted(row, want - 1e-9) for row, want in zip(accepted, asked, strict=True)]
    )
    return np.take_along_axis(errors, last, axis=1) / np.take_along_axis(accepted, last, axis=1)


def ranking_measures(score: ArrayLike, failed: ArrayLike) -> dict[str, float]:
    """Everything that needs only the order of the scores but AUROC and AURC."""
    return {
        "average precision": average_precision(score, failed),
        "FPR at 95% TPR": false_alarm_rate(score, failed),
        "AUGRC": augrc(score, failed),
    }


def score_calibration(score: ArrayLike, failed: ArrayLike) -> dict[str, float]:
    """Brier score and ECE of a score that is meant as the probability of failure, in [0, 1]."""
    score, failed = _checked(score, failed, both=False)
    return {
        "Brier": float(((score - failed) ** 2).mean()),
        "ECE": classification.ece(score, failed),
    }


def auroc_interval(
    score: ArrayLike, failed: ArrayLike, *, bootstraps: int, generator: np.random.Generator
) -> tuple[float, float, float]:
    """(AUROC, lo, hi): 95% percentile bootstrap over samples, one a digit."""
    return auroc_with_interval(
        score, failed, intervals.resampling_counts(bootstraps, len(np.asarray(failed)), generator)
    )


def auroc_with_interval(
    score: ArrayLike, failed: ArrayLike, counts: np.ndarray
) -> tuple[float, float, float]:
    """(AUROC, lo, hi): 95% percentile bootstrap over the resamples that counts (B, N) describe."""
    return (
        auroc(score, failed),
        *intervals.percentile_interval(defined_resamples(bootstrap_auroc(score, failed, counts))),
    )


def _errors_by_rank(score: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Expected number of failures among the k lowest scores, k = 1 to N, order within ties random:
    (N,).
    """
    order = np.argsort(score, kind="stable")
    return _cumulated(score[order], failed[order])


def _cumulated(score: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """The same of scores that ascend already."""
    starts = np.flatnonzero(np.diff(score, prepend=-np.inf))
    sizes = np.diff(starts, append=len(score))
    share = np.add.reduceat(failed.astype(np.float64), starts) / sizes
    return np.cumsum(np.repeat(share, sizes))


def _checked(
    score: ArrayLike, failed: ArrayLike, *, both: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    score, failed = np.asarray(score, dtype=np.float64), np.asarray(failed)
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
