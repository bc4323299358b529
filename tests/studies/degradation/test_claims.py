import dataclasses

import numpy as np
import pandas as pd
import pytest
from makers import random_outcomes, squares
from scipy import interpolate
from sklearn.metrics import accuracy_score

from visionfail import paths, results
from visionfail.claims import JUDGED, load_claims, save_claims, weakest_verdict
from visionfail.corruptions import strength
from visionfail.evaluation import tables
from visionfail.studies.degradation import architectures, claims, curves, strengths

SWEEP = random_outcomes(n=300)[0]
STRENGTHS = pd.DataFrame(strengths.strength_rows(squares(20, seed=0)))
COMMITTED = paths.RESULTS / "claims.csv"


def judged(sweep=SWEEP, *, model="resnet18", seed=0, bootstraps=200):
    generator = np.random.default_rng(0)
    table = claims.judge_degradation(
        sweep, STRENGTHS, model=model, seed=seed, bootstraps=bootstraps, generator=generator
    )
    return table.set_index("claim")


def with_curve(corruption, accuracies, n=1000):
    """A sweep in which `corruption` has these accuracies at severity 0 to 5.

    They are nested: an image that fails once fails at every higher severity.
    """
    labels = np.zeros(n, dtype=np.uint8)
    predicted = np.zeros((len(SWEEP.conditions), n), dtype=np.uint8)
    for severity, accuracy in enumerate(accuracies):
        row = SWEEP.at(corruption if severity else "clean", severity)
        predicted[row, round(accuracy * n) :] = 1
    return dataclasses.replace(SWEEP, labels=labels, predicted=predicted)


def carried_by_one_blur():
    """A sweep in which glass blur costs much, other structural corruptions nothing, noise little.

    So structural corruptions hurt more on the mean, but without glass blur they hurt less.
    """
    sweep = with_curve("glass_blur", [1.0, 0.6, 0.5, 0.4, 0.3, 0.2])
    predicted = sweep.predicted.copy()
    for row, (name, severity) in enumerate(sweep.conditions):
        if name in curves.PIXEL_LEVEL and severity:
            predicted[row, 960:] = 1  # 4% of 1,000 images
    return dataclasses.replace(sweep, predicted=predicted)


def accuracies_at(corruption):
    """scikit-learn's accuracy at severities 1 to 5."""
    rows = [SWEEP.at(corruption, severity) for severity in range(1, 6)]
    return np.array([accuracy_score(SWEEP.labels, SWEEP.predicted[row]) for row in rows])


def test_values_are_those_of_scikit_learns_accuracies():
    table = judged()
    clean = accuracy_score(SWEEP.labels, SWEEP.predicted[SWEEP.at("clean", 0)])
    contrast = accuracies_at("contrast")
    assert table.value["7a"] == pytest.approx(clean - contrast[-1])
    assert table.value["7b"] == pytest.approx((clean - contrast[-1]) / clean)
    assert table.value["7c"] == pytest.approx((clean - contrast).max())
    assert table.value["5"] == pytest.approx(clean - accuracies_at("jpeg_compression").mean())
    assert table.value["6"] == pytest.approx(clean - accuracies_at("brightness").mean())
    noise = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise")
    form = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "elastic_transform")
    pixel_level = np.mean([accuracies_at(name) for name in noise])
    structural = np.mean([accuracies_at(name) for name in form])
    assert table.value["4a"] == pytest.approx(pixel_level - structural)


def test_intervals_are_as_wide_as_the_normal_approximation_of_a_paired_difference():
    row = judged(bootstraps=4000).loc["7a"]
    clean = SWEEP.correct[SWEEP.at("clean", 0)].astype(float)
    lost = clean - SWEEP.correct[SWEEP.at("contrast", 5)]
    width = 2 * 1.96 * lost.std(ddof=1) / np.sqrt(len(lost))
    assert row.hi - row.lo == pytest.approx(width, rel=0.05)


@pytest.mark.parametrize(
    ("key", "corruption", "accuracies", "value", "verdict"),
    [
        ("1", "contrast", [0.95, 0.87, 0.79, 0.71, 0.63, 0.55], 0.0, "holds"),
        # the best line of five equal points and a last one at -d is d/7 to 11d/21 away: 11/21
        ("1", "contrast", [0.94, 0.94, 0.94, 0.94, 0.94, 0.40], 10 / 21, "fails"),
        ("2", "fog", [0.95, 0.95, 0.95, 0.94, 0.94, 0.40], 0.54 / 0.55, "holds"),
        ("2", "fog", [0.95, 0.87, 0.79, 0.71, 0.63, 0.55], 0.2, "fails"),
        ("3", "motion_blur", [0.95, 0.65, 0.63, 0.61, 0.59, 0.55], 0.75, "holds"),
        ("3", "motion_blur", [0.95, 0.94, 0.90, 0.82, 0.68, 0.50], 0.01 / 0.45, "fails"),
    ],
)
def test_claims_about_a_curve_go_by_shares_of_its_loss(key, corruption, accuracies, value, verdict):
    row = judged(with_curve(corruption, accuracies)).loc[key]
    assert row.verdict == verdict
    assert row.value == pytest.approx(value, abs=0.03)  # n = 300 rounds the accuracies
    assert row.lo < row.hi


