import numpy as np
import pandas as pd
import pytest
from makers import random_outcomes
from sklearn.metrics import roc_auc_score

from visionfail import metrics, report
from visionfail.evaluation import accuracy_table
from visionfail.failure import Scored

SWEEP = random_outcomes(n=300)[0]


def scored(seed, *, failing=0.3, n=200):
    """Scores of which the auditor's tells failure better than confidence's."""
    generator = np.random.default_rng(seed)
    failed = generator.random(n) < failing
    scores = {"auditor": failed + generator.normal(0, 0.7, n)}
    scores["1 - confidence"] = failed + generator.normal(0, 1.5, n)
    return Scored(scores, failed, np.arange(n))


SHEET = pd.DataFrame(
    {
        "detector": "auditor",
        "budget": 0.1,
        "condition": ["the mix", "contrast, held out", "pixelate, held out"],
        "coverage": [0.4, 0.5, 0.0],
        "risk": [0.06, 0.3, np.nan],
        "lo": [0.03, 0.2, np.nan],
        "hi": [0.11, 0.4, np.nan],
        "accepted": [80, 100, 0],
        "n": 200,
    }
)


def test_regimes_of_few_severities_have_words_and_doubt():
    sweep = random_outcomes(severities=(1, 3, 5), n=60)[0]
    table, notes = report.regime_notes(sweep, bootstraps=100)
    assert len(table) == len(notes) == 19
    for row in table.itertuples():
        doubt = "?" if row.share < 0.975 else ""
        assert notes[row.corruption] == f"{row.point}{doubt}"


def test_a_lead_is_the_difference_of_two_aurocs():
    fresh = {"the mix": scored(0), "clean": scored(1, failing=0.02)}
    counts = metrics.resampling_counts(200, 200, np.random.default_rng(0))
    table = report.auditor_leads(fresh, counts).set_index("condition")
    mix = fresh["the mix"]
    for detector in ("auditor", "1 - confidence"):
        expected = roc_auc_score(mix.failed, mix.scores[detector])
        assert table.loc["the mix", detector] == pytest.approx(expected)
    row = table.loc["the mix"]
    assert row.lead == pytest.approx(row["auditor"] - row["1 - confidence"])
    assert row.lo < row.lead < row.hi and row.failures == mix.failed.sum()
    assert np.isnan(table.loc["clean", "lead"])  # too few failures


def test_decisions_in_words_name_what_accepts_nothing():
    texts = report.decision_texts(SHEET)
    assert list(texts["wrong among these"]) == [
        "6.0% (3.0% to 11.0%)",
        "30.0% (20.0% to 40.0%)",
        "nothing is accepted",
    ]
    accepts = report.decision_sentence(SHEET.iloc[0].to_dict())
    assert accepts == "auditor accepts 40.0% of n = 200, 6.0% of these wrong (3.0% to 11.0%)"
    nothing = report.decision_sentence(SHEET.iloc[2].to_dict())
    assert nothing == ("for auditor no threshold could be shown to be safe: nothing is accepted")


def test_a_budget_is_broken_where_the_whole_interval_lies_above_it():
    conditions = ["contrast, held out", "pixelate, held out"]
    assert report.broken_budgets(SHEET, conditions) == ["auditor under contrast, held out"]


def test_the_most_harmed_class_has_the_lowest_accuracy_of_its_condition():
    names = ["fog", "contrast"]
    table = report.accuracy_by_class(SWEEP, tuple("abcdefghij"), severity=5, above=0.9, names=names)
    assert list(table.condition.unique()) == ["clean", *names]
    worst = report.most_harmed(table, "fog")
    of_fog = table[table.condition == "fog"]
    assert worst.condition == "fog" and worst.accuracy == of_fog.accuracy.min()


def test_a_class_without_images_has_no_row():
    table = report.accuracy_by_class(SWEEP, tuple("abcdefghijk"), severity=5, above=0.9)
    assert "k" not in set(table["class"]) and "j" in set(table["class"])


