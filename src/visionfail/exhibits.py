"""Answers worth looking at, chosen by rule: sure and wrong, caught or missed by an auditor; right and distrusted."""

import numpy as np
import pandas as pd

from visionfail import auditor
from visionfail.auditor import Reading

SURE = 0.9  # confidence from which a wrong answer is a confident mistake


def ranked(reading: Reading, score: np.ndarray) -> dict[str, np.ndarray]:
    """{rule: places, the clearest first}: confident mistakes by falling ("caught") and rising ("missed") probability of
    failure `score` (N,), and right answers by falling ("distrusted").
    """
    sure = confidence(reading) >= SURE
    mistakes, right = np.flatnonzero(reading.failed & sure), np.flatnonzero(~reading.failed)
    return {
        "caught": mistakes[np.argsort(-score[mistakes], kind="stable")],
        "missed": mistakes[np.argsort(score[mistakes], kind="stable")],
        "distrusted": right[np.argsort(-score[right], kind="stable")],
    }


def confidence(reading: Reading) -> np.ndarray:
    """The largest softmax probability, (N,)."""
    return 1 - auditor.from_logits(reading.logits)["1 - confidence"]


def captions(reading: Reading, score: np.ndarray, places: np.ndarray) -> list[str]:
    """What to write above each picture: truth, answer, how sure the classifier, what the auditor says."""
    predicted, sure = reading.logits.argmax(axis=1), confidence(reading)
    return [f"{reading.labels[i]} read as {predicted[i]}\nsure {sure[i]:.0%}, fails {score[i]:.0%}" for i in places]


def bins(score: np.ndarray, failed: np.ndarray, *, count: int = 25) -> pd.DataFrame:
    """How the scores in [0, 1] of failures and of right answers are spread: columns score (the bin's middle), outcome
    ("wrong", "right"), share of that outcome's answers, n.
    """
    edges, rows = np.linspace(0, 1, count + 1), []
    for outcome, chosen in {"right": ~failed, "wrong": failed}.items():
        share = np.histogram(np.clip(score[chosen], 0, 1), edges)[0] / max(1, chosen.sum())
        rows.append(pd.DataFrame({"score": (edges[:-1] + edges[1:]) / 2, "share": share}).assign(
            outcome=outcome, n=int(chosen.sum())))  # fmt: skip
    return pd.concat(rows, ignore_index=True)
