"""Accuracy by class and its gap, against fairlearn's numbers and by simulation."""

import inspect

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from sklearn.metrics import accuracy_score, recall_score

from visionfail import metrics
from visionfail.studies.uneven import classes, groups

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 1, 0, 2, 3, 1, 2])
PREDICTED = np.array([0, 0, 1, 0, 1, 2, 1, 2, 2, 0, 0, 1, 3, 3, 1, 0, 2, 3, 0, 2])
ACCURACY_OF_2 = 4 / 7


def counts_for(n, bootstraps=200, index=None, seed=0):
    return groups.group_counts(
        index, n, bootstraps=bootstraps, generator=np.random.default_rng(seed)
    )


def sums_of(predicted, labels, num_classes, **keywords):
    counts = counts_for(len(labels), **keywords)
    return classes.class_sums(predicted, labels, counts, num_classes=num_classes)


def draw(accuracies, n, seeds=1, seed=0):
    """Predictions (S, N) and labels, right with a chance by class, else the next class."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(accuracies)), n)
    right = generator.random((seeds, len(labels))) < np.asarray(accuracies)[labels]
    return np.where(right, labels, (labels + 1) % len(accuracies)), labels


def null_of(wrong, labels, index, num_classes, permutations=400, seed=0):
    return classes.exchanged_class_means(
        wrong,
        labels,
        index,
        num_classes=num_classes,
        permutations=permutations,
        generator=np.random.default_rng(seed),
    )


def frame_of(predicted, labels):
    """fairlearn's table of accuracy by class."""
    return MetricFrame(
        metrics=accuracy_score, y_true=labels, y_pred=predicted, sensitive_features=labels
    )


def test_classes_worst_and_gap_are_those_of_fairlearn_as_measured_and_in_resamples():
    predicted, labels = draw([0.95, 0.7, 0.9, 0.85, 0.9], 60, seeds=2)
    index = np.arange(len(labels)) // 3
    counts = counts_for(len(labels), bootstraps=5, index=index)
    sums = classes.class_sums(predicted, labels, counts, num_classes=5)
    gap = sums.observed_gap()
    for seed, answers in enumerate(predicted):
        frame = frame_of(answers, labels)
        assert sums.accuracy[0, seed] == pytest.approx(frame.by_group.to_numpy())
        assert gap.exact[seed] == pytest.approx(frame.difference())
        for row, count in enumerate(counts.astype(int)):
            drawn = np.repeat(np.arange(len(labels)), count)  # whole groups, some of them twice
            frame = frame_of(answers[drawn], labels[drawn])
            assert sums.accuracy[row + 1, seed] == pytest.approx(frame.by_group.to_numpy())
            assert sums.accuracy[row + 1, seed].min() == pytest.approx(frame.group_min())
            assert gap.samples[row, seed] == pytest.approx(frame.difference())


def test_resamples_are_those_of_scikit_learn_on_the_images_drawn():
    counts = counts_for(20, bootstraps=5)
    sums = classes.class_sums(PREDICTED, LABELS, counts, num_classes=4)
    for row, count in enumerate(counts.astype(int)):
        drawn = np.repeat(np.arange(20), count)
        words = {"labels": range(4), "average": None, "zero_division": np.nan}
        expected = recall_score(LABELS[drawn], PREDICTED[drawn], **words)
        assert sums.accuracy[row + 1, 0] == pytest.approx(expected, nan_ok=True)
        assert sums.observed_gap().samples[row, 0] == pytest.approx(np.ptp(expected))


def test_a_class_against_the_rest_weighs_images_not_classes():
    sums = sums_of(PREDICTED, LABELS, 4)
    rest = LABELS != 2
    expected = (PREDICTED == LABELS)[rest].mean() - ACCURACY_OF_2
    assert sums.below_rest(2).exact == pytest.approx([expected])


def test_the_worst_class_of_a_resample_may_be_another_one():
    sums = sums_of(*draw([0.8, 0.8, 0.8], 40), 3)
    worst = sums.accuracy[1:, 0].argmin(axis=1)
    assert set(worst) == {0, 1, 2}
    assert (sums.accuracy[1:, 0].min(axis=1) <= sums.accuracy[1:, 0].T).all()


