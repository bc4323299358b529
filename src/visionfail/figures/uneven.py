"""Figures of uneven errors: classes, the pairs that are confused, what seeds have in common."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import (
    OKABE_ITO,
    SET_COLOURS,
    centred_offsets,
    count_range,
    error_arms,
    model_colour,
    name_rows,
    percent_axis,
)
from visionfail.names import model_name

OUTCOME_COLOURS = {
    "more errors": OKABE_ITO["vermillion"],
    "fewer errors": OKABE_ITO["sky"],
    "undecided": "#D4D4D4",
    "no test images": "#F0F0F0",
}

NAIVE_COLOUR = OKABE_ITO["purple"]
STRUCTURED = OKABE_ITO["vermillion"]
UNCERTAIN = "#B8B8B8"
SHEER = 0.7  # lines of a confusion graph cross
WIDEST = 14.0  # points of its thickest line
THINNEST = 0.8
SEED_MARKERS = "osD^vPX*<>"


def class_error_bars(
    table: pd.DataFrame, *, model: str, thing: str, seeds: int, naive: bool = False, title: str = ""
) -> Figure:
    """The error rate of each class with its 95% interval, in the order of the table.

    Rows are those of `uneven.class_table`: class, accuracy, lo, hi, naive_lo, naive_hi, n,
    independent, outcome. `thing` is what is independent, in the plural: "houses", or "images" or
    "digits" where each is; accuracies are means over so many `seeds`.
    `naive` draws the interval that takes all images as independent beside the other. ValueError
    for an outcome without a colour.
    """
    unknown = set(table.outcome) - set(OUTCOME_COLOURS)
    if unknown:
        raise ValueError(f"no colour for {sorted(unknown)}: choose {', '.join(OUTCOME_COLOURS)}.")
    fig = new_figure(0.24 * len(table) + 0.9, title)
    ax = fig.add_subplot()
    error = 1 - table.accuracy.to_numpy()
    rows = np.arange(len(table))
    colours = [OUTCOME_COLOURS[outcome] for outcome in table.outcome]
    ax.barh(rows, error, height=0.75, color=colours)
    arms = error_arms(error, 1 - table.hi, 1 - table.lo)
    shift = 0.15 if naive else 0
    ax.errorbar(error, rows - shift, xerr=arms, fmt="none", ecolor="black", elinewidth=1.1)
    if naive:
        arms = error_arms(error, 1 - table.naive_hi, 1 - table.naive_lo)
        ax.errorbar(error, rows + shift, xerr=arms, fmt="none", ecolor=NAIVE_COLOUR, elinewidth=2.2)
    alone = thing in ("images", "digits")
    _write_counts(ax, table, twice=not alone)
    name_rows(ax, list(table["class"]))
    ax.set_xlim(left=0)
    ax.set_xlabel("error rate")
    percent_axis(ax.xaxis)
    ax.grid(False, axis="y")
    _class_legend(fig, table, naive=naive)
    counted = thing if alone else f"images and {thing}"
    averaged = f", mean of {seeds} seeds" if seeds > 1 else ""
    note = f"{model_name(model)}{averaged}; at right: {counted} of each class"
    footnote(fig, f"{note}; a colour says more or fewer errors than the rest, p < 5% (Holm)")
    return fig


def _write_counts(ax: Axes, table: pd.DataFrame, *, twice: bool) -> None:
    """Write the images of each class right of the axes, and the independent things if `twice`."""
    beside_row = ax.get_yaxis_transform()
    for row, (n, independent) in enumerate(zip(table.n, table.independent, strict=True)):
        text = f"{n:,}  {independent:,}" if twice else f"{n:,}"
        ax.text(1.01, row, text, transform=beside_row, va="center", fontsize=8)


def _class_legend(fig: Figure, table: pd.DataFrame, *, naive: bool) -> None:
    """Say what the colours and the intervals of `class_error_bars` mean."""
    entries = {}
    for outcome, colour in OUTCOME_COLOURS.items():
        if outcome in set(table.outcome):
            entries[outcome] = Patch(color=colour)
    entries["95% interval"] = Line2D([], [], color="black", linewidth=1.1)
    if naive:
        entries["were all images independent"] = Line2D([], [], color=NAIVE_COLOUR, linewidth=2.2)
    legend(fig, entries)


def confusion_graph(pairs: pd.DataFrame, *, n: int, title: str = "") -> Figure:
    """Lines from true classes on the left to the answers on the right, as wide as their share.

    Rows of `pairs` have true, answered, share (of all wrong answers), expected and p; they are
    drawn in colour where p is under 5%, else grey. `n` counts wrong answers. The classes that make
    most errors of these stand on top, answers opposite the classes that they are given for.
    ValueError without pairs.
    """
    if pairs.empty:
        raise ValueError("no pairs: pass the rows of the pair table that shall be drawn.")
    erring = pairs.groupby("true").share.sum().sort_values(ascending=False)
    answers = _opposite(pairs, list(erring.index))
    most = max(len(erring), len(answers))
    fig = new_figure(0.34 * most + 0.4, title)
    ax = fig.add_subplot()
    starts = _name_side(ax, erring, most, at_left=True)
    ends = _name_side(ax, answers, most, at_left=False)
    widest = pairs.share.max()
    for row in pairs.sort_values("share").to_dict("records"):
        colour = STRUCTURED if row["p"] < 0.05 else UNCERTAIN
        width = max(THINNEST, WIDEST * row["share"] / widest)
        _draw_confusion(ax, starts[row["true"]], ends[row["answered"]], width, colour)
    ax.set(xlim=(-0.5, 1.5), ylim=(most - 0.4, -1.3))
    ax.axis("off")
    _confusion_legend(fig, pairs)
    footnote(
        fig,
        f"n = {n:,} wrong answers; {len(pairs)} pairs, {pairs.share.sum():.0%} of them, are drawn; "
        f"the widest line {widest:.1%}; p corrected for all pairs",
    )
    return fig


def _confusion_legend(fig: Figure, pairs: pd.DataFrame) -> None:
    """Say what the colours of `confusion_graph` mean, those that are there."""
    marks = {}
    if (pairs.p < 0.05).any():
        structured = Line2D([], [], color=STRUCTURED, linewidth=4, alpha=SHEER)
        marks["more than by chance, p < 5%"] = structured
    if (pairs.p >= 0.05).any():
        marks["not told from chance"] = Line2D([], [], color=UNCERTAIN, linewidth=4, alpha=SHEER)
    legend(fig, marks)


def _opposite(pairs: pd.DataFrame, true_classes: Sequence[str]) -> pd.Series:
    """{answer: share}, ordered by the mean place of the classes that an answer is given for."""
    places = pairs.true.map({name: place for place, name in enumerate(true_classes)})
    shares = pairs.groupby("answered").share.sum()
    mean_place = (places * pairs.share).groupby(pairs.answered).sum() / shares
    return shares[mean_place.sort_values(kind="stable").index]


def _name_side(ax: Axes, shares: pd.Series, most: int, *, at_left: bool) -> dict[str, float]:
    """Write classes with their share on one side, evenly over `most` rows: {class: height}."""
    x = -0.02 if at_left else 1.02
    side = "right" if at_left else "left"
    heading = "true class, % of errors drawn" if at_left else "answer"
    ax.text(x, -0.9, heading, ha=side, va="center", fontsize=9, fontweight="bold")
    heights = {}
    for place, (name, share) in enumerate(shares.items()):
        y = (place + 0.5) * most / len(shares) - 0.5
        text = f"{name}  {share:.1%}" if at_left else f"{share:.1%}  {name}"
        ax.text(x, y, text, ha=side, va="center", fontsize=9)
        heights[str(name)] = y
    return heights


def _draw_confusion(ax: Axes, start: float, end: float, width: float, colour: str) -> None:
    """Draw a curve from (0, start) to (1, end), its width in points."""
    corners = [(0, start), (0.5, start), (0.5, end), (1, end)]
    path = Path(corners, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    curve = PathPatch(
        path,
        facecolor="none",
        edgecolor=colour,
        linewidth=width,
        alpha=SHEER,
        capstyle="butt",
    )
    ax.add_patch(curve)


def class_by_seed_plot(
    accuracy: ArrayLike,
    n: ArrayLike,
    classes: Sequence[str],
    *,
    model: str,
    seeds: Sequence[int],
    title: str = "",
) -> Figure:
    """The error rate of each class by seed, a connected dot each, the worst class on top.

    Accuracy is (S, K), seeds by classes, `seeds` their names; n (K,) counts images. Lines that run
    side by side are seeds that put the classes in one order. ValueError for a single seed or other
    shapes.
    """
    accuracy = np.asarray(accuracy)
    if accuracy.ndim != 2 or len(accuracy) < 2 or accuracy.shape[1] != len(classes):
        raise ValueError(
            f"accuracy has shape {accuracy.shape}: give two seeds or more by {len(classes)}."
        )
    present = np.flatnonzero(np.isfinite(accuracy).all(axis=0))
    order = present[np.argsort(accuracy[:, present].mean(axis=0), kind="stable")]
    fig = new_figure(0.24 * len(order) + 0.7, title)
    ax = fig.add_subplot()
    rows = np.arange(len(order))
    entries = {}
    for place, values in enumerate(accuracy):
        (line,) = ax.plot(
            1 - values[order],
            rows,
            marker=SEED_MARKERS[place % len(SEED_MARKERS)],
            markersize=5,
            linewidth=0.8,
            color=model_colour(model),
            alpha=1 - 0.7 * place / len(accuracy),
        )
        entries[f"seed {seeds[place]}"] = line
    name_rows(ax, [classes[int(k)] for k in order])
    ax.set_xlim(left=0)
    ax.set_xlabel("error rate")
    percent_axis(ax.xaxis)
    legend(fig, entries)
    images = count_range(np.asarray(n)[order])
    footnote(fig, f"{model_name(model)}; n = {images} images per class, the same for all seeds")
    return fig


def class_correlations(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Rank correlations with classes' errors, a row per quantity, a dot per set of images.

    Rows have quantity, set, correlation, lo, hi (95%) and classes, how many it is over. Sets have
    the colours of SET_COLOURS; a correlation without an interval is left out. ValueError for a set
    without a colour.
    """
    sets = list(table["set"].unique())
    unknown = set(sets) - set(SET_COLOURS)
    if unknown:
        raise ValueError(f"no colour for {sorted(unknown)}: choose {', '.join(SET_COLOURS)}.")
    quantities = list(table.quantity.unique())
    fig = new_figure(0.2 + 0.2 * len(quantities) * len(sets), title)
    ax = fig.add_subplot()
    offsets = centred_offsets(len(sets), step=0.25, room=0.8)
    for place, name in enumerate(sets):
        rows = table.loc[(table["set"] == name) & table.lo.notna()]
        heights = [quantities.index(quantity) + offsets[place] for quantity in rows.quantity]
        ax.errorbar(
            rows.correlation,
            heights,
            xerr=error_arms(rows.correlation, rows.lo, rows.hi),
            fmt=SEED_MARKERS[place],
            color=SET_COLOURS[name],
            markersize=5,
            label=f"{name} ({count_range(rows.classes)} classes)" if len(rows) else name,
        )
    ax.axvline(0, color="black", linewidth=0.8)
    name_rows(ax, quantities)
    ax.set_xlim(-1.02, 1.02)
    ax.set_xlabel("rank correlation with errors of classes (95% over classes)")
    ax.grid(False, axis="y")
    legend(fig, named_handles(ax))
    return fig
