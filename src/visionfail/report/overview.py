"""The findings on one page, as tables of texts: what notebook 00 and the README show.

All is read from results/. No stand-in enters here, and a claim judged on part of the test images
says so.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import evaluation, failure, metrics, results
from visionfail.corruptions import CORRUPTIONS
from visionfail.evaluation import Outcomes
from visionfail.names import network_name, readable, with_interval

METRICS = {"accuracy": "mean accuracy", "mce": "mCE", "relative_mce": "relative mCE"}
WHOLE = {"official", "identical", "regenerated"}  # origins that a table of findings may have
ENSEMBLE = "ensemble, entropy"
DETECTORS = ("auditor", ENSEMBLE, "auditor + ensemble")


# ---- networks


def networks_table(folder: Path) -> pd.DataFrame:
    """A row per network, in percent: clean test accuracy and its means over CIFAR-10-C.

    Ours come first, with intervals, then the published ones with standard training. Empty where a
    network was not run. ValueError for other origins than WHOLE.
    """
    swept = evaluation.in_network_order(Path(folder).glob("cifar10c-*.csv"))
    clean_only = []
    for run in evaluation.in_network_order(Path(folder).glob("cifar10-*.csv")):
        if run.replace("cifar10-", "cifar10c-") not in swept:
            clean_only.append(run)
    published = evaluation.read_published(folder)
    rows = [_ours(run, folder) for run in swept + clean_only]
    rows += [_published(published, model) for model in evaluation.STANDARD_TRAINING]
    return pd.DataFrame(rows).fillna("")


def _load_rows(run: str, folder: Path, *, allowed: set[str]) -> pd.DataFrame:
    """The rows of a run; ValueError where one has another origin than those allowed."""
    table, _ = results.load_run(run, folder=folder)
    origins = set(table["origin"])
    if not origins <= allowed:
        raise ValueError(f"{run} was made on {origins}: no stand-in and no subset is a finding.")
    return table


def _ours(run: str, folder: Path) -> dict[str, str]:
    """The row of one of our networks."""
    table = _load_rows(run, folder, allowed=WHOLE)
    is_clean = (table["condition"] == "clean") & (table["metric"] == "accuracy")
    clean = table.loc[is_clean].to_dict("records")[0]
    row = {
        "model": network_name(clean["model"], clean["seed"]),
        "clean test accuracy": _percent(clean),
    }
    for label in evaluation.SETS:
        for metric, words in METRICS.items():
            is_mean = (table["condition"] == f"mean of {label}") & (table["metric"] == metric)
            means = table.loc[is_mean].to_dict("records")
            row[f"{words}, {label}"] = _percent(means[0]) if means else ""
    return row


def _published(published: pd.DataFrame, model: str) -> dict[str, str]:
    """The row of one published network."""
    of_model = published.loc[published["model"] == model]
    clean = of_model["clean_accuracy"].iloc[0]
    row = {
        "model": f"{model} (published)",
        "clean test accuracy": "" if pd.isna(clean) else f"{100 * clean:.2f}",
    }
    for label, names in evaluation.SETS.items():
        accuracy = of_model.loc[of_model["corruption"].isin(names), "accuracy"].mean()
        row[f"mean accuracy, {label}"] = f"{100 * accuracy:.2f}"
    return row


def _percent(row: Mapping) -> str:
    """A row's value with its interval, in percent."""
    return with_interval(row["value"], row["lo"], row["hi"], form=".2f", scale=100)


# ---- auditor


def auditor_table(folder: Path) -> pd.DataFrame:
    """A row per slice of study C: AUROC of confidence and of DETECTORS, their lead, outcome, n.

    The comparison chosen beforehand comes first. Where the auditor's outcome is "undecided", it
    says how many seeds would decide it; of the ensemble there is one.
    """
    table = _load_rows("mnist-auditor", folder, allowed={"official"})
    aurocs = table.set_index(["condition", "metric"])["value"]
    leads = leads_over_confidence(folder)
    first = leads["prespecified"].loc["auditor"].idxmax()
    slices = leads.loc[ENSEMBLE].index  # thirds of strength are the auditor's alone
    rows = []
    for name in sorted(slices, key=lambda name: name != first):
        row = {"test digits": name, "confidence": f"{aurocs[name, 'AUROC: 1 - confidence']:.3f}"}
        for detector in DETECTORS:
            lead = leads.loc[(detector, name)].to_dict()
            auroc = aurocs[name, f"AUROC: {detector}"]
            words = _outcome(lead) if detector == "auditor" else lead["outcome"]
            row[detector] = f"{auroc:.3f} ({lead['value']:+.3f}, {words})"
        row["n"] = f"{leads.loc[(ENSEMBLE, name), 'n']:,}"
        rows.append(row)
    return pd.DataFrame(rows)


