"""Rows of results/ from a model's answers: accuracy, calibration, means over CIFAR-10-C."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import SupportsFloat

import numpy as np
import pandas as pd

from visionfail import files, metrics, results
from visionfail.corruptions import CORRUPTIONS, FROST_TEXTURE
from visionfail.data import ORIGINS, ImageSet
from visionfail.evaluation.outcomes import Outcomes
from visionfail.names import with_interval

# the texture of frost is ours, so each mean is taken without it too
WITHOUT_FROST = tuple(name for name in CORRUPTIONS if name != "frost")
SETS = {"15": CORRUPTIONS, "14 without frost": WITHOUT_FROST}
# Baseline of mCE and relative mCE: robustbench's WRN-28-10 with standard training, in
# published_cifar10c.csv
BASELINE = "WRN-28-10 standard"


def read_published(folder: Path) -> pd.DataFrame:
    """The published accuracies on CIFAR-10-C in a folder of results, a row a condition."""
    columns = ("model", "corruption", "severity", "accuracy", "clean_accuracy")
    return files.read_table(Path(folder) / "published_cifar10c.csv", columns=columns)


def published_accuracies(table: pd.DataFrame, model: str) -> dict[str, np.ndarray]:
    """{corruption: (5,) accuracies by severity} of one published model.

    Raises ValueError for a model that is not in `table`.
    """
    rows = table.loc[table["model"] == model]
    if rows.empty:
        raise ValueError(
            f"no published model {model!r}: choose one of {', '.join(table['model'].unique())}."
        )
    accuracies = {}
    for name, by_severity in rows.sort_values(by="severity").groupby("corruption"):
        accuracies[str(name)] = by_severity["accuracy"].to_numpy()
    return accuracies


def sweep_rows(
    outcomes: Outcomes,
    published: pd.DataFrame,
    *,
    model: str,
    seed: int,
    bootstraps: int,
    generator: np.random.Generator,
) -> list[dict]:
    """The rows of results/<run>.csv: one per condition and metric, then means with intervals.

    The intervals resample images. mCE and relative mCE are there where the sweep has the five
    severities; their baseline is BASELINE in `published`.
    """
    complete = {severity for _, severity in outcomes.conditions} == {0, 1, 2, 3, 4, 5}
    baseline = published_accuracies(published, BASELINE) if complete else None
    clean = float(published.loc[published["model"] == BASELINE, "clean_accuracy"].iloc[0])
    rows = condition_rows(outcomes)
    rows += mean_rows(outcomes, baseline, clean, bootstraps=bootstraps, generator=generator)
    return [_labelled(row, "cifar10c", model=model, seed=seed) for row in rows]


def clean_rows(predicted: np.ndarray, test: ImageSet, *, model: str, seed: int) -> list[dict]:
    """Rows of results/: accuracy on clean images, of all and of each class, with Wilson intervals.

    `predicted` are classes (N,).
    """
    labels = test.labels.numpy()
    groups = {"clean": labels >= 0}  # {name: (N,) bool}, all images first
    for k, name in enumerate(test.classes):
        groups[name] = labels == k
    rows = []
    for name, chosen in groups.items():
        right = int((predicted == labels)[chosen].sum())
        n = int(chosen.sum())
        lo, hi = metrics.wilson(right, n)
        metric = "accuracy" if name == "clean" else "class accuracy"
        row = _row(name, 0, test.origin, metric, right / n, lo, hi, n=n)
        rows.append(_labelled(row, "cifar10", model=model, seed=seed))
    return rows


def _labelled(row: dict, dataset: str, *, model: str, seed: int) -> dict:
    """A row with the columns that tell the run before its own."""
    return {"dataset": dataset, "split": "test", "model": model, "seed": seed, **row}


def stored_overview(folder: Path, *, bootstraps: int = 1000) -> pd.DataFrame:
    """A row per stored sweep in `folder`: clean accuracy and means over corruptions, in words.

    They are recomputed from the stored answer to each image.
    """
    lines = []
    for run in in_network_order(Path(folder).glob("cifar10c-*.npz")):
        outcomes = Outcomes.load(Path(folder) / f"{run}.npz")
        generator = np.random.default_rng(0)
        means = mean_rows(outcomes, None, None, bootstraps=bootstraps, generator=generator)
        clean = next(row for row in condition_rows(outcomes) if row["metric"] == "accuracy")
        severities = sorted({severity for _, severity in outcomes.conditions} - {0})
        line = {
            "model": run.removeprefix("cifar10c-"),
            "origin": weakest_origin(outcomes.origins),
            "n": clean["n"],
            "severities": " ".join(map(str, severities)),
            "clean accuracy": _percent(clean),
            "frost": frost_of(outcomes),
        }
        for row in means:
            line[row["condition"]] = _percent(row)
        lines.append(line)
    return pd.DataFrame(lines)


def frost_of(outcomes: Outcomes) -> str:
    """Where a sweep's frost is from: "photographs", "our texture", "our former texture", "none".

    Ours was drawn anew once; what was swept on the former one, which was milder, is still stored
    where the network's weights are not kept.
    """
    rows = [k for k, (name, severity) in enumerate(outcomes.conditions) if name == "frost"]
    if not rows:
        return "none"
    if outcomes.origins[rows[0]] == "official":
        return "photographs"
    present = outcomes.made.get("frost_texture") == FROST_TEXTURE
    return "our texture" if present else "our former texture"


def in_network_order(files: Iterable[Path]) -> list[str]:
    """The names of runs from their files, ResNet-18, which is examined most, first.

    A name is <dataset>-<arch>-<recipe>-s<seed>.
    """
    return sorted((path.stem for path in files), key=lambda run: ("-resnet18-" not in run, run))


def stored_sweeps(folder: Path) -> tuple[pd.DataFrame, dict[tuple[str, int], Outcomes]]:
    """The sweeps stored in `folder`: their rows in one table, and {(model, seed): outcomes}.

    ValueError where there is none.
    """
    runs = in_network_order(Path(folder).glob("cifar10c-*.npz"))
    if not runs:
        raise ValueError(
            f"no sweep in {folder}: run notebook 03 in the full profile, or get the committed ones."
        )
    tables = []
    sweeps = {}
    for run in runs:
        table, _ = results.load_run(run, folder=folder)
        network = (str(table.model.iloc[0]), int(table.seed.iloc[0]))
        sweeps[network] = Outcomes.load(Path(folder) / f"{run}.npz")
        tables.append(table)
    return pd.concat(tables, ignore_index=True), sweeps


def _percent(row: dict) -> str:
    """A row's value and interval in percent, in words."""
    return with_interval(row["value"], row["lo"], row["hi"], form=".1f", scale=100, unit="%")


