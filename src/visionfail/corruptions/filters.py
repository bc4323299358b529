"""Linear filters that corruptions share: Gaussian smoothing, centre zoom, motion blur.

Everything is spelled out in single multiplications and additions. A matrix product or a convolution
would be shorter, but the order in which those add depends on the size of the batch, and with it the
last bit of the result.
"""

import math

import numpy as np
import torch
from torch import Tensor


def gaussian_weights(sigma: float, radius: int) -> list[float]:
    """The 2 radius + 1 weights of a Gaussian, which sum to one, by C's exp.

    numpy's rounds differently from release to release, and with it bytes of blurred images.
    """
    if radius == 0:
        return [1.0]
    places = range(-radius, radius + 1)
    weights = np.array([math.exp(-0.5 / (sigma * sigma) * place**2) for place in places])
    return (weights / weights.sum()).tolist()


def border_index(size: int, radius: int, border: str) -> Tensor:
    """The pixels that stand at -radius ... size + radius - 1, int64 (size + 2 radius,).

    `border` is nearest (aa|abc), reflect (ba|abc) or mirror (cb|abc). The names are scipy's; OpenCV
    calls them replicate, reflect and reflect 101.
    """
    index = torch.arange(-radius, size + radius)
    if border == "nearest":
        return index.clamp_(0, size - 1)
    period = 2 * size if border == "reflect" else max(2 * size - 2, 1)
    index = index.remainder_(period)
    turned = period - 1 - index if border == "reflect" else (period - index) % period
    return torch.minimum(index, turned)


def extend(x: Tensor, dim: int, radius: int, border: str) -> Tensor:
    """x with `radius` more pixels at both ends of dimension `dim`."""
    return x.index_select(dim, border_index(x.shape[dim], radius, border).to(x.device))


def smooth(x: Tensor, sigma: float, *, truncate: float = 4.0, border: str = "nearest") -> Tensor:
    """x (H, W, M) smoothed by a Gaussian along H, then W.

    The order of additions is that of scipy's gaussian_filter.
    """
    radius = int(truncate * sigma + 0.5)
    weights = gaussian_weights(sigma, radius)
    for dim in (0, 1) if radius else ():
        size = x.shape[dim]
        longer = extend(x, dim, radius, border)
        x = x * weights[radius]
        pair = torch.empty_like(x)
        for near in range(radius):  # from the outermost pair inwards
            far = 2 * radius - near
            torch.add(longer.narrow(dim, near, size), longer.narrow(dim, far, size), out=pair)
            x.add_(pair.mul_(weights[near]))
    return x


def zoom_centre(x: Tensor, factor: float) -> Tensor:
    """The centre of x, float64 (H, H, M), enlarged by `factor` to (H, H, M).

    This is scipy's zoom of order 1, corners aligned.
    """
    side = x.shape[0]
    crop = math.ceil(side / factor)
    start = (side - crop) // 2
    size = round(crop * factor)
    position = np.arange(size) * ((crop - 1) / (size - 1))  # of the enlarged pixels, in the crop
    position = position[(size - side) // 2 :][:side]
    low = np.floor(position).astype(int)
    share = torch.from_numpy(position - low)
    before = torch.from_numpy(start + low).to(x.device)
    after = torch.from_numpy(start + np.minimum(low + 1, crop - 1)).to(x.device)
    for dim, shape in ((0, (-1, 1, 1)), (1, (-1, 1))):
        weight = share.view(shape).to(x.device)
        near = x.index_select(dim, before)
        far = x.index_select(dim, after)
        x = near.mul_(1 - weight).add_(far.mul_(weight))
    return x


def motion_blur_bytes(images: Tensor, radius: int, sigma: float, angle: Tensor) -> Tensor:
    """The images uint8 (N, C, H, W) blurred along each one's angle (N,), degrees; bytes as float32.

    As ImageMagick does it, and one-sided: tap i looks i pixels along the angle, rounded to whole
    pixels, over 2 radius + 1 taps; edges repeat.
    """
    taps = np.arange(2 * radius + 1)
    weights = np.exp(-0.5 * (taps / sigma) ** 2)
    weights = (weights / weights.sum()).tolist()
    windows, corner, stride = shifted_windows(images.float(), 2 * radius)
    blurred = torch.zeros_like(images, dtype=torch.float32, memory_format=torch.contiguous_format)
    for (dy, dx), weight in zip(tap_offsets(angle, taps), weights, strict=True):
        shifted = windows.index_select(0, corner + (dy * stride + dx).to(corner.device))
        blurred.add_(shifted.mul_(weight))
    # 16 bits inside, 257 per grey level, then cut off, not rounded: the published motion blur is
    # half a level too dark
    return blurred.mul_(257).round_().div_(257).floor_()


def shifted_windows(x: Tensor, reach: int) -> tuple[Tensor, Tensor, int]:
    """(windows, corner, stride): views of x (N, C, H, W) moved by up to `reach` pixels.

    Image n moved by (dy, dx), edges repeated, is windows[corner[n] + dy * stride + dx], (C, H, W).
    No view is a copy: window number k starts at place k of the padded batch, so that picking one
    per image is a single index_select, many times quicker than gathering pixel by pixel.
    """
    count, channels, height, width = x.shape
    padded = torch.nn.functional.pad(x, (reach,) * 4, mode="replicate")
    of_image, of_channel, stride, _ = padded.stride()
    corner = torch.arange(count, device=x.device) * of_image + reach * (stride + 1)
    last = padded.numel() - (channels - 1) * of_channel - (height - 1) * stride - width
    windows = padded.as_strided((last + 1, channels, height, width), (1, of_channel, stride, 1))
    return windows, corner, stride


def tap_offsets(angle: Tensor, taps: np.ndarray) -> list[tuple[Tensor, Tensor]]:
    """The rows and columns that each tap lies away, each int64 (N,), on the CPU.

    Python's own sine and cosine: those of an array may differ in the last bit from one length of it
    to another.
    """
    radians = [math.radians(degrees) for degrees in angle.tolist()]
    sines = [math.sin(turn) for turn in radians]
    cosines = [math.cos(turn) for turn in radians]
    directions = np.array([sines, cosines])  # (2, N)
    offset = torch.from_numpy(np.ceil(taps[:, None, None] * directions - 0.5)).long()
    return [(dy, dx) for dy, dx in offset]
