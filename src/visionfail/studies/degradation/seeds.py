"""What another training seed changes, and which networks may be compared."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy import stats

from visionfail import evaluation, models
from visionfail.corruptions import CORRUPTIONS
from visionfail.evaluation import Outcomes

T = TypeVar("T")
Network = tuple[str, int]  # architecture, seed
COMPARED = ("densenet121", "resnet18")

MOST_SEEDS = 1000
DRAWS = 100_000  # of networks that are alike


def trained_alike(sweeps: Mapping[Network, T]) -> dict[Network, T]:
    """Of {network: anything} those trained by one recipe.

    ResNet-18 seed 0, trained longer, is left out where another of its seeds is there.
    """
    others = {network: value for network, value in sweeps.items() if network != models.EXAMINED}
    if any(arch == models.EXAMINED[0] for arch, _ in others):
        return others
    return dict(sweeps)


def comparable(sweeps: Mapping[Network, Outcomes]) -> dict[Network, Outcomes]:
    """The sweeps as they are, or without frost where not all were made on the same texture."""
    textures = {evaluation.frost_of(outcomes) for outcomes in sweeps.values()}
    if len(textures) == 1:
        return dict(sweeps)
    without_frost = {}
    for network, outcomes in sweeps.items():
        kept = [condition for condition in outcomes.conditions if condition[0] != "frost"]
        without_frost[network] = outcomes.of(kept)
    return without_frost


def seeds_needed(sd: float, distance: float) -> int:
    """How many seeds of each of two networks put a 95% interval within `distance` of its middle.

    Their means scatter with standard deviation `sd` from seed to seed; Student's t interval of the
    difference. ValueError where MOST_SEEDS are too few.
    """
    for seeds in range(2, MOST_SEEDS + 1):
        reach = stats.t.ppf(0.975, 2 * seeds - 2) * sd * np.sqrt(2 / seeds)
        if reach <= distance:
            return seeds
    raise ValueError(f"{MOST_SEEDS} seeds of SD {sd} do not bring the interval to {distance}.")


def chance_of_larger(ours: int, theirs: int) -> float:
    """How often equal architectures lie further apart than seeds of the second, in [0, 1].

    The distance of the means of `ours` and `theirs` seeds beside the largest distance among
    `theirs`, at least two, all normal with one mean and one SD; simulated.
    """
    generator = np.random.default_rng(0)
    our_means = generator.standard_normal((DRAWS, ours)).mean(axis=1)
    drawn = generator.standard_normal((DRAWS, theirs))
    apart = np.abs(our_means - drawn.mean(axis=1))  # (DRAWS,)
    return float((apart > np.ptp(drawn, axis=1)).mean())


def share_correct(outcomes: Outcomes) -> np.ndarray:
    """The share of each image's versions under the 15 corruptions answered rightly, (N,)."""
    rows = [row for row, (name, _) in enumerate(outcomes.conditions) if name in CORRUPTIONS]
    return outcomes.correct[rows].mean(axis=0)


def seed_spread(sweeps: Sequence[Outcomes]) -> pd.DataFrame:
    """A row per condition of how accuracy differs between seeds of one network, in fractions.

    Columns: condition, severity, spread (largest minus smallest), sd, seeds. ValueError for fewer
    than two sweeps.
    """
    if len(sweeps) < 2:
        raise ValueError(f"{len(sweeps)} sweeps: a spread needs two seeds of the network.")
    by_seed = [outcomes.correct.mean(axis=1) for outcomes in sweeps]
    accuracy = np.stack(by_seed)  # (seeds, conditions)
    table = pd.DataFrame(sweeps[0].conditions, columns=["condition", "severity"])
    return table.assign(
        spread=np.ptp(accuracy, axis=0), sd=accuracy.std(axis=0, ddof=1), seeds=len(sweeps)
    )


def verdict_agreement(judged: pd.DataFrame) -> pd.DataFrame:
    """A row per claim judged for several networks, from rows of claims.csv.

    Columns: claim, words, networks, smallest and largest value, between_seeds (largest minus
    smallest among the ResNet-18 trained alike; missing where fewer than two), between_architectures
    (DenseNet-121's mean minus theirs), verdicts, same.
    """
    rows = []
    for _, group in judged.groupby(["claim", "words"], sort=False):
        of_claim = group.to_dict("records")
        values = {}  # {network: value}
        for record in of_claim:
            if record["seed"].isdecimal():
                values[record["model"], int(record["seed"])] = record["value"]
        if len(values) > 1:
            row = {"claim": of_claim[0]["claim"], "words": of_claim[0]["words"]}
            row.update(_spread_of_values(values))
            verdicts = list(dict.fromkeys(record["verdict"] for record in of_claim))
            row["verdicts"] = ", ".join(verdicts)
            row["same"] = len(verdicts) == 1
            rows.append(row)
    return pd.DataFrame(rows)


def _spread_of_values(values: dict[Network, float]) -> dict[str, float]:
    """How far a claim's values lie apart between networks, seeds and architectures."""
    alike = trained_alike(values)
    ours = [value for (arch, _), value in alike.items() if arch == COMPARED[0]]
    theirs = [value for (arch, _), value in alike.items() if arch == COMPARED[1]]
    both = bool(ours and theirs)
    return {
        "networks": len(values),
        "smallest": min(values.values()),
        "largest": max(values.values()),
        "between_seeds": float(np.ptp(theirs)) if len(theirs) > 1 else np.nan,
        "between_architectures": float(np.mean(ours) - np.mean(theirs)) if both else np.nan,
    }
