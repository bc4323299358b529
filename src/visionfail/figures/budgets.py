"""Figures of risk control: where to start, risk and coverage, budgets on re-splits, under shift."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from visionfail.figures.detectors import detector_colour, detector_look
from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import (
    GREY,
    centred_offsets,
    count_range,
    error_arms,
    name_and_shade_rows,
    percent_axis,
)

RISK_TICKS = (0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1)  # on a square root's scale


def starts_plot(table: pd.DataFrame, *, start: float, title: str = "") -> Figure:
    """How often nothing is accepted, and the mean coverage, against where the search starts.

    A column per budget, a line per detector; a dashed line marks the chosen `start`. Rows have
    detector, budget, start, nothing, coverage and repetitions.
    """
    fig = new_figure(3.6, title)
    budgets = sorted(table.budget.unique())
    axes = fig.subplots(2, len(budgets), sharex=True, sharey=True, squeeze=False)
    for column, budget in enumerate(budgets):
        upper, lower = axes[:, column]
        rows = table.loc[table.budget == budget]
        _draw_by_start(upper, rows, "nothing", start)
        _draw_by_start(lower, rows, "coverage", start)
        upper.set_title(f"budget {budget:.0%}")
        lower.set(xlabel="coverage at the start")
    axes[0, 0].set(ylabel="accepts nothing", ylim=(-0.04, 1.04))
    axes[1, 0].set(ylabel="mean coverage")
    legend(fig, named_handles(axes[0, 0]))
    footnote(
        fig,
        f"simulated {count_range(table.repetitions)} times each on held-out draws; "
        f"dashed: the chosen start, {start:.0%}",
    )
    return fig


def _draw_by_start(ax: Axes, table: pd.DataFrame, column: str, start: float) -> None:
    """Draw one column of the table by start, a line per detector, and mark the chosen start."""
    for detector, rows in table.groupby("detector", sort=False):
        colour, marker = detector_look(str(detector))
        ax.plot(
            rows.start, rows.loc[:, column], color=colour, marker=marker, ms=4, label=str(detector)
        )
    ax.axvline(start, color=GREY, linewidth=1, linestyle="--")
    percent_axis(ax.xaxis)
    percent_axis(ax.yaxis)


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
    footnote(fig, f"bands: 95%, digits and seeds resampled crossed; n = {n:,} digits")
    return fig


def budgets_met(
    resplits: pd.DataFrame,
    evaluated: pd.DataFrame,
    *,
    delta: float,
    repeats: int,
    title: str = "",
) -> Figure:
    """Shares of re-splits that met each budget, that accept nothing, and coverage on test digits.

    A dot is a seed, a dash the mean of the seeds. `resplits` has detector, budget, and of `repeats`
    the re-splits met and nothing, which count as met, too; `evaluated` has detector, budget,
    coverage, seed and n. The guarantee is 1 - delta.
    """
    fig = new_figure(3.0, title)
    left, middle, right = fig.subplots(1, 3)
    shares = resplits.assign(met=resplits.met / repeats, nothing=resplits.nothing / repeats)
    _draw_by_budget(left, shares, "met")
    _draw_by_budget(middle, shares, "nothing")
    _draw_by_budget(right, evaluated, "coverage")
    _mark_guarantee(left, 1 - delta)
    lowest = min(0.9, left.get_ylim()[0])
    left.set(ylabel=f"met in {repeats} re-splits", ylim=(lowest, 1.005))
    middle.set(ylabel="accept nothing (count as met)", ylim=(-0.02, 1.01), xlabel="budget")
    right.set(ylabel="coverage of test digits", ylim=(-0.02, 1.01))
    legend(fig, named_handles(left))
    seeds = evaluated.seed.nunique()
    n = evaluated.n.iloc[0]
    footnote(
        fig,
        f"budget: tolerated share of wrong answers among accepted ones; {seeds} seeds, a dot each, "
        f"a dash their mean; n = {n:,} test digits",
    )
    return fig


def _draw_by_budget(ax: Axes, table: pd.DataFrame, column: str) -> None:
    """Draw one column of the table by budget, detectors side by side, a dot per row, and means."""
    budgets = sorted(table.budget.unique())
    for detector, rows, offset in _side_by_side(table, step=0.32):
        x = rows.budget.map(budgets.index) + offset
        _draw_dots(ax, x, rows.loc[:, column], detector, markersize=5)
        means = [rows.loc[rows.budget == budget, column].mean() for budget in budgets]
        places = np.arange(len(budgets)) + offset
        ax.plot(places, means, "_", color=detector_colour(detector), markersize=13)
    ax.set_xticks(range(len(budgets)), [f"{budget:.0%}" for budget in budgets])
    ax.set(xlabel="budget", xlim=(-0.5, len(budgets) - 0.5))
    percent_axis(ax.yaxis)


def _mark_guarantee(ax: Axes, share: float) -> None:
    """Mark the guaranteed share with a dashed line, named at its left end."""
    ax.axhline(share, color=GREY, linewidth=1, linestyle="--")
    ax.annotate(
        f" {share:.0%} guaranteed",
        (0, share),
        xycoords=("axes fraction", "data"),
        xytext=(0, -4),  # clear of dots on the line
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=GREY,
    )


def budget_by_condition(table: pd.DataFrame, *, budget: float, title: str = "") -> Figure:
    """Risk and coverage of each detector's threshold by condition, of one network and one budget.

    Rows are those of `failure.budget_table`. As `budget_under_shift`, without seeds.
    """
    nothing = (table.accepted == 0).astype(int)
    rows = table.assign(seed=0, seeds=1).assign(**{"seeds that accept nothing": nothing})
    return budget_under_shift(rows, rows, budget=budget, things="images", title=title)


def budget_under_shift(
    table: pd.DataFrame,
    pooled: pd.DataFrame,
    *,
    budget: float,
    things: str = "digits",
    title: str = "",
) -> Figure:
    """Realised risk and coverage of each detector's threshold, one row per condition.

    A faint dot is a seed, its area its coverage; a mark with its interval is the risk over all
    seeds; a grey tick is the share of mistakes if all is answered. Rows of `table` have condition,
    seed, detector, risk, coverage and n; those of `pooled` condition, detector, risk, lo, hi,
    coverage, failing, seeds and seeds that accept nothing. `things` are what n counts. The axis of
    risk is a square root's.
    """
    names = list(table.condition.unique())
    fig = new_figure(0.4 * len(names) + 0.6, title)
    left, right = fig.subplots(1, 2, sharey=True, width_ratios=(5, 3))
    for detector, rows, offset in _side_by_side(table, step=0.36):
        y = rows.condition.map(names.index) + offset
        areas = 4 + 50 * rows.coverage
        left.scatter(rows.risk, y, areas, color=detector_colour(detector), alpha=0.25, linewidth=0)
        _draw_dots(right, rows.coverage, y, detector, markersize=4)
    for detector, rows, offset in _side_by_side(pooled, step=0.36):
        y = rows.condition.map(names.index) + offset
        _draw_pooled(left, rows, y, detector)
        _name_seeds_without_answers(right, rows, y, detector)
    failing = pooled.groupby("condition").failing.mean().loc[names]
    left.plot(failing, range(len(names)), "|", color=GREY, markersize=12, label="answer all")
    left.axvline(budget, color=GREY, linewidth=1, linestyle="--")
    name_and_shade_rows(right, names)
    name_and_shade_rows(left, names)
    _square_root_axis(left)
    left.set(xlabel=f"risk among accepted (dashed: the budget, {budget:.0%})")
    right.set(xlabel="coverage", xlim=(-0.02, 1.02))
    percent_axis(right.xaxis)
    right.tick_params(length=0)
    legend(fig, named_handles(left))
    footnote(fig, _under_shift_note(table, things))
    return fig


def _draw_pooled(ax: Axes, rows: pd.DataFrame, y: pd.Series, detector: str) -> None:
    """Draw the risk over all seeds of each row, with its interval, at the heights y."""
    colour, marker = detector_look(detector)
    arms = error_arms(rows.risk, rows.lo, rows.hi)
    ax.errorbar(
        rows.risk, y, xerr=arms, fmt=marker, color=colour, ms=5, elinewidth=1.4, label=detector
    )


def _name_seeds_without_answers(ax: Axes, rows: pd.DataFrame, y: pd.Series, detector: str) -> None:
    """Write right of each row how many seeds accept nothing, where any does."""
    for height, row in zip(y, rows.to_dict("records"), strict=True):
        count = row["seeds that accept nothing"]
        if count:
            words = "accepts nothing"
            if row["seeds"] > 1:
                words = f"{count} of {row['seeds']} accept nothing"
            ax.text(
                1.02,
                height,
                words,
                transform=ax.get_yaxis_transform(),
                fontsize=8,
                va="center",
                color=detector_colour(detector),
            )


def _square_root_axis(ax: Axes) -> None:
    """Show risks on a scale that has room for one percent and for ninety."""
    highest = ax.get_xlim()[1]
    ax.set_xscale("function", functions=(_signed_root, _signed_square))
    ax.set_xticks([tick for tick in RISK_TICKS if tick <= highest])
    ax.set_xlim(-0.0004, highest)
    percent_axis(ax.xaxis)


def _signed_root(values: np.ndarray) -> np.ndarray:
    """The square root, of negative values minus that of their size."""
    return np.sign(values) * np.sqrt(np.abs(values))


def _signed_square(values: np.ndarray) -> np.ndarray:
    """The inverse of `_signed_root`."""
    return np.sign(values) * np.square(values)


def _under_shift_note(table: pd.DataFrame, things: str) -> str:
    """What the marks of `budget_under_shift` are, and n."""
    n = f"n = {count_range(table.n)} {things} per condition"
    if table.seed.nunique() == 1:
        return f"marks: wrong over accepted answers, 95% Wilson interval; {n}"
    return (
        f"marks: wrong over accepted answers of {table.seed.nunique()} seeds, 95% over {things} "
        f"and seeds; faint: a seed each; {n}"
    )


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
