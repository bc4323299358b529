"""Figures of saliency maps: beside their pictures, and how far they move under corruption.

And the accuracy and confidence of networks by human label uncertainty.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from visionfail.figures.claims import seed_marker
from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.pictures import heat, image_grid
from visionfail.figures.style import (
    GREY,
    LineEnd,
    centred_offsets,
    count_range,
    error_arms,
    label_line_ends,
    model_colour,
    name_and_shade_rows,
    panels,
    percent_axis,
    rows_needed,
)
from visionfail.names import model_name, network_name, readable

MEASURE_LABELS = {
    "overlap": "overlap with the clean map",
    "shift": "shift of the centre, of the side",
    "entropy": "entropy",
}

COLUMNS = 3  # of the panels of `drift_curves`


def beside_maps(
    images: ArrayLike,
    maps: ArrayLike,
    *,
    columns: int,
    captions: Sequence[str],
    row_names: Sequence[str] | None = None,
    of: str = "class named on the clean image",
    title: str = "",
) -> Figure:
    """Images uint8 (N, 3, H, W), each with its map on its right, `columns` pairs per row.

    Maps (N, H, W) are in [0, 1], `of` which class the footnote says; captions (N,) stand above the
    images.
    """
    pairs = np.stack([np.asarray(images), _as_pictures(maps)], axis=1)  # (N, 2, 3, H, W)
    words = []
    for caption in captions:
        words += [caption, ""]
    fig = image_grid(
        pairs.reshape(-1, *pairs.shape[2:]),
        columns=2 * columns,
        captions=words,
        row_names=row_names,
        title=title,
    )
    _explain_maps(fig, of)
    return fig


def storyboard(
    images: ArrayLike,
    by_model: Mapping[str, tuple[ArrayLike, Sequence[str]]],
    *,
    corruption: str,
    title: str = "",
) -> Figure:
    """One picture at severity 0, 1, ... from left to right, above each network's maps of it.

    Images are uint8 (S, 3, H, W); `by_model` is {model: (maps (S, H, W) in [0, 1], captions (S,))}.
    """
    images = np.asarray(images)
    pictures = [images]
    captions = ["clean"]
    captions += [f"severity {severity}" for severity in range(1, len(images))]
    row_names = [readable(corruption)]
    for model, (maps, answers) in by_model.items():
        pictures.append(_as_pictures(maps))
        captions += answers
        row_names.append(model_name(model))
    fig = image_grid(
        np.concatenate(pictures),
        columns=len(images),
        captions=captions,
        row_names=row_names,
        title=title,
    )
    _explain_maps(fig)
    return fig


def _as_pictures(maps: ArrayLike) -> np.ndarray:
    """Maps (N, H, W) in [0, 1] as pictures uint8 (N, 3, H, W)."""
    return np.moveaxis(heat(maps), -1, 1)


def _explain_maps(fig: Figure, of: str = "class named on the clean image") -> None:
    """Say in the footnote what the maps show."""
    footnote(fig, f"maps: Grad-CAM of the {of}; yellow: much evidence, blue: none")


def drift_curves(table: pd.DataFrame, *, measure: str, title: str = "") -> Figure:
    """One measure of the maps by severity, one panel per corruption, one colour per network.

    Curves begin with jitter, which moves a map although nothing is wrong; they are dashed for
    random weights. Rows have condition, severity, measure, value, lo, hi, n, model and weights
    ("trained" or "random").
    """
    table = table.loc[table.measure == measure]
    names = [name for name in table.condition.unique() if name not in ("clean", "jitter")]
    fig = new_figure(1.75 * rows_needed(len(names), COLUMNS) + 0.4, title)
    axes = panels(fig, len(names), columns=COLUMNS)
    for ax, name in zip(axes, names, strict=True):
        ax.set_title(readable(name), fontsize=9, pad=3)
        _draw_drift(ax, table, name)
    severities = sorted(table.severity[table.severity > 0].unique())
    axes[0].set_xticks(range(len(severities) + 1), ["jitter", *severities])
    for ax in axes:
        ax.set_xlabel("severity", fontsize=8)
        ax.tick_params(labelbottom=True)
    for left in axes[::COLUMNS]:
        left.set_ylabel(MEASURE_LABELS[measure], fontsize=8)
    legend(fig, named_handles(axes[0]))
    sizes = ", ".join(f"{n:,}" for n in table.groupby("model").n.first())
    footnote(fig, f"bands: 95%, bootstrap over images right when clean, n = {sizes}")
    return fig


def _draw_drift(ax: Axes, table: pd.DataFrame, condition: str) -> None:
    """Draw a line per network and kind of weights: jitter first, then the severities."""
    jitter = table.loc[table.condition == "jitter"]
    corrupted = table.loc[table.condition == condition]
    for (model, weights), points in corrupted.groupby(["model", "weights"], sort=False):
        begin = jitter.loc[(jitter.model == model) & (jitter.weights == weights)]
        line = pd.concat([begin, points.sort_values("severity")])
        _draw_line(ax, line, model, trained=weights == "trained")


def _draw_line(ax: Axes, points: pd.DataFrame, model: str, *, trained: bool) -> None:
    """Draw values and band of the points in their order, one step apart."""
    x = np.arange(len(points))
    colour = model_colour(model)
    if trained:
        label = model_name(model)
        style = {"linestyle": "-", "linewidth": 1.6}
    else:
        label = f"{model_name(model)}, random weights"
        style = {"linestyle": "--", "linewidth": 1.1}
    ax.plot(x, points.value, marker=".", color=colour, label=label, **style)
    alpha = 0.25 if trained else 0.12
    ax.fill_between(x, points.lo, points.hi, color=colour, alpha=alpha, linewidth=0)


def causes_of_drift_plot(table: pd.DataFrame, *, title: str = "") -> Figure:
    """How much of a map is left, one row per cause: as overlap, and on the scale of its two ends.

    Marks have 95% intervals, the colour of the network and a shape per seed, hollow for seeds other
    than 0; grey dots stand for a pair of architectures. Rows have cause, model, seed, n, overlap,
    lo, hi and scale, scale_lo, scale_hi, which is 0 for jitter and 1 for another image.
    """
    causes = list(table.cause.unique())
    most = int(table.cause.value_counts().max())
    fig = new_figure(max(0.36, 0.1 * most) * len(causes) + 0.6, title)
    left, right = fig.subplots(1, 2, sharey=True)
    for y, cause in enumerate(causes):
        rows = table[table.cause == cause]
        heights = y + centred_offsets(len(rows), step=0.2, room=0.7)
        for row, height in zip(rows.itertuples(), heights, strict=True):
            _draw_cause(left, height, row, ("overlap", "lo", "hi"))
            _draw_cause(right, height, row, ("scale", "scale_lo", "scale_hi"))
    for ax in (left, right):
        name_and_shade_rows(ax, causes)
    left.set(xlim=(0, 1), xlabel="overlap of two maps")
    right.axvline(0, color=GREY, linewidth=0.8)
    right.axvline(1, color=GREY, linewidth=0.8)
    right.set(xlabel="0: as jitter; 1: as another image")
    legend(fig, named_handles(left))
    footnote(fig, f"bars: 95%, bootstrap over images, n = {count_range(table.n)} right when clean")
    footnote(
        fig,
        "overlap: shared part of the strongest fifth of the pixels; another image: the next one",
    )
    return fig


def _draw_cause(ax: Axes, y: float, row: Any, columns: tuple[str, str, str]) -> None:
    """Draw a row's value, lo and hi at height y, by the names of their columns.

    A network's first mark carries its label.
    """
    if row.cause == "another architecture":
        label = "two architectures"
        colour = GREY
        face = GREY
        marker = "o"
    else:
        label = network_name(row.model, row.seed)
        colour = model_colour(row.model)
        face = colour if row.seed == 0 else "white"
        marker = seed_marker(row.seed)
    value, lo, hi = (getattr(row, column) for column in columns)
    ax.errorbar(
        [value],
        [y],
        xerr=error_arms(value, lo, hi),
        fmt=marker,
        color=colour,
        markerfacecolor=face,
        markersize=4.5,
        label=None if label in named_handles(ax) else label,
    )


def human_uncertainty(
    table: pd.DataFrame, *, model: str, severities: Sequence[int], title: str = ""
) -> Figure:
    """Accuracy and confidence of one network by human label uncertainty, one line per severity.

    Groups are of images, by the uncertainty of people about the clean image. Rows have group,
    metric, severity, value, lo, hi and n.
    """
    groups = list(table.group.unique())
    fig = new_figure(3.2, title)
    left, right = fig.subplots(1, 2, sharey=True)
    left.set_title("accuracy")
    right.set_title("mean confidence")
    for ax, metric in ((left, "accuracy"), (right, "confidence")):
        measured = table.loc[table.metric == metric]
        _draw_by_group(ax, measured, groups, model=model, severities=severities)
    n = table.drop_duplicates("group").set_index("group").n
    sizes = ", ".join(f"{group} {n[group]:,}" for group in groups)
    footnote(fig, f"{model_name(model)}; bands: 95%, bootstrap over images; n: {sizes}")
    return fig


def _draw_by_group(
    ax: Axes,
    table: pd.DataFrame,
    groups: Sequence[str],
    *,
    model: str,
    severities: Sequence[int],
) -> None:
    """Draw one metric by group, the lines paler with severity and named at their ends."""
    x = range(len(groups))
    colour = model_colour(model)
    opacities = np.linspace(1, 0.35, len(severities))
    ends = []
    for severity, opacity in zip(severities, opacities, strict=True):
        points = table[table.severity == severity].set_index("group").loc[list(groups)]
        ax.plot(x, points.value, marker=".", color=colour, alpha=opacity)
        ax.fill_between(x, points.lo, points.hi, color=colour, alpha=0.2, linewidth=0)
        name = f"severity {severity}" if severity else "clean"
        ends.append(LineEnd(x[-1], points.value.iloc[-1], name, colour))
    ax.set_xticks(x, groups)
    ax.set_xlabel("human label uncertainty of the clean image")
    ax.set(ylim=(0, 1.02), xlim=(-0.2, len(groups) + 0.1))
    percent_axis(ax.yaxis)
    label_line_ends(ax, ends)
