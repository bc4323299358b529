"""Answers to attacked images at a ladder of epsilons, kept as those to corrupted ones are."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from visionfail import attacks, evaluation
from visionfail.data import ImageSet

EPSILONS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of 255; a condition's severity is its place
ATTACKS = ("fgsm", "pgd")
STEPS = 20


@dataclass(frozen=True)
class Attacked:
    """Attacked images, floats in [0, 1] (N, C, H, W), and the origin of the clean ones."""

    images: Tensor
    origin: str


def attack_settings(name: str) -> dict:
    """What an attack is: its norm, steps, step size in epsilons, restarts, and target."""
    settings = {"norm": "L-infinity", "targeted": False, "epsilons of 255": list(EPSILONS)}
    if name == "fgsm":
        return {**settings, "steps": 1, "step in epsilons": 1.0, "restarts": 0}
    step = attacks.STEP_SHARE / STEPS
    return {**settings, "steps": STEPS, "step in epsilons": step, "restarts": 1, "seed": 0}


def attack_conditions(name: str) -> list[tuple[str, int]]:
    """("clean", 0), then the attack at each epsilon above 0."""
    return [("clean", 0), *[(name, place) for place in range(1, len(EPSILONS))]]


def load_or_attack(
    path: Path,
    model: nn.Module,
    images: ImageSet,
    name: str,
    *,
    weights: str,
    state: Path,
    dtype: torch.dtype = torch.float32,
) -> tuple[evaluation.Outcomes, str]:
    """(outcomes under one attack of ATTACKS, "loaded" | "computed"), stored at `path`.

    Loaded where `path` holds the answers of the network with these `weights` (the card's sha256) to
    these images under this attack; an attack on another network is never loaded, nor one with
    other settings. Attacked images are not kept; gradients are computed in `dtype`, answers in
    float32. `state` is the folder for the conditions of an unfinished run.
    """
    identity = {
        "weights": weights,
        "images": images.checksum(),
        "attack": {"name": name, **attack_settings(name)},
        "gradients": str(dtype).removeprefix("torch."),
    }
    conditions = attack_conditions(name)
    stored = evaluation.stored_outcomes(path, identity, conditions)
    if stored is not None:
        return stored, "loaded"

    def make(clean: ImageSet, attack: str, place: int) -> ImageSet | Attacked:
        if place == 0:
            return clean
        epsilon = EPSILONS[place] / 255
        moved = attack_images(model, clean, attack, epsilon=epsilon, dtype=dtype)
        return Attacked(moved, clean.origin)

    computed = evaluation.run_sweep(
        model,
        images,
        conditions,
        temperature=1.0,
        identity=identity,
        folder=state / path.stem,
        make=make,
    )
    computed.save(path)
    return computed, "computed"


def attack_images(
    model: nn.Module,
    images: ImageSet,
    name: str,
    *,
    epsilon: float,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Images under one attack of ATTACKS, floats in [0, 1]; ValueError for another attack."""
    if name == "fgsm":
        return attacks.fgsm(model, images.images, images.labels, epsilon=epsilon, dtype=dtype)
    if name == "pgd":
        return attacks.pgd(
            model, images.images, images.labels, epsilon=epsilon, steps=STEPS, seed=0, dtype=dtype
        )
    raise ValueError(f"unknown attack {name!r}: choose one of {', '.join(ATTACKS)}.")
