"""quick | full: how much of everything a notebook does, and where it writes."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from visionfail import paths


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Sizes and folders of one profile. Committed results come from `full` alone; `quick` writes to
    runs/quick.
    """

    name: str
    test_images: int  # how many test images a model is run on
    severities: tuple[int, ...]  # of the sweep
    bootstraps: int
    out: Path  # figures/, results/ and models/ lie in here

    @property
    def figures(self) -> Path:
        return self.out / "figures"

    @property
    def results(self) -> Path:
        return self.out / "results"

    @property
    def models(self) -> Path:
        return self.out / "models"

    @property
    def state(self) -> Path:
        """What an interrupted training or sweep resumes from; never committed."""
        return paths.RUNS / self.name / "state"


QUICK = Profile(
    name="quick", test_images=200, severities=(0, 1, 3, 5), bootstraps=200, out=paths.RUNS / "quick"
)

FULL = Profile(
    name="full", test_images=10_000, severities=(0, 1, 2, 3, 4, 5), bootstraps=1000, out=paths.ROOT
)


def get_profile(name: str = "auto") -> Profile:
    """The profile called `name`; "auto" asks VISIONFAIL_PROFILE, then takes full where CUDA is
    there, else quick.

    Raises ValueError for an unknown name.
    """
    if name == "auto":
        name = os.environ.get("VISIONFAIL_PROFILE") or (
            "full" if torch.cuda.is_available() else "quick"
        )
    known = {"quick": QUICK, "full": FULL}
    if name not in known:
        raise ValueError(
            f"unknown profile {name!r}: choose quick, full or auto (VISIONFAIL_PROFILE, too)."
        )
    return known[name]
