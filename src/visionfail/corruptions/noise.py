"""The four noises, which treat every pixel by itself: images of any size, one channel or three.

Each is a plain function of images (N, C, H, W) uint8 and draws of the same shape, and a second
function, named draw_..., that makes the draws from the images' keys.
"""

import functools

import numpy as np
import torch
from scipy.stats import poisson
from torch import Tensor

from visionfail.corruptions import draws
from visionfail.corruptions.pixels import to_bytes_, to_unit

GAUSSIAN_SIGMA = (0.04, 0.06, 0.08, 0.09, 0.10)
PHOTONS = (500, 250, 100, 75, 50)  # shot noise: how many a white pixel catches
IMPULSE_AMOUNT = (0.01, 0.02, 0.03, 0.05, 0.07)
SPECKLE_SIGMA = (0.06, 0.1, 0.12, 0.16, 0.2)


def gaussian_noise(images: Tensor, severity: int, *, normal: Tensor) -> Tensor:
    """The images as x + N(0, sigma): noise of the sensor's electronics, as in light so in dark."""
    return to_bytes_(to_unit(images).add_(normal * GAUSSIAN_SIGMA[severity - 1]))


def speckle_noise(images: Tensor, severity: int, *, normal: Tensor) -> Tensor:
    """The images as x + x N(0, sigma): noise in proportion to the brightness."""
    x = to_unit(images)
    return to_bytes_(x.add_(normal * SPECKLE_SIGMA[severity - 1] * x))


def impulse_noise(images: Tensor, severity: int, *, uniform: Tensor) -> Tensor:
    """The images with salt and pepper: a fraction of all channel values is 0 or 255, half each."""
    amount = IMPULSE_AMOUNT[severity - 1]
    peppered = images.masked_fill(uniform < amount, 0)
    return peppered.masked_fill_((uniform >= amount / 2) & (uniform < amount), 255)


def shot_noise(images: Tensor, severity: int, *, quantile: Tensor) -> Tensor:
    """The images as Poisson(x lambda) / lambda: light comes in photons.

    The draws, 0 to 65535, say which of the ordered outcomes.
    """
    table = photon_table(PHOTONS[severity - 1], images.device)
    return draws.look_up(table, images.int().mul_(65536).add_(quantile))


@functools.lru_cache(maxsize=2)  # 17 MB each
def photon_table(photons: int, device: torch.device) -> Tensor:
    """The resulting grey level, uint8 (256 * 65536,), at [level * 65536 + quantile].

    Levels, and so rates, are only 256, and the outcomes of all fit.
    """
    counts = np.arange(photons + 10 * int(photons**0.5))
    grey_level = np.uint8(np.minimum(counts / photons, 1) * 255)  # that a count becomes
    below = poisson.cdf(counts, np.arange(256)[:, None] / 255 * photons)  # (256, counts)
    # how many of the 65536 quantiles give at most this count
    below = np.floor(below * 65536 + 0.5).astype(np.int64)
    below[:, -1] = 65536
    quantiles = np.diff(below, axis=1, prepend=0).ravel()  # how many give exactly this count
    return torch.from_numpy(np.repeat(np.tile(grey_level, 256), quantiles)).to(device)


def draw_normal(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """Standard normal draws, one per channel value."""
    return {"normal": draws.normals(keys, shape[1:].numel()).view(shape)}


def draw_uniform(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """Uniform draws in (0, 1), one per channel value."""
    return {"uniform": draws.uniforms(keys, shape[1:].numel()).view(shape)}


def draw_quantile(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """Whole draws from 0 to 65535, one per channel value."""
    return {"quantile": draws.bits(keys, shape[1:].numel()).view(shape)}
