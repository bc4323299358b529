"""Find the object in CIFAR-10's first test images, once: results/transfer-masks.npz.

python tools/masks.py

It needs OpenCV (pip install opencv-python-headless), which nothing else here does. GrabCut: Rother
et al. 2004, doi:10.1145/1186562.1015720.
"""

import argparse
import importlib

import numpy as np
from tqdm import tqdm

from visionfail import data
from visionfail.studies.transfer import masks

IMAGES = 2000
SIDE = 128  # GrabCut is given an enlarged picture
MARGIN = 8  # pixels around it that are background for certain
ROUNDS = 5
RED, GREEN, BLUE = 0, 1, 2


def object_mask(cv2, image: np.ndarray) -> np.ndarray:
    """The object's pixels in a picture uint8 (3, H, W): bool (H, W)."""
    height, width = image.shape[1:]
    enlarged = cv2.resize(
        np.ascontiguousarray(image[[BLUE, GREEN, RED]].transpose(1, 2, 0)),
        (SIDE, SIDE),
        interpolation=cv2.INTER_CUBIC,
    )
    labels = np.zeros((SIDE, SIDE), dtype=np.uint8)
    searched = (MARGIN, MARGIN, SIDE - 2 * MARGIN, SIDE - 2 * MARGIN)
    models = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(enlarged, labels, searched, models[0], models[1], ROUNDS, cv2.GC_INIT_WITH_RECT)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return cv2.resize(found, (width, height), interpolation=cv2.INTER_AREA) >= 0.5


def main() -> None:
    """Make the masks and say how many cannot be used."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    cv2 = importlib.import_module("cv2")
    test = data.load("cifar10", "test", download=True).first(IMAGES)
    pictures = tqdm(test.images.numpy(), unit="picture")
    pixels = np.stack([object_mask(cv2, image) for image in pictures])
    made = {
        "images": test.checksum(),
        "n": len(test),
        "by": f"GrabCut, {ROUNDS} rounds at {SIDE} pixels, OpenCV {cv2.__version__}",
    }
    masks.save_masks(pixels, made=made)
    usable = masks.load_masks().usable()
    print(f"{len(test) - usable.sum()} of {len(test)} masks are too small or too large to be used")


if __name__ == "__main__":
    main()
