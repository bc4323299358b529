"""How little it takes: the smallest epsilon that turns an answer, and the one that halves a class.

An epsilon is known to lie between two of the ladder; one that no epsilon reaches is infinite.
"""

import numpy as np
from numpy.typing import ArrayLike

from visionfail.studies.uneven.attacked import EPSILONS


def smallest_epsilon(correct: ArrayLike) -> np.ndarray:
    """The smallest epsilon of 255 at which each image is answered wrongly, float (N,).

    `correct` is bool (epsilons, N), clean first. 0 for an image that is wrong when clean, infinite
    for one that no epsilon turns. An image that a larger epsilon leaves right counts by the first
    that turned it: an attack within the smaller one is also within the larger.
    """
    correct = np.asarray(correct)
    if correct.dtype != bool or correct.ndim != 2 or len(correct) != len(EPSILONS):
        raise ValueError(
            f"correct is {correct.dtype} {correct.shape}: give booleans, a row for each of the "
            f"{len(EPSILONS)} epsilons."
        )
    wrong = ~correct
    first = wrong.argmax(axis=0)  # (N,)
    return np.where(wrong.any(axis=0), np.array(EPSILONS)[first], np.inf)


def half_epsilons(
    correct: ArrayLike, labels: np.ndarray, weights: ArrayLike, *, num_classes: int
) -> np.ndarray:
    """The epsilon of 255 at which half of a class's right answers are lost, (rows, K).

    `correct` is bool (epsilons, N), weights (rows, N) say how often each image counts. Between two
    epsilons the share left is taken as a straight line in log2 of epsilon, below the first above 0
    as one in epsilon; infinite where more than half is left at the largest, NaN for a class without
    right answers. What an attack within a smaller epsilon has turned stays turned.
    """
    turned_at = smallest_epsilon(correct)  # (N,)
    weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    halves = np.full((len(weights), num_classes), np.nan)
    for label in range(num_classes):
        members = np.flatnonzero((labels == label) & (turned_at > 0))
        left = np.stack(
            [weights[:, members] @ (turned_at[members] > epsilon) for epsilon in EPSILONS]
        )  # (epsilons, rows)
        some = left[0] > 0
        share = left[:, some] / left[0, some]
        halves[some, label] = [_crossing(of_row) for of_row in share.T]
    return halves


def _crossing(share: np.ndarray) -> float:
    """Where shares left (epsilons,), which fall from 1, reach a half."""
    below = np.flatnonzero(share <= 0.5)
    if not len(below):
        return np.inf
    place = int(below[0])
    part = (share[place - 1] - 0.5) / (share[place - 1] - share[place])
    low, high = EPSILONS[place - 1], EPSILONS[place]
    if low == 0:
        return part * high
    return float(2 ** (np.log2(low) + part * (np.log2(high) - np.log2(low))))