def condition_rows(outcomes: Outcomes) -> list[dict]:
    """Rows per condition: accuracy with its Wilson interval, drop, confidence, ECE and NLL.

    The drop is from clean accuracy, a fraction; ECE is before and after temperature scaling.
    """
    correct = outcomes.correct  # (M, N)
    confidence = outcomes.confidence  # (M, N)
    n = correct.shape[1]
    clean_accuracy = correct[outcomes.at("clean", 0)].mean()
    rows = []
    for i, (name, severity) in enumerate(outcomes.conditions):
        origin = outcomes.origins[i]
        lo, hi = metrics.wilson(correct[i].sum(), n)
        rows.append(_row(name, severity, origin, "accuracy", correct[i].mean(), lo, hi, n=n))
        scaled = metrics.confidence_from_log_odds(outcomes.log_odds_scaled[i])
        log_probability = np.minimum(outcomes.log_prob[i].astype(float), 0)
        without_interval = {
            "drop": clean_accuracy - correct[i].mean(),
            "confidence": confidence[i].mean(),
            "ece": metrics.ece(confidence[i], correct[i]),
            "ece_scaled": metrics.ece(scaled, correct[i]),
            "nll": metrics.nll(log_probability),
        }
        for metric, value in without_interval.items():
            rows.append(_row(name, severity, origin, metric, value, n=n))
    return rows


