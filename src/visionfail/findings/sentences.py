"""The main findings in a few sentences, computed from results/: what the README begins with."""

from pathlib import Path

import numpy as np

from visionfail import claims, report, results
from visionfail.findings import tables
from visionfail.names import readable

SEVERE = 5
BUDGET = 0.02
UNSEEN = ("Gaussian blur", "contrast", "JPEG compression", "pixelate", "8x8 digits")
THINGS = {"SVHN": "houses", "GTSRB": "signs", "CIFAR-10": "images"}  # what is independent
DETECTOR = "auditor"  # whose risk budgets are told


def main_sentences(folder: Path) -> list[str]:
    """The main findings in plain words, computed from the tables in `folder`."""
    return [
        accuracy_sentence(folder),
        confidence_sentence(folder),
        uneven_sentence(folder),
        attack_sentence(folder),
        shift_sentence(folder),
        budget_sentence(folder),
        risk_sentence(folder),
        claims_sentence(folder),
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
        "**Knowing when it is wrong.** Under shifts that it was trained on, an auditor that reads "
        f"a digit classifier's activations tells failures {rank} the classifier's own confidence: "
        "its AUROC, the chance that a wrong answer gets a higher score than a right one, differs "
        f"by {overall.value:+.3f} ({interval}), without the rotated digits by "
        f"{not_rotated.value:+.3f}. Under shifts that it was not trained on it is worse in "
        f"{losses} of {len(unseen)}; a deep ensemble of five classifiers is worse in "
        f"{of_ensemble.get('loss', 0)} and better in {of_ensemble.get('win', 0)}. An auditor that "
        f"reads the ensemble, too, is ahead by {both.value:+.3f} where it was trained."
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
        f"**Worse pictures.** A ResNet-18 gets {clean:.1%} of clean CIFAR-10 test images right, "
        f"and {mean.value:.1%} ({interval}) on the mean of CIFAR-10-C's corruptions (14 of the 15: "
        f"frost is left out). At the strongest severity {readable(worst.condition)} leaves "
        f"{worst.value:.1%}; brightness costs {lost['brightness']:.1f} points, contrast "
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
    verdicts = claims.load_claims(Path(folder) / "claims.csv").set_index("claim").verdict
    gaps = []
    for name, dataset in tables.SETS.items():
        classes = table.loc[(table.dataset == dataset) & (table.metric == "accuracy")]
        overall = classes.loc[classes.condition == "all classes"].iloc[0]
        worst = classes.loc[classes.value.idxmin()]
        gaps.append(
            f"{worst.condition} on {name} ({worst.value:.0%} right, all classes "
            f"{overall.value:.1%}, n = {int(overall.n):,} {THINGS[name]})"
        )
    told = [f"{verdicts[f'U1 {name}']} on {name}" for name in tables.SETS]
    kappas = table.loc[table.metric == "kappa of being wrong", "value"]
    return (
        f"**Uneven errors.** The worst class is {', '.join(gaps)}. That best and worst class "
        f"differ by five points or more: {', '.join(told)}. Networks that differ in their training "
        f"seed err on the same images: Cohen's kappa {kappas.min():.2f} to {kappas.max():.2f} by "
        "set, where chance would give 0."
    )


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
        left.append(f"{row.value:.1%} on {name} ({at_two:.0%} at 2, {things})")
    sure = rows.value["confidence when wrong"].xs("standard", level="condition")
    kept = rows.loc[("accuracy", "cifar10", "defended")]
    return (
        "**How little it takes.** A change of at most 8 of 255 grey levels a pixel (PGD, twenty "
        f"steps) leaves so many answers right: {', '.join(left)}. The wrong answers come with a "
        f"mean confidence of {sure.min():.0%} to {sure.max():.0%}. A network trained on attacked "
        f"CIFAR-10 images keeps {kept.value:.1%} (95% {kept.lo:.1%} to {kept.hi:.1%})."
    )


def transfer_sentence(folder: Path) -> str:
    """What ImageNet's weights buy on CIFAR-10, and what its answers hang on."""
    table, made = results.load_run("transfer", folder=folder)
    clean = table.loc[(table.condition == "clean") & (table.metric == "accuracy")].iloc[0]
    rungs = table.loc[table.condition.str.startswith("ladder: ")]
    rungs = rungs.loc[rungs.metric == "accuracy"]
    names = rungs.condition.str.replace(r" \(weights: .*\)$", "", regex=True)
    rungs = rungs.set_index(names).value
    judged = claims.load_claims(Path(folder) / "claims.csv").set_index("claim")
    gap = judged.loc["D8b"]
    return (
        f"**Transfer.** An ImageNet ResNet-18 (weights: {made['config']['weights']}), fine-tuned "
        f"on CIFAR-10 at 128 pixels, gets {clean.value:.1%} right (95% {clean.lo:.1%} to "
        f"{clean.hi:.1%}, n = {int(clean.n):,}). Learnt from 10,000 images at 64 pixels, a new "
        f"head on frozen features gets {rungs['ladder: frozen, 64']:.1%}, fine-tuning "
        f"{rungs['ladder: fine-tuned, 64']:.1%}, training from scratch "
        f"{rungs['ladder: from scratch, 64']:.1%}. Before another class's background "
        f"{100 * gap.value:.0f} points fewer objects are recognised than before their own class's "
        f"(95% {100 * gap.lo:.0f} to {100 * gap.hi:.0f}, n = {int(gap.n):,})."
    )


def risk_sentence(folder: Path) -> str:
    """What a threshold with a guarantee does, and what becomes of it where it does not reach."""
    table = tables.risk_summary(folder)
    signs = table.loc[table.pictures == tables.RISK_SETS["gtsrb"]].set_index("condition")
    clean = signs.loc["clean"]
    worst = signs.loc[signs.index.str.endswith("the worst")]
    condition = worst.index[0].removesuffix(", the worst")
    missed = "missed of 1,000 unsafe"
    return (
        "**A threshold that means something.** A classifier of unsafe traffic signs, its threshold "
        f"set to miss at most 5% of them with a guarantee over signs, misses {clean[missed]} of "
        f"1,000 and flags {clean['flagged of 1,000 safe']} of 1,000 safe ones (95%, n = {clean.n} "
        f"signs). The guarantee ends with pictures like those that set it: under {condition} the "
        f"threshold misses {worst[missed].iloc[0]}, under an attack of 2/255 "
        f"{signs[missed].iloc[-1]}."
    )


def claims_sentence(folder: Path) -> str:
    """How many of the claims hold."""
    table = claims.load_claims(Path(folder) / "claims.csv")
    by_where = tables.verdict_counts(folder)
    verdicts = {str(verdict): int(count) for verdict, count in by_where.sum().items()}
    words = {
        "holds": "hold",
        "fails": "fail",
        "undecided": "are undecided",
        "differs": "differ between networks or data sets",
    }
    counted = [f"{verdicts[verdict]} {words[verdict]}" for verdict in words if verdicts[verdict]]
    exploratory = table.status.str.startswith("exploratory")
    amended = int(exploratory.groupby([table["where"], tables.claim_numbers(table)]).all().sum())
    twice = table.loc[table.status == claims.TWICE, "claim"].nunique()
    return (
        f"**Claims and verdicts.** Of {by_where.to_numpy().sum()} claims from earlier unpublished "
        f"work {', '.join(counted)}. Each has a statistic and a region that were written down "
        f"beforehand; {amended} are exploratory (rules changed with results in view, or test "
        f"images whose answers were known), and {twice} were judged twice, for their classifiers "
        "were changed after a first verdict."
    )


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
        "**Risk budgets.** A threshold on the auditor's score, set so that at most "
        f"{BUDGET:.0%} of the accepted answers are wrong, achieves that in "
        f"{met.value.mean():.1%} of random splits while pictures stay alike. Under {worst}, which "
        f"nothing was trained on, {pooled[worst]:.0%} of the accepted answers are wrong."
    )
