"""All base classifiers at once, each with its detectors: together they are a deep ensemble."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from visionfail import failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Activations, Auditor, Scored
from visionfail.studies.auditing.protocol import (
    TrainedDetectors,
    extract_sample,
    train_detectors,
)
from visionfail.studies.auditing.shifted_digits import ShiftedDigits


@dataclass(frozen=True, eq=False)
class Members:
    """Classifiers by seed, their detectors, and auditors that read the ensemble's advice too."""

    models: Mapping[int, nn.Module]
    trained: Mapping[int, TrainedDetectors]
    advised: Mapping[int, Auditor]


def train_members(
    models: Mapping[int, nn.Module], draws: ShiftedDigits, sets: Mapping[str, ImageSet]
) -> Members:
    """Every detector of every classifier, fitted on the same draws."""
    trained = train_detectors(models, draws, sets)
    learnt = [detectors.learnt for detectors in trained.values()]
    tasks = (
        (_with_advice(learnt, member), learnt[member].failed, seed)
        for member, seed in enumerate(models)
    )
    advised = dict(zip(models, failure.fit_several(tasks), strict=True))
    return Members(models, trained, advised)


def _with_advice(readings: Sequence[Activations], member: int) -> np.ndarray:
    """The latents of one member beside the ensemble's advice, (N, D + 2)."""
    logits = [reading.logits for reading in readings]
    advice = failure.advice(logits, member=member)
    return np.concatenate([readings[member].features(), advice], axis=1)


def score_members(members: Members, sample: ShiftedDigits) -> list[Scored]:
    """The failure scores of every detector on one sample, a Scored per classifier."""
    scored = []
    for seed, reading, by_ensemble in _read_members(members, sample):
        model = members.models[seed]
        scores = members.trained[seed].panel.score(reading)
        scores.update(by_ensemble)
        head = model.get_submodule("fc")
        scores["MC dropout"] = failure.mc_dropout_score(head, reading.latents["hidden"])
        scores["moved images"] = failure.moved_images_score(model, sample.images)
        scored.append(Scored(scores, reading.failed, sample.digit))
    return scored


def score_in_one_pass(members: Members, sample: ShiftedDigits) -> list[Scored]:
    """As `score_members`, without detectors that take distances or ask a classifier repeatedly.

    They cost six times as much as all others.
    """
    scored = []
    for seed, reading, by_ensemble in _read_members(members, sample):
        scores = members.trained[seed].panel.auditor_scores(reading)
        scores.update(failure.scores_from_logits(reading.logits))
        scores.update(by_ensemble)
        scored.append(Scored(scores, reading.failed, sample.digit))
    return scored


def _read_members(
    members: Members, sample: ShiftedDigits
) -> Iterator[tuple[int, Activations, dict[str, np.ndarray]]]:
    """Each classifier's seed, its activations, and the scores for which all classifiers are asked.

    The scores are {detector: (N,)}.
    """
    readings = [extract_sample(model, sample) for model in members.models.values()]
    logits = [reading.logits for reading in readings]
    for member, (seed, advised) in enumerate(members.advised.items()):
        scores = {"auditor + ensemble": advised.score(_with_advice(readings, member))}
        scores.update(failure.ensemble_scores(logits, member=member))
        yield seed, readings[member], scores


def held_out_aurocs(members: Members) -> dict[str, float]:
    """{detector: AUROC on the held-out auditor digits, mean over classifiers}, the best first."""
    held = next(iter(members.trained.values())).held_sample
    aurocs: dict[str, list[float]] = {}
    for scored in score_members(members, held):
        for detector, score in scored.scores.items():
            aurocs.setdefault(detector, []).append(metrics.auroc(score, scored.failed))
    means = {detector: float(np.mean(values)) for detector, values in aurocs.items()}
    return dict(sorted(means.items(), key=lambda item: -item[1]))


def best_baseline(aurocs: Mapping[str, float]) -> str:
    """The best of `held_out_aurocs` that is no auditor: chosen before any test."""
    return next(detector for detector in aurocs if not detector.startswith("auditor"))
