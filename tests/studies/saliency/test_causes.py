"""What moves a map: each cause against a count by hand, and the scale's two ends."""

import numpy as np
import pytest
from makers.drifts import constructed_drift, resamples

from visionfail.studies.saliency import causes, controls, drift


@pytest.fixture
def three_networks():
    """(drift, maps) of three networks whose 40 maps are alike, shifted, moved or empty."""
    keys = [("resnet18", 0), ("densenet121", 0), ("resnet18", 1)]
    trained = {key: constructed_drift(40) for key in keys}
    maps = {key: np.zeros((40, 10, 10)) for key in keys}
    maps["resnet18", 0][:, :2] = 1
    maps["densenet121", 0][:, :2] = 1
    maps["densenet121", 0][:10] = 0  # ten empty ones
    # one row of two is shared where the map stands still, none in every second image
    maps["resnet18", 1][:, 1:3] = 1
    maps["resnet18", 1][1::2] = np.roll(maps["resnet18", 1][1::2], 5, axis=1)
    return trained, maps


@pytest.fixture
def table(three_networks):
    trained, maps = three_networks
    stored = {}
    for key in trained:
        stored[key] = dict.fromkeys(causes.STORED.values(), np.full(40, 0.25, dtype=np.float16))
    counted = causes.causes_of_drift(trained, maps, stored, resamples(40))
    return counted.set_index(["model", "seed", "cause", "other"])


def test_what_moves_a_map_names_each_cause(three_networks, table):
    measured = three_networks[0]["resnet18", 0]
    clean = measured.predicted[0] == 0
    assert table.overlap["resnet18", 0, "jitter", ""] == pytest.approx(0.9, abs=1e-3)
    rows = [drift.CONDITIONS.index((name, 3)) for name in drift.CORE]
    overlap = measured.overlap[rows][:, clean].astype(float).mean()
    assert table.overlap["resnet18", 0, "severity 3", ""] == pytest.approx(overlap, abs=1e-3)
    assert list(table.overlap.xs("another image", level="cause")[["resnet18"]]) == [1, 0]
    assert table.overlap["resnet18", 0, "random head", ""] == 0.25
    assert len(table) == 3 * 4 + 3 + 3 * len(causes.STORED) + 3


def test_what_moves_a_map_compares_every_two_networks(three_networks, table):
    clean = three_networks[0]["resnet18", 0].predicted[0] == 0
    seeds = table.loc["resnet18", 0, "another seed", "ResNet-18, seed 1"]
    assert seeds.overlap == pytest.approx(clean[::2].sum() / 3 / clean.sum())
    assert seeds.lo < seeds.overlap < seeds.hi
    assert seeds.n == clean.sum()
    other = table.loc["resnet18", 0, "another architecture", "DenseNet-121, seed 0"]
    assert other.overlap == 1
    assert other.n == clean[10:].sum()


def test_the_scale_begins_at_jitter_and_ends_at_another_image(table):
    jitter = table.loc["resnet18", 1, "jitter", ""]
    assert list(jitter[["scale", "scale_lo", "scale_hi"]]) == [0, 0, 0]
    image = table.loc["resnet18", 1, "another image", ""]
    assert list(image[["scale", "scale_lo", "scale_hi"]]) == [1, 1, 1]
    blob = table.loc["resnet18", 1, controls.BLOB, ""]
    assert blob.scale == pytest.approx((0.9 - 0.25) / (0.9 - 0), abs=1e-3)
