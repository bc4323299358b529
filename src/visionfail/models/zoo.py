"""The classifier that a study examines: loaded where its checkpoint is, else trained, with a card
that says how.
"""

import dataclasses
from pathlib import Path

from torch import nn

from visionfail import data, devices, metrics, paths, results
from visionfail.data import ImageSet
from visionfail.models import checkpoints, networks, recipes, training
from visionfail.models.predict import predict
from visionfail.models.training import TrainConfig
from visionfail.profiles import Profile


def checkpoint_name(dataset: str, arch: str, recipe: str, seed: int) -> str:
    """The name of a checkpoint: <dataset>-<arch>-<recipe>-s<seed>."""
    return f"{dataset}-{arch}-{recipe}-s{seed}"


def cifar10_sets(profile: Profile) -> dict[str, ImageSet]:
    """{"train", "val", "test"} of CIFAR-10 as the profile wants them.

    full: the official sets, downloaded where they are missing. quick: real images where they are on
    disk already, else drawn stand-ins; few of them, which `origin` says.
    """
    if profile.name == "full":
        return {
            split: data.load("cifar10", split, download=True) for split in ("train", "val", "test")
        }
    sizes = {"train": 4000, "val": 500, "test": profile.test_images}
    return {split: data.load_or_standin("cifar10", split).first(n) for split, n in sizes.items()}


def available_networks(sets: dict[str, ImageSet]) -> list[tuple[str, int]]:
    """(arch, seed) of the networks that `classifier` has ready: those with weights, on stand-ins
    ResNet-18 seed 0.
    """
    return [recipes.EXAMINED] if sets["test"].origin == "standin" else _networks(".safetensors")


def _networks(suffix: str) -> list[tuple[str, int]]:
    """(arch, seed) of the files of the recipe "standard" in models/: EXAMINED and its further
    seeds, then others.
    """
    names = [path.stem.split("-") for path in paths.MODELS.glob(f"cifar10-*-standard-s*{suffix}")]
    found = [(arch, int(seed.removeprefix("s"))) for _, arch, _, seed in names]
    return sorted(found, key=lambda one: (one[0] != recipes.EXAMINED[0], one))


def trained_networks() -> list[dict]:
    """A row a network with a card in models/, its weights at hand or not: arch, seed, epochs, hours
    of training, and val, test, lo, hi, n: its accuracies, that on test images with the Wilson
    interval.
    """
    rows = []
    for arch, seed in _networks(".json"):
        card = checkpoints.read_card(
            checkpoints.checkpoint_files(checkpoint_name("cifar10", arch, "standard", seed))[1]
        )
        row = {
            "arch": arch,
            "seed": seed,
            "epochs": len(card["history"]),
            "hours": card["seconds"] / 3600,
        }
        test = card["accuracy"]["test"]
        row |= {"val": card["accuracy"]["val"]["value"], "test": test["value"]}
        rows.append(row | {name: test[name] for name in ("lo", "hi", "n")})
    return rows


def cifar10_classifier(
    profile: Profile, sets: dict[str, ImageSet], *, arch: str, seed: int, retrain: bool = False
) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained"): the reference network of `arch` on the best device, in
    eval mode.

    The quick profile takes the committed checkpoint where the images are real; on stand-ins it
    trains a narrow one.
    """
    committed = paths.MODELS / checkpoint_name("cifar10", arch, "standard", seed)
    if profile.name == "full":
        rounds = recipes.standard_rounds(arch, seed)
        return load_or_train_rounds(
            committed,
            sets,
            arch=arch,
            width=64,
            rounds=rounds,
            recipe="standard",
            state=profile.state,
            retrain=retrain,
        )
    if (
        sets["test"].origin != "standin"
        and committed.with_name(committed.name + ".safetensors").exists()
    ):
        model, card = checkpoints.load_checkpoint(committed)
        return model.to(devices.best_device()), card, "loaded"
    path, rounds = (
        profile.models / checkpoint_name("cifar10", arch, "quick", seed),
        recipes.seeded_rounds(recipes.QUICK_ROUNDS, seed),
    )
    return load_or_train_rounds(
        path,
        sets,
        arch=arch,
        width=16,
        rounds=rounds,
        recipe="quick",
        state=profile.state,
        retrain=retrain,
    )


def grouped_classifier(profile: Profile, dataset: str, *, seed: int) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained"): ResNet-18 on "svhn10k" or "gtsrb", trained on "train",
    watched on "val".

    The card carries validation accuracy only: the test data of these sets are for study B.
    """
    sets = {split: data.load(dataset, split, download=True) for split in ("train", "val")}
    return load_or_train_rounds(
        paths.MODELS / checkpoint_name(dataset, "resnet18", "standard", seed),
        sets,
        dataset=dataset,
        arch="resnet18",
        width=64,
        rounds=recipes.seeded_rounds(recipes.RECIPES[dataset], seed),
        recipe="standard",
        state=profile.state,
        retrain=False,
    )