@pytest.mark.parametrize(
    ("drop", "verdict"), [(0.43, "holds"), (0.60, "fails"), (0.48, "undecided")]
)
def test_a_claim_about_a_size_is_judged_by_its_interval(drop, verdict):
    sweep = with_curve("contrast", [0.9, 0.9, 0.9, 0.9, 0.9, 0.9 - drop])
    assert judged(sweep).verdict["7a"] == verdict


def test_a_gap_that_a_single_blur_carries_is_undecided():
    generator = np.random.default_rng(0)
    sweep = carried_by_one_blur()
    table = claims.left_out_table(sweep, STRENGTHS, bootstraps=200, generator=generator)
    rows = table[table.claim == "4a"].set_index("left out")
    structural_loss = (1 - np.mean([0.6, 0.5, 0.4, 0.3, 0.2])) / 5  # one of five has it
    assert rows.value["none"] == pytest.approx(structural_loss - 0.04)
    assert rows.value["glass_blur"] == pytest.approx(-0.04)
    assert rows.value["zoom_blur"] == pytest.approx(structural_loss * 5 / 4 - 0.04)
    assert rows.verdict["glass_blur"] == "fails"
    assert set(rows.verdict.drop("glass_blur")) == {"holds"}
    assert set(rows.index) == {"none", *curves.PIXEL_LEVEL, *curves.STRUCTURAL}
    row = judged(sweep, seed=1).loc["4a"]
    assert row.verdict == "undecided"
    assert row.lo < 0 < row.value  # it reaches down to what is left without glass blur


def test_at_equal_strength_what_is_alone_in_its_group_is_not_left_out():
    level = np.linspace(0.8, 0.7, 6)
    accuracies = dict.fromkeys(curves.PIXEL_LEVEL, level)
    accuracies |= {"defocus_blur": level - 0.3, "zoom_blur": level + 0.1, "fog": level}
    resampled = {name: np.tile(curve, (20, 1)) for name, curve in accuracies.items()}
    strengths_of = dict.fromkeys([*curves.PIXEL_LEVEL, "defocus_blur"], np.arange(6.0))
    (claim,) = [claim for claim in claims.DEGRADATION_CLAIMS if claim.key == "4c"]
    alone = claims.left_out_rows(claim, accuracies, resampled, {"dissimilarity": strengths_of})
    assert [row["left out"] for row in alone] == ["none", *curves.PIXEL_LEVEL]
    assert weakest_verdict(alone) == "holds"
    strengths_of["zoom_blur"] = np.arange(6.0)
    both = claims.left_out_rows(claim, accuracies, resampled, {"dissimilarity": strengths_of})
    verdicts = {row["left out"]: row["verdict"] for row in both}
    assert verdicts["none"] == verdicts["zoom_blur"] == "holds"
    assert verdicts["defocus_blur"] == "fails"  # without it zoom blur alone is left
    assert weakest_verdict(both) == "undecided"


def test_equal_strength_compares_where_all_have_been():
    line = np.linspace(0.9, 0.4, 6)  # falls by 0.05 per unit of strength
    steep = np.linspace(0.9, -0.1, 6)  # by 0.2
    accuracies = dict.fromkeys(curves.PIXEL_LEVEL, line)
    accuracies.update(dict.fromkeys(curves.STRUCTURAL, steep))
    axes = dict.fromkeys(curves.PIXEL_LEVEL, np.arange(0, 12, 2))
    axes["zoom_blur"] = np.arange(6.0)
    # up to 5, the strength of zoom_blur: 0.9 - 0.05 s against 0.9 - 0.2 s, mean over s from 0 to 5
    assert curves.gap_at_equal_strength(accuracies, axes) == pytest.approx(0.15 * 2.5)
    with pytest.raises(ValueError, match="strength that grows"):
        curves.gap_at_equal_strength(accuracies, {"zoom_blur": np.arange(6.0)})


