"""Does pre-training buy robustness? The reference beside networks that began from scratch."""

from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import corruptions, evaluation, profiles
from visionfail.metrics import Estimate, ratio_of_sums
from visionfail.studies.transfer.claims import Found


def robustness_table(reference: evaluation.Outcomes, counts: np.ndarray) -> pd.DataFrame:
    """A row per network: clean accuracy, mean under the 15 corruptions, their ratio, lo, hi."""
    rows = []
    for name, outcomes in networks_beside(reference).items():
        value, lo, hi = share_kept(outcomes, counts).interval()
        row = {"network": name, "clean": outcomes.correct[outcomes.at("clean", 0)].mean()}
        row["15 corruptions"] = corrupted_share(outcomes).mean()
        rows.append({**row, "kept": value, "lo": lo, "hi": hi, "n": counts.shape[1]})
    return pd.DataFrame(rows)


def networks_beside(reference: evaluation.Outcomes) -> dict[str, evaluation.Outcomes]:
    """{name: answers under every corruption} of the reference and ResNet-18, seeds 0 and 1."""
    folder = Path(profiles.FULL.results)
    found = {"reference": reference}
    for seed in (0, 1):
        stem = f"cifar10c-resnet18-standard-s{seed}"
        found[f"resnet18 s{seed}"] = evaluation.Outcomes.load(folder / f"{stem}.npz")
    return found


def corrupted_share(outcomes: evaluation.Outcomes) -> np.ndarray:
    """The share of the 15 corruptions and five severities that each image survives, (N,)."""
    rows = [
        outcomes.at(name, severity)
        for name in corruptions.CORRUPTIONS
        for severity in (1, 2, 3, 4, 5)
    ]
    return outcomes.correct[rows].mean(axis=0)


def share_kept(outcomes: evaluation.Outcomes, counts: np.ndarray) -> Estimate:
    """Mean accuracy under the 15 corruptions over clean accuracy, as of one seed."""
    clean = outcomes.correct[outcomes.at("clean", 0)][None].astype(float)
    kept = corrupted_share(outcomes)[None]
    return ratio_of_sums(kept, clean, counts)


def of_robustness(reference: evaluation.Outcomes, counts: np.ndarray) -> dict[str, Found]:
    """{"D13": value}: what the reference keeps more than ResNet-18, seeds 0 and 1.

    The mean of both differences; the interval reaches over both, so a verdict is one both share.
    """
    ours = share_kept(reference, counts)
    beside = networks_beside(reference)
    ahead = []
    for seed in (0, 1):
        ahead.append((ours - share_kept(beside[f"resnet18 s{seed}"], counts)).interval())
    values, lows, highs = zip(*ahead, strict=True)
    mean = sum(values) / len(values)
    return {"D13": Found(mean, min(lows), max(highs), n=counts.shape[1], seeds="0")}
