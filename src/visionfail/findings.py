"""What was found, in a few sentences and in tables of at most five columns: what the README shows.

Everything is read from results/, where each number stands with its interval and its n.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import claims, evaluation, report, results
from visionfail.names import network_name, readable

SEVERE = 5
BUDGET = 0.02
UNSEEN = ("Gaussian blur", "contrast", "JPEG compression", "pixelate", "8x8 digits")
UNEVEN_SETS = {"SVHN": "svhn10k", "GTSRB": "gtsrb", "CIFAR-10": "cifar10"}
DETECTOR = "auditor"  # whose risk budgets are told


def main_sentences(folder: Path) -> list[str]:
    """The main findings in plain words, computed from the tables in `folder`."""
    return [
        shift_sentence(folder),
        accuracy_sentence(folder),
        confidence_sentence(folder),
        uneven_sentence(folder),
        claims_sentence(folder),
        budget_sentence(folder),
    ]


def shift_sentence(folder: Path) -> str:
    """Whether auditor and ensemble beat confidence on the shifts learnt, and on others."""
    leads = report.leads_over_confidence(folder)
    auditor = leads.loc["auditor"]
    overall = auditor.loc["shifted"]
    not_rotated = auditor.loc["shifted without rotation"]
    unseen = auditor.index[auditor.index.str.endswith(", left out") | auditor.index.isin(UNSEEN)]
    losses = int((auditor.outcome[unseen] == "loss").sum())
    of_ensemble = leads.loc[report.ENSEMBLE].outcome[unseen].value_counts()
    both = leads.loc[("auditor + ensemble", "shifted")]
    rank = {"win": "better than", "loss": "worse than"}.get(overall.outcome, "no better than")
    interval = f"95% {overall.lo:+.3f} to {overall.hi:+.3f}, n = {int(overall.n):,} digits"
    return (
        "**Knowing when it is wrong.** An auditor that reads a digit classifier's activations "
        f"finds its failures {rank} the classifier's own confidence over the kinds of shift that "
        "it was trained on, taken together (the chance that a wrong answer gets the higher score "
        f"than a right one, AUROC, differs by {overall.value:+.3f}, {interval}; without the "
        f"rotated digits by {not_rotated.value:+.3f}), and worse under {losses} of the "
        f"{len(unseen)} kinds that it was not trained on. A deep ensemble of five classifiers is "
        f"worse than confidence under {of_ensemble.get('loss', 0)} of these {len(unseen)} and "
        f"better under {of_ensemble.get('win', 0)}; an auditor that reads the ensemble too is "
        f"ahead by {both.value:+.3f} over the kinds that it was trained on."
    )


def accuracy_sentence(folder: Path) -> str:
    """How far accuracy falls under CIFAR-10-C, and the worst of it."""
    table, _ = results.load_run("cifar10c-resnet18-standard-s0", folder=folder)
    accuracy = table[table.metric == "accuracy"].set_index(["condition", "severity"]).value
    clean = accuracy["clean", 0]
    means = table[(table.condition == "mean of 14 without frost") & (table.metric == "accuracy")]
    mean = means.iloc[0]
    worst = table[(table.metric == "accuracy") & (table.severity == SEVERE)]
    worst = worst.loc[worst.value.idxmin()]
    interval = f"95% {mean.lo:.1%} to {mean.hi:.1%}, n = {int(mean.n):,} images"
    lost = {name: 100 * (clean - accuracy[name, SEVERE]) for name in ("brightness", "contrast")}
    return (
        f"**Worse pictures.** A ResNet-18 that classifies {clean:.1%} of clean CIFAR-10 images "
        f"correctly gets {mean.value:.1%} ({interval}) on the mean of 14 corruptions (the 15 of "
        f"CIFAR-10-C without frost), and {worst.value:.1%} under {readable(worst.condition)} at "
        f"severity {SEVERE}, the strongest. "
        f"At that severity brightness costs {lost['brightness']:.1f} points and contrast "
        f"{lost['contrast']:.1f}."
    )


def confidence_sentence(folder: Path) -> str:
    """How far confidence falls with accuracy."""
    table, _ = results.load_run("cifar10c-resnet18-standard-s0", folder=folder)
    measured = table[table.metric.isin(["accuracy", "confidence", "ece"]) & table.severity.notna()]
    means = measured.pivot_table(index="severity", columns="metric", values="value")
    fall = means.loc[0] - means.loc[SEVERE]
    notice = "hardly notices" if fall.confidence < fall.accuracy / 2 else "notices"
    return (
        f"**Silent failure.** The network {notice}: from clean images to severity {SEVERE} its "
        f"accuracy falls by {100 * fall.accuracy:.0f} points on the mean of 19 corruptions, its "
        f"confidence by {100 * fall.confidence:.0f}. The calibration error, the mean gap between "
        f"the two, grows from {means.ece[0]:.3f} to {means.ece[SEVERE]:.3f}."
    )


def uneven_sentence(folder: Path) -> str:
    """Which class of which set errs most, and how alike the errors of training seeds are."""
    table, _ = results.load_run("uneven", folder=folder)
    table = table.loc[table.split == "test"]
    gaps = []
    for name, dataset in UNEVEN_SETS.items():
        classes = table.loc[(table.dataset == dataset) & (table.metric == "accuracy")]
        overall = classes.loc[classes.condition == "all classes"].iloc[0]
        worst = classes.loc[classes.value.idxmin()]
        gaps.append(
            f"{worst.condition} on {name} ({worst.value:.0%} right, all classes "
            f"{overall.value:.1%}, n = {int(overall.n):,})"
        )
    kappas = table.loc[table.metric == "kappa of being wrong", "value"]
    shares = table.loc[table.metric == "share of errors all seeds make", "value"]
    verdicts = claims.load_claims(Path(folder) / "claims.csv").set_index("claim").verdict
    told = [f"{verdicts[f'U1 {name}']} on {name}" for name in UNEVEN_SETS]
    return (
        f"**Uneven errors.** The worst class is {', '.join(gaps)}; n counts what is independent, "
        "houses, signs, images. That some classes err far more than others, by 5 points or more "
        f"between best and worst: {', '.join(told)}. Networks that differ in their training seed "
        f"err on the same images: Cohen's kappa {kappas.min():.2f} to {kappas.max():.2f} by set (0 "
        f"would be chance), and {shares.min():.0%} to {shares.max():.0%} of a seed's errors are "
        "made by all seeds."
    )


def claims_sentence(folder: Path) -> str:
    """How many of the claims hold."""
    table = claims.load_claims(Path(folder) / "claims.csv")
    by_where = verdict_counts(folder)
    verdicts = {str(verdict): int(count) for verdict, count in by_where.sum().items()}
    sizes = by_where.sum(axis=1)
    by_notebook = [f"{size} in {where}" for where, size in sizes.items()]
    words = {
        "holds": "hold",
        "fails": "fail",
        "undecided": "are undecided",
        "differs": "differ between networks or data sets",
    }
    counted = [f"{verdicts[verdict]} {words[verdict]}" for verdict in words if verdicts[verdict]]
    exploratory = table.status.str.startswith("exploratory")
    amended = int(exploratory.groupby([table["where"], claim_numbers(table)]).all().sum())
    twice = table.loc[table.status == claims.TWICE, "claim"].nunique()
    return (
        f"**Claims and verdicts.** Of {sizes.sum()} claims from earlier unpublished work "
        f"({', '.join(by_notebook)}), {', '.join(counted)}. Each has a statistic and a region; "
        f"they were written down beforehand, but for the {amended} whose rules were changed with "
        f"the results in view, which are exploratory; {twice} were judged twice, for their "
        "classifiers were changed after a first verdict."
    )


def claim_numbers(table: pd.DataFrame) -> pd.Series:
    """The number of each claim of a table, without the data set that stands behind it."""
    return table.claim.str.split().str[0]


def verdict_counts(folder: Path) -> pd.DataFrame:
    """How many claims of each notebook hold, fail, are undecided, or differ: rows are notebooks.

    Each counts once; it differs where networks or data sets have not one verdict.
    """
    table = claims.load_claims(Path(folder) / "claims.csv")
    verdicts = table.groupby(["where", claim_numbers(table)]).verdict.agg(common_verdict)
    counts = verdicts.groupby("where").value_counts().unstack(fill_value=0)
    return counts.reindex(columns=["holds", "fails", "undecided", "differs"], fill_value=0)


def budget_sentence(folder: Path) -> str:
    """Whether a risk budget is met, and where it breaks."""
    table, _ = results.load_run("mnist-budgets", folder=folder)
    met = table[table.metric == f"budget met, budget {BUDGET:g}: {DETECTOR}"]
    if met.empty:
        raise ValueError(f"mnist-budgets.csv has no budget of {BUDGET:g}: run notebook 10.")
    risk = table[table.metric == f"risk, budget {BUDGET:g}: {DETECTOR}"]
    pooled = risk.groupby("condition")[["value", "n"]].apply(
        lambda part: np.average(part.value, weights=part.n)
    )
    worst = pooled.drop("mix").idxmax()
    return (
        "**Risk budgets.** Answers with a failure score below a threshold are accepted. A "
        f"threshold set so that at most {BUDGET:.0%} of the accepted answers are wrong achieves "
        f"that in {met.value.mean():.1%} of random splits while the pictures stay alike; under "
        f"{worst}, which nothing was trained on, {pooled[worst]:.0%} of the accepted answers are "
        "wrong."
    )


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

    The verdict is that of all networks, else "differs"; the range is over networks, in the unit
    named.
    """
    table = claims.load_claims(Path(folder) / "claims.csv", where=where)
    rows = []
    for number, networks in table.groupby("claim", sort=False):
        first = networks.iloc[0]
        unit, scale = unit_of(first.statistic)
        row = {"": number, "claim": first.words, "holds where": region_text(first, unit, scale)}
        row["verdict"] = common_verdict(networks.verdict)
        row["measured"] = range_text(networks.value, scale) + unit
        rows.append(row)
    return pd.DataFrame(rows)


