"""Figures of risk control show budgets, detectors and seeds where they belong."""

import numpy as np
import pandas as pd
import pytest

from figures.checks import (
    assert_readable,
    curve,
    dots,
    error_bars,
    tick_names,
    with_interval,
    words,
)
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
    nothing = np.where(table.budget == 0.01, 50 + 20 * table.seed, 0)
    table = table.assign(met=196 + table.seed, nothing=nothing, n=10_000)
    return table.assign(coverage=0.4 + 8 * table.budget)


def met(detectors=TWO):
    table = budget_table(detectors)
    return budgets.budgets_met(table, table, delta=0.05, repeats=200, title="Is the budget met?")


def met_by_three():
    return met(THREE)


def starts(detectors=TWO):
    """Nothing is accepted from a start under 30% on, at any budget; the auditor accepts more."""
    rows = []
    for detector in detectors:
        for budget in (0.01, 0.02, 0.05):
            for start in (0.1, 0.3, 0.5):
                rows.append((detector, budget, start, float(start < 0.3)))
    table = pd.DataFrame(rows, columns=["detector", "budget", "start", "nothing"])
    coverage = (1 - table.nothing) * np.where(table.detector == "auditor", 0.6, 0.4)
    table = table.assign(coverage=coverage, repetitions=2500)
    return budgets.starts_plot(table, start=0.3, title="Where to start")


def starts_of_three():
    return starts(THREE)


def shifted(detectors):
    """Three conditions, two seeds; nothing is accepted of the 8x8 digits by seed 1."""
    rows = []
    for condition in ("clean", "rotation", "8x8 digits"):
        for seed in (0, 1):
            for detector in detectors:
                rows.append((condition, seed, detector, 0.02 + 0.02 * seed, 0.5))
    table = pd.DataFrame(rows, columns=["condition", "seed", "detector", "risk", "coverage"])
    nothing = (table.condition == "8x8 digits") & (table.seed == 1)
    table.loc[nothing, ["risk", "coverage"]] = (np.nan, 0)
    return table.assign(n=10_000)


def under_shift(detectors=TWO):
    table = shifted(detectors)
    pooled = table[table.seed == 0].assign(risk=0.03, failing=0.2, seeds=2)
    empty = pooled.condition == "8x8 digits"
    pooled["seeds that accept nothing"] = empty.astype(int)
    pooled = with_interval(pooled, "risk")
    return budgets.budget_under_shift(table, pooled, budget=0.02, title="A budget of 2%")


def under_shift_of_three():
    return under_shift(THREE)


def by_condition():
    rows = []
    for condition in ("the mix", "clean", "contrast, held out"):
        for detector in TWO:
            row = {"condition": condition, "detector": detector, "budget": 0.1, "risk": 0.08}
            row.update({"coverage": 0.4, "accepted": 80, "n": 200, "failing": 0.3})
            rows.append(row)
    table = with_interval(pd.DataFrame(rows), "risk")
    table.loc[4, ["risk", "lo", "hi", "coverage", "accepted"]] = (np.nan, np.nan, np.nan, 0, 0)
    return budgets.budget_by_condition(table, budget=0.1, title="A budget of 10%")


FIGURES = [
    by_condition,
    risk_coverage,
    starts,
    starts_of_three,
    met,
    met_by_three,
    under_shift,
    under_shift_of_three,
]


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_are_readable(draw):
    assert_readable(draw())


def test_risk_is_drawn_against_coverage():
    auditor, confidence = risk_coverage().axes[0].lines
    assert auditor.get_xydata()[-1] == pytest.approx([1, 0.2])
    assert confidence.get_xydata()[-1] == pytest.approx([1, 0.22])


