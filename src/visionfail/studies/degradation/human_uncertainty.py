"""Human label uncertainty beside a network's errors: CIFAR-10H's votes and a sweep's answers.

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
from visionfail.data import ImageSet
from visionfail.evaluation import Outcomes

RUN = "human-doubt"  # a name in results/
GROUPS = ("unanimous", "low", "middle", "high")  # no uncertainty at all, then thirds of the others
UNCERTAINTY = "human label uncertainty"
METRICS = ("accuracy", "confidence")
PEOPLE_SURE = 0.95
MODEL_SURE = 0.9


def vote_entropy(shares: np.ndarray) -> np.ndarray:
    """Entropy of the votes (N, K) in bits: (N,), 0 where all people agree."""
    return np.asarray(stats.entropy(shares, axis=1, base=2))


def uncertainty_group(bits: np.ndarray) -> np.ndarray:
    """The index in GROUPS of each image by the entropy of its votes, (N,)."""
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
    """A row per severity, group of uncertainty and metric, means over the corruptions `names`.

    Columns: severity, group, metric of METRICS, value in [0, 1], lo, hi (95%, bootstrap over the
    images of the group), n.
    """
    groups = uncertainty_group(bits)  # (N,)
    rows = []
    for severity in sorted({severity for _, severity in outcomes.conditions}):
        per_image = _per_image(outcomes, severity, names)
        for k, group in enumerate(GROUPS):
            values = np.stack([per_image[metric][groups == k] for metric in METRICS])  # (2, n)
            means = metrics.bootstrap_means(values, bootstraps=bootstraps, generator=generator)
            for i, metric in enumerate(METRICS):
                lo, hi = metrics.percentile_interval(means[:, i])
                row = {"severity": severity, "group": group, "metric": metric}
                row["value"] = values[i].mean()
                row["lo"] = lo
                row["hi"] = hi
                row["n"] = values.shape[1]
                rows.append(row)
    return pd.DataFrame(rows)


def uncertainty_correlations(
    outcomes: Outcomes,
    bits: np.ndarray,
    names: Sequence[str],
    *,
    bootstraps: int,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """A row per severity and metric: Spearman's correlation with human label uncertainty.

    The metrics are UNCERTAINTY "and errors" (the share of wrong answers over the corruptions
    `names`) and "and 1 - confidence". Columns: severity, group "all images", metric, value, lo, hi
    (95%, bootstrap over images), n.
    """
    count = len(bits)
    draws = [generator.integers(count, size=count) for _ in range(bootstraps)]  # each (N,)
    rows = []
    for severity in sorted({severity for _, severity in outcomes.conditions}):
        per_image = _per_image(outcomes, severity, names)
        uncertainties = {
            "errors": 1 - per_image["accuracy"],
            "1 - confidence": 1 - per_image["confidence"],
        }
        for name, of_network in uncertainties.items():
            samples = [_spearman(bits[draw], of_network[draw]) for draw in draws]
            lo, hi = metrics.percentile_interval(samples)
            row = {
                "severity": severity,
                "group": "all images",
                "metric": f"{UNCERTAINTY} and {name}",
            }
            row["value"] = _spearman(bits, of_network)
            row["lo"] = lo
            row["hi"] = hi
            row["n"] = count
            rows.append(row)
    return pd.DataFrame(rows)


def people_sure_model_wrong(outcomes: Outcomes, shares: np.ndarray) -> np.ndarray:
    """Indices of the clean images that people are sure of and the model misses, the surest first.

    At least PEOPLE_SURE of the people chose the label, and the model's confidence in another class
    is at least MODEL_SURE.
    """
    row = outcomes.at("clean", 0)
    agreed = shares[np.arange(len(shares)), outcomes.labels] >= PEOPLE_SURE
    confidence = outcomes.confidence[row]
    sure_and_wrong = ~outcomes.correct[row] & (confidence >= MODEL_SURE)
    indices = np.flatnonzero(agreed & sure_and_wrong)
    return indices[np.argsort(-confidence[indices], kind="stable")]


def _per_image(outcomes: Outcomes, severity: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    """{"accuracy", "confidence"} of each image (N,), means over the corruptions `names`."""
    if severity == 0:
        names = ("clean",)
    rows = [outcomes.at(name, severity) for name in names]
    return {
        "accuracy": outcomes.correct[rows].mean(axis=0),
        "confidence": outcomes.confidence[rows].mean(axis=0),
    }


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of two arrays (N,), in [-1, 1]."""
    correlation = np.corrcoef(stats.rankdata(first), stats.rankdata(second))  # (2, 2)
    return float(correlation[0, 1])


