"""Explanation quality by class: how compact, whole and central maps of right answers are.

Maps are Grad-CAM's of the class that is answered. Two controls: the same network with its head
drawn anew, whose maps cannot know the classes, and for hiding one blob for all images.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import nn

from visionfail import explain
from visionfail.data import ImageSet
from visionfail.studies.uneven.covariates import (
    class_means,
    partial_rank_correlation,
    rank_correlation,
)
from visionfail.studies.uneven.seed_answers import SeedAnswers

MEASURES = {
    "entropy": explain.map_entropy,
    "strongest fifth": explain.top_share,
    "fragments": explain.fragments,
    "centre": explain.centre_mass,
}
RANDOM_HEAD = "random head"
OWN = "fall, own map hidden"
BLOB = "fall, blob hidden"
OWN_MINUS_BLOB = "fall, own minus blob"
FEWEST_OTHERS = 0.01  # of maps: where fewer differ from the most frequent value, it hardly varies
# what would be said of hard classes: their maps have more of it, or less
WORSE = {"entropy": "more", "strongest fifth": "less", "fragments": "more", "centre": "less"}
WORSE[OWN] = "less"


def explain_all(
    networks: Mapping[int, nn.Module],
    images: ImageSet,
    answers: SeedAnswers,
    *,
    train: ImageSet,
    mapped: int,
    hidden: int,
) -> dict[str, np.ndarray]:
    """{measure: float16 (S, N)} of the answers of S networks to N images.

    The first `mapped` images have maps, in the first `hidden` pixels are hidden; NaN elsewhere, for
    seeds that are not among `networks`, and where a map is empty. Measures are those of MEASURES,
    the same with ", random head", OWN and BLOB. `train` gives the statistics of norms in a
    randomised network.
    """
    by_seed = []
    for seed, predicted in zip(answers.made["seeds"], answers.predicted, strict=True):
        if seed in networks:
            by_seed.append(
                explain_answers(
                    networks[seed], images, predicted, train=train, mapped=mapped, hidden=hidden
                )
            )
        else:
            nothing = np.full(len(images), np.nan, dtype=np.float16)
            by_seed.append(dict.fromkeys(measured_names(), nothing))
    return {name: np.stack([of[name] for of in by_seed]) for name in measured_names()}


def measured_names() -> list[str]:
    """The names of all measures."""
    random = [f"{measure}, {RANDOM_HEAD}" for measure in MEASURES]
    return [*MEASURES, *random, OWN, BLOB]


def explain_answers(
    network: nn.Module,
    images: ImageSet,
    predicted: np.ndarray,
    *,
    train: ImageSet,
    mapped: int,
    hidden: int,
) -> dict[str, np.ndarray]:
    """{measure: float16 (N,)} of one network's maps of its answers (N,): see `explain_all`."""
    measures = {name: np.full(len(images), np.nan) for name in measured_names()}
    shown = images.images[:mapped]
    classes = torch.as_tensor(predicted[:mapped])
    maps = explain.gradcam(network, shown, classes)
    head = explain.parts_from_the_top(network)["head"]
    without_head = explain.randomised(network, head, train.images, seed=0)
    random_maps = explain.gradcam(without_head, shown, classes)
    for name, measure in MEASURES.items():
        measures[name][:mapped] = measure(maps)
        measures[f"{name}, {RANDOM_HEAD}"][:mapped] = measure(random_maps)
    blob = np.broadcast_to(explain.centred_blob(*maps.shape[1:]), maps[:hidden].shape)
    pixels = []
    for values in (maps[:hidden], blob):
        pixels.append(explain.top_pixels(values).reshape(values.shape))
    falls = explain.fall_when_hidden(network, shown[:hidden], predicted[:hidden], pixels)
    empty = explain.is_empty(maps[:hidden])
    for name, of_way in zip((OWN, BLOB), falls, strict=True):
        measures[name][: len(of_way)] = np.where(empty, np.nan, of_way)
    return {name: values.astype(np.float16) for name, values in measures.items()}


