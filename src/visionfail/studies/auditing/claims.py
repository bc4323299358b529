"""The claims about the auditor, each with a region and a verdict.

The regions were fixed in notes/claims.md.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visionfail import claims, corruptions, metrics
from visionfail.claims import Claim
from visionfail.failure import Scored
from visionfail.metrics import Estimate
from visionfail.studies.auditing.slices import WITHIN

BEATS = "the auditor beats confidence"
SURE = "the classifier is confident when wrong"
CONFIDENT = 0.9  # confidence above which a wrong answer counts for C5b

LEAD = "AUROC, auditor minus 1 - confidence"
SEVERAL_SHIFTS = {"C4b": "shifted", "C4c": WITHIN}  # {claim: its slice, which has each shift}

AUDITOR_CLAIMS = (
    Claim(
        key="C1",
        words="the classifier gets 98.7% of clean digits right",
        statistic="accuracy on clean digits",
        low=0.987,
        high=1.0,
    ),
    Claim(
        key="C2",
        words="the auditor finds failures with ROC-AUC 0.958",
        statistic="AUROC of the auditor, mix",
        low=0.948,
        high=0.968,
    ),
    Claim(
        key="C3",
        words="softmax confidence finds them with 0.835",
        statistic="AUROC of 1 - confidence, mix",
        low=0.825,
        high=0.845,
    ),
    Claim(key="C4a", words=f"{BEATS}: on the mix", statistic=f"{LEAD}, mix", low=0.0),
    Claim(key="C4b", words=f"{BEATS}: among shifted digits", statistic=f"{LEAD}, shifted", low=0.0),
    Claim(
        key="C4c",
        words=f"{BEATS}: within shift and strength",
        statistic=f"{LEAD}, mean of slices",
        low=0.0,
    ),
    Claim(
        key="C5a",
        words=f"{SURE}: on average",
        statistic="mean confidence of wrong answers, mix",
        low=0.8,
        high=1.0,
    ),
    Claim(
        key="C5b",
        words=f"{SURE}: most of the time",
        statistic="share of wrong answers over 0.9 sure, mix",
        low=0.5,
        high=1.0,
    ),
)


def judge_auditor(
    aurocs: Mapping[str, Mapping[str, Estimate]],
    by_slice: Mapping[str, Sequence[Scored]],
    confidence: Sequence[np.ndarray],
    *,
    counts: np.ndarray,
) -> pd.DataFrame:
    """The columns of claims.csv, a row per claim: means over seeds, intervals over digits.

    `aurocs` are by slice and detector, `by_slice` has the scores that they are of, a seed each.
    `confidence` holds that of each seed on the mix, (N,); counts (B, N) are resamples of the
    digits.
    """
    seeds = f"0 to {len(by_slice['mix']) - 1}"
    common = {"source": "working hypothesis", "model": "mnist_cnn", "seed": seeds}
    common["status"] = claims.TWICE
    values = _rates(by_slice["clean"], by_slice["mix"], confidence, counts)
    values.update(_aurocs_of_claims(aurocs))
    rows = []
    for claim in AUDITOR_CLAIMS:
        row = claim.judge(values[claim.key])
        row.update(common)
        row["status"] += _hangs_on(claim, row["verdict"], aurocs)
        row["n"] = counts.shape[1]
        rows.append(row)
    return pd.DataFrame(rows).loc[:, list(claims.JUDGED)]


def _hangs_on(claim: Claim, verdict: str, aurocs: Mapping[str, Mapping[str, Estimate]]) -> str:
    """ ", not without rotation" where a lead over several shifts has another verdict without it."""
    shifts = []
    for shift in corruptions.SHIFTS:
        name = f"{SEVERAL_SHIFTS.get(claim.key)} without {shift}"
        if name in aurocs and claim.judge(_lead(aurocs[name]))["verdict"] != verdict:
            shifts.append(shift)
    return f", not without {' or '.join(shifts)}" if shifts else ""


def _lead(by_detector: Mapping[str, Estimate]) -> Estimate:
    """The AUROC of the auditor minus that of confidence."""
    return by_detector["auditor"] - by_detector["1 - confidence"]


def _aurocs_of_claims(aurocs: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """The AUROCs and differences of AUROCs that claims C2 to C4 are about, by their keys."""
    values = {"C2": aurocs["mix"]["auditor"], "C3": aurocs["mix"]["1 - confidence"]}
    values["C4a"] = _lead(aurocs["mix"])
    for claim, name in SEVERAL_SHIFTS.items():
        values[claim] = _lead(aurocs[name])
    return values


def _rates(
    clean: Sequence[Scored],
    mix: Sequence[Scored],
    confidence: Sequence[np.ndarray],
    counts: np.ndarray,
) -> dict[str, Estimate]:
    """The accuracy and the confidence when wrong that C1 and C5 are about, by their keys."""
    right = [~scored.failed for scored in clean]
    answers = [np.ones(len(scored.failed)) for scored in clean]
    wrong = [scored.failed for scored in mix]
    confidence_if_wrong = []
    confidently_wrong = []
    for seed_confidence, failed in zip(confidence, wrong, strict=True):
        confidence_if_wrong.append(seed_confidence * failed)  # (N,), 0 where the answer is right
        confidently_wrong.append((seed_confidence > CONFIDENT) & failed)
    return {
        "C1": metrics.ratio_of_sums(right, answers, counts),
        "C5a": metrics.ratio_of_sums(confidence_if_wrong, wrong, counts),
        "C5b": metrics.ratio_of_sums(confidently_wrong, wrong, counts),
    }
