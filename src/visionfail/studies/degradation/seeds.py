"""The claim that one architecture is tougher than another, beside what another seed changes."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy import stats

from visionfail import evaluation, metrics, models
from visionfail.claims import JUDGED, verdict_of
from visionfail.corruptions import CORRUPTIONS
from visionfail.evaluation import Outcomes
from visionfail.studies.degradation import claims

T = TypeVar("T")
Network = tuple[str, int]  # architecture, seed
COMPARED = ("densenet121", "resnet18")

CLAIM = {
    "claim": "8",
    "words": "DenseNet-121 is slightly tougher than ResNet-18",
    "low": 0.0,
    "high": 0.03,
}
MOST_SEEDS = 1000


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


def judge_architectures(
    sweeps: Mapping[Network, Outcomes], *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Claim 8 of notes/claims.md as one row of claims.csv; no row where a network is missing.

    The value is mean accuracy over the 15 corruptions, or the 14 that are `comparable`,
    DenseNet-121 minus ResNet-18, means over seeds of the networks trained alike; lo and hi are over
    images, the same for all networks. With one seed of either it is about these checkpoints, and
    the claim, about architectures, stays undecided; with more, Welch's t interval over seeds has to
    say the same.
    """
    alike = comparable(trained_alike(sweeps))
    seeds = [seed for arch, seed in alike if arch == COMPARED[0]]
    ours = _shares_right(alike, COMPARED[0])  # (seeds, images)
    theirs = _shares_right(alike, COMPARED[1])
    if not ours or not theirs:
        return pd.DataFrame(columns=list(JUDGED))
    ahead = np.mean(ours, axis=0) - np.mean(theirs, axis=0)  # (images,)
    lo, hi = _interval_over_images(ahead, bootstraps=bootstraps, generator=generator)
    if min(len(ours), len(theirs)) < 2:
        verdict = "undecided"
        longer = ", ResNet-18's trained longer" if models.EXAMINED in alike else ""
        scope = f"these checkpoints{longer}"
    else:
        verdict, scope = _over_seeds(np.mean(ours, axis=1), np.mean(theirs, axis=1), lo, hi)
    row: dict[str, str | float] = dict(CLAIM)
    row["source"] = "working hypothesis"
    row["model"] = COMPARED[0]
    row["status"] = "confirmatory"
    row["seed"] = " and ".join(map(str, sorted(seeds)))
    count = len(_corruptions(next(iter(alike.values()))))
    row["statistic"] = f"mean accuracy over {count}, minus ResNet-18's ({scope})"
    row["value"] = float(ahead.mean())
    row["lo"] = lo
    row["hi"] = hi
    row["n"] = len(ahead)
    row["verdict"] = verdict
    return pd.DataFrame([row], columns=list(JUDGED))


def _shares_right(sweeps: Mapping[Network, Outcomes], arch: str) -> list[np.ndarray]:
    """`share_correct` (images,) of each seed of an architecture, seeds ascending."""
    seeds = sorted(seed for name, seed in sweeps if name == arch)
    return [share_correct(sweeps[arch, seed]) for seed in seeds]


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


def _interval_over_images(
    values: np.ndarray, *, bootstraps: int, generator: np.random.Generator
) -> tuple[float, float]:
    """The 95% bootstrap interval (lo, hi) of the mean of values (images,)."""
    means = metrics.bootstrap_means(values[None], bootstraps=bootstraps, generator=generator)
    lo, hi = metrics.percentile_interval(means[:, 0])
    return float(lo), float(hi)


def _over_seeds(ours: np.ndarray, theirs: np.ndarray, lo: float, hi: float) -> tuple[str, str]:
    """(verdict, scope of the statistic) from both networks' mean accuracies by seed, (seeds,) each.

    Welch's interval over seeds and the one over images (lo, hi) have to say the same.
    """
    welch = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval()
    lowest = min(lo, welch.low)
    highest = max(hi, welch.high)
    verdict = verdict_of(lowest, highest, low=CLAIM["low"], high=CLAIM["high"])
    return verdict, f"over seeds: {welch.low:.3f} to {welch.high:.3f}"


def share_correct(outcomes: Outcomes) -> np.ndarray:
    """The share of each image's versions under the 15 corruptions answered rightly, (N,)."""
    rows = [row for row, (name, _) in enumerate(outcomes.conditions) if name in CORRUPTIONS]
    return outcomes.correct[rows].mean(axis=0)


def _corruptions(outcomes: Outcomes) -> set[str]:
    """Those of the 15 corruptions that were run."""
    return {name for name, _ in outcomes.conditions} & set(CORRUPTIONS)


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
