"""The deep ensemble of the CIFAR-10 networks, from their stored answers to the test images.

A sweep keeps each network's answer, its confidence in it and the probability of the true class, so
the probability that a network gives to another one's answer is stored unless that is neither. Such
an answer is wrong: only failures have probabilities that are not stored. The AUROC of 1 - p falls
with each of them, so that it lies between those of the lowest and of the highest values they can
have.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from visionfail import evaluation
from visionfail.corruptions import CORRUPTIONS
from visionfail.data import ImageSet
from visionfail.evaluation import Outcomes
from visionfail.failure import Activations
from visionfail.studies.auditing.held_out_families import mixed_severities

CLASSES = 10
ENSEMBLE = "ensemble, 1 - p"  # what is not stored is shared out equally
ENDS = {  # detector: what takes the place of a probability that is not stored
    ENSEMBLE: "shared",
    "ensemble, 1 - lowest p": "lowest",
    "ensemble, 1 - highest p": "highest",
}

Network = tuple[str, int]  # architecture, seed


def stored_members(
    folder: Path, images: ImageSet, *, networks: Collection[Network]
) -> dict[Network, Outcomes]:
    """The sweeps in `folder` of those `networks` that answered these images at all severities."""
    if not list(Path(folder).glob("cifar10c-*.npz")):
        return {}
    _, sweeps = evaluation.stored_sweeps(folder)
    needed = set(evaluation.all_conditions(names=CORRUPTIONS))
    checksum = images.checksum()
    members = {}
    for network, sweep in sweeps.items():
        of_images = sweep.made["images"] == checksum and needed <= set(sweep.conditions)
        if network in networks and of_images:
            members[network] = sweep
    return members


def members_under(members: Mapping[Network, Outcomes], name: str) -> dict[Network, Outcomes]:
    """The members that count under a condition: under frost, those swept on today's texture."""
    if name != "frost":
        return dict(members)
    today = {}
    for network, outcomes in members.items():
        if evaluation.frost_of(outcomes) != "our former texture":
            today[network] = outcomes
    return today


def ensemble_from_sweeps(
    members: Mapping[Network, Outcomes], test: Mapping[str, Activations]
) -> dict[str, dict[str, np.ndarray]]:
    """{detector of ENDS: `stored_ensemble_scores`} about the answers of `test`; {} for no members.

    `members` are `stored_members`.
    """
    if not members:
        return {}
    answers = {name: reading.logits.argmax(axis=1) for name, reading in test.items()}
    scores = {}
    for detector, unstored in ENDS.items():
        scores[detector] = stored_ensemble_scores(members, answers, unstored=unstored)
    return scores


def stored_ensemble_scores(
    members: Mapping[Network, Outcomes], answers: Mapping[str, np.ndarray], *, unstored: str
) -> dict[str, np.ndarray]:
    """{condition: 1 - the mean probability (N,) of each answer} over the `members_under` it.

    `answers` are classes (N,) by condition: "clean" or a corruption with severities as in
    `mixed_severities`.
    """
    scores = {}
    for name, answered in answers.items():
        given = []
        for outcomes in members_under(members, name).values():
            given.append(probability_of(outcomes, name, answered, unstored=unstored))
        scores[name] = 1 - np.mean(given, axis=0)
    return scores


def probability_of(
    outcomes: Outcomes, name: str, answers: np.ndarray, *, unstored: str
) -> np.ndarray:
    """The probability (N,) that a stored network gives to the classes `answers` (N,).

    That of its own answer and of the true class are stored. `unstored` says what another class
    gets: what is left, "shared" out equally; or the "lowest" or "highest" that it can have, which
    is nothing, or all that is left but no more than the network's own answer has.
    """
    rows = stored_rows(outcomes, name)
    image = np.arange(len(rows))
    predicted = outcomes.predicted[rows, image]  # (N,), as all that follow
    confidence = outcomes.confidence[rows, image]
    true = np.exp(outcomes.log_prob[rows, image].astype(np.float64))
    is_right = predicted == outcomes.labels
    left = np.where(is_right, 1 - confidence, 1 - confidence - true).clip(min=0)
    others = np.where(is_right, CLASSES - 1, CLASSES - 2)
    another = {
        "shared": left / others,
        "lowest": np.zeros(len(left)),
        "highest": np.minimum(left, confidence),
    }
    known = [answers == predicted, answers == outcomes.labels]
    return np.select(known, [confidence, true], default=another[unstored])


def stored_rows(outcomes: Outcomes, name: str) -> np.ndarray:
    """The row (N,) in which each image stands at its severity of `mixed_severities`."""
    count = len(outcomes.labels)
    if name == "clean":
        return np.full(count, outcomes.at("clean", 0))
    by_severity = [outcomes.at(name, severity) for severity in range(1, 6)]
    return np.array(by_severity)[mixed_severities(count, name) - 1]
