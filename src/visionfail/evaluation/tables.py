"""From what a model answered on each image to the rows of results/: accuracy, calibration, means
over CIFAR-10-C.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import metrics, results
from visionfail.corruptions import CORRUPTIONS
from visionfail.data import ORIGINS, ImageSet
from visionfail.evaluation.outcomes import Outcomes

WITHOUT_FROST = tuple(
    name for name in CORRUPTIONS if name != "frost"
)  # its texture is ours, so a mean without it too

SETS = {"15": CORRUPTIONS, "14 without frost": WITHOUT_FROST}
# Baseline of mCE and relative mCE: robustbench's WRN-28-10 with standard training, in
# published_cifar10c.csv
BASELINE = "WRN-28-10 standard"


def published_accuracies(table: pd.DataFrame, model: str) -> dict[str, np.ndarray]:
    """{corruption: (5,) accuracies by severity} of one published model; raises ValueError for an
    unknown one.
    """
    rows = table[table["model"] == model]
    if rows.empty:
        raise ValueError(
            f"no published model {model!r}: choose one of {', '.join(table['model'].unique())}."
        )
    return {
        name: part.sort_values("severity")["accuracy"].to_numpy()
        for name, part in rows.groupby("corruption")
    }


def sweep_rows(
    outcomes: Outcomes,
    published: pd.DataFrame,
    *,
    model: str,
    seed: int,
    bootstraps: int,
    generator: np.random.Generator,
) -> list[dict]:
    """Every row of results/<run>.csv: one a condition and metric, then the means with intervals
    over images.

    mCE and relative mCE are there where the sweep has the five severities; their baseline is
    BASELINE in `published`.
    """
    complete = {severity for _, severity in outcomes.conditions} == {0, 1, 2, 3, 4, 5}
    baseline = published_accuracies(published, BASELINE) if complete else None
    clean = float(published.loc[published["model"] == BASELINE, "clean_accuracy"].iloc[0])
    found = condition_rows(outcomes) + mean_rows(
        outcomes, baseline, clean, bootstraps=bootstraps, generator=generator
    )
    return [
        {"dataset": "cifar10c", "split": "test", "model": model, "seed": seed} | row
        for row in found
    ]


def clean_rows(predicted: np.ndarray, test: ImageSet, *, model: str, seed: int) -> list[dict]:
    """Accuracy on clean images, of all of them and of each class, with Wilson intervals: rows of
    results/.
    """
    labels = test.labels.numpy()
    groups = {"clean": labels >= 0} | {name: labels == k for k, name in enumerate(test.classes)}
    common = {"dataset": "cifar10", "split": "test", "model": model, "seed": seed}
    found = []
    for name, chosen in groups.items():
        right, n = int((predicted == labels)[chosen].sum()), int(chosen.sum())
        metric = "accuracy" if name == "clean" else "class accuracy"
        found.append(
            common | _row(name, 0, test.origin, metric, (right / n, *metrics.wilson(right, n)), n)
        )
    return found


def stored_overview(folder: Path, *, bootstraps: int = 1000) -> pd.DataFrame:
    """One line a stored sweep in `folder`: clean accuracy and the mean over the corruptions,
    recomputed per image.
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
        }
        line |= {"severities": " ".join(map(str, severities)), "clean accuracy": _percent(clean)}
        lines.append(line | {row["condition"]: _percent(row) for row in means})
    return pd.DataFrame(lines)


def in_network_order(files: Iterable[Path]) -> list[str]:
    """Names of runs, <dataset>-<arch>-<recipe>-s<seed>, from their files: ResNet-18, the one most
    examined, first.
    """
    return sorted((path.stem for path in files), key=lambda run: ("-resnet18-" not in run, run))


def stored_sweeps(folder: Path) -> tuple[pd.DataFrame, dict[tuple[str, int], Outcomes]]:
    """The whole sweeps stored in `folder`: their rows of results/ in one table, and {(model, seed):
    outcomes}.

    ValueError where there is none.
    """
    runs = in_network_order(Path(folder).glob("cifar10c-*.npz"))
    if not runs:
        raise ValueError(
            f"no sweep in {folder}: run notebook 03 in the full profile, or get the committed ones."
        )
    tables = [results.load_run(run, folder=folder)[0] for run in runs]
    keys = [(str(table.model.iloc[0]), int(table.seed.iloc[0])) for table in tables]
    sweeps = {
        key: Outcomes.load(Path(folder) / f"{run}.npz") for key, run in zip(keys, runs, strict=True)
    }
    return pd.concat(tables, ignore_index=True), sweeps


