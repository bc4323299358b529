"""Frost on a window, drawn by a program: crystal plates, each full of needles of one direction.

The published benchmark lays crops of five photographs over the images. They are not ours to ship,
so these five textures stand in: the same for everyone. Their levels are set so that images change
as much as under the published frost (mean change, mean shift and 95th percentile of the change at
severities 1, 3 and 5, each within a tenth); their shapes are only like those of ice.
"""

import functools

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from scipy.spatial import KDTree
from torch import Tensor

from visionfail.corruptions import draws
from visionfail.corruptions.pixels import grey

FROST_TEXTURE = "needles"  # its name: a stored sweep says which one its frost was
TEXTURES = 5
SIDE = 160  # pixels
DARKEST = 20
BRIGHTEST = 232
GAMMA = 0.55  # below 1: more bright pixels than dark ones
TINT = (-10, 0, 10)  # frost is a little blue
PLATES = 90
LATTICE = 64  # nodes along each side of the lattice of random heights
NEEDLE = (2.5, 12.0)  # width and length in pixels
RIM = 2.0  # pixels
PATCH = 12.0  # pixels


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
    sizes = (3 * PLATES, LATTICE**2, SIDE**2)
    uniforms = draws.uniforms(keys, sum(sizes))[0].double().numpy()
    plates, lattice, grain = np.split(uniforms, np.cumsum(sizes)[:-1])
    height = crystals(plates.reshape(3, PLATES), lattice.reshape(LATTICE, LATTICE))
    height += 0.25 * grain.reshape(SIDE, SIDE)
    level = DARKEST + (BRIGHTEST - DARKEST) * ranks(height) ** GAMMA
    tint = torch.tensor(TINT, device="cpu")[:, None, None]
    return (torch.from_numpy(level) + tint).round()


def crystals(plates: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """The height of needles, plates' rims and wide patches, (SIDE, SIDE).

    `plates` (3, PLATES) in (0, 1) are each plate's seed (y, x) and the direction of its needles.
    `lattice` (LATTICE, LATTICE) are the random heights between which all is interpolated.
    """
    y, x = np.mgrid[:SIDE, :SIDE]
    # the two nearest seeds of every pixel, (SIDE, SIDE, 2)
    distances, neighbours = KDTree(plates[:2].T * SIDE).query(np.stack([y, x], axis=-1), k=2)
    plate = np.asarray(neighbours)[..., 0]
    direction = np.pi * plates[2, plate]
    along = x * np.cos(direction) + y * np.sin(direction)
    across = y * np.cos(direction) - x * np.sin(direction)
    width, length = NEEDLE
    needles = interpolated(lattice, across / width + 17 * plate, along / length)
    finer = interpolated(lattice, 2 * across / width + 17 * plate + 31, 2 * along / length)
    rim = np.exp((np.asarray(distances)[..., 0] - np.asarray(distances)[..., 1]) / RIM)
    return needles + 0.6 * finer + 0.5 * rim + 0.5 * interpolated(lattice, y / PATCH, x / PATCH)


def interpolated(lattice: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The heights at (y, x) in units of the lattice, which repeats beyond its edges."""
    return map_coordinates(lattice, [y, x], order=1, mode="grid-wrap")


def ranks(height: np.ndarray) -> np.ndarray:
    """The share of pixels that lie lower, in [0, 1], so that every texture has the same levels."""
    rank = np.empty(height.size)
    rank[np.argsort(height, axis=None, kind="stable")] = np.linspace(0, 1, height.size)
    return rank.reshape(height.shape)
