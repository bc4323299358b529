"""Means over images leave out what is not there."""

import numpy as np
import pytest
from makers.drifts import constructed_drift

from visionfail.studies.saliency import drift, means


def test_empty_maps_are_left_out():
    measured = constructed_drift()
    measured.overlap[1, :50] = np.nan
    everything = np.ones(400, dtype=bool)
    counts = np.ones((2, 400))
    mean = means.mean_measure(measured, "overlap", [drift.JITTER], everything, counts)
    assert mean.exact[0] == pytest.approx(0.9, abs=1e-3)


def test_a_row_per_version_and_measure_over_the_images_that_count():
    measured = constructed_drift()
    mask = np.arange(400) < 100
    table = means.drift_by_condition(measured, mask, np.ones((2, 400)))
    assert len(table) == len(drift.CONDITIONS) * len(drift.MEASURES)
    row = table[(table.condition == "fog") & (table.severity == 3) & (table.measure == "entropy")]
    values = measured.entropy[drift.CONDITIONS.index(("fog", 3)), :100].astype(float)
    assert row.value.item() == pytest.approx(values.mean())
    assert row.n.item() == 100


def test_n_counts_the_images_whose_maps_are_not_empty():
    measured = constructed_drift()
    mask = np.arange(400) < 100
    foggy = [("fog", severity) for severity in (1, 3)]
    measured.overlap[measured.rows(foggy[:1]), :30] = np.nan
    measured.overlap[measured.rows(foggy), 50:60] = np.nan
    assert means.images_counted(measured, "overlap", foggy[:1], mask) == 60
    assert means.images_counted(measured, "overlap", foggy, mask) == 90
    table = means.drift_by_condition(measured, mask, np.ones((2, 400)))
    row = table[(table.condition == "fog") & (table.severity == 1)].set_index("measure")
    assert row.n["overlap"] == 60 and row.n["entropy"] == 100
