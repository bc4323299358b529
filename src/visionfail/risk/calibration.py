"""From the network's score to a probability that means what it says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

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

    ValueError where the score does not rise with being unsafe: then it ranks no better than chance.
    """
    log_odds = _log_odds(score)[:, None]
    fitted = LogisticRegression(C=1e4, max_iter=1000).fit(log_odds, labels)
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
