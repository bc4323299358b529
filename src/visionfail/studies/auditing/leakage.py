"""Training set leakage: the protocol of the original study, changed to ours one step at a time.

The original trains the classifier on all training digits, the auditor on draws of the same digits,
and measures the auditor on the draws that it learnt from.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from visionfail import failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Activations, Auditor, Scored
from visionfail.metrics import Estimate
from visionfail.studies.auditing import protocol, shifted_digits
from visionfail.studies.auditing.shifted_digits import ShiftedDigits


@dataclass(frozen=True, eq=False)
class Step:
    """A step from the original protocol to ours: an auditor and the draws that measure it."""

    name: str
    auditor: Auditor
    activations: Activations
    digit: np.ndarray  # (N,), the digit of each draw


@dataclass(frozen=True, eq=False)
class SplitDraws:
    """The draws of 80% of the digits, which an auditor learns from, and those of the others."""

    learnt: Activations
    learnt_digit: np.ndarray
    held: Activations
    held_digit: np.ndarray


def all_but_test(sets: Mapping[str, ImageSet]) -> ImageSet:
    """The digits of "train", "auditor" and "val": what the original trains its classifier on."""
    splits = [sets[name] for name in ("train", "auditor", "val")]
    images = torch.cat([split.images for split in splits])
    labels = torch.cat([split.labels for split in splits])
    return ImageSet(images, labels, splits[0].classes, splits[0].origin)


def leakage_steps(
    original: nn.Module,
    ours: nn.Module,
    sets: Mapping[str, ImageSet],
    *,
    seed: int,
    bootstraps: int,
) -> tuple[dict[str, dict[str, Estimate]], dict[str, int]]:
    """({step: {"auditor", "1 - confidence": AUROC}}, {step: draws}), from the original to ours.

    `original` is a base classifier trained on `all_but_test`, `ours` one trained on sets["train"];
    the auditors of both learn from equally many draws. Digits are resampled, with all their draws,
    for each step anew: a difference between two steps is that of other digits.
    """
    generator = np.random.default_rng(seed)
    aurocs = {}
    draws = {}
    for step in _steps(original, ours, sets, seed=seed):
        counts = metrics.resampling_counts(bootstraps, int(step.digit.max()) + 1, generator)
        aurocs[step.name] = failure.aurocs([_scored(step)], counts)
        draws[step.name] = len(step.digit)
    return aurocs, draws


def _scored(step: Step) -> Scored:
    """The scores of the auditor and of 1 - confidence on the draws of a step."""
    activations = step.activations
    confidence = failure.confidence_of(activations)
    scores = {
        "auditor": step.auditor.score(activations.features()),
        "1 - confidence": 1 - confidence,
    }
    return Scored(scores, activations.failed, step.digit)


def _steps(
    original: nn.Module, ours: nn.Module, sets: Mapping[str, ImageSet], *, seed: int
) -> list[Step]:
    """The four steps, the original protocol first and ours last."""
    count = round(protocol.DRAWS_A_DIGIT * len(sets["auditor"]))
    test = sets["test"]
    train_draws = shifted_digits.draw_shifted(sets["train"], count=count, seed=protocol.LEARN_SEED)
    draws = shifted_digits.draw_shifted(sets["auditor"], count=count, seed=protocol.LEARN_SEED)
    mix = shifted_digits.draw_shifted(test, count=len(test), seed=protocol.TEST_SEED)
    leaky = _split_draws(original, train_draws)
    clean = _split_draws(ours, draws)
    leaky_auditor, clean_auditor = failure.fit_several(
        (split.learnt.features(), split.learnt.failed, seed) for split in (leaky, clean)
    )
    return [
        Step(
            "original: judged on what it learnt from",
            leaky_auditor,
            leaky.learnt,
            leaky.learnt_digit,
        ),
        Step("judged on other training digits", leaky_auditor, leaky.held, leaky.held_digit),
        Step("classifier has not learnt the digits", clean_auditor, clean.held, clean.held_digit),
        Step(
            "ours: fresh test digits and draws",
            clean_auditor,
            protocol.extract_sample(ours, mix),
            mix.digit,
        ),
    ]


def _split_draws(model: nn.Module, sample: ShiftedDigits) -> SplitDraws:
    """What `model` makes of the draws of 80% of the sample's digits, and of the others' draws."""
    activations = protocol.extract_sample(model, sample)
    learn, held = shifted_digits.split_by_digit(sample, share=protocol.LEARN)
    return SplitDraws(
        learnt=activations.at(learn),
        learnt_digit=sample.digit[learn],
        held=activations.at(held),
        held_digit=sample.digit[held],
    )
