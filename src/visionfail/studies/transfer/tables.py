"""Tables of the pictures and of the recipes: hypotheses, resizing, ablations, follow-ups."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from visionfail import metrics
from visionfail.data import ImageSet
from visionfail.metrics import Estimate
from visionfail.studies.transfer import measures
from visionfail.studies.transfer.answers import CORRUPTED, Asked, Trained, paired
from visionfail.studies.transfer.claims import TRANSFER_CLAIMS, Found
from visionfail.studies.transfer.hypotheses import accuracy_gained, best_constant, resampled
from visionfail.studies.transfer.recipes import BASELINE

FOLLOW_UPS = ("cutmix-64", "mixup-64", "weighted-64", "hard-64")


def hypotheses_table() -> pd.DataFrame:
    """A row per claim: claim, words, statistic, low, high (the region in which it holds)."""
    columns = ["claim", "words", "statistic", "low", "high"]
    rows = [(c.key, c.words, c.statistic, c.low, c.high) for c in TRANSFER_CLAIMS]
    return pd.DataFrame(rows, columns=columns).replace([np.inf, -np.inf], np.nan)


def accuracy_without(asked: Asked, near: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """Accuracy on all images, without near duplicates and on these alone: images, value, lo, hi, n.

    near: whether each test image has one, bool (N,).
    """
    chosen = {"all": np.ones_like(near), "without near duplicates": ~near, "these alone": near}
    rows = []
    for words, among in chosen.items():
        value, lo, hi = measures.mean_of(asked.correct, counts, among=among).interval()
        rows.append({"images": words, "value": value, "lo": lo, "hi": hi, "n": int(among.sum())})
    return pd.DataFrame(rows)


def log_ratio(above: np.ndarray, below: np.ndarray, *, bootstraps: int = 1000) -> Found:
    """The mean over images of log(above / below), each (N,), with its interval."""
    ratio = np.log(above / below)[None]  # (1, N)
    n = ratio.shape[1]
    counts = resampled(n, np.empty((bootstraps, 0)))
    return Found.of(measures.mean_of(ratio, counts), n=n, seeds=[0])


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
        row["accuracy"], row["lo"], row["hi"] = measures.accuracy_of(trained.val, of_val).interval()
        if kernel and "frozen-128" in networks:
            row.update(_gain(trained, networks["frozen-128"], counts, "minus bilinear", "val"))
        rows.append({**row, "n": of_val.shape[1], "seeds": len(trained.seeds)})
    return pd.DataFrame(rows)


def _gain(
    more: Trained, less: Trained, counts: np.ndarray, column: str, split: str
) -> dict[str, float]:
    """{column, "from", "to"}: the accuracy of one recipe minus another's with its interval."""
    gained = accuracy_gained(more, less, counts, split=split)
    return {column: gained.value, "from": gained.lo, "to": gained.hi}


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


def mean_pictures(images: ImageSet) -> torch.Tensor:
    """The mean picture of each class, float (K, C, H, W) from 0 to 255."""
    of_class = (images.images[images.labels == k] for k in range(len(images.classes)))
    return torch.stack([pictures.float().mean(dim=0) for pictures in of_class])


def darkening(means: torch.Tensor) -> torch.Tensor:
    """How much brighter the upper half of each picture is than its lower half: (K,)."""
    upper, lower = means.tensor_split(2, dim=2)  # (K, C, H / 2, W) each
    return (upper.mean(dim=(1, 2, 3)) - lower.mean(dim=(1, 2, 3))).float()


