"""Pure functions on arrays of logits, predictions, labels and accuracies; fractions in, fractions
out.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logsumexp
from sklearn import metrics as sklearn_metrics

TEMPERATURES = (0.01, 100.0)  # where fit_temperature looks


# ---- from logits to probabilities


def probabilities(logits: ArrayLike) -> np.ndarray:
    """Softmax of logits (N, K): float64 (N, K) that sum to one over K. ValueError where a logit is
    not finite.
    """
    return np.exp(log_softmax(_logits(logits), axis=1))


def log_odds(logits: ArrayLike) -> np.ndarray:
    """log(p / (1 - p)) of the largest softmax probability p of logits (N, K): (N,); finite where p
    rounds to 1.
    """
    logits = _logits(logits)
    top = logits.argmax(axis=1)[:, None]
    rest = logits.copy()
    np.put_along_axis(rest, top, -np.inf, axis=1)
    # p / (1 - p) = exp(top) / (sum of the others' exp); 1 - p itself is never formed, so nothing
    # cancels
    return np.take_along_axis(logits, top, axis=1)[:, 0] - logsumexp(rest, axis=1)


def confidence_from_log_odds(log_odds: ArrayLike) -> np.ndarray:
    """The probability p in [0, 1] whose log(p / (1 - p)) is given, any shape, float64: the inverse
    of `log_odds`.
    """
    return expit(np.asarray(log_odds, dtype=np.float64))


def true_class_log_probability(logits: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Natural log of the probability that softmax of logits (N, K) gives to each label (N,): (N,),
    at most 0.
    """
    logits = _logits(logits)
    labels = _indices(labels, len(logits), logits.shape[1], "label")
    return np.take_along_axis(log_softmax(logits, axis=1), labels[:, None], axis=1)[:, 0]


# ---- predictions against labels


def accuracy(predictions: ArrayLike, labels: ArrayLike) -> float:
    """The fraction of predicted classes (N,) that equal the labels (N,). ValueError if empty or of
    other lengths.
    """
    predictions, labels = _pair(predictions, labels, "predictions", "labels")
    return float((predictions == labels).mean())


def confusion_matrix(predictions: ArrayLike, labels: ArrayLike, *, num_classes: int) -> np.ndarray:
    """Counts (K, K), rows the true class, columns the predicted one. ValueError for a class outside
    0 to K - 1.
    """
    predictions, labels = _pair(predictions, labels, "predictions", "labels")
    predictions = _indices(predictions, len(labels), num_classes, "prediction")
    labels = _indices(labels, len(labels), num_classes, "label")
    return sklearn_metrics.confusion_matrix(labels, predictions, labels=np.arange(num_classes))


def per_class_accuracy(
    predictions: ArrayLike, labels: ArrayLike, *, num_classes: int
) -> np.ndarray:
    """The fraction of each true class that is predicted right (recall), (K,); NaN for a class
    without images.
    """
    matrix = confusion_matrix(predictions, labels, num_classes=num_classes)
    n = matrix.sum(axis=1)
    return np.divide(np.diag(matrix), n, out=np.full(num_classes, np.nan), where=n > 0)


# ---- confidence against correctness; log-odds and log-probabilities as stored per image are enough
# for all of it


def reliability_bins(
    confidence: ArrayLike, correct: ArrayLike, *, bins: int = 15
) -> dict[str, np.ndarray]:
    """Equal-width bins (a, b] of confidence (N,) in [0, 1]: "edges" (bins + 1,), "n", "confidence",
    "accuracy" (bins,).

    The last two are means over the bin's images, NaN where it is empty. Guo et al. 2017,
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
    edges = np.linspace(0, 1, bins + 1)
    index = np.searchsorted(edges[1:-1], confidence, side="left")
    n = np.bincount(index, minlength=bins)

    def mean(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(index, weights=values, minlength=bins)
        return np.divide(sums, n, out=np.full(bins, np.nan), where=n > 0)

    return {
        "edges": edges,
        "n": n,
        "confidence": mean(confidence.astype(np.float64)),
        "accuracy": mean(correct),
    }


def ece(confidence: ArrayLike, correct: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error in [0, 1]: mean |accuracy - confidence| of the bins, weighted by
    their n.

    Confidence (N,) in [0, 1], correct (N,) boolean; equal-width bins. Guo et al. 2017,
    arXiv:1706.04599.
    """
    table = reliability_bins(confidence, correct, bins=bins)
    gap = np.abs(table["accuracy"] - table["confidence"])
    return float(np.nansum(gap * table["n"]) / table["n"].sum())


def nll(log_probability: ArrayLike) -> float:
    """Negative log-likelihood in nats an image: minus the mean of `true_class_log_probability`
    (N,).
    """
    log_probability = np.asarray(log_probability, dtype=np.float64)
    if log_probability.size == 0 or not (log_probability <= 0).all():
        raise ValueError(
            "log-probabilities must not be empty, NaN or above 0: pass "
            "true_class_log_probability(...)."
        )
    return float(-log_probability.mean())


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The T in [0.01, 100] that minimises the NLL of softmax(logits / T) on validation data; its
    NLL is never above that of T = 1. Logits (N, K), labels (N,). Guo et al. 2017, arXiv:1706.04599.
    """
    logits = _logits(logits)

    def loss(log_t: float) -> float:
        return nll(true_class_log_probability(logits / np.exp(log_t), labels))

    # convex in 1 / T, hence one valley in log T, where steps are as fine for sharp as for flat
    # networks
    best = minimize_scalar(
        loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(best.x)) if best.fun < loss(0.0) else 1.0


def apply_temperature(logits: ArrayLike, temperature: float) -> np.ndarray:
    """Logits (N, K) divided by a temperature above 0: the same predicted classes, other
    confidence.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(
            f"temperature is {temperature}: it must be finite and above 0 (see fit_temperature)."
        )
    return _logits(logits) / temperature


def _logits(logits: ArrayLike) -> np.ndarray:
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
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"{name} {first.shape} and {other} {second.shape} must be of one length, at least 1."
        )
    return first, second


def _booleans(correct: np.ndarray) -> np.ndarray:
    if correct.dtype != bool:
        raise ValueError(
            f"correct has dtype {correct.dtype}: pass booleans, predictions == labels."
        )
    return correct
