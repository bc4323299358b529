"""How confident a model stays while its accuracy falls, from the stored answers of a sweep."""

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.evaluation import Outcomes

BINS = 15  # of the ECE, as in metrics.ece


def overconfidence_by_severity(
    outcomes: Outcomes, *, above: float, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """A row per severity and metric: value in [0, 1] over all corruptions, lo, hi (95%), n.

    The metrics are accuracy and confidence (means); sure_when_wrong, the share of the wrong answers
    with a confidence over `above`; ece and ece_scaled, means over corruptions before and after the
    temperature. Intervals resample the images. A bootstrapped ECE lies a little high, by what
    chance alone makes of a bin, so an interval can miss a value near 0 from above.
    """
    rows = []
    for severity in sorted({severity for _, severity in outcomes.conditions}):
        arrays = _per_image(outcomes, severity, above)
        values = _measures(_exact_means(arrays))
        samples = _measures(_resampled_means(arrays, bootstraps, generator))
        for metric, value in values.items():
            lo, hi = metrics.percentile_interval(samples[metric])
            row = {"severity": severity, "metric": metric, "value": float(value[0])}
            row["lo"] = lo
            row["hi"] = hi
            row["n"] = len(outcomes.labels)
            rows.append(row)
    return pd.DataFrame(rows)


def _per_image(outcomes: Outcomes, severity: int, above: float) -> dict[str, np.ndarray]:
    """Named arrays (rows, N) of one severity; each measure is a function of their means over N.

    correct, confidence, wrong and sure_and_wrong are means over the M conditions, (1, N); gaps and
    gaps_scaled are (M * BINS, N), before and after the temperature.
    """
    chosen = [row for row, (_, level) in enumerate(outcomes.conditions) if level == severity]
    correct = outcomes.correct[chosen]  # (M, N)
    confidence = outcomes.confidence[chosen]  # (M, N)
    scaled = metrics.confidence_from_log_odds(outcomes.log_odds_scaled[chosen])
    sure = confidence > above
    return {
        "correct": correct.mean(axis=0, keepdims=True),
        "confidence": confidence.mean(axis=0, keepdims=True),
        "wrong": (~correct).mean(axis=0, keepdims=True),
        "sure_and_wrong": (~correct & sure).mean(axis=0, keepdims=True),
        "gaps": _gaps_by_bin(confidence, correct),
        "gaps_scaled": _gaps_by_bin(scaled, correct),
    }


def _gaps_by_bin(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Confidence minus correct where an answer (M, N) lies in a bin, else 0: (M * BINS, N)."""
    index = metrics.confidence_bin(confidence, bins=BINS)  # (M, N)
    inside = index[:, None] == np.arange(BINS)[:, None]  # (M, BINS, N)
    gaps = inside * (confidence - correct)[:, None]  # (M, BINS, N)
    return gaps.reshape(-1, confidence.shape[1])


def _exact_means(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """{name: means over images (1, rows)} of arrays (rows, N)."""
    return {name: values.mean(axis=1)[None] for name, values in arrays.items()}


def _resampled_means(
    arrays: dict[str, np.ndarray], bootstraps: int, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """{name: means in each resample (B, rows)} of arrays (rows, N), the same resamples for all."""
    stacked = np.concatenate(list(arrays.values()))  # (all rows, N)
    means = metrics.bootstrap_means(stacked, bootstraps=bootstraps, generator=generator)
    ends = np.cumsum([len(values) for values in arrays.values()])
    pieces = np.split(means, ends[:-1], axis=1)  # each (B, rows)
    return dict(zip(arrays, pieces, strict=True))


def _measures(means: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """{metric: (B,)} of the means (B, rows) of the arrays of `_per_image`."""
    conditions = means["gaps"].shape[1] // BINS
    wrong = means["wrong"][:, 0]
    return {
        "accuracy": means["correct"][:, 0],
        "confidence": means["confidence"][:, 0],
        "sure_when_wrong": means["sure_and_wrong"][:, 0] / np.maximum(wrong, 1e-12),
        "ece": np.abs(means["gaps"]).sum(axis=1) / conditions,
        "ece_scaled": np.abs(means["gaps_scaled"]).sum(axis=1) / conditions,
    }