def _percent(row: dict) -> str:
    return f"{100 * row['value']:.1f} % ({100 * row['lo']:.1f} to {100 * row['hi']:.1f})"


def condition_rows(outcomes: Outcomes) -> list[dict]:
    """Per condition: accuracy with its Wilson interval, drop from clean, NLL, ECE before and after
    temperature.
    """
    found, correct = [], outcomes.correct
    clean = correct[outcomes.at("clean", 0)]
    for i, (name, severity) in enumerate(outcomes.conditions):
        n = correct.shape[1]
        lo, hi = metrics.wilson(correct[i].sum(), n)
        scaled = metrics.confidence_from_log_odds(outcomes.log_odds_scaled[i])
        values = {
            "accuracy": (correct[i].mean(), lo, hi),
            "drop": (clean.mean() - correct[i].mean(), np.nan, np.nan),
            "confidence": (outcomes.confidence[i].mean(), np.nan, np.nan),
            "ece": (metrics.ece(outcomes.confidence[i], correct[i]), np.nan, np.nan),
            "ece_scaled": (metrics.ece(scaled, correct[i]), np.nan, np.nan),
            "nll": (metrics.nll(np.minimum(outcomes.log_prob[i].astype(float), 0)), np.nan, np.nan),
        }
        found += [
            _row(name, severity, outcomes.origins[i], metric, v, n) for metric, v in values.items()
        ]
    return found


def confident_errors(outcomes: Outcomes, *, above: float) -> pd.DataFrame:
    """Silent failure by condition: how many answers are wrong, how many of these are given with a
    confidence over `above`, and that share of the wrong ones with its Wilson interval (missing
    where nothing is wrong).
    """
    wrong = ~outcomes.correct
    table = pd.DataFrame(outcomes.conditions, columns=["condition", "severity"])
    table["wrong"], table["sure"] = (
        wrong.sum(axis=1),
        (wrong & (outcomes.confidence > above)).sum(axis=1),
    )
    lo, hi = metrics.wilson(table.sure, table.wrong.clip(lower=1))
    table["share"], table["lo"], table["hi"] = (
        table.sure / table.wrong.where(table.wrong > 0),
        lo,
        hi,
    )
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
    """Mean accuracy, mCE and relative mCE over the 15 and over the 14 without frost; intervals
    resample the images.

    Without a baseline (severities other than 1 to 5, say) only the means.
    """
    samples = metrics.bootstrap_condition_means(
        outcomes.correct, bootstraps=bootstraps, generator=generator
    )
    exact = outcomes.correct.mean(axis=1)[None]
    found, origin = [], weakest_origin(outcomes.origins)
    for label, names in SETS.items():
        for metric, statistic in _statistics(outcomes, names, baseline, baseline_clean).items():
            lo, hi = metrics.percentile_interval(statistic(samples))
            value = (statistic(exact)[0], lo, hi)
            found.append(
                _row(f"mean of {label}", None, origin, metric, value, outcomes.correct.shape[1])
            )
    return found


def _statistics(outcomes: Outcomes, names: Sequence[str], baseline, baseline_clean) -> dict:
    """Each maps accuracies (B, conditions) to (B,)."""

    def regroup(accuracies: np.ndarray) -> dict[str, np.ndarray]:
        return metrics.by_corruption(accuracies, outcomes.conditions)

    clean = outcomes.at("clean", 0)
    found = {"accuracy": lambda a: metrics.mean_corruption_accuracy(regroup(a), names)}
    if baseline is not None:
        found["mce"] = lambda a: metrics.mce(regroup(a), baseline, corruptions=names)
    if baseline is not None and baseline_clean is not None:
        found["relative_mce"] = lambda a: metrics.relative_mce(
            regroup(a),
            baseline,
            clean=a[:, clean],
            baseline_clean=baseline_clean,
            corruptions=names,
        )
    return found


def weakest_origin(origins: Sequence[str]) -> str:
    """The least trustworthy of the origins: what a mean over them has to be marked with."""
    return max(origins, key=ORIGINS.index)


def _row(name: str, severity: int | None, origin: str, metric: str, value: tuple, n: int) -> dict:
    point, lo, hi = (float(v) for v in value)
    return {
        "condition": name,
        "severity": severity,
        "origin": origin,
        "metric": metric,
        "value": point,
        "lo": lo,
        "hi": hi,
        "n": n,
    }
