"""Answers to attacked images at a ladder of epsilons, kept as those to corrupted ones are."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import attacks, devices, evaluation, files, models
from visionfail.data import ImageSet
from visionfail.studies.uneven.groups import group_index

EPSILONS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of 255; a condition's severity is its place
HEADLINE = 8.0  # of 255: here PGD attacks all images, at other epsilons those still right
ATTACKS = ("fgsm", "pgd")
STEPS = 20
PGD_IMAGES = 1000  # of each set, at least
GATE_IMAGES = 100
GATE_EPSILON = 1.0  # of 255: turns some answers and not others
GATE_SUCCESS = 0.02


@dataclass(frozen=True)
class Attacked:
    """Attacked images, floats in [0, 1] (N, C, H, W), and the origin of the clean ones."""

    images: Tensor
    origin: str


def attack_settings(name: str) -> dict:
    """What an attack is: its norm, steps, step size in epsilons, restarts, and target.

    ValueError for another than those of ATTACKS.
    """
    settings = {"norm": "L-infinity", "targeted": False, "epsilons of 255": list(EPSILONS)}
    if name == "fgsm":
        return {**settings, "steps": 1, "step in epsilons": 1.0, "restarts": 0}
    if name == "pgd":
        step = attacks.STEP_SHARE / STEPS
        of_pgd = {"steps": STEPS, "step in epsilons": step, "restarts": 1, "seed": 0}
        return {**settings, **of_pgd, "all images at": HEADLINE}
    raise ValueError(f"unknown attack {name!r}: choose one of {', '.join(ATTACKS)}.")


def attacked_part(groups: np.ndarray | None, n: int, *, at_least: int = PGD_IMAGES) -> np.ndarray:
    """The numbers of the first images that PGD attacks, in order, (M,): groups stay whole."""
    index = group_index(groups, n)
    last = np.zeros(n, dtype=bool)
    last[: min(at_least, n)] = True
    return np.flatnonzero(np.isin(index, index[last]))


def attack_conditions(name: str) -> list[tuple[str, int]]:
    """("clean", 0), then the attack at each epsilon above 0."""
    return [("clean", 0), *[(name, place) for place in range(1, len(EPSILONS))]]


def load_or_attack(
    path: Path,
    model: nn.Module | None,
    images: ImageSet,
    name: str,
    *,
    val: ImageSet | None,
    weights: str,
    state: Path,
) -> tuple[evaluation.Outcomes, str]:
    """(outcomes under one attack of ATTACKS, "loaded" | "computed"), stored at `path`.

    Loaded where `path` holds the answers of the network with these `weights` (the card's sha256) to
    these images under this attack; an attack on another network is never loaded, nor one with
    other settings. Precision of gradients and of answers to attacked images is chosen on `val`.
    `state` is the folder of an unfinished run; attacked images stay there. ValueError where it has
    to be computed and there is no model or `val`.
    """
    identity = {
        "weights": weights,
        "images": images.checksum(),
        "attack": {"name": name, **attack_settings(name)},
    }
    conditions = attack_conditions(name)
    stored = evaluation.stored_outcomes(path, identity, conditions)
    if stored is not None:
        return stored, "loaded"
    if model is None or val is None:
        raise ValueError(
            f"{path.name} is not there, or of another network, attack or images: give the network "
            "and validation images."
        )
    files.check_writable(path.parent, remedy=files.ELSEWHERE)
    dtype, gate = choose_dtype(model, val, name)
    folder = state / path.stem
    ladder = FgsmLadder if name == "fgsm" else PgdLadder
    computed = evaluation.run_sweep(
        model,
        images,
        conditions,
        temperature=1.0,
        identity=identity,
        folder=folder,
        dtype=dtype,
        make=ladder(model, images, folder=folder, dtype=dtype),
    )
    computed = replace(computed, made={**computed.made, "gate": gate})
    computed.save(path)
    return computed, "computed"


def choose_dtype(model: nn.Module, val: ImageSet, name: str) -> tuple[torch.dtype, dict]:
    """The precision to attack in, bfloat16 or float32, and a record of the reason.

    bfloat16 where the device is fast at it and an attack in it fools the model, asked in float32,
    as often as one in float32 does, within GATE_SUCCESS, on the first GATE_IMAGES of `val`.
    """
    if not devices.fast_bf16(next(model.parameters()).device):
        return torch.float32, {"dtype": "float32", "reason": "no fast bfloat16 on this device"}
    few = val.first(GATE_IMAGES)
    success = {}
    for dtype in (torch.float32, torch.bfloat16):
        attacked = attack_images(model, few, name, epsilon=GATE_EPSILON / 255, dtype=dtype)
        wrong = models.predict(model, attacked).argmax(1) != few.labels
        success[str(dtype).removeprefix("torch.")] = wrong.float().mean().item()
    agrees = abs(success["float32"] - success["bfloat16"]) <= GATE_SUCCESS
    record = {"n": len(few), "epsilon of 255": GATE_EPSILON, "success": success}
    return (torch.bfloat16 if agrees else torch.float32), record


class Ladder:
    """Images attacked at one epsilon after another: the `make` of a sweep.

    Those of each epsilon are kept in `folder`.
    """

    def __init__(
        self, model: nn.Module, clean: ImageSet, *, folder: Path, dtype: torch.dtype
    ) -> None:
        self.model = model
        self.clean = clean
        self.folder = folder
        self.dtype = dtype

    def __call__(self, clean: ImageSet, name: str, place: int) -> Attacked:
        """The images at the epsilon of that place in EPSILONS."""
        return Attacked(self.at(place), self.clean.origin)

    def at(self, place: int) -> Tensor:
        """The images (N, C, H, W) at the epsilon of that place, floats in [0, 1]."""
        raise NotImplementedError


class FgsmLadder(Ladder):
    """FGSM: one gradient serves all epsilons."""

    direction: Tensor | None = None

    def at(self, place: int) -> Tensor:
        """The images (N, C, H, W) at the epsilon of that place, floats in [0, 1]."""
        if place == 0:
            return models.as_float(self.clean.images)
        if self.direction is None:
            self.direction = attacks.fgsm_direction(
                self.model, self.clean.images, self.clean.labels, dtype=self.dtype
            )
        return attacks.along(self.clean.images, self.direction, EPSILONS[place] / 255)


class PgdLadder(Ladder):
    """PGD: an attack within a smaller epsilon is also within a larger one.

    So at each epsilon those images are attacked anew that are still right, first by one step, then
    by STEPS; at HEADLINE all of them by STEPS. An image that was turned stays turned.
    """

    def at(self, place: int) -> Tensor:
        """The images (N, C, H, W) at the epsilon of that place, floats in [0, 1]."""
        if place == 0:
            return models.as_float(self.clean.images)
        file = self.folder / f"images-{place}.npz"
        if file.exists():
            return torch.from_numpy(files.load_arrays(file)[0]["images"])
        attacked = self.climb_on(self.at(place - 1), EPSILONS[place])
        files.save_arrays(file, {"images": attacked.numpy()}, made={"epsilon": EPSILONS[place]})
        return attacked

    def climb_on(self, before: Tensor, epsilon: float) -> Tensor:
        """Images attacked at `epsilon` of 255, given those at the one before."""
        wrong = self.wrong(before)
        if epsilon == HEADLINE:
            everything = torch.ones(len(before), dtype=torch.bool)
            return self.attacked_again(before, wrong, everything, "pgd", epsilon)[0]
        stepped, wrong = self.attacked_again(before, wrong, ~wrong, "fgsm", epsilon)
        return self.attacked_again(stepped, wrong, ~wrong, "pgd", epsilon)[0]

    def attacked_again(
        self, before: Tensor, wrong: Tensor, these: Tensor, name: str, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        """Images with `these` (N,) attacked anew, but for such as would be right again.

        Also which are answered wrongly, (N,), as `wrong` says it of the images `before`.
        """
        if not these.any():
            return before, wrong
        chosen = self.clean.at(these.nonzero()[:, 0])
        attacked = before.clone()
        attacked[these] = attack_images(
            self.model, chosen, name, epsilon=epsilon / 255, dtype=self.dtype
        )
        wrong_now = self.wrong(attacked)
        kept = ~these | (wrong & ~wrong_now)
        return torch.where(kept[:, None, None, None], before, attacked), wrong | wrong_now

    def wrong(self, images: Tensor) -> Tensor:
        """Whether each image is answered wrongly, bool (N,)."""
        return models.predict(self.model, images, dtype=self.dtype).argmax(1) != self.clean.labels


def attack_images(
    model: nn.Module,
    images: ImageSet,
    name: str,
    *,
    epsilon: float,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Images under one attack of ATTACKS, floats in [0, 1]; ValueError for another attack."""
    attack_settings(name)
    if name == "fgsm":
        return attacks.fgsm(model, images.images, images.labels, epsilon=epsilon, dtype=dtype)
    return attacks.pgd(
        model, images.images, images.labels, epsilon=epsilon, steps=STEPS, seed=0, dtype=dtype
    )
