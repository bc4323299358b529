"""What an auditor is worth beside confidence and a deep ensemble, in sentences from results/."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from visionfail import corruptions, failure, report, results
from visionfail.names import readable, with_interval
from visionfail.studies import auditing

UNSEEN = ("Gaussian blur", "contrast", "JPEG compression", "pixelate", "8x8 digits")
STANDINGS = {"win": "ahead", "tie": "level", "loss": "behind", "undecided": "undecided"}
TOGETHER = "auditor + ensemble"
WORDS = {"shifted": "all shifted digits", "shifted without rotation": "those not rotated"}


def shift_sentence(folder: Path) -> str:
    """Where an auditor is ahead of confidence and of a deep ensemble, and where both combined."""
    table = failure.load_comparison(Path(folder) / "mnist-verdicts.csv")
    table = table.set_index(["detector", "baseline"])
    confidence = table.loc[("auditor", "1 - confidence")].set_index("slice")
    ensemble = table.loc[("auditor", report.ENSEMBLE)].set_index("slice")
    both = table.loc[(TOGETHER, report.ENSEMBLE)].set_index("slice")
    new = both.index[both.index.str.endswith(", left out") | both.index.isin(UNSEEN)]
    behind = [(rows.outcome[new] == "loss").sum() for rows in (confidence, ensemble, both)]
    all_four, not_rotated = WORDS
    return (
        "**Knowing when it is wrong.** An auditor reads a digit classifier's activations and says "
        "how likely the answer is wrong. Its lead in AUROC (the chance that a wrong answer gets a "
        "higher score than a right one) on shifts that it was trained on: over confidence "
        f"{judged_lead(confidence.loc[all_four])}, over a deep ensemble (five classifiers, the "
        f"judged one among them) {judged_lead(ensemble.loc[all_four])}, n = "
        f"{int(both.n[all_four]):,} digits. Without the rotated ones: "
        f"{judged_lead(confidence.loc[not_rotated])} and "
        f"{judged_lead(ensemble.loc[not_rotated])}, n = {int(both.n[not_rotated]):,}. "
        f"Shift by shift: {shift_by_shift(confidence.outcome, ensemble.outcome)}. "
        f"{combined(both.outcome, table.loc[(TOGETHER, 'auditor')].set_index('slice').outcome)} "
        f"On {len(new)} shifts that it was not trained on the auditor is behind confidence in "
        f"{behind[0]} and behind the ensemble in {behind[1]}, both combined behind the ensemble in "
        f"{behind[2]}."
    )


def more_kinds_sentence(folder: Path) -> str:
    """What learning more kinds of shift does to an auditor's lead under the others."""
    rows, _ = results.load_run("mnist-auditor", folder=folder)
    metric = "AUROC, lead with the most kinds learnt minus with one: "
    rows = rows.loc[rows.metric.str.startswith(metric)]
    rows = rows.set_index(rows.metric.str.removeprefix(metric))
    whole = rows.loc["all kinds"]
    rest = rows.drop("all kinds")  # one kind of shift left out of those that are met
    other = rest.loc[(rest.value - whole.value).abs().idxmax()]
    return (
        f"Exploratory: trained on {len(rest) - 1} of {len(rest)} kinds of shift instead of on one, "
        "the auditor's lead over confidence under kinds that it was not trained on changes by "
        f"{lead_text(whole)}, n = {int(whole.n):,} digits. Of the {len(rest)} kinds left out in "
        f"turn, {other.name.removeprefix('without ')} changes this most, to {lead_text(other)}, "
        "which is not corrected for the choice."
    )


def combined(beside_ensemble: pd.Series, beside_auditor: pd.Series) -> str:
    """A sentence on the learnt slices where auditor and ensemble combined win against each."""
    wins = (beside_ensemble == "win") & (beside_auditor == "win")
    wins = wins.loc[[*WORDS, *corruptions.SHIFTS]].rename(WORDS)
    best = listed(wins.index[wins])
    others = f", but not on {listed(wins.index[~wins])}" if not wins.all() else ""
    return f"Auditor and ensemble combined are ahead of each alone on {best}{others}."


