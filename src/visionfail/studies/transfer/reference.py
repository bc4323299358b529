"""The reference network: ImageNet's ResNet-18 taken to all of CIFAR-10 at 128 pixels."""

import shutil
from pathlib import Path

import numpy as np
from torch import nn

from visionfail import data, devices, files, models, paths, profiles
from visionfail.data import ImageSet
from visionfail.models import transfer
from visionfail.studies import stored
from visionfail.studies.transfer.recipes import HEAD, WHOLE, staged

ARCH = "imagenet_resnet18"
SIDE = 128
SEED = 0
REFERENCE = models.checkpoint_name("cifar10", ARCH, "transfer", SEED)
ASKED = 5000  # training images that the finished network is asked about
NORM_IMAGES = 1000  # training images that give folded norms their statistics


def reference_classifier(sets: dict[str, ImageSet], *, state: Path) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained") of the reference network, on the best device.

    Loaded from models/ where it is; else trained on sets["train"], watched on sets["val"], tested
    once on sets["test"] and saved. `state` is the folder of an unfinished training.
    """
    stem = paths.MODELS / REFERENCE
    _, description = models.checkpoint_files(stem)
    if description.exists():
        model, card = models.load(stem)
        return devices.placed(model), card, "loaded"
    models.check_can_save(stem)
    weights, weights_name = data.load_imagenet_weights("resnet18")
    model = transfer.pretrained(ARCH, weights, num_classes=10, side=SIDE, seed=SEED)
    transfer.inflate_norms(model, sets["train"].images[:NORM_IMAGES])
    frozen, unfrozen = staged(HEAD, WHOLE, seed=SEED)
    folder = Path(state) / REFERENCE
    model, history = transfer.fit_in_two_phases(
        model, sets["train"], sets["val"], frozen=frozen, unfrozen=unfrozen, state=folder
    )
    card = {
        "dataset": "cifar10",
        "arch": ARCH,
        "width": 64,
        "side": SIDE,
        "resizing": model.resizing,
        "recipe": "transfer",
        "pretrained": weights_name,
        "images": len(sets["train"]),
        "unfrozen": list(transfer.UNFROZEN),
        "rounds": [models.config_fields(config) for config in (frozen, unfrozen)],
        "history": history,
    }
    model, card = models.save_trained(stem, model, sets, card=card)
    shutil.rmtree(folder, ignore_errors=True)
    return model, card, "trained"


def load_or_ask_training(
    model: nn.Module | None, train: ImageSet, *, weights: str
) -> tuple[np.ndarray, str]:
    """(whether each of the first ASKED training images is answered rightly, "loaded" | "computed").

    Plain images, as test images are asked, so that the two can be compared. Stored in
    results/transfer-training.npz; without a model what is stored is loaded.
    """
    path = profiles.FULL.results / "transfer-training.npz"
    if model is None:
        return files.load_arrays(path)[0]["correct"], "loaded"
    few = train.first(ASKED)
    identity = {"weights": weights, "images": few.checksum()}

    def compute() -> tuple[stored.Arrays, dict]:
        answers = models.predict(model, few.images, batch_size=128).argmax(1)
        return {"correct": (answers == few.labels).numpy()}, identity

    arrays, _, how = stored.load_or_compute(path, compute, identity=identity, fields=["correct"])
    return arrays["correct"], how
