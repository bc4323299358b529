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
# training frames that are used: of torchvision's archive, and of the whole training set's
FRAMES = (13_320, 19_605)

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


def test_folder(folder: Path) -> Path:
    """The folder of the test images, where torchvision unpacks them."""
    return folder / "gtsrb" / "GTSRB" / "Final_Test" / "Images"


def is_present(folder: Path) -> bool:
    """Whether anything of the set is, or was, in the folder."""
    return downloads.was_there(training_folder(folder)) or downloads.was_there(test_table(folder))


def download(folder: Path) -> bool:
    """Download what is missing through torchvision; False if all was in the folder.

    What an interruption left half unpacked is set aside and unpacked anew. ConnectionError with the
    reason where it cannot be had, PermissionError where nothing can be written.
    """
    missing = {}
    if len(_used_frames(folder)) not in FRAMES:
        missing["train"] = training_folder(folder)
    if not _test_is_whole(folder):
        missing["test"] = test_folder(folder)
    for split, unpacked in missing.items():
        get = partial(datasets.GTSRB, folder, split=split, download=True)
        downloads.fetch_by(get, "gtsrb", folder, unpacked=unpacked)
    return bool(missing)


def load_split(split: str, folder: Path) -> ImageSet:
    """A split of the signs, with their tracks as groups but for the test images.

    Errors as in `read_gtsrb_training` and `read_gtsrb_test`.
    """
    if split == "test":
        images, labels = read_gtsrb_test(folder)
        return ImageSet.of_arrays(images, labels, CLASSES, "subset")
    images, labels, track = read_gtsrb_training(split, folder)
    return ImageSet.of_arrays(images, labels, CLASSES, "subset", groups=track)


def read_gtsrb_training(split: str, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images uint8 (N, 3, 32, 32), labels and groups int64 (N,) of "train", "val" or "heldout".

    Of the training frames, every second one. Frames of another size are resized here. A group is
    class and track, since track numbers restart in every class. FileNotFoundError where the folder
    or a class is missing, ValueError where frames are missing, and one that names a file that is no
    picture.
    """
    classes = training_folder(folder)
    downloads.check_present("gtsrb", [classes / f"{label:05d}" for label in range(len(CLASSES))])
    frames = _used_frames(folder)
    if len(frames) not in FRAMES:
        raise ValueError(
            f"gtsrb: {classes} has {len(frames)} of the frames that are used, not "
            f"{' or '.join(map(str, FRAMES))}. To unpack them anew, {downloads.REMEDY}."
        )
    labels = np.array([int(path.parent.name) for path in frames], dtype=np.int64)
    tracks = np.array([_track_and_frame(path)[0] for path in frames], dtype=np.int64)
    groups = labels * 100_000 + tracks
    chosen = gtsrb_parts(labels, groups)[split]
    images = np.stack([_pixels(frames[place]) for place in chosen])
    return images, labels[chosen], groups[chosen]


def read_gtsrb_test(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (12630, 3, 32, 32) and labels int64 (12630,) of the official test set.

    They lie in its order. FileNotFoundError where a file is missing, ValueError where the list is
    not of 12,630 images.
    """
    downloads.check_present("gtsrb", [test_table(folder)])
    rows = _test_rows(folder)
    if len(rows) != TEST_IMAGES:
        raise ValueError(
            f"gtsrb: {test_table(folder)} lists {len(rows)} images, not {TEST_IMAGES}. To get it "
            f"whole, {downloads.REMEDY}."
        )
    files = [test_folder(folder) / row["Filename"] for row in rows]
    downloads.check_present("gtsrb", files)
    images = np.stack([_pixels(file) for file in files])
    labels = np.array([int(row["ClassId"]) for row in rows], dtype=np.int64)
    return images, labels


def gtsrb_parts(labels: np.ndarray, groups: np.ndarray) -> dict[str, np.ndarray]:
    """Indices of "train", "val" and "heldout" in the training frames, no track in two of them."""
    return splits.split_by_group(labels, groups, HELD_OUT)


def _used_frames(folder: Path) -> list[Path]:
    """The files of every second training frame, by class, track and frame; none where none is."""
    files = sorted(training_folder(folder).glob("[0-9]*/*.ppm"))
    return [path for path in files if _track_and_frame(path)[1] % 2 == 0]


def _test_rows(folder: Path) -> list[dict[str, str]]:
    """The rows of the list of test images."""
    with open(test_table(folder), newline="", encoding="ascii") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _test_is_whole(folder: Path) -> bool:
    """Whether the list of test images and all pictures in it are there."""
    if not test_table(folder).exists():
        return False
    rows = _test_rows(folder)
    files = [test_folder(folder) / row["Filename"] for row in rows]
    return len(rows) == TEST_IMAGES and all(file.exists() for file in files)


def _track_and_frame(path: Path) -> tuple[int, int]:
    """The two numbers in a file's name, <track>_<frame>.ppm."""
    numbers = path.stem.split("_")
    return int(numbers[0]), int(numbers[1])


def _pixels(path: Path) -> np.ndarray:
    """One picture as uint8 (3, 32, 32); ValueError that names a file that is no picture."""
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"gtsrb: {path} is no picture ({error}): remove it, and {downloads.REMEDY}."
        ) from error
    if picture.size != (SIDE, SIDE):
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture).transpose(2, 0, 1)  # (H, W, C) -> (C, H, W)