def test_the_gap_covers_the_truth_where_the_percentile_interval_does_not():
    accuracies = [0.95, 0.96, 0.95, 0.92, 0.95, 0.94, 0.93, 0.94, 0.89, 0.90]
    covered = {"reflected": 0, "observed": 0}
    values = []
    for seed in range(60):
        sums = sums_of(*draw(accuracies, 250, seed=seed), 10, seed=seed)
        value, lo, hi = sums.gap().interval()
        covered["reflected"] += lo <= 0.07 <= hi
        values.append(value)
        _, lo, hi = sums.observed_gap().interval()
        covered["observed"] += lo <= 0.07 <= hi
    assert covered["reflected"] > 0.85 * 60
    assert covered["observed"] < 0.85 * 60
    assert np.mean(values) == pytest.approx(0.07, abs=0.012)


def test_the_worst_class_is_corrected_upward():
    sums = sums_of(*draw([0.9] * 10, 100), 10)
    value, lo, hi = sums.worst().interval()
    assert value > np.nanmin(sums.accuracy[0])
    assert lo < 0.9 < hi


@pytest.mark.parametrize(("right", "accuracy"), [(True, 1), (False, 0)])
def test_all_right_or_all_wrong_has_no_gap_and_an_interval_yet(right, accuracy):
    labels = np.repeat([0, 1, 2], 30)
    predicted = labels if right else (labels + 1) % 3
    sums = sums_of(predicted, labels, 3)
    assert sums.gap().interval() == (0, 0, 0)
    wrong = predicted != labels
    p = classes.class_p_values(wrong, labels, null_of(wrong, labels, None, 3))
    assert p.tolist() == [1, 1, 1]
    ten = np.full(3, 10.0)
    table = classes.class_table(sums, p, ten, ten, classes=["a", "b", "c"])
    assert (table.accuracy == accuracy).all()
    # Wilson's interval over the ten, though no resample differs
    lo, hi = metrics.wilson(10 * accuracy, 10)
    assert table.lo.tolist() == pytest.approx([lo] * 3)
    assert table.hi.tolist() == pytest.approx([hi] * 3)
    assert (table.outcome == classes.UNDECIDED).all()


def test_an_absent_class_is_named_and_takes_no_part():
    predicted, labels = draw([0.9, 0.5], 50)
    sums = sums_of(predicted, labels, 3)
    wrong = predicted != labels
    p = classes.class_p_values(wrong, labels, null_of(wrong, labels, None, 3))
    n = groups.groups_per_class(labels, None, num_classes=3)
    table = classes.class_table(sums, p, n, n, classes=["a", "b", "c"])
    assert np.isnan(p[2])
    assert table["class"].tolist() == ["b", "a", "c"]
    assert table.outcome.iloc[2] == classes.ABSENT
    assert np.isnan(table.accuracy.iloc[2])
    two = sums_of(predicted, labels, 2)
    assert sums.gap().interval() == two.gap().interval()
    assert p[:2] == pytest.approx(
        classes.class_p_values(wrong, labels, null_of(wrong, labels, None, 2))
    )


def test_the_table_says_who_errs_more():
    predicted, labels = draw([0.95, 0.95, 0.6], 200, seeds=3)
    wrong = predicted != labels
    sums = sums_of(predicted, labels, 3)
    p = classes.class_p_values(wrong, labels, null_of(wrong, labels, None, 3))
    n = groups.groups_per_class(labels, None, num_classes=3)
    table = classes.class_table(sums, p, n / 10, n, classes=["a", "b", "c"])
    assert table["class"].iloc[0] == "c"
    outcomes = dict(zip(table["class"], table.outcome, strict=True))
    assert outcomes == {"a": "fewer errors", "b": "fewer errors", "c": "more errors"}
    row = table.iloc[0]
    assert row.naive_hi - row.naive_lo < row.hi - row.lo  # worth a tenth of the images
    assert row.lo <= row.naive_lo and row.naive_hi <= row.hi
    assert row.independent == 200