def confident_errors(outcomes: Outcomes, *, above: float) -> pd.DataFrame:
    """A row per condition: errors ("wrong"), those with confidence over `above`, and their share.

    "wrong" and "sure" are counts of answers; "share" of the wrong ones is a fraction with its
    Wilson interval, missing where nothing is wrong.
    """
    wrong = ~outcomes.correct  # (M, N)
    sure = wrong & (outcomes.confidence > above)
    table = pd.DataFrame(outcomes.conditions, columns=["condition", "severity"])
    table["wrong"] = wrong.sum(axis=1)
    table["sure"] = sure.sum(axis=1)
    lo, hi = metrics.wilson(table.sure, table.wrong.clip(lower=1))
    table["share"] = table.sure / table.wrong.where(table.wrong > 0)
    table["lo"] = lo
    table["hi"] = hi
    table.loc[table.wrong == 0, ["lo", "hi"]] = np.nan
    return table.assign(n=len(outcomes.labels))


def mean_rows(
    outcomes: Outcomes,
    baseline: Mapping[str, np.ndarray] | None,
    baseline_clean: float | None,
    *,
    bootstraps: int,
    generator: np.random.Generator,
) -> list[dict]:
    """Rows of mean accuracy, mCE and relative mCE over the 15 and over the 14 without frost.

    Intervals resample the images; where all answers are right, or none, resamples cannot differ,
    and accuracy has Wilson's interval. Without a baseline (at severities other than 1 to 5, say)
    there are only the means.
    """
    samples = metrics.bootstrap_condition_means(
        outcomes.correct, bootstraps=bootstraps, generator=generator
    )  # (B, M)
    exact = outcomes.correct.mean(axis=1)[None]  # (1, M)
    n = outcomes.correct.shape[1]
    origin = weakest_origin(outcomes.origins)
    rows = []
    for label, names in SETS.items():
        values = _means(exact, outcomes, names, baseline, baseline_clean)
        spreads = _means(samples, outcomes, names, baseline, baseline_clean)
        for metric, value in values.items():
            lo, hi = metrics.percentile_interval(spreads[metric])
            if metric == "accuracy" and value[0] in (0, 1):
                lo, hi = metrics.wilson(value[0] * n, n)
            rows.append(_row(f"mean of {label}", None, origin, metric, value[0], lo, hi, n=n))
    return rows


def _means(
    accuracies: np.ndarray,
    outcomes: Outcomes,
    names: Sequence[str],
    baseline: Mapping[str, np.ndarray] | None,
    baseline_clean: float | None,
) -> dict[str, np.ndarray]:
    """{metric: (B,)} over the corruptions `names`, of accuracies (B, M) by condition."""
    by_name = metrics.by_corruption(accuracies, outcomes.conditions)  # {name: (B, severities)}
    means = {"accuracy": metrics.mean_corruption_accuracy(by_name, names)}
    if baseline is not None:
        means["mce"] = metrics.mce(by_name, baseline, corruptions=names)
    if baseline is not None and baseline_clean is not None:
        means["relative_mce"] = metrics.relative_mce(
            by_name,
            baseline,
            clean=accuracies[:, outcomes.at("clean", 0)],
            baseline_clean=baseline_clean,
            corruptions=names,
        )
    return {metric: np.asarray(values) for metric, values in means.items()}


def weakest_origin(origins: Sequence[str]) -> str:
    """The least trustworthy of the origins: what a mean over them has to be marked with."""
    return max(origins, key=ORIGINS.index)


def _row(
    condition: str,
    severity: int | None,
    origin: str,
    metric: str,
    value: SupportsFloat,
    lo: SupportsFloat = np.nan,
    hi: SupportsFloat = np.nan,
    *,
    n: int,
) -> dict:
    """One row of results/, without the columns that tell the run."""
    return {
        "condition": condition,
        "severity": severity,
        "origin": origin,
        "metric": metric,
        "value": float(value),
        "lo": float(lo),
        "hi": float(hi),
        "n": n,
    }
