"""Pictures are chosen by rule and shown in turn."""

import numpy as np
import pytest
import torch
from makers import squares
from makers.drifts import constructed_drift

from visionfail.models.predict import predict
from visionfail.studies.saliency import drift, examples

TEST = squares(24, seed=0)


def test_panels_are_chosen_by_rule():
    measured = constructed_drift()
    row = drift.CONDITIONS.index(("fog", 5))
    places = examples.turned_images(measured, "fog", count=3)
    expected = []
    for k in range(400):
        if measured.predicted[0, k] == 0 and measured.predicted[row, k] == 1:
            expected.append(k)
    assert list(places[:3]) == expected[:3]
    assert (measured.predicted[[0, row - 2, row - 1, row]][:, places[3:]] == 0).all()
    assert examples.first_to_fail([measured], "fog") == expected[0]
    measured.predicted[row] = 0
    with pytest.raises(ValueError, match="no image that all networks lose under fog"):
        examples.first_to_fail([measured], "fog")


def test_panels_show_versions_in_turn(tiny_model):
    places = np.array([5, 2])
    pictures, maps, captions = examples.panel_with_maps(
        tiny_model, TEST, places, "fog", severities=(0, 5)
    )
    assert np.array_equal(pictures[0], TEST.images[5])
    assert np.array_equal(pictures[2], TEST.images[2])
    assert np.array_equal(pictures[3], drift.make_version(TEST.images, "fog", 5)[2])
    predicted = predict(tiny_model, torch.from_numpy(pictures)).argmax(1)
    assert maps.shape == (4, 32, 32)
    named = [caption.split()[0] for caption in captions]
    assert named == [TEST.classes[k] for k in predicted]
    wrong = (predicted != TEST.labels[[5, 5, 2, 2]]).tolist()
    assert [caption.endswith("✗") for caption in captions] == wrong
