"""Study C's primary: the small MNIST classifier whose failures are to be foretold, trained plainly with Adam."""

import time
from pathlib import Path

import torch
from torch import nn

from visionfail import checkpoints, data, devices, models, paths, reference, training
from visionfail.imageset import ImageSet
from visionfail.profiles import Profile

SEEDS = (0, 1, 2, 3, 4)
LEARNING_RATE, BATCH_SIZE = 1e-3, 128
EPOCHS = {"official": 3, "standin": 12}  # of the 1,500 embedded digits, a third as many steps as one of the real set


def mnist(profile: Profile) -> dict[str, ImageSet]:
    """{"train", "auditor", "val", "test"} of MNIST: no digit is in two of them.

    full: the official sets, downloaded where they are missing. quick: real digits where they are on disk already, few
    of them; else the embedded ones, origin "standin".
    """
    if profile.name == "full":
        return {split: data.load("mnist", split, download=True) for split in data.SPLITS["mnist"]}
    sizes = {"train": 4000, "auditor": 1000, "val": 2000, "test": 500}
    return {split: data.load_or_standin("mnist", split).first(n) for split, n in sizes.items()}


def load_or_train(profile: Profile, sets: dict[str, ImageSet], *, seed: int) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained") of the primary of this seed, on the best device, in eval mode.

    The committed one wherever the digits are real; on stand-ins one is trained on them.
    """
    name = reference.stem("mnist", "mnist_cnn", "adam", seed)
    committed = paths.MODELS / name
    real = sets["test"].origin != "standin"
    if real and committed.with_name(f"{name}.json").exists():
        model, card = checkpoints.load(committed)
        return model.to(devices.best()), card, "loaded"
    if profile.name == "quick" and sets["train"].origin == "subset":
        raise FileNotFoundError(f"no {committed}: make notebooks trains it on all 48,000 digits.")
    model, card = train(profile.models / name, sets, seed=seed)
    return model, card, "trained"


def train(path: Path, sets: dict[str, ImageSet], *, seed: int) -> tuple[nn.Module, dict]:
    """Train on sets["train"], save at `path` (without suffix) in half precision, read back and judge: (model, card)."""
    mean, std = data.CHANNEL_STATS["mnist"]
    model = models.build("mnist_cnn", num_classes=10, mean=mean, std=std, seed=seed)
    standin = sets["train"].origin == "standin"
    epochs = EPOCHS["standin" if standin else "official"]
    history = fit(model.to(devices.best()), sets["train"], sets["val"], epochs=epochs, seed=seed)
    card = {"dataset": "standin" if standin else "mnist", "arch": "mnist_cnn", "width": 64, "recipe": "adam"}
    card |= {"seed": seed, "epochs": epochs, "learning_rate": LEARNING_RATE, "batch_size": BATCH_SIZE}
    return reference.finish(path, model, sets, card=card | {"history": history})


def fit(model: nn.Module, train: ImageSet, val: ImageSet, *, epochs: int, seed: int) -> list[dict]:
    """Cross-entropy with Adam, no augmentation, on the device of the model; the history, a dict an epoch."""
    device = next(model.parameters()).device
    train, val, history = train.to(device), val.to(device), []
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for epoch in range(epochs):
        start, right = time.perf_counter(), 0
        model.train()
        for index in torch.randperm(len(train), generator=generator).to(device).split(BATCH_SIZE):
            images = training.to_float(train.images[index]).contiguous(memory_format=torch.channels_last)
            right += training.train_step(model, optimizer, images, train.labels[index])[1]
        row = {"epoch": epoch + 1, "train_accuracy": right.item() / len(train), **training.validate(model, val)}
        history.append(row | {"seconds": round(time.perf_counter() - start, 1)})
    model.eval()
    return history
