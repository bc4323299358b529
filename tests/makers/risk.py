"""What tests of the safe/unsafe classifier train on: untrained weights, coloured pictures."""

import numpy as np
import pytest
from PIL import Image

from visionfail import data, models
from visionfail.risk import commands, pictures
from visionfail.risk.config import RiskConfig


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


def trained_on_coloured(new_folder, *, count, **settings):
    """(a classifier of 32 pixels trained on `count` pictures of each class, their folder).

    new_folder: pytest's `tmp_path_factory.mktemp`.
    """
    folder = coloured_folder(new_folder("pictures"), count=count)
    config = RiskConfig(side=32, views=0, epochs=5, lr=0.01, **settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_imagenet_weights", random_weights)
        made = commands.train_classifier(folder, new_folder("model"), config)
    return made.classifier, folder


def validation_images(folder):
    """The validation pictures of a folder, at 32 pixels."""
    images, _, _ = pictures.read_pictures(pictures.split_pictures(folder)["val"], side=32)
    return images
