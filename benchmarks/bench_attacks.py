"""Attacked images per second: attacks.pgd beside foolbox and torchattacks.

    python benchmarks/bench_attacks.py [--images 64] [--steps 10] [--repeats 3]

All run here in turn, in this process, on the same full-width ResNet-18 with random weights and the
same images, ten steps within 8 / 255. Ours freezes the weights and lays channels last; in bfloat16
where the processor is fast at it, and once in float32. It also keeps the worst point of all that it
came by, for which it asks the model two times more than the others. torchattacks is left out where
it is not installed (it pins an old version of requests: pip install --no-deps torchattacks). "bare
loop" is the ascent alone in our precision, weights frozen and norms folded: what a processor can.
"""

import argparse
import platform
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

import torch
from bench_corruptions import pictures, processor
from bench_training import network, print_rates, rates
from foolbox.attacks.projected_gradient_descent import LinfProjectedGradientDescentAttack
from foolbox.models.pytorch import PyTorchModel
from torch import Tensor, nn

from visionfail import attacks, devices, models

EPSILON = 8 / 255


def with_foolbox(model: nn.Module, images: Tensor, labels: Tensor, steps: int) -> Callable:
    """A function that attacks float images with foolbox."""
    wrapped = PyTorchModel(model, bounds=(0, 1), device="cpu")
    attack = LinfProjectedGradientDescentAttack(abs_stepsize=2.5 * EPSILON / steps, steps=steps)
    return lambda: attack(wrapped, images, labels, epsilons=EPSILON)[1]


def with_torchattacks(model: nn.Module, images: Tensor, labels: Tensor, steps: int) -> Callable:
    """A function that attacks float images with torchattacks."""
    torchattacks = import_module("torchattacks")  # not among the packages that are asked for
    attack = torchattacks.PGD(model, eps=EPSILON, alpha=2.5 * EPSILON / steps, steps=steps)
    return lambda: attack(images, labels)


def bare_loop(
    model: nn.Module, images: Tensor, labels: Tensor, steps: int, dtype: torch.dtype
) -> Callable:
    """A function that climbs from the images themselves and keeps the last point."""
    network = model if dtype == torch.float32 else models.fold_norms(model)
    start = images.contiguous(memory_format=torch.channels_last)
    size = 2.5 * EPSILON / steps

    def climb() -> Tensor:
        with models.frozen(network):
            points = attacks.pgd_steps(
                network,
                start,
                start,
                labels,
                epsilon=EPSILON,
                steps=steps,
                step_size=size,
                dtype=dtype,
            )
            *_, (last, _, _) = points
        return last

    return climb


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    images = pictures(arguments.images).float() / 255
    labels = torch.arange(arguments.images) % 10
    model = network().eval()
    fast = torch.bfloat16 if devices.fast_bf16("cpu") else torch.float32

    def ours(dtype: torch.dtype) -> Callable[[], Tensor]:
        return lambda: attacks.pgd(
            model, images, labels, epsilon=EPSILON, steps=arguments.steps, seed=0, dtype=dtype
        )

    ways = {"foolbox": with_foolbox(network().eval(), images, labels, arguments.steps)}
    if find_spec("torchattacks"):
        ways["torchattacks"] = with_torchattacks(network().eval(), images, labels, arguments.steps)
    ways["bare loop"] = bare_loop(model, images, labels, arguments.steps, fast)
    print(f"{processor()}; Python {platform.python_version()}, torch {version('torch')}")
    print(f"PGD-{arguments.steps}, images per second, best of {arguments.repeats}\n")
    print(f"{'':<28}{'ours':>8}{'plain':>8}{'ratio':>8}{'n':>8}")
    for name, plain in ways.items():
        for dtype in {fast, torch.float32}:
            pair = {"ours": ours(dtype), "plain": plain}
            per_second = rates(pair, arguments.images, arguments.repeats)
            words = f"{name}, ours {str(dtype).removeprefix('torch.')}"
            print_rates(words, per_second, arguments.images)


if __name__ == "__main__":
    main()
