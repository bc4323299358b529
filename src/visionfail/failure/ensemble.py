"""Failure scores of a deep ensemble: several networks, trained alike, asked about the same images.

Lakshminarayanan et al. 2017, arXiv:1612.01474. Each score is about the answer of one network, the
one whose failures are to be found; the others only advise.
"""

from collections.abc import Sequence

import numpy as np

from visionfail import metrics

SMALLEST = 1e-7  # probability that log-odds are taken of


def ensemble_scores(logits: Sequence[np.ndarray], *, member: int) -> dict[str, np.ndarray]:
    """{score: (N,)} about the answers of one member, from every member's logits (N, K).

    "ensemble, 1 - p": 1 minus the mean probability of the answer; "ensemble, entropy": entropy of
    the mean probabilities, in nats; "ensemble, votes": the share of members that answer otherwise.
    ValueError for fewer than two members, or logits of different shapes.
    """
    shapes = {np.shape(of_member) for of_member in logits}
    if len(logits) < 2 or len(shapes) > 1:
        raise ValueError(
            f"{len(logits)} members with logits of shapes {sorted(shapes)}: an ensemble needs at "
            "least two members' logits (N, K) of the same images."
        )
    probabilities = np.stack([metrics.probabilities(of_member) for of_member in logits])
    mean = probabilities.mean(axis=0)  # (N, K)
    votes = probabilities.argmax(axis=2)  # (members, N)
    answers = votes[member]  # (N,)
    of_answer = np.take_along_axis(mean, answers[:, None], axis=1)[:, 0]
    log_mean = np.log(np.maximum(mean, np.finfo(np.float64).tiny))
    return {
        "ensemble, 1 - p": 1 - of_answer,
        "ensemble, entropy": -(mean * log_mean).sum(axis=1),
        "ensemble, votes": (votes != answers).mean(axis=0),
    }


def advice(logits: Sequence[np.ndarray], *, member: int) -> np.ndarray:
    """What an auditor reads of the ensemble, float32 (N, 2), about one member's answers.

    The log-odds of the answer's mean probability, and the entropy of the mean probabilities.
    """
    scores = ensemble_scores(logits, member=member)
    doubt = np.clip(scores["ensemble, 1 - p"], SMALLEST, 1 - SMALLEST)
    log_odds = np.log1p(-doubt) - np.log(doubt)
    return np.column_stack([log_odds, scores["ensemble, entropy"]]).astype(np.float32)
