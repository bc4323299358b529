"""Figures of risk control show budgets, detectors and seeds where they belong."""

import numpy as np
import pandas as pd
import pytest

from figures.checks import assert_readable, dots, tick_names, with_interval, words
from visionfail.figures import budgets

TWO = ("auditor", "1 - confidence")
THREE = ("auditor", "1 - confidence", "energy")


def risk_coverage():
    coverage = np.linspace(0.01, 1, 100)
    curve = pd.DataFrame({"coverage": coverage, "risk": 0.2 * coverage**2})
    curve = with_interval(curve, "risk")
    curves = {"auditor": curve, "1 - confidence": curve.assign(risk=curve.risk + 0.02)}
    return budgets.risk_coverage_plot(curves, n=10_000, title="Risk and coverage")


def budget_table(detectors):
    """Three budgets, two seeds; each seed met its budget in 196 or 197 re-splits."""
    rows = []
    for seed in (0, 1):
        for detector in detectors:
            for budget in (0.01, 0.02, 0.05):
                rows.append((seed, detector, budget))
    table = pd.DataFrame(rows, columns=["seed", "detector", "budget"])
    return table.assign(met=196 + table.seed, coverage=0.4 + 8 * table.budget, n=10_000)


def met(detectors=TWO):
    table = budget_table(detectors)
    return budgets.budgets_met(table, table, delta=0.05, repeats=200, title="Is the budget met?")


def met_by_three():
    return met(THREE)


def under_shift(detectors=TWO):
    rows = []
    for condition in ("clean", "rotation", "8x8 digits"):
        for seed in (0, 1):
            for detector in detectors:
                rows.append((condition, seed, detector, 0.02 + 0.02 * seed))
    table = pd.DataFrame(rows, columns=["condition", "seed", "detector", "risk"])
    table = table.assign(coverage=0.5, failing=0.2, n=10_000)
    return budgets.budget_under_shift(table, budget=0.02, title="A budget of 2%")


def under_shift_of_three():
    return under_shift(THREE)


FIGURES = [risk_coverage, met, met_by_three, under_shift, under_shift_of_three]


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_are_readable(draw):
    assert_readable(draw())


def test_risk_is_drawn_against_coverage():
    auditor, confidence = risk_coverage().axes[0].lines
    assert auditor.get_xydata()[-1] == pytest.approx([1, 0.2])
    assert confidence.get_xydata()[-1] == pytest.approx([1, 0.22])


def test_budgets_show_the_share_of_re_splits_and_the_coverage():
    fig = met()
    left, right = fig.axes
    assert tick_names(left.xaxis) == ["1%", "2%", "5%"]
    assert left.get_ylabel() == "met in 200 re-splits"
    assert " 95% guaranteed" in words(fig)
    assert np.allclose(dots(left)[0].get_ydata(), [0.98] * 3 + [0.985] * 3)
    assert np.allclose(dots(right)[0].get_ydata(), [0.48, 0.56, 0.8] * 2)


@pytest.mark.parametrize("detectors", [("auditor",), TWO, THREE])
def test_any_number_of_detectors_stands_around_its_budget_and_its_condition(detectors):
    at_first_budget = [line.get_xdata()[0] for line in dots(met(detectors).axes[0])]
    in_first_row = [line.get_ydata()[0] for line in dots(under_shift(detectors).axes[0])]
    for places in (at_first_budget, in_first_row):
        assert len(set(places)) == len(detectors)
        assert np.mean(places) == pytest.approx(0)
        assert max(np.abs(places)) < 0.5  # nearer to its own than to the next


def test_under_shift_a_tick_shows_the_share_of_all_mistakes():
    left = under_shift().axes[0]
    (ticks,) = [line for line in left.lines if line.get_marker() == "|"]
    assert np.allclose(ticks.get_xdata(), 0.2)
    assert tick_names(left.yaxis) == ["clean", "rotation", "8x8 digits"]
