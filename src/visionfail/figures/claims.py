"""The figure of claims: values and intervals beside the regions in which the claims hold."""

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import (
    OKABE_ITO,
    SET_COLOURS,
    centred_offsets,
    error_arms,
    model_colour,
    name_rows,
)
from visionfail.names import network_name

MARKERS = "os^Dv"  # a shape per training seed, so that two of one colour can be told apart
SEVERAL = "P"  # the shape of several seeds, where single ones stand beside them


def claims_plot(
    table: pd.DataFrame, *, things: str = "images", note: str = "", title: str = ""
) -> Figure:
    """Each claim with one value and 95% interval per network, its region shaded, its verdicts.

    `things` are what n counts; `note` is written below in place of how many.

    A claim holds inside its region, from low to high. Rows have claim, words, model, seed, low,
    high, value, lo, hi, n and verdict.
    """
    most = int(table.claim.value_counts().max())
    fig, ax = _shaded_claims(table, height=max(0.42, 0.1 * most), title=title)
    _, right = ax.get_xlim()
    for y, (_, networks) in enumerate(table.groupby("claim", sort=False)):
        heights = y + centred_offsets(len(networks), step=0.22, room=0.8)
        for row, height in zip(networks.itertuples(), heights, strict=True):
            _draw_value(ax, height, row)
        verdicts = " / ".join(networks.verdict.unique())
        ax.text(right, y, f"  {verdicts}", va="center", fontsize=8.5)
    ax.set_xlabel("value of each claim's statistic: a share, a difference of shares, or an AUROC")
    _add_legend(fig, ax)
    footnote(fig, note or _claims_note(table, things))
    return fig


def claims_by_set_plot(table: pd.DataFrame, *, note: str = "", title: str = "") -> Figure:
    """Each claim with one value, 95% interval and verdict per set of images, its region shaded.

    Rows are those of `claims_plot` with a column "set", whose colours are those of SET_COLOURS.
    `note` is written below.
    ValueError for a set without a colour.
    """
    fig, ax = _shaded_claims(table, height=0.58, title=title)
    for y, (_, of_sets) in enumerate(table.groupby("claim", sort=False)):
        heights = y + centred_offsets(len(of_sets), step=0.3, room=0.8)
        for row, height in zip(of_sets.itertuples(), heights, strict=True):
            _draw_value_of_set(ax, height, row)
    ax.set_xlabel("value of each claim's statistic: a share, a difference, or an agreement")
    _add_legend(fig, ax)
    if note:
        footnote(fig, note)
    footnote(fig, "dots: value with 95% interval; the region may ask for p < 5% beside it")
    return fig


def _shaded_claims(table: pd.DataFrame, *, height: float, title: str) -> tuple[Figure, Axes]:
    """A figure with a named row of `height` inches per claim, in which its region is shaded."""
    claims = table.drop_duplicates("claim").to_dict("records")
    fig = new_figure(height * len(claims) + 0.5, title)
    ax = fig.add_subplot()
    low, high = _value_limits(table)
    for y, claim in enumerate(claims):
        region = np.clip([claim["low"], claim["high"]], low, high)
        green = OKABE_ITO["green"]
        ax.fill_between(region, y - 0.42, y + 0.42, color=green, alpha=0.2, linewidth=0)
    ax.set_xlim(low, high)
    names = [fill(f"{claim['claim']}: {claim['words']}", 46) for claim in claims]
    name_rows(ax, names, fontsize=8)
    ax.grid(False, axis="y")
    return fig, ax


def _add_legend(fig: Figure, ax: Axes) -> None:
    """Name the marks that are drawn, and the regions."""
    handles = named_handles(ax)
    handles["holds in here"] = Patch(facecolor=OKABE_ITO["green"], alpha=0.2)
    legend(fig, handles)


def _claims_note(table: pd.DataFrame, things: str) -> str:
    """What the dots are, which claims are not judged by them alone, and which are over seeds."""
    n = " and ".join(f"{n:,}" for n in table.n.astype(int).unique())
    note = f"dots: value with 95% bootstrap interval over n = {n} {things}"
    inside = (table.lo >= table.low) & (table.hi <= table.high)
    outside = (table.hi < table.low) | (table.lo > table.high)
    decided = np.where(inside, "holds", np.where(outside, "fails", "undecided"))
    stricter = table.loc[table.verdict != decided, "claim"].unique()
    if len(stricter):
        note += f"; {', '.join(stricter)}: more is asked than this interval"
    over_seeds = table.loc[~table.seed.astype(str).str.isdecimal(), "claim"].unique()
    if len(over_seeds):
        note += f"; {', '.join(over_seeds)}: over seeds, too"
    return note


def _value_limits(table: pd.DataFrame) -> tuple[float, float]:
    """Limits of the axis of values, which has 0, every interval and every region's end in it."""
    values = table[["value", "lo", "hi", "low", "high"]].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    low = min(0.0, values.min())
    high = max(0.0, values.max())
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def _draw_value(ax: Axes, y: float, row: Any) -> None:
    """Draw one row of the table at height y; the first mark of each network carries its label."""
    name = network_name(row.model, row.seed)
    marker = seed_marker(row.seed)
    ax.errorbar(
        [row.value],
        [y],
        xerr=error_arms(row.value, row.lo, row.hi),
        fmt=marker,
        markersize=5,
        color=model_colour(row.model),
        alpha=1 if marker in (MARKERS[0], SEVERAL) else 0.6,
        label=None if name in named_handles(ax) else name,
    )


def _draw_value_of_set(ax: Axes, y: float, row: Any) -> None:
    """Draw one row of the table at height y in the colour of its set, its verdict at the right."""
    place = list(SET_COLOURS).index(row.set)
    colour = SET_COLOURS[row.set]
    ax.errorbar(
        [row.value],
        [y],
        xerr=error_arms(row.value, row.lo, row.hi),
        fmt=MARKERS[place],
        markersize=4.5,
        color=colour,
        label=None if row.set in named_handles(ax) else row.set,
    )
    at_right = ax.get_yaxis_transform()
    value, lo, hi = (round(number, 2) + 0.0 for number in (row.value, row.lo, row.hi))  # no -0.00
    text = f"{row.verdict}  {value:.2f} ({lo:.2f}, {hi:.2f})"
    ax.text(1.01, y, text, transform=at_right, va="center", fontsize=8, color=colour)


def seed_marker(seed: int | str) -> str:
    """The marker of a training seed; SEVERAL of several, "0 to 4" or "0, 2"."""
    return MARKERS[int(seed) % len(MARKERS)] if str(seed).isdecimal() else SEVERAL
