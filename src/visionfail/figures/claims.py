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
    percent_axis,
)
from visionfail.names import network_name

MARKERS = "os^Dv"  # a shape per training seed, so that two of one colour can be told apart


def claims_plot(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Each claim with one value and 95% interval per network, its region shaded, its verdicts.

    A claim holds inside its region, from low to high. Rows have claim, words, model, seed, low,
    high, value, lo, hi, n and verdict; with a column "set", a value per set of images instead, its
    verdict beside it, in the colours of SET_COLOURS. ValueError for a set without a colour.
    """
    keys = list(table.claim.unique())
    by_set = "set" in table
    fig = new_figure((0.58 if by_set else 0.42) * len(keys) + 0.5, title)
    ax = fig.add_subplot()
    low, high = _value_limits(table)
    for y, key in enumerate(keys):
        networks = table.loc[table.claim == key]
        region = np.clip([networks.low.iloc[0], networks.high.iloc[0]], low, high)
        _draw_claim(ax, y, networks, region)
        if not by_set:
            verdicts = " / ".join(networks.verdict.unique())
            ax.text(high, y, f"  {verdicts}", va="center", fontsize=8.5)
    ax.set_xlim(low, high)
    words = table.drop_duplicates("claim").set_index("claim").words
    name_rows(ax, [fill(f"{key}: {words[key]}", 46) for key in keys], fontsize=8)
    if by_set:
        ax.set_xlabel("value of each claim's statistic: share, kappa, W or correlation")
    else:
        percent_axis(ax.xaxis)
        ax.set_xlabel("value of each claim's statistic, points or shares")
    ax.grid(False, axis="y")
    handles = named_handles(ax)
    handles["holds in here"] = Patch(facecolor=OKABE_ITO["green"], alpha=0.2)
    legend(fig, handles)
    footnote(fig, _claims_note(table))
    return fig


def _draw_claim(ax: Axes, y: float, networks: pd.DataFrame, region: np.ndarray) -> None:
    """Draw one claim around height y: its region (2,), and the value of each network."""
    green = OKABE_ITO["green"]
    ax.fill_between(region, y - 0.42, y + 0.42, color=green, alpha=0.2, linewidth=0)
    by_set = "set" in networks
    step = 0.3 if by_set else 0.22
    heights = y + centred_offsets(len(networks), step=step, room=0.8)
    for row, height in zip(networks.itertuples(), heights, strict=True):
        if by_set:
            _draw_value_of_set(ax, height, row)
        else:
            _draw_value(ax, height, row)


def _claims_note(table: pd.DataFrame) -> str:
    """What the dots are, and which claims lie in their region without being said to hold."""
    n = " and ".join(f"{n:,}" for n in table.n.astype(int).unique())
    note = f"dots: value with 95% bootstrap interval over n = {n} images"
    if "set" in table:
        note = "dots: value with 95% interval; the region may ask for p < 5% beside it"
        return note
    inside = (table.lo >= table.low) & (table.hi <= table.high)
    stricter = table.loc[inside & (table.verdict != "holds"), "claim"].unique()
    if len(stricter):
        note += f"; {', '.join(stricter)}: more is asked than this interval"
    return note


def _value_limits(table: pd.DataFrame) -> tuple[float, float]:
    """Limits of the axis of values, which has 0 and 1 and every interval in it."""
    values = table[["value", "lo", "hi"]].to_numpy(dtype=float)
    low = min(0.0, np.nanmin(values)) - 0.05
    high = max(1.0, np.nanmax(values)) + 0.02
    return low, high


def _draw_value(ax: Axes, y: float, row: Any) -> None:
    """Draw one row of the table at height y; the first mark of each network carries its label."""
    name = network_name(row.model, row.seed)
    marker = _seed_marker(row.seed)
    ax.errorbar(
        [row.value],
        [y],
        xerr=error_arms(row.value, row.lo, row.hi),
        fmt=marker,
        markersize=5,
        color=model_colour(row.model),
        alpha=1 if marker == MARKERS[0] else 0.6,
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


def _seed_marker(seed: int | str) -> str:
    """The marker of a training seed; of the first one where it stands for several, as "0 to 4"."""
    first_seed = str(seed).split()[0]
    return MARKERS[int(first_seed) % len(MARKERS)]
