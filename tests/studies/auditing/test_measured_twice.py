"""The stored AUROCs are those that a second measurement of the same networks found.

It was made with code of its own on the committed digit classifiers and the same draws, before
these were: means over five seeds, to three digits.
"""

import numpy as np
import pytest

from visionfail import paths, results

SLICES = ["shifted", "shifted without rotation", "rotation", "noise", "occlusion", "translation"]
SLICES += ["clean"]
LEFT_OUT = [f"{shift}, left out" for shift in ("rotation", "noise", "occlusion", "translation")]
UNSEEN = ["Gaussian blur", "contrast", "JPEG compression", "pixelate", "8x8 digits"]
# by slice, then the mean over LEFT_OUT and over UNSEEN
MEASURED = {
    "1 - confidence": [0.882, 0.921, 0.775, 0.926, 0.853, 0.950, 0.984, 0.876, 0.896],
    "DOCTOR": [0.884, 0.923, 0.776, 0.926, 0.857, 0.950, 0.984, 0.878, 0.895],
    "max logit": [0.890, 0.922, 0.766, 0.884, 0.862, 0.913, 0.951, 0.856, 0.868],
    "ensemble, 1 - p": [0.892, 0.932, 0.790, 0.951, 0.863, 0.963, 0.990, 0.892, 0.900],
    "ensemble, entropy": [0.898, 0.938, 0.791, 0.944, 0.877, 0.960, 0.988, 0.893, 0.891],
    "ensemble, votes": [0.696, 0.721, 0.660, 0.846, 0.666, 0.790, 0.810, 0.741, 0.777],
    # learnt from other draws with other code: 0.735 and 0.758 left out and unseen
    "auditor": [0.948, 0.939, 0.933, 0.940, 0.881, 0.892, 0.929, 0.735, 0.758],
    "auditor + logits": [0.950, 0.941, 0.937, 0.945, 0.885, 0.896, 0.935, 0.743, 0.756],
}


# of the auditor that reads the ensemble, too, the second measurement gave these alone; on unseen
# digits it is 0.04 lower than here, why is not known
WITH_ENSEMBLE = {"shifted": 0.957, "shifted without rotation": 0.957, "left out": 0.833}


@pytest.fixture(scope="module")
def stored():
    table, _ = results.load_run("mnist-auditor", folder=paths.RESULTS)
    return table.set_index(["metric", "condition"]).sort_index().value


@pytest.mark.parametrize("detector", MEASURED)
def test_aurocs_are_those_of_a_second_measurement(stored, detector):
    aurocs = stored[f"AUROC: {detector}"]
    found = [*aurocs[SLICES], aurocs[LEFT_OUT].mean(), aurocs[UNSEEN].mean()]
    tolerance = 0.013 if detector.startswith("auditor") else 0.001
    np.testing.assert_allclose(found, MEASURED[detector], atol=tolerance)


def test_auditor_and_ensemble_together_are_those_of_a_second_measurement(stored):
    aurocs = stored["AUROC: auditor + ensemble"]
    found = {name: aurocs[name] for name in ("shifted", "shifted without rotation")}
    found["left out"] = aurocs[LEFT_OUT].mean()
    assert found == pytest.approx(WITH_ENSEMBLE, abs=0.013)
