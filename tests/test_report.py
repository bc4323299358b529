import numpy as np
import pandas as pd
import pytest
from makers import random_outcomes
from statsmodels.stats.proportion import proportion_confint

from visionfail import claims, paths, report, results
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


def test_claims_stand_beside_each_other_by_network_with_their_marks(tmp_path):
    row = {
        "claim": "1",
        "words": "words",
        "source": "words",
        "model": "resnet18",
        "seed": 0,
        "status": "exploratory",
        "statistic": "words",
        "low": 0.1,
        "high": np.inf,
        "value": 0.5,
        "lo": 0.4,
        "hi": 0.6,
        "n": 100,
        "verdict": "holds",
        "where": "notebook 05",
    }
    regime = dict(row, claim="10", lo=np.nan, hi=np.nan, high=1.0, verdict="undecided")
    only = dict(row, claim="2", low=-np.inf, high=0.7)
    other = {
        "model": "densenet121",
        "status": "confirmatory, subset",
        "value": 0.05,
        "verdict": "fails",
        "statistic": "a minus b (these checkpoints)",
    }
    rows = [row, regime, only, dict(row, **other), dict(regime, **other)]
    claims.save_claims(pd.DataFrame(rows)[list(claims.JUDGED)], tmp_path, where="notebook 05")
    table = report.claims_table(tmp_path, where="notebook 05")
    assert list(table[""]) == ["1", "10", "2"]
    assert set(table.sentence) == {"words"}
    assert list(table["holds where"]) == ["above 10%", "10% or more of bootstraps", "at most 70%"]
    first = ["holds, 50.0% (40.0 to 60.0)", "undecided, 50.0%", "holds, 50.0% (40.0 to 60.0)"]
    assert list(table["ResNet-18, seed 0 †"]) == first
    second = ["fails, 5.0% (40.0 to 60.0), these checkpoints", "fails, 5.0%, these checkpoints", ""]
    assert list(table["DenseNet-121, seed 0 ‡"]) == second
