"""How far a network's Grad-CAM maps move when its images get worse, stored per image.

Every map is of the class that the network names on the clean image, so that a map which moves is
not simply a map of something else. What is claimed of the maps is in `claims`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from visionfail import corruptions, devices, explain, files, metrics, models
from visionfail.data import ImageSet
from visionfail.evaluation import Answers
from visionfail.studies import stored

Version = tuple[str, int]  # "clean", "jitter" or a corruption, and severity
CORE = ("contrast", "fog", "motion_blur", "gaussian_noise", "jpeg_compression", "brightness")
SEVERITIES = (1, 3, 5)
CLEAN = ("clean", 0)
JITTER = ("jitter", 0)


def _conditions() -> tuple[Version, ...]:
    """CLEAN, JITTER, then each corruption of CORE at each of SEVERITIES."""
    versions = [CLEAN, JITTER]
    for name in CORE:
        versions += [(name, severity) for severity in SEVERITIES]
    return tuple(versions)


CONDITIONS = _conditions()
STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # image k is moved by the (k mod 4)th
NOISE = 2 / 255  # standard deviation of the jitter, in pixels of [0, 1]
MEASURES = ("overlap", "shift", "entropy", "centre")


@dataclass(frozen=True, eq=False)
class Drift(Answers):
    """A network's answers and maps per version (M, as CONDITIONS) and image (N).

    predicted uint8; log_odds of the confidence and class_log_odds of the class that the maps are
    of, (M, N). Of each map against the clean one overlap in [0, 1] and shift of the centre in
    shares of the side; by itself entropy in [0, 1] and centre, the share of it in the middle
    quarter: (M, N), NaN where a map is empty. labels (N,); `made` says of which weights, images and
    layer.
    """

    labels: np.ndarray
    predicted: np.ndarray
    log_odds: np.ndarray
    class_log_odds: np.ndarray
    overlap: np.ndarray
    shift: np.ndarray
    entropy: np.ndarray
    centre: np.ndarray
    made: dict

    @property
    def measures(self) -> dict[str, np.ndarray]:
        """{measure: (M, N)} by the names in MEASURES."""
        return {
            "overlap": self.overlap,
            "shift": self.shift,
            "entropy": self.entropy,
            "centre": self.centre,
        }

    @property
    def right_when_clean(self) -> np.ndarray:
        """Whether the answer to each clean image is right, bool (N,)."""
        return self.correct[CONDITIONS.index(CLEAN)]

    @property
    def empty(self) -> np.ndarray:
        """How many maps of each version say nothing, (M,)."""
        return np.isnan(self.entropy).sum(axis=1)

    def rows(self, versions: Sequence[Version]) -> list[int]:
        """The rows of `versions` in the arrays; ValueError for one that is not in CONDITIONS."""
        return [CONDITIONS.index(version) for version in versions]

    def save(self, path: Path) -> None:
        """Write one compressed .npz without pickled objects, whole or not at all."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        files.save_arrays(path, arrays, made=self.made)

    @classmethod
    def load(cls, path: Path) -> "Drift":
        """The drift that `save` wrote to `path`; FileNotFoundError where there is nothing."""
        with files.reading(path, remedy="restore it (git checkout), or remove it and run again"):
            arrays, record = files.load_arrays(path)
            return cls(made=record, **arrays)


ARRAYS = tuple(field.name for field in fields(Drift) if field.name != "made")


# ---- versions of an image


def shift_by_one(pictures: np.ndarray, *, back: bool = False) -> np.ndarray:
    """Pictures (N, ..., H, W), the kth moved by one pixel as STEPS says, or back.

    The rim is repeated.
    """
    sign = -1 if back else 1
    height, width = pictures.shape[-2:]
    rim = [(0, 0)] * (pictures.ndim - 2) + [(1, 1), (1, 1)]
    padded = np.pad(pictures, rim, mode="edge")  # (N, ..., H + 2, W + 2)
    moved = np.empty_like(pictures)
    for k, (down, right) in enumerate(STEPS):
        rows = slice(1 - sign * down, 1 - sign * down + height)
        columns = slice(1 - sign * right, 1 - sign * right + width)
        moved[k :: len(STEPS)] = padded[k :: len(STEPS), ..., rows, columns]
    return moved


