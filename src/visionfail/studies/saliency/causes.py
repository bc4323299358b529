"""What a map moves by: corruptions beside other networks, other classes and other images.

Overlap has no natural zero, so each stands on a scale from jitter, 0, to another image, 1.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from visionfail import explain
from visionfail.metrics import Estimate
from visionfail.names import network_name
from visionfail.studies.saliency import controls, drift
from visionfail.studies.saliency.drift import JITTER, Drift, Version
from visionfail.studies.saliency.means import images_counted, mean_measure, mean_of_finite
from visionfail.studies.saliency.turned import CORRUPTED

Network = tuple[str, int]  # architecture, seed
ANOTHER_IMAGE = "another image"
# causes that are measured with the clean map of the same image, as stored
STORED = {
    "random head": controls.WITHOUT + "head",
    "random weights": controls.WITHOUT + "stem",
    controls.BLOB: controls.BLOB,
    controls.ANOTHER_CLASS: controls.ANOTHER_CLASS,
}


class Cause(NamedTuple):
    """How much of a network's maps a cause leaves: their overlap over n images."""

    network: Network
    name: str
    other: str  # the network that it is compared with, if it is one
    overlap: Estimate
    n: int


def causes_of_drift(
    trained: Mapping[Network, Drift],
    maps: Mapping[Network, np.ndarray],
    stored: Mapping[Network, Mapping[str, np.ndarray]],
    counts: np.ndarray,
) -> pd.DataFrame:
    """A row per network, or pair of them, and cause of drift: how far maps overlap, in [0, 1].

    The causes are jitter, the corruptions at each severity, another network, STORED (overlaps of
    `controls.load_or_compare_maps`), and another image, the next one. `maps` (N, H, W) are of clean
    images and their true classes. Columns: model, seed, cause, other, overlap, lo, hi (95% over
    images), n; scale, scale_lo, scale_hi: 0 for that network's jitter, 1 for its other image. The
    images are those that the networks get right when clean; counts (B, N) resample them.
    """
    causes = []
    for network, measured in trained.items():
        causes += _versions(network, measured, counts)
    causes += _pairs(trained, maps, counts)
    for name, key in STORED.items():
        for network, overlaps in stored.items():
            right = trained[network].right_when_clean
            causes.append(_of_maps(network, name, "", overlaps[key], right, counts))
    for network, of_network in maps.items():
        following = np.roll(of_network, -1, axis=0)  # (N, H, W)
        right = trained[network].right_when_clean
        both = right & np.roll(right, -1)
        overlap = explain.overlap(of_network, following)
        causes.append(_of_maps(network, ANOTHER_IMAGE, "", overlap, both, counts))
    ends = {}
    for cause in causes:
        ends[cause.network, cause.name] = cause.overlap
    return pd.DataFrame([_row(cause, ends) for cause in causes])


def _versions(network: Network, measured: Drift, counts: np.ndarray) -> Iterator[Cause]:
    """One network's jitter and severities."""
    versions_of: dict[str, Sequence[Version]] = {"jitter": [JITTER]}
    for severity in drift.SEVERITIES:
        at_severity = [version for version in CORRUPTED if version[1] == severity]
        versions_of[f"severity {severity}"] = at_severity
    right = measured.right_when_clean
    for name, versions in versions_of.items():
        mean = mean_measure(measured, "overlap", versions, right, counts)
        n = images_counted(measured, "overlap", versions, right)
        yield Cause(network, name, "", mean, n)


def _pairs(
    trained: Mapping[Network, Drift], maps: Mapping[Network, np.ndarray], counts: np.ndarray
) -> list[Cause]:
    """Every two networks: first those of one architecture, then the others."""
    seeds = []
    architectures = []
    for network, other in itertools.combinations(maps, 2):
        both = trained[network].right_when_clean & trained[other].right_when_clean
        overlap = explain.overlap(maps[network], maps[other])
        name = network_name(*other)
        if network[0] == other[0]:
            seeds.append(_of_maps(network, "another seed", name, overlap, both, counts))
        else:
            cause = _of_maps(network, "another architecture", name, overlap, both, counts)
            architectures.append(cause)
    return seeds + architectures


def _of_maps(
    network: Network,
    name: str,
    other: str,
    overlap: np.ndarray,
    mask: np.ndarray,
    counts: np.ndarray,
) -> Cause:
    """The cause of an overlap (N,), which is NaN where a map is empty; n counts the others."""
    n = int((mask & np.isfinite(overlap)).sum())
    return Cause(network, name, other, mean_of_finite(overlap[None], mask, counts), n)


def on_scale(overlap: Estimate, jitter: Estimate, another_image: Estimate) -> Estimate:
    """An overlap as a share of the way from jitter's, 0, to that with another image, 1.

    NaN in a resample in which those two are the same.
    """
    return Estimate(
        _share(overlap.exact, jitter.exact, another_image.exact),
        _share(overlap.samples, jitter.samples, another_image.samples),
    )


def _share(value: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How far each value lies from `start` to `end`, NaN where there is no way between them."""
    return np.divide(start - value, start - end, out=np.full_like(end, np.nan), where=start != end)


def _row(cause: Cause, ends: Mapping[tuple[Network, str], Estimate]) -> dict:
    """One row of `causes_of_drift`."""
    overlap, lo, hi = cause.overlap.interval()
    jitter = ends[cause.network, "jitter"]
    scale = on_scale(cause.overlap, jitter, ends[cause.network, ANOTHER_IMAGE])
    row = {"model": cause.network[0], "seed": cause.network[1], "cause": cause.name}
    row["other"] = cause.other
    row["overlap"] = overlap
    row["lo"] = lo
    row["hi"] = hi
    row["scale"], row["scale_lo"], row["scale_hi"] = scale.interval()
    row["n"] = cause.n
    return row
