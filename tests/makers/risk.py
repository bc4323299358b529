"""What tests of the safe/unsafe classifier train on: untrained weights, coloured pictures."""

import numpy as np
from PIL import Image

from visionfail import models
from visionfail.risk import pictures


def random_weights(arch):
    """Weights of a network that was never trained, in the place of ImageNet's."""
    model = models.build(
        f"imagenet_{arch}", num_classes=1000, mean=(0.5,) * 3, std=(0.5,) * 3, seed=1
    )
    return model.state_dict(), "random"


def coloured_folder(folder, *, count):
    """The folder with `count` noisy pictures of each class, safe ones reddish, unsafe bluish."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(pictures.CLASSES):
        (folder / name).mkdir()
        for k in range(count):
            pixels = rng.integers(0, 120, (32, 32, 3))
            pixels[..., 2 * label] += 110
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{k}.png")
    return folder
