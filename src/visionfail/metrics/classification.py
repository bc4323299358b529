"""Pure functions on arrays of logits, predictions and labels; rates are fractions in [0, 1]."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logsumexp
from sklearn import metrics as sklearn_metrics

TEMPERATURES = (0.01, 100.0)  # where fit_temperature looks


# ---- from logits to probabilities


def probabilities(logits: ArrayLike) -> np.ndarray:
    """Softmax of logits (N, K): float64 (N, K) that sum to one over K.

    ValueError where a logit is not finite.
    """
    return np.exp(log_softmax(_logits(logits), axis=1))


def log_odds(logits: ArrayLike, classes: ArrayLike | None = None) -> np.ndarray:
    """log(p / (1 - p)) of a softmax probability p of logits (N, K), float64 (N,).

    p is that of `classes` (N,), or the largest where none are named. It stays finite where p rounds
    to 0 or 1.
    """
    logits = _logits(logits)
    chosen = logits.argmax(axis=1) if classes is None else classes
    columns = _indices(chosen, len(logits), logits.shape[1], "label")[:, None]  # (N, 1)
    others = logits.copy()
    np.put_along_axis(others, columns, -np.inf, axis=1)
    # p / (1 - p) = exp(logit) / sum of exp(others): 1 - p is never formed, so nothing cancels
    return np.take_along_axis(logits, columns, axis=1)[:, 0] - logsumexp(others, axis=1)


def confidence_from_log_odds(log_odds: ArrayLike) -> np.ndarray:
    """The probabilities p in [0, 1] whose log(p / (1 - p)) are given, float64 of the same shape.

    For the log-odds of predictions this is their confidence: the inverse of `log_odds`.
    """
    return expit(np.asarray(log_odds, dtype=np.float64))


def true_class_log_probability(logits: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Natural log of each label's softmax probability in logits (N, K): (N,), at most 0."""
    logits = _logits(logits)
    labels = _indices(labels, len(logits), logits.shape[1], "label")
    log_probabilities = log_softmax(logits, axis=1)  # (N, K)
    return np.take_along_axis(log_probabilities, labels[:, None], axis=1)[:, 0]


# ---- predictions against labels


def confusion_matrix(predictions: ArrayLike, labels: ArrayLike, *, num_classes: int) -> np.ndarray:
    """Counts of images (K, K) by true class (rows) and predicted class (columns).

    ValueError for a class outside 0 to K - 1.
    """
    predictions, labels = _pair(predictions, labels, "predictions", "labels")
    predictions = _indices(predictions, len(labels), num_classes, "prediction")
    labels = _indices(labels, len(labels), num_classes, "label")
    return sklearn_metrics.confusion_matrix(labels, predictions, labels=np.arange(num_classes))


# ---- confidence against correctness: log-odds and log-probabilities stored per image are enough


def confidence_bin(confidence: ArrayLike, *, bins: int = 15) -> np.ndarray:
    """Which of the equal-width bins (a, b] of `reliability_bins` each confidence lies in, (N,)."""
    edges = np.linspace(0, 1, bins + 1)
    return np.searchsorted(edges[1:-1], np.asarray(confidence), side="left")


def reliability_bins(
    confidence: ArrayLike, correct: ArrayLike, *, bins: int = 15
) -> dict[str, np.ndarray]:
    """Equal-width bins (a, b] of confidence (N,): {"edges", "n", "confidence", "accuracy"}.

    "edges" is (bins + 1,), the others (bins,); "confidence" and "accuracy" are means over the
    bin's images, NaN where it is empty. ValueError for confidence outside [0, 1]. Guo et al. 2017,
    arXiv:1706.04599.
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}: give at least 1.")
    confidence, correct = _pair(confidence, correct, "confidence", "correct")
    correct = _booleans(correct)
    if not (confidence.min() >= 0 and confidence.max() <= 1):
        raise ValueError(
            "confidence must lie in [0, 1], without NaN: pass probabilities, not logits or percent."
        )
    index = confidence_bin(confidence, bins=bins)
    n = np.bincount(index, minlength=bins)

    def mean(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(index, weights=values, minlength=bins)
        return np.divide(sums, n, out=np.full(bins, np.nan), where=n > 0)

    return {
        "edges": np.linspace(0, 1, bins + 1),
        "n": n,
        "confidence": mean(confidence.astype(np.float64)),
        "accuracy": mean(correct),
    }


def ece(confidence: ArrayLike, correct: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error in [0, 1]: |accuracy - confidence| of the bins, weighted by n.

    Confidence is (N,) in [0, 1], correct (N,) boolean; the bins have equal widths. Guo et al. 2017,
    arXiv:1706.04599.
    """
    table = reliability_bins(confidence, correct, bins=bins)
    gap = np.abs(table["accuracy"] - table["confidence"])
    return float(np.nansum(gap * table["n"]) / table["n"].sum())


