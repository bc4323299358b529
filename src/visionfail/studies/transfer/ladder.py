"""The networks of the ladder, trained on the same images; their answers are kept, not they."""

import dataclasses
import hashlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import data, devices, evaluation, models, results
from visionfail.data import ImageSet
from visionfail.models import networks, training, transfer
from visionfail.models.features import Features
from visionfail.models.states import load_state, save_state, weights_checksum
from visionfail.models.train_config import TrainConfig
from visionfail.studies import stored
from visionfail.studies.transfer import shifts
from visionfail.studies.transfer.follow_ups import baseline_answers, learn_from_baseline
from visionfail.studies.transfer.recipes import Member, answers_file, staged
from visionfail.studies.transfer.reference import NORM_IMAGES

TRAIN_IMAGES = 10_000  # the first of the stratified order
WATCHED = 1000  # validation images looked at after each epoch
ASKED = ("predicted", "log_odds", "log_prob")


def load_or_train(
    member: Member, seed: int, sets: Mapping[str, ImageSet], *, state: Path
) -> tuple[stored.Arrays, dict, str]:
    """(answers, record, "loaded" | "computed") of one network of the ladder.

    Arrays: predicted, log_odds and log_prob of test and validation images ("test_predicted", ...),
    train_log_prob, and where it is asked about them shifted_predicted and shifted_log_odds (M, N).
    Stored in results/transfer-<name>-s<seed>.npz. `state` is the folder of an unfinished training.
    FileNotFoundError or ValueError where a follow-up's baseline is not stored or saw other images.
    """
    path = answers_file(member, seed)
    train = training_part(sets["train"])
    rounds = seeded(member, seed)
    identity = {
        "member": dataclasses.asdict(dataclasses.replace(member, seeds=())),
        "seed": seed,
        "train": train.checksum(),
        "val": sets["val"].checksum(),
        "test": sets["test"].checksum(),
    }
    if member.learns_from:
        identity["baseline"] = results.config_hash(baseline_answers(seed, train)[1])

    def compute() -> tuple[stored.Arrays, dict]:
        model, weights = start_of(member, train, seed=seed)
        if member.whole is None:
            arrays, history = fit_and_ask_frozen(model, member, train, sets, rounds, state=state)
        else:
            arrays, history = fit_and_ask(model, member, seed, train, sets, rounds, state=state)
        record = {**identity, "pretrained": weights, "history": history}
        record["images"] = len(train)
        record["seconds"] = round(sum(row["seconds"] for row in history), 1)
        record["device"] = devices.describe_device(devices.best_device())
        record["origin"] = sets["test"].origin
        return arrays, record

    fields = [f"{split}_{field}" for split in ("val", "test") for field in ASKED]
    found = stored.load_or_compute(path, compute, identity=identity, fields=fields)
    shutil.rmtree(Path(state) / path.stem, ignore_errors=True)  # finished, and the answers are kept
    return found


def training_part(train: ImageSet) -> ImageSet:
    """The training images at `training_positions`."""
    return train.at(torch.from_numpy(training_positions(train)))


def training_positions(train: ImageSet) -> np.ndarray:
    """Which images the ladder learns from: the first TRAIN_IMAGES of the stratified order."""
    return data.stratified_order(train.labels.numpy())[:TRAIN_IMAGES].copy()


def seeded(member: Member, seed: int) -> list[TrainConfig]:
    """The rounds of a network of the ladder, with seeds of their own."""
    if member.head is not None and member.whole is not None:
        return list(staged(member.head, member.whole, seed=seed))
    return [
        dataclasses.replace(config, seed=seed)
        for config in (member.head, member.whole)
        if config is not None
    ]


def start_of(member: Member, train: ImageSet, *, seed: int) -> tuple[nn.Module, str]:
    """(network before training, the name of its weights or "none")."""
    if not member.pretrained:
        mean, std = data.CHANNEL_STATS[member.dataset]
        model = networks.build_for_imagenet(
            member.arch,
            num_classes=len(train.classes),
            mean=mean,
            std=std,
            side=member.side,
            resizing=member.resizing,
            seed=seed,
        )
        return model, "none"
    weights, name = data.load_imagenet_weights(member.arch.removeprefix("imagenet_"))
    model = transfer.pretrained(
        member.arch,
        weights,
        num_classes=len(train.classes),
        side=member.side,
        resizing=member.resizing,
        seed=seed,
    )
    transfer.inflate_norms(model, train.images[:NORM_IMAGES])
    return model, name


