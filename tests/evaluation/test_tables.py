import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from makers import planted_sweep, random_outcomes, squares
from statsmodels.stats.contingency_tables import mcnemar

from visionfail import metrics, paths, results
from visionfail.corruptions.apply import CORRUPTIONS
from visionfail.evaluation import paired, tables
from visionfail.evaluation.outcomes import FIELDS, Outcomes
from visionfail.evaluation.published import (
    STANDARD_TRAINING,
    beside_published,
    gaps_by_severity,
    gaps_to_published,
    published_by_severity,
)
from visionfail.metrics import corruption_error
from visionfail.metrics.paired import disagreement, disagreements

PUBLISHED = pd.read_csv(paths.RESULTS / "published_cifar10c.csv")


def table_of(answers, **changes):
    arguments = {
        "model": "resnet18",
        "seed": 0,
        "bootstraps": 50,
        "generator": np.random.default_rng(0),
    }
    arguments.update(changes)
    return pd.DataFrame(tables.sweep_rows(answers, PUBLISHED, **arguments))


def test_rows_are_what_the_logits_say():
    answers, logits, labels = random_outcomes()
    table = table_of(answers).set_index(["condition", "severity", "metric"]).value
    for row, (name, severity) in enumerate(answers.conditions):
        probabilities = logits[row].double().softmax(1)
        right = (probabilities.argmax(1) == labels).double().mean().item()
        assert table[(name, severity, "accuracy")] == pytest.approx(right)
        nll = torch.nn.functional.cross_entropy(logits[row].double(), labels).item()
        # stored in half precision
        assert table[(name, severity, "nll")] == pytest.approx(nll, rel=2e-3)
        confidence = probabilities.amax(1).mean().item()
        assert table[(name, severity, "confidence")] == pytest.approx(confidence, rel=2e-3)
        drop = table[("clean", 0, "accuracy")] - right
        assert table[(name, severity, "drop")] == pytest.approx(drop)


def test_means_are_the_published_formulas():
    answers, _, _ = random_outcomes()
    table = table_of(answers)
    means = table[table.severity.isna()].set_index(["condition", "metric"])
    cells = table[(table.metric == "accuracy") & table.severity.notna()]
    accuracy = cells.set_index(["condition", "severity"]).value
    rows = PUBLISHED[PUBLISHED.model == tables.BASELINE]
    baseline = rows.set_index(["corruption", "severity"]).accuracy
    clean = accuracy[("clean", 0)]
    baseline_clean = 0.9478
    without_frost = [name for name in CORRUPTIONS if name != "frost"]
    for label, names in (("15", CORRUPTIONS), ("14 without frost", without_frost)):
        all_ours = []
        ratios = []
        relative = []
        for name in names:
            ours = [accuracy[(name, s)] for s in range(1, 6)]
            theirs = [baseline[(name, s)] for s in range(1, 6)]
            all_ours += ours
            ratios.append(sum(1 - a for a in ours) / sum(1 - a for a in theirs))
            relative.append(sum(clean - a for a in ours) / sum(baseline_clean - a for a in theirs))
        expected = {"accuracy": all_ours, "mce": ratios, "relative_mce": relative}
        for metric, values in expected.items():
            mean = means.loc[(f"mean of {label}", metric)].value
            assert mean == pytest.approx(np.mean(values))
    assert (means.lo <= means.value).all() and (means.value <= means.hi).all()


def test_interval_of_a_mean_is_as_wide_as_images_resampled_whole_make_it():
    # every condition repeats the clean answers: 75 conditions then tell no more than one, and the
    # interval must say so
    answers, _, _ = random_outcomes(n=400)
    same = {field: np.repeat(getattr(answers, field)[:1], 96, axis=0) for field in FIELDS}
    answers = dataclasses.replace(answers, **same)
    table = table_of(answers, bootstraps=2000)
    mean = table[(table.condition == "mean of 15") & (table.metric == "accuracy")].iloc[0]
    p = answers.correct[0].mean()
    assert mean.hi - mean.lo == pytest.approx(2 * 1.96 * np.sqrt(p * (1 - p) / 400), rel=0.1)


def test_no_mce_without_all_five_severities():
    answers, _, _ = random_outcomes(severities=(1, 3, 5))
    assert set(table_of(answers).metric) == {
        "accuracy",
        "drop",
        "confidence",
        "ece",
        "ece_scaled",
        "nll",
    }


def test_mean_carries_the_weakest_origin():
    assert tables.weakest_origin(("official", "identical", "regenerated")) == "regenerated"
    assert tables.weakest_origin(("official", "standin", "identical")) == "standin"


