"""How far a network's Grad-CAM maps move when its images get worse, and what else moves them: per
image, kept.

Every map is of the class that the network names on the clean image, so that a map which moves is
not simply a map of something else. What is said of the maps is in `drift_claims`.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from visionfail import corruptions, devices, explain, files, metrics, models
from visionfail.data import ImageSet
from visionfail.evaluation import Answers

CORE = ("contrast", "fog", "motion_blur", "gaussian_noise", "jpeg_compression", "brightness")
SEVERITIES = (1, 3, 5)
CLEAN, JITTER = ("clean", 0), ("jitter", 0)
CONDITIONS = (CLEAN, JITTER, *((name, severity) for name in CORE for severity in SEVERITIES))
STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # image k is moved by the (k mod 4)th
NOISE = 2 / 255  # standard deviation of the jitter, in pixels of [0, 1]
MEASURES = ("overlap", "shift", "entropy", "centre")
RANDOM_SEED = 1000  # of the control's weights; no training uses it


@dataclass(frozen=True, eq=False)
class Drift(Answers):
    """Per version (M) and image (N): predicted uint8, log_odds of the confidence, and of each map
    against the clean one overlap in [0, 1] and shift of the centre in shares of the side, by itself
    entropy and centre, the share of it in the middle quarter. NaN where a map is empty. labels
    (N,); `made` says of which weights, images and layer.
    """

    labels: np.ndarray
    predicted: np.ndarray
    log_odds: np.ndarray
    overlap: np.ndarray
    shift: np.ndarray
    entropy: np.ndarray
    centre: np.ndarray
    made: dict

    @property
    def empty(self) -> np.ndarray:
        """(M,): how many maps say nothing."""
        return np.isnan(self.entropy).sum(axis=1)

    def save(self, path: Path) -> None:
        """One compressed .npz without pickled objects, written whole or not at all."""
        fields = {
            name: getattr(self, name) for name in ("labels", "predicted", "log_odds", *MEASURES)
        }
        with files.atomic_write(path) as part, open(part, "wb") as file:
            np.savez_compressed(file, made=np.array(json.dumps(self.made)), **fields)

    @classmethod
    def load(cls, path: Path) -> "Drift":
        """Read what `save` wrote; raises FileNotFoundError where there is nothing."""
        if not Path(path).exists():
            raise FileNotFoundError(
                f"no stored drift at {path}: run notebook 05 in the full profile to make it."
            )
        with np.load(path, allow_pickle=False) as stored:
            fields = {name: stored[name] for name in stored.files}
        return cls(**fields | {"made": json.loads(str(fields["made"]))})


def shift_by_one(pictures: np.ndarray, *, back: bool = False) -> np.ndarray:
    """Pictures (N, ..., H, W), the kth moved by one pixel as STEPS says, or back; the rim is
    repeated.
    """
    sign = -1 if back else 1
    rim = [(0, 0)] * (pictures.ndim - 2) + [(1, 1), (1, 1)]
    padded, (height, width) = np.pad(pictures, rim, mode="edge"), pictures.shape[-2:]
    moved = np.empty_like(pictures)
    for k, (down, right) in enumerate(STEPS):
        top, left = 1 - sign * down, 1 - sign * right
        moved[k :: len(STEPS)] = padded[
            k :: len(STEPS), ..., top : top + height, left : left + width
        ]
    return moved


def jitter(images: Tensor, *, seed: int = 0) -> Tensor:
    """uint8 images (N, C, H, W) moved by one pixel and with Gaussian noise of NOISE: changed, and
    nobody would care.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(images.shape, generator=generator) * NOISE * 255
    return (
        (torch.from_numpy(shift_by_one(images.numpy())) + noise)
        .round()
        .clamp(0, 255)
        .to(torch.uint8)
    )


def make_version(images: Tensor, name: str, severity: int) -> Tensor:
    """uint8 images (N, C, H, W) clean, jittered or corrupted; image k is the kth of the set."""
    if (name, severity) == JITTER:
        return jitter(images)
    return images if severity == 0 else corruptions.corrupt(images, name, severity)


def measure_drift(
    model: nn.Module,
    clean: ImageSet,
    classes: np.ndarray,
    *,
    identity: dict,
    layer: str | None = None,
) -> Drift:
    """The drift of `model` on every one of CONDITIONS; maps of `classes` (N,) at `layer`, the usual
    one if none.
    """
    layer = layer or explain.gradcam_layers(model)[0]
    side, first, rows = clean.images.shape[-1], None, []
    for name, severity in tqdm(CONDITIONS, unit="condition"):
        images = make_version(clean.images, name, severity)
        maps, logits = (
            explain.gradcam(model, images, classes, layer=layer),
            models.predict(model, images),
        )
        maps = shift_by_one(maps, back=True) if (name, severity) == JITTER else maps
        first = maps if first is None else first
        found = {
            "overlap": explain.overlap(first, maps),
            "shift": explain.centroid_shift(first, maps) / side,
        }
        found |= {"entropy": explain.map_entropy(maps), "centre": explain.centre_mass(maps)}
        row = {key: value.astype(np.float16) for key, value in found.items()}
        row |= {"predicted": logits.argmax(1).numpy().astype(np.uint8)}
        rows.append(row | {"log_odds": metrics.log_odds(logits).astype(np.float16)})
    made = identity | {
        "layer": layer,
        "device": devices.describe_device(next(model.parameters()).device),
    }
    arrays = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return Drift(labels=clean.labels.numpy().astype(np.uint8), made=made, **arrays)


def load_or_measure_drift(
    path: Path,
    model: nn.Module,
    clean: ImageSet,
    classes: np.ndarray,
    *,
    weights: str,
    layer: str | None = None,
) -> tuple[Drift, str]:
    """(drift, "loaded" | "computed"): loaded where `path` holds that of these weights (the card's
    sha256, or what they are), images, classes and layer; else measured and saved there.
    """
    layer = layer or explain.gradcam_layers(model)[0]
    asked = replace(clean, labels=torch.as_tensor(classes, dtype=torch.int64))
    identity = {
        "weights": weights,
        "images": clean.checksum(),
        "origin": clean.origin,
        "n": len(clean),
    }
    identity |= {"images and classes": asked.checksum()}
    if path.exists():
        found = Drift.load(path)
        if (identity | {"layer": layer}).items() <= found.made.items():
            return found, "loaded"
    found = measure_drift(model, clean, classes, identity=identity, layer=layer)
    found.save(path)
    return found, "computed"


def untrained_network(arch: str, card: dict) -> nn.Module:
    """The control: the architecture of a card with the weights that it might have begun with, on
    the best device.
    """
    sizes = {"num_classes": len(card["classes"]), "width": card["width"]}
    model = models.build(arch, mean=card["mean"], std=card["std"], seed=RANDOM_SEED, **sizes)
    return model.to(devices.best_device()).eval()
