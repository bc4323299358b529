"""The 19 corruptions of CIFAR-10-C (Hendrycks and Dietterich 2019, arXiv:1903.12261), batched in
torch.

Parameters are those of the published CIFAR-10-C files, not of ImageNet-C. Where nothing is random
the bytes are the published ones, JPEG's excepted (published.py); the random ones follow the same
laws with our own draws; frost lays on a texture of our own making, not the published photographs.
"""

from numbers import Integral

import torch
from torch import Tensor

from visionfail import devices
from visionfail.corruptions import blur, colour, geometry, jpeg, noise, spatter, weather
from visionfail.corruptions.chunks import fill_in_chunks
from visionfail.corruptions.draws import image_keys

CORRUPTIONS = (  # the 15 that the published means are over
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)

EXTRAS = ("speckle_noise", "gaussian_blur", "spatter", "saturate")

ANY_SIZE = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
    "gaussian_blur",
    "defocus_blur",
    "contrast",
    "brightness",
    "saturate",
    "jpeg_compression",
    "pixelate",
)

SMALLEST_SIDE = 8

DETERMINISTIC = {
    "defocus_blur": blur.defocus_blur,
    "zoom_blur": blur.zoom_blur,
    "brightness": colour.brightness,
    "contrast": colour.contrast,
    "pixelate": geometry.pixelate,
    "jpeg_compression": jpeg.jpeg_compression,
    "gaussian_blur": blur.gaussian_blur,
    "saturate": colour.saturate,
}

RANDOM = {  # what to draw, and what to do with it
    "gaussian_noise": (noise.draw_normal, noise.gaussian_noise),
    "shot_noise": (noise.draw_quantile, noise.shot_noise),
    "impulse_noise": (noise.draw_uniform, noise.impulse_noise),
    "glass_blur": (blur.draw_glass, blur.glass_blur),
    "motion_blur": (blur.draw_motion, blur.motion_blur),
    "snow": (weather.draw_snow, weather.snow),
    "frost": (weather.draw_frost, weather.frost),
    "fog": (weather.draw_fog, weather.fog),
    "elastic_transform": (geometry.draw_elastic, geometry.elastic_transform),
    "speckle_noise": (noise.draw_normal, noise.speckle_noise),
    "spatter": (spatter.draw_spatter, spatter.spatter),
}


def corrupt(
    images: Tensor, name: str, severity: int, *, seed: int = 0, first_index: int = 0
) -> Tensor:
    """The images uint8 (N, C, H, W), one channel or three, corrupted at severity 0 (a copy) to 5.

    Image k depends on (seed, name, severity, first_index + k) alone, not on its batch. ANY_SIZE
    lists the corruptions that mean the same at any size from 8 x 8; the others are for 32 x 32.
    Colours (drops, frost, tints) turn grey on one channel. ValueError for any other name, severity,
    dtype, shape or size. Hendrycks and Dietterich 2019.
    """
    check_corruption(name, severity, seed=seed, first_index=first_index)
    check_pixels(images, name)
    if not devices.has_float64(images.device):  # which many of them compute in
        here = corrupt(images.cpu(), name, severity, seed=seed, first_index=first_index)
        return here.to(images.device)
    corrupted = images.clone(memory_format=torch.contiguous_format)

    def work(chunk: Tensor, start: int) -> Tensor:
        return corrupt_chunk(chunk, name, severity, seed=seed, first_index=first_index + start)

    if severity > 0:
        fill_in_chunks(corrupted, work)
    return corrupted


def corrupt_chunk(
    images: Tensor, name: str, severity: int, *, seed: int, first_index: int
) -> Tensor:
    """The images corrupted as by `corrupt`, without checks, all of them at once."""
    if name in DETERMINISTIC:
        return DETERMINISTIC[name](images, severity)
    draw, apply = RANDOM[name]
    keys = image_keys(
        name, severity, seed=seed, first_index=first_index, count=len(images), device=images.device
    )
    return apply(images, severity, **draw(keys, severity, images.shape))


def names_for(images: Tensor) -> tuple[str, ...]:
    """The corruptions that images (N, C, H, W) of this size take, in the benchmark's order.

    All 19 at 32 x 32, else those of ANY_SIZE.
    """
    every = CORRUPTIONS + EXTRAS
    if tuple(images.shape[2:]) == (32, 32):
        return every
    return tuple(name for name in every if name in ANY_SIZE)


def check_corruption(name: str, severity: int, *, seed: int, first_index: int) -> None:
    """Raises ValueError unless corruption and severity exist and the draws' numbers are whole."""
    if name not in CORRUPTIONS + EXTRAS:
        raise ValueError(
            f"unknown corruption {name!r}: choose one of {', '.join(CORRUPTIONS + EXTRAS)}."
        )
    if not is_whole(severity) or not 0 <= severity <= 5:
        raise ValueError(
            f"severity {severity!r} does not exist: take a whole number from 0 (clean) to 5."
        )
    if not is_whole(seed):
        raise ValueError(f"seed {seed!r} is not a whole number: take an int, such as 0.")
    if not is_whole(first_index) or first_index < 0:
        raise ValueError(
            f"first_index {first_index!r} is no position in a data set: take an int from 0."
        )


def is_whole(number: object) -> bool:
    """Whether a number is an int, of Python or numpy; True and 2.0 are not."""
    return isinstance(number, Integral) and not isinstance(number, bool)


def check_pixels(images: Tensor, name: str) -> None:
    """Raises ValueError unless images are uint8 (N, 1 or 3, H, W) of a size that `name` takes."""
    if not isinstance(images, Tensor) or images.dtype != torch.uint8:
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(
            f"images are {kind}, not a uint8 tensor: convert with (x * "
            "255).round().to(torch.uint8)."
        )
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise ValueError(
            f"images of shape {shape}: give (N, C, H, W) with 1 or 3 channels; one image as "
            "image[None]."
        )
    if name not in ANY_SIZE and shape[2:] != (32, 32):
        raise ValueError(
            f"{name} is defined for 32 x 32 images, not {shape[2]} x {shape[3]}: resize them, or "
            f"take one of {', '.join(ANY_SIZE)}."
        )
    if min(shape[2:]) < SMALLEST_SIDE:
        raise ValueError(
            f"images of {shape[2]} x {shape[3]} are too small to corrupt: resize to 8 x 8 or more."
        )
