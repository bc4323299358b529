"""Answers worth looking at, chosen by rule: sure and wrong, caught or missed by an auditor; right
and distrusted.
"""

import numpy as np
import pandas as pd
from torch import Tensor

from visionfail import data, failure
from visionfail.data import ImageSet
from visionfail.failure import Activations, Monitor, extract
from visionfail.studies.auditing import shifted_digits


def demo_digits() -> ImageSet:
    """Test digits where MNIST is on disk, else the embedded val digits: no network here learnt from
    either.
    """
    official = data.load_or_standin("mnist", "test")
    return official if official.origin == "official" else data.load_or_standin("mnist", "val")


def confident_failure(demo: Monitor, images: ImageSet, *, seed: int) -> tuple[Tensor, int, str]:
    """(digit uint8 (1, 1, 28, 28), its label, shift in words): of one draw a digit of `images` the
    confident mistake of which the auditor is surest. ValueError where the classifier makes no
    confident mistake.
    """
    sample = shifted_digits.draw_shifted(images, count=len(images), seed=seed)
    reading = extract(demo.model, sample.images, sample.labels, layers=demo.layers)
    caught = ranked_failures(reading, demo.judge.score(reading.features()))["caught"]
    if not len(caught):
        raise ValueError(
            f"no answer on {len(images)} digits is wrong with confidence of {SURE:.0%} or more."
        )
    row = sample.log().iloc[caught[0]]
    words = (
        "unshifted" if row["shift"] == "none" else f"{row['shift']}, strength {row.strength:.2f}"
    )
    return sample.images[caught[:1]], int(row.label), words


SURE = 0.9  # confidence from which a wrong answer is a confident mistake


def ranked_failures(reading: Activations, score: np.ndarray) -> dict[str, np.ndarray]:
    """{rule: places, the clearest first}: confident mistakes by falling ("caught") and rising
    ("missed") probability of failure `score` (N,), and right answers by falling ("distrusted").
    """
    sure = failure.confidence_of(reading) >= SURE
    mistakes, right = np.flatnonzero(reading.failed & sure), np.flatnonzero(~reading.failed)
    return {
        "caught": mistakes[np.argsort(-score[mistakes], kind="stable")],
        "missed": mistakes[np.argsort(score[mistakes], kind="stable")],
        "distrusted": right[np.argsort(-score[right], kind="stable")],
    }


def failure_captions(reading: Activations, score: np.ndarray, places: np.ndarray) -> list[str]:
    """What to write above each picture: truth, answer, how sure the classifier, what the auditor
    says.
    """
    predicted, sure = reading.logits.argmax(axis=1), failure.confidence_of(reading)
    return [
        f"{reading.labels[i]} read as {predicted[i]}\nsure {sure[i]:.0%}, fails {score[i]:.0%}"
        for i in places
    ]


def score_histogram(score: np.ndarray, failed: np.ndarray, *, count: int = 25) -> pd.DataFrame:
    """How the scores in [0, 1] of failures and of right answers are spread: columns score (the
    bin's middle), outcome ("wrong", "right"), share of that outcome's answers, n.
    """
    edges, rows = np.linspace(0, 1, count + 1), []
    for outcome, chosen in {"right": ~failed, "wrong": failed}.items():
        share = np.histogram(np.clip(score[chosen], 0, 1), edges)[0] / max(1, chosen.sum())
        rows.append(pd.DataFrame({"score": (edges[:-1] + edges[1:]) / 2, "share": share}).assign(
            outcome=outcome, n=int(chosen.sum())))  # fmt: skip
    return pd.concat(rows, ignore_index=True)
