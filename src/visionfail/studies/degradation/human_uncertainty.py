"""Does a network err and waver where people do? CIFAR-10H's votes beside the stored answers of a
sweep.

The votes were given on clean images, enlarged; of corrupted ones nobody knows what people would
say.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from visionfail import data, evaluation, metrics, paths, results
from visionfail.evaluation import Outcomes

GROUPS = ("unanimous", "low", "middle", "high")  # no doubt at all, then thirds of the rest
PEOPLE_SURE, MODEL_SURE = 0.95, 0.9


def vote_entropy(shares: np.ndarray) -> np.ndarray:
    """Entropy of the votes (N, K) in bits: (N,), 0 where all people agree."""
    return stats.entropy(shares, axis=1, base=2)


def uncertainty_group(bits: np.ndarray) -> np.ndarray:
    """The place in GROUPS of each image (N,) by the doubt about it."""
    edges = np.quantile(bits[bits > 0], [1 / 3, 2 / 3])
    return np.where(bits > 0, 1 + np.searchsorted(edges, bits), 0)


def rows_by_uncertainty(
    outcomes: Outcomes,
    bits: np.ndarray,
    names: Sequence[str],
    *,
    bootstraps: int,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """A row a severity, group of human doubt and metric ("accuracy", "confidence"), means over the
    corruptions `names`: severity, group, metric, value, lo, hi (95%, bootstrap over the images of
    the group), n.
    """
    places, lines = uncertainty_group(bits), []
    for severity in sorted({severity for _, severity in outcomes.conditions}):
        values = _at(outcomes, severity, names)
        for k, words in enumerate(GROUPS):
            some = np.stack([values[name][places == k] for name in ("accuracy", "confidence")])
            lo, hi = metrics.percentile_interval(
                metrics.bootstrap_means(some, bootstraps=bootstraps, generator=generator)
            )
            for row, metric in enumerate(("accuracy", "confidence")):
                line = {
                    "severity": severity,
                    "group": words,
                    "metric": metric,
                    "value": some[row].mean(),
                }
                lines.append(line | {"lo": lo[row], "hi": hi[row], "n": some.shape[1]})
    return pd.DataFrame(lines)


def uncertainty_correlations(
    outcomes: Outcomes,
    bits: np.ndarray,
    names: Sequence[str],
    *,
    bootstraps: int,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Spearman's rank correlation of human doubt with the network's, a row a severity and metric:
    "doubt and errors" (share of wrong answers over the corruptions `names`), "doubt and 1 -
    confidence"; group "all images", value, lo, hi (95%, bootstrap over images), n.
    """
    lines, count = [], len(bits)
    draws = [generator.integers(count, size=count) for _ in range(bootstraps)]
    for severity in sorted({severity for _, severity in outcomes.conditions}):
        values = _at(outcomes, severity, names)
        for metric, own in {
            "errors": 1 - values["accuracy"],
            "1 - confidence": 1 - values["confidence"],
        }.items():
            samples = [_spearman(bits[draw], own[draw]) for draw in draws]
            lo, hi = metrics.percentile_interval(samples)
            line = {"severity": severity, "group": "all images", "metric": f"doubt and {metric}"}
            lines.append(line | {"value": _spearman(bits, own), "lo": lo, "hi": hi, "n": count})
    return pd.DataFrame(lines)


def people_sure_model_wrong(outcomes: Outcomes, shares: np.ndarray) -> np.ndarray:
    """Places of the clean images whose label at least PEOPLE_SURE of the people chose and the model
    misses with a confidence of at least MODEL_SURE, the surest first.
    """
    row = outcomes.at("clean", 0)
    agreed = shares[np.arange(len(shares)), outcomes.labels] >= PEOPLE_SURE
    sure = outcomes.confidence[row]
    places = np.flatnonzero(agreed & ~outcomes.correct[row] & (sure >= MODEL_SURE))
    return places[np.argsort(-sure[places], kind="stable")]


def _at(outcomes: Outcomes, severity: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Each image's accuracy and confidence (N,) at one severity, means over the corruptions
    `names`.
    """
    rows = [outcomes.at(name, severity) for name in (names if severity else ("clean",))]
    return {
        "accuracy": outcomes.correct[rows].mean(axis=0),
        "confidence": outcomes.confidence[rows].mean(axis=0),
    }


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [stats.rankdata(values) for values in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def load_or_measure_uncertainty(
    folder: Path,
    sweeps: Mapping[tuple[str, int], Outcomes],
    names: Sequence[str],
    *,
    bootstraps: int,
) -> tuple[pd.DataFrame, str]:
    """(rows of results/, "loaded" | "computed"): `by_group` and `correlations` of every network of
    `sweeps`.

    Computed from the votes where they are on disk, and saved in `folder` as the run "human-doubt";
    else the committed rows. Condition is the group of doubt, or "all images".
    """
    run, config = "human-doubt", {"origin": "official", "votes": data.MD5, "names": list(names)}
    config |= {
        "bootstraps": bootstraps,
        "weights": [one.made["weights"] for one in sweeps.values()],
    }
    if not data.cifar10h_is_present():
        return results.load_run(run, folder=paths.RESULTS)[0], "loaded"
    if results.is_current(run, folder=folder, config=config):
        return results.load_run(run, folder=folder)[0], "loaded"
    start, bits, lines = time.perf_counter(), vote_entropy(data.load_cifar10h()), []
    for (model, seed), outcomes in sweeps.items():
        common = {
            "dataset": "cifar10c",
            "origin": evaluation.weakest_origin(outcomes.origins),
            "split": "test",
        }
        for part in (rows_by_uncertainty, uncertainty_correlations):
            table = part(
                outcomes, bits, names, bootstraps=bootstraps, generator=np.random.default_rng(0)
            )
            table = table.rename(columns={"group": "condition"})
            lines += table.assign(model=model, seed=seed, **common).to_dict("records")
    checksums = {"votes": data.MD5}
    extra = {
        "config": config,
        "seconds": time.perf_counter() - start,
        "data_checksums": checksums,
        "device": "cpu",
    }
    results.save_run(run, lines, folder=folder, **extra)
    return results.load_run(run, folder=folder)[0], "computed"


def uncertainty_captions(
    outcomes: Outcomes, shares: np.ndarray, places: np.ndarray, classes: Sequence[str]
) -> list[str]:
    """What people and the network say of each clean image, and how many, or how sure."""
    row, found = outcomes.at("clean", 0), []
    for i in places:
        label, said = outcomes.labels[i], outcomes.predicted[row, i]
        people = f"people: {classes[label]} {shares[i, label]:.0%}"
        found.append(f"{people}\nnetwork: {classes[said]} {outcomes.confidence[row, i]:.0%}")
    return found
