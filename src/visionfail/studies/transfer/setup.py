"""What notebook 12 starts from: sets, the reference network, and all networks of the ladder."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from torch import nn

from visionfail import evaluation, metrics, models, profiles
from visionfail.data import ImageSet
from visionfail.models.train_config import TrainConfig
from visionfail.studies.run import Run
from visionfail.studies.transfer.answers import Asked, Trained, stored_networks
from visionfail.studies.transfer.hypotheses import best_constant
from visionfail.studies.transfer.ladder import load_or_train
from visionfail.studies.transfer.measures import accuracy_of
from visionfail.studies.transfer.recipes import (
    SEEDS,
    Member,
    imagenette_members,
    members,
)
from visionfail.studies.transfer.reference import REFERENCE, reference_classifier

MEMBERS = {"cifar10": members, "imagenette": imagenette_members}
SWEEP = profiles.FULL.results / "transfer-reference.npz"  # the reference under every corruption


def prepare_transfer(profile: str) -> Run:
    """A run on CIFAR-10 in the profile "quick", "full" or "auto".

    In quick it shows the stored answers of the full one; what runs on images runs on those on disk,
    or on stand-ins.
    """
    chosen = profiles.get_profile(profile)
    sets = models.cifar10_sets(chosen)
    return Run(profile=chosen, sets=sets, origin="official", stored=chosen.name == "quick")


def load_reference(run: Run) -> tuple[nn.Module, dict, str]:
    """(reference network, card, "loaded" | "trained")."""
    if run.profile.name == "quick":
        model, card = models.load(REFERENCE)
        return model, card, "loaded"
    return reference_classifier(run.sets, state=run.profile.state)


def load_reference_answers(
    run: Run, model: nn.Module, card: Mapping
) -> tuple[evaluation.Outcomes, str]:
    """(the reference's answers under every corruption, "loaded" | "computed")."""
    if run.profile.name == "quick":
        return evaluation.Outcomes.load(SWEEP), "loaded"
    return evaluation.load_or_sweep(
        SWEEP,
        model,
        run.sets,
        severities=run.profile.severities,
        weights=card["sha256"],
        state=run.profile.state,
    )


def clean_answers(outcomes: evaluation.Outcomes) -> Asked:
    """The answers to clean images of a sweep, as of one seed."""
    row = outcomes.at("clean", 0)
    return Asked(outcomes.predicted[[row]], outcomes.log_odds[[row]], outcomes.labels)


def load_ladder(run: Run, dataset: str = "cifar10", *, weights: str) -> dict[str, Trained]:
    """{name: networks of a recipe} on "cifar10" or "imagenette", from the ImageNet `weights`.

    In full those that are missing are trained, hours of them; in quick those whose answers are
    stored. ValueError for another set, and where some started from other weights.
    """
    if dataset not in MEMBERS:
        raise ValueError(f"no ladder on {dataset!r}: choose one of {', '.join(MEMBERS)}.")
    every = MEMBERS[dataset]()
    if run.profile.name == "full":
        sets = run.sets if dataset == "cifar10" else models.grouped_sets(dataset)
        for member in every.values():
            train_missing(member, member.seeds, sets, run)
        best = best_constant(_stored(every))
        if best:
            train_missing(every[best], SEEDS, sets, run)
    found = _stored(every)
    check_weights(found, weights)
    return found


def load_second(run: Run, dataset: str) -> dict[str, ImageSet]:
    """{split: pictures} of a second set of the ladder, downloaded; {} where `dataset` is "".

    In quick it is the test pictures alone, and {} where they are not on disk.
    """
    return models.sets_of_profile(run.profile, dataset) if dataset else {}


def check_weights(networks: Mapping[str, Trained], weights: str) -> None:
    """Raises ValueError where networks of the ladder began with other ImageNet weights."""
    others = [name for name, n in networks.items() if n.weights not in ("none", weights)]
    if others:
        raise ValueError(
            f"the reference began with the ImageNet weights {weights!r}, the stored networks of "
            f"{', '.join(others)} with {networks[others[0]].weights!r}. Remove "
            "results/transfer-*.npz and models/cifar10-imagenet_resnet18-transfer-s0.* to train "
            "all of them with one kind."
        )


def train_missing(
    member: Member, seeds: tuple[int, ...], sets: Mapping[str, ImageSet], run: Run
) -> None:
    """Train the networks of a recipe whose answers are not stored."""
    for seed in seeds:
        load_or_train(member, seed, sets, state=run.profile.state)


def _stored(every: Mapping[str, Member]) -> dict[str, Trained]:
    """The recipes of which answers are stored."""
    found = {name: stored_networks(member) for name, member in every.items()}
    return {name: networks for name, networks in found.items() if networks is not None}


def ladder_table(networks: Mapping[str, Trained], *, bootstraps: int) -> pd.DataFrame:
    """A row per rung, frozen, fine-tuned and from scratch: accuracy on test images and its cost.

    Columns: words, kind, weights, images (trained on), seeds, minutes of training (the median over
    seeds, for one may have waited for others), value, lo, hi, n.
    """
    rows = []
    for name, trained in networks.items():
        kind = _kind(name)
        if kind is not None:
            row = {"words": trained.member.words, "kind": kind, "weights": trained.weights}
            row["images"] = trained.made[0]["images"]
            rows.append(row | _measured(trained.test, trained.seconds, bootstraps))
    return pd.DataFrame(rows)


def reference_rung(asked: Asked, card: Mapping, *, bootstraps: int) -> dict:
    """The row of `ladder_table` for the reference network."""
    row = {"words": f"fine-tuned, {card['side']}", "kind": "fine-tuned"}
    row["weights"] = card["pretrained"]
    measured = _measured(asked, np.array([card["seconds"]]), bootstraps)
    return row | {"images": card["images"]} | measured


def _measured(asked: Asked, seconds: np.ndarray, bootstraps: int) -> dict:
    """seeds, minutes of training (median), and accuracy with its interval: value, lo, hi, n."""
    n = len(asked.labels)
    counts = metrics.resampling_counts(bootstraps, n, np.random.default_rng(0))
    value, lo, hi = accuracy_of(asked, counts).interval()
    row = {"seeds": len(seconds), "minutes": np.median(seconds) / 60}
    return row | {"value": value, "lo": lo, "hi": hi, "n": n}


def _kind(name: str) -> str | None:
    """Which kind of rung a recipe is, None for ablations and follow-ups."""
    rung = name.removeprefix("imagenette-")
    if rung.startswith("frozen") and "bicubic" not in rung:
        return "frozen"
    if rung.startswith("scratch"):
        return "from scratch"
    return "fine-tuned" if rung.startswith("tuned") else None


def rate_trace(rounds: tuple[TrainConfig, TrainConfig], *, images: int) -> dict[str, np.ndarray]:
    """{"head", "base"}: the rate of each at every step of both rounds; the base's 0 when frozen."""
    head = []
    base = []
    for number, config in enumerate(rounds):
        steps = config.epochs * -(-images // config.batch_size)
        rates = [models.learning_rate(step, steps=steps, config=config) for step in range(steps)]
        head += rates
        base += [rate * config.base_rate * number for rate in rates]
    return {"head": np.array(head), "base": np.array(base)}


def contamination_ledger(card: Mapping, *, near: int, near_of_ladder: int) -> pd.DataFrame:
    """Which weights saw which images: a row per kind of network.

    `near` counts CIFAR-10's test images with a near duplicate among the reference's training
    images, `near_of_ladder` among those of the ladder.
    """
    trunk = card["pretrained"] == "trunk"
    refit = "; its last stage also Tiny-ImageNet and Imagenette at 128" if trunk else ""
    rows = [
        ("ImageNet weights", f"ImageNet's training photographs{refit}", "not CIFAR-10's"),
        ("reference", "these and CIFAR-10's training images", f"{near} near duplicates"),
        (
            "ladder, frozen and fine-tuned",
            "these and 10,000 of CIFAR-10's training images",
            f"{near_of_ladder} near duplicates",
        ),
        (
            "ladder, from scratch",
            "10,000 of CIFAR-10's training images",
            f"{near_of_ladder} near duplicates",
        ),
        (
            "Imagenette, any ImageNet weights",
            "Imagenette's pictures: they are ImageNet's training photographs",
            "nearly all of its test pictures",
        ),
    ]
    return pd.DataFrame(rows, columns=["weights", "have seen", "of the test images"])
