import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from visionfail import paths
from visionfail.failure import compare
from visionfail.failure.compare import Scored
from visionfail.metrics import estimates, failure, intervals, paired
from visionfail.metrics.estimates import Estimate

COMMITTED = paths.RESULTS / "mnist-verdicts.csv"
COUNTS = intervals.resampling_counts(400, 1000, np.random.default_rng(0))


def seeds(better=0.0, n=1000, spread=0.0):
    """Five seeds on the same digits; detector "a" knows more than "b" by `better`."""
    scored = []
    for seed in range(5):
        generator = np.random.default_rng(seed)
        failed = generator.random(n) < 0.2
        noise = generator.normal(size=(3, n))
        extra = better + spread * generator.normal()
        scores = {
            "a": noise[0] + (1 + extra) * failed + 0.2 * noise[1],
            "b": noise[0] + failed + 0.2 * noise[2],
        }
        scored.append(Scored(scores, failed, np.arange(n)))
    return scored


def difference(**keywords):
    aurocs = compare.aurocs(seeds(**keywords), COUNTS)
    return aurocs["a"] - aurocs["b"]


def three_differences():
    """{(slice, detector, baseline): estimate}, the first of them clear."""
    better = {"shifted": 0.5, "clean": 0.05, "mix": 0.1}
    return {(name, "a", "b"): difference(better=value) for name, value in better.items()}


def outcome_on(value, half, spread=1e-4, seeds=5):
    """The outcome of a difference of value +- half over digits, whose seeds scatter by `spread`."""
    normal = stats.norm.ppf((np.arange(2000) + 0.5) / 2000) * half / 1.96
    offsets = np.linspace(-1, 1, seeds) * spread
    row = compare.difference_row(Estimate(value + offsets, value + normal[:, None] + offsets))
    return compare.outcome(row, p=row["p"])


def test_each_seed_has_its_own_auroc_and_the_difference_is_their_mean():
    judged = seeds(better=0.5)
    expected = []
    for seed in judged:
        auroc_a = roc_auc_score(seed.failed, seed.scores["a"])
        auroc_b = roc_auc_score(seed.failed, seed.scores["b"])
        expected.append(auroc_a - auroc_b)
    row = compare.difference_row(difference(better=0.5))
    mean = np.mean(expected)
    assert row["value"] == pytest.approx(mean)
    reach = stats.t.ppf(0.975, 4) * np.std(expected, ddof=1) / np.sqrt(5)
    assert row["seed_lo"] == pytest.approx(mean - reach)
    assert row["seed_hi"] == pytest.approx(mean + reach)
    assert row["lo"] < row["value"] < row["hi"]


def test_digits_are_resampled_jointly_so_that_common_luck_cancels():
    aurocs = compare.aurocs(seeds(), COUNTS)
    _, lo, hi = aurocs["a"].interval()
    row = compare.difference_row(aurocs["a"] - aurocs["b"])
    assert row["hi"] - row["lo"] < 0.5 * (hi - lo)


def test_a_detector_without_seeds_is_resampled_once_and_the_others_each():
    calls = []

    def counted(score, failed, counts):
        calls.append(score)
        return failure.bootstrap_auroc(score, failed, counts)

    first = seeds()[0]
    shared = []
    for seed in seeds():
        scores = {"a": seed.scores["a"], "b": first.scores["b"].copy()}
        shared.append(Scored(scores, first.failed.copy(), first.digit.copy()))
    aurocs = compare.aurocs(shared, COUNTS, measure=(failure.auroc, counted))
    assert len(calls) == 5 + 1
    assert np.ptp(aurocs["b"].samples, axis=1).max() == 0
    for column, seed in enumerate(shared):
        alone = compare.aurocs([seed], COUNTS)
        for detector in ("a", "b"):
            of_seed = aurocs[detector].samples[:, column]
            assert np.array_equal(of_seed, alone[detector].samples[:, 0])


@pytest.mark.parametrize("differing", ["scores", "failed", "digit"])
def test_a_detector_has_a_seed_where_its_scores_its_failures_or_the_digits_differ(differing):
    first = seeds()[0]
    changed = {"scores": first.scores, "failed": first.failed, "digit": first.digit}
    changed[differing] = getattr(seeds()[1], differing)
    if differing == "digit":
        changed["digit"] = first.digit[::-1]
    both = compare.aurocs([first, Scored(**changed)], COUNTS, detectors=["b"])["b"]
    assert (both.samples[:, 0] != both.samples[:, 1]).any()


@pytest.mark.parametrize(
    ("value", "half", "spread", "outcome"),
    [
        (0.05, 0.01, 1e-3, "win"),
        (-0.05, 0.01, 1e-3, "loss"),
        (0.05, 0.01, 0.2, "undecided"),  # the digits are sure, the seeds are not
        (0.004, 0.003, 1e-4, "tie"),  # above 0, but by nothing that matters
        (0.0, 0.005, 1e-4, "tie"),
        (0.0, 0.05, 1e-4, "undecided"),
        (0.02, 0.03, 1e-4, "undecided"),
    ],
)
def test_outcomes_follow_the_stated_rule(value, half, spread, outcome):
    assert outcome_on(value, half, spread) == outcome


