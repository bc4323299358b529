"""An auditor reads what a classifier's layers make of an input and says how likely its answer is wrong.

It sees activations only, never confidence; it learns on images that the classifier did not learn from, because on
its own training images a classifier hardly errs. Whether it beats plain confidence is measured, not assumed.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from visionfail import evaluate

LAYERS = {
    "mnist_cnn": ("block1", "block2", "hidden"),  # 32 + 64 + 128 numbers an image
    "resnet18": ("layer1", "layer2", "layer3", "layer4"),  # 64 + 128 + 256 + 512
}
EPOCHS, LEARNING_RATE, BATCH_SIZE, DROPOUT = 6, 1e-3, 128, 0.1
NEIGHBOURS = 50


@dataclass(frozen=True, eq=False)
class Reading:
    """What a classifier made of N images: latents {layer: float32 (N, D)}, logits (N, K), labels int64 (N,)."""

    latents: dict[str, np.ndarray]
    logits: np.ndarray
    labels: np.ndarray

    @property
    def failed(self) -> np.ndarray:
        """(N,) bool: the classifier's answer was wrong."""
        return self.logits.argmax(axis=1) != self.labels

    def features(self, layers: Sequence[str] | None = None) -> np.ndarray:
        """The latents of `layers` (all of them where none are named) side by side: (N, D). "logits" is one too."""
        parts = [self.logits if name == "logits" else self.latents[name] for name in layers or self.latents]
        return np.concatenate(parts, axis=1)

    def at(self, index: np.ndarray) -> "Reading":
        """The reading of some of the images."""
        latents = {name: values[index] for name, values in self.latents.items()}
        return Reading(latents, self.logits[index], self.labels[index])


def joined(readings: Sequence[Reading]) -> Reading:
    """Readings of the same layers one after another."""
    latents = {name: np.concatenate([one.latents[name] for one in readings]) for name in readings[0].latents}
    logits, labels = (np.concatenate([getattr(one, part) for one in readings]) for part in ("logits", "labels"))
    return Reading(latents, logits, labels)


@torch.inference_mode()
def read(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    layers: Sequence[str],
    batch_size: int = 512,
    dtype: torch.dtype = torch.float32,
) -> Reading:
    """Run `model` in eval mode on images (N, C, H, W) and keep its logits and what `layers`, names of modules, put
    out, averaged over the picture where that is a map. Hooks are removed whatever happens. torch.bfloat16 runs under
    autocast: ask `evaluate.choose_dtype` whether it may.

    ValueError for a layer that the model has not, and for images that `evaluate.predict` refuses.
    """
    modules = dict(model.named_modules())
    missing = [name for name in layers if name not in modules]
    if missing:
        raise ValueError(f"the model has no layer {missing[0]!r}: it has {', '.join(dict(model.named_children()))}.")
    kept: dict[str, list[Tensor]] = {name: [] for name in layers}

    def keep(name: str):
        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            pooled = output.mean(dim=(2, 3), dtype=torch.float32) if output.ndim == 4 else output.float()
            kept[name].append(pooled.cpu())

        return hook

    handles = [modules[name].register_forward_hook(keep(name)) for name in layers]
    half = dtype != torch.float32
    device = next(model.parameters()).device
    try:
        with torch.autocast(device.type, dtype) if half else contextlib.nullcontext():
            logits = evaluate.predict(model, images, batch_size=batch_size)
    finally:
        for handle in handles:
            handle.remove()
    return Reading({name: torch.cat(parts).numpy() for name, parts in kept.items()}, logits.numpy(), labels.numpy())


