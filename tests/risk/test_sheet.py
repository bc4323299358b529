"""The decision sheet on scores that are written down."""

import numpy as np
import pytest

from visionfail.risk import decisions, sheet
from visionfail.risk.decisions import Scored
from visionfail.risk.thresholds import Threshold

CHOSEN = {
    1.0: Threshold(0.5, "recall", True, "at most 5%", 60, 59),
    50.0: Threshold(0.1, "cost", True, "at most 5%", 60, 59),
}


def scored(seed=0, moved=0.0):
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], 200)
    logits = 2 * (2 * labels - 1) - moved + rng.normal(0, 1.5, 400)
    return Scored(1 / (1 + np.exp(-logits)), labels, np.arange(400))


def made():
    return sheet.decision_sheet(
        {sheet.CLEAN: scored(), ("fog", 3): scored(moved=2)}, CHOSEN, prevalence=0.1
    )


def test_the_guarantee_reaches_clean_pictures_alone():
    table = made()
    assert table.guaranteed.groupby(table.condition).all().to_dict() == {
        "clean": True,
        "fog": False,
    }
    page = sheet.sheet_at(table, 1.0)
    assert page.condition.tolist() == ["clean", "fog 3"]
    assert page.guarantee.tolist() == ["yes", "does not reach here"]


def test_rows_are_those_of_the_rates():
    table = made()
    rows = table[(table.condition == "fog") & (table["cost ratio"] == 50)].set_index("quantity")
    direct = decisions.rates_table(scored(moved=2), 0.1, prevalence=0.1, cost_ratio=50)
    assert rows.value.to_dict() == pytest.approx(direct.set_index("quantity").value.to_dict())


def test_a_dearer_miss_has_a_lower_threshold_and_fewer_misses():
    table = made().set_index(["condition", "cost ratio", "quantity"])
    assert table.value["clean", 50.0, "missed"] < table.value["clean", 1.0, "missed"]
    assert table.value["clean", 50.0, "alarmed"] > table.value["clean", 1.0, "alarmed"]


def test_only_corruptions_that_allow_the_side_are_asked():
    small = {name for name, _ in sheet.conditions_for(32)}
    large = {name for name, _ in sheet.conditions_for(128)}
    assert small == {"clean", *sheet.WORSE}
    assert large == small - {"fog", "motion_blur"}
    assert len(sheet.conditions_for(32)) == 1 + 3 * 7
