"""The first 10,000 digits of SVHN's official test set, split by the house that each belongs to.

Netzer et al. 2011; the set is for non-commercial use: svhn_terms.txt beside this file.
"""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
from torchvision import datasets

from visionfail.data import downloads, splits
from visionfail.data.imageset import ImageSet

CLASSES = tuple("0123456789")
DIGITS = 10_000
LAST_HOUSE_TO_LEARN_FROM = 3527  # digits 0 to 6999; the houses from 3528 on are "test"
PIXELS_SHA256 = "73091e92b37fdc1f7c3e1f6c8da9d55171356cc7a49e6b860ae6b5102fc22e40"
LABELS_SHA256 = "7fe9bcc87dca833901548fff86f3af5d1dccf069e726ecef367b4a1476542ddf"


def npz_file(folder: Path) -> Path:
    """The path of the 10,000 digits as one file, if somebody has put them there."""
    return folder / "svhn10k" / "first10000.npz"


def mat_file(folder: Path) -> Path:
    """The path of the official test set, where torchvision puts it."""
    return folder / datasets.SVHN.split_list["test"][1]


def is_present(folder: Path) -> bool:
    """Whether either file is, or was, in the folder."""
    return downloads.was_there(npz_file(folder)) or downloads.was_there(mat_file(folder))


def download(folder: Path) -> bool:
    """Download the official test set; False if the digits were in the folder already.

    Errors as in `downloads.fetch_file`.
    """
    if npz_file(folder).exists():
        return False
    url, name, md5 = datasets.SVHN.split_list["test"]
    return downloads.fetch_file([url], folder / name, right=md5)


def load_split(split: str, folder: Path) -> ImageSet:
    """A split of the digits, with their houses as groups; errors as in `read_svhn10k`."""
    images, labels, house = read_svhn10k(folder)
    chosen = svhn10k_parts(labels, house)[split]
    return ImageSet.of_arrays(
        images[chosen], labels[chosen], CLASSES, "subset", groups=house[chosen]
    )


def read_svhn10k(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images uint8 (10000, 3, 32, 32), labels int64 (10000,) and house numbers int64 (10000,).

    They lie in the official order. FileNotFoundError where neither file is there, ValueError where
    the digits are not the official ones; the damaged file is set aside.
    """
    if npz_file(folder).exists():
        images, labels = _read_npz(npz_file(folder))
    else:
        images, labels = _read_mat(folder)
    return images, labels, houses()


def houses() -> np.ndarray:
    """The number, from 1 on, of the house that each digit belongs to, int64 (10000,)."""
    text = Path(__file__).with_name("svhn_digits_per_house.txt").read_text(encoding="ascii")
    digits_per_house = [int(character) for character in text if character.isdigit()]
    return np.repeat(np.arange(1, len(digits_per_house) + 1), digits_per_house)


def svhn10k_parts(labels: np.ndarray, house: np.ndarray) -> dict[str, np.ndarray]:
    """Indices of "train", "val" and "test" among the digits, no house in two of them.

    "val" is a tenth of the houses to learn from.
    """
    # the houses to learn from come first, so that their digits keep their indices
    learn = np.flatnonzero(house <= LAST_HOUSE_TO_LEARN_FROM)
    parts = splits.split_by_group(labels[learn], house[learn], ("val",))
    parts["test"] = np.flatnonzero(house > LAST_HOUSE_TO_LEARN_FROM)
    return parts


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (10000, 3, 32, 32) and labels int64 (10000,) of the one file.

    ValueError, and the file set aside, unless it holds the official digits.
    """
    try:
        with np.load(path) as stored:
            images = stored["images"].transpose(0, 3, 1, 2)  # (N, H, W, C) -> (N, C, H, W)
            labels = stored["labels"].astype(np.int64)
        _check_digits(images, labels)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        aside = downloads.set_aside(path)
        raise ValueError(
            f"svhn10k: {path} does not hold the first 10,000 test digits ({error}). It is set "
            f"aside as {aside.name}; to get the official file instead, {downloads.REMEDY}."
        ) from error
    return np.ascontiguousarray(images), labels


def _read_mat(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (10000, 3, 32, 32) and labels int64 (10000,) of the official test set."""
    path = mat_file(folder)
    downloads.check_sums("svhn10k", {path: datasets.SVHN.split_list["test"][2]})
    downloads.check_present("svhn10k", [path])
    official = datasets.SVHN(folder, split="test")
    images = np.ascontiguousarray(official.data[:DIGITS])
    labels = official.labels[:DIGITS].astype(np.int64)
    _check_digits(images, labels)
    return images, labels


def _check_digits(images: np.ndarray, labels: np.ndarray) -> None:
    """Raises ValueError unless pixels and labels are those of the official digits."""
    if hashlib.sha256(np.ascontiguousarray(images).data).hexdigest() != PIXELS_SHA256:
        raise ValueError("its pixels are not the official ones")
    if hashlib.sha256(labels.astype(np.uint8).data).hexdigest() != LABELS_SHA256:
        raise ValueError("its labels are not the official ones")
