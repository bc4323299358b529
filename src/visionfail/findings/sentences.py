"""The main findings in a few sentences, computed from results/: what the README begins with."""

from pathlib import Path

import pandas as pd

from visionfail import claims, corruptions, evaluation, results
from visionfail.findings import tables
from visionfail.findings.auditor_sentences import (
    cifar_auditor_sentence,
    listed,
    more_kinds_sentence,
    shift_sentence,
)
from visionfail.findings.tables import span
from visionfail.names import readable, weights_name, with_interval

SEVERE = 5
BUDGET = 0.02
FEW_ACCEPTED = 10
THINGS = {"SVHN": "houses", "GTSRB": "signs", "CIFAR-10": "images"}  # what is independent
DETECTOR = "auditor"  # whose risk budgets are told


def main_sentences(folder: Path) -> list[str]:
    """The main findings in plain words, computed from the tables in `folder`."""
    return [
        accuracy_sentence(folder),
        confidence_sentence(folder),
        uneven_sentence(folder),
        attack_sentence(folder),
        transfer_sentence(folder),
        f"{shift_sentence(folder)} {more_kinds_sentence(folder)}",
        cifar_auditor_sentence(folder),
        budget_sentence(folder),
        risk_sentence(folder),
        claims_sentence(folder),
    ]


def accuracy_sentence(folder: Path) -> str:
    """How far accuracy falls under CIFAR-10-C, and the worst of it."""
    table, _ = results.load_run("cifar10c-resnet18-standard-s0", folder=folder)
    rows = table[table.metric == "accuracy"].set_index(["condition", "severity"])
    clean, accuracy = rows.loc[("clean", 0)], rows.value
    means = table[(table.condition == "mean of 14 without frost") & (table.metric == "accuracy")]
    mean = means.iloc[0]
    worst = table[(table.metric == "accuracy") & (table.severity == SEVERE)]
    worst = worst.loc[worst.value.idxmin()]
    lost = {
        name: 100 * (clean.value - accuracy[name, SEVERE]) for name in ("brightness", "contrast")
    }
    return (
        "**Worse pictures.** A ResNet-18 (seed 0, the one trained longest) gets "
        f"{percent(clean)} of clean CIFAR-10 test images right and {percent(mean)} on the mean of "
        f"CIFAR-10-C's corruptions (14 of the 15: frost is left out; n = {int(mean.n):,} images, "
        f"in brackets 95%). At the strongest severity {readable(worst.condition)} leaves "
        f"{percent(worst)}; brightness costs {lost['brightness']:.1f} points, contrast "
        f"{lost['contrast']:.1f}."
    )


def percent(row: pd.Series) -> str:
    """A share with its interval, in percent: "71.7% (71.3 to 72.1)"."""
    return with_interval(row.value, row.lo, row.hi, form=".1f", scale=100, unit="%")


def confidence_sentence(folder: Path) -> str:
    """How far confidence falls with accuracy, over all networks that were swept."""
    table, _ = evaluation.stored_sweeps(folder)
    ends = table.loc[table.severity.isin([0, SEVERE]) & (table.condition != "frost")]
    by = {"index": ["model", "seed"], "columns": ["metric", "severity"]}
    means = ends.pivot_table(values="value", **by)
    names = ["accuracy", "confidence"]
    fallen = {name: 100 * (means[name, 0] - means[name, SEVERE]) for name in names}
    tried = ends.loc[ends.severity == SEVERE, "condition"].nunique()
    return (
        f"**Silent failure.** From clean images to severity {SEVERE} accuracy falls by "
        f"{span(fallen['accuracy'], '.0f')} points, confidence by only "
        f"{span(fallen['confidence'], '.0f')} (ranges over {len(means)} networks; mean of {tried} "
        "corruptions, the benchmark's with its four extra ones and without frost; n = "
        f"{int(ends.n.iloc[0]):,} images). The calibration error (ECE: the mean "
        "distance of confidence to accuracy, over bins of confidence) grows from "
        f"{span(means['ece', 0], '.2f')} to {span(means['ece', SEVERE], '.2f')}; a temperature "
        f"fitted on clean images leaves {span(means['ece_scaled', SEVERE], '.2f')}."
    )


