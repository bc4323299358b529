import numpy as np
import pytest
from conftest import squares

from visionfail import corruptions, dose

IMAGES = squares(40, seed=0)
TABLE = dose.doses(IMAGES)


def test_every_corruption_has_six_levels_and_clean_has_no_dose():
    assert len(TABLE) == 19 * 6 and TABLE.corruption.nunique() == 19
    clean = TABLE[TABLE.severity == 0]
    assert (clean.pixel_change == 0).all() and (clean.value.dropna() == 0).all()


@pytest.mark.parametrize(("name", "severity"), [("contrast", 3), ("gaussian_noise", 5), ("jpeg_compression", 1)])
def test_pixel_change_is_the_mean_absolute_difference(name, severity):
    changed = corruptions.corrupt(IMAGES.images, name, severity).numpy().astype(int)
    expected = np.abs(changed - IMAGES.images.numpy().astype(int)).mean()
    row = TABLE[(TABLE.corruption == name) & (TABLE.severity == severity)].iloc[0]
    assert row.pixel_change == pytest.approx(expected, rel=1e-5)


def test_named_parameters_are_the_published_ones():
    values = dose.axes(TABLE, "value")
    assert values["contrast"] == pytest.approx([0, 0.25, 0.5, 0.6, 0.7, 0.85])
    assert values["zoom_blur"] == pytest.approx([0, 0.06, 0.11, 0.15, 0.20, 0.25])
    assert values["jpeg_compression"] == [0, 20, 35, 42, 50, 60]
    assert set(values) == set(dose.PARAMETERS)


def test_a_dose_that_does_not_grow_is_no_axis():
    found = dose.axes(TABLE, "pixel_change")
    assert "saturate" not in found and {"gaussian_noise", "contrast", "brightness"} <= set(found)
    assert all((np.diff(values) > 0).all() for values in found.values())
