"""Adversarial training with one step from a random start, and the check that it has not collapsed.

Wong et al. 2020, arXiv:2001.03994.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from visionfail import devices, models
from visionfail.attacks import gradient
from visionfail.data import ImageSet

TRAINING_STEP = 1.25  # epsilons of the one step


def random_start_fgsm(
    *, epsilon: float
) -> Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]:
    """A `perturb` for `models.fit`: images after one step of 1.25 epsilon from a random start.

    The model is used in the mode it is in, as in training; its weights get no gradient.
    """

    def perturb(
        model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Tensor:
        # drawn on the CPU, in float32, whatever the defaults
        drawn = torch.rand(images.shape, generator=generator, dtype=torch.float32, device="cpu")
        noise = drawn.to(images)
        start = (images + epsilon * (2 * noise - 1)).clamp(0, 1)
        bf16 = devices.fast_bf16(images.device)
        with models.frozen(model):
            by_pixel, _, _ = gradient.loss_gradient(
                model, start, labels, dtype=torch.bfloat16 if bf16 else torch.float32
            )
        return gradient.step(
            start, by_pixel, images, size=TRAINING_STEP * epsilon, epsilon=epsilon, targeted=False
        )

    return perturb


def pgd_check(
    val: ImageSet, *, epsilon: float, steps: int
) -> Callable[[nn.Module], dict[str, float]]:
    """A `check` for `models.fit`: {"val_fgsm", "val_pgd"}, accuracy on attacked validation images.

    Catastrophic overfitting shows where the first stays high and the second falls to 0.
    """

    def check(model: nn.Module) -> dict[str, float]:
        one_step = gradient.fgsm(model, val.images, val.labels, epsilon=epsilon)
        worst = gradient.pgd(model, val.images, val.labels, epsilon=epsilon, steps=steps, seed=0)
        accuracy = {}
        for name, attacked in {"val_fgsm": one_step, "val_pgd": worst}.items():
            right = models.predict(model, attacked).argmax(1) == val.labels
            accuracy[name] = right.float().mean().item()
        return accuracy

    return check
