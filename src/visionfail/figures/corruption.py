"""Figures of accuracy over corruptions and severities, from rows of a results table.

The rows have `results.COLUMNS` and hold one metric, accuracy; the row with severity 0 and condition
"clean" serves every corruption.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MultipleLocator, PercentFormatter

from visionfail.figures.margins import (
    corruption_labels,
    footnote,
    legend,
    named_handles,
    new_figure,
)
from visionfail.figures.style import (
    LineEnd,
    count_range,
    error_arms,
    label_line_ends,
    model_colour,
    panels,
    percent_axis,
    rows_needed,
    shade_rows,
)
from visionfail.names import model_name

CLEAN = "clean"

MARKERS = "oDs^vPX<>p*"


def corruption_heatmap(
    table: pd.DataFrame, *, extras: Sequence[str] = (), title: str = ""
) -> Figure:
    """Accuracy of one model by corruption and severity, in percent.

    Corruptions come in the order of the table's rows, a line above the first of `extras`.
    ValueError where a cell is missing or given twice.
    """
    _check_table(table, ["condition", "severity"])
    names = _corruptions(table)
    severities = sorted(int(severity) for severity in table.severity.unique())
    accuracy = _accuracy_grid(table, names, severities)  # (corruptions, severities)
    fig = new_figure(0.27 * len(names) + 0.7, title)
    ax = fig.add_subplot()
    image = _draw_percents(ax, accuracy)
    first_extra = next((row for row, name in enumerate(names) if name in extras), 0)
    if first_extra:
        ax.axhline(first_extra - 0.5, color="white", linewidth=3)
    ax.set_yticks(range(len(names)), _labels(fig, table, names))
    ax.set_xticks(range(len(severities)), [str(s) if s else "clean" for s in severities])
    ax.set_xlabel("severity")
    bar = fig.colorbar(image, ax=ax, format=PercentFormatter(1, decimals=0), pad=0.02)
    bar.set_label("accuracy")
    note = "accuracy in percent"
    if first_extra:
        note += "; under the white line: the four extras, outside the mean"
    models = ", ".join(map(model_name, table.model.unique()))
    footnote(fig, f"{models}, {note}; {_image_count(table)}")
    return fig


def _accuracy_grid(
    table: pd.DataFrame, names: Sequence[str], severities: Sequence[int]
) -> np.ndarray:
    """Accuracies (corruptions, severities); the clean one stands in every row at severity 0."""
    accuracies = {}
    for row in table.to_dict("records"):
        accuracies[row["condition"], int(row["severity"])] = row["value"]
    grid = np.empty((len(names), len(severities)))
    for i, name in enumerate(names):
        for j, severity in enumerate(severities):
            condition = name if severity else CLEAN
            if (condition, severity) not in accuracies:
                raise ValueError(
                    f"no accuracy for {(name, severity)}: run that condition, "
                    "or leave it out altogether."
                )
            grid[i, j] = accuracies[condition, severity]
    return grid


def _draw_percents(ax: Axes, grid: np.ndarray) -> AxesImage:
    """The fractions (rows, columns) as a heatmap, each written into its cell in percent."""
    image = ax.imshow(grid, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    for (row, column), value in np.ndenumerate(grid):
        colour = "black" if value > 0.55 else "white"
        text = f"{100 * value:.1f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    ax.grid(False)
    ax.tick_params(length=0)
    return image


def severity_curves(
    table: pd.DataFrame,
    *,
    band: str,
    columns: int = 4,
    label_ends: bool = False,
    notes: Mapping[str, str] | None = None,
    title: str = "",
) -> Figure:
    """Accuracy against severity, one small panel per corruption, one line per model.

    `band` names the kind of lo and hi. Models without them, as published ones, get a line alone;
    with `label_ends` the others are named at the end of each line instead of in the legend.
    `notes`, {corruption: words}, stand over their panels. ValueError where a point is given twice.
    """
    _check_table(table, ["model", "condition", "severity"])
    names = _corruptions(table)
    height = 1.6 if notes else 1.45  # inches of a panel
    fig = new_figure(height * rows_needed(len(names), columns) + 0.4, title)
    axes = panels(fig, len(names), columns=columns)
    for ax, name, label in zip(axes, names, _labels(fig, table, names), strict=True):
        heading = f"{label}\n{notes[name]}" if notes else label
        ax.set_title(heading, fontsize=9, pad=3)
        on_panel = table.loc[table.condition.isin([name, CLEAN])]
        for model, points in on_panel.groupby("model", sort=False):
            _draw_curve(ax, points.sort_values("severity"), model)
    _label_panels(axes, columns)
    banded = table.loc[table.lo.notna()]
    names_at_ends = {}
    if label_ends:
        names_at_ends = {model_name(model): model for model in banded.model.unique()}
    handles = named_handles(axes[0])
    legend(fig, {label: handles[label] for label in handles if label not in names_at_ends})
    if len(banded):
        band += f", at most ±{50 * (banded.hi - banded.lo).max():.1f} points"
    footnote(fig, f"bands: {band}; {_image_count(banded)}")
    if label_ends:  # last, when the panels have their size
        _name_lines(axes, names_at_ends)
    return fig


def _label_panels(axes: Sequence[Axes], columns: int) -> None:
    """Give the panels their shared scales, and labels to those on the left and at the bottom."""
    axes[0].set_ylim(0, 1.02)
    axes[0].xaxis.set_major_locator(MultipleLocator(1))
    percent_axis(axes[0].yaxis)
    for lowest in axes[-columns:]:  # of every column, also where the last row is not full
        lowest.tick_params(labelbottom=True)
    last_row = (rows_needed(len(axes), columns) - 1) * columns
    for bottom in axes[last_row:]:
        bottom.set_xlabel("severity (0: clean)", fontsize=8)
    for left in axes[::columns]:
        left.set_ylabel("accuracy", fontsize=8)


def _draw_curve(ax: Axes, points: pd.DataFrame, model: str) -> None:
    """Draw one model's accuracy by severity: solid with its band, or dashed where it has none."""
    colour = model_colour(model)
    label = model_name(model)
    severity = points.severity.astype(int)
    if points.lo.isna().all():
        ax.plot(severity, points.value, color=colour, label=label, linewidth=1.1, linestyle="--")
        return
    ax.plot(severity, points.value, color=colour, label=label, marker=".", zorder=3)
    ax.fill_between(severity, points.lo, points.hi, color=colour, alpha=0.25, linewidth=0)


