"""ImageSet: images, labels, class names and where the images come from."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

ORIGINS = ("official", "identical", "regenerated", "subset", "own", "standin")


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels, class names and origin; ValueError for what does not fit together.

    `origin` goes with every number made from the images: "official"; "identical" (regenerated, with
    the published MD5); "regenerated"; "subset" (some of the official images); "own" (of somebody's
    folder); "standin" (other images in their place). Images of one group show one thing (a house, a
    sign), so n counts groups.
    """

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N,)
    classes: tuple[str, ...]
    origin: str
    groups: Tensor | None = None  # int64 (N,), where they are known

    def __post_init__(self) -> None:
        _check_images(self.images)
        _check_labels(self.labels, len(self.images), len(self.classes))
        if self.origin not in ORIGINS:
            raise ValueError(f"unknown origin {self.origin!r}: choose one of {', '.join(ORIGINS)}.")
        if self.groups is not None:
            _check_groups(self.groups, len(self.images))

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def to(self, device: torch.device | str) -> "ImageSet":
        """The same set with images, labels and groups on `device`."""
        groups = None if self.groups is None else self.groups.to(device)
        return replace(
            self, images=self.images.to(device), labels=self.labels.to(device), groups=groups
        )

    def group_numbers(self) -> np.ndarray:
        """The group of each image, int64 (N,); where none are known each image is its own."""
        return np.arange(len(self)) if self.groups is None else self.groups.cpu().numpy()

    def first(self, count: int) -> "ImageSet":
        """The first `count` images, or this very set if it has no more.

        A part of an official set is of origin "subset". ValueError where count is below 1.
        """
        if count < 1:
            raise ValueError(f"{count} images asked for: ask for at least 1.")
        if count >= len(self):
            return self
        return self.at(torch.arange(count, device=self.images.device))

    def at(self, index: Tensor) -> "ImageSet":
        """The images `index` int64 (M,) alone; a part of an official set is of origin "subset"."""
        origin = "subset" if self.origin in ("official", "identical") else self.origin
        groups = None if self.groups is None else self.groups[index]
        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            origin=origin,
            groups=groups,
        )

    @classmethod
    def of_arrays(
        cls,
        images: np.ndarray,
        labels: np.ndarray,
        classes: tuple[str, ...],
        origin: str,
        *,
        groups: np.ndarray | None = None,
    ) -> "ImageSet":
        """The set of numpy's arrays, whose memory it shares."""
        return cls(
            torch.from_numpy(images),
            torch.from_numpy(labels),
            classes,
            origin,
            groups=None if groups is None else torch.from_numpy(groups),
        )

    def renamed(self, order: tuple[str, ...], names: tuple[str, ...]) -> "ImageSet":
        """The same images with the classes in another `order` and under other names."""
        place = torch.tensor(
            [order.index(name) for name in self.classes], device=self.labels.device
        )
        return replace(self, labels=place[self.labels], classes=names)

    def checksum(self) -> str:
        """The sha256 of pixels and labels in their order, 64 hex digits.

        Results and model cards name their data by it.
        """
        digest = hashlib.sha256(self.images.cpu().contiguous().numpy().data)
        digest.update(self.labels.cpu().contiguous().numpy().data)
        return digest.hexdigest()


def _check_images(images: Tensor) -> None:
    """Raises ValueError unless images are uint8 (N, 1 or 3, H, W), at least one."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(
            f"images are {images.dtype} {tuple(images.shape)}: pass uint8 (N, C, H, W) with 1 or 3 "
            "channels."
        )
    if len(images) == 0:
        raise ValueError(
            f"images are {tuple(images.shape)}, an empty set: pass at least one image."
        )


def _check_labels(labels: Tensor, images: int, classes: int) -> None:
    """Raises ValueError unless labels are int64 (images,) from 0 to classes - 1."""
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise ValueError(f"labels are {labels.dtype} {tuple(labels.shape)}: pass int64 (N,).")
    if len(labels) != images:
        raise ValueError(f"{len(labels)} labels for {images} images: pass one label per image.")
    low = int(labels.min())
    high = int(labels.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"labels run from {low} to {high}, out of range for {classes} classes: they must lie "
            f"in 0 to {classes - 1}."
        )


def _check_groups(groups: Tensor, images: int) -> None:
    """Raises ValueError unless groups are int64 (images,)."""
    if groups.dtype != torch.int64 or groups.shape != (images,):
        raise ValueError(
            f"groups are {groups.dtype} {tuple(groups.shape)} for {images} images: pass int64 "
            "(N,), a group per image."
        )
