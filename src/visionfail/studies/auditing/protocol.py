"""From a trained base classifier to failure scores on fresh digits, without training set leakage.

The classifier learns on "train". The detectors learn on draws of the "auditor" digits, which it has
not seen; the best baseline is chosen on a fifth of those digits, held out. Everything reported is
on "test", with draws of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import nn

from visionfail import corruptions, failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Activations, Detectors
from visionfail.studies.auditing import shifted_digits
from visionfail.studies.auditing.shifted_digits import ShiftedDigits

DRAWS_A_DIGIT = 4.8  # 48,000 of the 10,000 auditor digits
LEARN = 0.8  # share of the auditor digits that detectors learn from; the others choose the baseline
KNOWN = 10_000  # training digits that distances are taken to

# seeds of the draws, far apart, so that no draw is used twice
LEARN_SEED = 0
VAL_SEED = 500
TEST_SEED = 1000


@dataclass(frozen=True, eq=False)
class TrainedDetectors:
    """The detectors of one base classifier, what they learnt from, and the draws held out of it."""

    panel: Detectors
    learnt: Activations
    held: Activations
    held_sample: ShiftedDigits


def extract_sample(model: nn.Module, sample: ShiftedDigits | ImageSet) -> Activations:
    """The activations, logits and labels of a base classifier on a sample, or on digits as such."""
    return failure.extract(model, sample.images, sample.labels, layers=failure.LAYERS["mnist_cnn"])


def training_draws(digits: ImageSet, **keywords) -> ShiftedDigits:
    """The draws that detectors learn from, 4.8 per digit, the same for every seed.

    `keywords`, such as kinds, go to `shifted_digits.draw_shifted`.
    """
    count = round(DRAWS_A_DIGIT * len(digits))
    return shifted_digits.draw_shifted(digits, count=count, seed=LEARN_SEED, **keywords)


def train_detectors(
    models: Mapping[int, nn.Module], sample: ShiftedDigits, sets: Mapping[str, ImageSet]
) -> dict[int, TrainedDetectors]:
    """Every detector of each classifier, by seed, fitted on draws of 80% of the sample's digits.

    Distances are taken to the first of sets["train"].
    """
    learn, held = shifted_digits.split_by_digit(sample, share=LEARN)
    training_digits = shifted_digits.clean_digits(sets["train"].first(KNOWN))
    readings = {seed: extract_sample(model, sample) for seed, model in models.items()}
    learnt = {seed: activations.at(learn) for seed, activations in readings.items()}
    auditors = failure.fit_auditors(list(learnt.values()), seeds=list(models))
    trained = {}
    for (seed, model), of_model in zip(models.items(), auditors, strict=True):
        reference = extract_sample(model, training_digits)
        trained[seed] = TrainedDetectors(
            panel=failure.fit_baselines(of_model, learnt[seed], reference),
            learnt=learnt[seed],
            held=readings[seed].at(held),
            held_sample=sample.at(held),
        )
    return trained


def accuracy_by_strength(
    sample: ShiftedDigits, activations: Activations, *, bins: int, seed: int
) -> pd.DataFrame:
    """Accuracy and confidence when wrong under one shift, by strength, in [0, 1].

    A row per metric and each of `bins` equal bins of strength, with columns shift, strength (the
    bin's middle), seed, metric, value, lo, hi, n. Intervals are 95%: Wilson's for accuracy, t over
    the wrong answers for their mean confidence, NaN below two of them.
    """
    confidence = failure.confidence_of(activations)  # (N,)
    failed = activations.failed
    bin_of_draw = np.minimum((sample.strength * bins).astype(int), bins - 1)  # (N,)
    shift = corruptions.SHIFTS[sample.kind[0]]
    rows = []
    for number in range(bins):
        in_bin = bin_of_draw == number
        for measured in (
            _accuracy_fields(failed[in_bin]),
            _confidence_fields(confidence[in_bin & failed]),
        ):
            row = {"shift": shift, "strength": (number + 0.5) / bins, "seed": seed}
            row.update(measured)
            rows.append(row)
    return pd.DataFrame(rows)


def _accuracy_fields(failed: np.ndarray) -> dict:
    """{"metric", "value", "lo", "hi", "n"}: the accuracy of answers (N,), its Wilson interval."""
    n = len(failed)
    right = int((~failed).sum())
    value = right / n
    lo, hi = metrics.wilson(right, n)
    return {"metric": "accuracy", "value": value, "lo": lo, "hi": hi, "n": n}


def _confidence_fields(confidence: np.ndarray) -> dict:
    """The same of the mean confidence of wrong answers (N,), with its t interval, NaN below two."""
    fields: dict = {"metric": "confidence when wrong", "value": np.nan, "lo": np.nan, "hi": np.nan}
    if len(confidence):
        fields.update(metrics.interval_over_seeds(confidence.tolist()))  # over answers
    fields["n"] = len(confidence)
    return fields
