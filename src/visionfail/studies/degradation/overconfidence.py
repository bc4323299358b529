"""Silent failure: how sure a model remains while it gets worse, from the stored answers of a
sweep.
"""

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.evaluation import Outcomes

BINS = 15  # of the ECE, as in metrics.ece


def overconfidence_by_severity(
    outcomes: Outcomes, *, above: float, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Over all corruptions of a sweep, a row a severity and metric, value with its 95% interval
    over images:

    accuracy, confidence (means), sure_when_wrong (of the wrong answers those given with a
    confidence over `above`), ece and ece_scaled (means over corruptions, before and after the
    temperature). Bootstrapped ECE lies a little high, by what chance alone makes of a bin, so an
    interval can miss a value near 0 from above.
    """
    lines = []
    for severity in sorted({severity for _, severity in outcomes.conditions}):
        chosen = [row for row, (_, s) in enumerate(outcomes.conditions) if s == severity]
        sums = _per_image(outcomes, chosen, above)
        exact = _measures(sums.mean(axis=1)[None])
        samples = _measures(
            metrics.bootstrap_means(sums, bootstraps=bootstraps, generator=generator)
        )
        for metric, value in exact.items():
            lo, hi = metrics.percentile_interval(samples[metric])
            line = {
                "severity": severity,
                "metric": metric,
                "value": float(value[0]),
                "lo": lo,
                "hi": hi,
            }
            lines.append(line | {"n": len(outcomes.labels)})
    return pd.DataFrame(lines)


def _per_image(outcomes: Outcomes, chosen: list[int], above: float) -> np.ndarray:
    """(4 + 2 * chosen * BINS, N): per image the means of correct, confidence, wrong, sure and
    wrong; then, for each condition and bin of confidence, confidence minus correct where the answer
    lies in that bin, before and after the temperature. Every measure is a function of the means of
    these rows, which is what a bootstrap needs.
    """
    correct, confidence = outcomes.correct[chosen], outcomes.confidence[chosen]
    scaled = metrics.confidence_from_log_odds(outcomes.log_odds_scaled[chosen])
    heads = np.stack([correct, confidence, ~correct, ~correct & (confidence > above)]).mean(axis=1)
    return np.concatenate([heads, _gaps_by_bin(confidence, correct), _gaps_by_bin(scaled, correct)])


def _gaps_by_bin(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """(M, N) -> (M * BINS, N)."""
    place = np.searchsorted(
        np.linspace(0, 1, BINS + 1)[1:-1], confidence
    )  # (a, b], as metrics.reliability_bins
    inside = place[:, None] == np.arange(BINS)[:, None]
    return (inside * (confidence - correct)[:, None]).reshape(-1, confidence.shape[1])


def _measures(means: np.ndarray) -> dict[str, np.ndarray]:
    """From means (B, rows) of `_per_image`: {metric: (B,)}."""
    accuracy, confidence, wrong, sure = means[:, :4].T
    before, after = np.split(np.abs(means[:, 4:]), 2, axis=1)
    conditions = before.shape[1] // BINS
    return {
        "accuracy": accuracy,
        "confidence": confidence,
        "sure_when_wrong": sure / np.maximum(wrong, 1e-12),
        "ece": before.sum(axis=1) / conditions,
        "ece_scaled": after.sum(axis=1) / conditions,
    }
