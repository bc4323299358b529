"""The tables that notebook 12 shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import corruptions, evaluation, profiles
from visionfail.metrics import Estimate, ratio_of_sums
from visionfail.studies.transfer import measures
from visionfail.studies.transfer.answers import CORRUPTED, Asked, Trained
from visionfail.studies.transfer.backgrounds import SWAPS, Swapped
from visionfail.studies.transfer.claims import (
    CAT,
    DOG,
    OTHER_ANIMALS,
    PAIRS,
    TRANSFER_CLAIMS,
    Found,
)
from visionfail.studies.transfer.duplicates import Nearest
from visionfail.studies.transfer.hypotheses import (
    accuracy_gained,
    best_constant,
    kept_when_shuffled,
    resampled,
)
from visionfail.studies.transfer.recipes import BASELINE
from visionfail.studies.transfer.shifts import TILES

FOLLOW_UPS = ("cutmix-64", "mixup-64", "weighted-64", "hard-64")


def hypotheses_table() -> pd.DataFrame:
    """A row per claim: claim, words, statistic, low, high (the region in which it holds)."""
    columns = ["claim", "words", "statistic", "low", "high"]
    rows = [(c.key, c.words, c.statistic, c.low, c.high) for c in TRANSFER_CLAIMS]
    return pd.DataFrame(rows, columns=columns).replace([np.inf, -np.inf], np.nan)


def accuracy_without(
    asked: Asked, near: np.ndarray, counts: np.ndarray
) -> dict[str, tuple[float, float, float]]:
    """{"on all", "without near duplicates", "on these alone": (accuracy, lo, hi)}."""
    chosen = {"on all": np.ones_like(near), "without near duplicates": ~near}
    chosen["on these alone"] = near
    right = asked.correct
    return {
        words: measures.mean_of(right, counts, among=among).interval()
        for words, among in chosen.items()
    }


def log_ratio(above: np.ndarray, below: np.ndarray, *, bootstraps: int = 1000) -> Found:
    """The mean over images of log(above / below), each (N,), with its interval."""
    ratio = np.log(above / below)[None]  # (1, N)
    n = ratio.shape[1]
    counts = resampled(n, np.empty((bootstraps, 0)))
    return Found.of(measures.mean_of(ratio, counts), n=n)


def ablation_table(networks: Mapping[str, Trained], counts: np.ndarray) -> pd.DataFrame:
    """A row per way of training: recipe, seeds, accuracy, lo, hi, the baseline minus it."""
    rows = []
    best = best_constant(networks)
    for name, trained in networks.items():
        if not (name in (BASELINE, "at-once-64") or name.startswith("constant-")):
            continue
        value, lo, hi = measures.accuracy_of(trained.test, counts).interval()
        row = {"recipe": trained.member.words, "seeds": len(trained.seconds)}
        row.update({"accuracy": value, "lo": lo, "hi": hi})
        row["validation, seed 0"] = trained.val.correct[0].mean()
        gained = accuracy_gained(networks[BASELINE].test, trained.test, counts)
        if name in ("at-once-64", best):
            row["baseline minus it"], row["from"], row["to"] = gained.interval()
        rows.append({**row, "n": counts.shape[1]})
    return pd.DataFrame(rows)


def swap_table(swapped: Swapped, counts: np.ndarray) -> pd.DataFrame:
    """A row per swap and group of classes: swap, classes, value, lo, hi (accuracy)."""
    sky = np.isin(swapped.labels, PAIRS["D6b"])
    groups = {"all": np.ones_like(sky), "airplane, bird": sky, "the others": ~sky}
    rows = []
    for swap in SWAPS:
        right = swapped.right[swap].mean(axis=0)[None]  # (1, N), mean over draws
        for words, among in groups.items():
            value, lo, hi = measures.mean_of(right, counts, among=among).interval()
            rows.append({"swap": swap, "classes": words, "value": value, "lo": lo, "hi": hi})
    return pd.DataFrame(rows)


def shuffled_table(networks: Mapping[str, Trained], counts: np.ndarray) -> pd.DataFrame:
    """A row per recipe, group of classes and tiles along a side: right answers kept, lo, hi."""
    rows = []
    for name in (BASELINE, "cutmix-64"):
        if name not in networks:
            continue
        trained = networks[name]
        m = trained.shuffled(TILES[0]).shape[1]
        labels = trained.test.labels[:m]
        groups = {"all": np.ones(m, dtype=bool), "cat, dog": np.isin(labels, (CAT, DOG))}
        groups["other animals"] = np.isin(labels, OTHER_ANIMALS)
        for words, among in groups.items():
            for tiles in TILES:
                kept = kept_when_shuffled(trained, among, resampled(m, counts), tiles=tiles)
                value, lo, hi = kept.interval()
                row = {"recipe": trained.member.words, "classes": words, "tiles": tiles}
                rows.append({**row, "kept": value, "lo": lo, "hi": hi, "n": int(among.sum())})
    return pd.DataFrame(rows)


def confident_mistakes(
    asked: Asked, nearest: Nearest, *, classes: Sequence[str], count: int
) -> pd.DataFrame:
    """The surest wrong answers: image, label, answer, confidence, and the training image nearest.

    words and beside are captions of the two.
    """
    wrong = np.flatnonzero(~asked.correct[0])
    sure = wrong[np.argsort(-asked.log_odds[0][wrong].astype(float), kind="stable")][:count]
    label = [classes[k] for k in asked.labels[sure]]
    answer = [classes[k] for k in asked.predicted[0][sure]]
    table = pd.DataFrame({"image": sure, "label": label, "answer": answer})
    table["confidence"] = asked.confidence[0][sure]
    table["nearest"] = nearest.index[sure]
    table["correlation"] = nearest.correlation[sure]
    table["words"] = [f"{a}\nfor {b}" for a, b in zip(answer, label, strict=True)]
    table["beside"] = [f"{value:.2f}" for value in table.correlation]
    return table


def changes_table(networks: Mapping[str, Trained], counts: np.ndarray) -> pd.DataFrame:
    """What each follow-up changes: a row per change and measure: change, measure, value, lo, hi.

    Differences to the baseline, by the seeds that both have, in the measures' own units.
    """
    if BASELINE not in networks:
        return pd.DataFrame()
    before = estimates_of(networks[BASELINE], counts)
    rows = []
    for name in FOLLOW_UPS:
        if name not in networks:
            continue
        after = estimates_of(networks[name], counts)
        for measure, estimate in after.items():
            seeds = len(estimate.exact)
            of_baseline = before[measure]
            paired = Estimate(of_baseline.exact[:seeds], of_baseline.samples[:, :seeds])
            value, lo, hi = (estimate - paired).interval()
            row = {"change": networks[name].member.words, "measure": measure, "seeds": seeds}
            rows.append({**row, "value": value, "lo": lo, "hi": hi})
    return pd.DataFrame(rows)


def estimates_of(trained: Trained, counts: np.ndarray) -> dict[str, Estimate]:
    """{measure: Estimate} of a recipe: the five by which follow-ups are judged."""
    under = trained.under(CORRUPTED)  # (S, M)
    few = resampled(under.shape[1], counts)
    return {
        "accuracy": measures.accuracy_of(trained.test, counts),
        "macro F1": measures.macro_f1(trained.test, counts),
        "19 corruptions": measures.mean_of(under, few),
        "ECE": measures.calibration_error(trained.test, counts),
        "worst class": measures.worst_recall(trained.test, counts),
    }


def robustness_table(reference: evaluation.Outcomes, counts: np.ndarray) -> pd.DataFrame:
    """A row per network: clean accuracy, mean under the 15 corruptions, their ratio, lo, hi."""
    rows = []
    for name, outcomes in networks_beside(reference).items():
        value, lo, hi = share_kept(outcomes, counts).interval()
        row = {"network": name, "clean": outcomes.correct[outcomes.at("clean", 0)].mean()}
        row["15 corruptions"] = corrupted_share(outcomes).mean()
        rows.append({**row, "kept": value, "lo": lo, "hi": hi, "n": counts.shape[1]})
    return pd.DataFrame(rows)


def networks_beside(reference: evaluation.Outcomes) -> dict[str, evaluation.Outcomes]:
    """{name: answers under every corruption} of the reference and ResNet-18, seeds 0 and 1."""
    folder = Path(profiles.FULL.results)
    found = {"reference": reference}
    for seed in (0, 1):
        stem = f"cifar10c-resnet18-standard-s{seed}"
        found[f"resnet18 s{seed}"] = evaluation.Outcomes.load(folder / f"{stem}.npz")
    return found


def corrupted_share(outcomes: evaluation.Outcomes) -> np.ndarray:
    """The share of the 15 corruptions and five severities that each image survives, (N,)."""
    rows = [
        outcomes.at(name, severity)
        for name in corruptions.CORRUPTIONS
        for severity in (1, 2, 3, 4, 5)
    ]
    return outcomes.correct[rows].mean(axis=0)


def share_kept(outcomes: evaluation.Outcomes, counts: np.ndarray) -> Estimate:
    """Mean accuracy under the 15 corruptions over clean accuracy, as of one seed."""
    clean = outcomes.correct[outcomes.at("clean", 0)][None].astype(float)
    kept = corrupted_share(outcomes)[None]
    return ratio_of_sums(kept, clean, counts)


def of_robustness(reference: evaluation.Outcomes, counts: np.ndarray) -> dict[str, Found]:
    """{"D13": value}: what the reference keeps more than ResNet-18, seeds 0 and 1.

    The mean of both differences; the interval reaches over both, so a verdict is one both share.
    """
    ours = share_kept(reference, counts)
    beside = networks_beside(reference)
    ahead = []
    for seed in (0, 1):
        ahead.append((ours - share_kept(beside[f"resnet18 s{seed}"], counts)).interval())
    values, lows, highs = zip(*ahead, strict=True)
    mean = sum(values) / len(values)
    return {"D13": Found(mean, min(lows), max(highs), n=counts.shape[1], seeds="0")}