def test_a_small_p_is_no_outcome_where_seeds_disagree():
    """One of two seeds errs on class 1: drawing seeds anew may draw the other one twice."""
    labels = np.repeat([0, 1, 2], 100)
    predicted = np.stack([labels, np.where(labels == 1, 0, labels)])
    p = np.array([1.0, 0.001, 1.0])
    hundred = np.full(3, 100.0)
    table = classes.class_table(
        sums_of(predicted, labels, 3), p, hundred, hundred, classes=["a", "b", "c"]
    )
    assert table.loc[table["class"] == "b"].outcome.item() == classes.UNDECIDED


def houses(number, seed):
    """Labels (N,) and houses of one to three digits."""
    generator = np.random.default_rng(seed)
    index = np.repeat(np.arange(number), generator.integers(1, 4, size=number))
    return generator.integers(5, size=len(index)), index


def errors_in_houses(labels, index, hard, seed):
    """Errors (2, N) that houses and images share; digit `hard` errs more often."""
    generator = np.random.default_rng(seed)
    score = generator.normal(0, 1.2, size=index.max() + 1)[index] - 3
    score = score + generator.normal(0, 1, size=len(labels)) + 1.6 * (labels == hard)
    return generator.random((2, len(labels))) < 1 / (1 + np.exp(-score))


def p_values_in_houses(hard, times):
    p_values = []
    gaps = []
    for seed in range(times):
        labels, index = houses(400, seed)
        wrong = errors_in_houses(labels, index, hard, seed)
        null = null_of(wrong, labels, index, 5, permutations=200, seed=seed)
        p_values.append(classes.class_p_values(wrong, labels, null))
        gaps.append(classes.gap_at_chance(wrong, labels, null)["p"])
    return np.array(p_values), np.array(gaps)


def test_digits_of_houses_that_are_all_alike_raise_few_alarms():
    p_values, gaps = p_values_in_houses(None, 100)
    assert (p_values.min(axis=1) < 0.05).mean() <= 0.1  # 5% but for chance
    assert (gaps < 0.05).mean() <= 0.1
    assert (gaps < 0.5).mean() == pytest.approx(0.5, abs=0.17)


def test_a_hard_digit_is_found():
    p_values, gaps = p_values_in_houses(3, 20)
    assert (p_values[:, 3] < 0.05).mean() > 0.8
    assert (gaps < 0.05).mean() > 0.8


def signs(hard, seed, frames=30):
    """Predictions (2, N), labels, signs: most signs are right in all frames or wrong in most."""
    generator = np.random.default_rng(seed)
    of_class = np.array([3, 8, 12, 2, 9, 6])
    label_of_sign = np.repeat(np.arange(6), of_class)
    score = generator.normal(-4, 3, size=40) + 7 * (label_of_sign == hard)
    index = np.repeat(np.arange(40), frames)
    labels = label_of_sign[index]
    chance = 1 / (1 + np.exp(-score[index] - generator.normal(size=len(index))))
    wrong = generator.random((2, len(index))) < chance
    return np.where(wrong, (labels + 1) % 6, labels), labels, index


def alarms_of_signs(kind, hard, times):
    """Class p values (times, 6), the signs being known, taken at their worst, or ignored."""
    p_values = []
    for seed in range(times):
        predicted, labels, index = signs(hard, seed)
        if kind == "worst case":
            index = groups.worst_case_groups(predicted, labels, frames=30)
        elif kind == "ignored":
            index = None
        wrong = predicted != labels
        null = null_of(wrong, labels, index, 6, permutations=240, seed=seed)
        p_values.append(classes.class_p_values(wrong, labels, null))
    return np.array(p_values)


@pytest.mark.parametrize("kind", ["known", "worst case"])
def test_signs_that_are_all_alike_raise_few_alarms(kind):
    assert (alarms_of_signs(kind, None, 60).min(axis=1) < 0.05).mean() <= 0.12


def test_frames_taken_as_independent_raise_alarms():
    assert (alarms_of_signs("ignored", None, 20).min(axis=1) < 0.05).mean() > 0.8


def test_a_hard_sign_is_found_though_its_frames_are_unknown():
    assert (alarms_of_signs("worst case", 2, 20)[:, 2] < 0.05).mean() > 0.8


