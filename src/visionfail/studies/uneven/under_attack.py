"""Tables of answers under attack: by epsilon, by class, and what a network says of its errors."""

import numpy as np
import pandas as pd

from visionfail.studies.uneven.answers import one_hot, quotient
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


def class_curves(attacked: AttackedAnswers) -> pd.DataFrame:
    """Accuracy of each class (index) at each epsilon of 255 (columns), mean over seeds."""
    clean = attacked.clean
    curves = {}
    for place, epsilon in enumerate(EPSILONS):
        right = attacked.correct[:, place]
        everything = np.ones_like(right)
        curves[epsilon] = class_shares(right, everything, clean.labels, len(clean.classes))
    return pd.DataFrame(curves, index=clean.classes).dropna()


def smallest_by_class(attacked: AttackedAnswers) -> pd.DataFrame:
    """The smallest epsilon that turns a right answer, a row per class, mean over seeds.

    Columns are the epsilons of 255 and "more": the share of the class's right answers that are
    turned first there. `half`: the epsilon at which half of them are (infinite where none reaches),
    `images`. A class that a seed never has right is left out.
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
    return table.dropna().sort_values("half", kind="stable")


def class_shares(
    chosen: np.ndarray, counted: np.ndarray, labels: np.ndarray, num_classes: int
) -> np.ndarray:
    """The share of the images counted, bool (S, M), of each class that are chosen, (K,).

    Mean over seeds; NaN for a class of which a seed has none.
    """
    members = one_hot(labels, num_classes)  # (M, K)
    return quotient((chosen & counted) @ members, counted @ members).mean(axis=0)
