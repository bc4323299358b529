import dataclasses

import numpy as np
import pytest
from makers import random_outcomes

from visionfail.evaluation import outcomes
from visionfail.metrics import classification
from visionfail.studies.degradation import overconfidence

FOUND = random_outcomes(n=200)[0]
TABLE = overconfidence.overconfidence_by_severity(
    FOUND, above=0.7, bootstraps=200, generator=np.random.default_rng(0)
)


def of(severity):
    return [row for row, (_, s) in enumerate(FOUND.conditions) if s == severity]


@pytest.mark.parametrize("severity", [0, 3, 5])
def test_values_are_those_of_metrics_condition_by_condition(severity):
    rows, confidence = of(severity), FOUND.confidence
    scaled = classification.confidence_from_log_odds(FOUND.log_odds_scaled)
    wrong = ~FOUND.correct[rows]
    found = TABLE[TABLE.severity == severity].set_index("metric").value
    assert found.accuracy == pytest.approx(FOUND.correct[rows].mean())
    assert found.confidence == pytest.approx(confidence[rows].mean(), abs=1e-6)
    assert found.sure_when_wrong == pytest.approx((confidence[rows] > 0.7)[wrong].mean())
    assert found.ece == pytest.approx(
        np.mean([classification.ece(confidence[r], FOUND.correct[r]) for r in rows]), abs=1e-6
    )
    assert found.ece_scaled == pytest.approx(
        np.mean([classification.ece(scaled[r], FOUND.correct[r]) for r in rows]), abs=1e-6
    )


def test_intervals_hold_the_values_and_say_n():
    plain = TABLE[TABLE.metric.isin(["accuracy", "confidence", "sure_when_wrong"])]
    assert ((plain.lo <= plain.value) & (plain.value <= plain.hi)).all() and set(TABLE.n) == {200}


def test_interval_is_of_images_not_of_answers():
    # 19 copies of one condition tell no more than one: the interval of a mean must say so
    copied = [0] + [1] * 95
    copies = dataclasses.replace(
        FOUND, **{field: getattr(FOUND, field)[copied] for field in outcomes.FIELDS}
    )
    table = overconfidence.overconfidence_by_severity(
        copies, above=0.7, bootstraps=2000, generator=np.random.default_rng(0)
    )
    row = table[(table.severity == 3) & (table.metric == "accuracy")].iloc[0]
    p = copies.correct[1].mean()
    assert row.hi - row.lo == pytest.approx(2 * 1.96 * np.sqrt(p * (1 - p) / 200), rel=0.1)


def test_no_error_at_all_is_no_silent_failure():
    perfect = dataclasses.replace(
        FOUND, predicted=np.repeat(FOUND.labels[None], len(FOUND.conditions), axis=0)
    )
    table = overconfidence.overconfidence_by_severity(
        perfect, above=0.7, bootstraps=20, generator=np.random.default_rng(0)
    )
    assert (table[table.metric == "sure_when_wrong"].value == 0).all()
