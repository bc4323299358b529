"""intervals against statsmodels, scipy and closed forms."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from visionfail import claims
from visionfail.metrics import intervals, paired


def images_of_unequal_difficulty(conditions, n, seed):
    """Correctness in which an image's conditions stand and fall together, as they do under
    corruption.
    """
    generator = np.random.default_rng(seed)
    easy = generator.beta(1.5, 0.7, size=n)
    return generator.random((conditions, n)) < easy


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_equals_statsmodels(confidence):
    successes = np.array([0, 1, 7, 50, 999, 10_000])
    n = np.array([1, 3, 7, 60, 1000, 10_000])
    lo, hi = intervals.wilson(successes, n, confidence=confidence)
    reference = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    assert np.allclose([lo, hi], reference, atol=1e-12)
    # none right, all right: the ends are exact, whatever rounding does inside
    every = np.arange(1, 2000)
    assert (intervals.wilson(0, every, confidence=confidence)[0] == 0).all()
    assert (intervals.wilson(every, every, confidence=confidence)[1] == 1).all()


def test_wilson_of_scalars_gives_floats_and_broadcasts():
    assert intervals.wilson(9500, 10_000) == pytest.approx(
        tuple(proportion_confint(9500, 10_000, method="wilson"))
    )
    assert all(type(end) is float for end in intervals.wilson(3, 4))
    assert intervals.wilson([[1], [2]], 4)[0].shape == (2, 1)


def test_bootstrap_means_have_the_mean_and_covariance_of_a_resampled_mean():
    correct = images_of_unequal_difficulty(3, 400, seed=0)
    generator = np.random.default_rng(1)
    means = intervals.bootstrap_condition_means(correct, bootstraps=20_000, generator=generator)
    assert means.shape == (20_000, 3)
    assert np.allclose(means.mean(axis=0), correct.mean(axis=1), atol=1e-3)
    # closed form: the covariance of images, divided by n; off the diagonal it is there only if
    # images stay whole
    assert np.allclose(np.cov(means.T), np.cov(correct, bias=True) / 400, rtol=0.05)
    assert np.cov(correct)[0, 1] > 0.05


def test_bootstrap_means_are_whole_counts_and_do_not_depend_on_the_chunk(monkeypatch):
    correct = images_of_unequal_difficulty(4, 97, seed=2)
    draw = {"bootstraps": 50}
    means = intervals.bootstrap_condition_means(correct, generator=np.random.default_rng(3), **draw)
    assert np.allclose(means * 97, np.round(means * 97), atol=1e-12)
    monkeypatch.setattr(intervals, "CHUNK", 7 * 97)
    again = intervals.bootstrap_condition_means(correct, generator=np.random.default_rng(3), **draw)
    assert np.array_equal(means, again)
    generator = np.random.default_rng(3)  # the plain way: index the images, take the mean
    plain = [correct[:, generator.integers(97, size=97)].mean(axis=1) for _ in range(50)]
    assert np.allclose(means, plain, atol=1e-12)


def test_percentile_interval_cuts_equal_tails():
    samples = np.random.default_rng(4).permutation(np.arange(1001.0))
    assert intervals.percentile_interval(samples, confidence=0.9) == pytest.approx((50, 950))
    lo, hi = intervals.percentile_interval(np.stack([samples, 2 * samples], axis=1))
    assert np.allclose([lo, hi], [[25, 50], [975, 1950]])


def test_interval_of_a_mean_is_that_of_image_means_not_of_image_condition_pairs():
    correct = images_of_unequal_difficulty(20, 2000, seed=5)
    value, lo, hi = intervals.image_bootstrap(
        correct, intervals.mean_over_conditions, bootstraps=4000, generator=np.random.default_rng(6)
    )
    per_image = correct.mean(axis=0)
    normal = 2 * 1.96 * per_image.std() / np.sqrt(2000)
    pairs = 2 * 1.96 * correct.std() / np.sqrt(correct.size)
    assert value == pytest.approx(correct.mean()) and lo < value < hi
    assert hi - lo == pytest.approx(normal, rel=0.05)
    assert hi - lo > 2 * pairs  # pairs would pretend to 20 times as many independent images


def test_interval_covers_the_truth_about_as_often_as_it_says():
    truth = 1.5 / 2.2  # the mean of Beta(1.5, 0.7)
    hits = 0
    for seed in range(200):
        _, lo, hi = intervals.image_bootstrap(
            images_of_unequal_difficulty(5, 300, seed=seed),
            intervals.mean_over_conditions,
            bootstraps=300,
            generator=np.random.default_rng(1000 + seed),
        )
        hits += lo <= truth <= hi
    lo, hi = stats.binom(200, 0.95).ppf([0.001, 0.999])
    assert lo <= hits <= hi


def test_a_weighted_statistic_is_followed():
    correct = images_of_unequal_difficulty(3, 1000, seed=7)
    weights = np.array([0.7, 0.2, 0.1])
    value, lo, hi = intervals.image_bootstrap(
        correct,
        lambda accuracies: accuracies @ weights,
        bootstraps=4000,
        generator=np.random.default_rng(8),
    )
    assert value == pytest.approx(weights @ correct.mean(axis=1))
    assert hi - lo == pytest.approx(2 * 1.96 * (weights @ correct).std() / np.sqrt(1000), rel=0.06)


def test_paired_difference_is_that_of_image_differences():
    a = images_of_unequal_difficulty(4, 1500, seed=9)
    b = a ^ (
        np.random.default_rng(10).random(a.shape) < 0.05
    )  # nearly the same model: pairing pays
    keywords = {"statistic": intervals.mean_over_conditions, "bootstraps": 4000}
    value, lo, hi = paired.paired_bootstrap(a, b, generator=np.random.default_rng(11), **keywords)
    difference = a.mean(axis=0) - b.mean(axis=0)
    assert value == pytest.approx(difference.mean())
    assert hi - lo == pytest.approx(2 * 1.96 * difference.std() / np.sqrt(1500), rel=0.05)
    single = paired.paired_bootstrap(a[0], b[0], generator=np.random.default_rng(12), **keywords)
    assert single[0] == pytest.approx(a[0].mean() - b[0].mean())
    assert paired.paired_bootstrap(a, a, generator=np.random.default_rng(13), **keywords) == (
        0,
        0,
        0,
    )


def test_mcnemar_equals_statsmodels():
    for flips, seed in [(0.02, 0), (0.1, 1), (0.5, 2)]:
        generator = np.random.default_rng(seed)
        a = generator.random(300) < 0.8
        b = np.where(generator.random(300) < flips, generator.random(300) < 0.6, a)
        table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
        assert paired.mcnemar_exact(a, b) == pytest.approx(
            mcnemar(table, exact=True).pvalue, rel=1e-9
        )
    assert paired.mcnemar_exact(a, a) == 1.0


OK = np.array([[True, False, True]])
DRAW = {"bootstraps": 10, "generator": np.random.default_rng(0)}
MEAN = intervals.mean_over_conditions


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.wilson(0, 0), "n is 0"),
        (lambda: intervals.wilson([1, 2], [3, 0]), "n is 0"),
        (lambda: intervals.wilson(5, 4), "between 0 and n"),
        (lambda: intervals.wilson(-1, 4), "between 0 and n"),
        (lambda: intervals.wilson(np.nan, 4), "between 0 and n"),
        (lambda: intervals.wilson(1, 4, confidence=95), "confidence is 95"),
        (lambda: intervals.wilson(1, 4, confidence=0), "confidence is 0"),
        (lambda: intervals.percentile_interval([1.0, 2.0], confidence=1.0), "confidence is 1.0"),
        (lambda: intervals.percentile_interval([]), "at least 2"),
        (lambda: intervals.percentile_interval([0.1, np.nan]), "finite"),
        (lambda: intervals.bootstrap_condition_means(OK.astype(float), **DRAW), "pass booleans"),
        (
            lambda: intervals.bootstrap_condition_means(np.empty((3, 0), bool), **DRAW),
            "at least one of each",
        ),
        (lambda: intervals.bootstrap_condition_means(OK[0], **DRAW), r"\(conditions, images\)"),
        (
            lambda: intervals.bootstrap_condition_means(
                OK, bootstraps=0, generator=DRAW["generator"]
            ),
            "bootstraps is 0",
        ),
        (lambda: intervals.image_bootstrap(OK, np.mean, **DRAW), "reduce the last axis alone"),
        (lambda: intervals.image_bootstrap(OK, MEAN, confidence=2, **DRAW), "confidence is 2"),
        (lambda: paired.paired_bootstrap(OK, OK[:, :2], statistic=MEAN, **DRAW), "the same images"),
        (lambda: paired.paired_bootstrap(OK, [[1, 0, 1]], statistic=MEAN, **DRAW), "pass booleans"),
        (lambda: paired.mcnemar_exact(OK[0], OK[0, :2]), "the same images"),
        (lambda: paired.mcnemar_exact([], []), "booleans"),
        (lambda: paired.mcnemar_exact(np.repeat(OK, 2, 0), np.repeat(OK, 2, 0)), "2 conditions"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((0.93, 0.95), "holds"),
        ((0.94, 0.94), "holds"),
        ((0.90, 0.92), "fails"),
        ((0.96, 0.97), "fails"),
        ((0.92, 0.94), "undecided"),
        ((0.94, 0.96), "undecided"),
        ((0.90, 0.99), "undecided"),
    ],
)
def test_verdict_is_where_the_interval_lies(interval, said):
    assert claims.verdict_of(*interval, low=0.93, high=0.95) == said


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    "arguments", [(0.5, 0.4, 0.0, 1.0), (0.4, 0.5, 1.0, 0.0), (float("nan"), 0.5, 0.0, 1.0)]
)
def test_verdict_refuses_what_is_turned_round_or_no_number(arguments):
    lo, hi, low, high = arguments
    with pytest.raises(ValueError, match="lower end first"):
        claims.verdict_of(lo, hi, low=low, high=high)


def test_holm_is_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(0).beta(0.3, 3, 40)
    p[3] = p[7]
    np.testing.assert_allclose(paired.holm(p), multipletests(p, method="holm")[1])
    assert paired.holm([0.03]) == 0.03
    with pytest.raises(ValueError, match="p values"):
        paired.holm([0.2, 1.2])
