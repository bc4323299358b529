"""The tables that notebook 12 shows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visionfail.data import ImageSet
from visionfail.metrics import Estimate
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


def resizing_table(networks: Mapping[str, Trained], counts: np.ndarray) -> pd.DataFrame:
    """A row per kernel of a frozen network at 128: validation accuracy, and minus bilinear's.

    Columns: resizing, accuracy, lo, hi, minus bilinear, from, to, n, seeds.
    """
    rows = []
    for kernel in ("", "-bicubic", "-bicubic-pil"):
        trained = networks.get(f"frozen-128{kernel}")
        if trained is None:
            continue
        of_val = resampled(len(trained.val.labels), counts)
        row: dict[str, object] = {"resizing": trained.member.resizing}
        accuracy = measures.accuracy_of(trained.val, of_val)
        row["accuracy"], row["lo"], row["hi"] = accuracy.interval()
        gained = accuracy_gained(trained.val, networks["frozen-128"].val, of_val)
        row["minus bilinear"], row["from"], row["to"] = gained.interval()
        rows.append({**row, "n": of_val.shape[1], "seeds": len(trained.seconds)})
    return pd.DataFrame(rows)


def brightness_table(images: ImageSet) -> pd.DataFrame:
    """A row per class: its pictures, their mean brightness and contrast, from 0 to 1.

    Contrast is the standard deviation of a picture's pixels, mean over pictures.
    """
    rows = []
    for k, name in enumerate(images.classes):
        pixels = images.images[images.labels == k].float() / 255  # (n, C, H, W)
        row = {"class": name, "images": len(pixels), "brightness": pixels.mean().item()}
        row["contrast"] = pixels.std(dim=(1, 2, 3)).mean().item()
        rows.append(row)
    return pd.DataFrame(rows)


def values_table(found: Mapping[str, Found], keys: Sequence[str]) -> pd.DataFrame:
    """A row per claim of `keys` that was measured: claim, words, value, lo, hi, n."""
    words = {claim.key: claim.words for claim in TRANSFER_CLAIMS}
    rows = []
    for key in keys:
        if key in found:
            value = found[key]
            row = {"claim": key, "words": words[key], "value": value.value}
            rows.append({**row, "lo": value.lo, "hi": value.hi, "n": value.n})
    return pd.DataFrame(rows)


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
            gained = measures.gained(estimate, before[measure])
            value, lo, hi = gained.interval()
            row: dict[str, object] = {"change": networks[name].member.words, "measure": measure}
            row["seeds"] = len(gained.exact)
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
