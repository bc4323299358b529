"""The shifted images that networks of the ladder are asked about."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from visionfail import corruptions, evaluation, files, results
from visionfail.data import ImageSet

SEVERITIES = (1, 3, 5)
IMAGES = 2000  # the first test images
TILES = (2, 4, 8)  # tiles along a side: of 16, 8 and 4 pixels at 32
SHUFFLED = "shuffled"
CHECKSUM = ".sha256"  # of the file beside which it lies


def shifted_conditions() -> list[tuple[str, int]]:
    """The 19 corruptions at SEVERITIES, then shuffled tiles: ("shuffled", tiles along a side)."""
    corrupted = evaluation.all_conditions(SEVERITIES)[1:]  # without the clean one
    return [*corrupted, *((SHUFFLED, tiles) for tiles in TILES)]


def shuffle_tiles(images: Tensor, tiles: int, *, seed: int = 0) -> Tensor:
    """Images (N, C, H, W) cut into tiles x tiles squares, which change places at random.

    What lies within a tile stays: its texture. The shape of the object goes. ValueError where the
    side is no multiple of `tiles`.
    """
    n, channels, height, width = images.shape
    if height % tiles or width % tiles:
        raise ValueError(f"{tiles} tiles along {height} x {width} pixels: pass a divisor of both.")
    squares = images.reshape(n, channels, tiles, height // tiles, tiles, width // tiles)
    squares = squares.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)  # (N, tiles^2, C, h, w)
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(n, tiles * tiles, generator=generator).argsort(1)  # (N, tiles^2)
    moved = squares[torch.arange(n)[:, None], order]
    moved = moved.unflatten(1, (tiles, tiles)).permute(0, 3, 1, 4, 2, 5)
    return moved.reshape(n, channels, height, width)


def shifted_images(
    clean: ImageSet, conditions: Sequence[tuple[str, int]], folder: Path
) -> np.ndarray:
    """The images of all conditions, uint8 (M, N, C, H, W), kept in `folder` for other networks.

    A file whose bytes are not those that were written is made again.
    """
    identity = {"images": clean.checksum(), "conditions": list(conditions)}
    file = Path(folder) / f"shifted-{results.config_hash(identity)[:12]}.npy"
    if not _is_whole(file):
        made = [shifted(clean.images, name, severity) for name, severity in conditions]
        with files.atomic_write(file) as temporary, open(temporary, "wb") as handle:
            np.save(handle, torch.stack(made).numpy())
        files.write_text(file.with_suffix(CHECKSUM), files.sha256(file))
    return np.load(file, mmap_mode="r")


def _is_whole(file: Path) -> bool:
    """Whether a file has the sha256 that was written beside it."""
    beside = file.with_suffix(CHECKSUM)
    if not file.is_file() or not beside.is_file():
        return False
    return files.sha256(file).encode() == beside.read_bytes()


def shifted(images: Tensor, name: str, severity: int) -> Tensor:
    """Images under one condition of `shifted_conditions`, or clean."""
    if name == SHUFFLED:
        return shuffle_tiles(images, severity)
    return corruptions.corrupt(images, name, severity)