def recall_table(
    networks: Mapping[str, Trained], classes: Sequence[str], *, bootstraps: int
) -> pd.DataFrame:
    """A row per rung of a ladder and class: recipe, class, recall, lo, hi, n (pictures), seeds.

    lo and hi: 95% over pictures and seeds, resampled crossed.
    """
    rows = []
    for trained in networks.values():
        counts = metrics.resampling_counts(
            bootstraps, len(trained.test.labels), np.random.default_rng(0)
        )
        for k, name in enumerate(classes):
            value, lo, hi = measures.recall_of(trained.test, [k], counts).interval()
            row = {"recipe": trained.member.words, "class": name, "recall": value}
            n = int((trained.test.labels == k).sum())
            rows.append({**row, "lo": lo, "hi": hi, "n": n, "seeds": len(trained.seeds)})
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
    """A row per way of training: recipe, seeds, test accuracy, lo, hi, the baseline minus it.

    Of the constant rates the best on validation data alone is compared.
    """
    best = best_constant(networks)
    compared = ("at-once-64", "late-at-once-64", best)
    rows = []
    for name, trained in networks.items():
        if name not in (BASELINE, *compared) and not name.startswith("constant-"):
            continue
        row: dict[str, object] = {"recipe": trained.member.words, "seeds": len(trained.seeds)}
        row["accuracy"], row["lo"], row["hi"] = measures.accuracy_of(
            trained.test, counts
        ).interval()
        row["validation"] = trained.val.correct.mean()
        if name in compared and BASELINE in networks:
            row.update(_gain(networks[BASELINE], trained, counts, "baseline minus it", "test"))
        rows.append({**row, "n": counts.shape[1]})
    return pd.DataFrame(rows)


def accuracy_by_epoch(networks: Mapping[str, Trained]) -> dict[str, np.ndarray]:
    """{recipe: accuracy (E,)} on the validation images watched in training, mean over its seeds.

    Of the baseline and the ways of training it is compared with.
    """
    names = [BASELINE, "at-once-64", "late-at-once-64", best_constant(networks)]
    curves = {}
    for trained in (networks[name] for name in names if name in networks):
        by_seed = [[epoch["val_accuracy"] for epoch in made["history"]] for made in trained.made]
        curves[trained.member.words] = np.mean(by_seed, axis=0)
    return curves


def changes_table(networks: Mapping[str, Trained], counts: np.ndarray) -> pd.DataFrame:
    """What each follow-up changes: change, measure, seeds, value, lo, hi, n, and better.

    Differences to the baseline, by the seeds that both have, in the measures' own units. better:
    "yes" or "no" where the interval leaves out zero, else "undecided"; a lower ECE is better.
    """
    rows = []
    of_baseline: dict[tuple[int, ...], dict] = {}  # by seeds: most follow-ups have the same
    for name in FOLLOW_UPS:
        if BASELINE not in networks or name not in networks:
            continue
        after, before = paired(networks[name], networks[BASELINE])
        seeds = tuple(before.seeds)
        if seeds not in of_baseline:
            of_baseline[seeds] = estimates_of(before, counts)
        had = of_baseline[seeds]
        for measure, (estimate, n) in estimates_of(after, counts).items():
            value, lo, hi = (estimate - had[measure][0]).interval()
            row = {"change": after.member.words, "measure": measure, "seeds": len(after.seeds)}
            better = is_better(lo, hi, lower=measure == "ECE")
            rows.append({**row, "value": value, "lo": lo, "hi": hi, "n": n, "better": better})
    return pd.DataFrame(rows)


def is_better(lo: float, hi: float, *, lower: bool) -> str:
    """Whether a difference with this interval is better, "yes", "no" or "undecided".

    `lower` says that lower is better.
    """
    if lo <= 0 <= hi:
        return "undecided"
    return "yes" if (hi < 0) == lower else "no"


def estimates_of(trained: Trained, counts: np.ndarray) -> dict[str, tuple[Estimate, int]]:
    """{measure: (Estimate, n)} of a recipe: the five by which follow-ups are judged."""
    under = trained.under(CORRUPTED)  # (S, M)
    m = under.shape[1]
    n = counts.shape[1]
    return {
        "accuracy": (measures.accuracy_of(trained.test, counts), n),
        "macro F1": (measures.macro_f1(trained.test, counts), n),
        "19 corruptions": (measures.mean_of(under, resampled(m, counts)), m),
        "ECE": (measures.calibration_error(trained.test, counts), n),
        "worst class": (measures.worst_recall(trained.test, counts), n),
    }
