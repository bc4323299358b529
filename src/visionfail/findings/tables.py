"""What was found, in tables of at most five columns, from results/: what README and overview show.

Each number stands there with its interval and its n.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import claims, evaluation, report, results
from visionfail.names import network_name, readable, with_interval

IN_PART = "in part"  # the verdict of some networks or data sets, the others' is undecided
DIFFERS = "differs"  # holds on some and fails on others
SETS = {"SVHN": "svhn10k", "GTSRB": "gtsrb", "CIFAR-10": "cifar10"}


def claim_numbers(table: pd.DataFrame) -> pd.Series:
    """The number of each claim of a table, without the data set that stands behind it."""
    return table.claim.str.split().str[0]


def verdict_counts(folder: Path) -> pd.DataFrame:
    """How many claims of each notebook have each `common_verdict`: rows are notebooks.

    Each claim counts once, whatever the number of its networks or data sets.
    """
    table = claims.load_claims(Path(folder) / "claims.csv")
    verdicts = table.groupby(["where", claim_numbers(table)]).verdict.agg(common_verdict)
    counts = verdicts.groupby("where").value_counts().unstack(fill_value=0)
    return counts.reindex(columns=[*claims.VERDICTS, IN_PART, DIFFERS], fill_value=0)


def networks_summary(folder: Path) -> pd.DataFrame:
    """A row per network: clean accuracy, and mean accuracy and mCE over 14 corruptions."""
    table = report.networks_table(folder)
    columns = {
        "model": "network",
        "clean test accuracy": "clean, %",
        "mean accuracy, 14 without frost": "mean of 14 corruptions, %",
        "mCE, 14 without frost": "error relative to WRN-28-10 (mCE), %",
    }
    table = table.loc[:, list(columns)].rename(columns=columns)
    table = table.replace("", "not published")
    reference = table.network.str.startswith(evaluation.STANDARD_TRAINING[0])
    table.loc[reference, columns["mCE, 14 without frost"]] = "100, by definition"
    return table


def mean_error_range(folder: Path) -> tuple[float, float]:
    """The lowest and the highest mean error under the 15 corruptions of our networks, in [0, 1].

    A network that was swept on the former texture of frost does not count.
    """
    table, sweeps = evaluation.stored_sweeps(folder)
    means = table[(table.condition == "mean of 15") & (table.metric == "accuracy")]
    by_network = means.set_index(["model", "seed"]).value
    errors = []
    for network, outcomes in sweeps.items():
        if evaluation.frost_of(outcomes) != "our former texture":
            errors.append(1 - by_network[network])
    return min(errors), max(errors)


def claims_summary(folder: Path, *, where: str) -> pd.DataFrame:
    """A row per claim judged in one notebook: number, claim, region, verdict, range of values.

    The verdict is the `common_verdict` of all networks; the range is over networks, in the unit
    named.
    """
    table = claims.load_claims(Path(folder) / "claims.csv", where=where)
    rows = []
    for number, networks in table.groupby("claim", sort=False):
        first = networks.iloc[0]
        unit, scale = unit_of(first.statistic)
        statistic = first.statistic.replace("/ loss", "/ accuracy lost")
        row = {"": number, "claim": first.words}
        row["holds where"] = f"{statistic}: {region_text(first, unit, scale)}"
        row["verdict"] = common_verdict(networks.verdict)
        row["measured"] = range_text(networks.value, scale) + unit
        rows.append(row)
    return pd.DataFrame(rows)


def status_sentence(folder: Path, *, where: str) -> str:
    """Which claims judged in one notebook are exploratory or judged twice, and which neither."""
    table = claims.load_claims(Path(folder) / "claims.csv", where=where)
    if table.empty:
        return ""
    of_status = {
        "exploratory": table.status.str.startswith("exploratory"),
        "judged twice": claims.judged_twice(table.status),
    }
    of_status["confirmatory"] = ~(of_status["exploratory"] | of_status["judged twice"])
    words = []
    for status, has_it in of_status.items():
        share = has_it.groupby(table.claim, sort=False).mean()  # of the claim's networks
        for kind, chosen in {"": share == 1, ", some networks": (share > 0) & (share < 1)}.items():
            if chosen.any():
                words.append(f"{status}{kind}: {', '.join(share.index[chosen])}")
    told = "; ".join(words)
    return f"{told[0].upper()}{told[1:]}."


def common_verdict(verdicts: pd.Series) -> str:
    """The verdict where all networks have the same, else DIFFERS if they contradict, or IN_PART."""
    if verdicts.nunique() == 1:
        return verdicts.iloc[0]
    return DIFFERS if {"holds", "fails"} <= set(verdicts) else IN_PART


def unit_of(statistic: str) -> tuple[str, float]:
    """(unit as it is written after a number, factor from the stored fraction)."""
    if statistic.startswith("log "):
        return "", 1.0
    if statistic.startswith("AUROC"):
        return " AUROC", 1.0
    if "/ loss" in statistic:
        return "% of what is lost", 100.0
    if "minus" in statistic or (
        statistic.startswith(("drop", "largest drop")) and "/" not in statistic
    ):
        return " points", 100.0
    return "%", 100.0


def range_text(values: pd.Series, scale: float) -> str:
    """The smallest and the largest of the networks' values, or the one value."""
    return span(scale * values, ".3f" if scale == 1 else ".1f", between=" to ")


