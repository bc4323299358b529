"""Four shifts that a digit can meet after training: turned, noisy, half hidden, moved."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from visionfail import devices
from visionfail.corruptions import draws
from visionfail.corruptions.pixels import to_unit

# What strength 0 and strength 1 mean; linear in between
RANGES = {
    "rotation": (20.0, 80.0),  # degrees, to either side
    "noise": (0.3, 0.8),  # standard deviation, in units of that of all MNIST pixels
    "occlusion": (6.0, 18.0),  # radius of the disc in pixels, its centre anywhere in the picture
    "translation": (0.0, 3.0),  # pixels in any direction, rounded to whole ones along each axis
}

SHIFTS = tuple(RANGES)
NOISE_UNIT = 0.3081  # of pixels in [0, 1]


def shift(
    images: Tensor, name: str, strength: float | Tensor, *, seed: int = 0, first_index: int = 0
) -> Tensor:
    """The images uint8 (N, C, H, W) under a shift of SHIFTS, strength in [0, 1], one or (N,).

    Sign, place, direction and noise of image k come from (seed, name, first_index + k) alone. Noise
    is clipped to [0, 1], so on a black ground half of it is lost: milder than the same sigma
    unclipped. ValueError for an unknown shift, a strength outside [0, 1] or of another length,
    images that are not uint8 (N, C, H, W).
    """
    if name not in SHIFTS:
        raise ValueError(f"unknown shift {name!r}: choose one of {', '.join(SHIFTS)}.")
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise ValueError(
            f"images are {images.dtype} {tuple(images.shape)}: pass uint8 (N, C, H, W)."
        )
    strength = check_strength(strength, len(images))
    if not len(images):
        return images.clone()
    there = _device_of_shifts(images)
    keys = shift_keys(name, len(images), seed=seed, first_index=first_index, device=there)
    shifted = apply_shift(images.to(there), name, strength.to(there), keys)
    return shifted.to(images.device)


def _device_of_shifts(images: Tensor) -> torch.device:
    """The images' device where it computes in float64, as some shifts do, else the CPU."""
    return images.device if devices.has_float64(images.device) else torch.device("cpu")


def shift_drawn(
    images: Tensor, kind: Tensor, strength: Tensor, *, seed: int = 0, first_index: int = 0
) -> Tensor:
    """Each image under the shift that `draw` chose for it.

    `kind` (N,) is an index into SHIFTS, or -1 for none; `strength` is (N,), in [0, 1].
    """
    there = _device_of_shifts(images)
    shifted = images.to(there, copy=True)
    kind = kind.to(there)
    strength = strength.to(there)
    for number, name in enumerate(SHIFTS):
        chosen = (kind == number).nonzero().squeeze(1)
        keys = shift_keys(name, len(images), seed=seed, first_index=first_index, device=there)
        if len(chosen):
            shifted[chosen] = apply_shift(shifted[chosen], name, strength[chosen], keys[chosen])
    return shifted.to(images.device)


