"""Is one architecture tougher than another? Weighed against what another training seed of the same
network changes.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy import stats

from visionfail import metrics, models
from visionfail.claims import JUDGED, verdict_of
from visionfail.corruptions import CORRUPTIONS
from visionfail.evaluation import Outcomes
from visionfail.studies.degradation import claims

T = TypeVar("T")
COMPARED = ("densenet121", "resnet18")

CLAIM = {
    "claim": "8",
    "words": "DenseNet-121 is slightly tougher than ResNet-18",
    "low": 0.0,
    "high": 0.03,
}


def judge_networks(
    sweeps: Mapping[tuple[str, int], Outcomes], doses: pd.DataFrame, *, bootstraps: int
) -> pd.DataFrame:
    """Every sentence of notes/claims.md about study A, each network's own and claim 8: rows of
    claims.csv.
    """
    tables = [
        claims.judge_degradation(
            o,
            doses,
            model=model,
            seed=seed,
            bootstraps=bootstraps,
            generator=np.random.default_rng(0),
        )
        for (model, seed), o in sweeps.items()
    ]
    tables.append(
        judge_architectures(sweeps, bootstraps=bootstraps, generator=np.random.default_rng(0))
    )
    tables = [table.astype({"seed": str}) for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True)


def judge_architectures(
    sweeps: Mapping[tuple[str, int], Outcomes], *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Claim 8 of notes/claims.md in one row with the columns of claims.csv; none where either
    network is missing.

    Value: mean accuracy over the 15 corruptions, DenseNet-121 minus ResNet-18, means over seeds; lo
    and hi over images, the same for all networks, which are those `alike` in training. With one
    seed of either it is about these checkpoints and the sentence, about architectures, stays
    undecided; with more Welch's t interval over seeds has to say the same.
    """
    sweeps = trained_alike(sweeps)
    seeds = [sorted(seed for arch, seed in sweeps if arch == name) for name in COMPARED]
    if not all(seeds):
        return pd.DataFrame(columns=JUDGED)
    right = [
        np.stack([share_correct(sweeps[arch, seed]) for seed in some])  # (seeds, images)
        for arch, some in zip(COMPARED, seeds, strict=True)
    ]
    ahead = (right[0].mean(axis=0) - right[1].mean(axis=0))[None]
    samples = metrics.bootstrap_means(ahead, bootstraps=bootstraps, generator=generator)[:, 0]
    lo, hi = metrics.percentile_interval(samples)
    found = CLAIM | {
        "value": float(ahead.mean()),
        "lo": lo,
        "hi": hi,
        "n": ahead.shape[1],
        "model": COMPARED[0],
    }
    longer = ", ResNet-18's trained longer" if models.EXAMINED in sweeps else ""
    found |= _over_seeds([one.mean(axis=1) for one in right], lo, hi, longer)
    found |= {
        "source": "working hypothesis",
        "seed": " and ".join(map(str, seeds[0])),
    }
    return pd.DataFrame([found | {"status": "confirmatory"}])[list(JUDGED)]


def trained_alike(sweeps: Mapping[tuple[str, int], T]) -> dict[tuple[str, int], T]:
    """Of {(arch, seed): anything} those of networks trained by one recipe: without ResNet-18 seed
    0, trained longer, where another of its seeds is there.
    """
    others = {key: one for key, one in sweeps.items() if key != models.EXAMINED}
    return others if any(arch == models.EXAMINED[0] for arch, _ in others) else dict(sweeps)


def _over_seeds(means: Sequence[np.ndarray], lo: float, hi: float, longer: str) -> dict[str, str]:
    """Verdict and statistic, from the mean of every seed of both networks and the interval over
    images.
    """
    statistic = "mean accuracy over 15, minus ResNet-18's"
    if min(map(len, means)) < 2:
        return {"verdict": "undecided", "statistic": f"{statistic} (these checkpoints{longer})"}
    seeds = stats.ttest_ind(*means, equal_var=False).confidence_interval()
    verdict = verdict_of(
        min(lo, seeds.low), max(hi, seeds.high), low=CLAIM["low"], high=CLAIM["high"]
    )
    return {
        "verdict": verdict,
        "statistic": f"{statistic} (over seeds: {seeds.low:.3f} to {seeds.high:.3f})",
    }


def share_correct(outcomes: Outcomes) -> np.ndarray:
    """Of the versions of each image under the 15 corruptions the share answered rightly, (N,)."""
    rows = [i for i, (name, _) in enumerate(outcomes.conditions) if name in CORRUPTIONS]
    return outcomes.correct[rows].mean(axis=0)


def seed_spread(sweeps: Sequence[Outcomes]) -> pd.DataFrame:
    """Accuracy of several seeds of one network by condition: condition, severity, spread (largest
    minus smallest), sd, seeds. ValueError for fewer than two.
    """
    if len(sweeps) < 2:
        raise ValueError(f"{len(sweeps)} sweeps: a spread needs two seeds of the network.")
    accuracy = np.stack([one.correct.mean(axis=1) for one in sweeps])
    table = pd.DataFrame(sweeps[0].conditions, columns=["condition", "severity"])
    return table.assign(
        spread=np.ptp(accuracy, axis=0), sd=accuracy.std(axis=0, ddof=1), seeds=len(sweeps)
    )


def verdict_agreement(judged: pd.DataFrame) -> pd.DataFrame:
    """Do networks get the same verdicts? From rows of claims.csv a row a sentence judged for
    several: claim, words, networks, smallest and largest value, between_seeds (largest minus
    smallest among the ResNet-18 trained alike; missing where fewer than two), between_architectures
    (DenseNet-121's mean minus theirs), verdicts, same.
    """
    lines = []
    for (claim, words), part in judged.groupby(["claim", "words"], sort=False):
        values = {
            (row.model, int(row.seed)): row.value
            for row in part.itertuples()
            if row.seed.isdecimal()
        }
        if len(values) < 2:
            continue
        ours, theirs = (
            [v for (arch, _), v in trained_alike(values).items() if arch == name]
            for name in COMPARED
        )
        line = {"claim": claim, "words": words, "networks": len(values)}
        line |= {"smallest": min(values.values()), "largest": max(values.values())}
        line |= {"between_seeds": np.ptp(theirs) if len(theirs) > 1 else np.nan}
        line |= {
            "between_architectures": np.mean(ours) - np.mean(theirs) if ours and theirs else np.nan
        }
        line |= {
            "verdicts": ", ".join(dict.fromkeys(part.verdict)),
            "same": part.verdict.nunique() == 1,
        }
        lines.append(line)
    return pd.DataFrame(lines)
