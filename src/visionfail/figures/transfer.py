"""Transfer learning: rates, spectra, the ladder, backgrounds, and what follow-ups change."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import (
    GREY,
    OKABE_ITO,
    LineEnd,
    check_names,
    count_range,
    error_arms,
    label_line_ends,
    name_and_shade_rows,
    percent_axis,
)
from visionfail.names import weights_name

KIND_COLOURS = {
    "frozen": OKABE_ITO["sky"],
    "fine-tuned": OKABE_ITO["green"],
    "from scratch": OKABE_ITO["black"],
}
RESIZING_COLOURS = {
    "original": GREY,
    "bilinear": OKABE_ITO["blue"],
    "bicubic": OKABE_ITO["orange"],
    "bicubic-pil": OKABE_ITO["vermillion"],
}
BETTER_COLOURS = {"yes": OKABE_ITO["green"], "no": OKABE_ITO["vermillion"], "undecided": GREY}
BETTER_WORDS = {"yes": "better", "no": "worse", "undecided": "undecided"}
GROUP_COLOURS = ("green", "sky", "purple", "orange")
DOT = {"fmt": "o", "markersize": 4, "capsize": 0, "elinewidth": 1.4}


def rates_plot(rates: Mapping[str, ArrayLike], *, frozen_steps: int, title: str = "") -> Figure:
    """The learning rate of each part of a network by step, {part: (steps,)}, over both phases."""
    fig = new_figure(2.4, title)
    ax = fig.add_subplot()
    colours = [OKABE_ITO["green"], OKABE_ITO["blue"], GREY]
    ends = []
    for (part, values), colour in zip(rates.items(), colours, strict=False):
        values = np.asarray(values)
        ax.plot(values, color=colour)
        highest = int(values.argmax())
        ends.append(LineEnd(highest, values[highest], part, colour))
    ax.axvspan(0, frozen_steps, color="#EFEFEF", zorder=-1)
    ax.set_xlabel("step")
    ax.set_ylabel("learning rate")
    ax.set_ylim(bottom=0)
    ax.text(frozen_steps, 0, "base frozen ", ha="right", va="bottom", fontsize=9)
    label_line_ends(ax, ends)
    return fig


def spectrum_curves(
    spectra: Mapping[str, ArrayLike], *, highest: int, n: int, title: str = ""
) -> Figure:
    """Mean spectral energy by cycles a picture, {resizing: (R,)}, logarithmic.

    `highest` is the highest frequency of the original pictures; ValueError for a resizing without a
    colour.
    """
    check_names(spectra, RESIZING_COLOURS, "resizing")
    fig = new_figure(3.0, title)
    ax = fig.add_subplot()
    ends = []
    for name, values in spectra.items():
        values = np.asarray(values)
        cycles = np.arange(1, len(values))  # 0 is the picture's mean
        ax.plot(cycles, values[1:], color=RESIZING_COLOURS[name])
        ends.append(LineEnd(cycles[-1], values[-1], name, RESIZING_COLOURS[name]))
    ax.axvline(highest, color=GREY, linewidth=0.8)
    ax.set_yscale("log")
    ax.margins(y=0.12)  # names stand below the ends
    ax.set_xlabel("cycles a picture")
    ax.set_ylabel("mean energy")
    label_line_ends(ax, ends)
    footnote(fig, f"along a side the original has nothing right of the line; n = {n:,} images")
    return fig


def epochs_plot(curves: Mapping[str, ArrayLike], *, n: int, title: str = "") -> Figure:
    """Accuracy on n validation images by epoch, {recipe: (E,)}, the first recipe in green."""
    fig = new_figure(2.8, title)
    ax = fig.add_subplot()
    names = ("green", "blue", "sky", "orange")
    ends = []
    for (recipe, accuracy), colour in zip(curves.items(), names, strict=False):
        values = np.asarray(accuracy)
        epochs = np.arange(1, len(values) + 1)
        ax.plot(epochs, values, color=OKABE_ITO[colour], marker=".")
        ends.append(LineEnd(epochs[-1], values[-1], recipe, OKABE_ITO[colour]))
    ax.set_xlabel("epoch")
    ax.set_ylabel("validation accuracy")
    percent_axis(ax.yaxis)
    label_line_ends(ax, ends)
    footnote(fig, f"means over seeds; n = {n:,} images, of running means of the weights")
    return fig


def ladder_plot(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Accuracy over what training took: a dot per recipe with its 95% interval.

    Rows have words, kind (of KIND_COLOURS), weights, minutes, value, lo, hi, images (trained on),
    seeds; the marks of recipes trained on all images are stars.
    """
    check_names(table.kind, KIND_COLOURS, "kind")
    fig = new_figure(3.6, title)
    ax = fig.add_subplot()
    most = table.images.max()
    for _, row in table.iterrows():
        marker = "*" if row.images == most else "o"
        arms = error_arms(row.value, row.lo, row.hi)
        colour = KIND_COLOURS[row.kind]
        ax.errorbar(
            row.minutes,
            row.value,
            arms,
            fmt=marker,
            markersize=9 if marker == "*" else 5,
            color=colour,
            label=row.kind,
        )
        ax.annotate(
            row.words,
            (row.minutes, row.value),
            xytext=(6, 4),
            textcoords="offset points",
            fontsize=8,
            color=colour,
        )
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_xlabel("minutes of training on one core, features included (median over seeds)")
    ax.set_ylabel("test accuracy")
    percent_axis(ax.yaxis)
    ax.margins(x=0.18)
    fewest = int(table.images.min())
    weights = " or ".join(map(weights_name, sorted(set(table.weights) - {"none"})))
    text = f"dots: trained on the same {fewest:,} images; stars: on {int(most):,}; bars: 95%"
    footnote(fig, f"{text}; the pre-trained network: {weights}")
    return fig


