"""The main findings in a few sentences, computed from results/: what the README begins with."""

from pathlib import Path

from visionfail import claims, results
from visionfail.findings import tables
from visionfail.findings.auditor_sentences import cifar_auditor_sentence, shift_sentence
from visionfail.names import readable

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
        shift_sentence(folder),
        cifar_auditor_sentence(folder),
        budget_sentence(folder),
        risk_sentence(folder),
        claims_sentence(folder),
    ]


def accuracy_sentence(folder: Path) -> str:
    """How far accuracy falls under CIFAR-10-C, and the worst of it."""
    table, _ = results.load_run("cifar10c-resnet18-standard-s0", folder=folder)
    accuracy = table[table.metric == "accuracy"].set_index(["condition", "severity"]).value
    clean = accuracy["clean", 0]
    means = table[(table.condition == "mean of 14 without frost") & (table.metric == "accuracy")]
    mean = means.iloc[0]
    worst = table[(table.metric == "accuracy") & (table.severity == SEVERE)]
    worst = worst.loc[worst.value.idxmin()]
    lost = {name: 100 * (clean - accuracy[name, SEVERE]) for name in ("brightness", "contrast")}
    return (
        f"**Worse pictures.** A ResNet-18 gets {clean:.1%} of clean CIFAR-10 test images right, "
        f"and {mean.value:.1%} (95% {mean.lo:.1%} to {mean.hi:.1%}, n = {int(mean.n):,} images) on "
        "the mean of CIFAR-10-C's corruptions (14 of the 15: frost is left out). At the strongest "
        f"severity {readable(worst.condition)} leaves {worst.value:.1%} ({worst.lo:.1%} to "
        f"{worst.hi:.1%}); brightness costs {lost['brightness']:.1f} points, contrast "
        f"{lost['contrast']:.1f}."
    )


def confidence_sentence(folder: Path) -> str:
    """How far confidence falls with accuracy."""
    table, _ = results.load_run("cifar10c-resnet18-standard-s0", folder=folder)
    measured = table[table.metric.isin(["accuracy", "confidence", "ece"]) & table.severity.notna()]
    means = measured.pivot_table(index="severity", columns="metric", values="value")
    fall = 100 * (means.loc[0] - means.loc[SEVERE])  # points
    return (
        f"**Silent failure.** From clean images to severity {SEVERE} the network's accuracy falls "
        f"by {fall.accuracy:.0f} points and its confidence by {fall.confidence:.0f}, on the mean "
        "of 19 corruptions. The calibration error (ECE: the mean over bins of confidence of its "
        f"distance to accuracy) grows from {means.ece[0]:.3f} to {means.ece[SEVERE]:.3f}."
    )


