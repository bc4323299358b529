"""metrics against scikit-learn, torchmetrics, torch, high-precision arithmetic and examples worked
by hand.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn_metrics
from torchmetrics.classification import MulticlassCalibrationError

from visionfail.metrics import classification, corruption_error


@pytest.fixture
def predicted():
    """Logits of a ten-class model that is right about two times in three and too sure of itself,
    and labels.
    """
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3000, 10))
    labels = generator.integers(10, size=3000)
    logits[np.arange(3000), labels] += 2.2
    return 3 * logits, labels


def test_probabilities_and_true_class_log_probability_equal_torch(predicted):
    logits, labels = predicted
    tensor = torch.tensor(logits)
    target = torch.tensor(labels)
    assert np.allclose(classification.probabilities(tensor), tensor.softmax(1).numpy(), rtol=1e-12)
    ours = classification.true_class_log_probability(tensor, target)
    assert np.allclose(
        -ours,
        torch.nn.functional.cross_entropy(tensor, target, reduction="none").numpy(),
        rtol=1e-10,
    )
    assert classification.nll(ours) == pytest.approx(
        sklearn_metrics.log_loss(labels, classification.probabilities(logits))
    )


def test_log_odds_are_those_of_the_confidence_and_turn_back_into_it(predicted):
    logits, _ = predicted
    p = classification.probabilities(logits).max(axis=1)
    unsaturated = p < 1 - 1e-6
    ours = classification.log_odds(logits)
    assert np.allclose(ours[unsaturated], np.log(p / (1 - p))[unsaturated], atol=1e-8)
    assert np.allclose(classification.confidence_from_log_odds(ours), p, rtol=1e-12)


def test_log_odds_survive_where_the_confidence_rounds_to_one():
    # logits (50, 0, 0): p / (1 - p) = e^50 / 2, though 1 - p is far below one float64 step from 1
    assert classification.log_odds([[50.0, 0.0, 0.0]])[0] == pytest.approx(
        50 - math.log(2), rel=1e-14
    )
    assert classification.log_odds([[2000.0, -2000.0]])[0] == 4000
    # a tie for the top leaves the other one among the rest: p = 1/3, odds 1/2
    assert classification.log_odds([[7.0, 7.0, 7.0]])[0] == pytest.approx(-math.log(2), rel=1e-14)


def test_the_confusion_matrix_counts_true_classes_in_rows(predicted):
    logits, labels = predicted
    predictions = torch.tensor(logits.argmax(axis=1))
    matrix = classification.confusion_matrix(predictions, labels, num_classes=10)
    for true, guess in [
        (0, 0),
        (3, 5),
        (5, 3),
    ]:  # counted by hand, so that rows and columns cannot be swapped
        assert matrix[true, guess] == sum((labels == true) & (predictions.numpy() == guess))
    recall = sklearn_metrics.recall_score(labels, predictions, average=None)
    assert np.diag(matrix) / matrix.sum(axis=1) == pytest.approx(recall)


def test_a_class_without_images_has_a_row_too():
    assert classification.confusion_matrix([0, 1, 1], [0, 0, 1], num_classes=3).shape == (3, 3)


@pytest.mark.parametrize("bins", [5, 15])
def test_ece_equals_torchmetrics_from_logits_and_from_stored_log_odds(predicted, bins):
    logits, labels = predicted
    correct = logits.argmax(axis=1) == labels
    reference = MulticlassCalibrationError(num_classes=10, n_bins=bins, norm="l1")
    expected = reference(
        torch.tensor(classification.probabilities(logits)), torch.tensor(labels)
    ).item()
    assert classification.ece(
        classification.probabilities(logits).max(axis=1), correct, bins=bins
    ) == pytest.approx(expected, 1e-5)
    stored = classification.log_odds(logits).astype(np.float16)
    assert classification.ece(
        classification.confidence_from_log_odds(stored), correct, bins=bins
    ) == pytest.approx(expected, abs=1e-3)


def test_ece_worked_by_hand():
    # two bins: (0, 0.5] holds 0.5 (its upper edge belongs to it) and 0.3, accuracy 0.5 against mean
    # 0.4; (0.5, 1] holds 0.9 and 1.0, accuracy 0.5 against 0.95: (2 * 0.1 + 2 * 0.45) / 4
    confidence = [0.5, 0.3, 0.9, 1.0]
    correct = np.array([True, False, False, True])
    assert classification.ece(confidence, correct, bins=2) == pytest.approx(0.275)
    table = classification.reliability_bins(confidence, correct, bins=4)
    assert table["n"].tolist() == [0, 2, 0, 2]
    assert np.array_equal(np.isnan(table["accuracy"]), [True, False, True, False])


def test_nll_from_stored_float16_log_probabilities(predicted):
    exact = classification.true_class_log_probability(*predicted)
    assert classification.nll(exact.astype(np.float16)) == pytest.approx(
        classification.nll(exact), rel=1e-3
    )


def test_temperature_recovers_the_factor_that_logits_were_sharpened_by():
    generator = np.random.default_rng(1)
    logits = 2 * generator.normal(size=(20_000, 10))
    p = classification.probabilities(logits)
    labels = (p.cumsum(axis=1) > generator.random((20_000, 1))).argmax(
        axis=1
    )  # drawn from the model's own odds
    for factor in [0.4, 1.0, 2.5]:
        assert classification.fit_temperature(factor * logits, labels) == pytest.approx(
            factor, rel=0.03
        )


def test_temperature_is_where_the_slope_of_the_nll_is_zero(predicted):
    logits, labels = predicted
    tempered = classification.apply_temperature(
        logits, classification.fit_temperature(logits, labels)
    )
    # closed form: d NLL / d (1 / T) = mean(expected logit - true logit)
    expected = (classification.probabilities(tempered) * logits).sum(axis=1)
    assert (expected - logits[np.arange(len(labels)), labels]).mean() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("kind", ["sharp", "flat", "all right", "all wrong", "constant"])
def test_nll_never_rises_with_temperature(kind):
    generator = np.random.default_rng(2)
    labels = generator.integers(4, size=200)
    signal = 4 * np.eye(4)[labels]
    logits = {
        "sharp": 9 * (signal + 3 * generator.normal(size=(200, 4))),
        "flat": 0.1 * (signal + generator.normal(size=(200, 4))),
        "all right": signal,
        "all wrong": -signal,
        "constant": np.zeros((200, 4)),
    }[kind]
    temperature = classification.fit_temperature(logits, labels)
    before = classification.nll(classification.true_class_log_probability(logits, labels))
    tempered = classification.apply_temperature(logits, temperature)
    assert classification.nll(classification.true_class_log_probability(tempered, labels)) <= before
    assert np.array_equal(tempered.argmax(axis=1), logits.argmax(axis=1))
    again = classification.apply_temperature(
        tempered, classification.fit_temperature(tempered, labels)
    )  # nothing left to gain
    before, after = (
        classification.nll(classification.true_class_log_probability(x, labels))
        for x in (tempered, again)
    )
    assert after <= before
    assert 0.01 <= temperature <= 100


BASELINE = {"fog": [0.9, 0.8, 0.7], "snow": [0.75, 0.5, 0.25]}  # errors sum to 0.6 and 1.5
OURS = {"fog": [0.95, 0.9, 0.85], "snow": [0.7, 0.5, 0.3]}  # errors sum to 0.3 and 1.5
FLAWLESS_IN_FOG = {"fog": [1, 1, 1], "snow": BASELINE["snow"]}
ONE_FOG_LEVEL = {"fog": [0.5], "snow": OURS["snow"]}
NAMES = ["fog", "snow"]


def test_mce_and_relative_mce_worked_by_hand():
    assert corruption_error.mean_corruption_accuracy(OURS, NAMES) == pytest.approx((0.9 + 0.5) / 2)
    # fog 0.3 / 0.6, snow 1.5 / 1.5
    assert corruption_error.mce(OURS, BASELINE, corruptions=NAMES) == pytest.approx(
        (Fraction(1, 2) + 1) / 2
    )
    assert corruption_error.mce(OURS, BASELINE, corruptions=["fog"]) == pytest.approx(0.5)
    # clean errors 0.04 and 0.1: fog (0.3 - 0.12) / (0.6 - 0.3), snow (1.5 - 0.12) / (1.5 - 0.3)
    relative = corruption_error.relative_mce(
        OURS, BASELINE, clean=0.96, baseline_clean=0.9, corruptions=NAMES
    )
    assert relative == pytest.approx((0.18 / 0.3 + 1.38 / 1.2) / 2)
    assert corruption_error.mce(BASELINE, BASELINE, corruptions=NAMES) == pytest.approx(1)
    assert corruption_error.relative_mce(
        BASELINE, BASELINE, clean=0.93, baseline_clean=0.93, corruptions=NAMES
    ) == pytest.approx(1)


def test_summaries_carry_bootstrap_axes_through():
    generator = np.random.default_rng(3)
    samples = {name: generator.uniform(0.2, 0.9, size=(4, 3)) for name in NAMES}
    clean = generator.uniform(0.9, 1, size=4)
    keywords = {"baseline_clean": 0.9, "corruptions": NAMES}
    means = corruption_error.mean_corruption_accuracy(samples, NAMES)
    ratios = corruption_error.mce(samples, BASELINE, corruptions=NAMES)
    relative = corruption_error.relative_mce(samples, BASELINE, clean=clean, **keywords)
    for b in range(4):
        sample = {name: values[b] for name, values in samples.items()}
        assert means[b] == pytest.approx(corruption_error.mean_corruption_accuracy(sample, NAMES))
        assert ratios[b] == pytest.approx(corruption_error.mce(sample, BASELINE, corruptions=NAMES))
        assert relative[b] == pytest.approx(
            corruption_error.relative_mce(sample, BASELINE, clean=clean[b], **keywords)
        )


def test_by_corruption_regroups_whatever_the_order():
    conditions = [("clean", 0), ("snow", 2), ("fog", 1), ("snow", 1), ("fog", 2)]
    grouped = corruption_error.by_corruption(
        [[0, 22, 11, 21, 12], [0, 220, 110, 210, 120]], conditions
    )
    assert {name: values.tolist() for name, values in grouped.items()} == {
        "clean": [[0], [0]],
        "snow": [[21, 22], [210, 220]],
        "fog": [[11, 12], [110, 120]],
    }


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: classification.confusion_matrix([], [], num_classes=2), "at least 1"),
        (lambda: classification.confusion_matrix([1, 2], [1], num_classes=3), "one length"),
        (
            lambda: classification.confusion_matrix([0, 3], [0, 1], num_classes=3),
            "prediction 3 is out of range",
        ),
        (
            lambda: classification.confusion_matrix([0, 2], [0, -1], num_classes=3),
            "label -1 is out of range",
        ),
        (lambda: classification.confusion_matrix([0.0, 2.0], [0, 1], num_classes=3), "integers"),
        (lambda: classification.probabilities(np.empty((0, 10))), "shape"),
        (lambda: classification.probabilities([[1.0], [2.0]]), "shape"),
        (lambda: classification.log_odds([[1.0, 2.0], [np.nan, 0.0]]), "image 1 are not finite"),
        (lambda: classification.log_odds([[np.inf, 2.0]]), "image 0 are not finite"),
        (
            lambda: classification.true_class_log_probability(np.zeros((2, 3)), [0, 1, 2]),
            "give 2 integers",
        ),
        (
            lambda: classification.true_class_log_probability(np.zeros((2, 3)), [0, 3]),
            "classes run from 0 to 2",
        ),
        (lambda: classification.fit_temperature(np.zeros((2, 3)), [0, 3]), "label 3"),
        (lambda: classification.apply_temperature(np.zeros((2, 3)), 0.0), "temperature is 0.0"),
        (lambda: classification.nll([]), "empty"),
        (lambda: classification.nll([-1.0, 0.5]), "above 0"),
        (lambda: classification.nll([-1.0, np.nan]), "NaN"),
        (lambda: classification.ece([], np.array([], bool)), "at least 1"),
        (lambda: classification.ece([0.5], np.array([True, False])), "one length"),
        (lambda: classification.ece([0.5, 93.0], np.array([True, False])), r"\[0, 1\]"),
        (lambda: classification.ece([0.5, np.nan], np.array([True, False])), "NaN"),
        (lambda: classification.ece([0.5, 0.2], [1, 0]), "booleans"),
        (lambda: classification.ece([0.5], np.array([True]), bins=0), "bins is 0"),
        (
            lambda: corruption_error.mce(OURS, {"fog": [0.9] * 3}, corruptions=NAMES),
            "baseline: no values for snow",
        ),
        (
            lambda: corruption_error.mce(OURS, FLAWLESS_IN_FOG, corruptions=NAMES),
            "nothing under fog",
        ),
        (
            lambda: corruption_error.mce({"fog": [0.5] * 5}, BASELINE, corruptions=["fog"]),
            "5 severities against 3",
        ),
        (
            lambda: corruption_error.mce(ONE_FOG_LEVEL, BASELINE, corruptions=NAMES),
            "as many severities",
        ),
        (
            lambda: corruption_error.mean_corruption_accuracy({"fog": [95.0]}, ["fog"]),
            "divide percent by 100",
        ),
        (lambda: corruption_error.mean_corruption_accuracy(OURS, []), "any corruption"),
        (
            lambda: corruption_error.relative_mce(
                OURS, BASELINE, clean=1, baseline_clean=0.8, corruptions=NAMES
            ),
            "nothing under fog",
        ),
        (lambda: corruption_error.by_corruption([1.0, 2.0], [("fog", 1)]), "as many different"),
        (
            lambda: corruption_error.by_corruption([1.0, 2.0], [("fog", 1), ("fog", 1)]),
            "as many different",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
