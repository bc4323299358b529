"""Study C's primary: the small MNIST classifier whose failures are to be foretold, trained plainly
with Adam.
"""

from pathlib import Path

from torch import nn

from visionfail import data, devices, models, paths
from visionfail.data import ImageSet
from visionfail.models import TrainConfig
from visionfail.profiles import Profile

CLASSIFIER_SEEDS = (0, 1, 2, 3, 4)
LEARNING_RATE, BATCH_SIZE = 1e-3, 128
EMA_DECAY = 0.98  # a step; the averaged weights are what is kept, as of the networks of study A

EPOCHS = {
    "official": 3,
    "standin": 12,
}  # of the 1,500 embedded digits, a third as many steps as one of the real set


def mnist_sets(profile: Profile) -> dict[str, ImageSet]:
    """{"train", "auditor", "val", "test"} of MNIST: no digit is in two of them.

    full: the official sets, downloaded where they are missing. quick: real digits where they are on
    disk already, few of them; else the embedded ones, origin "standin".
    """
    if profile.name == "full":
        return {split: data.load("mnist", split, download=True) for split in data.SPLITS["mnist"]}
    sizes = {"train": 4000, "auditor": 1000, "val": 2000, "test": 500}
    return {split: data.load_or_standin("mnist", split).first(n) for split, n in sizes.items()}


def classifier_seeds(profile: Profile) -> tuple[int, ...]:
    """The seeds of the primaries: all of SEEDS, two of them in the quick profile."""
    return CLASSIFIER_SEEDS if profile.name == "full" else CLASSIFIER_SEEDS[:2]


def mnist_classifier(
    profile: Profile, sets: dict[str, ImageSet], *, seed: int
) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained") of the primary of this seed, on the best device, in eval
    mode.

    The committed one wherever the digits are real; on stand-ins one is trained on them, once in the
    quick profile.
    """
    name = models.checkpoint_name("mnist", "mnist_cnn", "adam", seed)
    path = (profile.models if sets["test"].origin == "standin" else paths.MODELS) / name
    if path.with_name(f"{name}.json").exists():
        model, card = models.load(path)
        same = (
            card["data_checksum"]["train"] == sets["train"].checksum()
            or sets["train"].origin == "subset"
        )
        if same and card.get("ema_decay") == EMA_DECAY:
            return model.to(devices.best_device()), card, "loaded"
    if profile.name == "quick" and sets["train"].origin == "subset":
        raise FileNotFoundError(f"no {path}: make notebooks trains it on all 48,000 digits.")
    model, card = train_classifier(path, sets, seed=seed)
    return model, card, "trained"


def train_classifier(path: Path, sets: dict[str, ImageSet], *, seed: int) -> tuple[nn.Module, dict]:
    """Train on sets["train"], judge the weights in half precision, as they will be stored, and save
    them at `path` (without suffix): (model, card).
    """
    model, history = fit_fresh(sets["train"], sets["val"], seed=seed)
    dataset = "standin" if sets["train"].origin == "standin" else "mnist"
    card = {"dataset": dataset, "arch": "mnist_cnn", "width": 64, "recipe": "adam"}
    card |= {
        "seed": seed,
        "epochs": len(history),
        "learning_rate": LEARNING_RATE,
        "batch_size": BATCH_SIZE,
    }
    card |= {"ema_decay": EMA_DECAY}
    return models.save_trained(path, model, sets, card=card | {"history": history})


def fit_fresh(train: ImageSet, val: ImageSet, *, seed: int) -> tuple[nn.Module, list[dict]]:
    """A network with initial weights from `seed`, trained on `train` on the best device: (model in
    eval mode, history).
    """
    mean, std = data.CHANNEL_STATS["mnist"]
    model = models.build("mnist_cnn", num_classes=10, mean=mean, std=std, seed=seed)
    epochs = EPOCHS["standin" if train.origin == "standin" else "official"]
    return models.fit(model, train, val, config=adam_config(epochs=epochs, seed=seed))


def adam_config(*, epochs: int, seed: int) -> TrainConfig:
    """Adam at a constant rate in float32, weights averaged over the steps, no augmentation."""
    return TrainConfig(
        epochs=epochs,
        batch_size=BATCH_SIZE,
        optimizer="adam",
        schedule="constant",
        mixed_precision=False,
        peak_lr=LEARNING_RATE,
        ema_decay=EMA_DECAY,
        padding=0,
        flip=False,
        seed=seed,
    )
