import dataclasses

import numpy as np
import pytest
import torch
from makers import random_outcomes
from scipy.special import expit
from torchmetrics.classification import BinaryCalibrationError

from visionfail.evaluation import outcomes
from visionfail.studies.degradation import overconfidence

SWEEP = random_outcomes(n=200)[0]
TABLE = overconfidence.overconfidence_by_severity(
    SWEEP, above=0.7, bootstraps=200, generator=np.random.default_rng(0)
)


def reference_ece(log_odds, correct):
    """The calibration error of torchmetrics, from the log-odds of the confidence (N,)."""
    calibration = BinaryCalibrationError(n_bins=overconfidence.BINS, norm="l1")
    confidence = torch.from_numpy(expit(log_odds.astype(np.float64)))
    return calibration(confidence, torch.from_numpy(correct).int()).item()


@pytest.mark.parametrize("severity", [0, 3, 5])
def test_shares_are_those_of_the_answers_counted_one_by_one(severity):
    n_right = 0
    n_wrong = 0
    n_sure_and_wrong = 0
    confidences = []
    for row, (_, level) in enumerate(SWEEP.conditions):
        if level != severity:
            continue
        for image, label in enumerate(SWEEP.labels):
            confidence = 1 / (1 + np.exp(-float(SWEEP.log_odds[row, image])))
            confidences.append(confidence)
            right = SWEEP.predicted[row, image] == label
            n_right += right
            n_wrong += not right
            n_sure_and_wrong += (not right) and confidence > 0.7
    values = TABLE[TABLE.severity == severity].set_index("metric").value
    assert values.accuracy == pytest.approx(n_right / (n_right + n_wrong))
    assert values.confidence == pytest.approx(np.mean(confidences), abs=1e-6)
    assert values.sure_when_wrong == pytest.approx(n_sure_and_wrong / n_wrong)


@pytest.mark.parametrize("severity", [0, 3, 5])
def test_calibration_error_is_that_of_torchmetrics_on_the_mean_of_conditions(severity):
    before = []
    after = []
    for row, (_, level) in enumerate(SWEEP.conditions):
        if level == severity:
            before.append(reference_ece(SWEEP.log_odds[row], SWEEP.correct[row]))
            after.append(reference_ece(SWEEP.log_odds_scaled[row], SWEEP.correct[row]))
    values = TABLE[TABLE.severity == severity].set_index("metric").value
    assert values.ece == pytest.approx(np.mean(before), abs=1e-5)
    assert values.ece_scaled == pytest.approx(np.mean(after), abs=1e-5)


def test_intervals_hold_the_values_and_say_n():
    plain = TABLE[TABLE.metric.isin(["accuracy", "confidence", "sure_when_wrong"])]
    assert ((plain.lo <= plain.value) & (plain.value <= plain.hi)).all()
    assert set(TABLE.n) == {200}


def test_interval_is_of_images_not_of_answers():
    # 19 copies of one condition tell no more than one: the interval of a mean must say so
    copied = [0] + [1] * 95
    fields = {field: getattr(SWEEP, field)[copied] for field in outcomes.FIELDS}
    copies = dataclasses.replace(SWEEP, **fields)
    table = overconfidence.overconfidence_by_severity(
        copies, above=0.7, bootstraps=2000, generator=np.random.default_rng(0)
    )
    row = table[(table.severity == 3) & (table.metric == "accuracy")].iloc[0]
    p = copies.correct[1].mean()
    assert row.hi - row.lo == pytest.approx(2 * 1.96 * np.sqrt(p * (1 - p) / 200), rel=0.1)


def test_where_nothing_is_wrong_no_error_is_sure():
    perfect = dataclasses.replace(
        SWEEP, predicted=np.repeat(SWEEP.labels[None], len(SWEEP.conditions), axis=0)
    )
    table = overconfidence.overconfidence_by_severity(
        perfect, above=0.7, bootstraps=20, generator=np.random.default_rng(0)
    )
    assert (table[table.metric == "sure_when_wrong"].value == 0).all()
