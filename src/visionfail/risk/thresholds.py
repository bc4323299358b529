"""Thresholds that mean something: what a cost ratio asks for, and what so many pictures promise.

A picture is flagged where its score, the probability of being unsafe, is at least the threshold, so
a lower threshold misses less. Where pictures come in groups (frames of one sign, pictures of one
shop) a group is one independent thing, and its loss is the share of its pictures that is missed.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit, logit

from visionfail.risk.calibration import Calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored

# fixed before any score is seen, from flagging everything on: 0, then evenly spaced in log-odds
CANDIDATES = np.concatenate([[0.0], expit(np.linspace(-15, 15, 301))])


@dataclass(frozen=True)
class Threshold:
    """A threshold, the rule it came from, and whether the rule promises anything.

    `guarantee` says it in words; `needed` is how many unsafe groups a guarantee of `max_miss` and
    `delta` takes at least, `groups` how many there were.
    """

    value: float
    rule: str  # "recall" or "cost"
    guaranteed: bool
    guarantee: str
    groups: int
    needed: int
    max_miss: float = 0.05
    delta: float = 0.05

    @property
    def mark(self) -> str:
        """The word for every output: "guaranteed" or "no guarantee"."""
        return "guaranteed" if self.guaranteed else "no guarantee"


def cost_threshold(cost_ratio: float, *, prevalence: float, trained: float) -> float:
    """The probability from which flagging costs less than passing, in (0, 1).

    A miss costs `cost_ratio` false alarms. The probabilities are calibrated where a share `trained`
    is unsafe; the classifier will work where it is `prevalence`, so their odds are moved by the
    ratio of both. ValueError for shares outside (0, 1) and a ratio that is not positive.
    """
    for name, share in {"prevalence": prevalence, "trained": trained}.items():
        if not 0 < share < 1:
            raise ValueError(f"{name} is {share}: give a share between 0 and 1.")
    if cost_ratio <= 0:
        raise ValueError(f"cost_ratio is {cost_ratio}: give a positive number.")
    moved = logit(prevalence) - logit(trained)  # of every picture's log-odds at work
    return float(expit(-math.log(cost_ratio) - moved))


def implied_cost_ratio(probability: float, *, prevalence: float, trained: float) -> float:
    """The cost ratio for which flagging from this calibrated probability on would be cheapest.

    The inverse of `cost_threshold`.
    """
    return float(np.exp(-(logit(probability) + logit(prevalence) - logit(trained))))


def miss_share_by_group(
    score: np.ndarray, labels: np.ndarray, groups: np.ndarray, thresholds: ArrayLike
) -> np.ndarray:
    """The share of its pictures that each unsafe group loses below each threshold, (G, T)."""
    unsafe = labels == 1
    _, place = np.unique(groups[unsafe], return_inverse=True)
    sizes = np.bincount(place)
    shares = []
    for threshold in np.atleast_1d(thresholds):
        missed = score[unsafe] < threshold
        shares.append(np.bincount(place, weights=missed) / sizes)
    return np.stack(shares, axis=1)


def miss_p_value(losses: np.ndarray, max_miss: float) -> np.ndarray:
    """How likely losses (G, ...) so low are if their mean is `max_miss` or more, each (...).

    Exact binomial where every loss is 0 or 1; else the bound of Hoeffding and Bentkus for losses
    in [0, 1]. Bates et al. 2021, arXiv:2101.02703.
    """
    n = len(losses)
    total = losses.sum(axis=0)
    if np.isin(losses, (0.0, 1.0)).all():
        return stats.binom.cdf(total, n, max_miss)
    mean = np.minimum(total / n, max_miss)
    hoeffding = np.exp(-n * _relative_entropy(mean, max_miss))
    bentkus = math.e * stats.binom.cdf(np.ceil(total - 1e-9), n, max_miss)
    return np.minimum(np.minimum(hoeffding, bentkus), 1.0)


def _relative_entropy(a: np.ndarray, b: float) -> np.ndarray:
    """Of a coin with heads `a` from one with heads `b`, natural logarithm."""
    heads = np.where(a > 0, a * np.log(np.maximum(a, 1e-300) / b), 0.0)
    tails = np.where(a < 1, (1 - a) * np.log(np.maximum(1 - a, 1e-300) / (1 - b)), 0.0)
    return heads + tails


def groups_needed(max_miss: float, delta: float) -> int:
    """The fewest unsafe groups by which any threshold can be promised, none of them missed."""
    return math.ceil(math.log(delta) / math.log1p(-max_miss))


def recall_threshold(
    score: np.ndarray, labels: np.ndarray, groups: np.ndarray, *, max_miss: float, delta: float
) -> Threshold | None:
    """The highest threshold that misses at most `max_miss` with probability 1 - `delta`, or None.

    The probability is over the unsafe groups, which are drawn independently from where the
    classifier will work. CANDIDATES are tested from flagging everything on; the first that fails
    ends the search, so the search costs nothing. None where there are too few groups.
    """
    needed = groups_needed(max_miss, delta)
    losses = miss_share_by_group(score, labels, groups, CANDIDATES)  # (G, T)
    if len(losses) < needed:
        return None
    passed = miss_p_value(losses, max_miss) <= delta
    count = int(np.cumprod(passed).sum())
    share = f"at most {max_miss:.1%} of unsafe pictures are missed, in the mean over groups"
    guarantee = f"with probability {1 - delta:.0%} {share}"
    value = float(CANDIDATES[count - 1])
    return Threshold(value, "recall", True, guarantee, len(losses), needed, max_miss, delta)


def score_of_cost_ratio(
    cost_ratio: float, *, prevalence: float, labels: np.ndarray, calibration: Calibration
) -> float:
    """The score from which a cost ratio asks to flag, where `labels` are those of validation."""
    asked = cost_threshold(cost_ratio, prevalence=prevalence, trained=float(labels.mean()))
    return float(calibration.score_at(asked))


def threshold_for(validation: Scored, calibration: Calibration, config: RiskConfig) -> Threshold:
    """`choose_threshold` on validation pictures, as the settings of a decision ask."""
    return choose_threshold(
        validation.score,
        validation.labels,
        validation.groups,
        max_miss=config.max_miss,
        delta=config.delta,
        cost_ratio=config.cost_ratio,
        prevalence=config.prevalence,
        calibration=calibration,
        rule=config.rule,
    )


def choose_threshold(
    score: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    max_miss: float,
    delta: float,
    cost_ratio: float,
    prevalence: float,
    calibration: Calibration,
    rule: str = "lower",
) -> Threshold:
    """The lower of two scores: what the cost ratio asks for, and what the recall target allows.

    By the rule "recall" or "cost" it is that one alone. Where there are too few unsafe groups to
    promise anything it is the cost ratio's, and where it promises nothing, it is marked. The
    probability that a cost ratio asks for becomes a score by `calibration`, which was fitted on
    pictures whose share of unsafe ones is that of `labels`.
    """
    by_cost = score_of_cost_ratio(
        cost_ratio, prevalence=prevalence, labels=labels, calibration=calibration
    )
    by_recall = recall_threshold(score, labels, groups, max_miss=max_miss, delta=delta)
    lower = by_recall is not None and by_recall.value <= by_cost
    if by_recall is not None and (rule == "recall" or (rule == "lower" and lower)):
        return by_recall
    unsafe = len(np.unique(groups[labels == 1]))
    needed = groups_needed(max_miss, delta)
    # flagging more than the recall target asks for keeps its promise
    guaranteed = by_recall is not None and by_cost <= by_recall.value
    if by_recall is None:
        words = f"no guarantee: {unsafe} unsafe groups are not enough data, it needs {needed}"
    elif guaranteed:
        words = by_recall.guarantee
    else:
        words = f"no guarantee: it would take a score of {by_recall.value:.4g}"
    return Threshold(by_cost, "cost", guaranteed, words, unsafe, needed, max_miss, delta)
