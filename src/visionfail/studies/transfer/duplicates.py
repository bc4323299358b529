"""Test images that were, nearly, seen in training: exact and near duplicates.

Barz and Denzler 2020, arXiv:1902.00423, found them for 3.3% of CIFAR-10's test images, by eye.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize, pad

from visionfail import files, profiles
from visionfail.studies import stored
from visionfail.studies.run import Run
from visionfail.studies.transfer.ladder import training_positions

# Two images are near duplicates where both are reached, chosen by eye on 160 pairs: the correlation
# of their pixels, and that of what differs from a pixel's neighbours, which two skies do not share.
NEAR = 0.85
SAME_DETAIL = 0.3
BLOCK = 500  # test images compared at a time


@dataclass(frozen=True, eq=False)
class Nearest:
    """The training image that is most like each of N test images, mirrored or not.

    correlation float32 (N,), of all pixels and channels; detail float32 (N,), of what differs from
    a pixel's neighbours; index int64 (N,) counts the images of "train", then of "val"; exact bool
    (N,) where the bytes are equal; in_ladder bool (N,) where it is one that the ladder learns from.
    """

    correlation: np.ndarray
    detail: np.ndarray
    index: np.ndarray
    exact: np.ndarray
    in_ladder: np.ndarray

    def near(self) -> np.ndarray:
        """Whether each test image has a near duplicate in "train" or "val", (N,)."""
        return (self.correlation >= NEAR) & (self.detail >= SAME_DETAIL)

    def learnt(self, count: int) -> np.ndarray:
        """Whether a near duplicate is among the first `count` training images, (N,)."""
        return self.near() & (self.index < count)

    def learnt_by_ladder(self) -> np.ndarray:
        """Whether a near duplicate is among the images that the ladder learns from, (N,)."""
        return self.near() & self.in_ladder


def load_or_find_duplicates(run: Run) -> Nearest:
    """Nearest of CIFAR-10's test images among its training and validation images.

    Stored in results/transfer-duplicates.npz; in quick loaded as it is.
    """
    path = profiles.FULL.results / "transfer-duplicates.npz"
    fields = ["correlation", "detail", "index", "exact", "in_ladder"]
    if run.profile.name == "quick":
        arrays, _ = files.load_arrays(path)
        return Nearest(**{field: arrays[field] for field in fields})
    sets = run.sets
    identity = {split: images.checksum() for split, images in sets.items()}

    def compute() -> tuple[stored.Arrays, dict]:
        seen = torch.cat([sets["train"].images, sets["val"].images])
        ladder = training_positions(sets["train"])
        found = find_nearest(sets["test"].images, seen, ladder=ladder)
        return {field: getattr(found, field) for field in fields}, identity

    arrays, _, _ = stored.load_or_compute(path, compute, identity=identity, fields=fields)
    return Nearest(**{field: arrays[field] for field in fields})


def find_nearest(test: Tensor, seen: Tensor, *, ladder: np.ndarray) -> Nearest:
    """The Nearest of images uint8 (N, C, H, W) among those `seen` (M, C, H, W).

    `ladder` are the positions of those that the ladder learns from.
    """
    known = unit_images(seen)  # (M, D)
    mirrored = unit_images(test.flip(3))
    best = []
    for plain, flipped in zip(unit_images(test).split(BLOCK), mirrored.split(BLOCK), strict=True):
        alike = torch.maximum(plain @ known.T, flipped @ known.T)  # (BLOCK, M)
        best.append(alike.max(dim=1))
    correlation = torch.cat([block.values for block in best])
    index = torch.cat([block.indices for block in best])
    partner = seen[index]
    detail = likeness(details(test), details(partner))
    exact = (test == partner).flatten(1).all(dim=1)
    found = {"correlation": correlation, "detail": detail, "index": index, "exact": exact}
    arrays = {name: tensor.numpy() for name, tensor in found.items()}
    return Nearest(**arrays, in_ladder=np.isin(arrays["index"], ladder))


def likeness(images: Tensor, others: Tensor) -> Tensor:
    """The correlation of each image with its other (N, C, H, W), mirrored or not: (N,)."""
    known = unit_images(others)
    plain = (unit_images(images) * known).sum(dim=1)
    return torch.maximum(plain, (unit_images(images.flip(3)) * known).sum(dim=1))


def details(images: Tensor) -> Tensor:
    """What each pixel differs from the mean of its 3x3 neighbourhood, float32 (N, C, H, W)."""
    values = images.float()
    return values - avg_pool2d(pad(values, (1, 1, 1, 1), mode="reflect"), 3, stride=1)


def unit_images(images: Tensor) -> Tensor:
    """Images as vectors float32 (N, D) of mean 0 and length 1: products are correlations."""
    values = images.flatten(1).float()
    return normalize(values - values.mean(dim=1, keepdim=True), dim=1)