def uneven_sentence(folder: Path) -> str:
    """Which class of which set errs most, and how alike the errors of training seeds are."""
    table, _ = results.load_run("uneven", folder=folder)
    table = table.loc[table.split == "test"]
    verdicts = claims.load_claims(Path(folder) / "claims.csv").set_index("claim").verdict
    lowest = []
    for name, dataset in tables.SETS.items():
        classes = table.loc[(table.dataset == dataset) & (table.metric == "accuracy")]
        overall = classes.loc[classes.condition == "all classes"].iloc[0]
        worst = classes.loc[classes.value.idxmin()]
        interval = f"95% {worst.lo:.0%} to {worst.hi:.0%}, n = {int(worst.n):,} {THINGS[name]}"
        lowest.append(
            f"{worst.condition} on {name} ({worst.value:.0%} right, {interval}; all classes "
            f"{overall.value:.1%})"
        )
    told = [f"{verdicts[f'U1 {name}']} on {name}" for name in tables.SETS]
    kappas = table.loc[table.metric == "kappa of being wrong", "value"]
    return (
        f"**Uneven errors.** The class of lowest accuracy is {', '.join(lowest)}; means over "
        "training seeds. That best and worst class differ by five points or more: "
        f"{', '.join(told)}. Networks that differ in their training seed err on the same images: "
        f"Cohen's kappa {kappas.min():.2f} to {kappas.max():.2f} by set, where chance would give 0."
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
    clean = table.loc[
        (table.metric == "accuracy, FGSM at 0/255") & (table.condition == "defended"), "value"
    ].iloc[0]
    return (
        "**How little it takes.** A change of at most 8 of 255 grey levels a pixel (PGD, twenty "
        f"steps) leaves so many answers right: {', '.join(left)}. At 8 the wrong answers come with "
        f"a mean confidence of {sure.min():.0%} to {sure.max():.0%}, which the attack seeks. A "
        f"network trained on attacked CIFAR-10 images keeps {kept.value:.1%} (95% {kept.lo:.1%} to "
        f"{kept.hi:.1%}, n = {int(kept.n):,}) and pays with {clean:.1%} on clean ones."
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
    robust = judged.loc["D13"]
    pair = table.loc[table.condition == "control: difference"].iloc[0]
    return (
        f"**Transfer.** An ImageNet ResNet-18 (weights: {made['config']['weights']}), fine-tuned "
        f"on CIFAR-10 at 128 pixels, gets {clean.value:.1%} right (95% {clean.lo:.1%} to "
        f"{clean.hi:.1%}, n = {int(clean.n):,}). Learnt from 10,000 images at 64 pixels, a new "
        f"head on frozen features gets {rungs['ladder: frozen, 64']:.1%}, fine-tuning "
        f"{rungs['ladder: fine-tuned, 64']:.1%}, training from scratch "
        f"{rungs['ladder: from scratch, 64']:.1%}. Before another class's background "
        f"{100 * gap.value:.0f} points fewer objects are recognised than before their own class's "
        f"(95% {100 * gap.lo:.0f} to {100 * gap.hi:.0f}, n = {int(gap.n):,}). Under corruption the "
        f"pre-trained one keeps {robust.value * 100:+.1f} points of its clean accuracy beside "
        "ResNet-18, which differs in pixels, stem and recipe; of two recipes at 64 pixels that "
        f"differ in start, frozen stages and epochs, {100 * pair.value:+.1f} "
        f"({100 * pair.lo:+.1f} to {100 * pair.hi:+.1f}, n = {int(pair.n):,})."
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
    of_claim = exploratory.groupby([table["where"], tables.claim_numbers(table)])
    throughout = int(of_claim.all().sum())
    in_part = int(of_claim.any().sum()) - throughout
    twice = table.loc[table.status == claims.TWICE, "claim"].nunique()
    return (
        f"**Claims and verdicts.** Of {by_where.to_numpy().sum()} claims, nearly all from earlier "
        f"unpublished work, {', '.join(counted)}. Each has a statistic and a region that were "
        f"written down before it was judged. {throughout} are exploratory throughout (rules "
        "made or changed with results in view, or test images whose answers were known), "
        f"{in_part} for some of their networks or data sets, and {twice} were judged twice, for "
        "their classifiers were changed after a first verdict."
    )


def budget_sentence(folder: Path) -> str:
    """Whether a risk budget is met, and where it breaks."""
    table, made = results.load_run("mnist-budgets", folder=folder)
    met = table[table.metric == f"budget met, budget {BUDGET:g}: {DETECTOR}"]
    if met.empty:
        raise ValueError(f"mnist-budgets.csv has no budget of {BUDGET:g}: run notebook 10.")
    pooled = table[table.metric == f"pooled risk, budget {BUDGET:g}: {DETECTOR}"]
    pooled = pooled.set_index("condition")
    worst = pooled.loc[pooled.drop("mix").value.idxmax()]
    coverage = table[table.metric == f"coverage, budget {BUDGET:g}: {DETECTOR}"]
    on_mix = coverage.loc[coverage.condition == "mix", "value"].mean()
    under = coverage.loc[coverage.condition == worst.name]
    nearly_none = int((under.value * under.n < FEW_ACCEPTED).sum())
    return (
        "**Risk budgets.** A threshold on the auditor's score, set so that with probability "
        f"{1 - made['config']['delta']:.0%} at most {BUDGET:.0%} of the accepted answers are "
        f"wrong, keeps that in {met.value.mean():.1%} of random re-splits of {int(worst.n):,} "
        f"digits and answers {on_mix:.0%} of them, while pictures stay alike. Under {worst.name}, "
        f"which nothing was trained on, {nearly_none} of {len(under)} seeds accept fewer than "
        f"{FEW_ACCEPTED} digits, and of what is accepted {worst.value:.0%} is wrong (95% "
        f"{worst.lo:.0%} to {worst.hi:.0%})."
    )