def uneven_sentence(folder: Path) -> str:
    """Which class of which set errs most, and how alike the errors of training seeds are."""
    table, _ = results.load_run("uneven", folder=folder)
    table = table.loc[table.split == "test"]
    verdicts = claims.load_claims(Path(folder) / "claims.csv").set_index("claim").verdict
    lowest = []
    for name, dataset in tables.SETS.items():
        classes = table.loc[(table.dataset == dataset) & (table.metric == "accuracy")]
        worst = classes.loc[classes.value.idxmin()]
        interval = f"95% {worst.lo:.0%} to {worst.hi:.0%}, n = {int(worst.n):,} {THINGS[name]}"
        lowest.append(
            f"{named_class(worst.condition)} on {name} ({worst.value:.0%} right, {interval})"
        )
    told = [f"{verdicts[f'U1 {name}']} on {name}" for name in tables.SETS]
    kappas = table.loc[table.metric == "kappa of being wrong"].set_index("dataset")
    alike = []
    for name, dataset in tables.SETS.items():
        row = kappas.loc[dataset]
        alike.append(f"{with_interval(row.value, row.lo, row.hi, form='.2f')} on {name}")
    return (
        "**Uneven errors.** The class of lowest accuracy, mean over training seeds, is "
        f"{', '.join(lowest)}. That best and worst class differ by five points or more: "
        f"{', '.join(told)}. Training seeds err on the same images: Cohen's kappa of being wrong, "
        f"by chance 0, is {', '.join(alike)}."
    )


def named_class(name: str) -> str:
    """The name of a class as it stands in a sentence: "the digit 6"."""
    return f"the digit {name}" if name.isdigit() else name


def attack_sentence(folder: Path) -> str:
    """What is left under attack, how sure the wrong answers are, and what a defence keeps."""
    table, _ = results.load_run("attacks", folder=folder)
    at_eight = table.loc[table.metric.str.endswith("PGD at 8/255")]
    at_eight = at_eight.assign(metric=at_eight.metric.str.removesuffix(", PGD at 8/255"))
    rows = at_eight.set_index(["metric", "dataset", "condition"])
    small = table.loc[table.metric == "accuracy, PGD at 2/255"].set_index(["dataset", "condition"])
    left = []
    for name, dataset in tables.SETS.items():
        row = rows.loc[("accuracy", dataset, "standard")]
        at_two = small.value[dataset, "standard"]
        things = f"n = {int(row.n):,} {THINGS[name]}"
        interval = f"95% {row.lo:.1%} to {row.hi:.1%}"
        left.append(f"{row.value:.1%} on {name} ({interval}, {things}; {at_two:.0%} at 2)")
    sure = rows.value["confidence when wrong"].xs("standard", level="condition")
    kept = rows.loc[("accuracy", "cifar10", "defended")]
    clean = table.loc[
        (table.metric == "accuracy, FGSM at 0/255") & (table.condition == "defended"), "value"
    ].iloc[0]
    return (
        "**How little it takes.** A change of at most 8 of 255 grey levels a pixel (PGD, twenty "
        f"steps) leaves so many answers right: {', '.join(left)}. At 8 the wrong answers come with "
        f"a mean confidence of {sure.min():.0%} to {sure.max():.0%}, which the attack seeks. A "
        f"network trained on attacked CIFAR-10 images keeps {kept.value:.1%} (95% {kept.lo:.1%} to "
        f"{kept.hi:.1%}, n = {int(kept.n):,}) and gets {clean:.1%} of clean ones right."
    )


