"""What a notebook of this study starts from: sets, networks, and their answers, loaded or asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from torch import nn

from visionfail import data, devices, evaluation, files, metrics, models, paths, profiles
from visionfail.data import ImageSet
from visionfail.models import checkpoints
from visionfail.studies import stored
from visionfail.studies.run import Run
from visionfail.studies.uneven import covariates, explanations
from visionfail.studies.uneven.seed_answers import SeedAnswers

ARCH = "resnet18"
# those that were trained alike
SEEDS = {"svhn10k": (0, 1, 2), "gtsrb": (0, 1, 2), "svhn": (0, 1, 2), "cifar10": (1, 2, 3)}
NORM_IMAGES = 1000  # training images for the norms of networks with a random head
EXAMINED_SPLITS = {"gtsrb": ("test", "heldout")}  # else "test" alone

Networks = dict[int, nn.Module]


def prepare_uneven(profile: str) -> Run:
    """A run in the profile "quick", "full" or "auto".

    In quick it shows the stored answers of the full one, and runs networks on no image.
    """
    chosen = profiles.get_profile(profile)
    return Run(profile=chosen, origin="subset", stored=chosen.name == "quick")


def load_sets(run: Run, name: str) -> dict[str, ImageSet]:
    """{split: images} of a set, downloaded; in quick the splits examined, or {} if not on disk."""
    return models.sets_of_profile(run.profile, name, splits_of(name))


def splits_of(name: str) -> tuple[str, ...]:
    """The splits of a set that the study examines, "test" first."""
    return EXAMINED_SPLITS.get(name, ("test",))


def load_networks(
    run: Run, name: str, sets: Mapping[str, ImageSet], *, seeds: Sequence[int] | None = None
) -> tuple[Networks, dict[int, dict]]:
    """({seed: network}, {seed: card}) of one set, ResNet-18s trained alike, on the best device.

    `seeds` are others of CIFAR-10, perhaps of another recipe. In full the networks are trained
    where no checkpoint is, those of CIFAR-10 apart: of its seeds without weights there is a card
    alone. In quick cards and weights are those that are there.
    """
    networks = {}
    cards = {}
    for seed in seeds or SEEDS[name]:
        stem = paths.MODELS / models.checkpoint_name(name, ARCH, "standard", seed)
        weights, description = models.checkpoint_files(stem)
        if run.profile.name == "full" and name != "cifar10":
            networks[seed], cards[seed], _ = models.grouped_classifier(
                run.profile, name, dict(sets), seed=seed
            )
        elif description.exists():
            cards[seed] = checkpoints.read_card(description)
            if weights.exists() and sets:
                networks[seed] = devices.placed(models.load(stem)[0])
    return networks, cards


def load_or_ask(
    run: Run,
    name: str,
    split: str,
    *,
    sets: Mapping[str, ImageSet],
    networks: Networks,
    cards: Mapping[int, dict],
) -> tuple[SeedAnswers, str]:
    """(answers to a split, "loaded" | "computed"), stored in results/uneven-<name>-<split>.npz.

    In full they are loaded where they are of these weights and images; in quick as they are stored.
    CIFAR-10's are those of the study of degradation on clean images, where it has asked a network.
    """
    path = answers_file(name, split)
    if run.profile.name == "quick":
        return stored_answers(name, split), "loaded"
    images = sets[split]
    identity = {
        "dataset": name,
        "split": split,
        "seeds": list(cards),
        "weights": [card["sha256"] for card in cards.values()],
        "images": images.checksum(),
    }

    def compute() -> tuple[stored.Arrays, dict]:
        if name == "cifar10":
            answers = ask_cifar10(tuple(cards), networks, images)
        else:
            answers = ask(networks, images)
        made = dict(identity)
        made["origin"] = images.origin
        made["classes"] = list(images.classes)
        made["train_counts"] = _class_counts(sets["train"])
        asked = SeedAnswers(
            labels=images.labels.numpy().astype(np.uint8),
            groups=None if images.groups is None else images.groups.numpy(),
            covariates=image_covariates(name, split, images),
            made=made,
            **answers,
        )
        return asked.arrays(), made

    arrays, made, how = stored.load_or_compute(
        path, compute, identity=identity, fields=["labels", "predicted", "log_odds"]
    )
    return SeedAnswers.of_arrays(arrays, made), how


def stored_answers(name: str, split: str) -> SeedAnswers:
    """The answers that `load_or_ask` stored; FileNotFoundError where there are none."""
    return SeedAnswers.of_arrays(*files.load_arrays(answers_file(name, split)))


def load_or_explain(
    run: Run,
    networks: Networks,
    sets: Mapping[str, ImageSet],
    answers: SeedAnswers,
    *,
    mapped: int,
    hidden: int,
) -> tuple[stored.Arrays, str]:
    """({measure: (S, N)} of `explain_all`, "loaded" | "computed") for answers to test images.

    Stored in results/uneven-<name>-maps.npz; in quick as they are there.
    """
    path = answers_file(answers.made["dataset"], "maps")
    if run.profile.name == "quick":
        return files.load_arrays(path)[0], "loaded"
    identity = {
        "weights": answers.made["weights"],
        "images": answers.made["images"],
        "seeds mapped": list(networks),
        "mapped": mapped,
        "hidden": hidden,
    }

    def compute() -> tuple[stored.Arrays, dict]:
        train = sets["train"].first(NORM_IMAGES)
        measures = explanations.explain_all(
            networks, sets["test"], answers, train=train, mapped=mapped, hidden=hidden
        )
        return measures, identity

    measures, _, how = stored.load_or_compute(
        path, compute, identity=identity, fields=explanations.measured_names()
    )
    return measures, how


def answers_file(name: str, split: str) -> Path:
    """Where the answers to a split are stored."""
    return profiles.FULL.results / f"uneven-{name}-{split}.npz"


def ask(networks: Networks, images: ImageSet) -> stored.Arrays:
    """{"predicted" uint8, "log_odds" float16} of networks on images, (S, N) each."""
    predicted = []
    log_odds = []
    for network in networks.values():
        logits = models.predict(network, images.images)  # (N, K)
        predicted.append(logits.argmax(1).numpy().astype(np.uint8))
        log_odds.append(metrics.log_odds(logits).astype(np.float16))
    return {"predicted": np.stack(predicted), "log_odds": np.stack(log_odds)}


def ask_cifar10(seeds: Sequence[int], networks: Networks, images: ImageSet) -> stored.Arrays:
    """The arrays of `ask`: of stored sweeps on clean images; a network without one is asked.

    ValueError for a seed with neither.
    """
    _, sweeps = evaluation.stored_sweeps(profiles.FULL.results)
    asked = []
    for seed in seeds:
        if (ARCH, seed) in sweeps:
            clean = sweeps[ARCH, seed].of([("clean", 0)])
            asked.append({"predicted": clean.predicted, "log_odds": clean.log_odds})
        elif seed in networks:
            asked.append(ask({seed: networks[seed]}, images))
        else:
            raise ValueError(f"{ARCH}, seed {seed}: neither weights nor stored answers. Train it.")
    return {
        field: np.concatenate([of_seed[field] for of_seed in asked])
        for field in ("predicted", "log_odds")
    }


def _class_counts(images: ImageSet) -> list[int]:
    """How many images each class has, (K,)."""
    return torch.bincount(images.labels, minlength=len(images.classes)).tolist()


def image_covariates(name: str, split: str, images: ImageSet) -> dict[str, np.ndarray]:
    """{name: float32 (N,)} of what may go with a class's errors, as far as it is known.

    brightness, contrast; height in pixels of digits as photographed, where their boxes are at hand,
    and shorter side of signs; human label uncertainty in bits, of CIFAR-10's test images.
    """
    values = {
        "brightness": covariates.image_brightness(images.images),
        "contrast": covariates.image_contrast(images.images),
    }
    pixels = data.pixel_sizes(name, split)
    if pixels is not None and np.ptp(pixels) > 0:
        values["size in pixels"] = pixels
    if name == "cifar10" and split == "test" and data.cifar10h_is_present():
        votes = data.load_cifar10h()  # (N, K)
        values["human label uncertainty"] = np.asarray(stats.entropy(votes, axis=1, base=2))
    return {key: np.asarray(array, dtype=np.float32) for key, array in values.items()}
