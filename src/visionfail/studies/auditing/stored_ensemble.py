"""The deep ensemble of the CIFAR-10 networks, from their stored answers to the test images.

A sweep keeps each network's answer, its confidence in it and the probability of the true class, so
the probability that a network gives to another one's answer is stored unless that is neither.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from visionfail import evaluation
from visionfail.corruptions import CORRUPTIONS
from visionfail.data import ImageSet
from visionfail.evaluation import Outcomes
from visionfail.failure import Activations
from visionfail.studies.auditing.held_out_families import mixed_severities

CLASSES = 10


def ensemble_from_sweeps(
    folder: Path, images: ImageSet, test: Mapping[str, Activations]
) -> dict[str, dict[str, np.ndarray]]:
    """{"ensemble, 1 - p": `stored_ensemble_scores`} about the answers of `test` to `images`.

    Empty where `folder` holds no sweep of these images at all five severities.
    """
    if not list(Path(folder).glob("cifar10c-*.npz")):
        return {}
    _, sweeps = evaluation.stored_sweeps(folder)
    needed = set(evaluation.all_conditions(names=CORRUPTIONS))
    checksum = images.checksum()
    of_these = {}
    for network, sweep in sweeps.items():
        if sweep.made["images"] == checksum and needed <= set(sweep.conditions):
            of_these[network] = sweep
    if not of_these:
        return {}
    answers = {name: reading.logits.argmax(axis=1) for name, reading in test.items()}
    return {"ensemble, 1 - p": stored_ensemble_scores(of_these, answers)}


def stored_ensemble_scores(
    sweeps: Mapping[tuple[str, int], Outcomes], answers: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """{condition: 1 - the mean probability (N,) of each answer} over the networks of `sweeps`.

    `answers` are classes (N,) by condition: "clean" or a corruption with severities as in
    `mixed_severities`. Under frost a network counts only if it was swept on the present texture.
    """
    scores = {}
    for name, answered in answers.items():
        members = []
        for outcomes in sweeps.values():
            if name != "frost" or evaluation.frost_of(outcomes) != "our former texture":
                members.append(probability_of(outcomes, name, answered))
        scores[name] = 1 - np.mean(members, axis=0)
    return scores


def probability_of(outcomes: Outcomes, name: str, answers: np.ndarray) -> np.ndarray:
    """The probability (N,) that a stored network gives to the classes `answers` (N,).

    That of its own answer and of the true class are stored; what is left is shared out equally
    among the other classes.
    """
    rows = stored_rows(outcomes, name)
    image = np.arange(len(rows))
    predicted = outcomes.predicted[rows, image]  # (N,), as all that follow
    confidence = outcomes.confidence[rows, image]
    true = np.exp(outcomes.log_prob[rows, image].astype(np.float64))
    is_right = predicted == outcomes.labels
    left = np.where(is_right, 1 - confidence, 1 - confidence - true).clip(min=0)
    others = np.where(is_right, CLASSES - 1, CLASSES - 2)
    known = [answers == predicted, answers == outcomes.labels]
    return np.select(known, [confidence, true], default=left / others)


def stored_rows(outcomes: Outcomes, name: str) -> np.ndarray:
    """The row (N,) in which each image stands at its severity of `mixed_severities`."""
    count = len(outcomes.labels)
    if name == "clean":
        return np.full(count, outcomes.at("clean", 0))
    by_severity = [outcomes.at(name, severity) for severity in range(1, 6)]
    return np.array(by_severity)[mixed_severities(count, name) - 1]
