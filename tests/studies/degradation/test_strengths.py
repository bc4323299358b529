import numpy as np
import pandas as pd
import pytest
from makers import squares
from skimage.metrics import structural_similarity

from visionfail.corruptions import apply, strength
from visionfail.studies.degradation import strengths

IMAGES = squares(40, seed=0)
TABLE = pd.DataFrame(strengths.strength_rows(IMAGES))


def value(name, severity, metric):
    row = TABLE[(TABLE.condition == name) & (TABLE.severity == severity) & (TABLE.metric == metric)]
    return row.value.item()


def test_every_corruption_has_six_levels_and_clean_has_no_strength():
    changes = TABLE[TABLE.metric == "pixel_change"]
    assert len(changes) == 19 * 6 and changes.condition.nunique() == 19
    assert TABLE[TABLE.severity == 0].value.abs().max() < 1e-6


@pytest.mark.parametrize(
    ("name", "severity"), [("contrast", 3), ("gaussian_noise", 5), ("jpeg_compression", 1)]
)
def test_pixel_change_and_dissimilarity_are_those_of_numpy_and_scikit_image(name, severity):
    clean = IMAGES.images.numpy()
    changed = apply.corrupt(IMAGES.images, name, severity).numpy()
    expected = np.abs(changed.astype(int) - clean.astype(int)).mean()
    assert value(name, severity, "pixel_change") == pytest.approx(expected, rel=1e-5)
    window = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 255,
    }
    edges = ((0, 0), (0, 0), (5, 5), (5, 5))  # structural_similarity cuts 5 off
    padded_clean = np.pad(clean, edges, mode="reflect")
    padded_changed = np.pad(changed, edges, mode="reflect")
    similar = []
    for before, after in zip(padded_clean, padded_changed, strict=True):
        similar.append(structural_similarity(before, after, channel_axis=0, **window))
    assert value(name, severity, "dissimilarity") == pytest.approx(1 - np.mean(similar), abs=1e-4)


def test_named_parameters_are_the_published_ones():
    values = strength.strength_axes(TABLE, "parameter")
    assert values["contrast"] == pytest.approx([0, 0.25, 0.5, 0.6, 0.7, 0.85])
    assert values["zoom_blur"] == pytest.approx([0, 0.06, 0.11, 0.15, 0.20, 0.25])
    assert values["jpeg_compression"] == [0, 20, 35, 42, 50, 60]
    assert set(values) == set(strength.PARAMETERS)


def test_a_strength_that_does_not_grow_is_no_axis():
    axes = strength.strength_axes(TABLE, "pixel_change")
    assert "saturate" not in axes
    assert {"gaussian_noise", "contrast", "brightness"} <= set(axes)
    assert all((np.diff(values) > 0).all() for values in axes.values())


def test_measured_once_then_loaded(tmp_path):
    first, how = strengths.load_or_measure_strengths(tmp_path, IMAGES)
    assert how == "measured"
    assert set(first.metric) == set(strength.STRENGTH_METRICS)
    assert set(first.origin) == {"standin"}
    again, how = strengths.load_or_measure_strengths(tmp_path, None)
    assert how == "loaded"
    assert again.equals(first)


@pytest.mark.fault("interrupted run")
@pytest.mark.parametrize("left", ["of an older run", "none"])
def test_strengths_of_a_run_that_was_killed_between_its_files_are_measured_anew(
    left, tmp_path, monkeypatch
):
    monkeypatch.setattr(strengths, "strength_rows", lambda images: TABLE.to_dict("records"))
    strengths.load_or_measure_strengths(tmp_path, IMAGES)
    if left == "none":
        (tmp_path / f"{strengths.RUN}.json").unlink()
    else:
        table = tmp_path / f"{strengths.RUN}.csv"
        table.write_text(table.read_text().replace("contrast", "changed"))
    with pytest.raises(ValueError, match="doses-cifar10c"):
        strengths.load_or_measure_strengths(tmp_path, None)
    assert strengths.load_or_measure_strengths(tmp_path, IMAGES)[1] == "measured"
    assert strengths.load_or_measure_strengths(tmp_path, None)[1] == "loaded"


@pytest.mark.fault("missing files and data")
def test_without_strengths_or_images_says_so(tmp_path):
    with pytest.raises(ValueError, match="doses-cifar10c"):
        strengths.load_or_measure_strengths(tmp_path, None)
