"""Imagenette: ten classes of ImageNet's photographs, at 160 pixels, a folder per class.

https://github.com/fastai/imagenette. Its pictures are ImageNet's training photographs: networks
with ImageNet weights have seen nearly all of them, test pictures included.
"""

from functools import partial
from pathlib import Path

import numpy as np
from torchvision import datasets
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from visionfail.data import downloads, splits
from visionfail.data.folders import load_folder
from visionfail.data.imageset import ImageSet

SIDE = 160
# ImageNet's names of the classes, and ours, in torchvision's order
FOLDERS = {
    "n01440764": "tench",
    "n02102040": "english_springer",
    "n02979186": "cassette_player",
    "n03000684": "chain_saw",
    "n03028079": "church",
    "n03394916": "french_horn",
    "n03417042": "garbage_truck",
    "n03425413": "gas_pump",
    "n03445777": "golf_ball",
    "n03888257": "parachute",
}
PICTURES = {"train": 9_469, "val": 3_925}  # of the official set, in its folders
CLASSES = tuple(name.replace("_", " ") for name in FOLDERS.values())


def imagenette_folder(folder: Path) -> tuple[Path, str]:
    """(the folder of train/ and val/, its origin): as torchvision unpacks it, else of a part."""
    whole = folder / "imagenette2-160"
    part = folder / "imagenette160"  # the same pictures, some of them, in folders with our names
    return (part, "subset") if part.exists() and not whole.exists() else (whole, "official")


def is_present(folder: Path) -> bool:
    """Whether anything of the set is, or was, in the folder."""
    return downloads.was_there(imagenette_folder(folder)[0])


def download(folder: Path) -> bool:
    """Download it through torchvision, which checks its MD5; False if it was there.

    What an interruption left half unpacked is set aside and unpacked anew. ConnectionError with the
    reason where it cannot be had, PermissionError where nothing can be written.
    """
    unpacked, origin = imagenette_folder(folder)
    counts = {part: _count(unpacked / part) for part in PICTURES}
    if origin == "subset" or counts == PICTURES:
        return False
    get = partial(datasets.Imagenette, folder, split="train", size="160px", download=True)
    downloads.fetch_by(get, "imagenette", folder, unpacked=unpacked)
    return True


def _count(folder: Path) -> int:
    """The number of pictures in the folders of the classes."""
    return sum(file.suffix.lower() in IMG_EXTENSIONS for file in folder.glob("*/*"))


def load_split(split: str, folder: Path) -> ImageSet:
    """A split, uint8 (N, 3, 160, 160), classes as CLASSES.

    Its folder val is "test", a stratified tenth of its folder train is "val". FileNotFoundError
    where the folder is missing, ValueError for other classes, missing pictures of the official set,
    or a file that is no picture.
    """
    part = "val" if split == "test" else "train"
    whole, origin = imagenette_folder(folder)
    downloads.check_present("imagenette", [whole / part])
    count = _count(whole / part)
    if origin == "official" and count != PICTURES[part]:
        raise ValueError(
            f"imagenette: {whole / part} has {count} pictures, not {PICTURES[part]}. To unpack it "
            f"anew, {downloads.REMEDY}."
        )
    listing = ImageFolder(str(whole / part))
    order = tuple(FOLDERS if origin == "official" else FOLDERS.values())
    if set(listing.classes) != set(order):
        raise ValueError(
            f"imagenette: {whole / part} has the classes {listing.classes}, not {sorted(order)}: "
            f"remove it, and {downloads.REMEDY}."
        )
    only = None
    if part == "train":
        labels = [order.index(listing.classes[target]) for target in listing.targets]
        only = splits.split_tenth(np.array(labels))[split]
    pictures = load_folder(whole / part, side=SIDE, origin=origin, only=only)
    return pictures.renamed(order, CLASSES)
