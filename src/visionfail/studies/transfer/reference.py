"""The reference network: ImageNet's ResNet-18 taken to all of CIFAR-10 at 128 pixels."""

import shutil
from pathlib import Path

from torch import nn

from visionfail import data, devices, models, paths
from visionfail.data import ImageSet
from visionfail.models import transfer
from visionfail.studies.transfer.recipes import HEAD, WHOLE, staged

ARCH = "imagenet_resnet18"
SIDE = 128
SEED = 0
REFERENCE = models.checkpoint_name("cifar10", ARCH, "transfer", SEED)
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
