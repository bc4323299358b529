"""What the demo says of one picture: the answer, how likely it is wrong, accept or abstain, its place on a map.

Everything that it needs is one small file beside the primary's, so that it starts without data.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.decomposition import PCA
from torch import Tensor, nn

from visionfail import auditor, checkpoints, data, exhibits, paths, trials
from visionfail.auditor import Auditor, Reading
from visionfail.imageset import ImageSet

STEM = paths.MODELS / "auditor-mnist-s0"  # written by notebook 10
PRIMARY = "mnist-mnist_cnn-adam-s0"
CIFAR10 = {"stem": paths.MODELS / "auditor-cifar10-s0", "primary": "cifar10-resnet18-standard-s0"}  # by notebook 11
SHOWN = 2000  # test draws on the map


@dataclass(frozen=True, eq=False)
class Demo:
    """A classifier, the layers its auditor reads, the auditor, the plane of the map, and the map: points (N, 2),
    failure (N,), failed (N,).
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
        """{"budget", "limit", "coverage"} of a risk budget; limit None where nothing may be accepted."""
        return next(row for row in self.card["limits"] if row["budget"] == budget)


@dataclass(frozen=True)
class Answer:
    """predicted class, confidence and failure (probability of being wrong) in [0, 1], place on the map (x, y)."""

    predicted: int
    confidence: float
    failure: float
    place: tuple[float, float]

    def accepted(self, limit: float | None) -> bool:
        """Whether a budget's threshold lets this answer pass."""
        return limit is not None and self.failure <= limit


def answer(demo: Demo, image: Tensor) -> Answer:
    """What is to be said of one picture, uint8 (1, C, H, W): computed as the notebooks compute it."""
    reading = auditor.read(demo.model, image, torch.zeros(1, dtype=torch.long), layers=demo.layers)
    place = project(demo.judge, reading.features(), demo.centre, demo.axes)[0]
    return Answer(
        int(reading.logits.argmax()),
        float(exhibits.confidence(reading)[0]),
        float(demo.judge.score(reading.features())[0]),
        (float(place[0]), float(place[1])),
    )


def digits() -> ImageSet:
    """Test digits where MNIST is on disk, else the embedded val digits: no network here learnt from either."""
    official = data.load_or_standin("mnist", "test")
    return official if official.origin == "official" else data.load_or_standin("mnist", "val")


def confident_failure(demo: Demo, images: ImageSet, *, seed: int) -> tuple[Tensor, int, str]:
    """(digit uint8 (1, 1, 28, 28), its label, shift in words): of one draw a digit of `images` the confident mistake of
    which the auditor is surest. ValueError where the classifier makes no confident mistake.
    """
    sample = trials.drawn(images, count=len(images), seed=seed)
    reading = auditor.read(demo.model, sample.images, sample.labels, layers=demo.layers)
    caught = exhibits.ranked(reading, demo.judge.score(reading.features()))["caught"]
    if not len(caught):
        raise ValueError(f"no answer on {len(images)} digits is wrong with confidence of {exhibits.SURE:.0%} or more.")
    row = sample.log().iloc[caught[0]]
    words = "unshifted" if row["shift"] == "none" else f"{row['shift']}, strength {row.strength:.2f}"
    return sample.images[caught[:1]], int(row.label), words


def project(judge: Auditor, features: np.ndarray, centre: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Latents (N, D) -> places on the map (N, 2)."""
    return (_standard(judge, features) - centre) @ axes.T


def _standard(judge: Auditor, features: np.ndarray) -> np.ndarray:
    """Latents (N, D) as the auditor standardises them."""
    return (features - judge.mean.cpu().numpy()) / judge.std.cpu().numpy()


def save(stem: Path, judge: Auditor, learnt: Reading, shown: Reading, *, limits: list[dict], card: dict) -> None:
    """Write <stem>.safetensors and <stem>.json: the auditor, the plane of the first two principal components of what it
    learnt from, the map of `shown`, and the thresholds `limits`; `card` says of which primary and data.
    """
    pca = PCA(2, random_state=0).fit(_standard(judge, learnt.features()))
    points = project(judge, shown.features(), pca.mean_, pca.components_)
    arrays = {"centre": pca.mean_, "axes": pca.components_, "points": points}
    arrays |= {"failure": judge.score(shown.features()), "failed": shown.failed}
    tensors = {f"judge.{name}": value.cpu().contiguous() for name, value in judge.state_dict().items()}
    tensors |= {name: torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for name, a in arrays.items()}
    weights, description = checkpoints.files(stem)
    with paths.atomic_write(weights) as part:
        save_file(tensors, part)
        explained = round(float(pca.explained_variance_ratio_.sum()), 4)
        card = card | {"limits": limits, "explained": explained, "sha256": checkpoints.sha256(part)}
    with paths.atomic_write(description) as part:
        part.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8", newline="\n")


def load(stem: Path = STEM, *, primary: str | Path = PRIMARY) -> Demo:
    """What `save` wrote, with the primary it belongs to. ValueError where the files are not those of the card."""
    weights, description = checkpoints.files(stem)
    if not weights.exists() or not description.exists():
        raise FileNotFoundError(f"no {weights.name}: restore it (git checkout), or run notebook 10 or 11.")
    card = json.loads(description.read_text(encoding="utf-8"))
    model, primary_card = checkpoints.load(primary)
    if checkpoints.sha256(weights) != card["sha256"] or primary_card["sha256"] != card["primary_sha256"]:
        raise ValueError(
            f"{weights.name} is not the file that {description.name} describes: restore both, or run its notebook."
        )
    tensors = load_file(weights)
    state = {name.removeprefix("judge."): value for name, value in tensors.items() if name.startswith("judge.")}
    judge = Auditor(np.zeros((2, len(state["mean"])), dtype=np.float32))
    judge.load_state_dict(state)
    arrays = [tensors[name].numpy() for name in ("centre", "axes", "points", "failure")]
    layers = auditor.LAYERS[primary_card["arch"]]
    return Demo(model, layers, judge.eval(), *arrays, tensors["failed"].numpy() > 0.5, card)
