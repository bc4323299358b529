"""The earlier study's sentences about its auditor, each with a region and a verdict; fixed in
notes/claims.md.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visionfail import claims, metrics
from visionfail.failure import Scored
from visionfail.metrics import Estimate

BEATS = "the auditor beats confidence"
SURE = "the classifier is confident when wrong"

AUDITOR_CLAIMS = {  # key: (words, statistic, low, high)
    "C1": (
        "the classifier gets 98.7% of clean digits right",
        "accuracy on clean digits",
        0.987,
        1.0,
    ),
    "C2": (
        "the auditor finds failures with ROC-AUC 0.958",
        "AUROC of the auditor, mix",
        0.948,
        0.968,
    ),
    "C3": (
        "softmax confidence finds them with 0.835",
        "AUROC of 1 - confidence, mix",
        0.825,
        0.845,
    ),
    "C4a": (f"{BEATS}: on the mix", "AUROC, auditor minus 1 - confidence, mix", 0.0, np.inf),
    "C4b": (
        f"{BEATS}: among shifted digits",
        "AUROC, auditor minus 1 - confidence, shifted",
        0.0,
        np.inf,
    ),
    "C4c": (
        f"{BEATS}: within shift and strength",
        "AUROC, auditor minus 1 - confidence, mean of slices",
        0.0,
        np.inf,
    ),
    "C5a": (f"{SURE}: on average", "mean confidence of wrong answers, mix", 0.8, 1.0),
    "C5b": (f"{SURE}: most of the time", "share of wrong answers over 0.9 sure, mix", 0.5, 1.0),
}


def judge_auditor(
    found: Mapping[str, Mapping[str, Estimate]],
    by_slice: Mapping[str, Sequence[Scored]],
    confidence: Sequence[np.ndarray],
    *,
    counts: np.ndarray,
) -> pd.DataFrame:
    """A row a sentence, with the columns of claims.csv: values are means over seeds, intervals over
    digits.

    `found` has AUROCs by slice and judge, `by_slice` what they are of, `confidence` (N,) that of
    each seed on the mix; counts (B, N) the resamples of the test digits.
    """
    clean, mix = by_slice["clean"], by_slice["mix"]
    ahead = {
        name: found[name]["auditor"] - found[name]["1 - confidence"]
        for name in ("mix", "shifted", "within slices")
    }
    everyone = [np.ones(len(seed.failed)) for seed in clean]
    wrong = [seed.failed for seed in mix]
    pairs = list(zip(confidence, wrong, strict=True))
    values = {
        "C1": metrics.ratio_of_sums([~seed.failed for seed in clean], everyone, counts),
        "C2": found["mix"]["auditor"],
        "C3": found["mix"]["1 - confidence"],
        "C4a": ahead["mix"],
        "C4b": ahead["shifted"],
        "C4c": ahead["within slices"],
        "C5a": metrics.ratio_of_sums([sure * failed for sure, failed in pairs], wrong, counts),
        "C5b": metrics.ratio_of_sums(
            [(sure > 0.9) & failed for sure, failed in pairs], wrong, counts
        ),
    }
    common = {"source": "working hypothesis", "model": "mnist_cnn", "seed": f"0 to {len(mix) - 1}"}
    common |= {"status": "confirmatory", "n": counts.shape[1]}
    lines = [
        claims.claim_row(key, *AUDITOR_CLAIMS[key], value) | common for key, value in values.items()
    ]
    return pd.DataFrame(lines)[list(claims.JUDGED)]
