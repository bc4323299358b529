"""The base classifier, whose failures are to be detected: a small MNIST network, by Adam."""

from pathlib import Path

from torch import nn

from visionfail import data, devices, models, paths
from visionfail.data import ImageSet
from visionfail.models import TrainConfig
from visionfail.profiles import Profile

CLASSIFIER_SEEDS = (0, 1, 2, 3, 4)
WIDTH = 64
LEARNING_RATE = 1e-3
BATCH_SIZE = 128
EMA_DECAY = 0.98  # per step; the averaged weights are stored, as those of the CIFAR-10 networks

# 12 epochs of the 1,500 embedded digits are a third as many steps as one epoch of the real set
EPOCHS = {"official": 3, "standin": 12}


def mnist_sets(profile: Profile) -> dict[str, ImageSet]:
    """{"train", "auditor", "val", "test"} of MNIST: no digit is in two of them.

    full: the official sets, downloaded where they are missing. quick: a few of the real digits
    where they are on disk already, else the embedded ones, origin "standin".
    """
    if profile.name == "full":
        return {split: data.load("mnist", split, download=True) for split in data.SPLITS["mnist"]}
    sizes = {"train": 4000, "auditor": 1000, "val": 2000, "test": 500}
    return {split: data.load_or_standin("mnist", split).first(n) for split, n in sizes.items()}


def classifier_seeds(profile: Profile) -> tuple[int, ...]:
    """The seeds of the base classifiers: CLASSIFIER_SEEDS, the first two in the quick profile."""
    if profile.name == "full":
        return CLASSIFIER_SEEDS
    return CLASSIFIER_SEEDS[:2]


def mnist_classifier(
    profile: Profile, sets: dict[str, ImageSet], *, seed: int
) -> tuple[nn.Module, dict, str]:
    """(model in eval mode, card, "loaded" | "trained"): the base classifier of this seed.

    It is on the best device. On real digits it is the committed one; on stand-ins it is trained on
    them, once in the quick profile. FileNotFoundError where the quick profile has real digits but
    no committed classifier, ValueError where that is of other digits: it is not trained over.
    """
    name = models.checkpoint_name("mnist", "mnist_cnn", "adam", seed)
    folder = profile.models if sets["test"].origin == "standin" else paths.MODELS
    path = folder / name
    description = path.with_name(f"{name}.json")
    if description.exists():
        model, card = models.load(path)
        if _is_trained_on(card, sets["train"]) and card.get("ema_decay") == EMA_DECAY:
            return devices.placed(model), card, "loaded"
        if folder == paths.MODELS:
            raise ValueError(
                f"{description} is of other digits or another recipe, and is not trained over: "
                "restore it (git checkout), or move it and its weights away to train anew."
            )
    if profile.name == "quick" and sets["train"].origin == "subset":
        raise FileNotFoundError(f"no {path}: make notebooks trains it on all 48,000 digits.")
    model, card = train_classifier(path, sets, seed=seed)
    return model, card, "trained"


def _is_trained_on(card: dict, train: ImageSet) -> bool:
    """Whether the card's classifier learnt from these digits or from the set that they are of."""
    return card["data_checksum"]["train"] == train.checksum() or train.origin == "subset"


def train_classifier(
    path: Path, sets: dict[str, ImageSet], *, seed: int, width: int = WIDTH
) -> tuple[nn.Module, dict]:
    """(model, card) of a base classifier trained on sets["train"] and saved at `path`.

    `path` has no suffix. The accuracy in the card is that of the weights in half precision, as they
    are stored.
    """
    models.check_can_save(path)
    model, history = fit_fresh(sets["train"], sets["val"], seed=seed, width=width)
    card = {
        "dataset": "standin" if sets["train"].origin == "standin" else "mnist",
        "arch": "mnist_cnn",
        "width": width,
        "recipe": "adam",
        "seed": seed,
        "epochs": len(history),
        "learning_rate": LEARNING_RATE,
        "batch_size": BATCH_SIZE,
        "ema_decay": EMA_DECAY,
        "history": history,
    }
    return models.save_trained(path, model, sets, card=card)


def fit_fresh(
    train: ImageSet, val: ImageSet, *, seed: int, width: int = WIDTH
) -> tuple[nn.Module, list[dict]]:
    """(model in eval mode, history): a network trained on `train` from weights drawn with `seed`.

    The history has a dict per epoch; the model is on the best device.
    """
    mean, std = data.CHANNEL_STATS["mnist"]
    model = models.build("mnist_cnn", num_classes=10, mean=mean, std=std, width=width, seed=seed)
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
