"""From the network's score to a probability that means what it says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from visionfail import metrics
from visionfail.risk.decisions import BOOTSTRAPS, Scored

NEARLY = 1e-12  # scores are kept this far from 0 and 1


@dataclass(frozen=True)
class Calibration:
    """probability = expit(slope * log-odds of the score + offset), both fitted on validation data.

    The slope is one over a temperature; the offset takes back what class weights in the loss have
    moved. Platt 1999.
    """

    slope: float
    offset: float

    def probability(self, score: ArrayLike) -> np.ndarray:
        """The calibrated probability of being unsafe, (N,), of scores (N,)."""
        return expit(self.slope * _log_odds(score) + self.offset)

    def score_at(self, probability: ArrayLike) -> np.ndarray:
        """The score whose calibrated probability is given: the inverse of `probability`."""
        return expit((_log_odds(probability) - self.offset) / self.slope)


def _log_odds(probability: ArrayLike) -> np.ndarray:
    """log(p / (1 - p)) of probabilities, finite at 0 and 1."""
    return logit(np.clip(np.asarray(probability, dtype=np.float64), NEARLY, 1 - NEARLY))


def fit_calibration(score: np.ndarray, labels: np.ndarray) -> Calibration:
    """The calibration of scores (N,) whose labels (N,) are 1 where unsafe.

    Platt's targets stand in for 0 and 1: of n pictures of a class a share 1 / (n + 2) counts for
    the other, so that a few that are all in order give no certainty. ValueError where the score
    does not rise with being unsafe: then it ranks no better than chance.
    """
    log_odds = _log_odds(score)[:, None]
    unsafe = np.asarray(labels) == 1
    doubt = 1 / (np.where(unsafe, unsafe.sum(), (~unsafe).sum()) + 2)  # (N,)
    both = np.concatenate([unsafe, ~unsafe])  # each picture twice: as it is, and as it may be
    weights = np.concatenate([1 - doubt, doubt])
    regression = LogisticRegression(C=1e4, max_iter=1000)
    fitted = regression.fit(np.concatenate([log_odds] * 2), both, sample_weight=weights)
    slope = float(fitted.coef_[0, 0])
    if slope <= 0:
        raise ValueError(
            "on validation pictures the score is no higher for unsafe ones: train longer, or look "
            "whether the folders are swapped."
        )
    return Calibration(slope, float(fitted.intercept_[0]))


def brier(probability: np.ndarray, labels: np.ndarray) -> float:
    """The mean squared distance of probabilities from 1 for unsafe and 0 for safe pictures."""
    return float(np.mean((probability - labels) ** 2))


def confidence_of(probability: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(confidence in the predicted class, whether it is right), (N,) each, of probabilities."""
    return np.maximum(probability, 1 - probability), (probability >= 0.5) == (labels == 1)


def calibration_error(probability: np.ndarray, labels: np.ndarray) -> float:
    """ECE of the predicted class, in 15 bins of equal width."""
    return float(metrics.ece(*confidence_of(probability, labels)))


def calibration_bins(
    scored: Scored, probability: np.ndarray
) -> tuple[dict[str, np.ndarray], tuple[float, float, float]]:
    """(`metrics.reliability_bins` of the predicted class with lo and hi, ECE's (value, lo, hi)).

    Pictures count alike; intervals are over groups, which are drawn with all of their pictures. A
    bin's is widened to Wilson's for as many groups as it has. An ECE leans upwards where there are
    few pictures, and a resample's leans once more: ECE's lower end takes back both.
    """
    confidence, right = confidence_of(probability, scored.labels)
    table = metrics.reliability_bins(confidence, right)
    inside = metrics.confidence_bin(confidence)  # (N,)
    names, group = np.unique(scored.groups, return_inverse=True)
    shape = (len(names), len(table["n"]))

    def sums(values: np.ndarray) -> np.ndarray:
        """Over a group's pictures in each bin, (G, bins)."""
        total = np.zeros(shape)
        np.add.at(total, (group, inside), values)
        return total

    n = sums(np.ones(len(right)))
    counts = metrics.resampling_counts(BOOTSTRAPS, len(names), np.random.default_rng(0))  # (B, G)
    with np.errstate(invalid="ignore"):
        accuracy = (counts @ sums(right)) / (counts @ n)  # (B, bins), NaN where none was drawn
    table["lo"], table["hi"] = _spans(accuracy, table["accuracy"], (n > 0).sum(axis=0))
    gaps = np.abs(counts @ sums(right - confidence)).sum(axis=1) / (counts @ n).sum(axis=1)
    value = metrics.ece(confidence, right)
    _, hi = metrics.percentile_interval(gaps)
    lean = gaps.mean() - value
    return table, (value, max(0.0, 2 * value - float(hi) - lean), float(hi))


def _spans(
    samples: np.ndarray, value: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """lo and hi (bins,) of resampled shares (B, bins), at least as wide as Wilson's of `groups`."""
    lo = np.full(len(value), np.nan)
    hi = np.full(len(value), np.nan)
    for k in np.flatnonzero(groups):
        drawn = samples[~np.isnan(samples[:, k]), k]
        wilson = metrics.wilson(value[k] * groups[k], groups[k])
        lo[k], hi[k] = metrics.percentile_interval(drawn)
        lo[k], hi[k] = min(lo[k], wilson[0]), max(hi[k], wilson[1])
    return lo, hi
