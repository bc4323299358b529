"""The safe/unsafe classifier: what a cost ratio buys, where a threshold breaks, what it means."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import (
    GREY,
    OKABE_ITO,
    LineEnd,
    count_range,
    error_arms,
    label_line_ends,
    name_and_shade_rows,
    percent_axis,
)
from visionfail.names import readable

MISSED = OKABE_ITO["vermillion"]
ALARMED = OKABE_ITO["blue"]
SEVERITY_SHADES = {0: OKABE_ITO["green"], 1: "#F0C05A", 3: OKABE_ITO["orange"], 5: MISSED}


def decision_sheet_plot(sheet: pd.DataFrame, *, target: float, title: str = "") -> Figure:
    """What one threshold does under each condition: a row a condition, misses left, alarms right.

    Rows have condition, severity, quantity ("missed" or "alarmed" are drawn), value, lo, hi, n and
    guaranteed. `target` is the share that may be missed.
    """
    names = list(sheet.condition.unique())
    fig = new_figure(0.9 + 0.36 * len(names), title)
    axes = fig.subplots(1, 2, sharey=True)
    panels = {"missed": "unsafe pictures missed", "alarmed": "safe pictures flagged"}
    for ax, (quantity, words) in zip(axes, panels.items(), strict=True):
        rows = sheet.loc[sheet.quantity == quantity]
        for severity, part in rows.groupby("severity", sort=True):
            offset = {0: 0.0, 1: -0.24, 3: 0.0, 5: 0.24}[int(severity)]
            y = [names.index(name) + offset for name in part.condition]
            ax.errorbar(
                part.value,
                y,
                xerr=error_arms(part.value, part.lo, part.hi),
                fmt="o",
                markersize=4,
                elinewidth=1.2,
                color=SEVERITY_SHADES[int(severity)],
                label=f"severity {severity}" if severity else "as it is, attacked, or int8",
            )
        ax.set_title(words, fontsize=10)
        percent_axis(ax.xaxis)
        ax.set_xlim(-0.02, 1.02)
        name_and_shade_rows(ax, [readable(name) for name in names])
    axes[0].axvline(target, color=GREY, linewidth=0.9, linestyle="--")
    legend(fig, named_handles(axes[0]))
    n = {}
    for quantity, words in (("missed", "unsafe"), ("alarmed", "safe")):
        n[words] = count_range(sheet.n[sheet.quantity == quantity])
    text = f"n = {n['unsafe']} unsafe ones, {n['safe']} safe ones"
    footnote(fig, f"dashed: the share that may be missed; 95% over groups, {text}")
    return fig


def cost_curves(sheet: pd.DataFrame, *, title: str = "") -> Figure:
    """Misses and false alarms by cost ratio, on pictures as they are, with their 95% bands.

    Rows of one condition, with cost ratio, quantity, value, lo, hi.
    """
    fig = new_figure(2.9, title)
    ax = fig.add_subplot()
    ends = []
    counted = []  # a miss is counted over unsafe groups, a false alarm over safe ones
    looks = {"missed": (MISSED, "unsafe missed"), "alarmed": (ALARMED, "safe flagged")}
    for quantity, (colour, words) in looks.items():
        rows = sheet.loc[sheet.quantity == quantity].sort_values("cost ratio")
        counted.append(f"{int(rows.n.max()):,} {words.split()[0]}")
        ax.plot(rows["cost ratio"], rows.value, color=colour, marker="o", markersize=4)
        ax.fill_between(rows["cost ratio"], rows.lo, rows.hi, color=colour, alpha=0.15, linewidth=0)
        ends.append(LineEnd(rows["cost ratio"].iloc[-1], rows.value.iloc[-1], words, colour))
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_xlabel("a miss costs as much as so many false alarms")
    ax.set_ylabel("share")
    ax.set_ylim(bottom=-0.01)
    percent_axis(ax.yaxis)
    label_line_ends(ax, ends)
    footnote(fig, f"bands: 95% over groups, n = {', '.join(counted)}")
    return fig


def two_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    chosen: Mapping[str, tuple[float, float]],
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    xlabel: str,
    ylabel: str,
    title: str = "",
) -> Figure:
    """Curves such as ROC or precision over recall, {words: (x, y)}, the chosen point on each.

    `bands` {words: (lo, hi)} are shaded around them.
    """
    fig = new_figure(3.0, title)
    ax = fig.add_subplot()
    for (words, (x, y)), colour in zip(curves.items(), [*OKABE_ITO.values()][1:], strict=False):
        ax.plot(np.asarray(x), np.asarray(y), color=colour, label=words)
        if bands is not None:
            lo, hi = bands[words]
            ax.fill_between(np.asarray(x), lo, hi, color=colour, alpha=0.18, linewidth=0)
        ax.plot(*chosen[words], "o", color=colour, markersize=7, markeredgecolor="black")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    percent_axis(ax.xaxis)
    percent_axis(ax.yaxis)
    legend(fig, named_handles(ax))
    shaded = "; bands: 95% over groups" if bands is not None else ""
    footnote(fig, f"ringed: the chosen threshold{shaded}")
    return fig


def power_curves(table: pd.DataFrame, *, level: float, title: str = "") -> Figure:
    """The share of batches that raise an alarm by batch size, a line per condition.

    Rows have condition, severity, size, alarms, lo, hi and n; `level` is what unchanged pictures
    may reach.
    """
    fig = new_figure(3.0, title)
    ax = fig.add_subplot()
    ends = []
    seen = [colour for name, colour in OKABE_ITO.items() if name not in ("black", "yellow")]
    colours = [GREY, *seen]
    conditions = table[["condition", "severity"]].drop_duplicates().to_numpy().tolist()
    for (name, severity), colour in zip(conditions, colours, strict=False):
        rows = table.loc[(table.condition == name) & (table.severity == severity)]
        words = f"{readable(name)} {severity}" if severity else "unchanged"
        ax.plot(rows["size"], rows.alarms, color=colour, marker="o", markersize=4)
        ax.fill_between(rows["size"], rows.lo, rows.hi, color=colour, alpha=0.15, linewidth=0)
        ends.append(LineEnd(rows["size"].iloc[-1], rows.alarms.iloc[-1], words, colour))
    ax.axhline(level, color=GREY, linewidth=0.9, linestyle="--")
    ax.set_xlabel("pictures in a batch, one of a group")
    ax.set_ylabel("batches with an alarm")
    ax.set_ylim(-0.02, 1.02)
    percent_axis(ax.yaxis)
    label_line_ends(ax, ends)
    footnote(fig, f"dashed: {level:.0%}; bands: 95% Wilson, {int(table.n.max())} batches each")
    return fig
