"""The official files of CIFAR-10, MNIST and SVHN: what they are, getting them, reading them through
torchvision.
"""

from pathlib import Path

import torch
from torch import Tensor
from torchvision import datasets

from visionfail.data import downloads

# torchvision checks what it downloads of MNIST, not the unpacked files that it reads: these are
# their sums
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def official_files(name: str, folder: Path) -> dict[Path, str]:
    """Every file of a set, as it is read, with its MD5."""
    if name == "cifar10":
        meta = datasets.CIFAR10.meta
        listed = [
            *datasets.CIFAR10.train_list,
            *datasets.CIFAR10.test_list,
            (meta["filename"], meta["md5"]),
        ]
        return {folder / datasets.CIFAR10.base_folder / file: right for file, right in listed}
    if name == "mnist":
        return {folder / "MNIST" / "raw" / file: right for file, right in MNIST_MD5.items()}
    return {path: right for _, path, right in official_archives(name, folder)}


def official_archives(name: str, folder: Path) -> list[tuple[list[str], Path, str]]:
    """What to download for a set: the mirrors, where the file goes, its MD5."""
    if name == "cifar10":
        cifar = datasets.CIFAR10
        return [([cifar.url], folder / cifar.filename, cifar.tgz_md5)]
    if name == "mnist":
        mirrors, raw = datasets.MNIST.mirrors, folder / "MNIST" / "raw"
        return [
            ([mirror + file for mirror in mirrors], raw / file, right)
            for file, right in datasets.MNIST.resources
        ]
    svhn = [datasets.SVHN.split_list[part] for part in ("train", "test")]
    return [([url], folder / file, right) for url, file, right in svhn]


def official_is_present(name: str, folder: Path) -> bool:
    """Whether any file of the set is, or was, in the folder."""
    return any(downloads.was_there(path) for path in official_files(name, folder))


def check_official(name: str, folder: Path) -> None:
    """ValueError for a file cut short or changed, which is set aside; FileNotFoundError for one
    that is missing.
    """
    downloads.check_sums(name, official_files(name, folder))
    downloads.check_present(name, official_files(name, folder))


def download_official(name: str, folder: Path) -> bool:
    """Bring every file of the set there, whole; False if all were there already. Errors as in
    downloads.fetch.
    """
    downloads.check_writable(folder)
    downloads.set_aside_wrong(official_files(name, folder))
    if all(path.exists() for path in official_files(name, folder)):
        return False
    for urls, path, right in official_archives(name, folder):
        downloads.fetch_file(urls, path, right=right)
    if name != "svhn":  # torchvision finds its archives there and unpacks them
        {"cifar10": datasets.CIFAR10, "mnist": datasets.MNIST}[name](folder, download=True)
    check_official(name, folder)
    return True


def read_official(name: str, part: str, folder: Path) -> tuple[Tensor, Tensor]:
    """Images uint8 (N, C, H, W) and labels int64 (N,) of the official "train" or "test" part."""
    if name == "cifar10":
        cifar = datasets.CIFAR10(folder, train=part == "train")
        return torch.from_numpy(cifar.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(
            cifar.targets
        )
    if name == "mnist":
        mnist = datasets.MNIST(folder, train=part == "train")
        return mnist.data[:, None], mnist.targets
    svhn = datasets.SVHN(folder, split=part)
    return torch.from_numpy(svhn.data).contiguous(), torch.from_numpy(svhn.labels)
