"""Tables of one row per set of test images: accuracy, gap, persistence."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.studies.uneven import persistence
from visionfail.studies.uneven.answers import estimate_of, quotient, weights_of
from visionfail.studies.uneven.classes import ClassSums, gap_at_chance
from visionfail.studies.uneven.groups import effective_wilson
from visionfail.studies.uneven.seed_answers import SeedAnswers

CAPTION_WIDTH = 24  # characters


def accuracy_row(answers: SeedAnswers, counts: np.ndarray, correlation: float) -> dict[str, Any]:
    """Accuracy, mean over seeds, with the interval as if all images were independent, and without.

    {"accuracy", "naive_lo", "naive_hi" (Wilson's over all images), "lo", "hi" (the wider of the
    bootstrap of groups and seeds, crossed, and Wilson's over the images' worth), "images",
    "things", "correlation" (within groups), "design_effect", "worth" (in independent images),
    "by_seed"}.
    """
    weights = weights_of(counts, len(answers.labels))
    right = weights @ answers.correct.T.astype(np.float32)  # (B + 1, S)
    accuracy = estimate_of(quotient(right, weights.sum(axis=1)[:, None]))
    value, lo, hi = accuracy.interval()
    worth = worth_of(answers, correlation)
    wilson_lo, wilson_hi = effective_wilson(value, worth)
    naive_lo, naive_hi = effective_wilson(value, len(answers.labels))
    return {
        "accuracy": value,
        "naive_lo": float(naive_lo),
        "naive_hi": float(naive_hi),
        "lo": float(min(lo, wilson_lo)),
        "hi": float(max(hi, wilson_hi)),
        "images": len(answers.labels),
        "things": answers.things,
        "correlation": correlation,
        "design_effect": answers.design_effect(correlation),
        "worth": worth,
        "by_seed": [float(of_seed) for of_seed in accuracy.exact],
    }


def worth_of(answers: SeedAnswers, correlation: float) -> float:
    """How many independent images all of them are worth; where that is unknown, the things."""
    effect = answers.design_effect(correlation)
    if np.isnan(effect):
        return float(answers.things)
    most = answers.things if answers.frames > 1 else np.inf
    return float(min(len(answers.labels) / effect, most))


def gap_row(answers: SeedAnswers, sums: ClassSums, null: np.ndarray) -> dict[str, Any]:
    """The worst class, and the gap between best and worst, mean over seeds, as measured and less.

    {"things", "worst_class", "observed_worst", "worst", "worst_lo", "worst_hi", "best_class",
    "observed_gap", "gap", "lo", "hi" (`worst` and `gap` corrected in part for what chance adds,
    `reflected`), "chance_gap", "chance_high" (the observed gap's mean and 95% point where groups
    exchange their errors), "p" (of the observed gap)}. `null` is of `exchanged_class_means` for the
    wrong answers.
    """
    accuracy = sums.accuracy[0].mean(axis=0)  # (K,)
    chance = gap_at_chance(answers.wrong, answers.labels, null)
    worst, worst_lo, worst_hi = sums.worst().interval()
    gap, lo, hi = sums.gap().interval()
    return {
        "things": answers.things,
        "worst_class": answers.classes[int(np.nanargmin(accuracy))],
        "observed_worst": float(np.nanmin(accuracy)),
        "worst": worst,
        "worst_lo": worst_lo,
        "worst_hi": worst_hi,
        "best_class": answers.classes[int(np.nanargmax(accuracy))],
        "observed_gap": float(sums.observed_gap().exact.mean()),
        "gap": gap,
        "lo": lo,
        "hi": hi,
        "chance_gap": chance["chance"],
        "chance_high": chance["high"],
        "p": chance["p"],
    }


def persistence_row(answers: SeedAnswers, counts: np.ndarray) -> dict[str, Any]:
    """Whether seeds err on the same images, mean over pairs of seeds or over seeds.

    {"things", "kappa", "kappa_lo", "kappa_hi", "shared", "shared_lo", "shared_hi" (the share of a
    seed's errors that all make), "independent", "within_classes" (what that would be by chance),
    "errors" (of a seed, mean), "all_wrong" (images that all get wrong), "same_answer" (of these,
    those that all give one answer)}. ValueError for a single seed.
    """
    wrong = answers.wrong
    kappa, kappa_lo, kappa_hi = persistence.mean_consistency(wrong, counts)
    share, share_lo, share_hi = persistence.shared_error_share(wrong, counts).interval()
    by_chance = persistence.shared_share_by_chance(wrong, answers.labels)
    return {
        "things": answers.things,
        "kappa": kappa,
        "kappa_lo": kappa_lo,
        "kappa_hi": kappa_hi,
        "shared": share,
        "shared_lo": share_lo,
        "shared_hi": share_hi,
        "independent": float(by_chance["independent"].mean()),
        "within_classes": float(by_chance["within classes"].mean()),
        "errors": float(wrong.sum(axis=1).mean()),
        "all_wrong": int(wrong.all(axis=0).sum()),
        "same_answer": len(same_mistakes(answers)),
    }


def same_mistakes(answers: SeedAnswers) -> np.ndarray:
    """The images that all seeds get wrong with one and the same answer, the surest first, (M,).

    By the least sure of the seeds.
    """
    same = answers.wrong.all(axis=0) & (answers.predicted == answers.predicted[0]).all(axis=0)
    images = np.flatnonzero(same)
    least_sure = answers.confidence[:, images].min(axis=0)
    return images[np.argsort(-least_sure, kind="stable")]


def doubtful_labels(answers: SeedAnswers, *, above: float) -> np.ndarray:
    """The images of `same_mistakes` on which every seed is surer than `above`, (M,).

    A wrong label makes all networks err alike, so it may be the label that is wrong there.
    """
    images = same_mistakes(answers)
    return images[(answers.confidence[:, images] > above).all(axis=0)]


def varied_mistakes(answers: SeedAnswers, count: int, *, each: int = 2) -> np.ndarray:
    """The first `count` of `same_mistakes`, at most `each` with one true class and one answer."""
    chosen = []
    seen: dict[tuple[int, int], int] = {}
    for image in same_mistakes(answers):
        mistake = (int(answers.labels[image]), int(answers.predicted[0, image]))
        seen[mistake] = seen.get(mistake, 0) + 1
        if seen[mistake] <= each:
            chosen.append(image)
    return np.array(chosen[:count], dtype=np.int64)


def mistake_captions(answers: SeedAnswers, images: Sequence[int]) -> list[str]:
    """The true class and the first seed's answer of each of these images, on lines of their own."""
    captions = []
    for image in images:
        true = answers.classes[answers.labels[image]]
        named = answers.classes[answers.predicted[0, image]]
        captions.append(f"{fill(true, CAPTION_WIDTH)}\n{fill(f'named {named}', CAPTION_WIDTH)}")
    return captions


def calibration_row(answers: SeedAnswers) -> dict[str, float]:
    """{"confidence", "accuracy", "ece"}: means over seeds and images, ECE in 15 bins."""
    eces = [
        metrics.ece(confidence, correct)
        for confidence, correct in zip(answers.confidence, answers.correct, strict=True)
    ]
    return {
        "confidence": float(answers.confidence.mean()),
        "accuracy": float(answers.correct.mean()),
        "ece": float(np.mean(eces)),
    }


def stored_rows(
    table: pd.DataFrame,
    metric: str,
    columns: tuple[str, str, str],
    *,
    n: str,
    origins: Mapping[str, str],
    about: str | None = None,
) -> list[dict]:
    """One metric of a table in the long form that results are stored in, means over seeds.

    `columns` are those of its value and the ends of its interval, `n` the one that counts what it
    is over, `about` the one that says which class or quantity a row is about; without it all
    classes. The table has name (of the set, with its origin in `origins`) and perhaps split, else
    "test". A value that is NaN has no row.
    """
    rows = []
    value, lo, hi = columns
    for record in table.dropna(subset=[value]).to_dict("records"):
        row = {"dataset": record["name"], "origin": origins[record["name"]]}
        row["split"] = record.get("split", "test")
        row["model"] = "resnet18"
        row["condition"] = record[about] if about else "all classes"
        row["metric"] = metric
        row.update({"value": record[value], "lo": record[lo], "hi": record[hi]})
        row["n"] = int(record[n])
        rows.append(row)
    return rows
