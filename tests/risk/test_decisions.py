"""What a threshold does, on pictures whose scores are written down."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from visionfail import metrics
from visionfail.risk import decisions
from visionfail.risk.calibration import Calibration, brier, fit_calibration
from visionfail.risk.decisions import Scored

# two frames of unsafe sign 0, one of unsafe 1, two of safe 2, one of safe 3
SCORED = Scored(
    np.array([0.9, 0.2, 0.8, 0.6, 0.1, 0.3]),
    np.array([1, 1, 1, 0, 0, 0]),
    np.array([0, 0, 1, 2, 2, 3]),
)


def many(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(int)
    logits = 2 * (2 * labels - 1) + rng.normal(0, 1.5, n)
    return Scored(1 / (1 + np.exp(-logits)), labels, np.arange(n))


def test_rates_are_means_over_groups():
    rate = decisions.rates(SCORED, 0.5, SCORED.counts(bootstraps=20))
    assert rate["missed"].exact[0] == pytest.approx(0.25)  # half of sign 0, none of sign 1
    assert rate["alarmed"].exact[0] == pytest.approx(0.25)


@pytest.mark.fault("too few data")
def test_one_class_alone_has_no_rates():
    alone = Scored(np.array([0.9, 0.1]), np.array([1, 1]), np.array([0, 1]))
    with pytest.raises(ValueError, match="all of one class"):
        decisions.rates(alone, 0.5, alone.counts(bootstraps=5))


def test_what_rates_mean_at_work():
    at_work = decisions.at_work(0.25, 0.3, prevalence=0.1, cost_ratio=20)
    passed = 0.1 * 0.25 + 0.9 * 0.7
    assert at_work["coverage"] == pytest.approx(passed)
    assert at_work["residual risk"] == pytest.approx(0.025 / passed)
    assert at_work["cost"] == pytest.approx(0.1 * 20 * 0.25 + 0.9 * 0.3)


def test_none_of_ten_missed_is_not_none_at_all():
    labels = np.repeat([1, 0], 10)
    scored = Scored(labels.astype(float), labels, np.arange(20))
    table = decisions.rates_table(scored, 0.5, prevalence=0.1, cost_ratio=5).set_index("quantity")
    assert table.value["missed"] == table.lo["missed"] == 0
    assert table.hi["missed"] == pytest.approx(metrics.wilson(0, 10)[1])
    hi = table.hi["missed"]
    worst = 0.1 * hi / (0.1 * hi + 0.9 * (1 - table.hi["alarmed"]))
    assert table.hi["residual risk"] == pytest.approx(worst)
    band = decisions.review_band(scored, 0.2, 0.8, scored.counts(), prevalence=0.1)
    assert band["unsafe hi"].iloc[0] > 0.02


def test_the_table_counts_groups_and_its_intervals_hold_the_values():
    table = decisions.rates_table(many(), 0.5, prevalence=0.3, cost_ratio=5).set_index("quantity")
    unsafe = many().labels.sum()
    assert (table.n["missed"], table.n["alarmed"]) == (unsafe, 3000 - unsafe)
    assert (table.lo < table.value).all() and (table.value < table.hi).all()


def test_measures_are_scikit_learns():
    scored = many()
    found = decisions.picture_measures(scored, 0.4)
    flagged = scored.score >= 0.4
    assert found["precision"] == pytest.approx(
        sklearn_metrics.precision_score(scored.labels, flagged)
    )
    assert found["recall"] == pytest.approx(sklearn_metrics.recall_score(scored.labels, flagged))
    assert found["F1"] == pytest.approx(sklearn_metrics.f1_score(scored.labels, flagged))
    assert found["accuracy"] == pytest.approx((flagged == scored.labels).mean())
    assert found["specificity"] == pytest.approx(
        sklearn_metrics.recall_score(1 - scored.labels, ~flagged)
    )


def test_undefined_measures_are_nan_and_no_warning():
    scored = Scored(np.array([0.1, 0.2]), np.array([0, 1]), np.array([0, 1]))
    found = decisions.picture_measures(scored, 0.5)
    assert np.isnan(found["precision"]) and found["recall"] == 0


def test_the_words_name_both_errors_and_what_they_cost():
    table = decisions.rates_table(many(), 0.5, prevalence=0.01, cost_ratio=25)
    words = decisions.in_words(0.5, table, cost_ratio=25, prevalence=0.01)
    assert "as much as 25 false alarms" in words and "n = " in words and "1.0% are unsafe" in words


def test_the_parts_of_a_review_band_are_all_pictures():
    scored = many()
    band = decisions.review_band(scored, 0.2, 0.8, scored.counts(), prevalence=0.3)
    assert band.part.tolist() == ["passed", "to people", "refused"]
    assert band.share.sum() == pytest.approx(1)
    assert (band.share * band.unsafe).sum() == pytest.approx(0.3)
    assert band.unsafe.is_monotonic_increasing
    with pytest.raises(ValueError, match="lower end first"):
        decisions.review_band(scored, 0.8, 0.2, scored.counts(), prevalence=0.3)


def test_calibration_takes_back_slope_and_offset():
    rng = np.random.default_rng(0)
    truth = rng.beta(0.8, 1.5, 60_000)
    labels = (rng.random(60_000) < truth).astype(int)
    log_odds = np.log(truth / (1 - truth))
    score = 1 / (1 + np.exp(-(2 * log_odds + 1)))  # too sure, and moved
    found = fit_calibration(score, labels)
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.offset == pytest.approx(-0.5, abs=0.03)
    assert np.abs(found.probability(score) - truth).max() < 0.02
    assert found.score_at(found.probability(score)) == pytest.approx(score, abs=1e-9)
    assert brier(found.probability(score), labels) == pytest.approx(
        sklearn_metrics.brier_score_loss(labels, found.probability(score))
    )


@pytest.mark.fault("bad arguments")
def test_a_score_that_falls_with_being_unsafe_is_refused():
    with pytest.raises(ValueError, match="folders are swapped"):
        fit_calibration(np.array([0.9, 0.8, 0.2, 0.1]), np.array([0, 0, 1, 1]))


def test_scores_of_0_and_1_stay_finite():
    assert np.isfinite(Calibration(0.5, 0.1).probability([0.0, 1.0])).all()


def test_a_group_with_pictures_of_both_classes_counts_for_each():
    labels = np.concatenate([np.tile([1] * 3 + [0] * 7, 40), np.ones(40)]).astype(int)
    groups = np.concatenate([np.repeat(np.arange(40), 10), 100 + np.arange(40)])
    score = np.where(np.arange(440) < 400, 0.1, 0.9)  # shops' pictures pass, the others are found
    scored = Scored(score, labels, groups)
    table = decisions.rates_table(scored, 0.5, prevalence=0.1, cost_ratio=5).set_index("quantity")
    assert table.value["missed"] == pytest.approx(0.5) and table.n["missed"] == 80
    assert table.value["alarmed"] == 0 and table.n["alarmed"] == 40
    counts = scored.counts(bootstraps=50)
    assert counts.shape == (50, 120) and (counts.sum(axis=1) > 0).all()
    of_shop = scored.unsafe().nonzero()[0][:40], (~scored.unsafe()).nonzero()[0]
    assert (counts[:, of_shop[0]] == counts[:, of_shop[1]]).all()  # a shop is drawn whole


def test_what_a_threshold_costs_more_is_paired():
    scored = many()
    value, lo, hi = decisions.extra_cost(scored, 0.1, 0.5, prevalence=0.05, cost_ratio=10)
    costs = {}
    for threshold in (0.1, 0.5):
        table = decisions.rates_table(scored, threshold, prevalence=0.05, cost_ratio=10)
        costs[threshold] = table.set_index("quantity").value["cost"]
    assert value == pytest.approx(costs[0.1] - costs[0.5]) and lo < value < hi
    same = decisions.extra_cost(scored, 0.5, 0.5, prevalence=0.05, cost_ratio=10)
    assert same == (0, 0, 0)


def test_the_surest_error_of_each_group_comes_first():
    score = np.array([0.1, 0.3, 0.2, 0.9, 0.8, 0.95, 0.6, 0.1])
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    groups = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    missed, alarms = decisions.surest_errors(decisions.Scored(score, labels, groups), 0.5)
    assert missed.tolist() == [0, 2] and alarms.tolist() == [5, 6]
