"""The published CIFAR-10-C files: where they lie, their download, and reading them.

Hendrycks and Dietterich 2019, arXiv:1903.12261.
"""

import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from visionfail.corruptions import PUBLISHED_MD5
from visionfail.data import downloads
from visionfail.data.imageset import ImageSet
from visionfail.files import atomic_write

URLS = (
    "https://zenodo.org/records/2535967/files/CIFAR-10-C.tar?download=1",
    "https://huggingface.co/datasets/torch-uncertainty/CIFAR-C/resolve/main/CIFAR-10-C.tar",
)

ARCHIVE_MD5 = "56bf5dcef84df0e2308c6dcbcbbd8499"
IMAGES = 10_000  # per severity; the five severities lie one after another
SEVERITIES = 5
CLEAN = "2c33b053d1cd726af8d86e174a96dd89d7000ba1412add026d68142375b89d51"  # ImageSet.checksum()
SIDE = 32


def cifar10c_files(folder: Path) -> dict[Path, str]:
    """The published files, one per corruption and the labels, with their MD5."""
    return {cifar10c_path(folder, name): md5 for name, md5 in PUBLISHED_MD5.items()}


def cifar10c_path(folder: Path, name: str) -> Path:
    """The path below the data folder of the file of a corruption, or of "labels"."""
    return folder / "CIFAR-10-C" / f"{name}.npy"


def download_cifar10c(folder: Path) -> bool:
    """Download the published files and check each; False if all were in the folder already.

    Errors as in `downloads.fetch_file`.
    """
    if downloads.are_official(cifar10c_files(folder)):
        return False
    downloads.check_writable(folder)
    downloads.set_aside_wrong(cifar10c_files(folder))
    archive = folder / "CIFAR-10-C.tar"
    downloads.fetch_file(URLS, archive, right=ARCHIVE_MD5)
    _unpack(archive, folder)
    os.remove(archive)  # 2.9 GB that the unpacked files hold as well
    downloads.remove_aside(cifar10c_files(folder))
    return True


def _unpack(archive: Path, folder: Path) -> None:
    """Copy the published files out of the archive by name, each whole or not at all.

    Nothing else in the archive can reach the disk. ValueError where it lacks a file.
    """
    downloads.check_writable(folder / "CIFAR-10-C")
    with tarfile.open(archive) as tar:
        members = {Path(member.name).name: member for member in tar if member.isfile()}
        for path, md5 in cifar10c_files(folder).items():
            packed = tar.extractfile(members[path.name]) if path.name in members else None
            if packed is None:
                raise ValueError(
                    f"{archive} has no {path.name}: take the archive of Zenodo record 2535967."
                )
            with atomic_write(path) as temporary:
                with packed, open(temporary, "wb") as file:
                    shutil.copyfileobj(packed, file, downloads.CHUNK)
                downloads.check_sums("cifar10c", {temporary: md5})


def is_cifar10_test(images: ImageSet) -> bool:
    """Whether these are CIFAR-10's official test images and labels, in the published order."""
    return images.origin == "official" and images.checksum() == CLEAN


def cifar10c_is_present(folder: Path, corruption: str) -> bool:
    """Whether the published file of a corruption is, or was, in the folder."""
    return downloads.was_there(cifar10c_path(folder, corruption))


def read_cifar10c(
    folder: Path, corruption: str, severity: int, *, images_per_severity: int
) -> tuple[Tensor, Tensor]:
    """Images uint8 (N, 3, 32, 32) and labels int64 (N,) of a corruption at severity 1 to 5.

    Only this block comes into memory. ValueError for a file of another shape, dtype or length, or
    cut short (set aside), and, where N is the published 10,000, for another MD5 than the published
    one. FileNotFoundError for one that is missing.
    """
    length = SEVERITIES * images_per_severity
    image_file = cifar10c_path(folder, corruption)
    label_file = cifar10c_path(folder, "labels")
    images = _open(image_file, (length, SIDE, SIDE, 3))
    labels = _open(label_file, (length,))
    if images_per_severity == IMAGES:
        published = {
            image_file: PUBLISHED_MD5[corruption],
            label_file: PUBLISHED_MD5["labels"],
        }
        downloads.check_sums("cifar10c", published)
    block = slice((severity - 1) * images_per_severity, severity * images_per_severity)
    channels_first = np.ascontiguousarray(images[block].transpose(0, 3, 1, 2))
    return torch.from_numpy(channels_first), torch.from_numpy(labels[block].astype(np.int64))


def _open(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The array of a .npy file, memory-mapped; ValueError unless whole and uint8 of this shape."""
    downloads.check_present("cifar10c", [path])
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        aside = downloads.set_aside(path)
        raise ValueError(
            f"{path} is cut short or no .npy file ({error}). It is set aside as {aside.name}; to "
            f"get it whole, {downloads.REMEDY}."
        ) from error
    if array.dtype != np.uint8 or array.shape != shape:
        raise ValueError(
            f"{path} holds {array.dtype} {array.shape} where CIFAR-10-C has uint8 {shape}: delete "
            f"it and {downloads.REMEDY}."
        )
    return array
