"""The claims about attention, each with a statistic, a region and a verdict.

They were fixed in notes/claims.md beforehand, but for 9b, 10c and 12c, which are judged by its
amendment of 2026-11-28. Only images that the network gets right when they are clean count, in every
version of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.claims import JUDGED, Claim, weakest_verdict
from visionfail.metrics import Estimate
from visionfail.names import readable
from visionfail.studies.saliency import drift
from visionfail.studies.saliency.drift import CLEAN, CORE, JITTER, Drift, Version
from visionfail.studies.saliency.means import mean_measure
from visionfail.studies.saliency.turned import CORRUPTED, JUDGES, overlap_within_images

SEVERE = tuple(version for version in CORRUPTED if version[1] == max(drift.SEVERITIES))
MEANS = ("10a", "10b", "11")  # claims about the mean of the corruptions
CENTRED = "attention is object-centric when clean"
DRIFTS = "attention drifts under severe corruption"
ERROR = "drift goes with error"
BY_CONSTRUCTION = "by construction in part"  # map and error both follow the class's logit

SALIENCY_CLAIMS = (
    Claim(
        key="9a",
        words=f"{CENTRED}: more than an even spread",
        statistic="share of a clean map in the middle quarter",
        low=0.25,
    ),
    Claim(
        key="9b",
        words=f"{CENTRED}: more than with random weights",
        statistic="that share minus the same, weights randomised",
        low=0.0,
        amended=True,
    ),
    Claim(
        key="10a",
        words=f"{DRIFTS}: where it is strongest",
        statistic="overlap under jitter minus at severity 5",
        low=0.1,
    ),
    Claim(
        key="10b",
        words=f"{DRIFTS}: its centre",
        statistic="centre's shift at severity 5 minus under jitter, of the side",
        low=1 / 32,
    ),
    Claim(
        key="10c",
        words=f"{DRIFTS}: more than with random weights",
        statistic="10a minus the same, weights randomised, lowest of six corruptions",
        low=0.0,
        amended=True,
    ),
    Claim(
        key="11",
        words="localisation weakens under severe corruption",
        statistic="entropy at severity 5 minus under jitter",
        low=0.0,
    ),
    Claim(
        key="12a",
        words=f"{ERROR}: across images ({BY_CONSTRUCTION})",
        statistic="AUROC of 1 - overlap for answers turned wrong",
        low=0.5,
    ),
    Claim(
        key="12b",
        words=f"{ERROR}: within one image ({BY_CONSTRUCTION})",
        statistic="overlap above its condition's mean, right minus wrong",
        low=0.0,
    ),
    Claim(
        key="12c",
        words="drift tells more than the class's log-odds do",
        statistic="AUROC, class log-odds and drift minus class log-odds",
        low=0.01,
        amended=True,
    ),
)


# ---- verdicts


def judge_saliency(
    trained: Drift, randomised: Drift, aurocs: dict, *, model: str, seed: int, counts: np.ndarray
) -> pd.DataFrame:
    """A row per claim, with the columns JUDGED.

    `randomised` is the same of the network without what it learnt, for the same classes of the same
    images; `aurocs` are those of `auroc_by_version`, without which no claim about errors is judged;
    counts (B, N) are the resamples of the images. 10c is judged as `_under_each` does; the status
    of 10a, 10b and 11, which are means over six corruptions, names those with another verdict.
    """
    values = _values_of_maps(trained, randomised, counts, SEVERE)
    if aurocs:
        values.update(_values_of_errors(trained, aurocs, counts))
    subset = ", subset" if trained.made.get("origin") == "subset" else ""
    by_corruption = claims_by_corruption(trained, randomised, counts)
    rows = []
    for claim in SALIENCY_CLAIMS:
        if claim.key not in values:
            continue
        row = claim.judge(values[claim.key])
        each = by_corruption.loc[by_corruption.claim == claim.key]
        row["status"] = ("exploratory" if claim.amended else "confirmatory") + subset
        if claim.key == "10c":
            row |= _under_each(each)
        elif claim.key in MEANS:
            row["status"] += _exceptions(each, row["verdict"])
        rows.append(row)
    table = pd.DataFrame(rows).assign(source="working hypothesis", model=model, seed=seed)
    table["n"] = int(trained.right_when_clean.sum())
    return table.loc[:, list(JUDGED)]


def _exceptions(rows: pd.DataFrame, verdict: str) -> str:
    """Under which corruptions, a row of each, the verdict is another one; "" for none."""
    others = rows.loc[rows.verdict != verdict, "corruption"]
    return f", not under {' and '.join(map(readable, others))}" if len(others) else ""


def _under_each(rows: pd.DataFrame) -> dict:
    """What a claim's row says of all corruptions, from a row of each: value, lo, hi, verdict.

    The value is the lowest of theirs, not a mean, which opposite signs would hide in; lo and hi are
    the ends between which all of their intervals lie; the verdict is the one that all share.
    """
    return {
        "value": rows.value.min(),
        "lo": rows.lo.min(),
        "hi": rows.hi.max(),
        "verdict": weakest_verdict(rows.to_dict("records")),
    }


def claims_by_corruption(trained: Drift, randomised: Drift, counts: np.ndarray) -> pd.DataFrame:
    """A row per claim about maps and corruption: what it would be judged on under that one alone.

    Columns: claim, statistic, corruption, value, lo, hi (95%), verdict. For 9a and 9b, which are
    about clean maps, the value is that of the corrupted ones, at severity 5 as all.
    """
    mask = trained.right_when_clean
    rows = []
    for name in CORE:
        version = (name, max(drift.SEVERITIES))
        values = _values_of_maps(trained, randomised, counts, [version])
        values["9a"] = mean_measure(trained, "centre", [version], mask, counts)
        values["9b"] = mean_measure(_ahead(trained, randomised), "centre", [version], mask, counts)
        for claim in SALIENCY_CLAIMS:
            if claim.key in values:
                row = claim.judge(values[claim.key])
                row["corruption"] = name
                rows.append(row)
    columns = ["claim", "statistic", "corruption", "value", "lo", "hi", "verdict"]
    return pd.DataFrame(rows).loc[:, columns]


def _ahead(trained: Drift, randomised: Drift) -> Drift:
    """The drift whose overlap and centre are those of the trained network minus the randomised.

    They are NaN where either map is empty: the same images and versions for both.
    """
    return replace(
        trained,
        overlap=trained.overlap - randomised.overlap,
        centre=trained.centre - randomised.centre,
    )


def _values_of_maps(
    trained: Drift, randomised: Drift, counts: np.ndarray, severe: Sequence[Version]
) -> dict[str, Estimate]:
    """{claim: value} of the claims about maps alone, 9 to 11; `severe` are the corrupted ones."""
    ahead = _ahead(trained, randomised)
    mask = trained.right_when_clean

    def mean(measured: Drift, measure: str, versions: Sequence[Version]) -> Estimate:
        return mean_measure(measured, measure, versions, mask, counts)

    return {
        "9a": mean(trained, "centre", [CLEAN]),
        "9b": mean(ahead, "centre", [CLEAN]),
        "10a": mean(trained, "overlap", [JITTER]) - mean(trained, "overlap", severe),
        "10b": mean(trained, "shift", severe) - mean(trained, "shift", [JITTER]),
        "10c": mean(ahead, "overlap", [JITTER]) - mean(ahead, "overlap", severe),
        "11": mean(trained, "entropy", severe) - mean(trained, "entropy", [JITTER]),
    }


def _values_of_errors(
    trained: Drift, aurocs: Mapping[Version, Mapping[str, Estimate]], counts: np.ndarray
) -> dict[str, Estimate]:
    """{claim: value} of the claims about errors, 12; AUROCs are means over versions."""
    average = mean_aurocs(aurocs)
    return {
        "12a": average["drift"],
        "12b": overlap_within_images(trained, counts),
        "12c": average["class log-odds and drift"] - average["class log-odds"],
    }


def mean_aurocs(aurocs: Mapping[Version, Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """{judge: AUROC}, the mean over the versions of `auroc_by_version`."""
    average = {}
    for judge in JUDGES:
        average[judge] = metrics.mean_of_estimates([scores[judge] for scores in aurocs.values()])
    return average
