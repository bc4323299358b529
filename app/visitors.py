"""What is asked of the networks that all visitors share: one visitor at a time.

Grad-CAM and activations hang hooks on a network, and an attack freezes it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import Tensor, nn

from visionfail import attacks, explain, failure, models, risk
from visionfail.failure import monitor

STEPS = 20


def answer_with_map(known: failure.Monitor, picture: Tensor) -> tuple[monitor.Answer, np.ndarray]:
    """The monitor's answer to a picture (1, C, H, W), and its Grad-CAM map (H, W)."""
    answer = failure.monitor_answer(known, picture)
    with monitor.ONE_AT_A_TIME:
        heat = explain.gradcam(known.model, picture, [answer.predicted])[0]
    return answer, heat


@dataclass(frozen=True, eq=False)
class Attacked:
    """A picture (1, C, H, W) moved by an attack, logits (1, K) before and after, and lights."""

    moved: Tensor
    before: Tensor
    after: Tensor
    lights: pd.DataFrame


def attack_picture(
    model: nn.Module, picture: Tensor, *, truth: int | None, attack: str, epsilon: float
) -> Attacked:
    """The picture under "FGSM" or "PGD" within epsilon, from its truth or else answer."""
    with monitor.ONE_AT_A_TIME:
        before = models.predict(model, picture)
        label = before.argmax(1)
        if truth is not None:
            label[0] = truth
        if attack == "FGSM":
            moved = attacks.fgsm(model, picture, label, epsilon=epsilon)
        else:
            moved = attacks.pgd(model, picture, label, epsilon=epsilon, steps=STEPS, seed=0)
        lights = attacks.picture_lights(model, picture, label, moved, epsilon=epsilon)
        return Attacked(moved, before, models.predict(model, moved), lights)


def score_with_map(
    classifier: risk.Classifier, picture: Tensor
) -> tuple[float, np.ndarray | None, str]:
    """(score of "unsafe" of a picture (1, 3, H, W), map (H, W) of its evidence, why there is none).

    There is none where the network's last map has one cell, or it has no layer known to Grad-CAM.
    """
    with monitor.ONE_AT_A_TIME:
        score = float(classifier.score(picture)[0])
        try:
            return score, explain.gradcam(classifier.model, picture, [1])[0], ""
        except ValueError as error:
            return score, None, str(error)
