"""The classifiers that studies examine: loaded where a checkpoint is, else trained, with a card."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from visionfail import data, devices, files, metrics, paths, results
from visionfail.data import ImageSet
from visionfail.models import checkpoints, networks, recipes, training
from visionfail.models.histories import join_histories
from visionfail.models.predict import predict
from visionfail.models.train_config import LISTS, TrainConfig
from visionfail.profiles import Profile

RESTORE = "restore it (git checkout), or remove it and train anew"


def checkpoint_name(dataset: str, arch: str, recipe: str, seed: int) -> str:
    """The name of a checkpoint: <dataset>-<arch>-<recipe>-s<seed>."""
    return f"{dataset}-{arch}-{recipe}-s{seed}"


def cifar10_sets(profile: Profile) -> dict[str, ImageSet]:
    """{"train", "val", "test"} of CIFAR-10 as the profile wants them.

    full: the official sets, downloaded where they are missing. quick: real images where they are on
    disk already, else drawn stand-ins; few of them, which `origin` says.
    """
    sizes = {"train": 4000, "val": 500, "test": profile.test_images}  # of quick
    sets = {}
    for split, size in sizes.items():
        if profile.name == "full":
            sets[split] = data.load("cifar10", split, download=True)
        else:
            sets[split] = data.load_or_standin("cifar10", split).first(size)
    return sets


def available_networks(sets: dict[str, ImageSet]) -> list[tuple[str, int]]:
    """(arch, seed) of the networks that `cifar10_classifier` loads: those with weights.

    On stand-ins it is ResNet-18 seed 0 alone.
    """
    if sets["test"].origin == "standin":
        return [recipes.EXAMINED]
    return _networks(".safetensors")


def _networks(suffix: str) -> list[tuple[str, int]]:
    """(arch, seed) of the standard recipe's cards in models/ that have a file with this suffix.

    EXAMINED comes first, then its other seeds, then others.
    """
    networks_there = []
    for description in paths.MODELS.glob("cifar10-*.json"):
        card = checkpoints.read_card(description)
        if card.get("recipe") == "standard" and description.with_suffix(suffix).exists():
            with files.reading(description, remedy=RESTORE):
                networks_there.append((card["arch"], card["rounds"][0]["seed"]))
    examined_arch, _ = recipes.EXAMINED
    return sorted(networks_there, key=lambda network: (network[0] != examined_arch, network))


def trained_networks() -> list[dict]:
    """A row per network with a card in models/, whether its weights are there or not.

    Columns: arch, seed, epochs, hours of training, val (accuracy), and test, lo, hi, n: accuracy on
    test images with its Wilson interval.
    """
    rows = []
    for arch, seed in _networks(".json"):
        committed = paths.MODELS / checkpoint_name("cifar10", arch, "standard", seed)
        _, description = checkpoints.checkpoint_files(committed)
        card = checkpoints.read_card(description)
        with files.reading(description, remedy=RESTORE):
            rows.append({"arch": arch, "seed": seed, **_trained_as(card)})
    return rows


def _trained_as(card: dict) -> dict:
    """The columns of `trained_networks` that a card holds."""
    test = card["accuracy"]["test"]
    return {
        "epochs": len(card["history"]),
        "hours": card["seconds"] / 3600,
        "val": card["accuracy"]["val"]["value"],
        "test": test["value"],
        "lo": test["lo"],
        "hi": test["hi"],
        "n": test["n"],
    }


def cifar10_classifier(
    profile: Profile, sets: dict[str, ImageSet], *, arch: str, seed: int, retrain: bool = False
) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained"): a reference network on the best device, in eval mode.

    The quick profile takes the committed checkpoint where the images are real; on stand-ins it
    trains a narrow one. With `retrain` it is trained anew by the profile's recipe, in runs/: a
    committed checkpoint is never overwritten.
    """
    committed = paths.MODELS / checkpoint_name("cifar10", arch, "standard", seed)
    weights, _ = checkpoints.checkpoint_files(committed)
    real = sets["test"].origin != "standin"
    if profile.name == "quick" and real and weights.exists() and not retrain:
        model, card = checkpoints.load_checkpoint(committed)
        return devices.placed(model), card, "loaded"
    recipe = "standard" if profile.name == "full" else "quick"
    folder = profile.state.parent / "retrained" if retrain else profile.models
    return load_or_train_rounds(
        folder / checkpoint_name("cifar10", arch, recipe, seed),
        sets,
        arch=arch,
        width=64 if profile.name == "full" else recipes.QUICK_WIDTH[arch],
        rounds=recipes.rounds_for(profile.name, arch, seed),
        recipe=recipe,
        state=profile.state,
        retrain=retrain,
    )


def grouped_sets(dataset: str) -> dict[str, ImageSet]:
    """All splits of a set, such as "svhn10k" or "gtsrb", downloaded where they are missing."""
    return {split: data.load(dataset, split, download=True) for split in data.SPLITS[dataset]}


def sets_of_profile(
    profile: Profile, dataset: str, splits: Sequence[str] = ("test",)
) -> dict[str, ImageSet]:
    """The sets of `grouped_sets` in full; in quick these splits, or {} where they are not on disk.

    Nothing is downloaded in quick.
    """
    if profile.name == "full":
        return grouped_sets(dataset)
    if not data.is_present(dataset, paths.data_dir(None)):
        return {}
    return {split: data.load(dataset, split) for split in splits}