def nll(log_probability: ArrayLike) -> float:
    """Negative log-likelihood, nats per image: minus the mean of `true_class_log_probability` (N,).

    ValueError where it is empty or holds NaN or values above 0.
    """
    log_probability = np.asarray(log_probability, dtype=np.float64)
    if log_probability.size == 0 or not (log_probability <= 0).all():
        raise ValueError(
            "log-probabilities must not be empty, NaN or above 0: pass "
            "true_class_log_probability(...)."
        )
    return float(-log_probability.mean())


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The T in [0.01, 100] that minimises the NLL of softmax(logits / T) on validation data.

    Logits are (N, K), labels (N,); the NLL is never above that of T = 1. Guo et al. 2017,
    arXiv:1706.04599.
    """
    logits = _logits(logits)

    def loss(log_t: float) -> float:
        return nll(true_class_log_probability(logits / np.exp(log_t), labels))

    # The NLL is convex in 1 / T, so it has one valley in log T; steps in log T are as fine for
    # sharp as for flat networks.
    best = minimize_scalar(
        loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6}
    )
    if best.fun < loss(0.0):
        return float(np.exp(best.x))
    return 1.0


def apply_temperature(logits: ArrayLike, temperature: float) -> np.ndarray:
    """Logits (N, K) divided by a temperature above 0: the classes stay, the confidence changes."""
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(
            f"temperature is {temperature}: it must be finite and above 0 (see fit_temperature)."
        )
    return _logits(logits) / temperature


def _logits(logits: ArrayLike) -> np.ndarray:
    """The logits as float64 (N, K); ValueError unless N >= 1, K >= 2 and all are finite."""
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim != 2 or logits.shape[0] < 1 or logits.shape[1] < 2:
        raise ValueError(
            f"logits have shape {logits.shape}: give (images, classes) with at least 1 and 2."
        )
    if not np.isfinite(logits).all():
        bad = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise ValueError(
            f"logits of image {bad} are not finite: look for a diverged model or damaged input."
        )
    return logits


def _indices(values: ArrayLike, n: int, num_classes: int, what: str) -> np.ndarray:
    """Class numbers as int64 (n,); ValueError, naming `what` they are, outside the K classes."""
    values = np.asarray(values)
    if values.shape != (n,) or values.dtype.kind not in "iu":
        raise ValueError(
            f"{what}s have shape {values.shape} and dtype {values.dtype}: give {n} integers."
        )
    if values.min() < 0 or values.max() >= num_classes:
        worst = values.min() if values.min() < 0 else values.max()
        raise ValueError(
            f"{what} {worst} is out of range: classes run from 0 to {num_classes - 1}."
        )
    return values.astype(np.int64)


def _pair(
    first: ArrayLike, second: ArrayLike, name: str, other: str
) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays (N,); ValueError unless they have one length, at least 1."""
    first = np.asarray(first)
    second = np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"{name} {first.shape} and {other} {second.shape} must be of one length, at least 1."
        )
    return first, second


def _booleans(correct: np.ndarray) -> np.ndarray:
    """The same array; ValueError unless it is boolean."""
    if correct.dtype != bool:
        raise ValueError(
            f"correct has dtype {correct.dtype}: pass booleans, predictions == labels."
        )
    return correct
