"""The official files of CIFAR-10, MNIST and SVHN: their sums, their download, and reading them."""

from pathlib import Path

import torch
from torch import Tensor
from torchvision import datasets

from visionfail import devices
from visionfail.data import downloads

# torchvision checks what it downloads of MNIST, not the unpacked files that it reads: their sums
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def official_files(name: str, folder: Path) -> dict[Path, str]:
    """Every file of a set, as it is read, with its MD5."""
    if name == "cifar10":
        cifar = datasets.CIFAR10
        base = folder / cifar.base_folder
        files = {base / file: md5 for file, md5 in cifar.train_list + cifar.test_list}
        files[base / cifar.meta["filename"]] = cifar.meta["md5"]
        return files
    if name == "mnist":
        raw = folder / "MNIST" / "raw"
        return {raw / file: md5 for file, md5 in MNIST_MD5.items()}
    return {path: md5 for _, path, md5 in official_archives(name, folder)}


def official_archives(name: str, folder: Path) -> list[tuple[list[str], Path, str]]:
    """The files to download for a set: the mirrors' URLs, the path and the MD5 of each."""
    if name == "cifar10":
        cifar = datasets.CIFAR10
        return [([cifar.url], folder / cifar.filename, cifar.tgz_md5)]
    archives = []
    if name == "mnist":
        for file, md5 in datasets.MNIST.resources:
            urls = [mirror + file for mirror in datasets.MNIST.mirrors]
            archives.append((urls, folder / "MNIST" / "raw" / file, md5))
        return archives
    for split in ("train", "test"):
        url, file, md5 = datasets.SVHN.split_list[split]
        archives.append(([url], folder / file, md5))
    return archives


def official_is_present(name: str, folder: Path) -> bool:
    """Whether any file of the set is, or was, in the folder."""
    return any(downloads.was_there(path) for path in official_files(name, folder))


def check_official(name: str, folder: Path) -> None:
    """Raises ValueError for a file cut short or changed, FileNotFoundError for a missing one.

    The damaged file is set aside.
    """
    files = official_files(name, folder)
    downloads.check_sums(name, files)
    downloads.check_present(name, files)


def download_official(name: str, folder: Path) -> bool:
    """Download every file of the set, whole; False if all were in the folder already.

    Errors as in `downloads.fetch_file`.
    """
    files = official_files(name, folder)
    if downloads.are_official(files):
        return False
    downloads.check_writable(folder)
    downloads.set_aside_wrong(files)
    for urls, path, md5 in official_archives(name, folder):
        downloads.fetch_file(urls, path, right=md5)
    # torchvision finds its archives there and unpacks them; those of SVHN are read as they are
    if name == "cifar10":
        datasets.CIFAR10(folder, download=True)
    elif name == "mnist":
        datasets.MNIST(folder, download=True)
    check_official(name, folder)
    downloads.remove_aside(files)
    return True


@devices.usual_defaults()
def read_official(name: str, part: str, folder: Path) -> tuple[Tensor, Tensor]:
    """Images uint8 (N, C, H, W) and labels int64 (N,) of the official "train" or "test" part."""
    if name == "cifar10":
        cifar = datasets.CIFAR10(folder, train=part == "train")
        images = torch.from_numpy(cifar.data).permute(0, 3, 1, 2)  # (N, H, W, C) -> (N, C, H, W)
        return images.contiguous(), torch.tensor(cifar.targets)
    if name == "mnist":
        mnist = datasets.MNIST(folder, train=part == "train")
        return mnist.data[:, None], mnist.targets
    svhn = datasets.SVHN(folder, split=part)
    return torch.from_numpy(svhn.data).contiguous(), torch.from_numpy(svhn.labels)
