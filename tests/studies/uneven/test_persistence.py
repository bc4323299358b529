"""Agreement between seeds, against scikit-learn, scipy and planted agreement."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from visionfail.studies.uneven import answers, groups, persistence

GENERATOR = np.random.default_rng(0)
WRONG = GENERATOR.random((3, 500)) < np.array([[0.1], [0.2], [0.3]])


def counts_for(n, bootstraps=100):
    return groups.group_counts(None, n, bootstraps=bootstraps, generator=np.random.default_rng(1))


def sharing(share, seeds=4, n=2000, rate=0.1, seed=0):
    """Wrong answers (S, N): a share of the images is hard or easy for all seeds alike."""
    generator = np.random.default_rng(seed)
    common = generator.random(n) < share
    hard = generator.random(n) < rate
    return np.where(common, hard, generator.random((seeds, n)) < rate)


def test_kappa_is_that_of_scikit_learn_on_all_images_and_on_those_drawn():
    weights = answers.weights_of(counts_for(500, bootstraps=3), 500)
    kappa = persistence.error_consistency(WRONG, weights)
    for row, weight in enumerate(weights):
        drawn = np.repeat(np.arange(500), weight.astype(int))
        for a, b in ((0, 1), (0, 2), (2, 1)):
            expected = cohen_kappa_score(WRONG[a, drawn], WRONG[b, drawn])
            assert kappa[row, a, b] == pytest.approx(expected)
        assert np.diag(kappa[row]) == pytest.approx(1)


def test_kappa_tells_shared_errors_from_shared_error_rates():
    assert persistence.mean_consistency(sharing(0), counts_for(2000))[0] == pytest.approx(
        0, abs=0.03
    )
    value, lo, hi = persistence.mean_consistency(sharing(0.6), counts_for(2000))
    # images of which both seeds know the same are a share 0.6
    assert value == pytest.approx(0.6, abs=0.05)
    assert lo < 0.6 < hi


def test_errors_that_never_meet_have_a_kappa_below_zero():
    wrong = np.zeros((2, 100), dtype=bool)
    wrong[0, :30] = True
    wrong[1, 30:60] = True
    table = persistence.consistency_table(wrong, counts_for(100))
    assert table.hi.item() < 0


def test_every_pair_of_seeds_has_a_row():
    table = persistence.consistency_table(WRONG, counts_for(500))
    assert table[["a", "b"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 2]]
    assert ((table.lo <= table.kappa) & (table.kappa <= table.hi)).all()
    assert (table.n == 500).all()


@pytest.mark.parametrize("answer", [True, False])
def test_kappa_is_missing_where_all_is_right_or_all_wrong(answer):
    wrong = np.full((2, 50), answer)
    table = persistence.consistency_table(wrong, counts_for(50))
    assert table[["kappa", "lo", "hi"]].isna().to_numpy().all()
    assert np.isnan(persistence.mean_consistency(wrong, counts_for(50))[0])


@pytest.mark.fault("too few data")
def test_a_single_seed_has_no_persistence():
    one = WRONG[:1]
    counts = counts_for(500)
    for measure in (
        lambda: persistence.consistency_table(one, counts),
        lambda: persistence.mean_consistency(one, counts),
        lambda: persistence.shared_error_share(one, counts),
        lambda: persistence.shared_share_by_chance(one, np.zeros(500, dtype=int)),
    ):
        with pytest.raises(ValueError, match="needs two"):
            measure()


def test_a_mean_over_pairs_never_pairs_a_seed_with_itself():
    pairs = np.full((300, 3, 3), 0.2)
    pairs[:, range(3), range(3)] = 1
    assert persistence.mean_over_pairs(pairs) == pytest.approx((0.2, 0.2, 0.2))


def test_a_mean_over_pairs_is_as_wide_as_its_seeds_differ():
    pairs = np.zeros((300, 3, 3))
    pairs[:, 0, 1] = pairs[:, 1, 0] = 0.9
    value, lo, hi = persistence.mean_over_pairs(pairs)
    assert value == pytest.approx(0.3)
    assert lo == 0 and hi > 0.5


VALUES = GENERATOR.normal(size=(5, 8))
TIED = np.round(VALUES)


def test_kendalls_w_is_friedmans_statistic_rescaled():
    for values in (VALUES, TIED):
        chi2 = stats.friedmanchisquare(*values.T).statistic
        assert persistence.kendalls_w(values) == pytest.approx(chi2 / (5 * 7))


def test_kendalls_w_of_two_raters_is_spearmans_correlation():
    rho = stats.spearmanr(VALUES[0], VALUES[1]).statistic
    assert persistence.kendalls_w(VALUES[:2]) == pytest.approx((1 + rho) / 2)


def test_kendalls_w_has_the_ends_of_its_scale():
    order = np.arange(6.0)
    assert persistence.kendalls_w(np.stack([order, 3 * order])) == pytest.approx(1)
    assert persistence.kendalls_w(np.stack([order, -order])) == pytest.approx(0)
    assert np.isnan(persistence.kendalls_w(np.ones((3, 4))))


@pytest.mark.fault("too few data")
@pytest.mark.parametrize("values", [np.ones((1, 4)), np.ones((3, 1)), np.array([[1, np.nan]] * 2)])
def test_kendalls_w_needs_two_raters_and_two_things(values):
    with pytest.raises(ValueError, match="two of each"):
        persistence.kendalls_w(values)


def test_the_p_value_of_concordance_is_that_of_friedmans_test():
    values = VALUES + 0.4 * np.arange(8)
    p = persistence.concordance_p(values, permutations=1000, generator=np.random.default_rng(2))
    assert p == pytest.approx(stats.friedmanchisquare(*values.T).pvalue, abs=0.02)
    alarms = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        random = generator.normal(size=(3, 6))
        alarms += persistence.concordance_p(random, permutations=60, generator=generator) < 0.05
    assert alarms <= 7


def test_the_share_of_errors_that_all_seeds_make():
    wrong = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 1, 0]], dtype=bool)
    share = persistence.shared_error_share(wrong, counts_for(6))
    assert share.exact == pytest.approx([2 / 3, 2 / 4])


def test_the_share_by_chance_is_what_independent_seeds_share():
    wrong = sharing(0, seeds=2, n=20_000)
    labels = np.zeros(20_000, dtype=int)
    shared = persistence.shared_error_share(wrong, counts_for(20_000, bootstraps=2))
    chance = persistence.shared_share_by_chance(wrong, labels)
    assert chance["independent"] == pytest.approx(wrong.mean(axis=1)[::-1])
    assert chance["within classes"] == pytest.approx(chance["independent"])
    assert shared.exact == pytest.approx(chance["independent"], abs=0.02)


def test_hard_classes_alone_make_errors_common():
    labels = np.repeat([0, 1], 10_000)
    generator = np.random.default_rng(3)
    wrong = generator.random((3, 20_000)) < np.where(labels == 0, 0.02, 0.3)
    shared = persistence.shared_error_share(wrong, counts_for(20_000, bootstraps=2)).exact
    chance = persistence.shared_share_by_chance(wrong, labels)
    assert (chance["independent"] < 0.6 * shared).all()
    assert chance["within classes"] == pytest.approx(shared, abs=0.02)


def test_a_seed_without_errors_shares_none():
    wrong = np.array([[False] * 4, [True] * 4])
    shared = persistence.shared_error_share(wrong, counts_for(4))
    assert shared.exact == pytest.approx([np.nan, 0], nan_ok=True)
