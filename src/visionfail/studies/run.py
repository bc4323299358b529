"""A notebook's run: its profile, its images, and where its figures and results go."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from visionfail import devices, figures, results
from visionfail.data import ImageSet
from visionfail.profiles import Profile


@dataclass(frozen=True, kw_only=True)
class Run:
    """The profile, the image sets by split, and the origin that figures and rows are marked
    with.
    """

    profile: Profile
    sets: dict[str, ImageSet] = field(default_factory=dict)
    origin: str = "official"
    started: float = field(default_factory=time.perf_counter)

    @property
    def test(self) -> ImageSet:
        """The test images."""
        return self.sets["test"]

    @property
    def device(self) -> str:
        """The device that networks run on, in words."""
        return devices.describe_device(devices.best_device())

    def environment(self) -> pd.DataFrame:
        """The versions of Python and of the packages that numbers depend on, and the device."""
        versions = {**results.versions(), "device": self.device}
        return pd.Series(versions, name="version").to_frame()

    def splits(self) -> pd.DataFrame:
        """How many images each split has, and where they come from."""
        rows = {
            name: {"images": len(part), "origin": part.origin} for name, part in self.sets.items()
        }
        return pd.DataFrame(rows).T

    def save(
        self, figure: Figure, slug: str, *, svg: bool = False, origin: str | None = None
    ) -> None:
        """Write a figure to figures/<slug>.png, and .svg, marked with the origin of its images: the
        run's, where none is named.
        """
        figures.save_figure(
            figure,
            slug,
            folder=self.profile.figures,
            origin=origin or self.origin,
            profile=self.profile.name,
            svg=svg,
        )

    def save_rows(
        self,
        name: str,
        rows: Sequence[dict],
        *,
        config: dict,
        splits: Sequence[str] = ("test",),
        seconds: float | None = None,
        device: str | None = None,
    ) -> pd.DataFrame:
        """Write rows to results/<name>.csv with the configuration beside them, and return the
        table.

        `splits` are those whose checksums name the data; seconds and device are this run's where
        none are given.
        """
        results.save_run(
            name,
            rows,
            folder=self.profile.results,
            config=config,
            seconds=time.perf_counter() - self.started if seconds is None else seconds,
            device=device or self.device,
            data_checksums={split: self.sets[split].checksum() for split in splits},
        )
        table, _ = results.load_run(name, folder=self.profile.results)
        return table
