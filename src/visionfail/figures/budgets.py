"""Figures of risk control: risk against coverage, and budgets on re-splits and under shift."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from visionfail.figures.failure import detector_colour
from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import (
    GREY,
    centred_offsets,
    count_range,
    name_and_shade_rows,
    percent_axis,
)


def risk_coverage_plot(curves: Mapping[str, pd.DataFrame], *, n: int, title: str = "") -> Figure:
    """Selective risk against coverage, one line with its band per detector.

    `curves` is {detector: table with columns coverage, risk, lo and hi}, `n` the number of digits.
    """
    fig = new_figure(3.4, title)
    ax = fig.add_subplot()
    for detector, curve in curves.items():
        colour = detector_colour(detector)
        ax.plot(curve.coverage, curve.risk, color=colour, label=detector)
        ax.fill_between(curve.coverage, curve.lo, curve.hi, color=colour, alpha=0.2, linewidth=0)
    ax.set(xlabel="coverage: share of answers accepted", ylabel="selective risk")
    ax.set(xlim=(0, 1), ylim=(0, None))
    percent_axis(ax.xaxis)
    percent_axis(ax.yaxis)
    legend(fig, named_handles(ax))
    footnote(fig, f"bands: 95%, bootstrap over n = {n:,} digits")
    return fig


def budgets_met(
    resplits: pd.DataFrame,
    evaluated: pd.DataFrame,
    *,
    delta: float,
    repeats: int,
    title: str = "",
) -> Figure:
    """Share of re-splits in which each budget was met, and coverage on test digits, by detector.

    A dot is a seed. `resplits` has detector, budget and met, the number of re-splits of `repeats`;
    `evaluated` has detector, budget, coverage, seed and n. The guarantee is 1 - delta.
    """
    fig = new_figure(3.0, title)
    left, right = fig.subplots(1, 2)
    _draw_by_budget(left, resplits.assign(share_met=resplits.met / repeats), "share_met")
    _draw_by_budget(right, evaluated, "coverage")
    _mark_guarantee(left, 1 - delta)
    lowest = min(0.9, left.get_ylim()[0])
    left.set(ylabel=f"met in {repeats} re-splits", ylim=(lowest, 1.005))
    right.set(ylabel="coverage of the test digits", ylim=(0, 1.01))
    legend(fig, named_handles(left))
    seeds = evaluated.seed.nunique()
    footnote(fig, f"{seeds} seeds, a dot each; n = {evaluated.n.iloc[0]:,} test digits")
    return fig


def _draw_by_budget(ax: Axes, table: pd.DataFrame, column: str) -> None:
    """Draw one column of the table by budget, detectors side by side, a dot per row."""
    budgets = sorted(table.budget.unique())
    for detector, rows, offset in _side_by_side(table, step=0.32):
        x = rows.budget.map(budgets.index) + offset
        _draw_dots(ax, x, rows.loc[:, column], detector, markersize=5)
    ax.set_xticks(range(len(budgets)), [f"{budget:.0%}" for budget in budgets])
    ax.set(xlabel="budget: mistakes among accepted answers", xlim=(-0.5, len(budgets) - 0.5))
    percent_axis(ax.yaxis)


def _mark_guarantee(ax: Axes, share: float) -> None:
    """Mark the guaranteed share with a dashed line, named at its left end."""
    ax.axhline(share, color=GREY, linewidth=1, linestyle="--")
    ax.annotate(
        f" {share:.0%} guaranteed",
        (0, share),
        xycoords=("axes fraction", "data"),
        va="top",
        fontsize=8,
        color=GREY,
    )


def budget_under_shift(table: pd.DataFrame, *, budget: float, title: str = "") -> Figure:
    """Realised risk and coverage of each detector's threshold, one row per condition.

    A dot is a seed; a grey tick is the share of mistakes if all is answered. Rows have condition,
    seed, detector, risk, coverage, failing and n.
    """
    names = list(table.condition.unique())
    fig = new_figure(0.36 * len(names) + 0.6, title)
    left, right = fig.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for detector, rows, offset in _side_by_side(table, step=0.36):
        y = rows.condition.map(names.index) + offset
        _draw_dots(left, rows.risk, y, detector, markersize=4)
        _draw_dots(right, rows.coverage, y, detector, markersize=4)
    failing = table.groupby("condition").failing.mean().loc[names]
    left.plot(failing, range(len(names)), "|", color=GREY, markersize=12, label="answer all")
    left.axvline(budget, color=GREY, linewidth=1, linestyle="--")
    name_and_shade_rows(right, names)
    name_and_shade_rows(left, names)
    left.set(xlabel=f"risk among accepted (dashed: the budget, {budget:.0%})", xlim=(-0.01, None))
    right.set(xlabel="coverage", xlim=(0, 1.01))
    percent_axis(left.xaxis)
    percent_axis(right.xaxis)
    right.tick_params(length=0)
    legend(fig, named_handles(left))
    seeds = table.seed.nunique()
    footnote(fig, f"{seeds} seeds, a dot each; n = {count_range(table.n)} digits per condition")
    return fig


def _side_by_side(table: pd.DataFrame, *, step: float) -> Iterator[tuple[str, pd.DataFrame, float]]:
    """Each detector of the table, its rows, and how far its marks stand from the middle."""
    by_detector = table.groupby("detector", sort=False)
    offsets = centred_offsets(by_detector.ngroups, step=step, room=0.8)
    for (detector, rows), offset in zip(by_detector, offsets, strict=True):
        yield str(detector), rows, offset


def _draw_dots(ax: Axes, x: pd.Series, y: pd.Series, detector: str, *, markersize: float) -> None:
    """Draw a dot at each (x, y) in the detector's colour."""
    colour = detector_colour(detector)
    ax.plot(x, y, "o", color=colour, markersize=markersize, alpha=0.7, label=detector)
