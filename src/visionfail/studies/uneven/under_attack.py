"""Tables of answers under attack: by epsilon, by class, and what a network says of its errors."""

import numpy as np
import pandas as pd

from visionfail.studies.uneven.answers import estimate_of, one_hot, quotient
from visionfail.studies.uneven.attack_answers import (
    AttackedAnswers,
    mean_over_images,
    share_interval,
)
from visionfail.studies.uneven.attacked import EPSILONS
from visionfail.studies.uneven.half_epsilon import half_epsilons, smallest_epsilon

MEASURES = {
    "accuracy": "share of images answered rightly",
    "confidence when wrong": "mean confidence of wrong answers",
    "sure when wrong": "share of wrong answers over a confidence",
    "loss": "mean cross-entropy, in nats",
}


def by_epsilon(attacked: AttackedAnswers, counts: np.ndarray, *, sure: float) -> pd.DataFrame:
    """A row per epsilon and measure of MEASURES: attack, epsilon (of 255), measure, value, lo, hi.

    Means over seeds, 95% over groups, counts (B, M), and seeds, crossed; images, and things, which
    are independent. `sure` is the confidence over which a wrong answer counts as sure. A measure of
    wrong answers is left out where a network has none.
    """
    rows = []
    for place, epsilon in enumerate(EPSILONS):
        answers = attacked.at(epsilon)
        everything = np.ones_like(answers.wrong)
        measured = {
            "accuracy": (answers.correct & attacked.clean.correct, everything),
            "confidence when wrong": (answers.confidence, answers.wrong),
            "sure when wrong": (answers.confidence > sure, answers.wrong),
            "loss": (-attacked.log_prob[:, place].astype(np.float32), everything),
        }
        for measure, (values, counted) in measured.items():
            if not counted.any(axis=1).all():
                continue
            mean = mean_over_images(values, counted, counts)
            value, lo, hi = mean.interval()
            if measure == "accuracy":
                value, lo, hi = share_interval(mean, answers.things)
            row = {"attack": attacked.attack, "epsilon": epsilon, "measure": measure}
            row.update({"value": value, "lo": lo, "hi": hi})
            rows.append({**row, "images": len(answers.labels), "things": answers.things})
    return pd.DataFrame(rows)


def class_curves(attacked: AttackedAnswers, *, at_least: int = 1) -> pd.DataFrame:
    """Accuracy of each class (index) at each epsilon of 255 (columns), mean over seeds.

    Of the classes with `at_least` so many images.
    """
    clean = attacked.clean
    shares = curves_of(attacked.correct, clean.labels, len(clean.classes))  # (E, K)
    table = pd.DataFrame(shares.T, index=clean.classes, columns=EPSILONS)
    return table.loc[large_classes(attacked, at_least)]


def curves_of(correct: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """The accuracy of each class at each epsilon, (E, K), of answers (S, E, M), mean over seeds."""
    members = one_hot(labels, num_classes)  # (M, K)
    return quotient(correct.mean(axis=0) @ members, members.sum(axis=0)[None])


def large_classes(attacked: AttackedAnswers, at_least: int) -> np.ndarray:
    """Which classes have `at_least` so many of the attacked images, bool (K,)."""
    classes = len(attacked.clean.classes)
    return np.bincount(attacked.clean.labels, minlength=classes) >= at_least


def class_spread(
    attacked: AttackedAnswers,
    *,
    at_least: int,
    permutations: int,
    generator: np.random.Generator,
) -> dict[str, float]:
    """{"epsilon", "spread", "chance"}: how far apart the classes are where they are most so.

    `spread` is the highest minus the lowest accuracy of a class at that epsilon, `chance` what 95%
    of permutations of the images' classes stay below, where classes make no difference.
    """
    clean = attacked.clean
    chosen = large_classes(attacked, at_least)
    every = curves_of(attacked.correct, clean.labels, len(clean.classes))[:, chosen]
    spreads = np.ptp(every, axis=1)  # (E,)
    place = int(spreads.argmax())
    there = attacked.correct[:, place : place + 1]
    by_chance = []
    for _ in range(permutations):
        labels = generator.permutation(clean.labels)
        by_chance.append(np.ptp(curves_of(there, labels, len(clean.classes))[0, chosen]))
    chance = float(np.quantile(by_chance, 0.95))
    return {"epsilon": EPSILONS[place], "spread": float(spreads[place]), "chance": chance}


def half_of_all(attacked: AttackedAnswers, counts: np.ndarray) -> tuple[float, float, float]:
    """(epsilon of 255 at which half of all right answers are lost, lo, hi): counts (B, M).

    Mean over seeds, 95% over groups and seeds.
    """
    together = np.zeros(len(attacked.clean.labels), dtype=int)
    weights = np.concatenate([np.ones((1, len(together))), counts])
    halves = [
        half_epsilons(correct, together, weights, num_classes=1)[:, 0]
        for correct in attacked.correct
    ]
    return estimate_of(np.stack(halves, axis=1)).interval()


def smallest_by_class(attacked: AttackedAnswers, *, at_least: int = 1) -> pd.DataFrame:
    """The smallest epsilon that turns a right answer, a row per class, mean over seeds.

    Columns are the epsilons of 255 and "more": the share of the class's right answers that are
    turned first there. `half`: the epsilon at which half of them are (infinite where none reaches),
    `images`. Left out is a class that a seed never has right or with fewer than `at_least` images.
    """
    labels = attacked.clean.labels
    classes = attacked.clean.classes
    columns = [*EPSILONS[1:], np.inf]
    smallest = np.stack([smallest_epsilon(correct) for correct in attacked.correct])  # (S, M)
    everything = np.ones((1, len(labels)))
    halves = [
        half_epsilons(correct, labels, everything, num_classes=len(classes))[0]
        for correct in attacked.correct
    ]
    table = pd.DataFrame(index=classes)
    for value in columns:
        name = f"{value:g}" if np.isfinite(value) else "more"
        table[name] = class_shares(smallest == value, smallest > 0, labels, len(classes))
    table["half"] = np.mean(halves, axis=0)
    table["images"] = np.bincount(labels, minlength=len(classes))
    table = table.loc[large_classes(attacked, at_least)]
    return table.dropna().sort_values("half", kind="stable")


def class_shares(
    chosen: np.ndarray, counted: np.ndarray, labels: np.ndarray, num_classes: int
) -> np.ndarray:
    """The share of the images counted, bool (S, M), of each class that are chosen, (K,).

    Mean over seeds; NaN for a class of which a seed has none.
    """
    members = one_hot(labels, num_classes)  # (M, K)
    return quotient((chosen & counted) @ members, counted @ members).mean(axis=0)
