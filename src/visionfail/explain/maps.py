"""What to measure on two saliency maps of the same image."""

import numpy as np

TOP = 0.2  # share of the pixels that count as where a map looks


def is_empty(maps: np.ndarray) -> np.ndarray:
    """(N,) bool: maps (N, H, W) that are zero everywhere, no evidence at all; the measures below
    are NaN there.
    """
    return maps.reshape(len(maps), -1).max(axis=1) <= 0


def overlap(a: np.ndarray, b: np.ndarray, *, top: float = TOP) -> np.ndarray:
    """Intersection over union, (N,) in [0, 1], of the `top` share of pixels of two maps (N, H, W)
    each.
    """
    count = max(1, round(top * a[0].size))
    sets = []
    for maps in (a, b):
        flat = maps.reshape(len(maps), -1)
        chosen = np.zeros(flat.shape, dtype=bool)
        np.put_along_axis(chosen, np.argsort(-flat, axis=1, kind="stable")[:, :count], True, axis=1)
        sets.append(chosen)
    found = (sets[0] & sets[1]).sum(axis=1) / (sets[0] | sets[1]).sum(axis=1)
    return np.where(is_empty(a) | is_empty(b), np.nan, found)


def centroid(maps: np.ndarray) -> np.ndarray:
    """(N, 2): row and column of each map's centre of mass, in pixels."""
    total = np.where(is_empty(maps), np.nan, maps.sum(axis=(1, 2), dtype=np.float64))
    rows, columns = np.arange(maps.shape[1]), np.arange(maps.shape[2])
    return np.stack([maps.sum(axis=2) @ rows / total, maps.sum(axis=1) @ columns / total], axis=1)


def centroid_shift(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How far the centre of mass lies apart, in pixels: (N,)."""
    return np.linalg.norm(centroid(a) - centroid(b), axis=1)


def map_entropy(maps: np.ndarray) -> np.ndarray:
    """How widely a map is spread, (N,): entropy of its values as a distribution, 0 for one pixel, 1
    for all alike.
    """
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    p = flat / np.where(is_empty(maps), np.nan, flat.sum(axis=1))[:, None]
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    return -(p * logs).sum(axis=1) / np.log(p.shape[1])


def centre_mass(maps: np.ndarray) -> np.ndarray:
    """The share of each map that lies in the middle quarter of the picture, (N,): 0.25 if it were
    spread evenly.
    """
    height, width = maps.shape[1:]
    middle = maps[:, height // 4 : height - height // 4, width // 4 : width - width // 4]
    total = np.where(is_empty(maps), np.nan, maps.sum(axis=(1, 2), dtype=np.float64))
    return middle.sum(axis=(1, 2), dtype=np.float64) / total
