"""Maps that should share nothing with a clean one: how much they overlap with it all the same.

They are of another class, of no image at all, or of a network whose weights were lost from the top
down (Adebayo et al. 2018, arXiv:1810.03292).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from visionfail import explain, models
from visionfail.data import ImageSet
from visionfail.studies import stored
from visionfail.studies.saliency import drift
from visionfail.studies.saliency.drift import Drift
from visionfail.studies.saliency.means import mean_of_finite

RANDOM_SEED = 1000  # of the weights drawn anew; no training uses it
ANOTHER_CLASS = "another class"  # the second most likely one, same image and network
BLOB = "centred blob"  # one map for every image
WITHOUT = "without what was learnt: "  # and the lowest part that is randomised


def load_or_measure_control(
    path: Path,
    network: nn.Module,
    clean: ImageSet,
    classes: np.ndarray,
    *,
    train: ImageSet,
    weights: str,
) -> tuple[Drift, str]:
    """(drift, "loaded" | "computed") of the network without anything that it learnt.

    Every layer is randomised, and norms have the statistics of `train`; the maps are of the same
    `classes` (N,) at the same layer. `weights` says which the trained ones are.
    """
    parts = explain.parts_from_the_top(network)

    def build() -> nn.Module:
        names = _names(parts, len(parts))
        return explain.randomised(network, names, train.images, seed=RANDOM_SEED)

    return drift.load_or_build_and_measure(
        path,
        build,
        clean,
        classes,
        weights=control_weights(weights, train),
        layer=explain.gradcam_layers(network)[0],
    )


def control_weights(weights: str, train: ImageSet) -> str:
    """What the weights of the control are, in words, of trained ones and images for its norms."""
    return f"{weights}, randomised with seed {RANDOM_SEED} on {train.checksum()}"


def _names(parts: Mapping[str, tuple[str, ...]], count: int) -> list[str]:
    """The modules of the first `count` parts."""
    names = []
    for modules in list(parts.values())[:count]:
        names += modules
    return names


def load_or_compare_maps(
    path: Path,
    network: nn.Module,
    clean: ImageSet,
    classes: np.ndarray,
    *,
    train: ImageSet,
    weights: str,
) -> tuple[dict[str, np.ndarray], str]:
    """({control: overlap with the clean map (N,)}, "loaded" | "computed"), stored at `path`.

    Clean maps are of `classes` (N,), those named on the clean images. The controls are
    ANOTHER_CLASS, BLOB, and WITHOUT each part of the network and all above it, whose norms get the
    statistics of `train`. NaN where a map is empty.
    """
    identity = drift.identity_of(clean, classes, weights=weights)
    identity["train"] = train.checksum()
    parts = explain.parts_from_the_top(network)
    fields = [ANOTHER_CLASS, BLOB]
    fields += [WITHOUT + lowest for lowest in parts]

    def compute() -> tuple[stored.Arrays, dict]:
        return compare_maps(network, clean, classes, train=train), identity

    overlaps, _, how = stored.load_or_compute(path, compute, identity=identity, fields=fields)
    return overlaps, how


def compare_maps(
    network: nn.Module, clean: ImageSet, classes: np.ndarray, *, train: ImageSet
) -> dict[str, np.ndarray]:
    """The overlaps {control: float16 (N,)} of `load_or_compare_maps`."""
    of_class = torch.as_tensor(classes)
    maps = explain.gradcam(network, clean.images, of_class)
    blob = np.broadcast_to(explain.centred_blob(*maps.shape[1:]), maps.shape)
    others = {
        ANOTHER_CLASS: explain.gradcam(
            network, clean.images, _second_classes(network, clean, classes)
        ),
        BLOB: blob,
    }
    parts = explain.parts_from_the_top(network)
    for count, lowest in enumerate(parts, start=1):
        names = _names(parts, count)
        control = explain.randomised(network, names, train.images, seed=RANDOM_SEED)
        others[WITHOUT + lowest] = explain.gradcam(control, clean.images, of_class)
    return {name: explain.overlap(maps, other).astype(np.float16) for name, other in others.items()}


def _second_classes(network: nn.Module, clean: ImageSet, classes: np.ndarray) -> torch.Tensor:
    """The most likely class (N,) of each image but for the one in `classes` (N,)."""
    logits = models.predict(network, clean.images).clone()  # (N, K)
    logits[torch.arange(len(classes)), torch.as_tensor(classes)] = -torch.inf
    return logits.argmax(dim=1)


def cascade_table(
    overlaps: Mapping[str, np.ndarray], measured: Drift, counts: np.ndarray
) -> pd.DataFrame:
    """A row per step of randomisation: part, overlap with the trained maps, lo, hi, empty maps, n.

    `overlaps` are those of `load_or_compare_maps`; "empty maps" is the share of those that say
    nothing. Means and intervals (95%) are over the images that `measured` has right when clean.
    """
    mask = measured.right_when_clean
    rows = []
    for name, overlap in overlaps.items():
        if not name.startswith(WITHOUT):
            continue
        value, lo, hi = mean_of_finite(overlap[None], mask, counts).interval()
        row = {"randomised down to": name.removeprefix(WITHOUT), "overlap": value}
        row["lo"] = lo
        row["hi"] = hi
        row["empty maps"] = np.isnan(overlap[mask]).mean()
        row["n"] = int(np.isfinite(overlap[mask]).sum())
        rows.append(row)
    return pd.DataFrame(rows)