def test_gaps_are_told_apart_by_where_the_images_come_from():
    answers, _, _ = random_outcomes()
    names = [name for name, _ in answers.conditions]
    same = ("contrast", "brightness")  # published to the byte
    origins = tuple("identical" if name in same else "regenerated" for name in names)
    answers = dataclasses.replace(answers, origins=origins)
    table = table_of(answers)
    accuracy = table[(table.metric == "accuracy") & table.severity.notna()]
    generator = np.random.default_rng(0)
    compared = beside_published(accuracy, answers, PUBLISHED, bootstraps=50, generator=generator)
    gaps = gaps_to_published(compared, model="resnet18", margin=0.0).set_index("corruption")
    published = PUBLISHED[
        PUBLISHED.model.isin(STANDARD_TRAINING) & (PUBLISHED.corruption == "contrast")
    ]
    span = published.groupby("model").accuracy.mean()
    assert gaps.loc["contrast", "published low"] == pytest.approx(span.min())
    assert gaps.loc["contrast", "published high"] == pytest.approx(span.max())
    ours = accuracy[accuracy.condition == "contrast"].value.mean()
    assert gaps.loc["contrast", "gap"] == pytest.approx(
        max(ours - span.max(), 0) + min(ours - span.min(), 0)
    )
    others = ("frost texture ours", "unexplained: network and generator differ")
    for name, row in gaps[gaps.gap != 0].iterrows():
        if name in same:
            assert row.reading == "same images: the network's"
        else:
            assert row.reading in others
    wide = gaps_to_published(compared, model="resnet18", margin=1.0)
    assert (wide.reading == "within the margin").all()


def test_cells_stand_beside_the_published_ones_at_the_same_severities():
    answers, _, _ = random_outcomes()
    table = table_of(answers)
    accuracy = table[(table.metric == "accuracy") & table.severity.notna()]
    rows = published_by_severity(accuracy, PUBLISHED)
    assert set(rows.model) == {"resnet18", *STANDARD_TRAINING} and len(rows) == 3 * 75 + 2
    gaps = gaps_by_severity(rows, model="resnet18")
    assert gaps.shape == (15, 5)
    for name, severity in [("contrast", 5), ("fog", 1), ("frost", 3)]:
        ours = accuracy[(accuracy.condition == name) & (accuracy.severity == severity)].value.item()
        theirs = [
            tables.published_accuracies(PUBLISHED, m)[name][severity - 1] for m in STANDARD_TRAINING
        ]
        gap = ours - np.clip(ours, min(theirs), max(theirs))
        assert gaps.loc[name, severity] == pytest.approx(gap)
    two_severities = published_by_severity(accuracy[accuracy.severity.isin([0, 3])], PUBLISHED)
    assert set(two_severities.severity) == {0, 3}


def test_overview_reads_stored_sweeps(tmp_path):
    answers, _, _ = random_outcomes()
    answers.save(tmp_path / "cifar10c-resnet18-standard-s0.npz")
    table = tables.stored_overview(tmp_path, bootstraps=50)
    assert table.model.tolist() == ["resnet18-standard-s0"] and table.n.tolist() == [60]
    clean = answers.correct[0].mean()
    assert table["clean accuracy"][0].startswith(f"{100 * clean:.1f}% (")
    assert tables.stored_overview(tmp_path / "empty").empty


@pytest.mark.parametrize("run", sorted(p.stem for p in paths.RESULTS.glob("cifar10c-*.npz")))
def test_committed_table_is_recomputed_from_the_committed_answers(run):
    committed, meta = results.load_run(run, folder=paths.RESULTS)
    answers = Outcomes.load(paths.RESULTS / f"{run}.npz")
    again = table_of(
        answers, seed=int(committed.seed.iloc[0]), bootstraps=meta["config"]["bootstraps"]
    )
    assert len(again) == len(committed)
    for column in ("value", "lo", "hi"):
        np.testing.assert_allclose(again[column], committed[column], rtol=1e-4, atol=1e-6)
    assert again.condition.tolist() == committed.condition.tolist()