def shift_by_shift(beside_confidence: pd.Series, beside_ensemble: pd.Series) -> str:
    """How the auditor stands on the four shifts by both outcomes, said once if alike."""
    first, second = by_standing(beside_confidence), by_standing(beside_ensemble)
    if first == second:
        return f"beside either {first}"
    return f"beside confidence {first}; beside the ensemble {second}"


def by_standing(outcomes: pd.Series) -> str:
    """The four shifts by outcome, in words: "ahead on rotation, behind on translation"."""
    of_shifts = outcomes.loc[list(corruptions.SHIFTS)]
    words = []
    for outcome, standing in STANDINGS.items():
        names = of_shifts.index[of_shifts == outcome]
        if len(names):
            words.append(f"{standing} on {listed(names)}")
    return ", ".join(words)


def listed(names: Iterable[str]) -> str:
    """Names in words: "rotation, noise and occlusion", or "none"."""
    *first, last = list(names) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def lead_text(row: pd.Series) -> str:
    """A lead in AUROC with its 95% interval."""
    return f"{row.value:+.3f} (95% {row.lo:+.3f} to {row.hi:+.3f})"


def judged_lead(row: pd.Series) -> str:
    """A lead in AUROC with its 95% interval and what that says."""
    standing = STANDINGS[row.outcome]
    if row.outcome == "undecided" and row.lo * row.hi > 0:  # 0 is outside the interval that is told
        of_seeds = row.seed_lo <= 0 <= row.seed_hi
        standing += ", by seeds alone" if of_seeds else ", corrected for all comparisons"
    return lead_text(row).replace(")", f": {standing})")


def cifar_auditor_sentence(folder: Path) -> str:
    """Whether an auditor of a CIFAR-10 network helps under corruptions it has not learnt from."""
    compared = failure.load_comparison(Path(folder) / "auditor-cifar10-verdicts.csv")
    headline = compared.loc[compared.prespecified].iloc[0]
    same = (compared.slice == headline.slice) & (compared.detector == headline.detector)
    ensemble = compared.loc[same & compared.baseline.str.startswith("ensemble")].iloc[0]
    rows, _ = results.load_run("auditor-cifar10", folder=folder)
    rows = rows.loc[rows.condition.str.startswith(f"{headline.slice} (learnt: ")]
    learnt = rows.condition.str.extract(r"\(learnt: (.*)\)")[0]
    by_corruption = compared.loc[(compared.detector == headline.detector)]
    by_corruption = by_corruption.loc[by_corruption.baseline == headline.baseline]
    directions = []
    for families, row in zip(learnt, rows.itertuples(), strict=True):
        without = lead_without_frost(by_corruption.set_index("slice").value, families)
        lead = with_interval(row.value, row.lo, row.hi, form="+.3f")
        directions.append(f"{lead} trained on {families} ({without})")
    return (
        "**The same on CIFAR-10.** AUROC of an auditor of a ResNet-18 minus that of confidence, "
        f"under corruptions that it was not trained on: {judged_lead(headline)}, n = "
        f"{int(headline.n):,} images; {', '.join(directions)}. Judged twice: after a first verdict "
        "draws, frost and interval were changed. Beside a deep ensemble it is "
        f"{STANDINGS[ensemble.outcome]}: {ensemble.value:+.3f} ({ensemble.lo:+.3f} to "
        f"{ensemble.hi:+.3f}, over all that its stored answers leave open)."
    )


def lead_without_frost(leads: pd.Series, families: str) -> str:
    """What our texture of frost does in one direction: the mean lead (by corruption) without it."""
    held_out = [names for trained, names in auditing.FAMILIES.items() if trained != families]
    others = [readable(name) for names in held_out for name in names if name != "frost"]
    if len(others) == sum(map(len, held_out)):
        return "our frost among them"
    measured = leads.reindex(others).dropna()  # a corruption with few failures has no lead
    return f"{measured.mean():+.3f} without our frost"
