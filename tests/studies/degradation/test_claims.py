import dataclasses

import numpy as np
import pandas as pd
import pytest
from makers import random_outcomes, squares

from visionfail import paths, results
from visionfail.claims import JUDGED, load_claims, save_claims, verdict_of
from visionfail.corruptions import strength
from visionfail.evaluation import tables
from visionfail.studies.degradation import claims, seeds, strengths

FOUND = random_outcomes(n=300)[0]
DOSES = pd.DataFrame(strengths.strength_rows(squares(20, seed=0)))
COMMITTED = paths.RESULTS / "claims.csv"


def judged(found=FOUND, **changes):
    arguments = {
        "model": "resnet18",
        "seed": 0,
        "bootstraps": 200,
        "generator": np.random.default_rng(0),
    } | changes
    return claims.judge_degradation(found, DOSES, **arguments).set_index("claim")


def with_curve(corruption, accuracies, n=1000):
    """A sweep in which `corruption` has these accuracies at severity 0 to 5, nested: who fails once
    fails on.
    """
    labels = np.zeros(n, dtype=np.uint8)
    predicted = np.zeros((len(FOUND.conditions), n), dtype=np.uint8)
    for severity, accuracy in enumerate(accuracies):
        row = FOUND.at(corruption if severity else "clean", severity)
        predicted[row, round(accuracy * n) :] = 1
    return dataclasses.replace(FOUND, labels=labels, predicted=predicted)


def test_values_are_what_the_answers_say():
    table, accuracy = judged(), FOUND.correct.mean(axis=1)
    contrast = np.array([accuracy[FOUND.at("contrast", s)] for s in range(1, 6)])
    clean = accuracy[FOUND.at("clean", 0)]
    assert table.value["7a"] == pytest.approx(clean - contrast[-1])
    assert table.value["7b"] == pytest.approx((clean - contrast[-1]) / clean)
    assert table.value["7c"] == pytest.approx((clean - contrast).max())
    jpeg = np.mean([accuracy[FOUND.at("jpeg_compression", s)] for s in range(1, 6)])
    assert table.value["5"] == pytest.approx(clean - jpeg)
    means = [
        np.mean([accuracy[FOUND.at(name, s)] for name in names for s in range(1, 6)])
        for names in (claims.PIXEL_LEVEL, claims.STRUCTURAL)
    ]
    assert table.value["4a"] == pytest.approx(means[0] - means[1])


def test_verdicts_follow_from_intervals_and_regions():
    table = judged()
    for row in table[table.lo.notna()].itertuples():
        assert row.verdict == verdict_of(row.lo, row.hi, low=row.low, high=row.high)


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ([0.95, 0.87, 0.79, 0.71, 0.63, 0.55], "holds"),  # a line
        ([0.95, 0.95, 0.95, 0.94, 0.94, 0.40], "fails"),  # a threshold, and firmly so
        (
            [0.95, 0.94, 0.90, 0.82, 0.68, 0.50],
            "undecided",
        ),  # a smooth bend is none of the named regimes
    ],
)
def test_a_claim_about_a_regime_is_judged_by_the_curve(accuracies, verdict):
    assert judged(with_curve("contrast", accuracies)).verdict["1"] == verdict


@pytest.mark.parametrize(
    ("drop", "verdict"), [(0.43, "holds"), (0.60, "fails"), (0.48, "undecided")]
)
def test_a_claim_about_a_size_is_judged_by_its_interval(drop, verdict):
    found = with_curve("contrast", [0.9, 0.9, 0.9, 0.9, 0.9, 0.9 - drop])
    assert judged(found).verdict["7a"] == verdict


def test_equal_dose_compares_where_all_have_been():
    line = np.linspace(0.9, 0.4, 6)  # falls by 0.05 a unit of dose
    steep = np.linspace(0.9, -0.1, 6)  # by 0.2 a unit
    curves = dict.fromkeys(claims.PIXEL_LEVEL, line) | dict.fromkeys(claims.STRUCTURAL, steep)
    doses = dict.fromkeys(claims.PIXEL_LEVEL, np.arange(0, 12, 2)) | {"zoom_blur": np.arange(6.0)}
    # up to dose 5, that of zoom_blur: 0.9 - 0.05 d against 0.9 - 0.2 d, on the mean of d from 0 to
    # 5
    assert claims.gap_at_equal_strength(curves, doses) == pytest.approx(0.15 * 2.5)
    with pytest.raises(ValueError, match="dose that grows"):
        claims.gap_at_equal_strength(curves, {"zoom_blur": np.arange(6.0)})


def test_only_the_network_seen_before_is_exploratory():
    assert set(judged().status) == {"exploratory"}
    assert set(judged(seed=1).status) == set(judged(model="densenet121").status) == {"confirmatory"}


def test_regimes_on_every_axis_that_a_corruption_has():
    table = claims.regime_table(FOUND, DOSES, bootstraps=50, generator=np.random.default_rng(0))
    assert set(table.axis) == {"severity", "pixel_change", "parameter"}
    assert len(table[table.axis == "severity"]) == 19
    assert set(table[table.axis == "parameter"].corruption) == set(strength.PARAMETERS)


def test_saved_whole_and_read_back(tmp_path):
    table = judged().reset_index()[list(JUDGED)]
    save_claims(table, tmp_path, where="notebook 04")
    again = load_claims(tmp_path / "claims.csv")
    assert again.verdict.tolist() == table.verdict.tolist() and np.allclose(
        again.value, table.value, rtol=1e-5
    )


def test_a_notebook_replaces_its_own_sentences_and_no_others(tmp_path):
    table = judged().reset_index()[list(JUDGED)]
    save_claims(table.assign(seed="0 to 4"), tmp_path, where="notebook 09")
    save_claims(table.assign(verdict="an old one"), tmp_path, where="notebook 04")
    save_claims(table, tmp_path, where="notebook 04")
    found = load_claims(tmp_path / "claims.csv")
    assert found["where"].tolist() == ["notebook 04"] * len(table) + ["notebook 09"] * len(table)
    assert "an old one" not in set(found.verdict) and set(found.seed) == {"0", "0 to 4"}
    assert load_claims(tmp_path / "claims.csv", where="notebook 09").seed.unique().tolist() == [
        "0 to 4"
    ]


@pytest.mark.skipif(
    not COMMITTED.exists(), reason="notebook 04 has not run in the full profile yet"
)
def test_committed_verdicts_are_those_of_the_stored_answers():
    committed = load_claims(COMMITTED, where="notebook 04")
    doses, _ = results.load_run(strengths.RUN, folder=paths.RESULTS)
    again = seeds.judge_networks(tables.stored_sweeps(paths.RESULTS)[1], doses, bootstraps=1000)
    assert committed[["claim", "model", "seed"]].equals(again[["claim", "model", "seed"]])
    assert committed.verdict.tolist() == again.verdict.tolist()
    assert np.allclose(
        committed[["value", "lo", "hi"]], again[["value", "lo", "hi"]], rtol=1e-4, equal_nan=True
    )
