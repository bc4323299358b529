"""German traffic signs at 32x32 pixels: training frames split by track, and the test images.

Of the training frames every second one is used. A track is 30 frames of one sign, from far to near:
30 pictures, one independent thing. Stallkamp et al. 2012.
"""

import csv
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision import datasets

from visionfail.data import downloads, splits
from visionfail.data.imageset import ImageSet

SIDE = 32
HELD_OUT = ("val", "heldout")
TEST_IMAGES = 12_630

CLASSES = (
    "speed limit 20",
    "speed limit 30",
    "speed limit 50",
    "speed limit 60",
    "speed limit 70",
    "speed limit 80",
    "end of speed limit 80",
    "speed limit 100",
    "speed limit 120",
    "no passing",
    "no passing for trucks",
    "right of way at next crossing",
    "priority road",
    "yield",
    "stop",
    "no vehicles",
    "no trucks",
    "no entry",
    "danger",
    "bend left",
    "bend right",
    "double bend",
    "bumpy road",
    "slippery road",
    "road narrows on the right",
    "road works",
    "traffic signals",
    "pedestrians",
    "children crossing",
    "bicycles crossing",
    "ice and snow",
    "wild animals",
    "end of all limits",
    "turn right",
    "turn left",
    "straight on",
    "straight or right",
    "straight or left",
    "keep right",
    "keep left",
    "roundabout",
    "end of no passing",
    "end of no passing for trucks",
)


def training_folder(folder: Path) -> Path:
    """The folder of the training tracks: a folder per class, files <track>_<frame>.ppm.

    torchvision unpacks them there.
    """
    return folder / "gtsrb" / "GTSRB" / "Training"


def test_table(folder: Path) -> Path:
    """The path of the list of test images and their classes, where torchvision unpacks it."""
    return folder / "gtsrb" / "GT-final_test.csv"


def is_present(folder: Path) -> bool:
    """Whether anything of the set is in the folder."""
    return training_folder(folder).exists() or test_table(folder).exists()


def download(folder: Path) -> bool:
    """Download what is missing through torchvision; False if all was in the folder.

    ConnectionError with the reason where it cannot be had, PermissionError where nothing can be
    written.
    """
    if training_folder(folder).exists() and test_table(folder).exists():
        return False
    for split in ("train", "test"):
        get = partial(datasets.GTSRB, folder, split=split, download=True)
        downloads.fetch_by(get, "gtsrb", folder)
    return True


def load_split(split: str, folder: Path) -> ImageSet:
    """A split of the signs, with their tracks as groups but for the test images.

    Errors as in `read_gtsrb_training` and `read_gtsrb_test`.
    """
    if split == "test":
        images, labels = read_gtsrb_test(folder)
        return ImageSet.of_arrays(images, labels, CLASSES, "subset")
    images, labels, track = read_gtsrb_training(folder)
    chosen = gtsrb_parts(labels, track)[split]
    return ImageSet.of_arrays(
        images[chosen], labels[chosen], CLASSES, "subset", groups=track[chosen]
    )


def read_gtsrb_training(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images uint8 (N, 3, 32, 32), labels and groups int64 (N,) of every second training frame.

    Frames of another size are resized here. A group is class and track, since track numbers restart
    in every class. FileNotFoundError where the folder or a class is missing, ValueError that names
    a file that is no picture.
    """
    frames = training_folder(folder)
    downloads.check_present("gtsrb", [frames / f"{label:05d}" for label in range(len(CLASSES))])
    images = []
    labels = []
    tracks = []
    for path, label in datasets.ImageFolder(frames).samples:
        track, frame = _track_and_frame(path)
        if frame % 2 == 0:
            images.append(_pixels(Path(path)))
            labels.append(label)
            tracks.append(track)
    labels = np.array(labels, dtype=np.int64)
    groups = labels * 100_000 + np.array(tracks, dtype=np.int64)
    return np.stack(images), labels, groups


def read_gtsrb_test(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (12630, 3, 32, 32) and labels int64 (12630,) of the official test set.

    They lie in its order. FileNotFoundError where a file is missing, ValueError where the list is
    not of 12,630 images.
    """
    downloads.check_present("gtsrb", [test_table(folder)])
    with open(test_table(folder), newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    if len(rows) != TEST_IMAGES:
        raise ValueError(
            f"gtsrb: {test_table(folder)} lists {len(rows)} images, not {TEST_IMAGES}: remove and "
            "restore it."
        )
    pictures = folder / "gtsrb" / "GTSRB" / "Final_Test" / "Images"
    files = [pictures / row["Filename"] for row in rows]
    downloads.check_present("gtsrb", files)
    images = np.stack([_pixels(file) for file in files])
    labels = np.array([int(row["ClassId"]) for row in rows], dtype=np.int64)
    return images, labels


def gtsrb_parts(labels: np.ndarray, groups: np.ndarray) -> dict[str, np.ndarray]:
    """Indices of "train", "val" and "heldout" in the training frames, no track in two of them."""
    return splits.split_by_group(labels, groups, HELD_OUT)


def _track_and_frame(path: str | Path) -> tuple[int, int]:
    """The two numbers in a file's name, <track>_<frame>.ppm."""
    numbers = Path(path).stem.split("_")
    return int(numbers[0]), int(numbers[1])


def _pixels(path: Path) -> np.ndarray:
    """One picture as uint8 (3, 32, 32); ValueError that names a file that is no picture."""
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"gtsrb: {path} is no picture ({error}): remove and restore it."
        ) from error
    if picture.size != (SIDE, SIDE):
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture).transpose(2, 0, 1)  # (H, W, C) -> (C, H, W)