def stored_answers() -> dict[tuple[str, int], Outcomes]:
    """{(architecture, seed): answers} of the reference networks, to all test images."""
    _, sweeps = evaluation.stored_sweeps(paths.RESULTS)
    return sweeps


def load_or_measure_uncertainty(
    folder: Path,
    sweeps: Mapping[tuple[str, int], Outcomes],
    names: Sequence[str],
    *,
    bootstraps: int,
) -> tuple[pd.DataFrame, str]:
    """(rows of results/, "loaded" | "computed"): uncertainty of every network in `sweeps`.

    They are those of `rows_by_uncertainty` and `uncertainty_correlations`, computed from the votes
    where these are on disk, and saved in `folder` as the run RUN; else the committed rows. The
    condition is the group of uncertainty, or "all images".
    """
    config = {
        "origin": "official",
        "votes": data.MD5,
        "names": list(names),
        "bootstraps": bootstraps,
        "weights": [outcomes.made["weights"] for outcomes in sweeps.values()],
    }
    if not data.cifar10h_is_present():
        return results.load_run(RUN, folder=paths.RESULTS)[0], "loaded"
    if results.is_current(RUN, folder=folder, config=config):
        return results.load_run(RUN, folder=folder)[0], "loaded"
    start = time.perf_counter()
    bits = vote_entropy(data.load_cifar10h())
    rows = []
    for (model, seed), outcomes in sweeps.items():
        for table in _tables_of(outcomes, bits, names, bootstraps):
            rows += table.assign(model=model, seed=seed).to_dict("records")
    results.save_run(
        RUN,
        rows,
        folder=folder,
        config=config,
        seconds=time.perf_counter() - start,
        data_checksums={"votes": data.MD5},
        device="cpu",
    )
    return results.load_run(RUN, folder=folder)[0], "computed"


def _tables_of(
    outcomes: Outcomes, bits: np.ndarray, names: Sequence[str], bootstraps: int
) -> list[pd.DataFrame]:
    """The rows of results/ of one network, by group and over all images, without its name."""
    origin = evaluation.weakest_origin(outcomes.origins)
    tables = []
    for measure in (rows_by_uncertainty, uncertainty_correlations):
        generator = np.random.default_rng(0)
        table = measure(outcomes, bits, names, bootstraps=bootstraps, generator=generator)
        table = table.rename(columns={"group": "condition"})
        tables.append(table.assign(dataset="cifar10c", origin=origin, split="test"))
    return tables


def pictures_people_are_sure_of(
    images: ImageSet, outcomes: Outcomes, *, count: int
) -> tuple[np.ndarray, list[str], int]:
    """(pictures (n, C, H, W), captions (n,), how many there are) of `people_sure_model_wrong`.

    The first `count` of them, n at most. `outcomes` are those of the official test images: without
    these, or without the votes on disk, there are none.
    """
    shown = np.array([], dtype=np.int64)
    places = shown
    captions: list[str] = []
    if data.cifar10h_is_present() and images.origin == "official":
        votes = data.load_cifar10h()
        places = people_sure_model_wrong(outcomes, votes)
        shown = places[:count]
        captions = uncertainty_captions(outcomes, votes, shown, images.classes)
    return images.images[shown].numpy(), captions, len(places)


def uncertainty_captions(
    outcomes: Outcomes, shares: np.ndarray, places: np.ndarray, classes: Sequence[str]
) -> list[str]:
    """Two lines for each clean image at `places`: the share of people, the network's confidence."""
    row = outcomes.at("clean", 0)
    captions = []
    for i in places.tolist():
        label = int(outcomes.labels[i])
        predicted = int(outcomes.predicted[row, i])
        people = f"people: {classes[label]} {shares[i, label]:.0%}"
        network = f"network: {classes[predicted]} {outcomes.confidence[row, i]:.0%}"
        captions.append(f"{people}\n{network}")
    return captions
