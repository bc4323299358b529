"""The profiles quick and full: how much of everything a notebook does, and where it writes."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from visionfail import paths


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The sizes and folders of one profile.

    Committed results come from `full` alone; `quick` writes to runs/quick.
    """

    name: str
    test_images: int  # how many test images a model is run on
    severities: tuple[int, ...]  # of the sweep
    bootstraps: int
    out: Path  # figures/, results/ and models/ lie in here

    @property
    def figures(self) -> Path:
        """The folder of the figures."""
        return self.out / "figures"

    @property
    def results(self) -> Path:
        """The folder of the results."""
        return self.out / "results"

    @property
    def models(self) -> Path:
        """The folder of the checkpoints."""
        return self.out / "models"

    @property
    def state(self) -> Path:
        """The folder from which an interrupted training or sweep resumes; never committed."""
        return paths.RUNS / self.name / "state"


QUICK = Profile(
    name="quick", test_images=200, severities=(0, 1, 3, 5), bootstraps=200, out=paths.RUNS / "quick"
)

FULL = Profile(
    name="full", test_images=10_000, severities=(0, 1, 2, 3, 4, 5), bootstraps=1000, out=paths.ROOT
)


def get_profile(name: str = "auto") -> Profile:
    """The profile called `name`: "quick", "full" or "auto".

    "auto" takes the one that VISIONFAIL_PROFILE names, else full where there is CUDA, else quick.
    ValueError for another name.
    """
    if name == "auto":
        name = os.environ.get("VISIONFAIL_PROFILE") or "auto"
    if name == "auto":
        name = "full" if torch.cuda.is_available() else "quick"
    profiles = {"quick": QUICK, "full": FULL}
    if name not in profiles:
        raise ValueError(
            f"unknown profile {name!r}: choose quick, full or auto (VISIONFAIL_PROFILE, too)."
        )
    return profiles[name]