def load_or_train_rounds(
    path: Path,
    sets: dict[str, ImageSet],
    *,
    dataset: str = "cifar10",
    arch: str,
    width: int,
    rounds: tuple[TrainConfig, ...],
    recipe: str,
    state: Path,
    retrain: bool,
) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained") of the checkpoint at `path`, a path without suffix.

    Loaded where one with these rounds and this origin of the data is there; else trained on
    sets["train"], watched on sets["val"], judged once on sets["test"] where it is given, and saved.
    """
    if not retrain and path.with_name(path.name + ".json").exists():
        model, card = checkpoints.load_checkpoint(path)
        if rounds_of(card) == rounds and card["origin"] == sets["train"].origin:
            return model.to(devices.best_device()), card, "loaded"
    return *train_rounds(
        path,
        sets,
        dataset=dataset,
        arch=arch,
        width=width,
        rounds=rounds,
        recipe=recipe,
        state=state,
    ), "trained"


def rounds_of(card: dict) -> tuple[TrainConfig, ...]:
    """The rounds of training that a card tells of."""
    return tuple(TrainConfig.of(stored) for stored in card["rounds"])


def train_rounds(
    path: Path,
    sets: dict[str, ImageSet],
    *,
    dataset: str = "cifar10",
    arch: str,
    width: int,
    rounds: tuple[TrainConfig, ...],
    recipe: str,
    state: Path,
) -> tuple[nn.Module, dict]:
    """Train round by round, save in half precision, read back and judge what was saved: (model,
    card).
    """
    mean, std = data.CHANNEL_STATS[dataset]
    sizes = {"num_classes": len(sets["train"].classes), "width": width}
    model, history = networks.build(arch, mean=mean, std=std, seed=rounds[0].seed, **sizes), []
    files = [
        state / f"{path.name}-round{k}.pt" for k in range(1, len(rounds) + 1)
    ]  # resumed from if they are there
    for config, file in zip(rounds, files, strict=True):
        model, added = training.fit(model, sets["train"], sets["val"], config=config, state=file)
        history = join_histories(history, added)
    model, card = save_trained(
        path, model, sets, card=card_of(history, sets, dataset, arch, width, rounds, recipe)
    )
    for file in files:
        file.unlink()  # done: who trains again begins at the beginning
    return model, card


def join_histories(history: list[dict], added: list[dict]) -> list[dict]:
    """The history of the rounds so far with that of one more, epochs counted on."""
    return history + [row | {"epoch": len(history) + row["epoch"]} for row in added]


def card_of(
    history: list[dict],
    sets: dict[str, ImageSet],
    dataset: str,
    arch: str,
    width: int,
    rounds: tuple[TrainConfig, ...],
    recipe: str,
) -> dict:
    """What only whoever trained a network can tell of it; `finish` adds the rest."""
    return {
        "dataset": "standin" if sets["train"].origin == "standin" else dataset,
        "arch": arch,
        "width": width,
        "recipe": recipe,
        "rounds": [dataclasses.asdict(config) | {"sides": list(config.sides)} for config in rounds],
        "history": history,
    }


def save_trained(
    path: Path, model: nn.Module, sets: dict[str, ImageSet], *, card: dict
) -> tuple[nn.Module, dict]:
    """Judge a trained network as it will be stored, in half precision, and save it with its card:
    (model, card). Nothing is written before all of it is known.

    `card` says dataset, arch, width, recipe, how it was trained, and the history, a dict with
    seconds for each epoch.
    """
    device = next(model.parameters()).device
    history = card["history"]  # last in the file: it is the longest
    card = {field: value for field, value in card.items() if field != "history"} | {
        "classes": list(sets["train"].classes),
        "mean": model.mean.flatten().tolist(),
        "std": model.std.flatten().tolist(),
        "origin": sets["train"].origin,
        "parameters": sum(p.numel() for p in model.parameters()),
        "device": devices.describe_device(device),
        "versions": results.versions(),
        "git": results.git_state(),
        "data_checksum": {name: images.checksum() for name, images in sets.items()},
        "seconds": round(sum(row["seconds"] for row in history), 1),
        "history": history,
    }
    model = checkpoints.rounded_to_half(model)
    accuracy = {}
    for name in ("val", "test"):
        if name in sets:
            accuracy[name] = accuracy_with_interval(model, sets[name])
    card = checkpoints.save_checkpoint(model, path, card=card | {"accuracy": accuracy})
    return model, card


def accuracy_with_interval(model: nn.Module, images: ImageSet) -> dict:
    """Accuracy in float32 with its Wilson interval: {"value", "lo", "hi", "n"}."""
    right = int((predict(model, images.images).argmax(1) == images.labels).sum())
    n = len(images.labels)
    lo, hi = metrics.wilson(right, n)
    return {"value": right / n, "lo": lo, "hi": hi, "n": n}
