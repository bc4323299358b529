import numpy as np
import pandas as pd
import pytest

from visionfail import failure
from visionfail.metrics import Estimate
from visionfail.studies.auditing import over_ends
from visionfail.studies.auditing.stored_ensemble import ENDS, ENSEMBLE

PAIRS = [("auditor", "1 - confidence"), ("auditor", ENSEMBLE), (ENSEMBLE, "1 - confidence")]
PRESPECIFIED = ("fog", "auditor", "1 - confidence")


def estimate(value):
    """An AUROC of about `value` in five seeds, sure to 0.002."""
    rng = np.random.default_rng(0)
    exact = value + np.linspace(-1e-3, 1e-3, 5)
    return Estimate(exact, exact + rng.normal(0, 1e-3, (300, 1)))


def aurocs_of(auditor, confidence, *ends):
    """{"fog": {detector: estimate}} with the ensemble at shared, lowest, highest."""
    estimates = {
        "auditor": estimate(auditor),
        "1 - confidence": Estimate(np.full(5, confidence), np.full((300, 5), confidence)),
    }
    for detector, value in zip(ENDS, ends, strict=True):
        estimates[detector] = Estimate(np.full(5, value), np.full((300, 5), value))
    return {"fog": estimates}


def judged(*values):
    table = over_ends.compare_over_ends(aurocs_of(*values), PAIRS, prespecified=PRESPECIFIED)
    return table.set_index(["detector", "baseline"])


@pytest.mark.parametrize(
    ("ends", "outcome", "hangs"),
    [
        ((0.94, 0.95, 0.93), "loss", False),
        ((0.85, 0.88, 0.80), "win", False),
        ((0.92, 0.94, 0.85), "undecided", True),  # lost to the lowest p, won against the highest
        ((0.94, 0.95, 0.902), "undecided", True),  # lost, or level
    ],
)
def test_an_outcome_against_the_ensemble_is_the_one_at_both_ends(ends, outcome, hangs):
    row = judged(0.9, 0.85, *ends).loc["auditor", ENSEMBLE]
    assert (row.outcome, row.hangs) == (outcome, hangs)
    shared, lowest, highest = ends
    assert row.value == pytest.approx(0.9 - shared)
    assert row.at_lowest == pytest.approx(0.9 - lowest)
    assert row.at_highest == pytest.approx(0.9 - highest)
    assert row.lo < 0.9 - lowest
    assert row.hi > 0.9 - highest
    assert row.seeds == pytest.approx(list(estimate(0.9).exact - shared))
    assert (row.p == 1) == (row.at_lowest * row.at_highest < 0)


def test_what_is_compared_with_confidence_does_not_hang_on_the_ensemble():
    row = judged(0.9, 0.85, 0.92, 0.94, 0.85).loc["auditor", "1 - confidence"]
    assert (row.outcome, row.hangs) == ("win", False)
    assert row.at_lowest == row.at_highest == pytest.approx(row.value)


def test_without_an_ensemble_it_is_the_table_of_comparisons():
    estimates = {"fog": {"auditor": estimate(0.9), "1 - confidence": estimate(0.85)}}
    table = over_ends.compare_over_ends(estimates, PAIRS[:1], prespecified=PRESPECIFIED)
    difference = estimates["fog"]["auditor"] - estimates["fog"]["1 - confidence"]
    plain = failure.comparison_table({PRESPECIFIED: difference}, prespecified=PRESPECIFIED)
    pd.testing.assert_frame_equal(table[plain.columns], plain)
    assert not table.hangs.any()


def test_the_interval_of_the_ensemble_reaches_over_both_ends_and_others_stay():
    table = failure.auroc_rows(aurocs_of(0.9, 0.85, 0.92, 0.94, 0.88), {"fog": 300})
    wide = over_ends.widen_to_ends(table).set_index("detector")
    assert (wide.lo[ENSEMBLE], wide.value[ENSEMBLE], wide.hi[ENSEMBLE]) == pytest.approx(
        (0.88, 0.92, 0.94)
    )
    before = table.set_index("detector")
    assert wide.lo["auditor"] == before.lo["auditor"]
    without = table[~table.detector.isin(ENDS)]
    pd.testing.assert_frame_equal(over_ends.widen_to_ends(without), without)
