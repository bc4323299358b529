"""The findings on one page, read from results/ as texts in tables: what notebook 00 and the README
show.

No stand-in enters here, and a sentence judged on part of the test images says so.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import claims, evaluation, metrics, results
from visionfail.corruptions import CORRUPTIONS
from visionfail.evaluation import Outcomes
from visionfail.names import network_name, readable

METRICS = {"accuracy": "mean accuracy", "mce": "mCE", "relative_mce": "relative mCE"}
WHOLE = {"official", "identical", "regenerated"}  # origins that a table of findings may have


def networks_table(folder: Path) -> pd.DataFrame:
    """A row a network: accuracy on clean test images and its means over CIFAR-10-C, in percent;
    ours with intervals, then the published ones with standard training. Empty where a network was
    not run. ValueError for other origins.
    """
    runs = evaluation.in_network_order(Path(folder).glob("cifar10c-*.csv"))
    unswept = evaluation.in_network_order(Path(folder).glob("cifar10-*.csv"))
    unswept = [run for run in unswept if run.replace("cifar10-", "cifar10c-") not in runs]
    published = pd.read_csv(Path(folder) / "published_cifar10c.csv")
    lines = [_ours(run, folder) for run in runs + unswept]
    lines += [_published(published, model) for model in evaluation.STANDARD_TRAINING]
    return pd.DataFrame(lines).fillna("")


def _rows(run: str, folder: Path, *, allowed: set[str]) -> pd.DataFrame:
    rows, _ = results.load_run(run, folder=folder)
    if not set(rows.origin) <= allowed:
        raise ValueError(
            f"{run} was made on {set(rows.origin)}: no stand-in and no subset is a finding."
        )
    return rows


def _ours(run: str, folder: Path) -> dict[str, str]:
    rows = _rows(run, folder, allowed=WHOLE)
    clean = rows[(rows.condition == "clean") & (rows.metric == "accuracy")].iloc[0]
    line = {"model": network_name(clean.model, clean.seed), "clean test accuracy": _percent(clean)}
    for label in evaluation.SETS:
        for metric, words in METRICS.items():
            mean = rows[(rows.condition == f"mean of {label}") & (rows.metric == metric)]
            line[f"{words}, {label}"] = "" if mean.empty else _percent(mean.iloc[0])
    return line


def _published(published: pd.DataFrame, model: str) -> dict[str, str]:
    part = published[published.model == model]
    clean = part.clean_accuracy.iloc[0]
    line = {
        "model": f"{model} (published)",
        "clean test accuracy": "" if pd.isna(clean) else f"{100 * clean:.2f}",
    }
    for label, names in evaluation.SETS.items():
        line[f"mean accuracy, {label}"] = (
            f"{100 * part[part.corruption.isin(names)].accuracy.mean():.2f}"
        )
    return line


def _percent(row: pd.Series) -> str:
    return f"{100 * row.value:.2f} ({100 * row.lo:.2f} to {100 * row.hi:.2f})"


def claims_table(folder: Path, *, where: str, digits: int = 1) -> pd.DataFrame:
    """The sentences judged in one notebook, a row each, with where it would hold and a column a
    network: verdict, and what was measured, in percent. † exploratory: its curves had been seen; ‡
    judged on part of the test images.
    """
    lines = []
    for row in claims.load_claims(Path(folder) / "claims.csv", where=where).itertuples():
        mark = " †" * ("exploratory" in row.status) + " ‡" * ("subset" in row.status)
        line = {"": row.claim, "sentence": row.words, "holds where": _region(row)}
        line |= {"network": network_name(row.model, row.seed) + mark}
        which = ", these checkpoints" * (
            "these checkpoints" in row.statistic
        )  # not their architectures
        lines.append(line | {"found": f"{row.verdict}, {_measured(row, digits)}{which}"})
    long = pd.DataFrame(lines).set_index(["", "sentence", "holds where", "network"]).found
    # unstack(sort=False) puts values into wrong rows before pandas 3.1: sort, then reorder
    wide = long.unstack("network", fill_value="")  # ValueError where a claim is judged twice
    claims_in_order = long.index.droplevel("network").drop_duplicates()
    networks_in_order = long.index.unique("network")
    wide = wide.reindex(index=claims_in_order, columns=networks_in_order)
    return wide.rename_axis(columns=None).reset_index()


def _measured(row, digits: int) -> str:
    percent = f"{100 * row.value:.{digits}f}%"
    return (
        percent
        if pd.isna(row.lo)
        else f"{percent} ({100 * row.lo:.{digits}f} to {100 * row.hi:.{digits}f})"
    )


def _region(row) -> str:
    low, high = f"{100 * row.low:.4g}%", f"{100 * row.high:.4g}%"
    if np.isinf(row.low) or np.isinf(row.high):
        return f"at most {high}" if np.isinf(row.low) else f"above {low}"
    of = " of bootstraps" * bool(pd.isna(row.lo))  # a regime's share
    return f"{low} or more{of}" if row.high == 1 else f"{low} to {high}"


def auditor_table(folder: Path) -> pd.DataFrame:
    """Study C, slice by slice: AUROC of the auditor and of 1 - confidence, the difference and the
    verdict; the comparison chosen beforehand first.
    """
    rows = _rows("mnist-auditor", folder, allowed={"official"})
    found = rows.set_index(["condition", "metric"]).value
    said = pd.read_csv(Path(folder) / "mnist-verdicts.csv")
    said = said[
        (said.rival == "1 - confidence") & ~said.slice.str.contains(", (?:weak|middle|strong)")
    ]
    lines = []
    for row in said.sort_values("primary", ascending=False, kind="stable").itertuples():
        line = {"test digits": row.slice}
        line |= {
            f"AUROC, {judge}": f"{found[row.slice, f'AUROC: {judge}']:.3f}" for judge in JUDGES
        }
        line |= {"difference": f"{row.value:+.3f} ({row.lo:+.3f} to {row.hi:+.3f})"}
        lines.append(line | {"verdict": row.verdict, "n": f"{row.n:,}"})
    return pd.DataFrame(lines)


JUDGES = ("auditor", "1 - confidence")


def accuracy_by_class(
    outcomes: Outcomes, classes: Sequence[str], *, severity: int, above: float
) -> pd.DataFrame:
    """Clean and under the 15 corruptions at one severity, a row a condition and class: condition,
    class, accuracy and sure_and_wrong, the share of its images answered wrongly with a confidence
    over `above`; lo, hi of both (Wilson), n.
    """
    lines = []
    for name, level in [("clean", 0), *((name, severity) for name in CORRUPTIONS)]:
        row = outcomes.at(name, level)
        sure = ~outcomes.correct[row] & (outcomes.confidence[row] > above)
        for k, words in enumerate(classes):
            line, chosen = {"condition": name, "class": words}, outcomes.labels == k
            for column, hits in {
                "accuracy": outcomes.correct[row][chosen],
                "sure_and_wrong": sure[chosen],
            }.items():
                lo, hi = metrics.wilson(hits.sum(), len(hits))
                line |= {column: hits.mean(), f"{column}_lo": lo, f"{column}_hi": hi}
            lines.append(line | {"n": int(chosen.sum())})
    return pd.DataFrame(lines)


def worst_class_table(table: pd.DataFrame, *, above: float) -> pd.DataFrame:
    """Who bears it, from `by_class`: of each condition the class with the lowest accuracy and what
    happens to it. The worst of ten is picked by these very images, so it looks a little worse than
    it is.
    """
    worst = table.loc[table.groupby("condition", sort=False).accuracy.idxmin()]
    best = table.loc[table.groupby("condition", sort=False).accuracy.idxmax()]
    columns = {"condition": worst.condition.map(readable), "worst class": worst["class"]}
    columns |= {"its accuracy": [_share(row, "accuracy") for row in worst.to_dict("records")]}
    columns |= {
        f"wrong, over {above:.0%} sure": [
            _share(row, "sure_and_wrong") for row in worst.to_dict("records")
        ]
    }
    words = [f"{row['class']} {100 * row['accuracy']:.1f}%" for row in best.to_dict("records")]
    return pd.DataFrame(columns | {"best class": words, "n": worst.n}).reset_index(drop=True)


def _share(row: dict, column: str) -> str:
    value, lo, hi = (100 * row[name] for name in (column, f"{column}_lo", f"{column}_hi"))
    return f"{value:.1f}% ({lo:.1f} to {hi:.1f})"
