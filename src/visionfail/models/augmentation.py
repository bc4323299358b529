"""Augmentation by the batch: every image of a batch gets draws of its own, on its device."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate, pad
from torchvision.transforms import v2

from visionfail import devices
from visionfail.models.train_config import TrainConfig


def to_float(images: Tensor, *, side: int | None = None) -> Tensor:
    """Float32 images in [0, 1] of uint8 (N, C, H, W), shrunk to `side` pixels where given.

    Floats, such as features, keep their values.
    """
    if images.dtype != torch.uint8:
        return images.float()
    images = images.float().div_(255)
    if side is None or side == images.shape[-1]:
        return images
    return interpolate(images, size=(side, side), mode="bilinear", antialias=True)


def laid_out(images: Tensor, layout: torch.memory_format | None = None) -> Tensor:
    """Images (N, C, H, W) as convolutions are fastest on their device; features as they are.

    Or in the `layout` given.
    """
    if images.ndim != 4:
        return images
    return images.contiguous(memory_format=layout or devices.memory_layout(images.device))


def draw_evenly(*shape: int, generator: torch.Generator) -> Tensor:
    """Numbers drawn evenly from [0, 1), float32 on the CPU, whatever the defaults."""
    return torch.rand(*shape, generator=generator, dtype=torch.float32, device="cpu")


def draw_moves(n: int, *, padding: int, generator: torch.Generator) -> Tensor:
    """Where n images are cropped from their padded frames, rows and columns: int64 (2, n)."""
    return torch.randint(2 * padding + 1, (2, n), generator=generator, device="cpu")


def augment(images: Tensor, *, padding: int, flip: Tensor, generator: torch.Generator) -> Tensor:
    """Images (N, C, H, W) cropped from a zero-padded frame, mirrored where `flip` (N,) is true.

    Each image is cropped to its size at a place of its own, up to `padding` pixels away.
    """
    moves = draw_moves(len(images), padding=padding, generator=generator)
    return crop(images, padding=padding, flip=flip, moves=moves.to(images.device))


def crop(images: Tensor, *, padding: int, flip: Tensor, moves: Tensor) -> Tensor:
    """`augment` with the draws `moves` (2, N) of `draw_moves`, on the images' device."""
    n, _, height, width = images.shape
    images = torch.where(flip.view(-1, 1, 1, 1), images.flip(3), images)
    rows = moves[0, :, None] + torch.arange(height, device=images.device)  # (N, H)
    columns = moves[1, :, None] + torch.arange(width, device=images.device)  # (N, W)
    # channels last, so that a pixel is gathered whole: (N, H + 2 padding, W + 2 padding, C)
    padded = pad(images, (padding,) * 4).permute(0, 2, 3, 1)
    batch = torch.arange(n, device=images.device)[:, None, None]  # (N, 1, 1)
    cropped = padded[batch, rows[:, :, None], columns[:, None, :]]  # (N, H, W, C)
    return cropped.permute(0, 3, 1, 2)


def rotate(images: Tensor, *, degrees: float, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W), each turned about its middle by an angle of its own.

    The angle is uniform in +-`degrees`; what comes in from outside repeats the border.
    """
    n = len(images)
    angle = (2 * draw_evenly(n, generator=generator) - 1) * math.radians(degrees)
    cosine = angle.cos()
    sine = angle.sin()
    zero = torch.zeros_like(angle)
    matrix = torch.stack([cosine, -sine, zero, sine, cosine, zero], dim=1).view(n, 2, 3)
    matrix = matrix.to(images.device)
    places = affine_grid(matrix, list(images.shape), align_corners=False)  # (N, H, W, 2)
    return grid_sample(images, places, mode="bilinear", padding_mode="border", align_corners=False)


def jitter_colours(images: Tensor, *, jitter: float, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W) in [0, 1] with contrast, brightness and gains changed at random.

    Each factor is uniform in 1 +- `jitter`, half of it for a channel's gain, and drawn for every
    image.
    """
    n, channels = images.shape[:2]
    draws = 2 * draw_evenly(n, 2 + channels, 1, 1, generator=generator).to(images.device) - 1
    contrast = 1 + jitter * draws[:, 0:1]  # (N, 1, 1, 1)
    brightness = 1 + jitter * draws[:, 1:2]  # (N, 1, 1, 1)
    gain = 1 + jitter / 2 * draws[:, 2:]  # (N, C, 1, 1)
    middle = images.mean((1, 2, 3), keepdim=True)  # (N, 1, 1, 1)
    changed = (middle + contrast * (images - middle)) * brightness * gain
    return changed.clamp_(0, 1)


def invert(images: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W) in [0, 1], a random `share` of them as negatives."""
    draws = draw_evenly(len(images), 1, 1, 1, generator=generator)
    chosen = draws.to(images.device) < share
    return torch.where(chosen, 1 - images, images)


def cut_out(images: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W), each with a grey square of `size` pixels at a random place.

    Near the rim the square lies partly outside. DeVries and Taylor 2017, arXiv:1708.04552.
    """
    n, _, height, width = images.shape
    centre = draw_evenly(2, n, 1, generator=generator).to(images.device)
    rows = torch.arange(height, device=images.device) - centre[0] * height  # (N, H)
    columns = torch.arange(width, device=images.device) - centre[1] * width  # (N, W)
    hidden = (rows.abs() < size / 2)[:, :, None] & (columns.abs() < size / 2)[:, None, :]
    return torch.where(hidden[:, None], 0.5, images)  # hidden (N, 1, H, W)


def vary(images: Tensor, config: TrainConfig, *, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W) in [0, 1], turned, recoloured, inverted and hidden as configured.

    Nothing is drawn for what the configuration does not ask for.
    """
    if config.rotation:
        images = rotate(images, degrees=config.rotation, generator=generator)
    if config.jitter:
        images = jitter_colours(images, jitter=config.jitter, generator=generator)
    if config.invert:
        images = invert(images, share=config.invert, generator=generator)
    if config.cutout:
        size = round(config.cutout * images.shape[-1] / 32)
        images = cut_out(images, size=size, generator=generator)
    return images


MIXERS = {"cutmix": v2.CutMix, "mixup": v2.MixUp}


def mix(
    images: Tensor, labels: Tensor, *, kind: str, classes: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Float images (B, C, H, W), each mixed with its neighbour, and shares of classes (B, K).

    "mixup" takes features (B, F) as well.

    "cutmix" pastes a rectangle of the neighbour (Yun et al. 2019, arXiv:1905.04899), "mixup" takes
    a mean of both (Zhang et al. 2018, arXiv:1710.09412). The share lambda is drawn uniformly, once
    a batch; a label's share is that of the pixels. ValueError for another kind.
    """
    if kind not in MIXERS:
        raise ValueError(f"unknown mix {kind!r}: choose one of {', '.join(MIXERS)}.")
    seed = int(torch.randint(2**31, (), generator=generator, device="cpu"))
    # torchvision draws from the CPU's global generator: forked, so nobody else's draws move
    with devices.seeded(seed), devices.usual_defaults():
        mixer = MIXERS[kind](alpha=1.0, num_classes=classes)
        if images.ndim == 2:  # torchvision mixes pictures only
            mixed, shares = mixer(images[:, :, None, None], labels)
            return mixed[:, :, 0, 0], shares
        return mixer(images, labels)
