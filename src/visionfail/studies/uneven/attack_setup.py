"""What notebook 07 starts from: answers to attacked images, and the health of the attack."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from visionfail import attacks, devices, evaluation, files, models, profiles
from visionfail.data import ImageSet
from visionfail.studies import stored
from visionfail.studies.run import Run
from visionfail.studies.uneven import noticed, others
from visionfail.studies.uneven.attack_answers import AttackedAnswers, attacked_answers
from visionfail.studies.uneven.attacked import STEPS, attacked_part, load_or_attack
from visionfail.studies.uneven.defended import DEFENDED, FROM_SEED, defended_classifier
from visionfail.studies.uneven.seed_answers import SeedAnswers
from visionfail.studies.uneven.setup import ARCH, SEEDS, Networks

ATTACKED_SEEDS = {**SEEDS, "cifar10": (0, 1)}  # of CIFAR-10 those whose weights are kept
ANOTHER = "cifar10-densenet121-standard-s0"  # to which CIFAR-10's attacked images are shown
CHECKED = 100  # images of the health card and of restarts


def load_attacked(
    run: Run,
    attack: str,
    *,
    clean: SeedAnswers,
    sets: Mapping[str, ImageSet],
    networks: Networks,
    cards: Mapping[int, dict],
) -> tuple[AttackedAnswers, str]:
    """(answers under FGSM to all test images or under PGD to a part, "loaded" | "computed").

    Stored in results/attacked-<network>-<attack>.npz; in full they are loaded where they are of
    these weights, images and settings, in quick as they are stored. `clean` are any answers to the
    test images.
    """
    images = np.arange(len(clean.labels))
    if attack == "pgd":
        images = attacked_part(clean.groups, len(clean.labels))
    outcomes = {}
    how = "loaded"
    for seed, card in cards.items():
        path = attack_file(card, seed, attack)
        if run.profile.name == "quick":
            outcomes[seed] = evaluation.Outcomes.load(path)
            continue
        outcomes[seed], done = load_or_attack(
            path,
            networks[seed],
            sets["test"] if attack == "fgsm" else attacked_images(sets["test"]),
            attack,
            val=sets["val"],
            weights=card["sha256"],
            state=run.profile.state,
        )
        how = done if done == "computed" else how
    return attacked_answers(outcomes, clean, images), how


def attack_file(card: Mapping, seed: int, about: str) -> Path:
    """Where something about the attack on a network is stored."""
    name = models.checkpoint_name(card["dataset"], ARCH, card["recipe"], seed)
    return profiles.FULL.results / f"attacked-{name}-{about}.npz"


def precision_of(card: Mapping, seed: int) -> torch.dtype:
    """The precision in which PGD on a network was computed, as its stored answers say."""
    made = evaluation.Outcomes.load(attack_file(card, seed, "pgd")).made
    return getattr(torch, made["dtype"])


def load_or_check(
    run: Run,
    images: ImageSet | None,
    networks: Networks,
    cards: Mapping[int, dict],
    *,
    epsilon: float,
) -> pd.DataFrame:
    """The health card of PGD on the first network of `cards`: a row per light.

    Columns: light, ok, measured, asked. On the first CHECKED of `images`, with the second network,
    if there is one, as the surrogate; stored and loaded as the answers are.
    """
    seed, *further = cards
    path = attack_file(cards[seed], seed, "health")
    if run.profile.name == "quick" or images is None:
        return health_table(files.load_arrays(path)[0])
    few = images.first(CHECKED)
    surrogate = networks[further[0]] if further else None
    identity = {
        "weights": cards[seed]["sha256"],
        "surrogate": cards[further[0]]["sha256"] if further else None,
        "images": few.checksum(),
        "epsilon": epsilon,
        "steps": STEPS,
    }

    def compute() -> tuple[stored.Arrays, dict]:
        attack = partial(attacks.pgd, dtype=precision_of(cards[seed], seed))
        card = attacks.health_card(
            networks[seed],
            few.images,
            few.labels,
            epsilon=epsilon,
            steps=STEPS,
            attack=attack,
            surrogate=surrogate,
        )
        return {name: card[name].to_numpy().astype(np.str_) for name in card}, identity

    arrays, _, _ = stored.load_or_compute(
        path, compute, identity=identity, fields=["light", "ok", "measured", "asked"]
    )
    return health_table(arrays)


def health_table(arrays: stored.Arrays) -> pd.DataFrame:
    """The health card that arrays of texts hold."""
    table = pd.DataFrame({name: values.tolist() for name, values in arrays.items()})
    return table.assign(ok=table.ok == "True")


def load_or_restart(
    run: Run,
    images: ImageSet | None,
    network: nn.Module | None,
    card: Mapping,
    seed: int,
    *,
    epsilon: float,
    restarts: int,
) -> np.ndarray:
    """Whether each of the first CHECKED images is right after 1 and after `restarts`: bool (2, n).

    PGD at `epsilon`; stored and loaded as the answers are.
    """
    path = attack_file(card, seed, "restarts")
    if run.profile.name == "quick" or images is None or network is None:
        return files.load_arrays(path)[0]["right"]
    few = images.first(CHECKED)
    identity = {
        "weights": card["sha256"],
        "images": few.checksum(),
        "epsilon": epsilon,
        "restarts": restarts,
        "steps": STEPS,
    }

    def compute() -> tuple[stored.Arrays, dict]:
        right = []
        for count in (1, restarts):
            moved = attacks.pgd(
                network,
                few.images,
                few.labels,
                epsilon=epsilon,
                steps=STEPS,
                restarts=count,
                seed=1,
                dtype=precision_of(card, seed),
            )
            right.append((models.predict(network, moved).argmax(1) == few.labels).numpy())
        return {"right": np.stack(right)}, identity

    arrays, _, _ = stored.load_or_compute(path, compute, identity=identity, fields=["right"])
    return arrays["right"]


def load_defended(run: Run, sets: dict[str, ImageSet]) -> tuple[nn.Module, dict]:
    """(model, card) of the defended network, trained in full where there is none."""
    if run.profile.name == "quick":
        return models.load(DEFENDED)
    model, card, _ = defended_classifier(sets, state=run.profile.state)
    return model, card


def load_others(
    run: Run,
    name: str,
    sets: Mapping[str, ImageSet],
    networks: Networks,
    cards: Mapping[int, dict],
    *,
    attacked: Sequence[int],
    defended: tuple[nn.Module, dict],
) -> tuple[others.Others, str]:
    """(what a set's networks answer to each other's attacked images, "loaded" | "computed").

    `attacked` are the seeds whose images are shown to all. Of CIFAR-10 the defended network and
    DenseNet-121 are asked, too, and the defended one's images are shown.
    Stored in results/attacked-<set>-others.npz.
    """
    path = profiles.FULL.results / f"attacked-{name}-others.npz"
    if run.profile.name == "quick":
        return others.load_or_ask_others(path, None, None, {}, weights={})
    known = {f"{ARCH} s{seed}": (networks[seed], card, seed) for seed, card in cards.items()}
    if name == "cifar10":
        known[f"{ARCH} defended"] = (*defended, FROM_SEED)
    images = {}
    for label, (network, card, seed) in known.items():
        if seed in attacked or label.endswith("defended"):
            images[label] = headline_of(run, sets, network, card, seed)
    asked = {label: network for label, (network, _, _) in known.items()}
    weights = {label: card["sha256"] for label, (_, card, _) in known.items()}
    if name == "cifar10":
        dense, dense_card = models.load(ANOTHER)
        asked["densenet121 s0"] = devices.placed(dense)
        weights["densenet121 s0"] = dense_card["sha256"]
    part = attacked_images(sets["test"])
    return others.load_or_ask_others(path, images, part, asked, weights=weights)


def load_audit(
    run: Run, sets: Mapping[str, ImageSet], networks: Networks, cards: Mapping[int, dict]
) -> tuple[noticed.Suspicion, str]:
    """(what the auditor of CIFAR-10's seed 0 says of clean and attacked images, how)."""
    path = attack_file(cards[0], 0, "audited")
    if run.profile.name == "quick":
        return noticed.load_or_audit(path, None, None)
    images_of = headline_of(run, sets, networks[0], cards[0], 0)
    return noticed.load_or_audit(path, attacked_images(sets["test"]), images_of)


def headline_of(
    run: Run, sets: Mapping[str, ImageSet], network: nn.Module, card: Mapping, seed: int
) -> Callable[[], Tensor]:
    """What gives the images of a set that PGD attacked on one network at HEADLINE."""
    return partial(
        others.headline_images,
        network,
        attacked_images(sets["test"]),
        run.profile.state / attack_file(card, seed, "pgd").stem,
        weights=card["sha256"],
        dtype=precision_of(card, seed),
    )


def attacked_images(test: ImageSet) -> ImageSet:
    """The test images that PGD attacks."""
    groups = None if test.groups is None else test.groups.numpy()
    return test.at(torch.from_numpy(attacked_part(groups, len(test))))
