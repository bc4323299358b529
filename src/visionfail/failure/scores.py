"""Failure scores: higher where a wrong answer is likelier, from logits, distances, or learnt."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from visionfail.failure import activations
from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor, fit_auditor

NEIGHBOURS = 50


def scores_from_logits(logits: np.ndarray) -> dict[str, np.ndarray]:
    """Scores that need nothing but logits (N, K), each (N,), higher where failure is likelier: 1 -
    confidence, entropy (nats), margin (1 - the lead of the first probability over the second),
    energy (-logsumexp).
    """
    log_p = torch.from_numpy(logits).double().log_softmax(1)
    p = log_p.exp()
    top = p.topk(2, dim=1).values
    scores = {
        "1 - confidence": 1 - top[:, 0],
        "entropy": -(p * log_p).sum(1),
        "margin": 1 - (top[:, 0] - top[:, 1]),
        "energy": -torch.from_numpy(logits).double().logsumexp(1),
    }
    return {name: values.numpy() for name, values in scores.items()}


class Neighbours:
    """Distance to the `NEIGHBOURS`-th nearest of the latents that the classifier learnt from, both
    scaled to length 1. Sun et al. 2022, arXiv:2204.06507.
    """

    def __init__(self, known: np.ndarray):
        self.index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(known))).fit(_unit(known))

    def score(self, latents: np.ndarray) -> np.ndarray:
        return self.index.kneighbors(_unit(latents))[0][:, -1]


class SortedLogits:
    """Logistic regression from the sorted logits to failure: as much as a line can say from
    them.
    """

    def __init__(self, logits: np.ndarray, failed: np.ndarray):
        self.model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        self.model.fit(np.sort(logits, axis=1), failed)

    def score(self, logits: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(np.sort(logits, axis=1))[:, 1]


@dataclass(frozen=True, eq=False)
class Detectors:
    """An auditor and its rivals, fitted on the same readings; `score` judges all of them on the
    same images.
    """

    auditor: Auditor
    neighbours: Neighbours
    sorted_logits: SortedLogits
    hidden: str  # the layer in which distances are taken

    def score(self, reading: activations.Activations) -> dict[str, np.ndarray]:
        """{name: (N,)}, higher where failure is likelier; the auditor first."""
        return {
            "auditor": self.auditor.score(reading.features()),
            **scores_from_logits(reading.logits),
            "neighbours": self.neighbours.score(reading.latents[self.hidden]),
            "logistic regression": self.sorted_logits.score(reading.logits),
        }


def fit_detectors(
    learnt: activations.Activations, known: activations.Activations, *, seed: int
) -> Detectors:
    """All judges: the two that learn do so on `learnt`, images the classifier has not seen;
    distances are taken to `known`, images that it has.
    """
    hidden = list(known.latents)[-1]
    return Detectors(
        fit_auditor(learnt.features(), learnt.failed, seed=seed),
        Neighbours(known.latents[hidden]),
        SortedLogits(learnt.logits, learnt.failed),
        hidden,
    )


def _unit(latents: np.ndarray) -> np.ndarray:
    return latents / np.maximum(np.linalg.norm(latents, axis=1, keepdims=True), 1e-12)


def confidence_of(reading: Activations) -> np.ndarray:
    """The largest softmax probability, (N,)."""
    return 1 - scores_from_logits(reading.logits)["1 - confidence"]
