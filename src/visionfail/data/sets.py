"""The data sets by name: images in memory as uint8 tensors, the same splits on every machine."""

import os
from dataclasses import replace
from pathlib import Path

import torch

from visionfail import corruptions, paths
from visionfail.corruptions import IDENTICAL
from visionfail.data import (
    cifar10c,
    cifar10h,
    digit_struct,
    gtsrb,
    imagenette,
    splits,
    standins,
    svhn10k,
    torchvision_sets,
)
from visionfail.data.imageset import ImageSet

CLASSES = {
    "cifar10": (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    "mnist": tuple("0123456789"),
    "svhn": tuple("0123456789"),
    "svhn10k": svhn10k.CLASSES,
    "gtsrb": gtsrb.CLASSES,
    "imagenette": imagenette.CLASSES,
}

SPLITS = {
    "cifar10": ("train", "val", "test"),
    "mnist": ("train", "auditor", "val", "test"),
    "svhn": ("train", "val", "test"),
    "svhn10k": ("train", "val", "test"),
    "gtsrb": ("train", "val", "heldout", "test"),
    "imagenette": ("train", "val", "test"),
}

# the sets that a module of their own reads; torchvision_sets reads the others
OWN_FILES = {"svhn10k": svhn10k, "gtsrb": gtsrb, "imagenette": imagenette}

# Mean and standard deviation of all pixels of the training images per channel, in [0, 1]. The often
# copied CIFAR-10 deviation 0.2023 0.1994 0.2010 is a mean of per-image values instead.
CHANNEL_STATS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "mnist": ((0.1307,), (0.3081,)),
    "svhn": ((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)),
    "svhn10k": ((0.4547, 0.4554, 0.4725), (0.2220, 0.2286, 0.2308)),
    "gtsrb": ((0.3386, 0.3109, 0.3204), (0.2743, 0.2636, 0.2701)),
    "imagenette": ((0.4589, 0.4561, 0.4294), (0.2779, 0.2756, 0.2980)),  # of a part, 2,700
}


def load(
    name: str, split: str, *, root: str | os.PathLike | None = None, download: bool = False
) -> ImageSet:
    """A split of a data set: uint8 images (N, C, H, W) with labels, classes and origin.

    Of "cifar10", "mnist" and "svhn" (origin "official") the splits "train" and "val" are fixed
    stratified parts of the official training set: 90% and 10%, for mnist 48,000 and 2,000, with
    10,000 "auditor". Of "imagenette", pictures of 160 pixels, "test" is its folder val and "val" a
    stratified tenth of its folder train (origin "official", or "subset" of a part). Of origin
    "subset", with groups, are "svhn10k", the first 10,000 SVHN test digits split by house number,
    and "gtsrb", every second training frame split by track into "train", "val" and "heldout", and
    its "test", whose groups are not known. The test digits of "svhn" have groups where
    test/digitStruct.mat is at hand. ValueError for an unknown set or split or a damaged file (it is
    set aside), FileNotFoundError for a missing one; with `download`, ConnectionError or
    PermissionError instead.
    """
    check_split(name, split)
    folder = paths.data_dir(root)
    if download:
        fetch(name, root=root)
    if name in OWN_FILES:
        return OWN_FILES[name].load_split(split, folder)
    return _official(name, split, folder)


def _official(name: str, split: str, folder: Path) -> ImageSet:
    """A split of cifar10, mnist or svhn from the official files."""
    torchvision_sets.check_official(name, folder)
    part = "test" if split == "test" else "train"
    images, labels = torchvision_sets.read_official(name, part, folder)
    whole = ImageSet(images, labels, CLASSES[name], "official")  # which checks the labels
    if split == "test":
        return _with_houses(whole, folder) if name == "svhn" else whole
    split_training_set = splits.split_mnist if name == "mnist" else splits.split_tenth
    chosen = split_training_set(labels.numpy())[split]
    return ImageSet(images[chosen], labels[chosen], CLASSES[name], "official")