def jitter(images: Tensor, *, seed: int = 0) -> Tensor:
    """uint8 images (N, C, H, W) moved by one pixel, with Gaussian noise of NOISE.

    That is a change which nobody would mind.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(images.shape, generator=generator) * NOISE * 255
    moved = torch.from_numpy(shift_by_one(images.numpy()))
    return (moved + noise).round().clamp(0, 255).to(torch.uint8)


def make_version(images: Tensor, name: str, severity: int) -> Tensor:
    """uint8 images (N, C, H, W) clean, jittered or corrupted; image k is the kth of the set."""
    if (name, severity) == JITTER:
        return jitter(images)
    return images if severity == 0 else corruptions.corrupt(images, name, severity)


# ---- measured


def measure_drift(
    model: nn.Module, clean: ImageSet, classes: np.ndarray, *, layer: str
) -> dict[str, np.ndarray]:
    """The ARRAYS of a Drift of `model`, each of (M, N), and labels (N,).

    Maps are of `classes` (N,) at `layer`.
    """
    clean_maps = None
    rows = []
    for name, severity in tqdm(CONDITIONS, unit="condition"):
        images = make_version(clean.images, name, severity)
        maps = explain.gradcam(model, images, torch.as_tensor(classes), layer=layer)
        if (name, severity) == JITTER:
            maps = shift_by_one(maps, back=True)
        if clean_maps is None:  # CONDITIONS begin with CLEAN
            clean_maps = maps
        row = _measures_of_maps(clean_maps, maps)
        logits = models.predict(model, images)
        row["predicted"] = logits.argmax(1).numpy().astype(np.uint8)
        row["log_odds"] = metrics.log_odds(logits).astype(np.float16)
        row["class_log_odds"] = metrics.log_odds(logits, classes).astype(np.float16)
        rows.append(row)
    arrays = {"labels": clean.labels.numpy().astype(np.uint8)}
    for field in rows[0]:
        arrays[field] = np.stack([row[field] for row in rows])  # (M, N)
    return arrays


def _measures_of_maps(clean_maps: np.ndarray, maps: np.ndarray) -> dict[str, np.ndarray]:
    """{measure: float16 (N,)} of maps (N, H, W) against the clean ones."""
    measures = {
        "overlap": explain.overlap(clean_maps, maps),
        "shift": explain.centroid_shift(clean_maps, maps) / maps.shape[-1],
        "entropy": explain.map_entropy(maps),
        "centre": explain.centre_mass(maps),
    }
    return {measure: values.astype(np.float16) for measure, values in measures.items()}


def load_or_measure_drift(
    path: Path,
    model: nn.Module,
    clean: ImageSet,
    classes: np.ndarray,
    *,
    weights: str,
    layer: str | None = None,
) -> tuple[Drift, str]:
    """(drift, "loaded" | "computed"): loaded from `path`, else measured and saved there.

    Loaded where `path` holds that of these weights (the card's sha256, or what they are), images,
    classes and layer.
    """
    layer = layer or explain.gradcam_layers(model)[0]
    return load_or_build_and_measure(
        path, lambda: model, clean, classes, weights=weights, layer=layer
    )


def load_or_build_and_measure(
    path: Path,
    build: Callable[[], nn.Module],
    clean: ImageSet,
    classes: np.ndarray,
    *,
    weights: str,
    layer: str,
) -> tuple[Drift, str]:
    """The same of a network that is built only where its drift has to be measured."""
    identity = identity_of(clean, classes, weights=weights)
    identity["layer"] = layer

    def compute() -> tuple[stored.Arrays, dict]:
        model = build()
        device = devices.describe_device(next(model.parameters()).device)
        arrays = measure_drift(model, clean, classes, layer=layer)
        return arrays, dict(identity, device=device)

    arrays, record, how = stored.load_or_compute(path, compute, identity=identity, fields=ARRAYS)
    return Drift(made=record, **arrays), how


def identity_of(clean: ImageSet, classes: np.ndarray, *, weights: str) -> dict:
    """What a stored measure is of: weights (a sha256, or what they are), images and classes."""
    with_classes = replace(clean, labels=torch.as_tensor(classes, dtype=torch.int64))
    return {
        "weights": weights,
        "images": clean.checksum(),
        "origin": clean.origin,
        "n": len(clean),
        "images and classes": with_classes.checksum(),
    }