def common_verdict(verdicts: pd.Series) -> str:
    """The verdict where all networks have the same, else "differs"."""
    return verdicts.iloc[0] if verdicts.nunique() == 1 else "differs"


def unit_of(statistic: str) -> tuple[str, float]:
    """(unit as it is written after a number, factor from the stored fraction)."""
    if statistic.startswith("AUROC"):
        return " AUROC", 1.0
    if "/ loss" in statistic:
        return "% of the loss", 100.0
    if "minus" in statistic or (
        statistic.startswith(("drop", "largest drop")) and "/" not in statistic
    ):
        return " points", 100.0
    return "%", 100.0


def range_text(values: pd.Series, scale: float) -> str:
    """The smallest and the largest of the networks' values, or the one value."""
    digits = 3 if scale == 1 else 1
    smallest = f"{scale * values.min():.{digits}f}"
    largest = f"{scale * values.max():.{digits}f}"
    return smallest if smallest == largest else f"{smallest} to {largest}"


def region_text(row: pd.Series, unit: str, scale: float) -> str:
    """The region in which a claim holds, in words."""
    low = f"{scale * row.low:.4g}"
    high = f"{scale * row.high:.4g}"
    if np.isinf(row.low):
        return f"at most {high}{unit}"
    if np.isinf(row.high):
        return f"above {low}{unit}"
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


def uneven_summary(folder: Path) -> pd.DataFrame:
    """A row per claim about who bears the errors, and on each data set its verdict and value."""
    table = claims.load_claims(Path(folder) / "claims.csv")
    table = table.loc[table.claim.str.startswith("U")]
    rows = []
    for number, of_claim in table.groupby(claim_numbers(table), sort=False):
        row = {"": number, "claim": f"{of_claim.words.iloc[0]}"}
        by_claim = of_claim.set_index("claim")
        for name in UNEVEN_SETS:
            row[name] = "not testable here"
            if f"{number} {name}" in by_claim.index:
                judged = by_claim.loc[f"{number} {name}"]
                row[name] = f"{judged.verdict} ({judged.value:.2f})"
        rows.append(row)
    return pd.DataFrame(rows)


def network_names(table: pd.DataFrame) -> str:
    """The networks of a table of claims, in words."""
    pairs = table.loc[:, ["model", "seed"]].drop_duplicates().to_dict("records")
    return ", ".join(network_name(row["model"], row["seed"]) for row in pairs)
