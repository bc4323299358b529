"""The claims about attention, each with a statistic, a region and a verdict.

They were fixed in notes/claims.md beforehand. Only images that the network gets right when they
are clean count, in every version of them.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from visionfail import explain, metrics
from visionfail.claims import JUDGED, Claim
from visionfail.metrics import Estimate
from visionfail.studies.saliency import drift
from visionfail.studies.saliency.drift import CLEAN, CONDITIONS, JITTER, MEASURES, Drift, Version
from visionfail.studies.saliency.turned import CORRUPTED, JUDGES, overlap_within_images

Network = tuple[str, int]  # architecture, seed
SEVERE = tuple(version for version in CORRUPTED if version[1] == max(drift.SEVERITIES))
CENTRED = "attention is object-centric when clean"
DRIFTS = "attention drifts under severe corruption"
ERROR = "drift goes with error"


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
        statistic="that share minus the same, random weights",
        low=0.0,
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
        statistic="10a minus the same, random weights",
        low=0.0,
    ),
    Claim(
        key="11",
        words="localisation weakens under severe corruption",
        statistic="entropy at severity 5 minus under jitter",
        low=0.0,
    ),
    Claim(
        key="12a",
        words=f"{ERROR}: across images",
        statistic="AUROC of 1 - overlap for answers turned wrong",
        low=0.5,
    ),
    Claim(
        key="12b",
        words=f"{ERROR}: within one image",
        statistic="overlap above its condition's mean, right minus wrong",
        low=0.0,
    ),
    Claim(
        key="12c",
        words="drift tells more than confidence does",
        statistic="AUROC, confidence and drift minus confidence",
        low=0.01,
    ),
)


# ---- means over images


def mean_measure(
    measured: Drift, measure: str, versions: Sequence[Version], mask: np.ndarray, counts: np.ndarray
) -> Estimate:
    """The mean of a measure over `versions` and the images in `mask` (N,), and in each resample.

    Counts (B, N) say how often each resample holds each image.
    """
    values = measured.measures[measure][measured.rows(versions)]  # (versions, N)
    return _mean(values, mask, counts)


def _mean(values: np.ndarray, mask: np.ndarray, counts: np.ndarray) -> Estimate:
    """The mean of the finite values (versions, N) of the images in `mask` (N,)."""
    values = values.astype(np.float64)
    counted = np.isfinite(values) & mask
    total = np.where(counted, values, 0).sum(axis=0)  # (N,)
    return metrics.ratio_of_sums([total], [counted.sum(axis=0)], counts)


def drift_by_condition(measured: Drift, mask: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """A row per version and measure: condition, severity, measure, value, lo, hi (95%), n.

    Means and intervals are over the images in `mask` (N,).
    """
    rows = []
    for name, severity in CONDITIONS:
        for measure in MEASURES:
            mean = mean_measure(measured, measure, [(name, severity)], mask, counts)
            value, lo, hi = mean.interval()
            row = {"condition": name, "severity": severity, "measure": measure}
            row["value"] = value
            row["lo"] = lo
            row["hi"] = hi
            row["n"] = int(mask.sum())
            rows.append(row)
    return pd.DataFrame(rows)


# ---- what a map moves by


def causes_of_drift(
    trained: Mapping[Network, Drift], maps: Mapping[Network, np.ndarray], counts: np.ndarray
) -> pd.DataFrame:
    """A row per network, or pair of them, and cause of drift: the overlap of maps, in [0, 1].

    The causes are jitter, the corruptions at each severity, another network, and another image, the
    next one, which tells what maps share that have nothing in common. `maps` (N, H, W) are of clean
    images and their true classes. Columns: model, seed, cause, other, overlap, lo, hi (95% over
    images), n; the images are those that the networks get right when clean.
    """
    right = {network: measured.right_when_clean for network, measured in trained.items()}
    rows = []
    for network, measured in trained.items():
        rows += _rows_by_version(network, measured, counts)
    for network, other in _pairs(maps):
        both = right[network] & right[other]
        cause = "another seed" if network[0] == other[0] else "another architecture"
        overlap = explain.overlap(maps[network], maps[other])
        name = f"{other[0]} s{other[1]}"
        rows.append(_row_of_maps(network, cause, name, overlap, both, counts))
    for network, of_network in maps.items():
        following = np.roll(of_network, -1, axis=0)  # (N, H, W)
        both = right[network] & np.roll(right[network], -1)
        overlap = explain.overlap(of_network, following)
        rows.append(_row_of_maps(network, "another image", "", overlap, both, counts))
    return pd.DataFrame(rows)


def _pairs(networks: Mapping[Network, np.ndarray]) -> list[tuple[Network, Network]]:
    """Every two networks: first those that differ in seed alone, then the others."""
    pairs = list(itertools.combinations(networks, 2))
    seeds = [(first, second) for first, second in pairs if first[0] == second[0]]
    architectures = [(first, second) for first, second in pairs if first[0] != second[0]]
    return seeds + architectures


def _rows_by_version(network: Network, measured: Drift, counts: np.ndarray) -> list[dict]:
    """The rows of one network's jitter and severities."""
    versions_of: dict[str, list[Version]] = {"jitter": [JITTER]}
    for severity in drift.SEVERITIES:
        at_severity = [version for version in CORRUPTED if version[1] == severity]
        versions_of[f"severity {severity}"] = at_severity
    right = measured.right_when_clean
    rows = []
    for cause, versions in versions_of.items():
        mean = mean_measure(measured, "overlap", versions, right, counts)
        rows.append(_cause_row(network, cause, "", mean, right.sum()))
    return rows