def test_one_seed_alone_never_wins():
    assert outcome_on(0.05, 0.01, seeds=1) == "undecided"


def test_the_primary_comparison_is_not_corrected_and_the_others_are_by_holm():
    differences = three_differences()
    table = compare.comparison_table(differences, prespecified=("shifted", "a", "b"))
    assert table.p_corrected[0] == table.p[0]
    assert table.outcome[0] == "win"
    assert table.prespecified.tolist() == [True, False, False]
    assert table.p_corrected[1:].tolist() == pytest.approx(paired.holm(table.p[1:]).tolist())
    with pytest.raises(ValueError, match="not among"):
        compare.comparison_table(differences, prespecified=("shifted", "a", "c"))


def test_an_average_over_slices_is_one_seed_by_seed_and_resample_by_resample():
    large = difference(better=0.5)
    small = difference(better=0.1)
    both = estimates.mean_of_estimates([large, small])
    assert np.allclose(both.exact, (large.exact + small.exact) / 2)
    assert np.allclose(both.samples, (large.samples + small.samples) / 2)


def test_rows_tell_value_interval_n_and_seeds():
    by_slice = {"mix": compare.aurocs(seeds(), COUNTS, detectors=["a"])}
    (row,) = compare.auroc_rows(by_slice, {"mix": 1000}).to_dict("records")
    assert (row["value"], row["lo"], row["hi"]) == by_slice["mix"]["a"].interval()
    assert (row["slice"], row["detector"], row["n"], row["seeds"]) == ("mix", "a", 1000, 5)


def test_another_measure_is_resampled_alike():
    aurc = compare.aurocs(seeds(), COUNTS[:50], measure=compare.AURC)["a"]
    expected = [failure.aurc(seed.scores["a"], seed.failed) for seed in seeds()]
    assert aurc.exact == pytest.approx(expected)
    _, lo, hi = aurc.interval()
    assert lo < aurc.exact.mean() < hi


def test_a_resample_without_failures_is_left_out_and_spoils_no_interval():
    failed = np.arange(100) < compare.FEW
    counts = intervals.resampling_counts(200, 100, np.random.default_rng(0))
    lucky = counts.copy()
    lucky[0, failed] = 0
    scores = {"a": np.random.default_rng(1).normal(size=100) + failed, "b": np.arange(100.0)}
    scored = [Scored(scores, failed, np.arange(100))]
    rare = compare.aurocs(scored, lucky)
    usual = compare.aurocs(scored, counts)
    assert np.isnan(rare["a"].samples[0]).all()
    assert len(rare["a"].means()) == 199
    assert rare["a"].interval()[1:] == intervals.percentile_interval(usual["a"].samples[1:, 0])
    mean = estimates.mean_of_estimates([rare["a"] - rare["b"], usual["a"] - usual["b"]])
    row = compare.difference_row(mean)
    assert np.isfinite([row["value"], row["lo"], row["hi"]]).all()
    assert 0 <= row["p"] <= 1


def test_seeds_are_resampled_crossed_with_images():
    """Seeds of variance 1 and common luck of variance 4: the mean of n seeds has 1 / n + 4."""
    generator = np.random.default_rng(0)
    seeds = generator.normal(size=200)
    luck = 2 * generator.normal(size=(4000, 1))
    many = Estimate(seeds, seeds + luck)
    assert many.means().std() == pytest.approx(np.sqrt(1 / 200 + 4), rel=0.05)
    without_luck = Estimate(seeds, np.broadcast_to(seeds, (4000, 200)))
    expected = seeds.std() / np.sqrt(200)
    assert without_luck.means().std() == pytest.approx(expected, rel=0.05)
    alone = Estimate(seeds[:1], seeds[:1] + luck)
    assert np.array_equal(alone.means(), alone.samples[:, 0])


def test_the_interval_over_seeds_is_students():
    values = [0.91, 0.93, 0.92, 0.90, 0.94]
    row = estimates.interval_over_seeds(values)
    lo, hi = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (row["value"], row["lo"], row["hi"]) == pytest.approx((np.mean(values), lo, hi))


@pytest.mark.fault("too few data")
@pytest.mark.parametrize(("failures", "enough"), [(9, False), (10, True), (90, True), (91, False)])
def test_too_few_of_either_outcome_are_not_judged(failures, enough):
    failed = np.arange(100) < failures
    scored = Scored({"a": np.arange(100.0)}, failed, np.arange(100))
    assert compare.has_enough_failures([scored]) == enough


def test_the_risk_curve_ends_at_the_share_of_failures_and_rises_for_a_good_detector():
    judged = seeds(better=2.0)
    curve = compare.risk_coverage_by_seed(judged, "a", counts=COUNTS)
    assert curve.risk.iloc[-1] == pytest.approx(np.mean([s.failed.mean() for s in judged]))
    assert (curve.lo <= curve.risk + 1e-9).all() and (curve.risk <= curve.hi + 1e-9).all()
    assert curve.risk.iloc[4] < 0.2 * curve.risk.iloc[-1]