class Auditor(nn.Module):
    """Latents (N, D) -> log-odds of failure (N,): D-128-64-1 with ReLU and dropout, inputs standardised inside."""

    def __init__(self, features: np.ndarray):
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(features.mean(axis=0)).float())
        std = torch.from_numpy(features.std(axis=0)).float()
        self.register_buffer("std", torch.where(std > 1e-6, std, 1.0))  # a channel that never stirred stays as it is
        self.layers = nn.Sequential(
            nn.Linear(features.shape[1], 128), nn.ReLU(), nn.Dropout(DROPOUT),
            nn.Linear(128, 64), nn.ReLU(), nn.Dropout(DROPOUT),
            nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, latents: Tensor) -> Tensor:
        return self.layers((latents - self.mean) / self.std).squeeze(1)

    @torch.inference_mode()
    def score(self, features: np.ndarray) -> np.ndarray:
        """The probability of failure in [0, 1], float64 (N,), from latents (N, D)."""
        self.eval()
        device = self.mean.device
        return self(torch.from_numpy(features).float().to(device)).double().sigmoid().cpu().numpy()


def fit(features: np.ndarray, failed: np.ndarray, *, seed: int, epochs: int = EPOCHS) -> Auditor:
    """An auditor trained by BCE on `failed` (N,) bool, failure = 1, from latents (N, D): Adam, a batch of 128.

    ValueError where all or none failed: then there is nothing to learn.
    """
    if failed.all() or not failed.any():
        raise ValueError(f"{failed.sum()} of {len(failed)} answers failed: an auditor needs both kinds to learn from.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # weights and dropout draw from the global generator
        auditor = Auditor(features)
        optimizer = torch.optim.Adam(auditor.parameters(), lr=LEARNING_RATE)
        x, y = torch.from_numpy(features).float(), torch.from_numpy(failed).float()
        for _ in range(epochs):
            auditor.train()
            for index in torch.randperm(len(x)).split(BATCH_SIZE):
                loss = binary_cross_entropy_with_logits(auditor(x[index]), y[index])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
    return auditor.eval()


def from_logits(logits: np.ndarray) -> dict[str, np.ndarray]:
    """Scores that need nothing but logits (N, K), each (N,), higher where failure is likelier: 1 - confidence,
    entropy (nats), margin (1 - the lead of the first probability over the second), energy (-logsumexp).
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
    """Distance to the `NEIGHBOURS`-th nearest of the latents that the classifier learnt from, both scaled to length 1.
    Sun et al. 2022, arXiv:2204.06507.
    """

    def __init__(self, known: np.ndarray):
        self.index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(known))).fit(_unit(known))

    def score(self, latents: np.ndarray) -> np.ndarray:
        return self.index.kneighbors(_unit(latents))[0][:, -1]


class SortedLogits:
    """Logistic regression from the sorted logits to failure: as much as a line can say from them."""

    def __init__(self, logits: np.ndarray, failed: np.ndarray):
        self.model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        self.model.fit(np.sort(logits, axis=1), failed)

    def score(self, logits: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(np.sort(logits, axis=1))[:, 1]


@dataclass(frozen=True, eq=False)
class Panel:
    """An auditor and its rivals, fitted on the same readings; `score` judges all of them on the same images."""

    auditor: Auditor
    neighbours: Neighbours
    sorted_logits: SortedLogits
    hidden: str  # the layer in which distances are taken

    def score(self, reading: Reading) -> dict[str, np.ndarray]:
        """{name: (N,)}, higher where failure is likelier; the auditor first."""
        return {
            "auditor": self.auditor.score(reading.features()),
            **from_logits(reading.logits),
            "neighbours": self.neighbours.score(reading.latents[self.hidden]),
            "logistic regression": self.sorted_logits.score(reading.logits),
        }


def fit_panel(learnt: Reading, known: Reading, *, seed: int) -> Panel:
    """All judges: the two that learn do so on `learnt`, images the classifier has not seen; distances are taken to
    `known`, images that it has.
    """
    hidden = list(known.latents)[-1]
    return Panel(
        fit(learnt.features(), learnt.failed, seed=seed),
        Neighbours(known.latents[hidden]),
        SortedLogits(learnt.logits, learnt.failed),
        hidden,
    )


def _unit(latents: np.ndarray) -> np.ndarray:
    return latents / np.maximum(np.linalg.norm(latents, axis=1, keepdims=True), 1e-12)
