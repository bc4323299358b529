"""From bytes to numbers and back, and the two orders in which a batch can lie in memory.

Batches come as (N, C, H, W). A filter that mixes neighbours is quicker on (H, W, N * C): a shift by
one pixel is then a shift of one long row of memory, the same for all pictures, instead of a short
step in each of them.
"""

import torch
from torch import Tensor

GREY_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601


def to_unit(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The uint8 images as a fresh tensor in [0, 1].

    float64 where the published bytes have to come out exactly.
    """
    return images.to(dtype).div_(255)


def to_bytes_(x: Tensor) -> Tensor:
    """x in [0, 1] as uint8, cut off and not rounded, as the published generator does.

    It overwrites x.
    """
    return x.clamp_(0, 1).mul_(255).to(torch.uint8)


def pixels_first(images: Tensor) -> Tensor:
    """The images (N, C, H, W) as contiguous (H, W, N * C)."""
    count, channels, height, width = images.shape
    flat = images.reshape(count * channels, height * width)
    return flat.t().contiguous().view(height, width, count * channels)


def images_first(x: Tensor, channels: int) -> Tensor:
    """x (H, W, N * C) as contiguous (N, C, H, W)."""
    height, width, planes = x.shape
    flat = x.reshape(height * width, planes)
    return flat.t().contiguous().view(planes // channels, channels, height, width)


def grey(x: Tensor) -> Tensor:
    """The brightness (N, 1, H, W) of x (N, C, H, W); one channel is its own brightness."""
    if x.shape[1] == 1:
        return x
    red, green, blue = GREY_WEIGHTS
    return (x[:, 0:1] * red).add_(x[:, 1:2] * green).add_(x[:, 2:3] * blue)


def paint(colour: tuple[int, int, int], channels: int, like: Tensor) -> Tensor:
    """A colour of bytes as (C, 1, 1) in [0, 1], with the dtype and device of `like`.

    For one channel it is the colour's brightness.
    """
    rgb = torch.tensor(colour, dtype=torch.float64).view(1, 3, 1, 1) / 255
    return (grey(rgb) if channels == 1 else rgb)[0].to(like)