def means_of_right_answers(values: ArrayLike, answers: SeedAnswers) -> np.ndarray:
    """The mean of values (S, N) over a class's right answers, then over seeds, (K,).

    NaN values do not count; NaN for a class without any.
    """
    by_seed = []
    for of_seed, correct in zip(np.asarray(values, dtype=float), answers.correct, strict=True):
        counted = correct & np.isfinite(of_seed)
        by_seed.append(
            class_means(of_seed[counted], answers.labels[counted], num_classes=len(answers.classes))
        )
    known = ~np.isnan(by_seed)
    sums = np.nansum(by_seed, axis=0)
    return np.divide(sums, known.sum(axis=0), out=np.full(len(sums), np.nan), where=known.any(0))


def classes_with_errors(answers: SeedAnswers) -> np.ndarray:
    """The error rate of each class, mean over seeds, (K,); NaN where no seed errs."""
    seeds_wrong = answers.wrong.sum(axis=0)  # (N,), whole, so that equal rates stay equal
    sums = class_means(seeds_wrong, answers.labels, num_classes=len(answers.classes))
    rates = sums / len(answers.wrong)
    return np.where(rates > 0, rates, np.nan)


def explanation_table(measured: dict[str, np.ndarray], answers: SeedAnswers) -> pd.DataFrame:
    """A row per measure: how its class means on right answers go with classes' error rates.

    Columns: measure, worse ("more" or "less" of it, as would be said of hard classes), correlation,
    lo, hi (Spearman's over classes that some seed errs on), given_log_odds, given_lo, given_hi (the
    same given the mean log-odds of the class's mapped answers), random_head, head_lo, head_hi (the
    correlation of the same maps without what the head learnt; NaN for hiding), classes, maps (right
    answers mapped), others (of these, maps whose value is not the most frequent one: where their
    share is under FEWEST_OTHERS the measure hardly varies, and its correlation is NaN). Intervals
    are over classes alone.
    """
    errors = classes_with_errors(answers)
    mapped = np.isfinite(measured["entropy"])  # (S, N)
    log_odds = means_of_right_answers(np.where(mapped, answers.log_odds, np.nan), answers)
    values = dict(measured)
    values[OWN_MINUS_BLOB] = measured[OWN] - measured[BLOB]
    rows = []
    for name in [*MEASURES, OWN, OWN_MINUS_BLOB]:
        row: dict = {"measure": name, "worse": WORSE.get(name, WORSE[OWN])}
        row.update(_set_against_errors(values[name], answers, errors, log_odds))
        of_control = (np.nan, np.nan, np.nan)
        if f"{name}, {RANDOM_HEAD}" in values:
            means = means_of_right_answers(values[f"{name}, {RANDOM_HEAD}"], answers)
            of_control = rank_correlation(means, errors)[:3]
        row["random_head"], row["head_lo"], row["head_hi"] = of_control
        rows.append(row)
    return pd.DataFrame(rows)


def _set_against_errors(
    values: np.ndarray, answers: SeedAnswers, errors: np.ndarray, log_odds: np.ndarray
) -> dict[str, float]:
    """The columns of `explanation_table` about a measure (S, N) itself; the others are (K,)."""
    of_right = values[answers.correct & np.isfinite(values)]
    others = others_than_most(of_right)
    of_class = means_of_right_answers(values, answers)
    r, lo, hi, classes = rank_correlation(of_class, errors)
    given, given_lo, given_hi = partial_rank_correlation(of_class, errors, log_odds)
    row = {"correlation": r, "lo": lo, "hi": hi}
    row.update({"given_log_odds": given, "given_lo": given_lo, "given_hi": given_hi})
    if others < FEWEST_OTHERS * len(of_right):
        row = dict.fromkeys(row, np.nan)
    return row | {"classes": classes, "maps": len(of_right), "others": others}


def others_than_most(values: np.ndarray) -> int:
    """How many values (M,) differ from the most frequent one."""
    if len(values) == 0:
        return 0
    return int(len(values) - np.unique(values, return_counts=True)[1].max())
