"""The health card of an attack: lights that are red where a robust accuracy cannot be believed.

An attack that fails because it is broken looks like a robust network. Each light is computed from
what the attack does on this model. Pintor et al. 2022, arXiv:2106.09947; Carlini et al. 2019,
arXiv:1902.06705.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from visionfail import models
from visionfail.attacks import gradient
from visionfail.attacks.accepted import check_attack, right_answers

Attack = Callable[..., Tensor]  # (model, images, labels, *, epsilon, steps, seed) -> images
HUGE = 128 / 255  # an epsilon at which grey is within reach of every image
ROUNDING = 1e-6  # of a pixel, from float32
CLOSE = 0.02  # shares of images that may differ where nothing is wrong


@dataclass(frozen=True)
class Answered:
    """What the model says of clean and of attacked images."""

    clean: np.ndarray  # whether each answer is right, (N,)
    attacked: np.ndarray
    clean_loss: np.ndarray
    attacked_loss: np.ndarray


def health_card(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    steps: int = 20,
    attack: Attack = gradient.pgd,
    surrogate: nn.Module | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """A row per light: light, ok, measured, asked.

    Images are uint8 or floats in [0, 1] (N, C, H, W), labels int64 (N,); a hundred images are
    enough. `attack` is called as `gradient.pgd` is. `surrogate` is another network for the same
    classes, whose attacked images must not fool the model more often than its own do; without one
    that light is left out. The model is left as it was. Errors are those of `gradient.fgsm`.
    """
    check_attack(model, images, labels, epsilon)

    def attacked_with(target: nn.Module = model, **changes) -> Tensor:
        settings = {"epsilon": epsilon, "steps": steps, "seed": seed} | changes
        return attack(target, images, labels, **settings)

    attacked = attacked_with()
    answered = _answered(model, images, attacked, labels)
    one_step = right_answers(model, gradient.fgsm(model, images, labels, epsilon=epsilon), labels)
    longer = right_answers(model, attacked_with(steps=2 * steps), labels)
    lights = [
        nothing_at_zero(images, attacked_with(epsilon=0.0)),
        within_bounds(images, attacked, epsilon),
        never_better_than_clean(answered),
        no_weaker_than_one_step(answered, one_step),
        loss_grows(answered),
        converged(answered, longer),
        huge_epsilon(right_answers(model, attacked_with(epsilon=HUGE), labels), labels),
        gradients_speak(model, images, labels),
        same_answer_twice(model, attacked),
        survives_rounding(model, attacked, labels),
        seeds_agree(answered, right_answers(model, attacked_with(seed=seed + 1), labels)),
    ]
    if surrogate is not None:
        transferred = right_answers(model, attacked_with(target=surrogate), labels)
        lights.append(transfer_is_weaker(answered, transferred))
    return pd.DataFrame(lights, columns=["light", "ok", "measured", "asked"])


def picture_lights(
    model: nn.Module, images: Tensor, labels: Tensor, attacked: Tensor, *, epsilon: float
) -> pd.DataFrame:
    """The lights that a single attacked picture has: a row each, with the columns of `health_card`.

    Images are uint8 or floats in [0, 1] (N, C, H, W), attacked floats of that shape.
    """
    answered = _answered(model, images, attacked, labels)
    lights = [
        within_bounds(images, attacked, epsilon),
        never_better_than_clean(answered),
        loss_grows(answered),
        gradients_speak(model, images, labels),
        same_answer_twice(model, attacked),
        survives_rounding(model, attacked, labels),
    ]
    return pd.DataFrame(lights, columns=["light", "ok", "measured", "asked"])


def nothing_at_zero(images: Tensor, attacked: Tensor) -> tuple:
    """Epsilon 0 gives back the same pixels."""
    largest = (attacked.cpu() - models.as_float(images.cpu())).abs().max().item()
    return "epsilon 0 changes nothing", largest == 0, f"largest change {largest:.1e}", "0"


def within_bounds(images: Tensor, attacked: Tensor, epsilon: float) -> tuple:
    """Pixels stay in [0, 1] and within epsilon of the clean ones."""
    change = (attacked.cpu() - models.as_float(images.cpu())).abs().max().item()
    low = attacked.min().item()
    high = attacked.max().item()
    ok = change <= epsilon + ROUNDING and low >= 0 and high <= 1
    measured = f"change {255 * change:.3g} / 255, pixels {low:.3g} to {high:.3g}"
    return "within epsilon and [0, 1]", ok, measured, f"{255 * epsilon:.3g} / 255, 0 to 1"


def never_better_than_clean(answered: Answered) -> tuple:
    """No image that is answered wrongly when clean is right when attacked."""
    mended = int((answered.attacked & ~answered.clean).sum())
    return "wrong images stay wrong", mended == 0, f"{mended} became right", "0"


def no_weaker_than_one_step(answered: Answered, one_step: np.ndarray) -> tuple:
    """The attack fools the model wherever FGSM does."""
    missed = int((answered.attacked & ~one_step).sum())
    return "no weaker than FGSM", missed == 0, f"{missed} that FGSM fools are missed", "0"


def loss_grows(answered: Answered) -> tuple:
    """The mean loss of attacked images is larger than that of clean ones."""
    before = float(answered.clean_loss.mean())
    after = float(answered.attacked_loss.mean())
    return "loss grows", after > before, f"{before:.3f} to {after:.3f}", "more than before"


def converged(answered: Answered, longer: np.ndarray) -> tuple:
    """Twice the steps fool the model hardly more often."""
    gained = float(answered.attacked.mean() - longer.mean())
    measured = f"twice the steps take {100 * gained:.1f} points more"
    return "steps are enough", gained <= CLOSE, measured, f"at most {100 * CLOSE:.0f}"


def huge_epsilon(right: np.ndarray, labels: Tensor) -> tuple:
    """Where every image can be made grey, no more are right than by guessing the commonest."""
    chance = torch.bincount(labels).max().item() / len(labels)
    accuracy = float(right.mean())
    measured = f"{accuracy:.1%} right at {255 * HUGE:.0f} / 255"
    return "a huge epsilon breaks it", accuracy <= chance, measured, f"at most {chance:.1%}"


def gradients_speak(model: nn.Module, images: Tensor, labels: Tensor) -> tuple:
    """Gradients by the pixels are finite, and zero for hardly any image."""
    silent = gradient.silent_gradients(model, images, labels).numpy()
    share = float(silent.mean())
    measured = f"zero or not finite for {share:.1%}"
    return "gradients speak", share <= CLOSE, measured, f"at most {CLOSE:.0%}"


def same_answer_twice(model: nn.Module, attacked: Tensor) -> tuple:
    """The same images get the same logits again."""
    first = models.predict(model, attacked)
    largest = (first - models.predict(model, attacked)).abs().max().item()
    return "answers repeat", largest <= ROUNDING, f"logits differ by {largest:.1e}", "0"


def survives_rounding(model: nn.Module, attacked: Tensor, labels: Tensor) -> tuple:
    """Attacked images fool the model as often when they are stored as bytes."""
    as_bytes = (attacked * 255).round().to(torch.uint8)
    saved = float(
        right_answers(model, as_bytes, labels).mean()
        - right_answers(model, attacked, labels).mean()
    )
    measured = f"{100 * saved:.1f} points are right again"
    return "survives rounding to bytes", saved <= CLOSE, measured, f"at most {100 * CLOSE:.0f}"


def seeds_agree(answered: Answered, other: np.ndarray) -> tuple:
    """Another random start fools the model about as often."""
    difference = abs(float(answered.attacked.mean() - other.mean()))
    measured = f"{100 * difference:.1f} points apart"
    return "seeds agree", difference <= CLOSE, measured, f"at most {100 * CLOSE:.0f}"


def transfer_is_weaker(answered: Answered, transferred: np.ndarray) -> tuple:
    """Images attacked on another network fool the model less often than its own."""
    own = float(answered.attacked.mean())
    others = float(transferred.mean())
    measured = f"own {own:.1%} right, another network's {others:.1%}"
    return "white box beats transfer", own <= others, measured, "own at most the other's"


def _answered(model: nn.Module, images: Tensor, attacked: Tensor, labels: Tensor) -> Answered:
    """What the model says, asked anew of clean and of attacked images."""
    right = []
    losses = []
    for asked in (images, attacked):
        logits = models.predict(model, asked)
        right.append((logits.argmax(1) == labels.cpu()).numpy())
        losses.append(cross_entropy(logits, labels.cpu(), reduction="none").numpy())
    return Answered(right[0], right[1], losses[0], losses[1])
