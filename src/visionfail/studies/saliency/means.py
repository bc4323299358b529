"""Means of what was measured of maps, over images and versions of them, with resamples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.metrics import Estimate
from visionfail.studies.saliency.drift import CONDITIONS, MEASURES, Drift, Version


def mean_measure(
    measured: Drift, measure: str, versions: Sequence[Version], mask: np.ndarray, counts: np.ndarray
) -> Estimate:
    """The mean of a measure over `versions` and the images in `mask` (N,), and in each resample.

    Counts (B, N) say how often each resample holds each image.
    """
    values = measured.measures[measure][measured.rows(versions)]  # (versions, N)
    return mean_of_finite(values, mask, counts)


def images_counted(
    measured: Drift, measure: str, versions: Sequence[Version], mask: np.ndarray
) -> int:
    """How many of the images in `mask` (N,) have a value in at least one version: n of the mean."""
    values = measured.measures[measure][measured.rows(versions)]  # (versions, N)
    return int((np.isfinite(values.astype(np.float64)).any(axis=0) & mask).sum())


def mean_of_finite(values: np.ndarray, mask: np.ndarray, counts: np.ndarray) -> Estimate:
    """The mean of the finite values (versions, N) of the images in `mask` (N,), by `counts`."""
    values = values.astype(np.float64)
    counted = np.isfinite(values) & mask
    total = np.where(counted, values, 0).sum(axis=0)  # (N,)
    return metrics.ratio_of_sums([total], [counted.sum(axis=0)], counts)


def drift_by_condition(measured: Drift, mask: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """A row per version and measure: condition, severity, measure, value, lo, hi (95%), n.

    Means and intervals are over the images in `mask` (N,) whose maps are not empty; n counts these.
    """
    rows = []
    for name, severity in CONDITIONS:
        for measure in MEASURES:
            versions = [(name, severity)]
            value, lo, hi = mean_measure(measured, measure, versions, mask, counts).interval()
            row = {"condition": name, "severity": severity, "measure": measure}
            row["value"] = value
            row["lo"] = lo
            row["hi"] = hi
            row["n"] = images_counted(measured, measure, versions, mask)
            rows.append(row)
    return pd.DataFrame(rows)