def _row_of_maps(
    network: Network,
    cause: str,
    other: str,
    overlap: np.ndarray,
    mask: np.ndarray,
    counts: np.ndarray,
) -> dict:
    """The row of an overlap (N,), which is NaN where a map is empty; n counts the others."""
    n = (mask & np.isfinite(overlap)).sum()
    return _cause_row(network, cause, other, _mean(overlap[None], mask, counts), n)


def _cause_row(network: Network, cause: str, other: str, mean: Estimate, n: int) -> dict:
    """One row of `causes_of_drift`."""
    model, seed = network
    overlap, lo, hi = mean.interval()
    return {
        "model": model,
        "seed": seed,
        "cause": cause,
        "other": other,
        "overlap": overlap,
        "lo": lo,
        "hi": hi,
        "n": int(n),
    }


# ---- verdicts


def judge_saliency(
    trained: Drift, untrained: Drift, aurocs: dict, *, model: str, seed: int, counts: np.ndarray
) -> pd.DataFrame:
    """A row per claim, with the columns JUDGED.

    `untrained` is the same of random weights, for the same classes of the same images; `aurocs` are
    those of `auroc_by_version`, without which no claim about errors is judged; counts (B, N) are
    the resamples of the images.
    """
    values = _values_of_maps(trained, untrained, counts)
    if aurocs:
        values.update(_values_of_errors(trained, aurocs, counts))
    rows = []
    for claim in SALIENCY_CLAIMS:
        if claim.key in values:
            rows.append(claim.judge(values[claim.key]))
    subset = trained.made.get("origin") == "subset"
    table = pd.DataFrame(rows).assign(source="working hypothesis", model=model, seed=seed)
    table["status"] = "confirmatory, subset" if subset else "confirmatory"
    table["n"] = int(trained.right_when_clean.sum())
    return table.loc[:, list(JUDGED)]


def _values_of_maps(trained: Drift, untrained: Drift, counts: np.ndarray) -> dict[str, Estimate]:
    """{claim: value} of the claims about maps alone, 9 to 11."""
    # NaN where either map is empty: the same images and versions for both
    ahead = replace(
        trained,
        overlap=trained.overlap - untrained.overlap,
        centre=trained.centre - untrained.centre,
    )
    mask = trained.right_when_clean

    def mean(measured: Drift, measure: str, versions: Sequence[Version]) -> Estimate:
        return mean_measure(measured, measure, versions, mask, counts)

    return {
        "9a": mean(trained, "centre", [CLEAN]),
        "9b": mean(ahead, "centre", [CLEAN]),
        "10a": mean(trained, "overlap", [JITTER]) - mean(trained, "overlap", SEVERE),
        "10b": mean(trained, "shift", SEVERE) - mean(trained, "shift", [JITTER]),
        "10c": mean(ahead, "overlap", [JITTER]) - mean(ahead, "overlap", SEVERE),
        "11": mean(trained, "entropy", SEVERE) - mean(trained, "entropy", [JITTER]),
    }


def _values_of_errors(
    trained: Drift, aurocs: Mapping[Version, Mapping[str, Estimate]], counts: np.ndarray
) -> dict[str, Estimate]:
    """{claim: value} of the claims about errors, 12; AUROCs are means over versions."""
    average = {}
    for judge in JUDGES:
        average[judge] = metrics.mean_of_estimates([scores[judge] for scores in aurocs.values()])
    return {
        "12a": average["drift"],
        "12b": overlap_within_images(trained, counts),
        "12c": average["confidence and drift"] - average["1 - confidence"],
    }