def draw(
    count: int,
    *,
    probability: float = 0.8,
    kinds: Sequence[str] = SHIFTS,
    seed: int = 0,
    first_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The shift of each image: kind (count,), an index into SHIFTS or -1, and strength (count,).

    There is a shift with `probability`, then one of `kinds` at equal odds; the strength is uniform
    in [0, 1]. The draws of image k come from (seed, first_index + k) alone.
    """
    keys = draws.image_keys(
        "draw of a shift",
        0,
        seed=seed,
        first_index=first_index,
        count=count,
        device=torch.device("cpu"),
    )
    shifted, which, strength = draws.uniforms(keys, 3).unbind(1)
    numbers = torch.tensor([SHIFTS.index(name) for name in kinds], device=which.device)
    kind = numbers[(which * len(kinds)).long()]
    return torch.where(shifted < probability, kind, -1), strength


def check_strength(strength: float | Tensor, count: int) -> Tensor:
    """The strength of each image, float32 (count,); ValueError unless one or (count,) in [0, 1]."""
    strength = torch.as_tensor(strength, dtype=torch.float32, device="cpu")
    if strength.ndim > 1 or (strength.ndim == 1 and len(strength) != count):
        raise ValueError(
            f"strength has shape {tuple(strength.shape)}: give one number, or one for each of "
            f"{count}."
        )
    if not ((strength >= 0) & (strength <= 1)).all():  # NaN fails here too
        raise ValueError(
            f"strength {strength.tolist() if strength.ndim == 0 else 'of some image'} is not in "
            "[0, 1]."
        )
    return strength.expand(count)


def shift_keys(
    name: str, count: int, *, seed: int, first_index: int, device: torch.device
) -> Tensor:
    """The keys, int64 (count,), of a shift's random numbers."""
    return draws.image_keys(
        f"shift {name}", 0, seed=seed, first_index=first_index, count=count, device=device
    )


def parameter(name: str, strength: Tensor) -> Tensor:
    """The shift's parameter at `strength` in [0, 1], in the unit of RANGES."""
    low, high = RANGES[name]
    return low + (high - low) * strength


def apply_shift(images: Tensor, name: str, strength: Tensor, keys: Tensor) -> Tensor:
    """The images under one shift, with the random numbers of `keys` (N,)."""
    apply = {
        "rotation": rotate_digits,
        "noise": add_noise,
        "occlusion": occlude,
        "translation": translate,
    }[name]
    return apply(images, parameter(name, strength), keys)


def rotate_digits(images: Tensor, degrees: Tensor, keys: Tensor) -> Tensor:
    """The images turned about their centre to either side, bilinear, zeros from outside."""
    sign = torch.where(draws.uniforms(keys, 1)[:, 0] < 0.5, -1.0, 1.0)
    angle = (sign * degrees).double() * (math.pi / 180)
    # in float64 and rounded: the last bit of a cosine depends on the place in a batch, that of its
    # rounding does not
    cosine = angle.cos().float().view(-1, 1, 1)
    sine = angle.sin().float().view(-1, 1, 1)
    height, width = images.shape[2:]
    y = torch.arange(height, device=images.device).float().view(-1, 1) - (height - 1) / 2
    x = torch.arange(width, device=images.device).float() - (width - 1) / 2
    # where each pixel is read from, (N, H, W)
    column = cosine * x + sine * y
    row = cosine * y - sine * x
    grid = torch.stack([column * (2 / width), row * (2 / height)], dim=-1)  # grid_sample's unit
    return to_nearest(grid_sample(to_unit(images), grid, padding_mode="zeros", align_corners=False))


def add_noise(images: Tensor, sigma: Tensor, keys: Tensor) -> Tensor:
    """The images with independent normal noise on every pixel, clipped."""
    noise = draws.normals(keys, images[0].numel()).view(images.shape)
    return to_nearest(to_unit(images) + (sigma * NOISE_UNIT).view(-1, 1, 1, 1) * noise)


def occlude(images: Tensor, radius: Tensor, keys: Tensor) -> Tensor:
    """The images with a disc of zeros, the background, its centre uniform over the picture."""
    height, width = images.shape[2:]
    u = draws.uniforms(keys, 2)
    centre_y = (u[:, 0] * height).view(-1, 1, 1, 1)
    centre_x = (u[:, 1] * width).view(-1, 1, 1, 1)
    y = torch.arange(height, device=images.device).float().view(-1, 1) + 0.5 - centre_y
    x = torch.arange(width, device=images.device).float() + 0.5 - centre_x
    outside = y**2 + x**2 > radius.view(-1, 1, 1, 1) ** 2
    return images * outside


def translate(images: Tensor, distance: Tensor, keys: Tensor) -> Tensor:
    """The images moved by whole pixels in any direction at equal odds, zeros from outside."""
    angle = draws.uniforms(keys, 1)[:, 0].double() * (2 * math.pi)
    down = (distance * angle.sin()).round().long().view(-1, 1, 1, 1)
    right = (distance * angle.cos()).round().long().view(-1, 1, 1, 1)
    _, channels, height, width = images.shape
    row = torch.arange(height, device=images.device).view(-1, 1) - down
    column = torch.arange(width, device=images.device) - right
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    index = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    source = index.expand(-1, channels, -1, -1).flatten(2)  # (N, C, H W)
    moved = images.flatten(2).gather(2, source).view(images.shape)
    return moved * inside


def to_nearest(x: Tensor) -> Tensor:
    """x in [0, 1] as uint8, rounded; what lies beyond is clipped."""
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)
