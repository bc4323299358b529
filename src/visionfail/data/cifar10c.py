"""The published CIFAR-10-C files: download and read. Hendrycks and Dietterich 2019,
arXiv:1903.12261.
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
from visionfail.files import atomic_write

URLS = (
    "https://zenodo.org/records/2535967/files/CIFAR-10-C.tar?download=1",
    "https://huggingface.co/datasets/torch-uncertainty/CIFAR-C/resolve/main/CIFAR-10-C.tar",
)

ARCHIVE_MD5 = "56bf5dcef84df0e2308c6dcbcbbd8499"
IMAGES = 10_000  # a severity; the five lie one after another
SEVERITIES = 5
SIDE = 32


def cifar10c_files(folder: Path) -> dict[Path, str]:
    """The published files with their MD5: one a corruption, and the labels."""
    return {cifar10c_path(folder, name): right for name, right in PUBLISHED_MD5.items()}


def cifar10c_path(folder: Path, name: str) -> Path:
    """Where the file of a corruption, or "labels", lies below the data folder."""
    return folder / "CIFAR-10-C" / f"{name}.npy"


def download_cifar10c(folder: Path) -> bool:
    """Bring the published files there, each checked; False if all were there already. Errors as in
    downloads.fetch.
    """
    downloads.check_writable(folder)
    downloads.set_aside_wrong(cifar10c_files(folder))
    if all(path.exists() for path in cifar10c_files(folder)):
        return False
    archive = folder / "CIFAR-10-C.tar"
    downloads.fetch_file(URLS, archive, right=ARCHIVE_MD5)
    _unpack(archive, folder)
    os.remove(archive)  # 2.9 GB that are there twice now
    return True


def _unpack(archive: Path, folder: Path) -> None:
    """Copy the published files out by name, whole or not at all; nothing else in the archive can
    reach the disk.
    """
    downloads.check_writable(folder / "CIFAR-10-C")
    with tarfile.open(archive) as tar:
        members = {Path(member.name).name: member for member in tar if member.isfile()}
        for path, right in cifar10c_files(folder).items():
            if path.name not in members:
                raise ValueError(
                    f"{archive} has no {path.name}: take the archive of Zenodo record 2535967."
                )
            with atomic_write(path) as part:
                with tar.extractfile(members[path.name]) as packed, open(part, "wb") as file:
                    shutil.copyfileobj(packed, file, downloads.CHUNK)
                downloads.check_sums("cifar10c", {part: right})


def cifar10c_is_present(folder: Path, corruption: str) -> bool:
    """Whether the published file of a corruption is, or was, in the folder."""
    return downloads.was_there(cifar10c_path(folder, corruption))


def read_cifar10c(
    folder: Path, corruption: str, severity: int, *, images_per_severity: int
) -> tuple[Tensor, Tensor]:
    """Images uint8 (N, 3, 32, 32) and labels int64 (N,) of severity 1 to 5; only this block comes
    into memory.

    ValueError for a file of another shape, dtype or length, or cut short (set aside); where N is
    the published 10,000, for another MD5 than the published, too. FileNotFoundError for one that is
    missing.
    """
    length = SEVERITIES * images_per_severity
    images = _open(cifar10c_path(folder, corruption), (length, SIDE, SIDE, 3))
    labels = _open(cifar10c_path(folder, "labels"), (length,))
    if images_per_severity == IMAGES:
        downloads.check_sums(
            "cifar10c",
            {cifar10c_path(folder, name): PUBLISHED_MD5[name] for name in (corruption, "labels")},
        )
    block = slice((severity - 1) * images_per_severity, severity * images_per_severity)
    channels_first = np.ascontiguousarray(images[block].transpose(0, 3, 1, 2))
    return torch.from_numpy(channels_first), torch.from_numpy(labels[block].astype(np.int64))


def _open(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The array of a .npy file, memory-mapped; ValueError unless it is whole and uint8 of this
    shape.
    """
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
