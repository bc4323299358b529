"""What the demo says of one picture: the answer, how likely it is wrong, accept or abstain, its
place on a map.

Everything that it needs is one small file beside the primary's, so that it starts without data.
"""

import json
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.decomposition import PCA
from torch import Tensor, nn

from visionfail import files, models, profiles
from visionfail.failure import activations, scores
from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor

STEM = profiles.FULL.models / "auditor-mnist-s0"  # written by notebook 10
PRIMARY = "mnist-mnist_cnn-adam-s0"

CIFAR10 = {
    "stem": profiles.FULL.models / "auditor-cifar10-s0",
    "primary": "cifar10-resnet18-standard-s0",
}  # by notebook 11

SHOWN = 2000  # test draws on the map
# Activations and maps are read by hooks on a network that all visitors of the demo share.
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, eq=False)
class Monitor:
    """A classifier, the layers its auditor reads, the auditor, the plane of the map, and the map:
    points (N, 2), failure (N,), failed (N,).
    """

    model: nn.Module
    layers: tuple[str, ...]
    judge: Auditor
    centre: np.ndarray
    axes: np.ndarray
    points: np.ndarray
    failure: np.ndarray
    failed: np.ndarray
    card: dict

    def limit(self, budget: float) -> dict:
        """{"budget", "limit", "coverage"} of a risk budget; limit None where nothing may be
        accepted.
        """
        return next(row for row in self.card["limits"] if row["budget"] == budget)


@dataclass(frozen=True)
class Answer:
    """predicted class, confidence and failure (probability of being wrong) in [0, 1], place on the
    map (x, y).
    """

    predicted: int
    confidence: float
    failure: float
    place: tuple[float, float]

    def accepted(self, limit: float | None) -> bool:
        """Whether a budget's threshold lets this answer pass."""
        return limit is not None and self.failure <= limit


def monitor_answer(demo: Monitor, image: Tensor) -> Answer:
    """What is to be said of one picture, uint8 (1, C, H, W): computed as the notebooks compute
    it.
    """
    with ONE_AT_A_TIME:
        reading = activations.extract(
            demo.model, image, torch.zeros(1, dtype=torch.long), layers=demo.layers
        )
    place = project_on_map(demo.judge, reading.features(), demo.centre, demo.axes)[0]
    return Answer(
        int(reading.logits.argmax()),
        float(scores.confidence_of(reading)[0]),
        float(demo.judge.score(reading.features())[0]),
        (float(place[0]), float(place[1])),
    )


def project_on_map(
    judge: Auditor, features: np.ndarray, centre: np.ndarray, axes: np.ndarray
) -> np.ndarray:
    """Latents (N, D) -> places on the map (N, 2)."""
    return (_standard(judge, features) - centre) @ axes.T


def _standard(judge: Auditor, features: np.ndarray) -> np.ndarray:
    """Latents (N, D) as the auditor standardises them."""
    return (features - judge.mean.cpu().numpy()) / judge.std.cpu().numpy()


def save_monitor(
    stem: Path,
    judge: Auditor,
    learnt: Activations,
    shown: Activations,
    *,
    limits: list[dict],
    card: dict,
) -> None:
    """Write <stem>.safetensors and <stem>.json: the auditor, the plane of the first two principal
    components of what it learnt from, the map of `shown`, and the thresholds `limits`; `card` says
    of which primary and data.
    """
    pca = PCA(2, random_state=0).fit(_standard(judge, learnt.features()))
    points = project_on_map(judge, shown.features(), pca.mean_, pca.components_)
    arrays = {"centre": pca.mean_, "axes": pca.components_, "points": points}
    arrays |= {"failure": judge.score(shown.features()), "failed": shown.failed}
    tensors = {
        f"judge.{name}": value.cpu().contiguous() for name, value in judge.state_dict().items()
    }
    tensors |= {
        name: torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32))
        for name, a in arrays.items()
    }
    weights, description = models.checkpoint_files(stem)
    with files.atomic_write(weights) as part:
        save_file(tensors, part)
        explained = round(float(pca.explained_variance_ratio_.sum()), 4)
        card = card | {"limits": limits, "explained": explained, "sha256": files.sha256(part)}
        text = files.json_text(card, name=description.name)  # before the weights take their place
    files.write_text(description, text)


def load_monitor(stem: Path = STEM, *, primary: str | Path = PRIMARY) -> Monitor:
    """What `save` wrote, with the primary it belongs to. ValueError where the files are not those
    of the card.
    """
    weights, description = models.checkpoint_files(stem)
    if not weights.exists() or not description.exists():
        raise FileNotFoundError(
            f"no {weights.name}: restore it (git checkout), or run notebook 10 or 11."
        )
    card = json.loads(description.read_text(encoding="utf-8"))
    model, primary_card = models.load(primary)
    if files.sha256(weights) != card["sha256"] or primary_card["sha256"] != card["primary_sha256"]:
        raise ValueError(
            f"{weights.name} is not the file that {description.name} describes: restore both, or "
            "run its notebook."
        )
    tensors = load_file(weights)
    state = {
        name.removeprefix("judge."): value
        for name, value in tensors.items()
        if name.startswith("judge.")
    }
    judge = Auditor(np.zeros((2, len(state["mean"])), dtype=np.float32))
    judge.load_state_dict(state)
    arrays = [tensors[name].numpy() for name in ("centre", "axes", "points", "failure")]
    layers = activations.LAYERS[primary_card["arch"]]
    return Monitor(model, layers, judge.eval(), *arrays, tensors["failed"].numpy() > 0.5, card)
