"""A notebook's run: its profile, its images, and where its figures and results go."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from visionfail import claims, devices, figures, results
from visionfail.data import ImageSet
from visionfail.profiles import Profile


@dataclass(frozen=True, kw_only=True)
class Run:
    """The profile, the image sets by split, and the origin that marks figures and rows.

    `stored` says that nothing runs on images here: in every profile the run shows the stored
    answers of the full one.
    """

    profile: Profile
    sets: dict[str, ImageSet] = field(default_factory=dict)
    origin: str = "official"
    stored: bool = False
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
        versions = dict(results.versions())
        versions["device"] = self.device
        return pd.Series(versions, name="version").to_frame()

    def splits(self) -> pd.DataFrame:
        """A row per split: how many images it has, and their origin."""
        columns = {}
        for name, images in self.sets.items():
            columns[name] = {"images": len(images), "origin": images.origin}
        return pd.DataFrame(columns).T

    def save(
        self, figure: Figure, slug: str, *, svg: bool = False, origin: str | None = None
    ) -> None:
        """Write a figure to figures/<slug>.png, with `svg` also to .svg, marked with its origin.

        The origin is the run's where none is named.
        """
        figures.save_figure(
            figure,
            slug,
            folder=self.profile.figures,
            origin=origin or self.origin,
            profile="full" if self.stored else self.profile.name,
            svg=svg,
        )

    def save_claims(self, judged: pd.DataFrame, *, where: str) -> None:
        """Write judged claims to results/claims.csv, in the place of the former ones of `where`."""
        claims.save_claims(judged, self.profile.results, where=where)

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
        """The table of rows, written to results/<name>.csv with the configuration beside them.

        `splits` are those whose checksums name the data; seconds and device are this run's where
        none are given.
        """
        if seconds is None:
            seconds = time.perf_counter() - self.started
        results.save_run(
            name,
            rows,
            folder=self.profile.results,
            config=config,
            seconds=seconds,
            device=device or self.device,
            data_checksums={split: self.sets[split].checksum() for split in splits},
        )
        table, _ = results.load_run(name, folder=self.profile.results)
        return table
