"""One classifier trained round by round, and saved with a card that says how."""

import dataclasses
from pathlib import Path

from torch import nn

from visionfail import data, devices, files, metrics, results
from visionfail.data import ImageSet
from visionfail.models import checkpoints, networks, training
from visionfail.models.histories import join_histories
from visionfail.models.predict import predict
from visionfail.models.train_config import LISTS, TrainConfig


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
    keep: bool = False,
) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained") of the checkpoint at `path`, a path without suffix.

    Loaded where one with these rounds and this origin of the data is there; else trained on
    sets["train"], watched on sets["val"], tested once on sets["test"] where it is given, and saved.
    With `keep` a checkpoint of other rounds or data is not trained over: ValueError that names it.
    """
    _, description = checkpoints.checkpoint_files(path)
    if not retrain and description.exists():
        model, card = checkpoints.load_checkpoint(path)
        with files.reading(description, remedy=checkpoints.RESTORE):
            same = rounds_of(card) == rounds and card["origin"] == sets["train"].origin
        if same:
            return devices.placed(model), card, "loaded"
        if keep:
            raise ValueError(
                f"{description} is of other rounds or data than asked for and is not trained over: "
                "pass retrain=True to models.cifar10_classifier, which writes into runs/, or move "
                "it and its weights away to train anew."
            )
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