def _outcome(lead: Mapping) -> str:
    """An outcome; where it is undecided, with the number of seeds that would decide it."""
    if lead["outcome"] != "undecided":
        return lead["outcome"]
    by_seed = [float(value) for value in lead["by_seed"].split()]
    seeds = failure.seeds_to_decide(lead, by_seed, comparisons=lead["comparisons"])
    return f"undecided: {f'{seeds} seeds' if seeds else 'more digits'}"


def leads_over_confidence(folder: Path) -> pd.DataFrame:
    """The comparisons with confidence of study C, by detector and slice."""
    table = failure.load_comparison(Path(folder) / "mnist-verdicts.csv")
    table["comparisons"] = failure.count_corrected(table)
    return table.loc[table["baseline"] == "1 - confidence"].set_index(["detector", "slice"])


# ---- classes


def accuracy_by_class(
    outcomes: Outcomes,
    classes: Sequence[str],
    *,
    severity: int,
    above: float,
    names: Sequence[str] = CORRUPTIONS,
) -> pd.DataFrame:
    """A row per condition and class, clean and under corruptions, the 15, at one severity.

    Columns: condition, class, accuracy and sure_and_wrong, the share of its images answered wrongly
    with a confidence over `above`; lo, hi of both (Wilson), n. A class without images has no row.
    """
    rows = []
    conditions = [("clean", 0)] + [(name, severity) for name in names]
    for name, level in conditions:
        index = outcomes.at(name, level)
        correct = outcomes.correct[index]  # (N,)
        sure_and_wrong = ~correct & (outcomes.confidence[index] > above)
        for k, class_name in enumerate(classes):
            in_class = outcomes.labels == k
            if not in_class.any():
                continue
            row: dict[str, object] = {"condition": name, "class": class_name}
            row.update(_share_with_interval("accuracy", correct[in_class]))
            row.update(_share_with_interval("sure_and_wrong", sure_and_wrong[in_class]))
            row["n"] = int(in_class.sum())
            rows.append(row)
    return pd.DataFrame(rows)


def _share_with_interval(column: str, hits: np.ndarray) -> dict:
    """The share of hits (n,) as `column`, with its Wilson interval as `column`_lo and _hi."""
    lo, hi = metrics.wilson(hits.sum(), len(hits))
    return {column: hits.mean(), f"{column}_lo": lo, f"{column}_hi": hi}


def worst_class_table(table: pd.DataFrame, *, above: float) -> pd.DataFrame:
    """A row per condition of `accuracy_by_class`: the class with the lowest accuracy, and the best.

    Where several share the lowest their number stands in the place of a name. The worst of ten is
    picked by these very images, so it looks a little worse than it is.
    """
    rows = []
    for _, of_condition in table.groupby("condition", sort=False):
        records = of_condition.to_dict("records")
        worst = min(records, key=lambda record: record["accuracy"])
        best = max(records, key=lambda record: record["accuracy"])
        as_low = sum(record["accuracy"] == worst["accuracy"] for record in records)
        rows.append(
            {
                "condition": readable(worst["condition"]),
                "worst class": worst["class"] if as_low == 1 else f"{as_low} classes",
                "its accuracy": _share(worst, "accuracy"),
                f"wrong, over {above:.0%} sure": _share(worst, "sure_and_wrong")
                if as_low == 1
                else "",
                "best class": f"{best['class']} {100 * best['accuracy']:.1f}%",
                "n": worst["n"],
            }
        )
    return pd.DataFrame(rows)


def _share(row: Mapping, column: str) -> str:
    """A share with its interval, in percent."""
    value, lo, hi = (row[name] for name in (column, f"{column}_lo", f"{column}_hi"))
    return with_interval(value, lo, hi, form=".1f", scale=100, unit="%")
