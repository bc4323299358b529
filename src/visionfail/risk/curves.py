"""ROC and precision over recall with bands over groups, for whatever share is unsafe at work."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn import metrics as sklearn_metrics

from visionfail import metrics
from visionfail.risk.decisions import Scored

GRID = np.linspace(0, 1, 101)
RESAMPLES = 200


@dataclass(frozen=True, eq=False)
class Band:
    """A curve y over x with its 95% band lo to hi, each (101,)."""

    x: np.ndarray
    y: np.ndarray
    lo: np.ndarray
    hi: np.ndarray


def roc_band(scored: Scored) -> Band:
    """The share of unsafe pictures found over the share of safe ones flagged.

    The band resamples groups; pictures count alike within them.
    """

    def found_at(alarmed: np.ndarray, found: np.ndarray) -> np.ndarray:
        return np.interp(GRID, alarmed, found)

    return _band(scored, found_at)


def precision_band(scored: Scored, *, prevalence: float) -> Band:
    """The share of flagged pictures that is unsafe, over the share of unsafe ones found.

    Where a share `prevalence` is unsafe. At 0 found it is that of 1%.
    """

    def precision_at(alarmed: np.ndarray, found: np.ndarray) -> np.ndarray:
        wanted = np.maximum(GRID, GRID[1])
        alarms = alarmed[np.searchsorted(found, wanted)]  # the fewest that find so many
        hits = prevalence * wanted
        return hits / (hits + (1 - prevalence) * alarms)

    return _band(scored, precision_at)


def _band(scored: Scored, curve: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Band:
    """What `curve` makes of the ROC, (101,), with the band over resamples of the groups."""
    y = curve(*_roc(scored, np.ones(len(scored.labels))))
    samples = []
    for counts in scored.counts(bootstraps=RESAMPLES):
        weights = scored.of_pictures(counts)  # (N,)
        if len(np.unique(scored.labels[weights > 0])) == 2:  # else it has no curve
            samples.append(curve(*_roc(scored, weights)))
    lo, hi = metrics.percentile_interval(np.stack(samples))
    return Band(GRID, y, np.asarray(lo), np.asarray(hi))


def _roc(scored: Scored, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(shares of safe pictures flagged, shares of unsafe ones found) by falling threshold."""
    alarmed, found, _ = sklearn_metrics.roc_curve(
        scored.labels, scored.score, sample_weight=weights, drop_intermediate=False
    )
    return alarmed, np.minimum(found / found[-1], 1.0)  # ends at 1 whatever rounding does
