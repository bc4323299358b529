"""The demo's answer to one picture: class, probability of error, and its place on a map.

Everything that it needs is one small file beside the classifier's, so that it starts without data.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.decomposition import PCA
from torch import Tensor, nn

from visionfail import devices, files, models, profiles
from visionfail.failure import activations, scores
from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor

STEM = profiles.FULL.models / "auditor-mnist-s0"  # written by notebook 10
CLASSIFIER = "mnist-mnist_cnn-adam-s0"

# written by notebook 11
CIFAR10 = {
    "stem": profiles.FULL.models / "auditor-cifar10-s0",
    "classifier": "cifar10-resnet18-standard-s0",
}

SHOWN = 2000  # test draws on the map
AUDITOR_PREFIX = "judge."  # before the names of the auditor's weights in the file
# Activations and maps are read by hooks on a network that all visitors of the demo share.
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, eq=False)
class Monitor:
    """A classifier, the layers its auditor reads, the auditor, and a map of N answers.

    The map is the plane through `centre` (D,) along `axes` (2, D) of standardised latents: points
    (N, 2), the probability of failure (N,) and failed (N,), bool.
    """

    model: nn.Module
    layers: tuple[str, ...]
    auditor: Auditor
    centre: np.ndarray
    axes: np.ndarray
    points: np.ndarray
    failure: np.ndarray
    failed: np.ndarray
    card: dict

    def limit(self, budget: float) -> dict:
        """{"budget", "limit", "coverage"} of a risk budget; limit None where all is rejected."""
        return next(row for row in self.card["limits"] if row["budget"] == budget)


@dataclass(frozen=True)
class Answer:
    """The predicted class, its confidence and probability of failure, and its place on the map.

    Confidence and failure lie in [0, 1]; the place is (x, y).
    """

    predicted: int
    confidence: float
    failure: float
    place: tuple[float, float]

    def accepted(self, limit: float | None) -> bool:
        """Whether a budget's threshold lets this answer pass."""
        return limit is not None and self.failure <= limit


def monitor_answer(demo: Monitor, image: Tensor) -> Answer:
    """The answer to one picture, uint8 (1, C, H, W), computed as the notebooks compute it."""
    no_label = torch.zeros(1, dtype=torch.long, device="cpu")
    with ONE_AT_A_TIME:
        reading = activations.extract(demo.model, image, no_label, layers=demo.layers)
    features = reading.features()  # (1, D)
    x, y = project_on_map(demo.auditor, features, demo.centre, demo.axes)[0]
    return Answer(
        predicted=int(reading.logits.argmax()),
        confidence=float(scores.confidence_of(reading)[0]),
        failure=float(demo.auditor.score(features)[0]),
        place=(float(x), float(y)),
    )


def project_on_map(
    auditor: Auditor, features: np.ndarray, centre: np.ndarray, axes: np.ndarray
) -> np.ndarray:
    """The places on the map (N, 2) of latents (N, D)."""
    return (_standard(auditor, features) - centre) @ axes.T


def _standard(auditor: Auditor, features: np.ndarray) -> np.ndarray:
    """Latents (N, D) as the auditor standardises them."""
    mean = auditor.mean.cpu().numpy()
    std = auditor.std.cpu().numpy()
    return (features - mean) / std


def save_monitor(
    stem: Path,
    auditor: Auditor,
    learnt: Activations,
    shown: Activations,
    *,
    limits: list[dict],
    card: dict,
) -> None:
    """Write <stem>.safetensors and <stem>.json: the auditor, the map of `shown`, the thresholds.

    The plane of the map is that of the first two principal components of `learnt`; `limits` are the
    thresholds, and `card` says of which classifier and data. ValueError for a card that json cannot
    hold; nothing is written then.
    """
    tensors, explained = _tensors(auditor, learnt, shown)
    weights, description = models.checkpoint_files(stem)
    full_card = dict(card)
    with files.atomic_write(weights) as temporary:
        save_file(tensors, temporary)
        full_card["limits"] = limits
        full_card["explained"] = explained
        full_card["sha256"] = files.sha256(temporary)
        # a card that json cannot hold raises here, before the weights take their place
        text = files.json_text(full_card, name=description.name)
    files.write_text(description, text)


def _tensors(
    auditor: Auditor, learnt: Activations, shown: Activations
) -> tuple[dict[str, Tensor], float]:
    """{name: tensor} of the auditor and its map, and the share of variance that the map shows."""
    pca = PCA(2, random_state=0).fit(_standard(auditor, learnt.features()))
    centre = np.asarray(pca.mean_)  # (D,)
    axes = np.asarray(pca.components_)  # (2, D)
    features = shown.features()
    arrays = {
        "centre": centre,
        "axes": axes,
        "points": project_on_map(auditor, features, centre, axes),
        "failure": auditor.score(features),
        "failed": shown.failed,
    }
    tensors = {}
    for name, weights in auditor.state_dict().items():
        tensors[AUDITOR_PREFIX + name] = weights.cpu().contiguous()
    for name, values in arrays.items():
        tensors[name] = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    return tensors, round(float(pca.explained_variance_ratio_.sum()), 4)


@devices.usual_defaults()
def load_monitor(stem: Path = STEM, *, classifier: str | Path = CLASSIFIER) -> Monitor:
    """The monitor that `save_monitor` wrote to `stem`, with the `classifier` it belongs to.

    FileNotFoundError where there is none; ValueError where the files are not those of the card.
    """
    weights, description = models.checkpoint_files(stem)
    if not weights.exists() or not description.exists():
        raise FileNotFoundError(
            f"no {weights.name}: restore it (git checkout), or run notebook 10 or 11."
        )
    card = files.read_json(description, remedy="restore it, or run its notebook")
    model, classifier_card = models.load(classifier)
    stored = files.sha256(weights), classifier_card["sha256"]
    if stored != (card.get("sha256"), card.get("primary_sha256")):
        raise ValueError(
            f"{weights.name} is not the file that {description.name} describes: restore both, or "
            "run its notebook."
        )
    with files.reading(weights, remedy="restore it, or run its notebook"):
        tensors = load_file(weights)
        return Monitor(
            model=model,
            layers=activations.LAYERS[classifier_card["arch"]],
            auditor=_stored_auditor(tensors),
            centre=tensors["centre"].numpy(),
            axes=tensors["axes"].numpy(),
            points=tensors["points"].numpy(),
            failure=tensors["failure"].numpy(),
            failed=tensors["failed"].numpy() > 0.5,
            card={**card, "limits": [dict(row) for row in card["limits"]]},
        )


def _stored_auditor(tensors: dict[str, Tensor]) -> Auditor:
    """The auditor in eval mode among the tensors of a monitor's file."""
    state = {}
    for name, weights in tensors.items():
        if name.startswith(AUDITOR_PREFIX):
            state[name.removeprefix(AUDITOR_PREFIX)] = weights
    auditor = Auditor(np.zeros((2, len(state["mean"])), dtype=np.float32))
    auditor.load_state_dict(state)
    return auditor.eval()
