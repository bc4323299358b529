"""Answers chosen by rule: confident mistakes, caught or missed by an auditor, and false alarms."""

import numpy as np
import pandas as pd
from torch import Tensor

from visionfail import data, failure
from visionfail.data import ImageSet
from visionfail.failure import Activations, Monitor, extract
from visionfail.studies.auditing import shifted_digits

SURE = 0.9  # confidence from which a wrong answer is a confident mistake


def demo_digits() -> ImageSet:
    """Test digits where MNIST is on disk, else the embedded val digits.

    No network here learnt from either of them.
    """
    official = data.load_or_standin("mnist", "test")
    if official.origin == "official":
        return official
    return data.load_or_standin("mnist", "val")


def confident_failure(demo: Monitor, images: ImageSet, *, seed: int) -> tuple[Tensor, int, str]:
    """(digit uint8 (1, 1, 28, 28), its label, its shift in words) of a confident mistake.

    Of one draw of each digit of `images` it is the confident mistake to which the auditor gives the
    highest failure score. ValueError where the classifier makes no confident mistake.
    """
    sample = shifted_digits.draw_shifted(images, count=len(images), seed=seed)
    activations = extract(demo.model, sample.images, sample.labels, layers=demo.layers)
    score = demo.auditor.score(activations.features())  # (N,)
    caught = ranked_failures(activations, score)["caught"]
    if not len(caught):
        raise ValueError(
            f"no answer on {len(images)} digits is wrong with confidence of {SURE:.0%} or more."
        )
    row = sample.log().iloc[caught[0]]
    words = "unshifted"
    if row["shift"] != "none":
        words = f"{row['shift']}, strength {row.strength:.2f}"
    return sample.images[caught[:1]], int(row.label), words


def ranked_failures(activations: Activations, score: np.ndarray) -> dict[str, np.ndarray]:
    """{rule: places of the answers, the clearest case first}, by the failure score (N,) in [0, 1].

    "caught" and "missed" are confident mistakes by falling and rising score, "distrusted" right
    answers by falling score.
    """
    failed = activations.failed
    confident = failure.confidence_of(activations) >= SURE
    mistakes = np.flatnonzero(failed & confident)
    right = np.flatnonzero(~failed)
    return {
        "caught": mistakes[np.argsort(-score[mistakes], kind="stable")],
        "missed": mistakes[np.argsort(score[mistakes], kind="stable")],
        "distrusted": right[np.argsort(-score[right], kind="stable")],
    }


def failure_captions(activations: Activations, score: np.ndarray, places: np.ndarray) -> list[str]:
    """The caption of each picture: label, predicted class, confidence and failure score (N,)."""
    predicted = activations.logits.argmax(axis=1)
    confidence = failure.confidence_of(activations)
    captions = []
    for i in places:
        answer = f"{activations.labels[i]} read as {predicted[i]}"
        captions.append(f"{answer}\nsure {confidence[i]:.0%}, fails {score[i]:.0%}")
    return captions


def score_histogram(score: np.ndarray, failed: np.ndarray, *, count: int = 25) -> pd.DataFrame:
    """The histogram of failure scores (N,) in [0, 1], right and wrong answers apart.

    A row per outcome and each of `count` bins, with columns score (the bin's middle), share of the
    outcome's answers, outcome ("right", "wrong") and n.
    """
    edges = np.linspace(0, 1, count + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    tables = []
    for outcome, chosen in {"right": ~failed, "wrong": failed}.items():
        answers = np.histogram(np.clip(score[chosen], 0, 1), edges)[0]  # (count,)
        share = answers / max(1, chosen.sum())
        table = pd.DataFrame({"score": middles, "share": share})
        tables.append(table.assign(outcome=outcome, n=int(chosen.sum())))
    return pd.concat(tables, ignore_index=True)
