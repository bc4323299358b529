"""Small sets, networks and answers that several tests share."""

import numpy as np
import torch

from visionfail.data import CLASSES, ImageSet
from visionfail.evaluation.outcomes import FIELDS, Outcomes, all_conditions, outcome_of_logits
from visionfail.failure.activations import Activations

STATS = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2470, 0.2435, 0.2616)}


def squares(n: int, *, seed: int) -> ImageSet:
    """Noise with a bright square whose place among ten tells the class: learnt in a few steps by a
    tiny network.
    """
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 120, (n, 3, 32, 32), dtype=np.uint8)
    labels = rng.integers(0, 10, n)
    for image, label in zip(images, labels, strict=True):
        row, column = 2 + 15 * (label // 5), 1 + 6 * (label % 5)
        image[:, row : row + 12, column : column + 5] += 120
    return ImageSet(
        torch.from_numpy(images), torch.from_numpy(labels), CLASSES["cifar10"], "standin"
    )


def random_outcomes(severities=(1, 2, 3, 4, 5), n=60, origin="regenerated"):
    """Random logits, better on clean images, as a sweep would store them; and the logits."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (n,), generator=generator)
    conditions = all_conditions(severities)
    logits = torch.randn(len(conditions), n, 10, generator=generator)
    for row, (_, severity) in enumerate(conditions):
        logits[row, torch.arange(n), labels] += 3 - 0.4 * severity
    stored = [
        outcome_of_logits(logits[row], labels, temperature=1.3) for row in range(len(conditions))
    ]
    fields = {field: np.stack([row[field] for row in stored]) for field in FIELDS}
    fields |= {"labels": labels.numpy().astype(np.uint8), "origins": (origin,) * len(conditions)}
    return (
        Outcomes(conditions=tuple(conditions), temperature=1.3, made={}, **fields),
        logits,
        labels,
    )


def random_activations(n=400, seed=0):
    """Latents of which the second layer's first number tells failure; logits that know nothing of
    it.
    """
    generator = np.random.default_rng(seed)
    labels, failed = generator.integers(10, size=n), generator.random(n) < 0.3
    logits = generator.normal(0, 1, (n, 10)).astype(np.float32)
    logits[np.arange(n), np.where(failed, (labels + 1) % 10, labels)] += 9
    latents = {"one": generator.normal(0, 1, (n, 3)), "two": generator.normal(0, 1, (n, 4))}
    latents["two"][:, 0] += 3 * failed
    return Activations({k: v.astype(np.float32) for k, v in latents.items()}, logits, labels)