def test_curves_of_any_shape_are_interpolated_as_scipy_does():
    rng = np.random.default_rng(0)
    accuracies = {}
    axes = {}
    for name in curves.PIXEL_LEVEL + curves.STRUCTURAL:
        accuracies[name] = rng.random((7, 6))
        axes[name] = np.cumsum(rng.uniform(0.1, 1, 6)) - 0.1
        axes[name] -= axes[name][0]
    grid = np.linspace(0, min(axis[-1] for axis in axes.values()), curves.POINTS)
    means = []
    for names in curves.GROUPS:
        lines = [interpolate.interp1d(axes[name], accuracies[name])(grid) for name in names]
        means.append(np.mean(lines, axis=(0, 2)))  # (7,)
    gaps = curves.gap_at_equal_strength(accuracies, axes)
    assert np.allclose(gaps, means[0] - means[1])


def test_the_network_seen_before_and_amended_rules_are_exploratory():
    amended = {"1", "2", "3", "4a", "4b", "4c"}
    assert set(judged().status) == {"exploratory"}
    for network in ({"seed": 1}, {"model": "densenet121"}):
        status = judged(**network).status
        assert set(status.index[status == "exploratory"]) == amended
        assert set(status) == {"exploratory", "confirmatory"}


def test_regimes_on_every_axis_that_a_corruption_has():
    generator = np.random.default_rng(0)
    table = claims.regime_table(SWEEP, STRENGTHS, bootstraps=50, generator=generator)
    assert set(table.axis) == {"severity", "pixel_change", "parameter"}
    assert len(table[table.axis == "severity"]) == 19
    assert set(table[table.axis == "parameter"].corruption) == set(strength.PARAMETERS)


def test_saved_whole_and_read_back(tmp_path):
    table = judged().reset_index()[list(JUDGED)]
    save_claims(table, tmp_path, where="notebook 04")
    again = load_claims(tmp_path / "claims.csv")
    assert again.verdict.tolist() == table.verdict.tolist()
    assert np.allclose(again.value, table.value, rtol=1e-5)


def test_a_notebook_replaces_its_own_claims_and_no_others(tmp_path):
    table = judged().reset_index()[list(JUDGED)]
    save_claims(table.assign(seed="0 to 4"), tmp_path, where="notebook 09")
    save_claims(table.assign(status="an old one"), tmp_path, where="notebook 04")
    save_claims(table, tmp_path, where="notebook 04")
    stored = load_claims(tmp_path / "claims.csv")
    assert stored["where"].tolist() == ["notebook 04"] * len(table) + ["notebook 09"] * len(table)
    assert "an old one" not in set(stored.status)
    assert set(stored.seed) == {"0", "0 to 4"}
    of_study_c = load_claims(tmp_path / "claims.csv", where="notebook 09")
    assert of_study_c.seed.unique().tolist() == ["0 to 4"]


@pytest.mark.skipif(
    not COMMITTED.exists(), reason="notebook 04 has not run in the full profile yet"
)
def test_committed_verdicts_are_those_of_the_stored_answers():
    committed = load_claims(COMMITTED, where="notebook 04")
    rows, _ = results.load_run(strengths.RUN, folder=paths.RESULTS)
    sweeps = tables.stored_sweeps(paths.RESULTS)[1]
    again = architectures.judge_networks(sweeps, rows, bootstraps=1000)
    keys = ["claim", "model", "seed", "status"]
    assert committed[keys].equals(again[keys])
    assert committed.verdict.tolist() == again.verdict.tolist()
    numbers = ["value", "lo", "hi"]
    assert np.allclose(committed[numbers], again[numbers], rtol=1e-4, equal_nan=True)


def test_regimes_over_severity_are_those_of_the_table_with_all_axes():
    arguments = {"bootstraps": 100}
    by_severity = claims.severity_regimes(SWEEP, generator=np.random.default_rng(0), **arguments)
    all_axes = claims.regime_table(
        SWEEP, STRENGTHS, generator=np.random.default_rng(0), **arguments
    )
    expected = all_axes[all_axes.axis == "severity"].drop(columns="axis").reset_index(drop=True)
    pd.testing.assert_frame_equal(by_severity, expected)


@pytest.mark.parametrize("clean", [0, 5e-7])  # what a dissimilarity of equal images is measured as
def test_what_straight_lines_allow_contains_every_falling_curve(clean):
    """Curves that fall in any way through the measured points have a gap between the bounds."""
    rng = np.random.default_rng(0)
    axes, accuracies = {}, {}
    for name in ("gaussian_noise", "impulse_noise", "defocus_blur", "zoom_blur"):
        axes[name] = np.concatenate([[clean], np.cumsum(rng.uniform(0.5, 2, 5))])
        accuracies[name] = np.sort(rng.random(6))[::-1]
    least, most = curves.gap_bounds_at_equal_strength(accuracies, axes)
    grid = np.linspace(0, min(axis[-1] for axis in axes.values()), curves.POINTS)
    for _ in range(50):
        means = {}
        for name, axis in axes.items():
            bent = np.interp(grid, axis, np.arange(6.0))  # place between two severities
            share = (bent % 1) ** rng.uniform(0.01, 20)
            before = accuracies[name][np.floor(bent).astype(int)]
            after = accuracies[name][np.ceil(bent).astype(int)]
            means[name] = (before + share * (after - before)).mean()
        noise = (means["gaussian_noise"] + means["impulse_noise"]) / 2
        blur = (means["defocus_blur"] + means["zoom_blur"]) / 2
        assert least - 1e-9 <= noise - blur <= most + 1e-9
    assert least < curves.gap_at_equal_strength(accuracies, axes) < most


