"""Measures of saliency maps, and of two maps of the same image."""

import numpy as np
from scipy import ndimage

TOP = 0.2  # share of the pixels that count as where a map looks


def is_empty(maps: np.ndarray) -> np.ndarray:
    """Whether maps (N, H, W) are zero everywhere, without any evidence: bool (N,).

    The measures below are NaN for these.
    """
    return maps.reshape(len(maps), -1).max(axis=1) <= 0


def overlap(a: np.ndarray, b: np.ndarray, *, top: float = TOP) -> np.ndarray:
    """Intersection over union, (N,) in [0, 1], of the `top` share of pixels of maps (N, H, W)."""
    top_a = top_pixels(a, top)
    top_b = top_pixels(b, top)
    ratio = (top_a & top_b).sum(axis=1) / (top_a | top_b).sum(axis=1)
    return np.where(is_empty(a) | is_empty(b), np.nan, ratio)


def top_pixels(maps: np.ndarray, top: float = TOP) -> np.ndarray:
    """Whether each pixel is among the `top` share of its map, bool (N, H * W); at least one is."""
    flat = maps.reshape(len(maps), -1)  # (N, H * W)
    count = max(1, round(top * flat.shape[1]))
    largest = np.argsort(-flat, axis=1, kind="stable")[:, :count]
    chosen = np.zeros(flat.shape, dtype=bool)
    np.put_along_axis(chosen, largest, True, axis=1)
    return chosen


def centred_blob(height: int, width: int) -> np.ndarray:
    """One map (height, width) in [0, 1] for any image: 1 in the middle, falling to the corners."""
    rows = np.arange(height)[:, None] - (height - 1) / 2
    columns = np.arange(width) - (width - 1) / 2
    distance = np.hypot(rows, columns)
    return 1 - distance / distance.max()


def centroid(maps: np.ndarray) -> np.ndarray:
    """Row and column, in pixels, of the centre of mass of maps (N, H, W): (N, 2)."""
    total = _mass(maps)
    rows = np.arange(maps.shape[1])
    columns = np.arange(maps.shape[2])
    row = maps.sum(axis=2) @ rows / total  # (N,)
    column = maps.sum(axis=1) @ columns / total
    return np.stack([row, column], axis=1)


def centroid_shift(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The distance in pixels between the centres of mass of maps (N, H, W): (N,)."""
    return np.linalg.norm(centroid(a) - centroid(b), axis=1)


def map_entropy(maps: np.ndarray) -> np.ndarray:
    """The entropy (N,) in [0, 1] of the values of maps (N, H, W) as a distribution over pixels.

    It is 0 where one pixel has everything, and 1 where all have the same.
    """
    flat = maps.reshape(len(maps), -1).astype(np.float64)  # (N, H * W)
    total = np.where(is_empty(maps), np.nan, flat.sum(axis=1))
    p = flat / total[:, None]
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    return -(p * logs).sum(axis=1) / np.log(p.shape[1])


def centre_mass(maps: np.ndarray) -> np.ndarray:
    """The share (N,) in [0, 1] of maps (N, H, W) that lies in the middle quarter of the picture.

    It is 0.25 for a map that is spread evenly.
    """
    height, width = maps.shape[1:]
    top = height // 4
    left = width // 4
    middle = maps[:, top : height - top, left : width - left]
    return middle.sum(axis=(1, 2), dtype=np.float64) / _mass(maps)


def top_share(maps: np.ndarray, *, top: float = TOP) -> np.ndarray:
    """The share (N,) in [0, 1] of maps (N, H, W) that their strongest `top` of pixels hold.

    It is `top` for a map that is spread evenly, 1 for one that is zero elsewhere.
    """
    strongest = top_pixels(maps, top)  # (N, H * W)
    flat = maps.reshape(len(maps), -1)
    return (flat * strongest).sum(axis=1, dtype=np.float64) / _mass(maps)


def fragments(maps: np.ndarray) -> np.ndarray:
    """Into how many regions maps (N, H, W) fall where they reach half of their maximum: (N,).

    Pixels are connected across their sides, not their corners.
    """
    counts = []
    for values in maps:
        regions = np.zeros(values.shape, dtype=np.int32)  # numbered from 1 on, 0 elsewhere
        ndimage.label(values >= values.max() / 2, output=regions)
        counts.append(regions.max())
    return np.where(is_empty(maps), np.nan, counts)


def _mass(maps: np.ndarray) -> np.ndarray:
    """The sum (N,) of each map's values, NaN where the map is zero everywhere."""
    return np.where(is_empty(maps), np.nan, maps.sum(axis=(1, 2), dtype=np.float64))
