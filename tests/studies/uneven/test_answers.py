"""Answers of several seeds are checked, and resamples stand below what was measured."""

import numpy as np
import pytest

from visionfail.studies.uneven import answers


def test_one_network_becomes_a_row():
    predicted, labels = answers.checked_answers([0, 1, 2], [0, 1, 1], num_classes=3)
    assert predicted.tolist() == [[0, 1, 2]]
    assert labels.tolist() == [0, 1, 1]


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("labels", [[0, 1, 3], [0, -1, 1]])
def test_a_label_out_of_range_is_named(labels):
    with pytest.raises(ValueError, match=f"label {max(labels, key=abs)} is out of range"):
        answers.checked_answers([0, 1, 2], labels, num_classes=3)


@pytest.mark.fault("bad arguments")
def test_a_prediction_out_of_range_is_named():
    with pytest.raises(ValueError, match="prediction 9"):
        answers.checked_answers([0, 9, 2], [0, 1, 2], num_classes=3)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2, 0], [], [[0, 1, 2]]])
def test_labels_of_another_length_are_refused(labels):
    with pytest.raises(ValueError, match="predictions"):
        answers.checked_answers([0, 1, 2], labels, num_classes=3)


@pytest.mark.fault("bad arguments")
def test_classes_that_are_no_integers_are_refused():
    with pytest.raises(ValueError, match="float64"):
        answers.checked_answers([0.0, 1.0], [0, 1], num_classes=2)


@pytest.mark.fault("bad arguments")
def test_wrong_answers_are_booleans_as_many_as_labels():
    assert answers.checked_wrong([True, False]).shape == (1, 2)
    with pytest.raises(ValueError, match="booleans"):
        answers.checked_wrong([0, 1])
    with pytest.raises(ValueError, match="for 2 images"):
        answers.checked_wrong([True, False], np.zeros(3, dtype=int))


def test_the_first_row_of_weights_is_all_images():
    weights = answers.weights_of(np.array([[2, 0]]), 2)
    assert weights.tolist() == [[1, 1], [2, 0]]
    with pytest.raises(ValueError, match="for 3 images"):
        answers.weights_of(np.array([[2, 0]]), 3)


def test_a_quotient_by_zero_is_missing():
    assert answers.quotient([1, 0], [2, 0]) == pytest.approx([0.5, np.nan], nan_ok=True)