def _name_lines(axes: Sequence[Axes], models: Mapping[str, str]) -> None:
    """Write the labels of {label: model} at the ends of their lines, in every panel."""
    axes[0].set_xlim(right=8.2)  # shared by all: room for the names
    axes[0].set_xticks(range(6))
    for ax in axes:
        ends = []
        for label, line in named_handles(ax).items():
            if label in models:
                x, y = line.get_xydata()[-1]
                ends.append(LineEnd(x, y, label, model_colour(models[label])))
        label_line_ends(ax, ends)


def ours_vs_published(
    table: pd.DataFrame,
    *,
    ours: Sequence[str],
    band: str,
    named: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Accuracy by corruption and model, mean over severities: ours in colour, published in greys.

    Of the published ones those `named`, all by default, have a mark of their own, the others a
    light dot each. The hardest corruption for the first of `ours` is on top; `band` names the kind
    of lo and hi. ValueError where a model has a corruption twice or not at all.
    """
    _check_table(table, ["model", "condition"])
    names = _easiest_first(table, ours[0])
    fig = new_figure(0.3 * len(names) + 0.7, title)
    ax = fig.add_subplot()
    shade_rows(ax, len(names), colour="#F4F4F4")
    published = [model for model in table.model.unique() if model not in ours]
    models = [*ours, *(model for model in published if named is None or model in named)]
    others = table.loc[~table.model.isin(models)]
    kind = f"others (published): {others.model.nunique()}" if len(others) else None
    rows = others.condition.map(names.index)
    ax.plot(others.value, rows, "o", markersize=4, color="#B4B4B4", label=kind, zorder=2)
    shifts = np.linspace(0.24, -0.24, len(models))
    for model, shift, marker in zip(models, shifts, MARKERS, strict=False):
        accuracies = table[table.model == model]
        ax.errorbar(
            accuracies.value,
            accuracies.condition.map(names.index) + shift,
            xerr=error_arms(accuracies.value, accuracies.lo, accuracies.hi),
            fmt=marker,
            markersize=5,
            color=model_colour(model),
            label=model_name(model),
            zorder=4 if model in ours else 3,
        )
    ax.set_yticks(range(len(names)), _labels(fig, table, names))
    ax.set(xlabel="accuracy, mean over severities", ylim=(-0.6, len(names) - 0.4))
    percent_axis(ax.xaxis)
    ax.grid(False, axis="y")
    legend(fig, named_handles(ax))
    footnote(fig, f"bars: {band}; {_image_count(table.loc[table.lo.notna()])}")
    return fig


def _easiest_first(table: pd.DataFrame, model: str) -> list[str]:
    """The corruptions by falling accuracy of `model`; ValueError where a model lacks some."""
    accuracy = table.pivot(index="condition", columns="model", values="value")
    for other in accuracy.columns:
        lacking = accuracy.index[accuracy.loc[:, other].isna()]
        if len(lacking):
            raise ValueError(f"{other} lacks {', '.join(lacking)}: leave out what not all have.")
    return accuracy.loc[:, model].sort_values(ascending=False, kind="stable").index.tolist()


def _corruptions(table: pd.DataFrame) -> list[str]:
    return [name for name in table.condition.unique() if name != CLEAN]


def _labels(fig: Figure, table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The corruptions' names; frost with its star where any row is not of the published files."""
    frost = table[table.condition == "frost"]
    return corruption_labels(fig, names, frost_is_ours=bool((frost.origin != "official").any()))


def _image_count(table: pd.DataFrame) -> str:
    """How many images an accuracy is of, as "n = 10,000 images"."""
    n = table.n.dropna()
    if n.empty:
        return "n not given"
    return f"n = {count_range(n)} images"


def _check_table(table: pd.DataFrame, key: list[str]) -> None:
    """ValueError where the table is empty, lacks a column, or has two rows for one key."""
    needed = dict.fromkeys([*key, "origin", "model", "value", "lo", "hi", "n"])
    missing = [name for name in needed if name not in table.columns]
    if missing or table.empty:
        raise ValueError(
            f"the table has {len(table)} rows and lacks {missing}: "
            "pass accuracy rows of a results table."
        )
    repeated = table[table.duplicated(key)]
    if len(repeated):
        where = repeated.iloc[0][key].to_dict()
        raise ValueError(
            f"the table has several rows for {where}: choose one model, metric and run first."
        )
