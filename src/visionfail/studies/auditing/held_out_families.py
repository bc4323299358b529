"""Held-out families: on CIFAR-10 the auditor learns under some corruptions, the others test it.

Families stay whole, so no detector has learnt from a close relative of what it is tested on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import corruptions, failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Activations, Detectors, Scored
from visionfail.metrics import Estimate

FAMILIES = {
    "noise and blur": corruptions.CORRUPTIONS[:7],
    "weather and digital": corruptions.CORRUPTIONS[7:],
}

AUDITOR_SEEDS = (0, 1, 2, 3, 4)  # of the auditor; there is a single classifier
VAL_DRAWS = 1  # seed of the corruptions that detectors learn from; the test has 0
SEVERITIES = 5


def mixed_severities(count: int, name: str) -> np.ndarray:
    """The severity, 1 to 5, of each of `count` images under corruption `name`, (count,).

    Each fifth of the images has one severity; from a corruption to the next they move on by one.
    """
    fifth = SEVERITIES * np.arange(count) // count  # (count,), 0 to 4
    return 1 + (fifth + corruptions.CORRUPTIONS.index(name)) % SEVERITIES


def corrupt_mixed_severities(images: Tensor, name: str, *, seed: int = 0) -> Tensor:
    """The images uint8 (N, C, H, W) under a corruption, severities as in `mixed_severities`.

    Images of two sets must not share draws: the kth of both would get the same noise, so one of the
    sets needs a `seed` of its own.
    """
    severities = mixed_severities(len(images), name)
    changed = torch.empty_like(images)
    for severity in np.unique(severities):
        places = np.flatnonzero(severities == severity)  # neighbours, so one first_index fits all
        first = int(places[0])
        block = slice(first, int(places[-1]) + 1)
        changed[block] = corruptions.corrupt(
            images[block], name, int(severity), seed=seed, first_index=first
        )
    return changed


def extract_all(
    model: nn.Module, images: ImageSet, *, dtype: torch.dtype, seed: int = 0
) -> dict[str, Activations]:
    """{"clean" or corruption: activations of a ResNet-18}, clean in float32, the 15 in `dtype`.

    The corruptions are drawn from `seed`: VAL_DRAWS for images that detectors learn from.
    """
    layers = failure.LAYERS["resnet18"]
    activations = {"clean": failure.extract(model, images.images, images.labels, layers=layers)}
    for name in corruptions.CORRUPTIONS:
        changed = corrupt_mixed_severities(images.images, name, seed=seed)
        activations[name] = failure.extract(
            model, changed, images.labels, layers=layers, dtype=dtype
        )
    return activations


def score_held_out(
    learnt: Mapping[str, Activations],
    reference: Activations,
    test: Mapping[str, Activations],
    *,
    names: Sequence[str],
    advice: Mapping[str, Mapping[str, np.ndarray]],
) -> dict[str, list[Scored]]:
    """{condition: scores of every detector, one per auditor seed} on each condition of `test`.

    The detectors learn from `learnt`, clean and under the corruptions `names`; distances are taken
    to `reference`. The baselines have no seed: they are fitted once. `advice` are scores from
    elsewhere, {detector: {condition: (N,)}}.
    """
    training = failure.concatenate([learnt[name] for name in ("clean", *names)])
    by_seed = failure.fit_auditors([training] * len(AUDITOR_SEEDS), seeds=AUDITOR_SEEDS)
    panel = failure.fit_baselines(by_seed[0], training, reference)
    panels = [replace(panel, **auditors) for auditors in by_seed]
    scored = {}
    for condition, activations in test.items():
        given = {detector: scores[condition] for detector, scores in advice.items()}
        scored[condition] = _score_by_seed(panels, activations, given)
    return scored


def _score_by_seed(
    panels: Sequence[Detectors], activations: Activations, given: Mapping[str, np.ndarray]
) -> list[Scored]:
    """The scores of the first panel and `given`, then the same with each other panel's auditors."""
    scores = panels[0].score(activations)
    scores.update(given)
    failed = activations.failed
    digit = np.arange(len(failed))
    scored = [Scored(scores, failed, digit)]
    for panel in panels[1:]:
        seed_scores = dict(scores)
        seed_scores.update(panel.auditor_scores(activations))
        scored.append(Scored(seed_scores, failed, digit))
    return scored


def split_by_severity(
    by_condition: Mapping[str, list[Scored]], names: Sequence[str]
) -> dict[str, list[Scored]]:
    """{"fog 3": scores by seed, ...}: those of the corruptions `names`, each severity apart."""
    by_severity = {}
    for name in names:
        seeds = by_condition[name]
        severities = mixed_severities(len(seeds[0].failed), name)
        for severity in range(1, SEVERITIES + 1):
            chosen = severities == severity  # (N,)
            by_severity[f"{name} {severity}"] = [scored.at(chosen) for scored in seeds]
    return by_severity


def mean_auroc(
    by_condition: Mapping[str, list[Scored]], counts: np.ndarray
) -> dict[str, Estimate] | None:
    """{detector: AUROC averaged over conditions} of those with enough of both outcomes.

    None where there are none. Counts (B, N) say how often each resample holds each image.
    """
    aurocs = []
    for seeds in by_condition.values():
        if failure.has_enough_failures(seeds):
            aurocs.append(failure.aurocs(seeds, counts))
    if not aurocs:
        return None
    means = {}
    for detector in aurocs[0]:
        estimates = [by_detector[detector] for by_detector in aurocs]
        means[detector] = metrics.mean_of_estimates(estimates)
    return means