def recall_plot(table: pd.DataFrame, *, note: str = "", title: str = "") -> Figure:
    """The recall of each class by recipe with its 95% interval, the class worst by the last on top.

    Rows have recipe (of KIND_COLOURS), class, recall, lo, hi, n, seeds; `note` stands below.
    """
    check_names(table.recipe, KIND_COLOURS, "recipe")
    recipes = list(table.recipe.unique())
    by_last = table.loc[table.recipe == recipes[-1], :].sort_values(by="recall")
    classes = list(by_last["class"])
    fig = new_figure(0.32 * len(classes) + 0.9, title)
    ax = fig.add_subplot()
    for place, recipe in enumerate(recipes):
        rows = table[table.recipe == recipe]
        offset = 0.22 * (place - (len(recipes) - 1) / 2)
        y = [classes.index(name) + offset for name in rows["class"]]
        arms = error_arms(rows.recall, rows.lo, rows.hi)
        seeds = rows.seeds.iloc[0]
        label = f"{recipe}, {seeds} {'seed' if seeds == 1 else 'seeds'}"
        ax.errorbar(rows.recall, y, xerr=arms, color=KIND_COLOURS[recipe], label=label, **DOT)
    name_and_shade_rows(ax, classes)
    percent_axis(ax.xaxis)
    ax.set_xlabel("recall")
    legend(fig, named_handles(ax))
    text = f"95% over pictures and seeds; n = {count_range(table.n)} pictures of a class"
    footnote(fig, "; ".join([text, note] if note else [text]))
    return fig


def swap_plot(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Accuracy as the background changes: a row per swap, with a dot and its 95% interval.

    Rows have swap, classes (whose pictures), value, lo, hi, n.
    """
    swaps = list(table.swap.unique())
    groups = list(table.classes.unique())
    fig = new_figure(0.5 + 0.46 * len(swaps), title)
    ax = fig.add_subplot()
    for place, group in enumerate(groups):
        rows = table[table.classes == group]
        y = [swaps.index(swap) + 0.2 * (place - (len(groups) - 1) / 2) for swap in rows.swap]
        arms = error_arms(rows.value, rows.lo, rows.hi)
        colour = OKABE_ITO[GROUP_COLOURS[place]]
        label = f"{group}, n = {rows.n.iloc[0]:,}"
        ax.errorbar(rows.value, y, xerr=arms, color=colour, label=label, **DOT)
    name_and_shade_rows(ax, swaps)
    percent_axis(ax.xaxis)
    ax.set_xlabel("accuracy")
    legend(fig, named_handles(ax))
    footnote(fig, "95% over pictures with a usable mask; the reference network")
    return fig


def changes_plot(table: pd.DataFrame, *, against: str, title: str = "") -> Figure:
    """What each change of a recipe does to each measure: a panel a measure, a row a change.

    Rows have change, measure, seeds, value, lo, hi, better: differences to the recipe `against`.
    """
    measures = list(table.measure.unique())
    changes = list(table.change.unique())
    fig = new_figure(0.6 + 0.34 * len(changes), title)
    axes = fig.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for ax, measure in zip(axes, measures, strict=True):
        _changes_of(ax, table.loc[table.measure == measure, :], changes)
        lower = " (lower is better)" if measure == "ECE" else ""
        ax.set_title(f"{measure}{lower}", fontsize=9)
    handles = {}
    for better, words in BETTER_WORDS.items():
        handles[words] = Line2D([], [], color=BETTER_COLOURS[better], marker="o", markersize=4)
    legend(fig, handles)
    seeds = table.seeds.min()
    note = f"points: difference to {against}; 95% over images and {seeds} seeds, crossed"
    footnote(fig, f"{note}; scales differ")
    return fig


def _changes_of(ax: Axes, rows: pd.DataFrame, changes: Sequence[str]) -> None:
    """One measure: a dot per change with its interval, coloured by whether it is better."""
    for _, row in rows.iterrows():
        colour = BETTER_COLOURS[row.better]
        arms = error_arms(row.value, row.lo, row.hi)
        ax.errorbar(row.value, changes.index(row.change), xerr=arms, color=colour, **DOT)
    ax.axvline(0, color=GREY, linewidth=0.8)
    name_and_shade_rows(ax, changes)
    ax.tick_params(axis="x", labelsize=8)
    ax.locator_params(axis="x", nbins=3)
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:+.3g}" if value else "0")
