"""Whether maps are faithful: hiding where a map is strong, beside hiding elsewhere.

Pixels are hidden in clean and in corrupted images, and the log-odds of the class named on the clean
image are asked before and after.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from visionfail import explain
from visionfail.claims import verdict_of
from visionfail.data import ImageSet
from visionfail.studies import stored
from visionfail.studies.saliency import drift
from visionfail.studies.saliency.drift import CORE
from visionfail.studies.saliency.means import mean_of_finite

OCCLUDED = (0, 3, 5)  # severities
# a fifth of the pixels each: where the image's own map is strongest, where it is weakest, where a
# random map is strongest that is as smooth, in the middle, and where the clean image's map is
HIDDEN = ("own map", "weakest of it", "random map", "middle", "clean map")
CELLS = 4  # of a random map, to each side


def load_or_occlude(
    path: Path, model: nn.Module, clean: ImageSet, classes: np.ndarray, *, weights: str
) -> tuple[np.ndarray, str]:
    """(falls (HIDDEN, OCCLUDED, N), "loaded" | "computed"), stored at `path`.

    By how much the log-odds of `classes` (N,) fall when pixels are hidden, NaN where the own map is
    empty; at each severity image k is under the (k mod 6)th corruption of CORE. Loaded where `path`
    holds those of these weights, images and classes.
    """
    identity = drift.identity_of(clean, classes, weights=weights)
    identity["hidden"] = list(HIDDEN)
    identity["severities"] = list(OCCLUDED)

    def compute() -> tuple[stored.Arrays, dict]:
        falls = measure_occlusion(model, clean, classes)
        return {"falls": falls.astype(np.float16)}, identity

    arrays, _, how = stored.load_or_compute(path, compute, identity=identity, fields=["falls"])
    return arrays["falls"], how


def measure_occlusion(model: nn.Module, clean: ImageSet, classes: np.ndarray) -> np.ndarray:
    """The falls (HIDDEN, OCCLUDED, N) of `load_or_occlude`."""
    of_class = torch.as_tensor(classes)
    clean_maps = explain.gradcam(model, clean.images, of_class)
    falls = []
    for severity in OCCLUDED:
        images = corrupted_in_turn(clean.images, severity)
        maps = explain.gradcam(model, images, of_class)
        hidden = _hidden_pixels(maps, clean_maps)
        falls_at_severity = explain.fall_when_hidden(model, images, classes, hidden)  # (HIDDEN, N)
        falls.append(np.where(explain.is_empty(maps), np.nan, falls_at_severity))
    return np.stack(falls, axis=1)


def corrupted_in_turn(images: Tensor, severity: int) -> Tensor:
    """uint8 images (N, C, H, W), the kth under the (k mod 6)th corruption of CORE."""
    corrupted = images.clone()
    for k, name in enumerate(CORE):
        version = drift.make_version(images, name, severity)  # draws go by index
        corrupted[k :: len(CORE)] = version[k :: len(CORE)]
    return corrupted


def _hidden_pixels(maps: np.ndarray, clean_maps: np.ndarray) -> list[np.ndarray]:
    """The pixels to hide as HIDDEN says, bool (N, H, W) each, from maps (N, H, W)."""
    middle = np.broadcast_to(explain.centred_blob(*maps.shape[1:]), maps.shape)
    ranked = (maps, -maps, random_maps(maps.shape), middle, clean_maps)
    return [explain.top_pixels(values).reshape(maps.shape) for values in ranked]


def random_maps(shape: Sequence[int], *, seed: int = 0) -> np.ndarray:
    """Random maps of `shape` (N, H, W), as smooth as Grad-CAM's: few cells, enlarged."""
    generator = torch.Generator().manual_seed(seed)
    cells = torch.rand((shape[0], 1, CELLS, CELLS), generator=generator)
    return interpolate(cells, size=tuple(shape[1:]), mode="bilinear")[:, 0].numpy()


def occlusion_table(falls: np.ndarray, right: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """A row per severity and way to hide: how far the class's log-odds fall.

    `falls` (HIDDEN, OCCLUDED, N); means over the images that are `right` (N,) when clean, and in
    the resamples of counts (B, N). Columns: severity, hidden, fall, fall_lo, fall_hi (95%); less,
    lo, hi: by how much less than where the own map is strongest, paired by image; verdict on the
    own map being the better guide, less above 0; n.
    """
    rows = []
    by_severity = falls.astype(np.float64).swapaxes(0, 1)  # (OCCLUDED, HIDDEN, N)
    for severity, of_severity in zip(OCCLUDED, by_severity, strict=True):
        own_map = of_severity[:1]  # (1, N)
        for hidden, of_hidden in zip(HIDDEN, of_severity, strict=True):
            if severity == 0 and hidden == "clean map":
                continue  # it is the own map
            row = {"severity": severity, "hidden": hidden}
            fall = mean_of_finite(of_hidden[None], right, counts)
            row["fall"], row["fall_lo"], row["fall_hi"] = fall.interval()
            if hidden != HIDDEN[0]:
                less = mean_of_finite(own_map - of_hidden, right, counts)
                row["less"], row["lo"], row["hi"] = less.interval()
                row["verdict"] = verdict_of(row["lo"], row["hi"], low=0, high=np.inf)
            row["n"] = int((np.isfinite(own_map[0]) & right).sum())
            rows.append(row)
    return pd.DataFrame(rows)
