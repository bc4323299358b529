"""What ranks the answers turned wrong, against scikit-learn and plain loops."""

import numpy as np
import pytest
from makers.drifts import constructed_drift, resamples
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score

from visionfail.studies.saliency import claims, drift, turned


def test_errors_are_ranked_as_scikit_learn_ranks_them():
    measured = constructed_drift(effect=0.05)
    clean = measured.predicted[0] == 0
    fields = {
        "drift": measured.overlap,
        "1 - confidence": measured.log_odds,
        "class log-odds": measured.class_log_odds,
    }
    expected = {judge: [] for judge in fields}
    for row in range(2, len(drift.CONDITIONS)):
        wrong = measured.predicted[row][clean] == 1
        for judge, values in fields.items():
            expected[judge].append(roc_auc_score(wrong, -values[row][clean].astype(float)))
    scores = turned.scores_for_turned_answers(measured)
    average = claims.mean_aurocs(turned.auroc_by_version(scores, resamples(400)))
    assert list(average) == list(turned.JUDGES)
    for judge, values in expected.items():
        assert average[judge].exact[0] == pytest.approx(np.mean(values))


@pytest.mark.parametrize("baseline", ["confidence", "class log-odds"])
def test_the_combined_judge_is_a_logistic_regression_of_four_features(baseline):
    measured = constructed_drift(effect=0.1)
    scores = turned.scores_for_turned_answers(measured)
    clean = np.flatnonzero(measured.predicted[0] == 0)
    rows = list(range(2, len(drift.CONDITIONS)))
    first = measured.log_odds if baseline == "confidence" else measured.class_log_odds
    fields = (first, measured.overlap, measured.shift, measured.entropy)
    features = np.stack([field[rows][:, clean].astype(float) for field in fields], axis=-1)
    wrong = measured.predicted[rows][:, clean] == 1  # (versions, images)
    # scikit-learn's estimator and a standardisation by hand, without the image that is judged;
    # leaving one image out or a fifth of them changes little
    for place in range(5):
        others = np.delete(np.arange(len(clean)), place)
        flat = features[:, others].reshape(-1, 4)
        mean = flat.mean(axis=0)
        sd = flat.std(axis=0)
        fitted = LogisticRegression().fit((flat - mean) / sd, wrong[:, others].ravel())
        expected = fitted.predict_proba((features[:, place] - mean) / sd)[:, 1]
        for k, version in enumerate(turned.CORRUPTED):
            probability = scores[version].scores[f"{baseline} and drift"][place]
            assert probability == pytest.approx(expected[k], abs=0.05)


def test_overlap_within_images_is_a_plain_loop_over_them():
    measured = constructed_drift(n=60, effect=0.1)
    clean = measured.predicted[0] == 0
    overlap = measured.overlap[2:].astype(float)
    above = overlap - overlap[:, clean].mean(axis=1, keepdims=True)
    differences = []
    for image in np.flatnonzero(clean):
        wrong = measured.predicted[2:, image] == 1
        if wrong.any() and not wrong.all():
            differences.append(above[~wrong, image].mean() - above[wrong, image].mean())
    estimate = turned.overlap_within_images(measured, resamples(60))
    assert estimate.exact[0] == pytest.approx(np.mean(differences))


def residuals(values, given):
    """What a straight line of `given` leaves of values (n,)."""
    fitted = LinearRegression().fit(given[:, None], values)
    return values - fitted.predict(given[:, None])


def test_a_partial_correlation_is_that_of_what_two_lines_leave():
    measured = constructed_drift(effect=0.1, told=True)
    clean = measured.predicted[0] == 0
    columns = {}
    for name, values in {
        "overlap": measured.overlap[2:],
        "error": measured.predicted[2:],
        "log-odds": measured.class_log_odds[2:],
    }.items():
        of_clean = values[:, clean].astype(float)
        columns[name] = (of_clean - of_clean.mean(axis=1, keepdims=True)).ravel()
    correlations = turned.overlap_and_error(measured, resamples(400))
    plain = np.corrcoef(columns["overlap"], columns["error"])[0, 1]
    assert correlations["nothing"].exact[0] == pytest.approx(plain)
    overlap = residuals(columns["overlap"], columns["log-odds"])
    error = residuals(columns["error"], columns["log-odds"])
    partial = np.corrcoef(overlap, error)[0, 1]
    assert correlations["log-odds"].exact[0] == pytest.approx(partial)
    for estimate in correlations.values():
        value, lo, hi = estimate.interval()
        assert lo < value < hi


def test_overlap_tells_nothing_of_errors_that_the_log_odds_explain():
    """Overlap follows the log-odds, and an answer is wrong where these are low: no line sees it."""
    measured = constructed_drift(2000, seed=3)
    odds = np.random.default_rng(0).normal(0, 3, measured.overlap.shape)
    noise = np.random.default_rng(1).normal(0, 0.05, odds.shape)
    measured.class_log_odds[:] = odds
    measured.overlap[:] = 0.5 + 0.2 * (odds > 0) + noise
    chance = np.random.default_rng(2).random(odds.shape)
    measured.predicted[1:] = (chance > 1 / (1 + np.exp(-6 * odds)))[1:]
    measured.predicted[0] = 0
    correlations = turned.overlap_and_error(measured, resamples(2000))
    nothing, line, logistic = (estimate.exact[0] for estimate in correlations.values())
    assert nothing < -0.5
    assert line < -0.2  # left over though overlap knows nothing more
    assert abs(logistic) < abs(line) / 3
