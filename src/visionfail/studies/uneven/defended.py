"""The one defended network: CIFAR-10's ResNet-18 seed 1, trained further on attacked images."""

from pathlib import Path

from torch import nn

from visionfail import attacks, devices, models, paths
from visionfail.data import ImageSet
from visionfail.models.train_config import TrainConfig

EPSILON = 8 / 255
FROM_SEED = 1
CHECKED = 200  # validation images that are attacked after each epoch
CHECK_STEPS = 10
RECIPE = "fgsm"
DEFENDED = models.checkpoint_name("cifar10", "resnet18", RECIPE, FROM_SEED)
ROUND = TrainConfig(epochs=6, peak_lr=0.05, sides=(24, 24, 24), seed=201)


def defended_classifier(sets: dict[str, ImageSet], *, state: Path) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained") of the network defended at 8/255, on the best device.

    Loaded from models/ where it is; else trained on sets["train"] from the weights of seed 1, each
    batch moved by one step of FGSM from a random start, and attacked by PGD on validation images
    after each epoch; tested once on sets["test"] and saved. `state` is the folder of an unfinished
    training.
    """
    stem = paths.MODELS / DEFENDED
    _, description = models.checkpoint_files(stem)
    if description.exists():
        model, card = models.load(stem)
        return devices.placed(model), card, "loaded"
    start = models.checkpoint_name("cifar10", "resnet18", "standard", FROM_SEED)
    model, start_card = models.load(start)
    file = state / f"{stem.name}.pt"
    models.check_can_save(stem)
    model, history = models.fit(
        model,
        sets["train"],
        sets["val"],
        config=ROUND,
        state=file,
        perturb=attacks.random_start_fgsm(epsilon=EPSILON),
        check=attacks.pgd_check(sets["val"].first(CHECKED), epsilon=EPSILON, steps=CHECK_STEPS),
        start=start_card["sha256"],
    )
    card = {
        "dataset": "cifar10",
        "arch": "resnet18",
        "width": start_card["width"],
        "recipe": RECIPE,
        "from": {"name": start, "sha256": start_card["sha256"]},
        "trained on": {
            "images": "one step of FGSM from a random start",
            "epsilon of 255": 255 * EPSILON,
            "step in epsilons": attacks.TRAINING_STEP,
        },
        "checked on": {"validation images": CHECKED, "steps of PGD": CHECK_STEPS},
        "rounds": [models.config_fields(ROUND)],
        "history": history,
    }
    model, card = models.save_trained(stem, model, sets, card=card)
    file.unlink(missing_ok=True)
    return model, card, "trained"
