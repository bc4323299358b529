"""The decision sheet on scores that are written down."""

import numpy as np
import pytest

from visionfail.risk import decisions, sheet
from visionfail.risk.decisions import Scored
from visionfail.risk.thresholds import Threshold

CHOSEN = {
    "target": (Threshold(0.5, "recall", True, "at most 5%", 60, 59), 1.0),
    "dear": (Threshold(0.1, "cost", False, "no guarantee", 60, 59), 50.0),
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
    by_target = table[table.rule == "target"]
    assert by_target.guaranteed.groupby(by_target.condition).all().to_dict() == {
        "clean": True,
        "fog": False,
    }
    assert not table[table.rule == "dear"].guaranteed.any()
    page = sheet.sheet_at(table, "target")
    assert page.condition.tolist() == ["clean", "fog 3"]
    assert page.guarantee.tolist() == ["yes", "does not reach here"]


def test_rows_are_those_of_the_rates():
    table = made()
    rows = table[(table.condition == "fog") & (table.rule == "dear")].set_index("quantity")
    direct = decisions.rates_table(scored(moved=2), 0.1, prevalence=0.1, cost_ratio=50)
    assert rows.value.to_dict() == pytest.approx(direct.set_index("quantity").value.to_dict())


def test_a_dearer_miss_has_a_lower_threshold_and_fewer_misses():
    table = made().set_index(["condition", "rule", "quantity"])
    assert table.value["clean", "dear", "missed"] < table.value["clean", "target", "missed"]
    assert table.value["clean", "dear", "alarmed"] > table.value["clean", "target", "alarmed"]


def test_a_page_by_rule_has_each_threshold_and_what_it_costs():
    table = made()
    page = sheet.sheet_by_rule(table, [sheet.CLEAN, sheet.worst_at(table, 3)])
    assert page.condition.tolist() == ["clean"] * 2 + ["fog 3"] * 2
    assert page.guarantee.tolist() == ["yes", "none", "does not reach here", "none"]
    assert page["flag from a score of"].tolist() == ["0.5000", "0.1000"] * 2
    cost = table.set_index(["condition", "rule", "quantity"]).value["fog", "dear", "cost"]
    assert page["1,000 pictures cost"].iloc[3].startswith(f"{1000 * cost:.0f} (")


def test_corruptions_are_called_as_everywhere():
    asked = {sheet.CLEAN: scored(), ("jpeg_compression", 3): scored(moved=2)}
    page = sheet.sheet_at(sheet.decision_sheet(asked, CHOSEN, prevalence=0.1), "target")
    assert page.condition.tolist() == ["clean", "JPEG compression 3"]


def test_only_corruptions_that_allow_the_side_are_asked():
    small = {name for name, _ in sheet.conditions_for(32)}
    large = {name for name, _ in sheet.conditions_for(128)}
    assert small == {"clean", *sheet.WORSE}
    assert large == small - {"fog", "motion_blur"}
    assert len(sheet.conditions_for(32)) == 1 + 3 * 7
