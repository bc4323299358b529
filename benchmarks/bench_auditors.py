"""Auditors per second: failure.fit_several on all cores beside one auditor after another.

    python benchmarks/bench_auditors.py [--images 20000] [--auditors 16] [--repeats 2]

Both run here in turn on the same latents; and it is checked that the auditors are equal to the bit.
"One after another" is failure.fit as it is, with as many threads as torch takes.
"""

import argparse
import platform
from importlib.metadata import version

import joblib
import numpy as np
import torch
from bench_corruptions import processor
from bench_training import print_rates, rates

from visionfail import failure
from visionfail.failure import Auditor, Task

WIDTH = 224  # latents of the digit classifier
FAILING = 0.2  # of the images


def tasks(images: int, auditors: int) -> list[Task]:
    """Latents of one sample in which failures show, to be learnt with different seeds."""
    generator = np.random.default_rng(0)
    failed = generator.random(images) < FAILING
    latents = generator.normal(size=(images, WIDTH)) + 0.1 * failed[:, None]
    latents = latents.astype(np.float32)
    return [(latents, failed, seed) for seed in range(auditors)]


def weights(auditors: list[Auditor]) -> torch.Tensor:
    """All weights of all auditors, one after another."""
    return torch.cat([w.flatten() for auditor in auditors for w in auditor.parameters()])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--auditors", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    wanted = tasks(arguments.images, arguments.auditors)

    def at_once() -> torch.Tensor:
        return weights(failure.fit_several(wanted))

    def one_by_one() -> torch.Tensor:
        return weights([failure.fit(latents, failed, seed=s) for latents, failed, s in wanted])

    equal = torch.equal(at_once(), one_by_one())  # and the processes are started
    packages = f"torch {version('torch')}, joblib {version('joblib')}"
    print(f"{processor()}; Python {platform.python_version()}, {packages}")
    print(
        f"{arguments.auditors} auditors of {arguments.images:,} images, auditors per second, best "
        f"of {arguments.repeats}; {joblib.cpu_count()} cores; equal to the bit: {equal}\n"
    )
    ways = {"ours": at_once, "plain": one_by_one}
    per_second = rates(ways, arguments.auditors, arguments.repeats)
    print(f"{'':<28}{'ours':>8}{'plain':>8}{'ratio':>8}{'n':>8}")
    print_rates("auditors", per_second, arguments.auditors)


if __name__ == "__main__":
    main()
