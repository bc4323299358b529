import pandas as pd
import pytest
from makers import random_outcomes
from statsmodels.stats.proportion import proportion_confint

from visionfail import paths, report, results
from visionfail.corruptions import apply
from visionfail.data import sets
from visionfail.evaluation import tables

SWEEP = random_outcomes(n=300)[0]
CLASSES = sets.CLASSES["cifar10"]


def test_classes_are_counted_from_the_answers():
    table = report.accuracy_by_class(SWEEP, CLASSES, severity=5, above=0.9).set_index(
        ["condition", "class"]
    )
    assert len(table) == 16 * 10
    index = SWEEP.at("fog", 5)
    cats = SWEEP.labels == 3
    right = SWEEP.predicted[index][cats] == 3
    row = table.loc["fog", "cat"]
    assert row.accuracy == pytest.approx(right.mean())
    assert row.n == cats.sum()
    expected = proportion_confint(right.sum(), cats.sum(), method="wilson")
    assert (row.accuracy_lo, row.accuracy_hi) == pytest.approx(expected)
    sure = ~right & (SWEEP.confidence[index][cats] > 0.9)
    assert row.sure_and_wrong == pytest.approx(sure.mean())


def test_harm_names_the_worst_class_of_each_condition():
    table = report.accuracy_by_class(SWEEP, CLASSES, severity=5, above=0.9)
    fog = report.worst_class_table(table, above=0.9).set_index("condition").loc["fog"]
    accuracy = table[table.condition == "fog"].set_index("class").accuracy
    assert fog["worst class"] == accuracy.idxmin()
    assert fog["best class"].startswith(accuracy.idxmax())
    assert fog["its accuracy"].startswith(f"{100 * accuracy.min():.1f}%")


def test_classes_that_share_the_lowest_accuracy_are_counted():
    table = report.accuracy_by_class(SWEEP, CLASSES, severity=5, above=0.9)
    lowest = (table.condition == "fog") & table["class"].isin(["cat", "dog"])
    table.loc[lowest, ["accuracy", "accuracy_lo", "accuracy_hi"]] = [-0.1, -0.2, 0.0]
    fog = report.worst_class_table(table, above=0.9).set_index("condition").loc["fog"]
    assert fog["worst class"] == "2 classes" and fog["wrong, over 90% sure"] == ""


def test_networks_show_ours_and_the_published_ones():
    table = report.networks_table(paths.RESULTS).set_index("model")
    rows, _ = results.load_run("cifar10c-resnet18-standard-s0", folder=paths.RESULTS)
    mean = rows[(rows.condition == "mean of 15") & (rows.metric == "accuracy")].iloc[0]
    assert table.loc["ResNet-18, seed 0", "mean accuracy, 15"].startswith(
        f"{100 * mean.value:.2f} ("
    )
    published = pd.read_csv(paths.RESULTS / "published_cifar10c.csv")
    of_baseline = published[published.model == tables.BASELINE]
    accuracy = of_baseline[of_baseline.corruption.isin(apply.CORRUPTIONS)].accuracy.mean()
    text = table.loc[f"{tables.BASELINE} (published)", "mean accuracy, 15"]
    assert text == f"{100 * accuracy:.2f}"


@pytest.mark.fault("results of another run")
@pytest.mark.parametrize("origin", ["standin", "subset"])
def test_no_stand_in_and_no_subset_is_a_finding(tmp_path, origin):
    row = {
        "dataset": "cifar10",
        "origin": origin,
        "split": "test",
        "model": "resnet18",
        "condition": "clean",
        "severity": 0,
        "metric": "accuracy",
        "value": 0.9,
        "seed": 0,
        "lo": 0.8,
        "hi": 0.95,
        "n": 100,
    }
    extra = {"config": {"origin": origin}, "seconds": 1, "data_checksums": {}, "device": "cpu"}
    results.save_run("cifar10-resnet18-standard-s0", [row], folder=tmp_path, **extra)
    (tmp_path / "published_cifar10c.csv").write_bytes(
        (paths.RESULTS / "published_cifar10c.csv").read_bytes()
    )
    with pytest.raises(ValueError, match=f"made on .*{origin}.*no stand-in and no subset"):
        report.networks_table(tmp_path)


def test_what_is_undecided_about_the_auditor_alone_says_how_many_seeds_would_decide():
    leads = report.leads_over_confidence(paths.RESULTS)
    texts = report.auditor_table(paths.RESULTS).set_index("test digits")
    for detector in ("auditor", "ensemble, entropy", "auditor + ensemble"):
        for name, text in texts[detector].items():
            outcome = leads.outcome[detector, name]
            if detector == "auditor":  # of the ensemble there is one
                told = text.endswith((" seeds)", ": more digits)"))
                assert told == (outcome == "undecided")
            else:
                assert text.endswith(f", {outcome})")
    assert texts["auditor"].str.contains(r"undecided: \d+ seeds").any()
