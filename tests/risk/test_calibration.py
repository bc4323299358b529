"""Calibration over groups, and heads together."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from visionfail import metrics
from visionfail.risk.calibration import calibration_bins, fit_calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored
from visionfail.risk.heads import heads_table


def drawn(groups, frames, *, seed, noise=1.5, shift=0.0):
    """Frames of signs, alike within a sign."""
    rng = np.random.default_rng(seed)
    labels = np.arange(groups) % 2
    log_odds = 2 * (2 * labels - 1) + rng.normal(0, noise, groups) + shift
    score = np.repeat(1 / (1 + np.exp(-log_odds)), frames)
    return Scored(score, np.repeat(labels, frames), np.repeat(np.arange(groups), frames))


def test_frames_of_one_sign_do_not_narrow_the_bars():
    widths = {}
    for frames in (1, 30):
        scored = drawn(80, frames, seed=0)
        table, (value, lo, hi) = calibration_bins(scored, scored.score)
        confidence = np.maximum(scored.score, 1 - scored.score)
        right = (scored.score >= 0.5) == (scored.labels == 1)
        assert value == metrics.ece(confidence, right)
        filled = table["n"] > 0
        assert (table["lo"][filled] <= table["accuracy"][filled]).all()
        assert (table["hi"][filled] >= table["accuracy"][filled]).all()
        assert np.isnan(table["lo"][~filled]).all()
        widths[frames] = [hi - lo, *(table["hi"] - table["lo"])[filled]]
    assert widths[1] == pytest.approx(widths[30])


def test_the_interval_of_the_ece_covers_what_many_pictures_have():
    many = drawn(100_000, 1, seed=99)
    truth = calibration_bins(many, many.score)[1][0]
    covered = 0
    for seed in range(60):
        scored = drawn(300, 1, seed=seed)
        _, (_, lo, hi) = calibration_bins(scored, scored.score)
        covered += lo <= truth <= hi
    assert covered >= stats.binom.ppf(0.01, 60, 0.95)


def test_a_few_pictures_all_in_order_give_no_certainty():
    score = np.concatenate([np.linspace(0.01, 0.2, 10), np.linspace(0.8, 0.99, 10)])
    labels = np.repeat([0, 1], 10)
    fitted = fit_calibration(score, labels)
    middle = fitted.probability(np.array([0.1, 0.9]))
    assert middle == pytest.approx([1 / 12, 11 / 12], abs=0.03)  # Platt's targets for ten
    assert fitted.offset == pytest.approx(0, abs=1e-2)


def test_with_many_pictures_it_is_a_logistic_regression():
    many = drawn(50_000, 1, seed=5, shift=1.0)
    fitted = fit_calibration(many.score, many.labels)
    log_odds = np.log(many.score / (1 - many.score))[:, None]
    plain = LogisticRegression(C=1e4).fit(log_odds, many.labels)
    assert fitted.slope == pytest.approx(plain.coef_[0, 0], rel=0.01)
    assert fitted.offset == pytest.approx(plain.intercept_[0], abs=0.01)


def test_heads_together_are_compared_with_one_at_thresholds_of_their_own():
    config = RiskConfig()
    validation = [drawn(200, 1, seed=k) for k in range(3)]
    test = [drawn(300, 1, seed=10 + k) for k in range(3)]
    table = heads_table(validation, test, config).set_index("classifier")
    one, both = table.loc["one head"], table.loc["3 heads together"]
    assert both.auroc > one.auroc and both.alarmed < one.alarmed  # independent noise averages out
    gained = table.loc["together minus one"]
    assert gained.alarmed == pytest.approx(both.alarmed - one.alarmed)
    assert gained["alarmed hi"] < 0
    same = heads_table(validation[:1] * 3, test[:1] * 3, config).set_index("classifier")
    differences = same.loc["together minus one", ["auroc", "missed", "alarmed"]]
    assert differences.to_list() == pytest.approx([0, 0, 0])