def test_the_band_of_the_risk_curve_knows_seeds_and_digits():
    many = seeds(better=2.0)
    alike = [many[0]] * len(many)
    of_digits = compare.risk_coverage_by_seed(alike, "a", counts=COUNTS)
    (first,) = [many[0]]
    flipped = Scored({"a": -first.scores["a"]}, first.failed, first.digit)
    apart = compare.risk_coverage_by_seed([first, flipped], "a", counts=COUNTS)
    half = 24  # of 50 steps
    # two seeds that are right and wrong about everything: each alone is among the resamples
    alone = []
    for seed in (first, flipped):
        alone.append(compare.risk_coverage_by_seed([seed], "a", counts=COUNTS).risk[half])
    assert apart.lo[half] <= min(alone) and apart.hi[half] >= max(alone)
    # the same seed five times adds nothing to the interval over digits
    one = compare.risk_coverage_by_seed([first], "a", counts=COUNTS)
    assert np.allclose(of_digits[["lo", "hi"]], one[["lo", "hi"]])


def test_a_difference_under_two_names_is_corrected_for_once():
    """An ensemble that learns no shift is the same on a shift and where it was left out."""
    differences = three_differences()
    once = compare.comparison_table(differences, prespecified=("shifted", "a", "b"))
    differences["clean, left out", "a", "b"] = difference(better=0.05)
    twice = compare.comparison_table(differences, prespecified=("shifted", "a", "b"))
    assert compare.count_corrected(once) == compare.count_corrected(twice) == 2
    pd.testing.assert_frame_equal(twice[:3], once, check_exact=True)
    assert twice.p_corrected[3] == twice.p_corrected[1]
    assert twice.p_corrected[2] == 2 * twice.p[2]  # Holm's factor for the smaller of two


def test_a_part_of_the_digits_keeps_scores_and_outcomes_together():
    scored = seeds()[0]
    failures = scored.at(scored.failed)
    assert failures.failed.all()
    assert np.array_equal(failures.scores["b"], scored.scores["b"][scored.failed])
    assert np.array_equal(failures.digit, np.flatnonzero(scored.failed))


def test_a_table_is_stored_with_every_seed(tmp_path):
    ahead = difference(better=0.5)
    table = compare.comparison_table(
        {("shifted", "a", "b"): ahead}, prespecified=("shifted", "a", "b")
    )
    table = table.assign(n=1000, seeds=[list(ahead.exact)])
    compare.save_comparison(table, tmp_path / "verdicts.csv")
    (row,) = pd.read_csv(tmp_path / "verdicts.csv").to_dict("records")
    by_seed = [float(word) for word in row["by_seed"].split()]
    assert by_seed == pytest.approx(ahead.exact.tolist(), rel=1e-5)
    assert row["outcome"] == table.outcome[0]
    assert row["value"] == pytest.approx(table.value[0], rel=1e-5)


@pytest.mark.skipif(
    not COMMITTED.exists(), reason="notebook 09 has not run in the full profile yet"
)
def test_committed_verdicts_follow_from_their_intervals():
    table = pd.read_csv(COMMITTED)
    assert table.prespecified.sum() == 1
    others = table[~table.prespecified].drop_duplicates(["value", "lo", "hi", "p"])
    assert np.allclose(others.p_corrected, paired.holm(others.p), rtol=1e-4)
    assert np.allclose(table.p_corrected[table.prespecified], table.p[table.prespecified])
    for row in table.to_dict("records"):
        by_seed = [float(word) for word in row["by_seed"].split()]
        again = tuple(estimates.interval_over_seeds(by_seed).values())
        stored = (row["value"], row["seed_lo"], row["seed_hi"])
        assert stored == pytest.approx(again, rel=1e-3, abs=1e-5)
        assert row["outcome"] == compare.outcome(row, p=row["p_corrected"])


@pytest.mark.parametrize("better", [0.0, 0.005, 0.01, 0.015])
def test_p_agrees_with_counting_resamples(better):
    ahead = difference(better=better)
    means = ahead.means()
    counted = 2 * min((means <= 0).mean(), (means >= 0).mean())
    assert compare.difference_row(ahead)["p"] == pytest.approx(counted, abs=0.04)
    assert counted > 0.01


def test_p_goes_below_what_resamples_can_count_and_is_one_for_detectors_that_agree():
    assert compare.difference_row(difference(better=1.0))["p"] == compare.LEAST_P
    assert compare.difference_row(Estimate(np.zeros(5), np.zeros((50, 5))))["p"] == 1.0


def test_fifty_clear_wins_are_all_wins_after_holm():
    differences = {}
    for k in range(50):
        differences[f"slice {k}", "a", "b"] = difference(better=1.0 + 0.01 * k)
    table = compare.comparison_table(differences, prespecified=("slice 0", "a", "b"))
    assert set(table.outcome) == {"win"} and compare.count_corrected(table) == 49