def grouped_classifier(
    profile: Profile, dataset: str, sets: dict[str, ImageSet], *, seed: int
) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained"): ResNet-18 on "svhn10k", "gtsrb" or "svhn".

    It is trained on sets["train"] and watched on sets["val"]. A card written by training carries
    validation accuracy only: the test data of these sets are kept for the study of uneven errors.
    """
    return load_or_train_rounds(
        paths.MODELS / checkpoint_name(dataset, "resnet18", "standard", seed),
        {split: sets[split] for split in ("train", "val")},
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
    sets["train"], watched on sets["val"], tested once on sets["test"] where it is given, and saved.
    """
    _, description = checkpoints.checkpoint_files(path)
    if not retrain and description.exists():
        model, card = checkpoints.load_checkpoint(path)
        with files.reading(description, remedy=RESTORE):
            same = rounds_of(card) == rounds and card["origin"] == sets["train"].origin
        if same:
            return devices.placed(model), card, "loaded"
    model, card = train_rounds(
        path,
        sets,
        dataset=dataset,
        arch=arch,
        width=width,
        rounds=rounds,
        recipe=recipe,
        state=state,
    )
    return model, card, "trained"


def rounds_of(card: dict) -> tuple[TrainConfig, ...]:
    """The rounds of training that a card records."""
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
    """(model, card) of a network trained round by round and saved in half precision.

    `state` is the folder for each round's training state, from which a second call resumes.
    PermissionError, before the first epoch, where nothing can be saved at `path`.
    """
    check_can_save(path)
    mean, std = data.CHANNEL_STATS[dataset]
    model = networks.build(
        arch,
        num_classes=len(sets["train"].classes),
        mean=mean,
        std=std,
        width=width,
        seed=rounds[0].seed,
    )
    history = []
    state_files = []
    for number, config in enumerate(rounds, start=1):
        file = state / f"{path.name}-round{number}.pt"
        model, added = training.fit(model, sets["train"], sets["val"], config=config, state=file)
        history = join_histories(history, added)
        state_files.append(file)
    card = {
        "dataset": "standin" if sets["train"].origin == "standin" else dataset,
        "arch": arch,
        "width": width,
        "recipe": recipe,
        "rounds": [config_fields(config) for config in rounds],
        "history": history,
    }
    model, card = save_trained(path, model, sets, card=card)
    for file in state_files:
        file.unlink(missing_ok=True)  # finished: a further training begins at the beginning
    return model, card


def check_can_save(path: Path) -> None:
    """Raises PermissionError unless a checkpoint can be saved at `path`: asked before training."""
    files.check_writable(path.parent, remedy=files.ELSEWHERE, what="folder of checkpoints")


def config_fields(config: TrainConfig) -> dict:
    """A configuration as it stands in a card, lists in the place of tuples as in json."""
    fields = dataclasses.asdict(config)
    for field in LISTS:
        fields[field] = list(fields[field])
    return fields


def save_trained(
    path: Path, model: nn.Module, sets: dict[str, ImageSet], *, card: dict
) -> tuple[nn.Module, dict]:
    """(model, card) of a trained network, in half precision as it is stored, and saved at `path`.

    Its accuracy is measured on those weights, and nothing is written before all of the card is
    known. `card` says dataset, arch, width, recipe, how it was trained, and the history, a dict
    with seconds for each epoch.
    """
    full_card = dict(card)
    history = full_card.pop("history")
    full_card.update(_facts_of_run(model, sets))
    full_card["seconds"] = round(sum(row["seconds"] for row in history), 1)
    full_card["history"] = history  # near the end of the file: it is the longest
    full_card["test_looks"] = {
        "count": int("test" in sets),
        "when": "when it was trained" if "test" in sets else "not yet",
    }
    model = checkpoints.rounded_to_half(model)
    full_card["accuracy"] = {}
    for name in ("val", "test"):
        if name in sets:
            full_card["accuracy"][name] = accuracy_with_interval(model, sets[name])
    return model, checkpoints.save_checkpoint(model, path, card=full_card)


def _facts_of_run(model: nn.Module, sets: dict[str, ImageSet]) -> dict:
    """The fields of a card that follow from the network, its data and the machine."""
    device = next(model.parameters()).device
    return {
        "classes": list(sets["train"].classes),
        "mean": model.get_buffer("mean").flatten().tolist(),
        "std": model.get_buffer("std").flatten().tolist(),
        "origin": sets["train"].origin,
        "parameters": sum(p.numel() for p in model.parameters()),
        "device": devices.describe_device(device),
        "versions": results.versions(),
        "git": results.git_state(),
        "data_checksum": {name: images.checksum() for name, images in sets.items()},
    }


def accuracy_with_interval(model: nn.Module, images: ImageSet) -> dict:
    """Accuracy in float32, a fraction, with its Wilson interval: {"value", "lo", "hi", "n"}."""
    right = int((predict(model, images.images).argmax(1) == images.labels).sum())
    n = len(images.labels)
    lo, hi = metrics.wilson(right, n)
    return {"value": right / n, "lo": lo, "hi": hi, "n": n}
