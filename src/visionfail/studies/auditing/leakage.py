"""How much of a published number was memory: its protocol, changed to ours one step at a time.

The original trains the classifier on all training digits, the auditor on draws of the same digits,
and measures the auditor on the draws it learnt from.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import nn

from visionfail import failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Activations, Auditor
from visionfail.studies.auditing import protocol, shifted_digits
from visionfail.studies.auditing.shifted_digits import ShiftedDigits


def all_but_test(sets: Mapping[str, ImageSet]) -> ImageSet:
    """All digits that are not for testing in one set: what the original trains its classifier
    on.
    """
    parts = [sets[name] for name in ("train", "auditor", "val")]
    images, labels = (
        torch.cat([getattr(part, field) for part in parts]) for field in ("images", "labels")
    )
    return ImageSet(images, labels, parts[0].classes, parts[0].origin)


def leakage_steps(
    original: nn.Module,
    ours: nn.Module,
    sets: Mapping[str, ImageSet],
    *,
    seed: int,
    bootstraps: int,
) -> pd.DataFrame:
    """AUROC of the auditor and of 1 - confidence after each step: rows step, judge, value, lo, hi,
    n, failures.

    `original` is a primary trained on `everything`, `ours` one trained on sets["train"]; auditors
    of both see as many draws, split 80/20 by digit. Intervals: 95%, bootstrap over digits.
    """
    generator, rows = np.random.default_rng(seed), []
    for step, reading, digit, judge in _steps(original, ours, sets, seed=seed):
        counts = metrics.resampling_counts(bootstraps, int(digit.max()) + 1, generator)[:, digit]
        scores = {"auditor": judge.score(reading.features())}
        scores["1 - confidence"] = failure.scores_from_logits(reading.logits)["1 - confidence"]
        for name, score in scores.items():
            value, lo, hi = metrics.auroc_with_interval(score, reading.failed, counts)
            row = {"step": step, "judge": name, "value": value, "lo": lo, "hi": hi}
            rows.append(row | {"n": len(digit), "failures": int(reading.failed.sum())})
    return pd.DataFrame(rows)


def _steps(original: nn.Module, ours: nn.Module, sets: Mapping[str, ImageSet], *, seed: int):
    """(what changed, reading, digit of each row, auditor) of each step, the original first."""
    count = round(protocol.DRAWS_A_DIGIT * len(sets["auditor"]))
    known = shifted_digits.draw_shifted(sets["train"], count=count, seed=protocol.LEARN_SEED)
    learn, held, judge = _fitted(original, known, seed=seed)
    yield "original: judged on what it learnt from", *learn, judge
    yield "judged on other training digits", *held, judge
    unknown = shifted_digits.draw_shifted(sets["auditor"], count=count, seed=protocol.LEARN_SEED)
    _, held, judge = _fitted(ours, unknown, seed=seed)
    yield "classifier has not learnt the digits", *held, judge
    mix = shifted_digits.draw_shifted(
        sets["test"], count=len(sets["test"]), seed=protocol.JUDGE_SEED
    )
    yield "ours: fresh test digits and draws", protocol.extract_sample(ours, mix), mix.digit, judge


def _fitted(model: nn.Module, sample: ShiftedDigits, *, seed: int) -> tuple[tuple, tuple, Auditor]:
    """An auditor fitted on 80% of the digits: ((reading, digit) of those, the same of the others,
    auditor).
    """
    reading: Activations = protocol.extract_sample(model, sample)
    parts = [
        (reading.at(mask), sample.digit[mask])
        for mask in shifted_digits.split_by_digit(sample, share=protocol.LEARN)
    ]
    return *parts, failure.fit(parts[0][0].features(), parts[0][0].failed, seed=seed)