def transfer_sentence(folder: Path) -> str:
    """What ImageNet's weights buy on CIFAR-10, and what its answers hang on."""
    table, made = results.load_run("transfer", folder=folder)
    clean = table.loc[(table.condition == "clean") & (table.metric == "accuracy")].iloc[0]
    rungs = table.loc[table.condition.str.startswith("ladder: ")]
    rungs = rungs.loc[rungs.metric == "accuracy"]
    names = rungs.condition.str.replace(r" \(weights: .*\)$", "", regex=True)
    rungs = {name: percent(rungs.iloc[k]) for k, name in enumerate(names)}
    judged = claims.load_claims(Path(folder) / "claims.csv").set_index("claim")
    gap, robust = judged.loc["D8b"], judged.loc["D13"]
    without_frost = table.loc[table.condition == "control of D13", "value"]
    if without_frost.empty:
        raise ValueError("transfer.csv has no control of D13: run notebook 12.")
    kept = with_interval(robust.value, robust.lo, robust.hi, form="+.1f", scale=100, unit=" points")
    return (
        f"**Transfer.** An ImageNet ResNet-18 ({weights_name(made['config']['weights'])}), "
        f"fine-tuned on CIFAR-10 at 128 pixels, gets {clean.value:.1%} right (95% {clean.lo:.1%} "
        f"to {clean.hi:.1%}, n = {int(clean.n):,}). Learnt from 10,000 images at 64 pixels, a new "
        f"head on frozen features gets {rungs['ladder: frozen, 64']}, fine-tuning "
        f"{rungs['ladder: fine-tuned, 64']}, training from scratch "
        f"{rungs['ladder: from scratch, 64']} (means over seeds). Before another class's "
        "background "
        f"{100 * gap.value:.0f} points fewer objects are recognised than before their own class's "
        f"(95% {100 * gap.lo:.0f} to {100 * gap.hi:.0f}, n = {int(gap.n):,}). The share of its "
        f"clean accuracy that it keeps under corruption is {kept} beside ResNet-18's at 32 pixels, "
        f"{100 * without_frost.iloc[0]:+.1f} without frost: {robust.verdict}, by one pre-trained "
        "network, which differs in pixels, stem and recipe, too."
    )


def risk_sentence(folder: Path) -> str:
    """What a threshold with a guarantee does, and what becomes of it where it does not reach."""
    table = tables.risk_summary(folder)
    signs = table.loc[table.pictures == tables.RISK_SETS["gtsrb"]].set_index("condition")
    clean = signs.loc["clean"]
    worst = signs.loc[signs.index.str.contains(", the worst of ")]
    condition = worst.index[0].partition(", the worst of ")[0]
    missed = "missed of 1,000 unsafe"
    return (
        "**A threshold that means something.** A classifier of unsafe traffic signs, its threshold "
        f"set to miss at most 5% of them with a guarantee over signs, misses {clean[missed]} of "
        f"1,000 and flags {clean['flagged of 1,000 safe']} of 1,000 safe ones (95%, n = {clean.n} "
        f"signs). The guarantee ends with pictures like those that set it: under {condition} the "
        f"threshold misses {worst[missed].iloc[0]}, of those attacked within 2/255 "
        f"{signs[missed].iloc[-1]} (n = {signs.n.iloc[-1].split(',')[0]})."
    )