def test_paired_differences_are_those_of_the_same_images():
    answers, _, _ = random_outcomes()
    a = dataclasses.replace(answers, made={"images": "x"})
    flipped = a.predicted.copy()
    flipped[5, :20] = (a.labels[:20] + 1) % 10  # wrong on twenty more images of one condition
    b = dataclasses.replace(a, predicted=flipped)
    table = paired.paired_by_condition(a, b, bootstraps=300, generator=np.random.default_rng(0))
    lost = a.correct[5, :20].sum()
    others = table.drop(5)
    assert table.difference[5] == pytest.approx(lost / 60) and (others.difference == 0).all()
    assert table.lo[5] <= table.difference[5] <= table.hi[5]
    assert (others[["lo", "hi"]] == 0).all(axis=None)
    assert table.p[5] == pytest.approx(0.5 ** (lost - 1)) and (others.p == 1).all()
    assert table.p_holm[5] == pytest.approx(min(1, 96 * table.p[5])) and (table.n == 60).all()
    with pytest.raises(ValueError, match="same"):
        paired.paired_by_condition(
            a, dataclasses.replace(b, made={"images": "y"}), bootstraps=2, generator=None
        )


def test_drops_are_the_accuracy_that_is_gone():
    answers, _, _ = random_outcomes(n=300)
    table = paired.accuracy_drops(answers, bootstraps=300, generator=np.random.default_rng(0))
    accuracy = dict(zip(answers.conditions, answers.correct.mean(axis=1), strict=True))
    for row in table.itertuples():
        lost = [accuracy[("clean", 0)] - accuracy[(row.corruption, s)] for s in range(1, 6)]
        assert row.highest == pytest.approx(lost[-1]) and row.mean == pytest.approx(np.mean(lost))
    assert len(table) == 19 and (table.n == 300).all() and table.highest.is_monotonic_decreasing
    assert ((table["highest lo"] < table.highest) & (table.highest < table["highest hi"])).all()


def test_drops_of_two_networks_are_compared_on_the_same_images():
    a, b = (planted_sweep(accuracy, 0) for accuracy in (0.6, 0.8))  # b is right where a is
    draws = np.random.default_rng
    table = paired.paired_drops(a, b, bootstraps=300, generator=draws(0))
    single = [
        paired.accuracy_drops(each, bootstraps=2, generator=np.random.default_rng(0))
        for each in (a, b)
    ]
    drops = [each.set_index("corruption")["mean"] for each in single]
    assert table.a.to_numpy() == pytest.approx(drops[0][table.corruption].to_numpy())
    assert table.b.to_numpy() == pytest.approx(drops[1][table.corruption].to_numpy())
    assert table.difference.to_numpy() == pytest.approx((table.a - table.b).to_numpy())
    assert ((table.lo < table.difference) & (table.difference < table.hi)).all()
    assert len(table) == 19 and table.difference.is_monotonic_decreasing
    itself = paired.paired_drops(a, a, bootstraps=20, generator=draws(0))
    assert (itself[["difference", "lo", "hi"]] == 0).all(axis=None)
    other = dataclasses.replace(b, made={"images": "y"})
    with pytest.raises(ValueError, match="same"):
        paired.paired_drops(a, other, bootstraps=2, generator=draws(0))


def test_stored_sweeps_are_read_with_their_rows(tmp_path):
    answers, _, _ = random_outcomes(severities=(1, 3, 5))
    answers.save(tmp_path / "cifar10c-resnet18-standard-s1.npz")
    rows = tables.sweep_rows(
        answers,
        PUBLISHED,
        model="resnet18",
        seed=1,
        bootstraps=20,
        generator=np.random.default_rng(0),
    )
    results.save_run(
        "cifar10c-resnet18-standard-s1",
        rows,
        folder=tmp_path,
        config={"origin": "regenerated"},
        seconds=0,
        data_checksums={},
        device="cpu",
    )
    table, sweeps = tables.stored_sweeps(tmp_path)
    assert list(sweeps) == [("resnet18", 1)] and len(table) == len(rows)
    assert (sweeps["resnet18", 1].correct == answers.correct).all()
    with pytest.raises(ValueError, match="no sweep"):
        tables.stored_sweeps(tmp_path / "elsewhere")


def test_confident_errors_are_counted_by_condition():
    answers, logits, labels = random_outcomes()
    table = tables.confident_errors(answers, above=0.9)
    for row in (0, 5, 40):
        top, predicted = torch.softmax(logits[row].double(), 1).max(1)
        sure = ((predicted != labels) & (top > 0.9)).sum().item()
        assert abs(table.sure[row] - sure) <= 1  # half precision may move one over the line
        assert table.wrong[row] == (predicted != labels).sum().item()
    with_errors = table[table.wrong > 0]
    assert (with_errors.share == with_errors.sure / with_errors.wrong).all() and (
        with_errors.lo <= with_errors.share
    ).all()
    right = dataclasses.replace(answers, predicted=np.tile(answers.labels, (96, 1)))
    assert tables.confident_errors(right, above=0.9)[["share", "lo", "hi"]].isna().all(axis=None)


