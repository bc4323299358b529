"""SVHN's digitStruct.mat: which digits of the cropped set belong to one house, and their boxes.

It lies in the archives of full house numbers (train.tar.gz, test.tar.gz), a MATLAB 7.3 file, which
is HDF5. Netzer et al. 2011.
"""

from pathlib import Path

import numpy as np


def digit_struct_file(folder: Path, split: str) -> Path:
    """The path of the list of a split, "train" or "test", where its archive unpacks it."""
    return folder / split / "digitStruct.mat"


def read_digit_struct(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(house from 1 on, height of the box in pixels) of each digit, int64 (N,) each, in order.

    ModuleNotFoundError without h5py; ValueError where the file is not such a list.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{path} is HDF5: pip install h5py to read it.") from error
    try:
        with h5py.File(path) as file:
            heights = _heights_by_house(file)
    except (OSError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not SVHN's list of digits ({error}): remove it, or unpack it anew."
        ) from error
    digits = [len(of_house) for of_house in heights]
    return np.repeat(np.arange(1, len(heights) + 1), digits), np.concatenate(heights)


def _heights_by_house(file) -> list[np.ndarray]:
    """The heights of each house's digits, int64 (digits,), in an open digitStruct.mat."""
    boxes = file["digitStruct/bbox"]  # (houses, 1) references to groups
    if boxes.ndim != 2 or not len(boxes):
        raise ValueError(f"its list of houses has shape {boxes.shape}, not (houses, 1)")
    heights = []
    for (reference,) in boxes[()]:
        height = file[reference]["height"]  # (1, 1), or (digits, 1) of references where several
        values = [file[one[0]][()] if one.dtype == object else one for one in height[()]]
        heights.append(np.array(values, dtype=np.float64).ravel().astype(np.int64))
    return heights
