"""Figures of accuracy over corruptions and severities, from rows of a results table (see
results.COLUMNS).

The tables hold one metric, accuracy; the row with severity 0 and condition "clean" serves every
corruption.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from visionfail.figures.pictures import FROST_NOTE
from visionfail.figures.style import (
    footnote,
    label_line_ends,
    legend,
    model_colour,
    named_handles,
    new_figure,
    percent_axis,
)
from visionfail.names import model_name, readable

CLEAN = "clean"


MARKERS = "oDs^vPX<>p*"


def corruption_heatmap(
    table: pd.DataFrame, *, extras: Sequence[str] = (), title: str = ""
) -> Figure:
    """Accuracy of one model by corruption and severity, in percent; corruptions in the order of the
    table's rows, a line above the first of `extras`. ValueError where a cell is missing or there
    twice.
    """
    _check(table, ["condition", "severity"])
    names = [name for name in table.condition.unique() if name != CLEAN]
    severities = sorted(int(severity) for severity in table.severity.unique())
    cells = {(row.condition, int(row.severity)): row.value for row in table.itertuples()}
    missing = [(n, s) for n in names for s in severities if (n if s else CLEAN, s) not in cells]
    if missing:
        raise ValueError(
            f"no accuracy for {missing[0]}: run that condition, or leave it out altogether."
        )
    grid = np.array([[cells[(name if s else CLEAN, s)] for s in severities] for name in names])
    fig = new_figure(0.27 * len(names) + 0.7, title)
    ax = fig.add_subplot()
    image = ax.imshow(grid, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    for (i, j), value in np.ndenumerate(grid):
        ax.text(
            j,
            i,
            f"{100 * value:.1f}",
            ha="center",
            va="center",
            fontsize=9,
            color="black" if value > 0.55 else "white",
        )
    first_extra = next((i for i, name in enumerate(names) if name in extras), None)
    if first_extra:
        ax.axhline(first_extra - 0.5, color="white", linewidth=3)
    ax.set_yticks(range(len(names)), _names(table, names))
    ax.set_xticks(range(len(severities)), [str(s) if s else "clean" for s in severities])
    ax.set_xlabel("severity")
    ax.grid(False)
    ax.tick_params(length=0)
    fig.colorbar(image, ax=ax, format=PercentFormatter(1, decimals=0), pad=0.02).set_label(
        "accuracy"
    )
    note = "accuracy in percent" + (
        "; under the white line: the four extras, outside the mean" if first_extra else ""
    )
    footnote(fig, f"{', '.join(map(model_name, table.model.unique()))}, {note}; {_n(table)}")
    return _note_frost(fig, table)


def severity_curves(
    table: pd.DataFrame, *, band: str, columns: int = 4, label_ends: bool = False, title: str = ""
) -> Figure:
    """Accuracy against severity, a small panel a corruption, a line a model; `band` names the kind
    of lo and hi.

    Models without lo and hi, as published ones, get a line alone. With `label_ends` those with them
    are named at the end of each line instead of in the legend. ValueError where a point is there
    twice.
    """
    _check(table, ["model", "condition", "severity"])
    names = [name for name in table.condition.unique() if name != CLEAN]
    rows = -(-len(names) // columns)
    fig = new_figure(1.45 * rows + 0.4, title)
    axes = list(fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for ax, name, label in zip(axes, names, _names(table, names), strict=False):
        ax.set_title(label, fontsize=9, pad=3)
        for model, part in table[table.condition.isin([name, CLEAN])].groupby("model", sort=False):
            _curve(ax, part.sort_values("severity"), model)
    for ax in axes[len(names) :]:
        ax.remove()
    axes[0].set_ylim(0, 1.02)
    axes[0].xaxis.set_major_locator(MultipleLocator(1))
    percent_axis(axes[0].yaxis)
    for below in range(
        max(0, len(names) - columns), len(names)
    ):  # the lowest panel of every column
        axes[below].tick_params(labelbottom=True)
    for bottom in range((rows - 1) * columns, len(names)):
        axes[bottom].set_xlabel("severity (0: clean)", fontsize=8)
    for left in range(0, len(names), columns):
        axes[left].set_ylabel("accuracy", fontsize=8)
    ours = {model_name(model): model for model in table[table.lo.notna()].model.unique()}
    legend(
        fig,
        {
            label: line
            for label, line in named_handles(axes[0]).items()
            if not (label_ends and label in ours)
        },
    )
    footnote(fig, f"bands: {band}; {_n(table[table.lo.notna()])}")
    _note_frost(fig, table)
    if label_ends:  # last, when the panels have their size
        _name_lines(axes[: len(names)], ours)
    return fig


def _name_lines(axes: Sequence[Axes], ours: Mapping[str, str]) -> None:
    axes[0].set_xlim(right=8.2)  # shared by all: room for the names
    axes[0].set_xticks(range(6))
    for ax in axes:
        ends = [
            (label, *line.get_xydata()[-1])
            for label, line in named_handles(ax).items()
            if label in ours
        ]
        label_line_ends(ax, [(x, y, label, model_colour(ours[label])) for label, x, y in ends])


def ours_vs_published(
    table: pd.DataFrame, *, ours: Sequence[str], band: str, title: str = ""
) -> Figure:
    """One accuracy a corruption and model (mean over severities): `ours` in colour with lo and hi,
    the published in greys; hardest for the first of `ours` on top. ValueError where a model has a
    corruption twice or not.
    """
    _check(table, ["model", "condition"])
    wide = table.pivot(index="condition", columns="model", values="value")
    if wide.isna().any(axis=None):
        model = wide.columns[wide.isna().any()][0]
        raise ValueError(
            f"{model} lacks {', '.join(wide.index[wide[model].isna()])}: leave out what not all have."
        )
    names = wide[ours[0]].sort_values(ascending=False, kind="stable").index.tolist()
    rows = {name: row for row, name in enumerate(names)}
    fig = new_figure(0.3 * len(names) + 0.7, title)
    ax = fig.add_subplot()
    for row in range(0, len(names), 2):
        ax.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", zorder=0)
    models = [*ours, *(model for model in table.model.unique() if model not in ours)]
    for model, shift, marker in zip(
        models, np.linspace(0.24, -0.24, len(models)), MARKERS, strict=False
    ):
        part = table[table.model == model]
        ends = np.maximum(0, [part.value - part.lo, part.hi - part.value])
        style = {
            "color": model_colour(model),
            "fmt": marker,
            "markersize": 5,
            "label": model_name(model),
        }
        ax.errorbar(
            part.value,
            part.condition.map(rows) + shift,
            xerr=ends,
            zorder=3 + (model in ours),
            **style,
        )
    ax.set_yticks(range(len(names)), _names(table, names))
    ax.set(xlabel="accuracy, mean over severities", ylim=(-0.6, len(names) - 0.4))
    percent_axis(ax.xaxis)
    ax.grid(False, axis="y")
    legend(fig, named_handles(ax))
    footnote(fig, f"bars: {band}; {_n(table[table.lo.notna()])}")
    return _note_frost(fig, table)


def _curve(ax: Axes, part: pd.DataFrame, model: str) -> None:
    colour, banded = model_colour(model), part.lo.notna().any()
    style = {"marker": ".", "zorder": 3} if banded else {"linewidth": 1.1, "linestyle": "--"}
    ax.plot(part.severity.astype(int), part.value, color=colour, label=model_name(model), **style)
    if banded:
        ax.fill_between(
            part.severity.astype(int), part.lo, part.hi, color=colour, alpha=0.25, linewidth=0
        )


def _names(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    return [readable(name) + "*" * (name == "frost" and _frost_is_ours(table)) for name in names]


def _frost_is_ours(table: pd.DataFrame) -> bool:
    return bool(
        ((table.condition == "frost") & table.origin.isin(["regenerated", "standin"])).any()
    )


def _note_frost(fig: Figure, table: pd.DataFrame) -> Figure:
    if _frost_is_ours(table):
        footnote(fig, FROST_NOTE)
    return fig


def _n(table: pd.DataFrame) -> str:
    n = sorted({int(n) for n in table.n.dropna()})
    return (
        "n not given"
        if not n
        else f"n = {n[0]:,} images"
        if len(n) == 1
        else f"n = {n[0]:,} to {n[-1]:,} images"
    )


def _check(table: pd.DataFrame, key: list[str]) -> None:
    needed = dict.fromkeys([*key, "origin", "model", "value", "lo", "hi", "n"])
    missing = [name for name in needed if name not in table.columns]
    if missing or table.empty:
        raise ValueError(
            f"the table has {len(table)} rows and lacks {missing}: pass accuracy rows of a results table."
        )
    twice = table[table.duplicated(key)]
    if len(twice):
        where = twice.iloc[0][key].to_dict()
        raise ValueError(
            f"the table has several rows for {where}: choose one model, metric and run first."
        )
