"""Tables of verdicts and values, short enough for a README."""

import pandas as pd
import pytest

from visionfail import claims, findings, paths
from visionfail.findings import tables


def test_a_verdict_that_all_share_is_given_and_only_contradictions_differ():
    assert findings.common_verdict(pd.Series(["holds", "holds"])) == "holds"
    for others in (["holds", "fails"], ["holds", "undecided", "fails"]):
        assert findings.common_verdict(pd.Series(others)) == "differs"
    for others in (["holds", "undecided"], ["undecided", "fails"]):
        assert findings.common_verdict(pd.Series(others)) == "in part"


@pytest.mark.parametrize(
    ("statistic", "unit"),
    [
        ("AUROC of the auditor, mix", " AUROC"),
        ("step from severity 4 to 5 / loss, fog", "% of what is lost"),
        ("accuracy, pixel-level minus structural", " points"),
        ("drop at severity 5", " points"),
        ("drop at severity 5 / clean accuracy", "%"),
        ("mean confidence of wrong answers, mix", "%"),
    ],
)
def test_a_claim_has_the_unit_of_its_statistic(statistic, unit):
    assert tables.unit_of(statistic)[0] == unit


def test_tables_of_the_readme_have_at_most_five_columns():
    made = [findings.networks_summary(paths.RESULTS), findings.auditor_summary(paths.RESULTS)]
    for where in ("notebook 06", "notebook 07"):
        made.append(findings.by_set_summary(paths.RESULTS, where=where))
    for where in ("notebook 04", "notebook 05", "notebook 09"):
        made.append(findings.claims_summary(paths.RESULTS, where=where))
    assert all(len(table) > 0 and table.shape[1] <= 5 for table in made)


def test_regions_are_written_as_they_are():
    row = pd.Series({"low": 0.38, "high": 0.48})
    assert tables.region_text(row, " points", 100.0) == "38 to 48 points"
    assert tables.region_text(pd.Series({"low": 0.0, "high": float("inf")}), "%", 100.0) == (
        "above 0%"
    )
    one_sided = {"low": 0.05, "high": float("inf")}
    assert tables.region_text(pd.Series(one_sided), "%", 100.0) == "at least 5%"
    one_sided = {"low": -float("inf"), "high": 0.0}
    assert tables.region_text(pd.Series(one_sided), "", 1.0) == "below 0"
    assert tables.range_text(pd.Series([0.134, 0.149]), 100.0) == "13.4 to 14.9"


def test_every_claim_is_counted_once_whatever_the_sets_it_was_judged_on(tmp_path):
    rows = []
    for claim, verdict in [("U1 SVHN", "holds"), ("U1 GTSRB", "fails"), ("U2 SVHN", "holds")]:
        rows.append({"claim": claim, "verdict": verdict, "value": 0.123, "seed": "0 to 2"})
    table = pd.DataFrame(rows).reindex(columns=list(claims.COLUMNS))
    table["where"] = "notebook 06"
    table["words"] = "some classes err more"
    table["status"] = "confirmatory"
    table.to_csv(tmp_path / "claims.csv", index=False)
    counts = findings.verdict_counts(tmp_path).loc["notebook 06"]
    assert counts.to_dict() == {"holds": 1, "fails": 0, "undecided": 0, "in part": 0, "differs": 1}
    sentence = findings.claims_sentence(tmp_path)
    assert "Of 2 claims" in sentence and "1 hold, 1 hold on some and fail on others." in sentence
    assert "2 (notebook 06) are confirmatory throughout" in sentence
    assert "0 are exploratory throughout" in sentence and "The other 0 are" in sentence
    summary = findings.by_set_summary(tmp_path, where="notebook 06").set_index("")
    one_set = findings.by_set_summary(tmp_path, where="notebook 06", sets=["GTSRB"])
    assert one_set["GTSRB"].tolist() == ["fails (0.12)", "not testable here"]
    assert summary.loc["U1"].tolist()[1:] == ["holds (0.12)", "fails (0.12)", "not testable here"]
    table.loc[0, "status"] = "exploratory, subset"
    table.loc[2, "status"] = "judged twice, subset"
    table.to_csv(tmp_path / "claims.csv", index=False)
    sentence = findings.claims_sentence(tmp_path)
    assert "0 (none) are confirmatory throughout" in sentence
    assert "0 are exploratory throughout" in sentence
    assert "The other 2 are" in sentence and "twice (1)" in sentence
    told = findings.status_sentence(tmp_path, where="notebook 06")
    assert told == "Exploratory: U1 SVHN; judged twice: U2 SVHN; confirmatory: U1 GTSRB."
    summary = findings.by_set_summary(tmp_path, where="notebook 06").set_index("")
    assert summary.loc["U1"].tolist()[1:3] == ["holds† (0.12)", "fails (0.12)"]


def test_statuses_of_some_networks_only_are_told_apart(tmp_path):
    rows = []
    for seed, status in (("0", "exploratory"), ("1", "confirmatory")):
        rows.append(
            {"claim": "5", "verdict": "holds", "value": 0.1, "seed": seed, "status": status}
        )
    table = pd.DataFrame(rows).reindex(columns=list(claims.COLUMNS))
    table["where"], table["words"], table["model"] = "notebook 04", "mild", "resnet18"
    table.to_csv(tmp_path / "claims.csv", index=False)
    told = findings.status_sentence(tmp_path, where="notebook 04")
    assert told == "Exploratory, some networks: 5; confirmatory, some networks: 5."
    assert findings.status_sentence(tmp_path, where="notebook 99") == ""
