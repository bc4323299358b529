"""The networks of the ladder, trained on the same images; their answers are kept, not they."""

import dataclasses
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import data, devices, evaluation, files, metrics, models, profiles
from visionfail.data import ImageSet
from visionfail.models import networks, training, transfer
from visionfail.models.features import Features
from visionfail.models.train_config import TrainConfig
from visionfail.studies import stored
from visionfail.studies.transfer import shifts
from visionfail.studies.transfer.recipes import BASELINE, Member, staged
from visionfail.studies.transfer.reference import NORM_IMAGES

TRAIN_IMAGES = 10_000  # the first of the stratified order
WATCHED = 1000  # validation images looked at after each epoch
HARD_SHARE = 0.2  # of the most confused pair's training images
ASKED = ("predicted", "log_odds", "log_prob")


def answers_file(member: Member, seed: int) -> Path:
    """Where the answers of a network of the ladder are stored."""
    return profiles.FULL.results / f"transfer-{member.name}-s{seed}.npz"


def load_or_train(
    member: Member, seed: int, sets: Mapping[str, ImageSet], *, state: Path
) -> tuple[stored.Arrays, dict, str]:
    """(answers, record, "loaded" | "computed") of one network of the ladder.

    Arrays: predicted, log_odds and log_prob of test and validation images ("test_predicted", ...),
    train_log_prob, and where it is asked about them shifted_predicted and shifted_log_odds (M, N).
    Stored in results/transfer-<name>-s<seed>.npz. `state` is the folder of an unfinished training.
    """
    path = answers_file(member, seed)
    train = training_part(sets["train"])
    rounds = seeded(member, seed)
    identity = {
        "member": dataclasses.asdict(dataclasses.replace(member, seeds=())),
        "seed": seed,
        "train": train.checksum(),
        "test": sets["test"].checksum(),
    }

    def compute() -> tuple[stored.Arrays, dict]:
        model, weights = start_of(member, train, seed=seed)
        start = time.perf_counter()
        if member.whole is None:
            arrays, history = fit_and_ask_frozen(model, member, train, sets, rounds, state=state)
        else:
            arrays, history = fit_and_ask(model, member, seed, train, sets, rounds, state=state)
        record = {**identity, "pretrained": weights, "history": history}
        record["images"] = len(train)
        record["seconds"] = round(time.perf_counter() - start, 1)
        record["device"] = devices.describe_device(devices.best_device())
        record["origin"] = sets["test"].origin
        return arrays, record

    fields = [f"{split}_{field}" for split in ("val", "test") for field in ASKED]
    return stored.load_or_compute(path, compute, identity=identity, fields=fields)


def training_part(train: ImageSet) -> ImageSet:
    """The first TRAIN_IMAGES training images of the stratified order, or all of fewer."""
    order = data.stratified_order(train.labels.numpy())
    return train.at(torch.from_numpy(order[:TRAIN_IMAGES].copy()))


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
        file = folder / "whole.pt"
        model, history = training.fit(model, images, watched, config=rounds[0], state=file)
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
    shutil.rmtree(folder)
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
    for split, images in {"train": train, "val": sets["val"], "test": sets["test"]}.items():
        file = Path(state) / f"features-{member.name}-{split}.pt"
        if not file.exists():
            made = transfer.features_on_device(model, images, mirrored=split == "train")
            with files.atomic_write(file) as temporary:
                torch.save({"images": made.images, "mirrored": made.mirrored}, temporary)
        tensors = torch.load(file, weights_only=True)
        features[split] = Features(
            **tensors, labels=images.labels, classes=images.classes, origin=images.origin
        )
    history = transfer.fit_head(model, features["train"], features["val"], config=rounds[0])
    head = model.get_submodule("fc")
    with torch.inference_mode():
        logits = {split: head(of_split.images).float() for split, of_split in features.items()}
    return answers_of(logits, features), history


def learn_from_baseline(
    member: Member, seed: int, train: ImageSet, rounds: list[TrainConfig]
) -> tuple[ImageSet, list[TrainConfig]]:
    """(training images, rounds) as the baseline of the same seed teaches a follow-up.

    "weights": a class counts 1 / its validation recall in the loss of the second phase. "hard": the
    most unlikely HARD_SHARE of the training images of the pair most confused on validation data
    take the places of the likeliest. Others stay as they are.
    """
    if not member.learns_from:
        return train, rounds
    arrays, _ = files.load_arrays(profiles.FULL.results / f"transfer-{BASELINE}-s{seed}.npz")
    if member.learns_from == "weights":
        recall = recall_by_class(arrays["val_predicted"], arrays["val_labels"])
        weights = (1 / recall) / np.mean(1 / recall)
        second = dataclasses.replace(rounds[1], class_weights=tuple(weights.tolist()))
        return train, [rounds[0], second]
    pair = confused_pair_of(arrays["val_predicted"], arrays["val_labels"])
    chosen = hard_order(train.labels.numpy(), arrays["train_log_prob"], pair)
    return train.at(torch.from_numpy(chosen)), rounds


def recall_by_class(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The recall of each class, (K,), of answers (N,)."""
    right = predicted == labels
    return np.array([right[labels == label].mean() for label in np.unique(labels)])


def confused_pair_of(predicted: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """The two classes taken for each other most often."""
    classes = int(labels.max()) + 1
    confusion = metrics.confusion_matrix(predicted, labels, num_classes=classes)
    both = np.triu(confusion + confusion.T, k=1)
    first, second = np.unravel_index(both.argmax(), both.shape)
    return int(first), int(second)


def hard_order(labels: np.ndarray, log_prob: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    """Numbers of the images to train on, (N,): in each class of `pair` the likeliest HARD_SHARE
    are replaced by the most unlikely.
    """
    chosen = np.arange(len(labels))
    for label in pair:
        members = np.flatnonzero(labels == label)
        by_likelihood = members[np.argsort(log_prob[members], kind="stable")]
        count = round(HARD_SHARE * len(members))
        chosen[by_likelihood[-count:]] = by_likelihood[:count]
    return chosen


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
    pictures = shifts.shifted_images(few, conditions, state / f"shifted-{len(few)}.npy")
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
