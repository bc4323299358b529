import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from visionfail.metrics import failure, intervals


def sample(n=2000, seed=0, levels=None, knowledge=1.0):
    """Scores that know something about failure; in few levels, so with many ties, if asked."""
    generator = np.random.default_rng(seed)
    failed = generator.random(n) < 0.15
    score = generator.standard_normal(n) + knowledge * failed
    return (np.round(score * levels) if levels else score), failed


def test_augrc_is_what_the_auroc_and_the_accuracy_make_it():
    """Traub et al. 2024: (1 - AUROC) a (1 - a) + (1 - a)^2 / 2, up to one step of coverage."""
    rng = np.random.default_rng(0)
    failed = rng.random(500) < 0.2
    score = rng.random(500) + 0.5 * failed
    a = 1 - failed.mean()
    expected = (1 - failure.auroc(score, failed)) * a * (1 - a) + (1 - a) ** 2 / 2
    assert failure.augrc(score, failed) == pytest.approx(expected, abs=1 / 500)
    perfect = failure.augrc(failed.astype(float), failed)
    assert perfect == pytest.approx((1 - a) ** 2 / 2, abs=1 / 500)
    counts = intervals.resampling_counts(3, 500, np.random.default_rng(1))
    drawn = [np.repeat(np.arange(500), count.astype(int)) for count in counts]
    resampled = [failure.augrc(score[chosen], failed[chosen]) for chosen in drawn]
    assert failure.bootstrap_augrc(score, failed, counts) == pytest.approx(resampled)


@pytest.mark.parametrize("levels", [None, 2])
def test_auroc_is_that_of_scikit_learn(levels):
    score, failed = sample(levels=levels)
    assert failure.auroc(score, failed) == pytest.approx(roc_auc_score(failed, score))


@pytest.mark.parametrize("levels", [None, 2])
def test_risk_coverage_and_its_area_by_brute_force(levels):
    score, failed = sample(n=300, levels=levels)
    generator = np.random.default_rng(1)
    risks = []
    for _ in range(400 if levels else 1):  # ties in random order
        order = np.lexsort([generator.random(300), score])
        risks.append(np.cumsum(failed[order]) / np.arange(1, 301))
    expected = np.mean(risks, axis=0)
    coverage, risk = failure.risk_coverage_curve(score, failed)
    tolerance = {"abs": 0.02} if levels else {"rel": 1e-12}
    assert coverage[-1] == 1 and risk[-1] == pytest.approx(failed.mean())
    assert risk[20:] == pytest.approx(expected[20:], **tolerance)
    assert failure.aurc(score, failed) == pytest.approx(
        expected.mean(), abs=0.01 if levels else 1e-12
    )


def test_perfect_and_useless_scores():
    failed = np.arange(100) >= 80
    assert failure.auroc(failed.astype(float), failed) == 1
    assert failure.auroc(np.zeros(100), failed) == 0.5
    assert failure.aurc(np.zeros(100), failed) == pytest.approx(
        0.2
    )  # every coverage risks the same
    coverage, risk = failure.risk_coverage_curve(failed * 1.0, failed)
    assert (
        (risk[:80] == 0).all()
        and risk[-1] == pytest.approx(0.2)
        and coverage[79] == pytest.approx(0.8)
    )


@pytest.mark.parametrize("levels", [None, 2])
def test_a_resample_is_what_its_copies_give(levels):
    score, failed = sample(n=400, levels=levels)
    counts = intervals.resampling_counts(20, 400, np.random.default_rng(2))
    ours = failure.bootstrap_auroc(score, failed, counts)
    for row, value in zip(counts.astype(int), ours, strict=True):
        assert value == pytest.approx(roc_auc_score(np.repeat(failed, row), np.repeat(score, row)))


def test_interval_covers_the_truth_about_as_often_as_it_says():
    score, failed = sample(n=200_000, seed=99)
    truth = roc_auc_score(failed, score)
    hits = 0
    for seed in range(200):
        score, failed = sample(n=400, seed=seed)
        counts = intervals.resampling_counts(300, 400, np.random.default_rng(seed))
        lo, hi = intervals.percentile_interval(failure.bootstrap_auroc(score, failed, counts))
        hits += lo <= truth <= hi
    assert 178 <= hits <= 199  # 95% of 200 is 190, give or take 4 standard deviations of 3.1


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("score", "failed", "said"),
    [
        ([0.1, 0.2], [0, 1], "booleans"),
        ([0.1], [True, False], "one finite number for each"),
        ([0.1, np.nan], [True, False], "one finite number for each"),
        ([0.1, 0.2], [False, False], "0 of 2"),
        ([0.1, 0.2], [True, True], "2 of 2"),
    ],
)
def test_bad_input_is_named(score, failed, said):
    with pytest.raises(ValueError, match=said):
        failure.auroc(score, failed)


@pytest.mark.parametrize("levels", [None, 2])
def test_aurc_and_risks_of_resamples_are_those_of_the_resampled_answers(levels):
    score, failed = sample(n=200, levels=levels)
    counts = intervals.resampling_counts(5, 200, np.random.default_rng(0))
    drawn = [np.repeat(np.arange(200), count.astype(int)) for count in counts]
    expected = [failure.aurc(score[chosen], failed[chosen]) for chosen in drawn]
    assert failure.bootstrap_aurc(score, failed, counts) == pytest.approx(expected)
    coverages = [0.1, 0.55, 1.0]
    risks = failure.selective_risk_at(score, failed, coverages, counts)
    assert risks[:, -1] == pytest.approx([failed[chosen].mean() for chosen in drawn])
    if not levels:  # without ties the order is plain
        plain = failure.selective_risk_at(score, failed, coverages, np.ones((1, 200)))[0]
        coverage, risk = failure.risk_coverage_curve(score, failed)
        assert plain == pytest.approx([risk[np.argmax(coverage > c - 1e-9)] for c in coverages])
