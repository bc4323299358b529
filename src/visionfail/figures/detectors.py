"""Figures that compare detectors: AUROC and leads by slice, and by how much an auditor learnt."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import (
    GREY,
    OKABE_ITO,
    count_range,
    error_arms,
    name_and_shade_rows,
)

DETECTOR_LOOKS = {  # colour and marker
    "auditor": (OKABE_ITO["green"], "o"),
    "auditor + logits": ("#5FC4A2", "h"),
    "auditor + ensemble": ("#00513A", "p"),
    "ensemble, entropy": (OKABE_ITO["blue"], "d"),
    "ensemble, 1 - p": ("#6AA9D4", "d"),
    "ensemble, votes": ("#A9CCE6", "d"),
    "1 - confidence": (OKABE_ITO["black"], "D"),
    "entropy": ("#8A8A8A", "s"),
    "margin": ("#A8A8A8", "^"),
    "energy": (OKABE_ITO["orange"], "v"),
    "neighbours": (OKABE_ITO["sky"], "P"),
    "logistic regression": (OKABE_ITO["purple"], "*"),
    "linear probe": ("#E3A9C9", "*"),
    "tempered entropy": ("#5C5C5C", "s"),
    "max logit": ("#F0C46B", "v"),
    "DOCTOR": ("#BDBDBD", "D"),
    "relative Mahalanobis": ("#8FD0F5", "P"),
    "ViM": ("#B9A14A", "X"),
    "MC dropout": ("#C77C4E", "<"),
    "moved images": ("#9B6B3F", ">"),
    "drift": (OKABE_ITO["vermillion"], "X"),
    "confidence and drift": ("#7A4B94", "<"),  # neither of the two, told apart from both in grey
    "class log-odds": ("#2F4B8F", "o"),
    "class log-odds and drift": ("#8FA5D8", "^"),
}

TIE_COLOUR = "#E4E4E4"


def detector_look(detector: str) -> tuple[str, str]:
    """The colour and marker of a detector in every figure. ValueError for one that has none."""
    if detector not in DETECTOR_LOOKS:
        raise ValueError(
            f"detector {detector!r} has no colour and marker: "
            f"DETECTOR_LOOKS has {', '.join(DETECTOR_LOOKS)}."
        )
    return DETECTOR_LOOKS[detector]


def detector_colour(detector: str) -> str:
    """The colour that a detector has in every figure. ValueError for one that has none."""
    colour, _ = detector_look(detector)
    return colour


def detectors_by_slice(
    table: pd.DataFrame,
    *,
    slices: Sequence[str],
    detectors: Sequence[str] = (),
    title: str = "",
    measured: str = "AUROC of failure, mean over seeds",
    unit: str = "digits",
) -> Figure:
    """AUROC of detectors with its interval, one row per slice; of all where none are named.

    Slices are whatever AUROC is `measured` on: shifts, steps of a protocol, layers. Rows have
    slice, detector, value, lo, hi, n and seeds.
    """
    fig = new_figure(0.42 * len(slices) + 0.6, title)
    ax = fig.add_subplot()
    shown = list(detectors or table.detector.unique())
    _draw_detectors(ax, table, slices, shown)
    ax.set_xlabel(measured)
    if len(shown) > 1:
        legend(fig, named_handles(ax))
    seeds = int(table.seeds.iloc[0])
    drawn = f"{unit}; 1 seed" if seeds == 1 else f"{unit} and {seeds} seeds"
    n = count_range(table[table.slice.isin(slices)].n)
    footnote(fig, f"bars: 95%, bootstrap over {drawn}; n = {n}")
    return fig


def _draw_detectors(
    ax: Axes, table: pd.DataFrame, slices: Sequence[str], detectors: Sequence[str]
) -> None:
    """Draw a mark and an interval per slice and detector, those of one slice below each other."""
    reach = 0.3 if len(detectors) > 1 else 0.0  # one alone stands at its label
    offsets = np.linspace(-reach, reach, len(detectors))
    for detector, offset in zip(detectors, offsets, strict=True):
        rows = table[table.detector == detector].set_index("slice").loc[list(slices)]
        colour, marker = detector_look(detector)
        ax.errorbar(
            rows.value,
            np.arange(len(slices)) + offset,
            xerr=error_arms(rows.value, rows.lo, rows.hi),
            fmt=marker,
            markersize=4.5,
            elinewidth=1,
            color=colour,
            label=detector,
        )
    name_and_shade_rows(ax, slices)


def leads(
    table: pd.DataFrame,
    *,
    slices: Sequence[str],
    detectors: Sequence[str],
    baseline: str,
    margin: float,
    unit: str = "digits",
    title: str = "",
) -> Figure:
    """How far each of `detectors` is ahead of `baseline` in AUROC, one row per slice.

    Within `margin` of 0 it is a tie. Rows have slice, detector, baseline, value, lo, hi, n and
    seeds, the list of each seed's difference.
    """
    comparisons = table.loc[(table.baseline == baseline) & table["slice"].isin(slices)]
    fig = new_figure(0.42 * len(slices) + 0.7, title)
    ax = fig.add_subplot()
    _draw_tie(ax, margin)
    _draw_detectors(ax, comparisons, slices, detectors)
    ax.set_xlabel(f"AUROC minus that of {baseline}")
    entries = named_handles(ax)
    entries[f"whole interval within {margin:g}: a tie"] = Patch(facecolor=TIE_COLOUR)
    legend(fig, entries)
    seeds = len(comparisons.seeds.iloc[0])
    n = count_range(comparisons.n)
    footnote(fig, f"bars: 95%, {unit} and {seeds} seeds resampled crossed; n = {n} {unit}")
    return fig


def _draw_tie(ax: Axes, margin: float) -> None:
    """Draw the line of no difference, and the band in which it is a tie."""
    ax.axvspan(-margin, margin, color=TIE_COLOUR, zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.8)


def lead(
    table: pd.DataFrame,
    *,
    slices: Sequence[str],
    baseline: str,
    margin: float,
    detector: str = "auditor",
    unit: str = "digits",
    title: str = "",
) -> Figure:
    """How far a detector's AUROC is ahead of `baseline`, one row per slice.

    A bar is the interval over digits and seeds, a dot a seed, and the outcome stands on the right;
    within `margin` it is a tie. Rows have slice, detector, baseline, lo, hi, n, prespecified,
    outcome and seeds, the list of each seed's difference.
    """
    chosen = (table.baseline == baseline) & (table.detector == detector)
    comparisons = table[chosen].set_index("slice").loc[list(slices)]
    fig = new_figure(0.3 * len(slices) + 0.7, title)
    ax = fig.add_subplot()
    _draw_tie(ax, margin)
    for y, row in enumerate(comparisons.itertuples()):
        _draw_comparison(ax, y, row)
    name_and_shade_rows(ax, slices)
    ax.set_xlabel(f"AUROC, {detector} minus {baseline}")
    legend(fig, {f"whole interval within {margin:g}: a tie": Patch(facecolor=TIE_COLOUR)})
    n = count_range(comparisons.n)
    bars = f"95%, {unit} and seeds resampled crossed"
    footnote(fig, f"bars: {bars}; dots: seeds; n = {n} {unit}")
    return fig


def _draw_comparison(ax: Axes, y: float, row: Any) -> None:
    """Draw one row of the table at height y, its outcome on the right of the axes."""
    colour = detector_colour(row.detector)
    ax.plot([row.lo, row.hi], [y, y], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
    heights = [y] * len(row.seeds)
    ax.plot(row.seeds, heights, "o", color=colour, markersize=3.2, markeredgewidth=0)
    outcome = f"{row.outcome} (pre-specified)" if row.prespecified else row.outcome
    ax.annotate(outcome, (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=9)


def transfer_plot(
    table: pd.DataFrame, means: pd.DataFrame, *, n: int, seeds: int, title: str = ""
) -> Figure:
    """The auditor's lead over confidence under kinds it has not learnt, by how many it has.

    `table` has a row per subset of kinds and kind met (learnt, number, lead), a dot per subset;
    `means` has number, value, lo, hi, the line and its band.
    """
    fig = new_figure(3.2, title)
    ax = fig.add_subplot()
    colour = detector_colour("auditor")
    ax.axhline(0, color=GREY, linewidth=0.8)
    dots = table.groupby(["number", "learnt"]).lead.mean().reset_index()
    ax.plot(
        dots.number,
        dots.lead,
        "o",
        color=colour,
        alpha=0.4,
        markersize=4,
        label="a subset, mean over kinds met",
    )
    ax.plot(
        means.number,
        means.value,
        color=colour,
        linewidth=1.8,
        label="mean over subsets and kinds met",
    )
    ax.fill_between(means.number, means.lo, means.hi, color=colour, alpha=0.2, linewidth=0)
    ax.set_xlabel("kinds of shift that the auditor has learnt, of eight")
    ax.set_ylabel("AUROC minus that of confidence")
    legend(fig, named_handles(ax))
    subsets = table.learnt.nunique()
    drawn = f"band: 95%, digits and {seeds} seeds resampled crossed"
    footnote(fig, f"{drawn}; {subsets} subsets; n = {n:,} digits, each under every kind not learnt")
    return fig
