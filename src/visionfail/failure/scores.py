"""Failure scores: higher where a wrong answer is likelier, from logits, distances, or learnt."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from visionfail import metrics
from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor, fit_auditor

NEIGHBOURS = 50


def scores_from_logits(logits: np.ndarray) -> dict[str, np.ndarray]:
    """{name: (N,)} of the scores that need nothing but logits (N, K), float64.

    "1 - confidence"; "entropy" in nats; "margin", 1 - the lead of the first probability over the
    second; "energy", -logsumexp.
    """
    exact = torch.from_numpy(logits).double()
    log_probability = exact.log_softmax(1)
    probability = log_probability.exp()
    top = probability.topk(2, dim=1).values  # (N, 2)
    first = top[:, 0]
    second = top[:, 1]
    scores = {
        "1 - confidence": 1 - first,
        "entropy": -(probability * log_probability).sum(1),
        "margin": 1 - (first - second),
        "energy": -exact.logsumexp(1),
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


class SortedLogits:
    """Logistic regression from the sorted logits to failure: the best that is linear in them."""

    def __init__(self, logits: np.ndarray, failed: np.ndarray):
        """Fit on logits (N, K) and `failed`, bool (N,)."""
        self.model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        self.model.fit(np.sort(logits, axis=1), failed)

    def score(self, logits: np.ndarray) -> np.ndarray:
        """The probability of failure (N,) in [0, 1] from logits (N, K)."""
        return self.model.predict_proba(np.sort(logits, axis=1))[:, 1]


@dataclass(frozen=True, eq=False)
class Detectors:
    """An auditor and its baselines, fitted on the same activations."""

    auditor: Auditor
    neighbours: Neighbours
    sorted_logits: SortedLogits
    hidden: str  # the layer in which distances are taken

    def score(self, reading: Activations) -> dict[str, np.ndarray]:
        """{detector: scores (N,)} on the same images, the auditor first."""
        scores = {"auditor": self.auditor.score(reading.features())}
        scores.update(scores_from_logits(reading.logits))
        scores["neighbours"] = self.neighbours.score(reading.latents[self.hidden])
        scores["logistic regression"] = self.sorted_logits.score(reading.logits)
        return scores


def fit_detectors(learnt: Activations, known: Activations, *, seed: int) -> Detectors:
    """All detectors; of these the auditor alone has a seed.

    The two that learn do so on `learnt`, images the classifier has not seen; distances are taken to
    `known`, images that it has, in the last of its layers.
    """
    hidden = list(known.latents)[-1]
    return Detectors(
        auditor=fit_auditor(learnt.features(), learnt.failed, seed=seed),
        neighbours=Neighbours(known.latents[hidden]),
        sorted_logits=SortedLogits(learnt.logits, learnt.failed),
        hidden=hidden,
    )
