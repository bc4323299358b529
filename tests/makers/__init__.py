"""Small sets, networks and answers that several tests share."""

import dataclasses

import numpy as np
import torch

from visionfail import results
from visionfail.data import CLASSES, ImageSet
from visionfail.evaluation.outcomes import FIELDS, Outcomes, all_conditions, outcome_of_logits
from visionfail.failure.activations import Activations

STATS = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2470, 0.2435, 0.2616)}


def squares(n: int, *, seed: int) -> ImageSet:
    """Noise with a bright square whose place among ten tells the class, (n, 3, 32, 32).

    A tiny network learns it in a few steps.
    """
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 120, (n, 3, 32, 32), dtype=np.uint8)
    labels = rng.integers(0, 10, n)
    for image, label in zip(images, labels, strict=True):
        row = 2 + 15 * (label // 5)
        column = 1 + 6 * (label % 5)
        image[:, row : row + 12, column : column + 5] += 120
    return ImageSet(
        torch.from_numpy(images), torch.from_numpy(labels), CLASSES["cifar10"], "standin"
    )


def random_outcomes(severities=(1, 2, 3, 4, 5), n=60, origin="regenerated"):
    """(outcomes, logits, labels) of random logits, better on clean images."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (n,), generator=generator)
    conditions = all_conditions(severities)
    logits = torch.randn(len(conditions), n, 10, generator=generator)
    for row, (_, severity) in enumerate(conditions):
        logits[row, torch.arange(n), labels] += 3 - 0.4 * severity
    stored = [outcome_of_logits(answers, labels, temperature=1.3) for answers in logits]
    fields = {}
    for field in FIELDS:
        fields[field] = np.stack([row[field] for row in stored])  # (conditions, n)
    outcomes = Outcomes(
        conditions=tuple(conditions),
        labels=labels.numpy().astype(np.uint8),
        origins=(origin,) * len(conditions),
        temperature=1.3,
        made={},
        **fields,
    )
    return outcomes, logits, labels


def planted_sweep(accuracy, seed, n=300):
    """Answers whose every condition is right for about this share of the images."""
    sweep, _, _ = random_outcomes(n=n)
    hit = np.random.default_rng(seed).random(sweep.predicted.shape) < accuracy
    predicted = np.where(hit, sweep.labels, (sweep.labels + 1) % 10).astype(np.uint8)
    return dataclasses.replace(sweep, predicted=predicted, made={"images": "planted"})


def random_activations(n=400, seed=0):
    """Activations in which the second layer's first number tells failure, and the logits do not."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(10, size=n)
    failed = generator.random(n) < 0.3
    logits = generator.normal(0, 1, (n, 10)).astype(np.float32)
    logits[np.arange(n), np.where(failed, (labels + 1) % 10, labels)] += 9
    latents = {"one": generator.normal(0, 1, (n, 3)), "two": generator.normal(0, 1, (n, 4))}
    latents["two"][:, 0] += 3 * failed
    return Activations({k: v.astype(np.float32) for k, v in latents.items()}, logits, labels)


def save_rows(rows, name, folder):
    """Rows of stand-ins, stored in `folder` as the run `name` of results/, and read back."""
    results.save_run(
        name,
        rows,
        folder=folder,
        config={"origin": "standin"},
        seconds=1,
        data_checksums={},
        device="cpu",
    )
    return results.load_run(name, folder=folder)[0]
