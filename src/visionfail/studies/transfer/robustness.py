"""Does pre-training buy robustness? The reference beside networks that began from scratch."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import corruptions, evaluation, profiles
from visionfail.metrics import Estimate, ratio_of_sums
from visionfail.studies.transfer.answers import CORRUPTED, Trained, paired
from visionfail.studies.transfer.claims import Found
from visionfail.studies.transfer.hypotheses import resampled
from visionfail.studies.transfer.recipes import BASELINE


def robustness_table(reference: evaluation.Outcomes, counts: np.ndarray) -> pd.DataFrame:
    """A row per network: clean accuracy, mean under the 15 corruptions, their ratio, lo, hi."""
    rows = []
    for name, outcomes in networks_beside(reference).items():
        value, lo, hi = share_kept(outcomes, counts).interval()
        row = {"network": name, "clean": outcomes.correct[outcomes.at("clean", 0)].mean()}
        row["15 corruptions"] = corrupted_share(outcomes).mean()
        rows.append({**row, "kept": value, "lo": lo, "hi": hi, "n": counts.shape[1]})
    return pd.DataFrame(rows)


def controlled_table(networks: Mapping[str, Trained], counts: np.ndarray) -> pd.DataFrame:
    """The same of two recipes at 64 pixels, fine-tuned and from scratch, and their difference.

    They have the same 10,000 training images and seeds, and differ in start, frozen stages, epochs,
    rates and weight decay; the 19 corruptions at severities 1, 3 and 5 on the first test images.
    Columns: network, clean, 19 corruptions, kept, lo, hi, n, seeds; the last row has differences,
    the interval is that of kept, paired.
    """
    if BASELINE not in networks or "scratch-64" not in networks:
        return pd.DataFrame()
    estimates = []
    rows = []
    for trained in paired(networks[BASELINE], networks["scratch-64"]):
        under = trained.under(CORRUPTED)  # (S, M)
        m = under.shape[1]
        clean = trained.test.correct[:, :m].astype(float)
        estimates.append(ratio_of_sums(under, clean, resampled(m, counts)))
        row = {"network": trained.member.words, "clean": clean.mean()}
        row["19 corruptions"] = under.mean()
        rows.append(row | _kept(estimates[-1], m, len(trained.seeds)))
    difference = _kept(estimates[0] - estimates[1], rows[0]["n"], rows[0]["seeds"])
    for name in ("clean", "19 corruptions"):
        difference[name] = rows[0][name] - rows[1][name]
    return pd.DataFrame([*rows, {"network": "difference", **difference}])


def _kept(estimate: Estimate, n: int, seeds: int) -> dict:
    """kept, lo, hi of an estimate, with n and how many seeds."""
    value, lo, hi = estimate.interval()
    return {"kept": value, "lo": lo, "hi": hi, "n": n, "seeds": seeds}


def networks_beside(reference: evaluation.Outcomes) -> dict[str, evaluation.Outcomes]:
    """{name: answers under every corruption} of the reference and ResNet-18, seeds 0 and 1."""
    folder = Path(profiles.FULL.results)
    found = {"reference": reference}
    for seed in (0, 1):
        stem = f"cifar10c-resnet18-standard-s{seed}"
        found[f"resnet18 s{seed}"] = evaluation.Outcomes.load(folder / f"{stem}.npz")
    return found


def corrupted_share(outcomes: evaluation.Outcomes, *, without: str = "") -> np.ndarray:
    """The share of the 15 corruptions and five severities that each image survives, (N,).

    One corruption may be left out.
    """
    rows = [
        outcomes.at(name, severity)
        for name in corruptions.CORRUPTIONS
        for severity in (1, 2, 3, 4, 5)
        if name != without
    ]
    return outcomes.correct[rows].mean(axis=0)


def share_kept(outcomes: evaluation.Outcomes, counts: np.ndarray, *, without: str = "") -> Estimate:
    """Mean accuracy under the 15 corruptions, or without one, over clean accuracy, of one seed."""
    clean = outcomes.correct[outcomes.at("clean", 0)][None].astype(float)
    kept = corrupted_share(outcomes, without=without)[None]
    return ratio_of_sums(kept, clean, counts)


def of_robustness(
    reference: evaluation.Outcomes, counts: np.ndarray, *, without: str = ""
) -> dict[str, Found]:
    """{"D13": value}: what the reference keeps more than ResNet-18, seeds 0 and 1.

    The mean of both differences; the interval reaches over both, so a verdict is one both share.
    One corruption may be left out.
    """
    ours = share_kept(reference, counts, without=without)
    beside = networks_beside(reference)
    ahead = []
    for seed in (0, 1):
        theirs = share_kept(beside[f"resnet18 s{seed}"], counts, without=without)
        ahead.append((ours - theirs).interval())
    values, lows, highs = zip(*ahead, strict=True)
    mean = sum(values) / len(values)
    return {"D13": Found(mean, min(lows), max(highs), n=counts.shape[1], seeds="0")}
