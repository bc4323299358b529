"""Brightness, contrast and rank correlations over classes, against scipy and by simulation."""

import numpy as np
import pytest
import torch
from scipy import stats

from visionfail.studies.uneven import covariates


def test_brightness_and_contrast_of_known_pictures():
    images = torch.zeros(3, 3, 4, 4, dtype=torch.uint8)
    images[1] = 255
    images[2, :, :2] = 255  # half of it white
    assert covariates.image_brightness(images) == pytest.approx([0, 1, 0.5])
    assert covariates.image_contrast(images) == pytest.approx([0, 0, 0.5])


def test_colours_alone_are_no_contrast():
    images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    images[0, 0, :2] = 255
    images[0, 1, 2:] = 255
    assert covariates.image_contrast(images) == pytest.approx([0])


@pytest.mark.fault("bad arguments")
def test_images_that_are_no_bytes_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        covariates.image_brightness(torch.zeros(2, 3, 4, 4))


def test_means_by_class():
    labels = np.array([0, 0, 2])
    means = covariates.class_means([1.0, 2.0, 5.0], labels, num_classes=3)
    assert means == pytest.approx([1.5, np.nan, 5], nan_ok=True)
    with pytest.raises(ValueError, match="one per image"):
        covariates.class_means([1.0, 2.0], labels, num_classes=3)


def test_the_correlation_is_that_of_scipy():
    generator = np.random.default_rng(0)
    first = np.round(generator.normal(size=12), 0)
    second = first + generator.normal(size=12)
    r, lo, hi, k = covariates.rank_correlation(first, second)
    assert r == pytest.approx(stats.spearmanr(first, second).statistic)
    assert k == 12
    assert -1 < lo < r < hi < 1


def test_a_class_that_misses_either_value_is_left_out():
    first = [1.0, 2, 3, 4, 5, np.nan]
    second = [1.0, 3, 2, 5, 4, 0]
    r, _, _, k = covariates.rank_correlation(first, second)
    assert k == 5
    assert r == pytest.approx(stats.spearmanr(first[:5], second[:5]).statistic)


def test_what_is_the_same_for_all_classes_goes_with_nothing():
    assert np.isnan(covariates.rank_correlation([1.0] * 10, np.arange(10.0))[0])


def test_three_classes_have_no_interval():
    r, lo, hi, k = covariates.rank_correlation([1.0, 2, 3], [1.0, 2, 3])
    assert (r, k) == (pytest.approx(1), 3)
    assert np.isnan(lo) and np.isnan(hi)


@pytest.mark.parametrize("rho", [0, 0.8])
@pytest.mark.parametrize("k", [10, 43])
def test_the_interval_covers_and_is_as_wide_as_a_bootstrap_over_classes(k, rho):
    truth = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's of a normal distribution
    generator = np.random.default_rng(0)
    covered = 0
    widths = []
    for _ in range(200):
        both = generator.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=k)
        _, lo, hi, _ = covariates.rank_correlation(*both.T)
        covered += lo <= truth <= hi
        widths.append(hi - lo)
    assert covered / 200 == pytest.approx(0.95, abs=0.04)
    drawn = both[generator.integers(k, size=(300, k))]  # (B, K, 2), of the last of them
    samples = [stats.spearmanr(*sample.T).statistic for sample in drawn]
    ends = np.nanquantile(samples, [0.025, 0.975])
    assert widths[-1] == pytest.approx(np.ptp(ends), rel=0.5)


def table_of(errors, values, seed=0):
    return covariates.correlation_table(
        errors, values, permutations=500, generator=np.random.default_rng(seed)
    )


def test_a_planted_covariate_is_found_and_noise_is_not():
    generator = np.random.default_rng(1)
    frequency = generator.permutation(20.0 * np.arange(1, 21))
    errors = 0.2 - frequency / 2500 + 0.01 * generator.normal(size=(3, 20))
    table = table_of(errors, {"frequency": frequency, "noise": generator.normal(size=20)})
    frequent, noise = table.to_dict("records")
    assert frequent["correlation"] < -0.9
    assert frequent["hi"] < 0 and frequent["p_holm"] < 0.05
    by_seed = [stats.spearmanr(frequency, of_seed).statistic for of_seed in errors]
    assert frequent["seed_lo"] == pytest.approx(min(by_seed))
    assert frequent["seed_hi"] == pytest.approx(max(by_seed))
    assert frequent["classes"] == 20
    assert noise["p_holm"] > 0.05 and noise["lo"] < 0 < noise["hi"]


def test_p_values_are_those_of_scipy():
    generator = np.random.default_rng(2)
    values = generator.normal(size=12)
    errors = 0.5 * values + generator.normal(size=12)
    expected = stats.spearmanr(values, errors).pvalue
    assert table_of(errors, {"one": values}).p.item() == pytest.approx(expected, abs=0.03)


def test_holm_corrects_for_those_covariates_that_differ_between_classes():
    errors = np.arange(10.0)
    table = table_of(errors, {"same": np.ones(10), "one": errors, "other": -errors})
    assert np.isnan(table.p_holm[0])
    assert table.p_holm[1] == pytest.approx(2 * table.p[1])