def claims_sentence(folder: Path) -> str:
    """How many of the claims hold, and how many were written down before what they judge."""
    table = claims.load_claims(Path(folder) / "claims.csv")
    by_where = tables.verdict_counts(folder)
    verdicts = {str(verdict): int(count) for verdict, count in by_where.sum().items()}
    words = {
        "holds": "hold",
        "fails": "fail",
        "undecided": "are undecided",
        tables.IN_PART: "are decided on some networks or data sets only",
        tables.DIFFERS: "hold on some and fail on others",
    }
    counted = [f"{verdicts[verdict]} {words[verdict]}" for verdict in words if verdicts[verdict]]
    of_claim = [table["where"], tables.claim_numbers(table)]
    explored = table.status.str.startswith("exploratory").groupby(of_claim).all()
    twice = claims.judged_twice(table.status)
    before = table.status.str.startswith("confirmatory") & ~twice
    throughout = before.groupby(of_claim).all()
    mixed = ~explored & ~throughout
    again = int((twice.groupby(of_claim).any() & mixed).sum())
    where = ", ".join(sorted({place for place, _ in throughout.index[throughout]})) or "none"
    return (
        f"**Claims and verdicts.** Of {by_where.to_numpy().sum()} claims, nearly all from earlier "
        f"unpublished work, {', '.join(counted)}. Each has a statistic and a region in which it "
        f"holds. {throughout.sum()} ({where}) are confirmatory throughout: their rules were "
        f"written down before any statistic like theirs had been measured. {explored.sum()} are "
        "exploratory throughout: rules made or changed with results in view, or test images whose "
        f"answers were known. The other {mixed.sum()} are exploratory on some networks or data "
        f"sets, or were judged twice ({again}), after networks were added or changed or a "
        "statistic corrected."
    )


def budget_sentence(folder: Path) -> str:
    """Whether a risk budget is met, and where it breaks."""
    table, made = results.load_run("mnist-budgets", folder=folder)
    met = table[table.metric == f"budget met, budget {BUDGET:g}: {DETECTOR}"]
    if met.empty:
        raise ValueError(f"mnist-budgets.csv has no budget of {BUDGET:g}: run notebook 10.")
    pooled = table[table.metric == f"pooled risk, budget {BUDGET:g}: {DETECTOR}"]
    pooled = pooled.set_index("condition").drop(["mix", "clean"], errors="ignore")
    alone = pooled.loc[list(corruptions.SHIFTS)]
    worst = pooled.loc[pooled.value.idxmax()]
    coverage = table[table.metric == f"coverage, budget {BUDGET:g}: {DETECTOR}"]
    on_mix = coverage.loc[coverage.condition == "mix"]
    under = coverage.loc[coverage.condition == worst.name]
    seen = worst.name in alone.index
    trained_on = "one of them" if seen else "which nothing was trained on"
    accepted = (under.value * under.n).round().astype(int)
    nearly_none = int((accepted < FEW_ACCEPTED).sum())
    others = [f"{count:,}" for count in sorted(accepted[accepted >= FEW_ACCEPTED])]
    return (
        "**Risk budgets.** A threshold on the auditor's score is set so that, with probability "
        f"{1 - made['config']['delta']:.0%}, at most {BUDGET:.0%} of the accepted answers are "
        f"wrong. That is met in {met.value.mean():.1%} of {int(met.n.sum()):,} re-splits of the "
        f"digits ({len(met)} seeds) and answers {on_mix.value.mean():.0%} of "
        f"{int(on_mix.n.iloc[0]):,} test digits, as long as pictures come in the same mix. Under "
        f"one of its shifts alone it is {kept_or_broken(alone)}. Under {worst.name}, {trained_on}, "
        f"{nearly_none} of {len(under)} seeds accept fewer than {FEW_ACCEPTED} digits, the others "
        f"{listed(others)} of {int(under.n.iloc[0]):,}, and of what is accepted {worst.value:.0%} "
        f"is wrong (95% {worst.lo:.0%} to {worst.hi:.0%})."
    )


def kept_or_broken(risks: pd.DataFrame) -> str:
    """Under which shifts a budget is broken or undecided, with the share that is wrong, or kept."""
    broken, kept = risks.lo > BUDGET, risks.hi <= BUDGET
    told = []
    for word, chosen in {"broken": broken, "undecided": ~broken & ~kept}.items():
        names = [
            f"{name} ({row.value:.1%} wrong, 95% {row.lo:.1%} to {row.hi:.1%})"
            for name, row in risks.loc[chosen].iterrows()
        ]
        told += [f"{word} under {listed(names)}"] if names else []
    told += [f"kept under {listed(risks.index[kept])}"] if kept.any() else []
    return ", ".join(told)