def test_budgets_show_the_share_of_re_splits_and_the_coverage():
    fig = met()
    left, middle, right = fig.axes
    assert tick_names(left.xaxis) == ["1%", "2%", "5%"]
    assert left.get_ylabel() == "met in 200 re-splits"
    assert " 95% guaranteed" in words(fig)
    assert np.allclose(dots(left)[0].get_ydata(), [0.98] * 3 + [0.985] * 3)
    assert np.allclose(dots(middle)[0].get_ydata(), [0.25, 0, 0, 0.35, 0, 0])
    assert np.allclose(dots(right)[0].get_ydata(), [0.48, 0.56, 0.8] * 2)


def test_a_dash_marks_the_mean_of_the_seeds():
    middle = met().axes[1]
    dashes = [line for line in middle.lines if line.get_marker() == "_"]
    assert len(dashes) == 2  # one line of dashes a detector
    assert np.allclose(dashes[0].get_ydata(), [0.3, 0, 0])
    assert np.allclose(dashes[0].get_xdata(), dots(middle)[0].get_xdata()[:3])


def test_starts_are_drawn_by_budget_and_the_chosen_one_is_marked():
    fig = starts()
    upper = fig.axes[:3]
    lower = fig.axes[3:]
    assert [ax.get_title("left") for ax in upper] == ["budget 1%", "budget 2%", "budget 5%"]
    for ax in fig.axes:
        assert list(ax.lines[-1].get_xdata()) == [0.3, 0.3]
    x, nothing = curve(upper[0].lines[0])
    assert list(x) == [0.1, 0.3, 0.5]
    assert list(nothing) == [1, 0, 0]
    _, coverage = curve(lower[2].lines[1])
    assert np.allclose(coverage, [0, 0.4, 0.4])
    assert any("the chosen start, 30%" in text for text in words(fig))


@pytest.mark.parametrize("detectors", [("auditor",), TWO, THREE])
def test_any_number_of_detectors_stands_around_its_budget_and_its_condition(detectors):
    at_first_budget = [line.get_xdata()[0] for line in dots(met(detectors).axes[0])]
    in_first_row = [line.get_ydata()[0] for line in dots(under_shift(detectors).axes[1])]
    for places in (at_first_budget, in_first_row):
        assert len(set(places)) == len(detectors)
        assert np.mean(places) == pytest.approx(0)
        assert max(np.abs(places)) < 0.5  # nearer to its own than to the next


def test_under_shift_a_tick_shows_the_share_of_all_mistakes():
    left = under_shift().axes[0]
    (ticks,) = [line for line in left.lines if line.get_marker() == "|"]
    assert np.allclose(ticks.get_xdata(), 0.2)
    assert tick_names(left.yaxis) == ["clean", "rotation", "8x8 digits"]


def test_under_shift_the_pooled_risk_stands_with_its_interval_on_the_height_of_its_seeds():
    left, right = under_shift().axes
    marks = error_bars(left)
    assert len(marks) == 2
    for mark, seeds in zip(marks, dots(right), strict=True):
        assert np.allclose(mark.lines[0].get_xdata(orig=False), 0.03)
        assert np.allclose(mark.lines[0].get_ydata(orig=False), seeds.get_ydata(orig=False)[::2])
        ends = mark.lines[2][0].get_segments()[0][:, 0]
        assert np.allclose(ends, [0.02, 0.04])


def test_under_shift_small_risks_have_room_beside_large_ones():
    left, _ = under_shift().axes
    zero, one, four = left.transData.transform([(0, 0), (0.01, 0), (0.04, 0)])[:, 0]
    assert (four - zero) == pytest.approx(2 * (one - zero))  # a square root's scale


def test_under_shift_a_row_says_how_many_seeds_accept_nothing():
    fig = under_shift()
    assert words(fig).count("1 of 2 accept nothing") == 2  # the 8x8 digits, each detector
    (text, _) = [text for text in fig.axes[1].texts if "accept nothing" in text.get_text()]
    assert text.get_position()[1] == pytest.approx(2, abs=0.5)  # in the third row


def test_of_one_network_images_are_counted_and_no_seeds():
    said = words(by_condition())
    assert said.count("accepts nothing") == 1
    assert any("n = 200 images per condition" in text for text in said)
    assert not any("seed" in text for text in said)
