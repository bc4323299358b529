"""Confidence by class on right and wrong answers, against plain means and planted faults."""

import numpy as np
import pytest

from visionfail.studies.uneven import confidence, groups

GENERATOR = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], 200)
PREDICTED = np.where(GENERATOR.random((3, 600)) < 0.2, (LABELS + 1) % 3, LABELS)
SURE = GENERATOR.uniform(0.4, 1, size=(3, 600))


def counts_for(n, bootstraps=150):
    return groups.group_counts(None, n, bootstraps=bootstraps, generator=np.random.default_rng(1))


def means_of(predicted=PREDICTED, labels=LABELS, sure=SURE, num_classes=3):
    return confidence.class_confidences(
        predicted, labels, sure, counts_for(len(labels)), num_classes=num_classes, above=0.9
    )


def test_measures_are_plain_means_over_their_answers():
    wrong = PREDICTED != LABELS
    table = confidence.confidence_table(means_of(), classes=list("abc"))
    for label, name in enumerate("abc"):
        of_class = label == LABELS
        value = table.loc[table["class"] == name].set_index("measure").value
        inside = SURE[:, of_class]
        missed = wrong[:, of_class]
        assert value["confidence"] == pytest.approx(inside.mean())
        assert value["when right"] == pytest.approx(inside[~missed].mean())
        assert value["when wrong"] == pytest.approx(inside[missed].mean())
        assert value["overconfidence"] == pytest.approx(inside.mean() - (~missed).mean(), abs=1e-6)
        assert value["sure and wrong"] == pytest.approx((missed & (inside > 0.9)).mean())
        assert value["sure when wrong"] == pytest.approx((inside[missed] > 0.9).mean())


def test_a_mean_counts_the_answers_that_it_is_over():
    table = confidence.confidence_table(means_of(), classes=list("abc"))
    counted = table.set_index(["class", "measure"]).answers
    wrong = (PREDICTED != LABELS)[:, LABELS == 0].sum()
    assert counted["a", "confidence"] == 600
    assert counted["a", "when wrong"] == wrong
    assert counted["a", "when right"] == 600 - wrong
    assert ((table.lo <= table.value) & (table.value <= table.hi)).all()


def test_a_seed_without_errors_in_a_class_leaves_those_of_the_others():
    predicted = PREDICTED.copy()
    predicted[0, LABELS == 1] = 1
    wrong = (predicted != LABELS)[:, LABELS == 1]
    value, lo, hi = means_of(predicted)["when wrong"].interval(1)
    assert value == pytest.approx(SURE[:, LABELS == 1][wrong].mean())
    assert lo < value < hi


def test_an_overconfident_class_stands_out():
    sure = np.where(LABELS == 2, 0.95, 0.8) * np.ones((3, 1))
    table = confidence.confidence_table(means_of(sure=sure), classes=list("abc"))
    over = table.loc[table.measure == "overconfidence"].set_index("class")
    assert over.lo["c"] > 0.05
    assert over.hi["a"] < over.lo["c"]
    value, lo, hi = means_of(sure=sure)["overconfidence"].range_over_classes().interval()
    assert value == pytest.approx(0.15, abs=0.06)
    assert 0.05 < lo < hi


def test_classes_that_are_calibrated_alike_differ_by_little():
    value, _, _ = (
        means_of(sure=np.full((3, 600), 0.8))["overconfidence"].range_over_classes().interval()
    )
    assert value < 0.05


@pytest.mark.parametrize(("right", "missing"), [(True, "when wrong"), (False, "when right")])
def test_all_right_or_all_wrong_leaves_one_side_out(right, missing):
    predicted = np.tile(LABELS if right else (LABELS + 1) % 3, (3, 1))
    table = confidence.confidence_table(means_of(predicted), classes=list("abc"))
    by_measure = table.groupby("measure").value.mean()
    assert np.isnan(by_measure[missing])
    assert by_measure["confidence"] == pytest.approx(SURE.mean())


def test_an_absent_class_has_no_values():
    table = confidence.confidence_table(means_of(num_classes=4), classes=list("abcd"))
    absent = table.loc[table["class"] == "d"]
    assert absent.value.isna().all()
    assert (absent.answers == 0).all()


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("sure", [SURE[:, 1:], SURE * 2, np.full_like(SURE, np.nan)])
def test_confidence_of_another_shape_or_scale_is_refused(sure):
    with pytest.raises(ValueError, match="confidence"):
        means_of(sure=sure)


def test_by_answer_a_calibrated_network_is_level_where_by_true_class_it_is_not():
    rng = np.random.default_rng(0)
    n = 200_000
    labels = rng.choice(3, size=n, p=[0.6, 0.3, 0.1])
    evidence = labels + rng.normal(0, 0.8, n)  # of one kind, so that the posterior is known
    likelihood = np.exp(-((evidence[:, None] - np.arange(3)) ** 2) / (2 * 0.64))
    posterior = likelihood * [0.6, 0.3, 0.1]
    posterior /= posterior.sum(axis=1, keepdims=True)
    predicted = posterior.argmax(axis=1)
    confidence_of = posterior.max(axis=1)
    counts = np.ones((5, n), dtype=np.float32)
    by_answer = confidence.overconfidence_by_answer(
        predicted, labels, confidence_of, counts, num_classes=3
    )
    by_truth = confidence.class_confidences(
        predicted, labels, confidence_of, counts, num_classes=3, above=0.9
    )["overconfidence"]
    answered = [by_answer.interval(k)[0] for k in range(3)]
    true = [by_truth.interval(k)[0] for k in range(3)]
    assert np.abs(answered).max() < 0.012
    assert true[2] > 0.1 and true[0] < 0


def test_by_answer_counts_the_answers_that_name_a_class():
    means = confidence.overconfidence_by_answer(
        [0, 0, 1], [0, 1, 1], [0.9, 0.8, 0.5], np.ones((3, 3)), num_classes=3
    )
    assert means.answers[0, 0].tolist() == [2, 1, 0]
    assert means.interval(0)[0] == pytest.approx(0.85 - 0.5)
    assert means.interval(1)[0] == pytest.approx(0.5 - 1)
    assert np.isnan(means.interval(2)[0])
