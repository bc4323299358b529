"""Answers to attacked images and quick networks that several tests of attacks share."""

from dataclasses import replace

import numpy as np
import torch
from scipy import stats
from torch import nn

from makers import squares
from visionfail.studies.uneven import EPSILONS, AttackedAnswers, SeedAnswers


def attacked_of(
    predicted,
    labels,
    *,
    log_odds=None,
    log_prob=None,
    groups=None,
    dataset="svhn10k",
    classes="0123456789",
    attack="pgd",
):
    """AttackedAnswers of predictions (S, 7, M) to labels (M,), equally sure where nothing is said.

    The answers to clean images are those at epsilon 0.
    """
    predicted = np.asarray(predicted)
    labels = np.asarray(labels)
    if log_odds is None:
        log_odds = np.full(predicted.shape, 2.0, dtype=np.float16)
    if log_prob is None:
        log_prob = np.full(predicted.shape, -0.5, dtype=np.float16)
    made = {"dataset": dataset, "split": "test", "seeds": list(range(len(predicted)))}
    made["classes"] = list(classes)
    clean = SeedAnswers(
        labels=labels,
        predicted=predicted[:, 0].astype(np.int64),
        log_odds=log_odds[:, 0],
        groups=groups,
        covariates={},
        made=made,
    )
    return AttackedAnswers(
        attack=attack,
        predicted=predicted.astype(np.uint8),
        log_odds=log_odds,
        log_prob=log_prob,
        clean=clean,
    )


def falling_at(first_wrong, labels, *, step=1, num_classes=10, **more):
    """AttackedAnswers (S, M) whose image is wrong from the place `first_wrong` on, 7 for never.

    The wrong answer is the class `step` further on.
    """
    wrong = np.arange(len(EPSILONS))[:, None] >= np.asarray(first_wrong)[:, None]  # (S, 7, M)
    labels = np.asarray(labels)
    predicted = np.where(wrong, (labels + step) % num_classes, labels)
    return attacked_of(predicted, labels, **more)


def random_attacked(*, seeds=2, n=200, seed=0, **more):
    """AttackedAnswers of random confidences: a tenth is wrong when clean and stays as it is."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n)
    first_wrong = np.where(rng.random((seeds, n)) < 0.1, 0, rng.integers(1, 8, (seeds, n)))
    step = rng.integers(1, 10, (seeds, 1, n))
    shape = (seeds, len(EPSILONS), n)
    log_odds = rng.normal(2, 2, shape).astype(np.float16)
    log_prob = -rng.exponential(1, shape).astype(np.float16)
    return falling_at(first_wrong, labels, step=step, log_odds=log_odds, log_prob=log_prob, **more)


def faint_squares(n, *, seed, mislabelled=0):
    """Squares an eighth as bright, that a few grey levels turn; the first few labels are wrong."""
    plain = squares(n, seed=seed)
    labels = plain.labels.clone()
    labels[:mislabelled] = (labels[:mislabelled] + 1) % 10
    return replace(plain, images=plain.images // 8, labels=labels)


def plain_wilson(share, n):
    """Wilson's 95% interval of a share of n, from its formula."""
    z = stats.norm.ppf(0.975)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - reach, middle + reach


class Templates(nn.Module):
    """Compares images with the mean image of each class: a network made without training.

    `noise` bends its answers, so that fewer grey levels turn them, and two of them differ.
    """

    def __init__(self, images, *, noise=0.0, seed=0):
        super().__init__()
        pixels = images.images.float().flatten(1) / 255  # (N, D)
        means = torch.stack([pixels[images.labels == k].mean(dim=0) for k in range(10)])
        generator = torch.Generator().manual_seed(seed)
        centred = means - means.mean(dim=0)
        centred += noise * torch.randn(centred.shape, generator=generator)
        self.weight = nn.Parameter(centred)
        self.bias = nn.Parameter(-(centred * means).sum(dim=1) / 2)

    def forward(self, x):
        return x.flatten(1) @ self.weight.T + self.bias
