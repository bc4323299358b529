"""Where the object is: masks that GrabCut made once, kept as bits (tools/masks.py)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from visionfail import files, profiles

FILE = profiles.FULL.results / "transfer-masks.npz"
SMALLEST = 0.10  # share of the picture below which a part was taken for the object, by eye
LARGEST = 0.70  # above which no background was: GrabCut was given 77% of the picture to search in


@dataclass(frozen=True, eq=False)
class Masks:
    """The object's pixels in the first N test images, bool (N, H, W), as GrabCut finds them."""

    pixels: np.ndarray
    made: Mapping

    def share(self) -> np.ndarray:
        """The share of each picture that the mask covers, (N,)."""
        return self.pixels.mean(axis=(1, 2))

    def usable(self) -> np.ndarray:
        """Whether each mask is of a size that an object may have, bool (N,)."""
        share = self.share()
        return (share >= SMALLEST) & (share <= LARGEST)


def load_masks() -> Masks:
    """The masks of CIFAR-10's first test images; FileNotFoundError where there are none."""
    arrays, made = files.load_arrays(FILE)
    shape = tuple(arrays["shape"])
    pixels = np.unpackbits(arrays["bits"], count=int(np.prod(shape))).reshape(shape).astype(bool)
    return Masks(pixels, made)


def save_masks(pixels: np.ndarray, *, made: Mapping) -> None:
    """Write masks bool (N, H, W) as bits, with what they were made of and how."""
    arrays = {"bits": np.packbits(pixels), "shape": np.array(pixels.shape)}
    files.save_arrays(FILE, arrays, made=made)


def without_object(image: np.ndarray, mask: np.ndarray, *, rim: int = 2) -> np.ndarray:
    """A picture (C, H, W) with each pixel of `mask` (H, W) as its nearest pixel outside of it.

    The mask is widened by `rim` pixels first, so that the object's own edge is not copied. Where
    that leaves nothing outside, it is not widened.
    """
    widened = ndimage.binary_dilation(mask, iterations=rim) if rim else mask
    hole = mask if widened.all() else widened
    nearest = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)  # (H, W) each
    return image[:, rows, columns]
