"""Drifts with planted effects, for tests of what is concluded from them."""

import numpy as np

from visionfail.metrics import intervals
from visionfail.studies.saliency import drift


def constructed_drift(n=400, *, effect=0.0, told=False, seed=0):
    """A drift in which the overlap of wrong answers lies `effect` lower, and jitter costs 0.1.

    The class's log-odds are negative where an answer is wrong if the errors are `told` by them,
    else random.
    """
    rng = np.random.default_rng(seed)
    shape = (len(drift.CONDITIONS), n)
    predicted = (rng.random(shape) < 0.3).astype(np.uint8)
    predicted[0] = rng.random(n) < 0.1
    overlap = rng.uniform(0.4, 0.6, shape) - effect * predicted
    overlap[0] = 1
    overlap[1] = 0.9
    log_odds = rng.normal(0, 1, shape)
    if told:
        log_odds = np.where(predicted == 1, -1, 1) * (0.1 + np.abs(log_odds))
    return drift.Drift(
        labels=np.zeros(n, dtype=np.uint8),
        predicted=predicted,
        overlap=overlap.astype(np.float16),
        log_odds=rng.random(shape).astype(np.float16),
        class_log_odds=log_odds.astype(np.float16),
        shift=rng.random(shape).astype(np.float16),
        entropy=rng.random(shape).astype(np.float16),
        centre=rng.random(shape).astype(np.float16),
        made={},
    )


def resamples(n, bootstraps=200):
    """Counts (bootstraps, n) of how often each image is drawn."""
    return intervals.resampling_counts(bootstraps, n, np.random.default_rng(0))
