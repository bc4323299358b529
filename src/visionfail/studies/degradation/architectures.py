"""The claim that one architecture is tougher than another, over images and training seeds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from visionfail import metrics, models
from visionfail.claims import JUDGED, Claim
from visionfail.corruptions import CORRUPTIONS
from visionfail.evaluation import Outcomes
from visionfail.studies.degradation import claims
from visionfail.studies.degradation.seeds import (
    COMPARED,
    MOST_SEEDS,
    Network,
    comparable,
    seeds_needed,
    share_correct,
    trained_alike,
)

CLAIM = Claim(
    key="8",
    words="DenseNet-121 is slightly tougher than ResNet-18",
    statistic="mean accuracy, minus ResNet-18's",  # the row says over how many corruptions
    low=0.0,
    high=0.03,
    amended=True,
)


def judge_networks(
    sweeps: Mapping[Network, Outcomes], strengths: pd.DataFrame, *, bootstraps: int
) -> pd.DataFrame:
    """A row per network and claim of study A in notes/claims.md, claim 8 last: rows of claims.csv.

    `strengths` are rows of `strengths.strength_rows`.
    """
    tables = []
    for (model, seed), outcomes in sweeps.items():
        table = claims.judge_degradation(
            outcomes,
            strengths,
            model=model,
            seed=seed,
            bootstraps=bootstraps,
            generator=np.random.default_rng(0),
        )
        tables.append(table.astype({"seed": str}))
    table = judge_architectures(sweeps, bootstraps=bootstraps, generator=np.random.default_rng(0))
    if len(table):
        tables.append(table.astype({"seed": str}))
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True, eq=False)
class Sides:
    """The shares of right answers of both architectures, of networks that may be compared."""

    seeds: list[int]  # of DenseNet-121, ascending
    ours: np.ndarray  # (seeds, images), DenseNet-121
    theirs: np.ndarray  # (seeds, images), ResNet-18
    corruptions: int  # over which they are means
    longer: bool  # ResNet-18's one network was trained longer

    @property
    def value(self) -> float:
        """The claim's: mean accuracy, DenseNet-121 minus ResNet-18, means over seeds."""
        return float(self.ours.mean() - self.theirs.mean())

    @property
    def several(self) -> bool:
        """Whether there are at least two seeds of each."""
        return min(len(self.ours), len(self.theirs)) > 1


def sides_of(sweeps: Mapping[Network, Outcomes]) -> Sides | None:
    """Both architectures' networks that were trained alike; None where one has none.

    Over the 15 corruptions, or the 14 that are `comparable`.
    """
    alike = comparable(trained_alike(sweeps))
    seeds = {arch: sorted(seed for name, seed in alike if name == arch) for arch in COMPARED}
    if not all(seeds.values()):
        return None
    shares = {}
    for arch, of_arch in seeds.items():
        shares[arch] = np.stack([share_correct(alike[arch, seed]) for seed in of_arch])
    names = {name for name, _ in next(iter(alike.values())).conditions}
    ours, theirs = COMPARED
    return Sides(
        seeds=seeds[ours],
        ours=shares[ours],
        theirs=shares[theirs],
        corruptions=len(names & set(CORRUPTIONS)),
        longer=models.EXAMINED in alike,
    )


