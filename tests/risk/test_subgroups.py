"""Errors by kind of picture."""

import numpy as np
import pytest
from scipy import stats

from visionfail.risk.decisions import Scored
from visionfail.risk.subgroups import brightness_kinds, by_kind_table


def test_the_kind_that_errs_most_comes_first_and_is_told_apart():
    rng = np.random.default_rng(0)
    kinds = np.repeat(["stop", "yield", "limit", "bend"], 40)
    labels = np.repeat([1, 1, 1, 0], 40)
    right = rng.random(160) < np.repeat([0.3, 0.95, 0.95, 0.9], 40)
    score = np.where(right == (labels == 1), 0.9, 0.1)
    table = by_kind_table(Scored(score, labels, np.arange(160)), kinds.tolist(), 0.5)
    assert table.kind.iloc[0] == "stop" and table.error.iloc[0] == "missed"
    by_kind = table.set_index("kind")
    assert np.isnan(by_kind.p_holm["bend"])  # alone among safe
    assert by_kind.p_holm["stop"] == pytest.approx(3 / 10_000)  # no relabelling is as far


def test_one_miss_of_four_signs_proves_nothing():
    labels = np.ones(73, dtype=int)
    score = np.where(np.arange(73) == 0, 0.1, 0.9)  # one sign of "no entry" is missed
    kinds = ["no entry"] * 4 + ["limit"] * 69
    table = by_kind_table(Scored(score, labels, np.arange(73)), kinds, 0.5).set_index("kind")
    exact = stats.fisher_exact([[1, 3], [0, 69]]).pvalue
    assert table.p_holm["no entry"] == pytest.approx(2 * exact, abs=0.02)


def test_few_groups_have_no_p_value():
    scored = Scored(np.array([0.1, 0.9, 0.9, 0.9]), np.ones(4, dtype=int), np.arange(4))
    table = by_kind_table(scored, ["a", "a", "b", "b"], 0.5)
    assert table.p_holm.isna().all()


def test_groups_and_not_frames_are_counted():
    labels = np.ones(60, dtype=int)
    groups = np.repeat([0, 1, 2, 3], 15)
    kinds = ["stop"] * 30 + ["yield"] * 30
    score = np.where(groups == 0, 0.1, 0.9)  # one sign of stop is missed in every frame
    table = by_kind_table(Scored(score, labels, groups), kinds, 0.5).set_index("kind")
    assert table.n.to_dict() == {"stop": 2, "yield": 2}
    assert table.value["stop"] == 0.5 and table.hi["stop"] > 0.9
    assert table.value["yield"] == 0 and table.hi["yield"] > 0.5


def test_kinds_that_never_err_are_not_told_apart():
    scored = Scored(np.full(8, 0.9), np.ones(8, dtype=int), np.arange(8))
    table = by_kind_table(scored, ["a"] * 4 + ["b"] * 4, 0.5)
    assert (table.p_holm == 1).all() and (table.value == 0).all()


def test_a_sign_is_dark_or_bright_as_a_whole():
    groups = np.repeat(np.arange(6), 10)
    labels = np.repeat([0, 1, 0, 1, 0, 1], 10)
    rng = np.random.default_rng(0)
    brightness = np.repeat([0.1, 0.2, 0.4, 0.5, 0.7, 0.8], 10) + rng.normal(0, 0.3, 60)
    of_groups = [brightness[groups == g].mean() for g in range(6)]
    kinds = np.array(brightness_kinds(brightness, Scored(brightness, labels, groups)))
    for place, g in enumerate(np.argsort(of_groups)):
        third = ("darkest", "middle", "brightest")[place // 2]
        word = ("safe", "unsafe")[labels[groups == g][0]]
        assert set(kinds[groups == g]) == {f"{third} third, {word}"}
