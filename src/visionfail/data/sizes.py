"""How large things were in the photographs, before every image became 32 pixels wide."""

import csv
import os
from pathlib import Path

import numpy as np

from visionfail import paths
from visionfail.data import digit_struct, gtsrb, svhn10k


def pixel_sizes(
    name: str, split: str, *, root: str | os.PathLike | None = None
) -> np.ndarray | None:
    """The size in pixels of each image's thing, int64 (N,), in the order of `load`; or None.

    The height of a digit's box for "svhn10k" and for the test images of "svhn", the shorter side of
    a sign's frame for those of "gtsrb". None where the files at hand do not tell. ValueError for a
    list that is damaged.
    """
    folder = paths.data_dir(root)
    if name == "svhn10k":
        return _digit_heights(split, folder)
    if (name, split) == ("svhn", "test"):
        path = digit_struct.digit_struct_file(folder, split)
        return digit_struct.read_digit_struct(path)[1] if path.exists() else None
    if (name, split) == ("gtsrb", "test"):
        return read_frame_sides(gtsrb.test_table(folder))
    return None


def _digit_heights(split: str, folder: Path) -> np.ndarray | None:
    """The heights of the boxes of a split of svhn10k."""
    path = svhn10k.npz_file(folder)
    full_numbers = digit_struct.digit_struct_file(folder, "test")
    if path.exists():
        with np.load(path) as stored:
            labels = stored["labels"]
            _, top, _, bottom = stored["box"].T
        heights = bottom.astype(np.int64) - top
    elif full_numbers.exists():
        heights = digit_struct.read_digit_struct(full_numbers)[1][: svhn10k.DIGITS]
        _, labels, _ = svhn10k.read_svhn10k(folder)
    else:
        return None
    return heights[svhn10k.svhn10k_parts(labels.astype(np.int64), svhn10k.houses())[split]]


def read_frame_sides(table: Path) -> np.ndarray:
    """The shorter side in pixels of each frame in a list of GTSRB, int64 (N,), in its order.

    The frames are as photographed, before they were resized.
    """
    with open(table, newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return np.array([min(int(row["Width"]), int(row["Height"])) for row in rows], dtype=np.int64)
