"""The five blurs: Gaussian and defocus blur for images of any size, the others for 32 x 32.

Images (N, C, H, W) uint8 in and out. Gaussian, defocus and zoom blur give the published bytes, so
their arithmetic is that of the published generator, in its order, in float64 (zoom blur: float32).
"""

import numpy as np
import torch
from torch import Tensor

from visionfail.corruptions import draws
from visionfail.corruptions.filters import border_index, motion_blur_bytes, smooth, zoom_centre
from visionfail.corruptions.pixels import images_first, pixels_first, to_bytes_, to_unit

GAUSSIAN_SIGMA = (0.4, 0.6, 0.7, 0.8, 1.0)

# radius of the disc, sigma that softens it
DEFOCUS = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))
# sigma, passes; pixels move by one at most
GLASS = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))
MOTION = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))  # radius, sigma
ZOOM_COUNT = (7, 12, 16, 21, 26)  # factors 1, 1.01, 1.02, ...


def gaussian_blur(images: Tensor, severity: int) -> Tensor:
    """The images smoothed by a Gaussian of sigma 0.4 to 1 pixel, cut off at 4 sigma.

    Edge pixels are repeated.
    """
    x = smooth(pixels_first(images).double().div_(255), GAUSSIAN_SIGMA[severity - 1])
    return images_first(to_bytes_(x), images.shape[1])


def defocus_blur(images: Tensor, severity: int) -> Tensor:
    """The images as through a lens out of focus: every point becomes a small disc.

    The border is a mirror.
    """
    kernel = disc(*DEFOCUS[severity - 1])
    radius = len(kernel) // 2
    height, width = images.shape[2:]
    x = pixels_first(images).double().div_(255)
    for dim in (0, 1):
        x = x.index_select(dim, border_index(images.shape[dim + 2], radius, "mirror").to(x.device))
    blurred = torch.zeros(height, width, x.shape[2], dtype=x.dtype, device=x.device)
    # pixels of the same weight are added first: fewer multiplications
    for weight in np.unique(kernel[kernel > 0]):
        first, *others = (
            x[dy : dy + height, dx : dx + width] for dy, dx in np.argwhere(kernel == weight)
        )
        same = first.clone()
        for shifted in others:
            same.add_(shifted)
        blurred.add_(same.mul_(float(weight)))
    return images_first(to_bytes_(blurred), images.shape[1])


def disc(radius: float, sigma: float) -> np.ndarray:
    """The defocus kernel, float32 (5, 5): a disc of whole pixels, softened by a 3 x 3 Gaussian.

    Its arithmetic is OpenCV's.
    """
    y, x = np.mgrid[-3:4, -3:4]
    kernel = np.float32(x**2 + y**2 <= radius**2)
    kernel /= kernel.sum()
    side = np.exp(-0.5 / sigma**2)
    middle, side = (np.array([1, side]) / (1 + 2 * side)).astype(np.float32)
    kernel = kernel[:, 1:-1] * middle + (kernel[:, :-2] + kernel[:, 2:]) * side
    return kernel[1:-1] * middle + (kernel[:-2] + kernel[2:]) * side


def glass_blur(images: Tensor, severity: int, *, dy: Tensor, dx: Tensor) -> Tensor:
    """The images as through frosted glass: blurred, pixels moved about by one, blurred again.

    Offsets dy and dx are (N, passes, 32, 32), -1 or 0. The published code scans from the lower
    right corner up to row and column 2 and means to swap each pixel with the neighbour at (dy, dx).
    Its two sides are views of one array, though: `a, b = b, a` writes b into a and then the new a,
    which is b, back into b. The pixel takes its neighbour's value, the neighbour keeps its own: a
    copy. A copy makes the scan parallel. The neighbour above or to the left comes later in the
    scan, so whoever reads it reads the value from before the pass, and one gather does what 900
    steps in order do. (With real swaps, values would wander along the scan, and each step would
    need the one before.)
    """
    sigma, _ = GLASS[severity - 1]
    x = blurred_bytes(images, sigma).flatten(2)
    for scan in range(dy.shape[1]):
        x = x.gather(2, glass_sources(dy[:, scan], dx[:, scan]).expand_as(x))
    return blurred_bytes(x.view(images.shape), sigma)


def glass_sources(dy: Tensor, dx: Tensor) -> Tensor:
    """The pixel from which each of the 1024 pixels takes its value, int64 (N, 1, 1024).

    Outside the scan a pixel takes its own.
    """
    pixel = torch.arange(1024, device=dy.device).view(32, 32)
    source = (pixel + dy * 32).add_(dx)
    source[:, :2] = pixel[:2]
    source[:, :, :2] = pixel[:, :2]
    return source.view(len(dy), 1, 1024)


def draw_glass(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """The draws of `glass_blur`: row and column offsets, -1 or 0, each (N, passes, 32, 32)."""
    passes = GLASS[severity - 1][1]
    draw = draws.bits(keys, passes * 1024).view(-1, passes, 32, 32)
    return {"dy": (draw & 1) - 1, "dx": (draw >> 1 & 1) - 1}


def blurred_bytes(images: Tensor, sigma: float) -> Tensor:
    """The images uint8 (N, C, H, W) smoothed by a Gaussian, in float64 in between."""
    if sigma < 0.125:  # 4 sigma do not reach the next pixel
        return images
    x = smooth(pixels_first(images).double().div_(255), sigma)
    return images_first(to_bytes_(x), images.shape[1])


def motion_blur(images: Tensor, severity: int, *, angle: Tensor) -> Tensor:
    """The images of a moving camera: one-sided Gaussian trails along `angle` (N,), degrees."""
    return motion_blur_bytes(images, *MOTION[severity - 1], angle).to(torch.uint8)


def draw_motion(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """The draws of `motion_blur`: an angle per image, (N,), between -45 and 45 degrees."""
    return {"angle": draws.uniforms(keys, 1)[:, 0] * 90 - 45}


def zoom_blur(images: Tensor, severity: int) -> Tensor:
    """The images of a camera that zooms in: the mean of each and of ever larger versions of it."""
    # 26 enlargements of one piece after the other: a small piece stays in the nearest cache
    return torch.cat([zoom_blur_piece(piece, severity) for piece in images.split(32)])


def zoom_blur_piece(images: Tensor, severity: int) -> Tensor:
    """The images as `zoom_blur` makes them, all of them at once."""
    x = to_unit(pixels_first(images))
    total = x.clone()  # the first factor is 1
    # one after the other, in float32: the published bytes depend on the order of additions
    wide = x.double()
    for factor in zoom_factors(severity)[1:]:
        total.add_(zoom_centre(wide, factor).float())
    mean = total.add_(x).div_(ZOOM_COUNT[severity - 1] + 1)
    return images_first(to_bytes_(mean), images.shape[1])


def zoom_factors(severity: int) -> list[float]:
    """The factors 1, 1.01, 1.02, ..., rounded as by numpy's arange in the published code."""
    return (1 + np.arange(ZOOM_COUNT[severity - 1]) * (np.float64(1.01) - 1)).tolist()