def fit_and_ask(
    model: nn.Module,
    member: Member,
    seed: int,
    train: ImageSet,
    sets: Mapping[str, ImageSet],
    rounds: list[TrainConfig],
    *,
    state: Path,
) -> tuple[stored.Arrays, list[dict]]:
    """(answers, history) of a network that is trained whole, perhaps after a frozen phase."""
    folder = Path(state) / answers_file(member, seed).stem
    watched = sets["val"].first(WATCHED)
    images, rounds = learn_from_baseline(member, seed, train, rounds)
    if member.head is None:
        transfer.freeze_all_but(model, member.unfrozen)
        phase = {"state": folder / "whole.pt", "start": weights_checksum(model)}
        model, history = training.fit(model, images, watched, config=rounds[0], **phase)
    else:
        model, history = transfer.fit_in_two_phases(
            model,
            images,
            watched,
            frozen=rounds[0],
            unfrozen=rounds[1],
            children=member.unfrozen,
            state=folder,
        )
    arrays = ask(model, train, sets)
    if member.shifted:
        arrays.update(ask_shifted(model, sets["test"], state=Path(state)))
    return arrays, history


def fit_and_ask_frozen(
    model: nn.Module,
    member: Member,
    train: ImageSet,
    sets: Mapping[str, ImageSet],
    rounds: list[TrainConfig],
    *,
    state: Path,
) -> tuple[stored.Arrays, list[dict]]:
    """(answers, history) of a new head on features that are computed once for all seeds."""
    features = {}
    seconds = 0.0  # of the training images' features, for this seed or another
    first = model.get_parameter("conv1.weight").detach().contiguous()
    weights = hashlib.sha256(first.numpy().data).hexdigest()
    network = {"arch": member.arch, "side": member.side, "resizing": member.resizing}
    for split, images in {"train": train, "val": sets["val"], "test": sets["test"]}.items():
        identity = {**network, "weights": weights, "images": images.checksum(), "split": split}
        file = Path(state) / f"features-{results.config_hash(identity)[:12]}.pt"
        if not file.exists():
            start = time.perf_counter()
            made = transfer.features_on_device(model, images, mirrored=split == "train")
            kept: dict = {"images": made.images, "mirrored": made.mirrored}
            kept["seconds"] = time.perf_counter() - start
            save_state(file, kept)
        tensors = load_state(file, fields=("images", "mirrored", "seconds"))
        seconds += tensors.pop("seconds") if split == "train" else 0.0
        tensors.pop("seconds", None)
        features[split] = Features(
            **tensors, labels=images.labels, classes=images.classes, origin=images.origin
        )
    history = transfer.fit_head(model, features["train"], features["val"], config=rounds[0])
    history[0]["seconds"] = round(history[0]["seconds"] + seconds, 1)
    head = model.get_submodule("fc").cpu()  # where the features are
    with torch.inference_mode():
        logits = {split: head(of_split.images).float() for split, of_split in features.items()}
    return answers_of(logits, features), history


def ask(model: nn.Module, train: ImageSet, sets: Mapping[str, ImageSet]) -> stored.Arrays:
    """The answers to test and validation images, and how likely training images are."""
    asked = {"train": train, "val": sets["val"], "test": sets["test"]}
    logits = {
        split: models.predict(model, images.images, batch_size=128)
        for split, images in asked.items()
    }
    return answers_of(logits, asked)


def answers_of(
    logits: Mapping[str, Tensor], asked: Mapping[str, ImageSet | Features]
) -> stored.Arrays:
    """The arrays that are kept of logits (N, K) of "train", "val" and "test"."""
    arrays = {}
    for split, of_split in logits.items():
        outcome = evaluation.outcome_of_logits(of_split, asked[split].labels, temperature=1.0)
        if split == "train":
            arrays["train_log_prob"] = outcome["log_prob"]
            continue
        for field in ASKED:
            arrays[f"{split}_{field}"] = outcome[field]
        arrays[f"{split}_labels"] = asked[split].labels.numpy().astype(np.uint8)
    return arrays


def ask_shifted(model: nn.Module, test: ImageSet, *, state: Path) -> stored.Arrays:
    """The answers to the first test images under every shift, (M, N) each."""
    few = test.first(shifts.IMAGES)
    conditions = shifts.shifted_conditions()
    pictures = shifts.shifted_images(few, conditions, state)
    device = next(model.parameters()).device
    dtype = torch.bfloat16 if devices.fast_bf16(device) else torch.float32
    rows = []
    for of_condition in pictures:
        images = torch.from_numpy(np.array(of_condition))
        logits = models.predict(model, images, batch_size=128, dtype=dtype)
        rows.append(evaluation.outcome_of_logits(logits, few.labels, temperature=1.0))
    return {
        f"shifted_{field}": np.stack([row[field] for row in rows])
        for field in ("predicted", "log_odds")
    }
