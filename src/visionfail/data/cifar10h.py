"""CIFAR-10H: the classes that people gave the CIFAR-10 test images, about 50 votes per image.

Peterson et al. 2019, arXiv:1908.07086.
"""

import os

import numpy as np

from visionfail import paths
from visionfail.data import downloads

FILE = "cifar10h-probs.npy"
MD5 = "7b41f73eee90fdefc73bfc820ab29ba8"
URLS = [f"https://raw.githubusercontent.com/jcpeterson/cifar-10h/master/data/{FILE}"]


def cifar10h_is_present(root: str | os.PathLike | None = None) -> bool:
    """Whether the file is, or was, in the data folder."""
    return downloads.was_there(paths.data_dir(root) / FILE)


def fetch_cifar10h(root: str | os.PathLike | None = None) -> bool:
    """Verify the file, or download it; False if it was there.

    Errors as in `downloads.fetch_file`.
    """
    return downloads.fetch_file(URLS, paths.data_dir(root) / FILE, right=MD5)


def load_cifar10h(*, root: str | os.PathLike | None = None, download: bool = False) -> np.ndarray:
    """The fraction of people who chose each class, float64 (10000, 10).

    Test images and classes lie in the official order. FileNotFoundError where the file is missing,
    ValueError where it is damaged (it is set aside); with `download`, ConnectionError or
    PermissionError instead.
    """
    path = paths.data_dir(root) / FILE
    if download:
        fetch_cifar10h(root)
    downloads.check_sums("cifar10h", {path: MD5})
    downloads.check_present("cifar10h", [path])
    return np.load(path, allow_pickle=False)