def _with_houses(digits: ImageSet, folder: Path) -> ImageSet:
    """SVHN's test digits with their houses as groups, where digitStruct.mat is at hand."""
    path = digit_struct.digit_struct_file(folder, "test")
    if not path.exists():
        return digits
    house, _ = digit_struct.read_digit_struct(path)
    if len(house) != len(digits):
        raise ValueError(
            f"{path} lists {len(house)} digits, the test set has {len(digits)}: unpack it anew."
        )
    return replace(digits, groups=torch.from_numpy(house))


def load_or_standin(name: str, split: str, *, root: str | os.PathLike | None = None) -> ImageSet:
    """The split as `load` gives it where its set is on disk, else its stand-in, origin "standin".

    Nothing is downloaded. A set of which a file is missing or damaged is refused as in `load`, so
    that no study mixes the two.
    """
    check_split(name, split)
    if is_present(name, root):
        return load(name, split, root=root)
    return standins.load_standin(name, split)


def is_present(name: str, root: str | os.PathLike | None = None) -> bool:
    """Whether any file of the set is, or was, on disk; no image is read."""
    folder = paths.data_dir(root)
    if name in OWN_FILES:
        return OWN_FILES[name].is_present(folder)
    return torchvision_sets.official_is_present(name, folder)


def load_cifar10c(
    corruption: str,
    severity: int,
    *,
    root: str | os.PathLike | None = None,
    seed: int = 0,
    images_per_severity: int = cifar10c.IMAGES,
    clean: ImageSet | None = None,
) -> ImageSet:
    """The CIFAR-10 test images under one of 19 corruptions at severity 0 (clean) to 5.

    They lie in the official order. They are those of the published file if it is on disk (origin
    "official", or "subset" where the files hold fewer than 10,000 `images_per_severity`), else
    regenerated from `seed` ("identical" where the bytes are proven to be the published ones, else
    "regenerated"; "standin" where the clean images are). `clean` are those where they are loaded
    already. ValueError for an unknown corruption or
    severity or a file of another shape, dtype, length or MD5. Hendrycks and Dietterich 2019,
    arXiv:1903.12261.
    """
    corruptions.check_corruption(corruption, severity, seed=seed, first_index=0)
    folder = paths.data_dir(root)
    if severity > 0 and cifar10c.cifar10c_is_present(folder, corruption):
        images, labels = cifar10c.read_cifar10c(
            folder, corruption, severity, images_per_severity=images_per_severity
        )
        origin = "official" if images_per_severity == cifar10c.IMAGES else "subset"
        return ImageSet(images, labels, CLASSES["cifar10"], origin)
    if clean is None:
        clean = load_or_standin("cifar10", "test", root=root)
    if severity == 0:
        return clean
    images = corruptions.corrupt(clean.images, corruption, severity, seed=seed)
    if clean.origin == "standin":
        origin = "standin"
    elif corruption in IDENTICAL:
        origin = "identical"
    else:
        origin = "regenerated"
    return ImageSet(images, clean.labels, clean.classes, origin)


def fetch(name: str, *, root: str | os.PathLike | None = None) -> bool:
    """Verify the files of a set and download those that are missing; False if none were.

    The set is one that `load` knows, "cifar10c" or "cifar10h", the human votes. ConnectionError
    where no mirror has it, PermissionError where the folder can't be written.
    """
    folder = paths.data_dir(root)
    if name == "cifar10c":
        return cifar10c.download_cifar10c(folder)
    if name == "cifar10h":
        return cifar10h.fetch_cifar10h(folder)
    check_split(name, "train")
    if name in OWN_FILES:
        return OWN_FILES[name].download(folder)
    return torchvision_sets.download_official(name, folder)


def check_split(name: str, split: str) -> None:
    """Raises ValueError unless the set exists and has this split."""
    if name not in SPLITS:
        raise ValueError(f"unknown data set {name!r}: choose one of {', '.join(SPLITS)}.")
    if split not in SPLITS[name]:
        raise ValueError(
            f"unknown split {split!r} of {name}: choose one of {', '.join(SPLITS[name])}."
        )
