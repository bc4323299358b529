"""What a frozen network makes of images, computed once: a head trained on it costs seconds."""

import hashlib
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from visionfail.data import ImageSet
from visionfail.models.predict import predict


@dataclass(frozen=True, eq=False)
class Features:
    """The input of a network's last layer for images and for their mirror images.

    images and mirrored float32 (N, F), labels int64 (N,), with class names and origin of the
    images; `checksum` names them.
    """

    images: Tensor
    mirrored: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    origin: str

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def to(self, device: torch.device | str) -> "Features":
        """The same features on `device`."""
        return replace(
            self,
            images=self.images.to(device),
            mirrored=self.mirrored.to(device),
            labels=self.labels.to(device),
        )

    def at(self, index: Tensor) -> "Features":
        """The features of the images `index` int64 (M,) alone."""
        return replace(
            self,
            images=self.images[index],
            mirrored=self.mirrored[index],
            labels=self.labels[index],
        )

    def checksum(self) -> str:
        """The sha256 of features and labels in their order, 64 hex digits."""
        digest = hashlib.sha256()
        for tensor in (self.images, self.mirrored, self.labels):
            digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def views(self, index: Tensor, flip: Tensor) -> Tensor:
        """Features (B, F) of the images `index` (B,), mirrored where `flip` (B,) is true."""
        return torch.where(flip[:, None], self.mirrored[index], self.images[index])


def features_of(
    model: nn.Module,
    images: ImageSet,
    *,
    dtype: torch.dtype = torch.float32,
    mirrored: bool = True,
) -> Features:
    """The features of images, and of their mirror images or else the same again.

    The model's last layer is its child `fc`. It is run in eval mode and left as it was.
    """
    trunk = deepcopy(model)
    trunk.fc = nn.Identity()
    plain = predict(trunk, images.images, batch_size=128, dtype=dtype)
    flipped = plain
    if mirrored:
        flipped = predict(trunk, images.images.flip(3), batch_size=128, dtype=dtype)
    return Features(plain, flipped, images.labels, images.classes, images.origin)