def span(values: pd.Series, form: str, *, between: str = "–") -> str:
    """The smallest and the largest of the values, or the one that both are when written."""
    smallest, largest = format(values.min(), form), format(values.max(), form)
    return smallest if smallest == largest else f"{smallest}{between}{largest}"


def region_text(row: pd.Series, unit: str, scale: float) -> str:
    """The region in which a claim holds, in words; of a difference it is above or below 0."""
    low = f"{scale * row.low:.4g}"
    high = f"{scale * row.high:.4g}"
    if np.isinf(row.low):
        return f"{'at most' if row.high else 'below'} {high}{unit}"
    if np.isinf(row.high):
        return f"{'at least' if row.low else 'above'} {low}{unit}"
    if row.high == 1 and scale == 100:
        return f"{low}{unit} or more"
    return f"{low} to {high}{unit}"


def auditor_summary(folder: Path) -> pd.DataFrame:
    """AUROC of confidence, auditor, ensemble and both on the main slices, with lead and outcome."""
    table = report.auditor_table(folder)
    main = ["shifted", "shifted without rotation", "clean", "mix", "rotation", "noise"]
    main += ["occlusion", "translation", "within slices"]
    rows = table.loc[table["test digits"].isin(main)].drop(columns="n")
    return rows.rename(columns={report.ENSEMBLE: "deep ensemble"})


EXPLORED = "†"


def by_set_summary(folder: Path, *, where: str, sets: Iterable[str] = tuple(SETS)) -> pd.DataFrame:
    """A row per claim judged in one notebook: its region, and on each set its verdict and value.

    EXPLORED stands behind the verdict of a claim whose status is exploratory on that set.
    """
    table = claims.load_claims(Path(folder) / "claims.csv", where=where)
    rows = []
    for number, of_claim in table.groupby(claim_numbers(table), sort=False):
        first = of_claim.iloc[0]
        region = f"{first.statistic}: {region_text(first, '', 1.0)}"
        row = {"": number, "claim (holds where)": f"{first.words} ({region})"}
        by_claim = of_claim.set_index("claim")
        for name in sets:
            row[name] = "not testable here"
            if f"{number} {name}" in by_claim.index:
                judged = by_claim.loc[f"{number} {name}"]
                mark = EXPLORED if judged.status.startswith("exploratory") else ""
                row[name] = f"{judged.verdict}{mark} ({round(judged.value, 2) + 0.0:.2f})"
        rows.append(row)
    return pd.DataFrame(rows)


RISK_SETS = {"gtsrb": "traffic signs", "imagenette": "Imagenette, seen by the weights"}
RISK_RULE = "recall target"  # whose rows are shown
RISK_COST = 10  # the cost ratio that alone would have asked for another threshold


def risk_summary(folder: Path) -> pd.DataFrame:
    """What one threshold does on pictures as they are, under the worst corruption, under attack.

    A row per set and condition; shares per thousand with their 95% intervals.
    """
    table, _ = results.load_run("risk", folder=folder)
    table = table.loc[table.metric.str.endswith(f", {RISK_RULE}")]
    quantities = table.metric.str.split(",").str[0]
    rows = []
    for dataset, words in RISK_SETS.items():
        of_set = table.loc[table.dataset == dataset].assign(quantity=quantities)
        missed = of_set.loc[of_set.quantity == "missed"]
        worst = missed.loc[missed.severity > 0].nlargest(1, "value").iloc[0]
        level = int(worst.severity)
        shown = {"clean": ("clean", 0)}
        tried = missed.condition[missed.severity > 0].nunique()
        named = f"{readable(worst.condition)}, severity {level}, the worst of {tried} corruptions"
        shown[named] = (worst.condition, level)
        shown["unsafe ones attacked, PGD at 2/255"] = ("PGD, 2/255", 0)
        for name, (condition, severity) in shown.items():
            here = of_set.loc[(of_set.condition == condition) & (of_set.severity == severity)]
            values = here.set_index("quantity")
            row = {"pictures": words, "condition": name}
            row["missed of 1,000 unsafe"] = _per_thousand(values.loc["missed"])
            row["flagged of 1,000 safe"] = _per_thousand(values.loc["alarmed"])
            row["n"] = f"{int(values.n['missed']):,} unsafe, {int(values.n['alarmed']):,} safe"
            rows.append(row)
    return pd.DataFrame(rows)


def _per_thousand(row: pd.Series) -> str:
    """A share with its interval, per thousand."""
    value, lo, hi = row[["value", "lo", "hi"]]
    return with_interval(value, lo, hi, form=".0f", scale=1000)


def network_names(table: pd.DataFrame) -> str:
    """The networks of a table of claims, in words."""
    pairs = table.loc[:, ["model", "seed"]].drop_duplicates().to_dict("records")
    return ", ".join(network_name(row["model"], row["seed"]) for row in pairs)
