"""Frost on a window, drawn by a program: crystal plates with needles in them, veined by noise.

The published benchmark lays crops of five photographs over the images. They are not ours to ship,
so these five textures stand in: the same for everyone, with the photographs' brightness (read off
from how much the published frost changes an image) but not their shapes.
"""

import functools

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn.functional import interpolate

from visionfail.corruptions import draws
from visionfail.corruptions.pixels import grey

TEXTURES = 5
SIDE = 160  # pixels
DARKEST = 82
BRIGHTEST = 235  # all levels between are equally frequent
TINT = (-10, 0, 10)  # frost is a little blue
PLATES = 40


@functools.cache
def frost_textures(channels: int, device: torch.device) -> Tensor:
    """The five textures, uint8 (5, channels, SIDE, SIDE); one channel is their brightness."""
    pictures = torch.stack([frost_texture(number) for number in range(TEXTURES)])
    if channels == 1:
        pictures = grey(pictures.double()).round()
    return pictures.to(torch.uint8).to(device)


def frost_texture(number: int) -> Tensor:
    """One texture, whole numbers as float64 (3, SIDE, SIDE)."""
    keys = draws.image_keys(
        "frost texture", number, seed=0, first_index=0, count=1, device=torch.device("cpu")
    )
    height = needles(draws.uniforms(keys, 4 * PLATES).view(4, PLATES).double().numpy())
    height += veins(draws.uniforms(keys, 4096, skip=4 * PLATES).view(1, 1, 64, 64))
    rank = np.empty(SIDE * SIDE)
    rank[np.argsort(height, axis=None, kind="stable")] = np.linspace(0, 1, SIDE * SIDE)
    level = torch.from_numpy(DARKEST + (BRIGHTEST - DARKEST) * rank.reshape(SIDE, SIDE))
    return (level + torch.tensor(TINT)[:, None, None]).round()


def needles(plates: np.ndarray) -> np.ndarray:
    """The height of crystal plates with needles, (SIDE, SIDE), their rims bright.

    `plates` (4, PLATES) in (0, 1) are each plate's seed (y, x), direction and fineness.
    """
    y, x = np.mgrid[:SIDE, :SIDE]
    seeds = plates[:2].T * SIDE  # (PLATES, 2)
    turn, fineness = plates[2:]
    # the two nearest seeds of every pixel, (SIDE, SIDE, 2)
    distances, neighbours = KDTree(seeds).query(np.stack([y, x], axis=-1), k=2)
    distances = np.asarray(distances)
    plate = np.asarray(neighbours)[..., 0]
    along = x * np.cos(np.pi * turn[plate]) + y * np.sin(np.pi * turn[plate])
    grain = np.abs(np.sin(along * (0.3 + 0.6 * fineness[plate])))
    return 0.6 * grain + np.exp(-(distances[..., 1] - distances[..., 0]) / 3)


def veins(lattice: Tensor) -> np.ndarray:
    """The height of ridged noise, (SIDE, SIDE), bright where smooth noise crosses its middle."""
    total = np.zeros((SIDE, SIDE))
    for size in (5, 10, 20, 40):
        noise = interpolate(
            lattice[..., :size, :size], size=(SIDE, SIDE), mode="bicubic", align_corners=True
        )
        total += (1 - np.abs(2 * noise[0, 0].double().numpy() - 1)) * 10 / size
    return total
