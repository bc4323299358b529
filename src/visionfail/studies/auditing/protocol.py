"""Study C from a trained primary to scores on fresh digits: who learns from what, and who is judged
on what.

The primary learns on "train". The judges learn on draws of the "auditor" digits, which the primary
has not seen; which rival is best is decided on a fifth of those digits, held out; everything
reported is on "test", with draws of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from torch import nn

from visionfail import corruptions, failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Activations, Detectors, Scored
from visionfail.studies.auditing import shifted_digits
from visionfail.studies.auditing.shifted_digits import ShiftedDigits

DRAWS_A_DIGIT = 4.8  # 48,000 of the 10,000 auditor digits
LEARN = 0.8  # share of the auditor digits that judges learn from; the others choose the best rival
KNOWN = 10_000  # training digits that distances are taken to

LEARN_SEED, VAL_SEED, JUDGE_SEED = (
    0,
    500,
    1000,
)  # of the draws; far apart, so that no draw serves twice


@dataclass(frozen=True, eq=False)
class TrainedDetectors:
    """The judges of one primary, what they learnt from, and what is held out of it."""

    panel: Detectors
    learnt: Activations
    held: Activations
    held_sample: ShiftedDigits


def extract_sample(model: nn.Module, sample: ShiftedDigits) -> Activations:
    """What the primary makes of a sample."""
    return failure.extract(model, sample.images, sample.labels, layers=failure.LAYERS["mnist_cnn"])


def training_draws(digits: ImageSet, **keywords) -> ShiftedDigits:
    """What judges learn from, the same for every seed; `keywords` (kinds, say) go to
    `trials.drawn`.
    """
    return shifted_digits.draw_shifted(
        digits, count=round(DRAWS_A_DIGIT * len(digits)), seed=LEARN_SEED, **keywords
    )


def train_detectors(
    model: nn.Module, sample: ShiftedDigits, sets: Mapping[str, ImageSet], *, seed: int
) -> TrainedDetectors:
    """Fit every judge on `draws` of sets["auditor"]; distances are taken to sets["train"]."""
    learn, held = shifted_digits.split_by_digit(sample, share=LEARN)
    reading, known = (
        extract_sample(model, sample),
        extract_sample(model, shifted_digits.clean_digits(sets["train"].first(KNOWN))),
    )
    panel = failure.fit_detectors(reading.at(learn), known, seed=seed)
    return TrainedDetectors(panel, reading.at(learn), reading.at(held), sample.at(held))


def score_sample(model: nn.Module, panel: Detectors, sample: ShiftedDigits) -> Scored:
    """Every judge's scores on one sample."""
    reading = extract_sample(model, sample)
    return Scored(panel.score(reading), reading.failed, sample.digit)


def score_samples(
    model: nn.Module, panel: Detectors, samples: Mapping[str, ShiftedDigits]
) -> dict[str, Scored]:
    """{slice: every judge's scores on it} of one seed, on the samples of `trials.judged_on`."""
    whole = {name: score_sample(model, panel, sample) for name, sample in samples.items()}
    return {
        name: whole[sample].at(mask)
        for name, (sample, mask) in shifted_digits.slices_of(dict(samples)).items()
    }


def accuracy_by_strength(
    sample: ShiftedDigits, reading: Activations, *, bins: int, seed: int
) -> pd.DataFrame:
    """Of every digit under one shift, in equal bins of strength: accuracy with its Wilson interval,
    and the mean confidence of the wrong answers with its t interval (missing below two of them): a
    row a bin and metric.
    """
    confidence = 1 - failure.scores_from_logits(reading.logits)["1 - confidence"]
    place, rows = np.minimum((sample.strength * bins).astype(int), bins - 1), []
    for k in range(bins):
        failed, sure = reading.failed[place == k], confidence[(place == k) & reading.failed]
        right, n = int((~failed).sum()), len(failed)
        reach = stats.t.ppf(0.975, len(sure) - 1) * stats.sem(sure) if len(sure) > 1 else np.nan
        mean = sure.mean() if len(sure) else np.nan
        common = {
            "shift": corruptions.SHIFTS[sample.kind[0]],
            "strength": (k + 0.5) / bins,
            "seed": seed,
        }
        rows.append(
            common
            | dict(zip(VALUES, ("accuracy", right / n, *metrics.wilson(right, n), n), strict=True))
        )
        ends = (mean, mean - reach, mean + reach, len(sure))
        rows.append(common | dict(zip(VALUES, ("confidence when wrong", *ends), strict=True)))
    return pd.DataFrame(rows)


VALUES = ("metric", "value", "lo", "hi", "n")


def best_baseline(trained: list[TrainedDetectors]) -> str:
    """The rival with the highest AUROC on the held-out auditor digits, averaged over seeds: chosen
    before any test.
    """
    means: dict[str, list[float]] = {}
    for one in trained:
        for judge_name, score in one.panel.score(one.held).items():
            means.setdefault(judge_name, []).append(metrics.auroc(score, one.held.failed))
    rivals = {name: np.mean(values) for name, values in means.items() if name != "auditor"}
    return max(rivals, key=rivals.get)