def test_a_gap_that_a_straight_line_alone_makes_is_undecided():
    """Noise that costs all its accuracy by severity 1 may do so at any strength below it."""
    steep = np.array([0.9, 0.4, 0.4, 0.4, 0.4, 0.4])
    accuracies = {"gaussian_noise": steep, "zoom_blur": np.linspace(0.9, 0.6, 6)}
    resampled = {name: np.tile(curve, (20, 1)) for name, curve in accuracies.items()}
    (claim,) = [claim for claim in claims.DEGRADATION_CLAIMS if claim.key == "4b"]
    for first, verdict in ((0.1, "fails"), (9.0, "undecided")):
        strengths_of = {"gaussian_noise": np.array([0, first, 9.6, 9.7, 9.8, 9.9])}
        strengths_of["zoom_blur"] = np.linspace(0, 9.9, 6)
        axes = {"pixel_change": strengths_of}
        (row,) = claims.left_out_rows(claim, accuracies, resampled, axes)
        assert row["verdict"] == verdict
        assert row["hi"] < 0  # by straight lines it fails both times


def test_the_bounds_begin_with_the_clean_accuracy():
    """A first strength of nearly 0 has the clean image before it, not the strongest severity."""
    falling = np.array([0.9, 0.5, 0.4, 0.3, 0.2, 0.1])
    accuracies = {"gaussian_noise": falling, "zoom_blur": falling}
    bounds = []
    for clean in (0, 5e-7):
        axis = np.array([clean, 1, 2, 3, 4, 5])
        axes = {"gaussian_noise": axis, "zoom_blur": axis}
        bounds.append(curves.gap_bounds_at_equal_strength(accuracies, axes))
    assert bounds[0] == pytest.approx(bounds[1])


def test_what_a_verdict_rests_on_is_said_of_undecided_ones_too():
    rows = pd.DataFrame({"left out": ["none", "fog", "zoom_blur"]})
    stands = rows.assign(verdict="holds")
    assert claims.what_it_rests_on(stands) == "holds, whatever is left out"
    turns = rows.assign(verdict=["undecided", "undecided", "fails"])
    assert claims.what_it_rests_on(turns) == (
        "undecided with all, but fails without zoom blur, so undecided"
    )


@pytest.mark.skipif(not COMMITTED.exists(), reason="no committed answers")
def test_the_interval_of_a_claim_about_groups_shows_its_verdict():
    """An undecided one crosses the border of its region, whatever the interval of all would say."""
    committed = load_claims(COMMITTED, where="notebook 04")
    groups = committed[committed.claim.isin(["4a", "4b", "4c"])]
    assert len(groups) >= 12  # three of each of four networks
    for row in groups.to_dict("records"):
        inside = row["lo"] >= row["low"]
        outside = row["hi"] < row["low"]
        expected = "holds" if inside else "fails" if outside else "undecided"
        assert row["verdict"] == expected


def test_regimes_that_one_network_does_not_have_for_sure_are_not_alike():
    table = pd.DataFrame({"a": ["mild", "mild", "unstable"], "b": ["mild", "no bend", "unstable"]})
    assert claims.regimes_alike(table).tolist() == [True, False, False]


@pytest.mark.skipif(not COMMITTED.exists(), reason="no committed answers")
def test_most_curves_have_a_stable_regime_and_most_corruptions_one_for_all_networks():
    """What notebook 04 counts, of the networks that were swept by 2026-11-28."""
    networks = [("resnet18", 0), ("resnet18", 1), ("resnet18", 2), ("densenet121", 0)]
    sweeps = tables.stored_sweeps(paths.RESULTS)[1]
    by_network = {}
    for network in networks:
        rows = claims.severity_regimes(
            sweeps[network], bootstraps=1000, generator=np.random.default_rng(0)
        )
        by_network[network] = rows.set_index("corruption").regime
    table = pd.DataFrame(by_network)
    assert (table != "unstable").to_numpy().sum() == 71 and table.size == 76
    assert claims.regimes_alike(table).sum() == 17
