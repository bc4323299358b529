"""CIFAR-10H: what people made of the CIFAR-10 test images, about 50 votes each. Peterson et al.,
arXiv:1908.07086.
"""

import os

import numpy as np

from visionfail import paths
from visionfail.data import downloads

FILE, MD5 = "cifar10h-probs.npy", "7b41f73eee90fdefc73bfc820ab29ba8"
URLS = [f"https://raw.githubusercontent.com/jcpeterson/cifar-10h/master/data/{FILE}"]


def cifar10h_is_present(root: str | os.PathLike | None = None) -> bool:
    """Whether the file is, or was, in the data folder."""
    return downloads.was_there(paths.data_dir(root) / FILE)


def fetch_cifar10h(root: str | os.PathLike | None = None) -> bool:
    """Verify the file, or download it; False if it was there. Errors as in downloads.fetch."""
    return downloads.fetch_file(URLS, paths.data_dir(root) / FILE, right=MD5)


def load_cifar10h(*, root: str | os.PathLike | None = None, download: bool = False) -> np.ndarray:
    """The share of people who chose each class, float64 (10000, 10), test images and classes in the
    official order.

    FileNotFoundError where the file is missing, ValueError where it is damaged (it is set aside);
    with `download`, ConnectionError or PermissionError instead.
    """
    path = paths.data_dir(root) / FILE
    if download:
        fetch_cifar10h(root)
    downloads.check_sums("cifar10h", {path: MD5})
    downloads.check_present("cifar10h", [path])
    return np.load(path, allow_pickle=False)
