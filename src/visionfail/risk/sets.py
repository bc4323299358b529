"""Two real sets whose classes are taken for safe and unsafe."""

import dataclasses

import numpy as np
import torch

from visionfail import data
from visionfail.data import ImageSet
from visionfail.risk.pictures import CLASSES

NAMES = {"gtsrb": "GTSRB", "imagenette": "Imagenette"}
# stop, yield, no entry, and all signs that prohibit (the "prohibitory" category of the German
# Traffic Sign Detection Benchmark): to miss one is the unsafe error
SIGNS = (
    "stop",
    "yield",
    "no entry",
    "no vehicles",
    "no trucks",
    "no passing",
    "no passing for trucks",
    *(f"speed limit {limit}" for limit in (20, 30, 50, 60, 70, 80, 100, 120)),
)
THINGS = ("chain saw", "gas pump")  # two of ten classes stand for what is unsafe
UNSAFE = {"gtsrb": SIGNS, "imagenette": THINGS}
# GTSRB's signs are known in the training tracks alone, so held-out tracks are the test
PARTS = {
    "gtsrb": {"train": "train", "val": "val", "test": "heldout"},
    "imagenette": {"train": "train", "val": "val", "test": "test"},
}


def as_risk(images: ImageSet, unsafe: tuple[str, ...]) -> tuple[ImageSet, tuple[str, ...]]:
    """(the pictures labelled safe and unsafe, the name of each one's class).

    ValueError for an unsafe class that the set has not.
    """
    missing = set(unsafe) - set(images.classes)
    if missing:
        raise ValueError(f"no class {', '.join(sorted(missing))}: choose among {images.classes}.")
    names = np.array(images.classes)[images.labels.numpy()]
    labels = torch.from_numpy(np.isin(names, unsafe).astype(np.int64))
    groups = torch.from_numpy(images.group_numbers())
    relabelled = dataclasses.replace(images, labels=labels, classes=CLASSES, groups=groups)
    return relabelled, tuple(names.tolist())


def risk_sets(
    name: str, *, download: bool = True
) -> tuple[dict[str, ImageSet], dict[str, tuple[str, ...]]]:
    """({part: pictures}, {part: the name of each one's class}) of "gtsrb" or "imagenette".

    Without `download` nothing is fetched; errors as in `data.load`.
    """
    parts = {}
    kinds = {}
    for part, split in PARTS[name].items():
        images = data.load(name, split, download=download)
        parts[part], kinds[part] = as_risk(images, UNSAFE[name])
    return parts, kinds
