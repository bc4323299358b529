"""The auditor on CIFAR-10: it learns under one half of the corruptions and is judged under the
other.

The halves keep families whole, so that no judge has met a close relative of what it is judged on.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import corruptions, failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Activations, Scored
from visionfail.metrics import Estimate

FAMILIES = {
    "noise and blur": corruptions.CORRUPTIONS[:7],
    "weather and digital": corruptions.CORRUPTIONS[7:],
}

AUDITOR_SEEDS = (0, 1, 2, 3, 4)  # of the auditor; the classifier is one
SEVERITIES = 5


def mixed_severities(count: int, name: str) -> np.ndarray:
    """The severity of each of `count` images under a corruption, (count,): fifths in their order,
    turned by one from each corruption to the next.
    """
    return (
        1
        + (SEVERITIES * np.arange(count) // count + corruptions.CORRUPTIONS.index(name))
        % SEVERITIES
    )


def corrupt_mixed_severities(images: Tensor, name: str) -> Tensor:
    """uint8 images (N, C, H, W) -> each under corruption `name` at the severity that `severities`
    gives it.
    """
    levels, changed = mixed_severities(len(images), name), torch.empty_like(images)
    for level in np.unique(levels):
        places = np.flatnonzero(levels == level)  # neighbours, so one first_index fits all
        block = slice(int(places[0]), int(places[-1]) + 1)
        changed[block] = corruptions.corrupt(
            images[block], name, int(level), first_index=block.start
        )
    return changed


def extract_all(
    model: nn.Module, images: ImageSet, *, dtype: torch.dtype
) -> dict[str, Activations]:
    """What a ResNet-18 makes of the images clean (in float32) and under each of the 15 corruptions
    (in `dtype`).
    """
    layers = failure.LAYERS["resnet18"]
    found = {"clean": failure.extract(model, images.images, images.labels, layers=layers)}
    for name in corruptions.CORRUPTIONS:
        changed = corrupt_mixed_severities(images.images, name)
        found[name] = failure.extract(model, changed, images.labels, layers=layers, dtype=dtype)
    return found


def score_held_out(
    learnt: Mapping[str, Activations],
    known: Activations,
    test: Mapping[str, Activations],
    *,
    names: Sequence[str],
) -> dict[str, list[Scored]]:
    """{condition: [a seed of the auditor each]}: judges that learn from `learnt` clean and under
    `names`, with distances to `known`, score every reading of `test`. The rivals have no seed: they
    are fitted once.
    """
    reading = failure.concatenate([learnt[name] for name in ("clean", *names)])
    panel = failure.fit_detectors(reading, known, seed=AUDITOR_SEEDS[0])
    others = [
        failure.fit(reading.features(), reading.failed, seed=seed) for seed in AUDITOR_SEEDS[1:]
    ]
    found = {}
    for condition, one in test.items():
        scores, features = panel.score(one), one.features()
        all_scores = [scores, *(scores | {"auditor": other.score(features)} for other in others)]
        found[condition] = [Scored(s, one.failed, np.arange(len(one.labels))) for s in all_scores]
    return found


def split_by_severity(
    judged: Mapping[str, list[Scored]], names: Sequence[str]
) -> dict[str, list[Scored]]:
    """{"fog 3": ...}: the same of `names`, each severity apart."""
    found = {}
    for name in names:
        levels = mixed_severities(len(judged[name][0].failed), name)
        for level in range(1, SEVERITIES + 1):
            found[f"{name} {level}"] = [one.at(levels == level) for one in judged[name]]
    return found


def mean_auroc(parts: Mapping[str, list[Scored]], counts: np.ndarray) -> dict[str, Estimate] | None:
    """{judge: AUROC averaged over conditions} of those with enough of both outcomes; None if there
    are none.
    """
    each = [
        failure.aurocs(seeds, counts)
        for seeds in parts.values()
        if failure.has_enough_failures(seeds)
    ]
    return (
        {name: metrics.mean_of_estimates([one[name] for one in each]) for name in each[0]}
        if each
        else None
    )