def test_a_group_moves_with_all_of_its_errors():
    """Two digits a house: class 0 always left, class 1 right; only left ones are wrong."""
    labels = np.tile([0, 1], 50)
    index = np.repeat(np.arange(50), 2)
    wrong = np.tile([True, False], 50)
    null = null_of(wrong, labels, index, 2)
    assert (null[:, 0] == [1, 0]).all()  # its place goes with an error, so nothing is shown
    by_image = null_of(wrong, labels, None, 2)
    assert classes.class_p_values(wrong, labels, by_image)[0] < 0.05


def test_p_values_are_those_of_scipy():
    """One class of two, each image a group: the permutation test of two means."""
    from scipy import stats

    named = inspect.signature(stats.permutation_test).parameters
    rng = "rng" if "rng" in named else "random_state"  # before scipy 1.15
    predicted, labels = draw([0.9, 0.7], 30, seed=4)
    wrong = predicted != labels
    null = null_of(wrong, labels, None, 2, permutations=4000)
    rates = np.array([wrong[0, labels == k].mean() for k in (0, 1)])
    p = classes.two_sided_p(rates, null.mean(axis=1))
    expected = stats.permutation_test(
        (wrong[0, labels == 0], wrong[0, labels == 1]),
        lambda a, b: a.mean() - b.mean(),
        n_resamples=4000,
        **{rng: np.random.default_rng(1)},
    )
    assert p == pytest.approx([expected.pvalue] * 2, abs=0.02)


@pytest.mark.fault("too few data")
def test_too_few_permutations_are_refused():
    predicted, labels = draw([0.9, 0.7], 30)
    wrong = predicted != labels
    with pytest.raises(ValueError, match="79 permutations"):
        classes.class_p_values(wrong, labels, null_of(wrong, labels, None, 2, permutations=79))


def test_the_gap_at_chance_says_how_large_chance_makes_it():
    predicted, labels = draw([0.9] * 10, 50, seeds=2)
    wrong = predicted != labels
    chance = classes.gap_at_chance(wrong, labels, null_of(wrong, labels, None, 10))
    assert chance["chance"] > 0.08
    assert chance["chance"] < chance["high"]
    assert chance["p"] > 0.05


def test_tables_hold_no_more_than_they_say():
    predicted, labels = draw([0.9, 0.7], 30)
    wrong = predicted != labels
    n = np.array([30, 30])
    p = classes.class_p_values(wrong, labels, null_of(wrong, labels, None, 2))
    table = classes.class_table(sums_of(predicted, labels, 2), p, n, n, classes=["a", "b"])
    assert isinstance(table, pd.DataFrame)
    assert set(table.columns) == {
        *("class", "n", "independent", "accuracy", "lo", "hi", "naive_lo", "naive_hi"),
        *("below_rest", "rest_lo", "rest_hi", "p_holm", "outcome"),
    }


def test_a_range_of_confidence_is_told_from_chance():
    """Values need not be errors: confidence minus right answers, of one class too high."""
    predicted, labels = draw([0.8, 0.8, 0.8], 100)
    right = predicted == labels
    p_values = []
    for sure in (np.full(300, 0.8), np.where(labels == 2, 0.99, 0.8)):
        values = sure - right
        null = null_of(values, labels, None, 3)
        p_values.append(classes.gap_at_chance(values, labels, null)["p"])
    assert p_values[0] > 0.05
    assert p_values[1] < 0.05


@pytest.mark.fault("bad arguments")
def test_values_that_are_not_finite_or_of_another_length_are_refused():
    labels = np.repeat([0, 1], 5)
    with pytest.raises(ValueError, match="finite"):
        null_of(np.full(10, np.nan), labels, None, 2)
    with pytest.raises(ValueError, match="labels have shape"):
        null_of(np.ones(9), labels, None, 2)


def test_a_difference_between_classes_named_beforehand():
    sums = sums_of(*draw([0.95, 0.9, 0.7, 0.6], 300, seeds=2), 4)
    difference = sums.between([0, 1], [2, 3])
    accuracy = sums.accuracy[0]
    assert difference.exact == pytest.approx(
        accuracy[:, :2].mean(axis=1) - accuracy[:, 2:].mean(axis=1)
    )
    _, lo, hi = difference.interval()
    assert lo < 0.275 < hi
    assert lo > 0.15