def test_rows_of_results_hold_each_accuracy_and_risk():
    attacked = pd.DataFrame(
        {"attack": ["pgd"], "epsilon": [0.5], "value": [0.2], "lo": [0.1], "hi": [0.3], "n": [50]}
    )
    accuracy = accuracy_table(SWEEP, model="yours")
    common = {"dataset": "cifar10", "origin": "standin", "split": "test", "model": "yours"}
    names = ["fog", "contrast"]
    by_class = report.accuracy_by_class(
        SWEEP, tuple("abcdefghij"), severity=5, above=0.9, names=names
    )
    leads = pd.DataFrame(
        {"condition": ["the mix", "clean"], "lead": [0.1, np.nan], "lo": 0.05, "hi": 0.15, "n": 9}
    )
    rows = report.own_rows(accuracy, by_class, attacked, leads, SHEET, severity=5, common=common)
    assert len(rows) == 96 + 2 * 30 + 1 + 1 + 2  # no failures no lead, nothing accepted no risk
    assert all(row["origin"] == "standin" for row in rows)
    table = pd.DataFrame(rows)
    of_class = table[(table.metric == "accuracy of class c") & (table.condition == "fog")].iloc[0]
    correct = SWEEP.correct[SWEEP.at("fog", 5)][SWEEP.labels == 2]
    assert of_class.value == correct.mean() and of_class.n == len(correct)
    assert of_class.severity == 5 and of_class.lo < of_class.value < of_class.hi
    assert list(table.value[table.condition == "pgd 0.5/255"]) == [0.2]
    assert list(table.value[table.metric == "AUROC, auditor minus confidence"]) == [0.1]
    assert list(table.n[table.metric == "risk, auditor, budget 0.1"]) == [80, 100]


def test_rows_of_calibration_have_the_ece_of_each_condition_and_the_gap_of_the_last():
    eces = {("clean", 0): 0.02, ("fog", 5): 0.2}
    rows = report.calibration_rows(eces, (0.1, 0.05, 0.15), n=300, common={"model": "yours"})
    assert [row["value"] for row in rows] == [0.02, 0.2, 0.1]
    assert [row["severity"] for row in rows] == [0, 5, 5]
    assert "lo" not in rows[0] and (rows[2]["lo"], rows[2]["hi"]) == (0.05, 0.15)
    assert {(row["n"], row["model"]) for row in rows} == {(300, "yours")}


def test_classes_that_are_never_right_are_counted_and_none_is_called_the_worst():
    table = pd.DataFrame({"condition": "fog", "class": list("abcd"), "sure_and_wrong": 0.25})
    one = table.assign(accuracy=[0.5, 0.2, 0.9, 0.0])
    assert report.harm_words(one, "fog", sure=0.9) == (
        "d is worst off: 0% right, 25% wrong and over 90% sure"
    )
    several = table.assign(accuracy=[0.5, 0.0, 0.0, 0.0])
    assert report.harm_words(several, "fog", sure=0.9) == (
        "3 of 4 classes get no right answer: b, c, d"
    )


def test_overconfidence_is_confidence_minus_accuracy_beside_clean():
    counts = metrics.resampling_counts(500, 300, np.random.default_rng(0))
    value, lo, hi = report.overconfidence(SWEEP, ("fog", 5), counts)
    gaps = {}
    for condition in (("fog", 5), ("clean", 0)):
        row = SWEEP.at(*condition)
        gaps[condition] = SWEEP.confidence[row].mean() - SWEEP.correct[row].mean()
    assert value == pytest.approx(gaps["fog", 5] - gaps["clean", 0])
    assert lo < value < hi


def test_a_lead_is_told_in_words_and_so_is_its_absence():
    counts = metrics.resampling_counts(200, 200, np.random.default_rng(0))
    few, many = report.auditor_leads(
        {"few": scored(1, failing=0.02), "many": scored(0, n=200)}, counts
    ).to_dict("records")
    assert report.lead_sentence(few).startswith(
        f"Of {few['failures']} failures in n = 200 no AUROC"
    )
    assert report.lead_sentence(many).endswith("the auditor tells them apart better.")
    behind = {**many, "lead": -0.1, "lo": -0.2, "hi": -0.05}
    assert "confidence tells them apart better" in report.lead_sentence(behind)


def test_an_expectation_needs_the_whole_interval_on_one_side():
    assert report.expectation(0.0, 0.02, limit=0.01, below=True) == "undecided"
    assert report.expectation(0.0, 0.009, limit=0.01, below=True) == "as expected"
    assert report.expectation(0.2, 0.3, limit=0.01, below=True) == "not as expected"
    assert report.expectation(0.2, 0.3, limit=0.01, below=False) == "as expected"
    assert report.expectation(np.nan, np.nan, limit=0.1, below=True) == "undecided"