@pytest.mark.parametrize("right", [True, False])
def test_a_mean_of_answers_all_alike_has_the_end_of_wilson(right):
    answers, _, _ = random_outcomes(n=8)
    given = answers.labels if right else (answers.labels + 1) % 10
    alike = dataclasses.replace(answers, predicted=np.tile(given, (96, 1)))
    generator = np.random.default_rng(0)
    means = pd.DataFrame(tables.mean_rows(alike, None, None, bootstraps=50, generator=generator))
    lo, hi = metrics.wilson(8 * right, 8)
    assert means.value.tolist() == [right] * 2 and 0.3 < hi - lo < 0.4
    assert means.lo.tolist() == [lo] * 2 and means.hi.tolist() == [hi] * 2


@pytest.mark.fault("missing files and data")
def test_published_model_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="WRN-99"):
        tables.published_accuracies(PUBLISHED, "WRN-99")
    assert corruption_error.mean_corruption_accuracy(
        tables.published_accuracies(PUBLISHED, "WRN-28-10 standard"), CORRUPTIONS
    ) == pytest.approx(0.7346, abs=1e-4)  # robustbench's own figure, published.csv


def test_clean_rows_count_each_class():
    test = squares(50, seed=3)
    predicted = test.labels.numpy().copy()
    predicted[:5] = (predicted[:5] + 1) % 10
    rows = tables.clean_rows(predicted, test, model="resnet18", seed=0)
    table = pd.DataFrame(rows).set_index("condition")
    assert table.loc["clean", "value"] == 0.9 and table.loc["clean", "n"] == 50 and len(table) == 11
    for k, name in enumerate(test.classes):
        of_class = test.labels.numpy() == k
        assert table.loc[name, "value"] == pytest.approx((predicted[of_class] == k).mean())
        assert table.loc[name, "n"] == of_class.sum()


def test_disagreement_counts_both_ways_and_agrees_with_mcnemar():
    rng = np.random.default_rng(0)
    a = rng.random(500) < 0.9
    b = rng.random(500) < 0.8
    counts = disagreement(a, b, bootstraps=500, generator=rng)
    cells = ("both right", "only a", "only b", "neither")
    assert sum(counts[cell] for cell in cells) == counts["n"] == 500
    assert counts["only a"] == (a & ~b).sum()
    assert counts["difference"] == pytest.approx(a.mean() - b.mean())
    table = [[counts["both right"], counts["only a"]], [counts["only b"], counts["neither"]]]
    assert counts["p"] == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert counts["lo"] < counts["difference"] < counts["hi"]


def test_every_two_networks_are_compared_once():
    rng = np.random.default_rng(0)
    right = {
        name: rng.random(300) < share for name, share in {"x": 0.9, "y": 0.8, "z": 0.7}.items()
    }
    table = disagreements(right, bootstraps=200)
    assert list(zip(table.a, table.b, strict=True)) == [("x", "y"), ("x", "z"), ("y", "z")]
    assert list(table.apart) == [
        (right[a] != right[b]).sum() for a, b in zip(table.a, table.b, strict=True)
    ]
    wrong_x, wrong_y = 1 - right["x"].mean(), 1 - right["y"].mean()
    expected = wrong_x + wrong_y - 2 * wrong_x * wrong_y  # of independent mistakes
    assert table.kappa[0] == pytest.approx(1 - table.apart[0] / 300 / expected)
    assert table.difference[1] == pytest.approx(right["x"].mean() - right["z"].mean()) and set(
        table.n
    ) == {300}


def test_runs_of_resnet18_come_first(tmp_path):
    names = [
        f"cifar10c-{network}"
        for network in ("densenet121-standard-s0", "resnet18-standard-s1", "vit-tiny-s0")
    ]
    runs = tables.in_network_order([tmp_path / f"{name}.csv" for name in names])
    assert runs == [names[1], names[0], names[2]]


def test_rows_of_the_former_texture_of_frost_say_so():
    """In the settings beside the table: its rows have the origin that those of today's have."""
    _, sweeps = tables.stored_sweeps(paths.RESULTS)
    former = []
    for (arch, seed), outcomes in sweeps.items():
        _, made = results.load_run(f"cifar10c-{arch}-standard-s{seed}", folder=paths.RESULTS)
        told = made["config"].get("frost")  # runs before the texture was changed have none
        assert told in (None, tables.frost_of(outcomes))
        former.append(tables.frost_of(outcomes) == "our former texture" and told is None)
    assert sweeps and not any(former)
