"""Measures by seed: against scikit-learn and torchmetrics, and one resample recomputed by hand."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, recall_score
from torchmetrics.functional.classification import multiclass_calibration_error

from visionfail import metrics
from visionfail.studies.transfer import measures
from visionfail.studies.transfer.answers import Asked

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 200)
LOGITS = RNG.normal(size=(2, 200, 4)) + 1.5 * (LABELS[:, None] == np.arange(4))
ASKED = Asked(LOGITS.argmax(2), np.stack([metrics.log_odds(rows) for rows in LOGITS]), LABELS)
COUNTS = metrics.resampling_counts(5, 200, np.random.default_rng(1))


def drawn(values):
    """The images of the first resample, each as often as it was drawn."""
    return np.repeat(values, COUNTS[0].astype(int))


def test_macro_f1_is_scikit_learns_and_so_it_is_in_a_resample():
    estimate = measures.macro_f1(ASKED, COUNTS)
    for seed, predicted in enumerate(ASKED.predicted):
        theirs = f1_score(LABELS, predicted, average="macro")
        assert estimate.exact[seed] == pytest.approx(theirs)
        theirs = f1_score(drawn(LABELS), drawn(predicted), average="macro")
        assert estimate.samples[0, seed] == pytest.approx(theirs)


def test_the_worst_recall_is_of_whichever_class_is_worst_in_a_resample():
    estimate = measures.worst_recall(ASKED, COUNTS)
    for seed, predicted in enumerate(ASKED.predicted):
        theirs = recall_score(LABELS, predicted, average=None)
        assert estimate.exact[seed] == pytest.approx(theirs.min())
        theirs = recall_score(drawn(LABELS), drawn(predicted), average=None)
        assert estimate.samples[0, seed] == pytest.approx(theirs.min())


def test_the_mean_recall_of_classes_is_that_of_their_recalls():
    estimate = measures.recall_of(ASKED, (1, 3), COUNTS)
    theirs = recall_score(LABELS, ASKED.predicted[0], average=None)
    assert estimate.exact[0] == pytest.approx((theirs[1] + theirs[3]) / 2)


def test_ece_is_torchmetrics_and_so_it_is_in_a_resample():
    estimate = measures.calibration_error(ASKED, COUNTS)
    for seed, logits in enumerate(LOGITS):
        probabilities = torch.from_numpy(metrics.probabilities(logits))
        theirs = multiclass_calibration_error(
            probabilities, torch.from_numpy(LABELS), num_classes=4, n_bins=15
        )
        assert estimate.exact[seed] == pytest.approx(theirs.item(), abs=1e-6)
        right = drawn(logits.argmax(1) == LABELS)
        confidence = drawn(probabilities.max(1).values.numpy())
        ours = metrics.ece(confidence, right)
        assert estimate.samples[0, seed] == pytest.approx(ours, abs=1e-6)


def test_a_mean_among_some_images_is_of_these_alone():
    among = LABELS == 2
    estimate = measures.mean_of(ASKED.correct, COUNTS, among=among)
    assert estimate.exact[1] == pytest.approx(ASKED.correct[1][among].mean())