def judge_architectures(
    sweeps: Mapping[Network, Outcomes], *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Claim 8 of notes/claims.md as one row of claims.csv; no row where a network is missing.

    With one seed of either it is about these checkpoints: lo and hi are over images, and the claim,
    about architectures, stays undecided. With more it is judged by lo and hi, over images and
    seeds.
    """
    sides = sides_of(sweeps)
    if sides is None:
        return pd.DataFrame(columns=list(JUDGED))
    row = CLAIM.judge_interval(sides.value, *_interval(sides, bootstraps, generator))
    if sides.several:
        scope = f"{len(sides.ours)} seeds and {len(sides.theirs)} of ResNet-18's"
    else:
        row["verdict"] = "undecided"
        scope = "these checkpoints" + (", ResNet-18's trained longer" if sides.longer else "")
    row["statistic"] = f"mean accuracy over {sides.corruptions}, minus ResNet-18's ({scope})"
    row["source"] = "working hypothesis"
    row["model"] = COMPARED[0]
    row["seed"] = ", ".join(map(str, sides.seeds))
    row["status"] = "exploratory" if CLAIM.amended else "confirmatory"
    row["n"] = sides.ours.shape[1]
    return pd.DataFrame([row], columns=list(JUDGED))


def _interval(sides: Sides, bootstraps: int, generator: np.random.Generator) -> tuple[float, float]:
    """The 95% interval (lo, hi) of the value: over images, with several seeds over these too.

    Over seeds it spans two: images and seeds resampled crossed, the seeds of each network on their
    own; and Welch's over seeds alone, for a few seeds resampled scatter less than as many new ones.
    """
    stacked = np.concatenate([sides.ours, sides.theirs])  # (seeds of both, images)
    by_seed = metrics.bootstrap_means(stacked, bootstraps=bootstraps, generator=generator)
    ours, theirs = np.split(by_seed, [len(sides.ours)], axis=1)  # (B, seeds) each
    if not sides.several:
        return _over_resamples(ours, theirs)
    lo, hi = _over_resamples(_redrawn(ours, generator), _redrawn(theirs, generator))
    our_means = sides.ours.mean(axis=1)  # (seeds,)
    their_means = sides.theirs.mean(axis=1)
    welch = stats.ttest_ind(our_means, their_means, equal_var=False).confidence_interval()
    return float(min(lo, welch.low)), float(max(hi, welch.high))


def _over_resamples(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """The 95% interval of the difference of mean accuracies, (B, seeds) of each network."""
    lo, hi = metrics.percentile_interval(ours.mean(axis=1) - theirs.mean(axis=1))
    return float(lo), float(hi)


def _redrawn(accuracies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Accuracies (B, seeds) of as many seeds, drawn anew in each resample: (B, seeds)."""
    drawn = generator.integers(accuracies.shape[1], size=accuracies.shape)
    return np.take_along_axis(accuracies, drawn, axis=1)


# ---- how many seeds would tell


@dataclass(frozen=True)
class SeedsNeeded:
    """How many seeds of each architecture would tell on which side of a border claim 8 lies."""

    there: str  # "1 and 2": seeds that are compared, of DenseNet-121 and of ResNet-18
    sd: float  # of mean accuracy from seed to seed, pooled over the architectures
    difference: float  # the claim's value
    distance: float  # of the difference from the nearest border of the region
    needed: str  # "5", or that MOST_SEEDS are too few


def seeds_for_architectures(sweeps: Mapping[Network, Outcomes]) -> SeedsNeeded | None:
    """How many seeds of each would decide claim 8, if new ones scatter as those that are there.

    None where no architecture has two seeds trained alike, or one has none.
    """
    sides = sides_of(sweeps)
    if sides is None or len(sides.ours) + len(sides.theirs) < 3:
        return None
    sd = _pooled_sd(sides.ours.mean(axis=1), sides.theirs.mean(axis=1))
    distance = min(abs(sides.value - CLAIM.low), abs(sides.value - CLAIM.high))
    there = f"{len(sides.ours)} and {len(sides.theirs)}"
    return SeedsNeeded(there, sd, sides.value, distance, _needed(sd, distance))


def _pooled_sd(first: np.ndarray, second: np.ndarray) -> float:
    """The standard deviation within two groups of values, which need not be of one size."""
    squares = len(first) * first.var() + len(second) * second.var()
    return float(np.sqrt(squares / (len(first) + len(second) - 2)))


def _needed(sd: float, distance: float) -> str:
    """`seeds_needed` in words, also where there are too few."""
    try:
        return str(seeds_needed(sd, distance))
    except ValueError:
        return f"more than {MOST_SEEDS:,}"
