"""What a network does first to its images: it brings them to a size, and normalises them."""

from collections.abc import Sequence

import torch
import torch.fx
from torch import Tensor, nn
from torch.nn.functional import interpolate

RESIZINGS = ("bilinear", "bicubic", "bicubic-pil")
SMALLEST_SIDE = 32


class Normalised(nn.Module):
    """Images in [0, 1], (N, C, H, W) -> logits (N, K).

    Mean and std are in here, so an attack's epsilon keeps its meaning in pixels.
    """

    mean: Tensor  # (1, C, 1, 1)
    std: Tensor  # (1, C, 1, 1)

    def normalise_with(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set the mean and std of each channel, in pixels of [0, 1]."""
        # not persistent: the state dict keeps torchvision's names, the checkpoint's card carries
        # mean and std
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward((images - self.mean) / self.std)


class ResizedInside(Normalised):
    """Images of any size are brought to `side` pixels, then normalised.

    So corruptions, attacks and maps are those of the images as they are. A norm whose weights are
    frozen stays in eval mode while the network trains: its statistics belong to those weights.
    """

    side = 224
    resizing = "bilinear"

    def resize_to(self, side: int, resizing: str) -> None:
        """Bring images to `side` pixels by one of RESIZINGS; ValueError for what cannot be."""
        if side < SMALLEST_SIDE:
            raise ValueError(
                f"side {side}: this stem halves images five times, pass {SMALLEST_SIDE} or more."
            )
        if resizing not in RESIZINGS:
            raise ValueError(
                f"unknown resizing {resizing!r}: choose one of {', '.join(RESIZINGS)}."
            )
        self.side = side
        self.resizing = resizing

    def train(self, mode: bool = True) -> "ResizedInside":
        """As nn.Module's, but norms with frozen weights stay in eval mode."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
                module.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(resized(images, side=self.side, resizing=self.resizing))


@torch.fx.wrap
def resized(images: Tensor, *, side: int, resizing: str) -> Tensor:
    """Float images (N, C, H, W) in [0, 1] at (N, C, side, side), cut to [0, 1].

    "bicubic" is torch's kernel (a = -0.75), "bicubic-pil" PIL's (a = -0.5), here on floats: PIL
    rounds between its two passes. Images that shrink are smoothed first, as PIL does.
    """
    shrinks = max(images.shape[-2:]) > side
    return interpolate(
        images,
        size=(side, side),
        mode="bicubic" if resizing == "bicubic-pil" else resizing,
        antialias=shrinks or resizing == "bicubic-pil",  # which has PIL's kernel
    ).clamp(0, 1)
