"""Failure scores: higher where a wrong answer is likelier, from logits, distances, or learnt."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from visionfail import metrics
from visionfail.failure.activations import Activations

NEIGHBOURS = 50


def scores_from_logits(logits: np.ndarray) -> dict[str, np.ndarray]:
    """{name: (N,)} of the scores that need nothing but logits (N, K), float64.

    "1 - confidence"; "entropy" in nats; "margin", 1 - the lead of the first probability over the
    second; "energy", -logsumexp; "max logit", minus the largest; "DOCTOR", the odds that two
    answers drawn from the probabilities differ (Granese et al. 2021, arXiv:2106.02395). ValueError
    for less than two logits an image.
    """
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise ValueError(f"logits are {logits.shape}: pass (N, K), at least two an image.")
    exact = torch.from_numpy(logits).double()
    log_probability = exact.log_softmax(1)
    probability = log_probability.exp()
    top = probability.topk(2, dim=1).values  # (N, 2)
    first = top[:, 0]
    second = top[:, 1]
    agreement = (probability**2).sum(1)
    scores = {
        "1 - confidence": 1 - first,
        "entropy": -(probability * log_probability).sum(1),
        "margin": 1 - (first - second),
        "energy": -exact.logsumexp(1),
        "max logit": -exact.amax(1),
        "DOCTOR": (1 - agreement) / agreement,
    }
    return {name: values.numpy() for name, values in scores.items()}


def confidence_of(reading: Activations) -> np.ndarray:
    """The largest softmax probability of each image, (N,) in [0, 1]."""
    return metrics.probabilities(reading.logits).max(axis=1)


class Neighbours:
    """The distance to the `NEIGHBOURS`-th nearest of the latents that the classifier learnt from.

    All latents are scaled to length 1. Sun et al. 2022, arXiv:2204.06507.
    """

    def __init__(self, known: np.ndarray):
        """Distances are taken to the latents `known` (M, D)."""
        self.index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(known)))
        self.index.fit(_unit(known))

    def score(self, latents: np.ndarray) -> np.ndarray:
        """The distance (N,) of latents (N, D), in [0, 2]."""
        distances, _ = self.index.kneighbors(_unit(latents))  # (N, NEIGHBOURS), ascending
        return distances[:, -1]


def _unit(latents: np.ndarray) -> np.ndarray:
    """Latents (N, D) scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(latents, axis=1, keepdims=True)  # (N, 1)
    return latents / np.maximum(lengths, 1e-12)


class LinearProbe:
    """Logistic regression from the latents to failure: an auditor without hidden layers."""

    def __init__(self, latents: np.ndarray, failed: np.ndarray):
        """Fit on latents (N, D), standardised inside, and `failed`, bool (N,)."""
        self.model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        self.model.fit(latents, failed)

    def score(self, latents: np.ndarray) -> np.ndarray:
        """The probability of failure (N,) in [0, 1] from latents (N, D)."""
        return self.model.predict_proba(latents)[:, 1]


class SortedLogits:
    """The same from the sorted logits: the best that is linear in them."""

    def __init__(self, logits: np.ndarray, failed: np.ndarray):
        """Fit on logits (N, K) and `failed`, bool (N,)."""
        self.probe = LinearProbe(np.sort(logits, axis=1), failed)

    def score(self, logits: np.ndarray) -> np.ndarray:
        """The probability of failure (N,) in [0, 1] from logits (N, K)."""
        return self.probe.score(np.sort(logits, axis=1))


def tempered_entropy(logits: np.ndarray, temperature: float) -> np.ndarray:
    """The entropy (N,) in nats of the probabilities of logits (N, K) over a temperature."""
    return scores_from_logits(logits / temperature)["entropy"]
