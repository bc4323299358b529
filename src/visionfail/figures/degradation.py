"""Figures of the degradation study: regimes, silent failure, paired differences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from visionfail.figures.margins import (
    corruption_labels,
    footnote,
    legend,
    named_handles,
    new_figure,
)
from visionfail.figures.style import (
    GREY,
    OKABE_ITO,
    error_arms,
    model_colour,
    name_rows,
    percent_axis,
)
from visionfail.names import model_name, network_name

REGIME_COLOURS = {
    "mild": OKABE_ITO["green"],
    "early collapse": OKABE_ITO["purple"],
    "non-monotone": OKABE_ITO["yellow"],
    "late collapse": OKABE_ITO["orange"],
    "mid collapse": "#F0C48A",
    "accelerating": OKABE_ITO["sky"],
    "decelerating": "#A9D6C9",
    "no bend": "#E6E6E6",
    "unstable": "#B8B8B8",
}

AXES = {
    "severity": "severity",
    "pixel_change": "mean pixel change",
    "parameter": "the named parameter",
}


def regime_grid(
    table: pd.DataFrame, *, n: int, frost_is_ours: bool = True, title: str = ""
) -> Figure:
    """The regime of each corruption on each axis, with the share of bootstraps that agree.

    Rows have corruption, axis, regime, point (the regime of the curve alone) and share, of one
    network and `n` images. A tile stays empty where the corruption's strength does not grow with
    severity. ValueError for an unknown regime.
    """
    unknown = set(table.regime) - set(REGIME_COLOURS)
    if unknown:
        raise ValueError(
            f"unknown regimes {sorted(unknown)}: they are {', '.join(REGIME_COLOURS)}."
        )
    names = list(table.corruption.unique())
    fig = new_figure(0.27 * len(names) + 0.4, title)
    ax = fig.add_subplot()
    for row in table.to_dict("records"):
        x = list(AXES).index(row["axis"])
        y = names.index(row["corruption"])
        _draw_regime(ax, x, y, row)
    name_rows(ax, corruption_labels(fig, names, frost_is_ours=frost_is_ours))
    ax.set_xticks(range(len(AXES)), AXES.values())
    ax.set_xlim(-0.5, len(AXES) - 0.5)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    footnote(
        fig,
        f"percent: bootstraps over n = {n:,} images that agree with the curve; "
        "'?': too few, unstable",
    )
    return fig


def _draw_regime(ax: Axes, x: float, y: float, row: Mapping[str, Any]) -> None:
    """Draw one row of the table as a tile around (x, y) with its regime and share."""
    colour = REGIME_COLOURS[row["regime"]]
    ax.add_patch(Rectangle((x - 0.49, y - 0.45), 0.98, 0.9, facecolor=colour, edgecolor="none"))
    # where too few bootstraps agree, the curve alone speaks for this regime
    regime = row["regime"]
    if regime != row["point"]:
        regime = f"{row['point']}?"
    ax.text(x, y, f"{regime}  {row['share']:.0%}", ha="center", va="center", fontsize=8.5)


def silent_failure(
    by_severity: pd.DataFrame, conditions: pd.DataFrame, *, above: float, title: str = ""
) -> Figure:
    """Confidence against accuracy, the share of confident errors, and ECE, in three panels.

    `by_severity` has model, seed, severity, metric ("sure_when_wrong", "ece", "ece_scaled": with
    temperature), value, lo, hi and n; seeds other than 0 are thin lines. `conditions` has model,
    severity, accuracy and confidence.
    """
    fig = new_figure(3.0, title)
    left, middle, right = fig.subplots(1, 3)
    _scatter_conditions(left, conditions)
    for _, rows in by_severity.groupby(["model", "seed"], sort=False):
        model = rows.model.iloc[0]
        seed = rows.seed.iloc[0]
        for ax, metric in ((middle, "sure_when_wrong"), (right, "ece"), (right, "ece_scaled")):
            points = rows.loc[rows.metric == metric].sort_values("severity")
            _draw_line(ax, points, model, seed=seed, dashed=metric == "ece_scaled")
    middle.set_ylabel(f"share of errors with confidence > {above:g}", fontsize=9)
    right.set_ylabel("ECE (dashed: with temperature)", fontsize=9)
    for ax in (middle, right):
        ax.set(ylim=(0, None), xlabel="severity (0: clean)")
        ax.set_xticks(sorted(by_severity.severity.unique()))
    for axis in (left.xaxis, left.yaxis, middle.yaxis):
        percent_axis(axis)
    legend(fig, named_handles(middle))
    n = int(by_severity.n.iloc[0])
    note = f"bands: 95%, bootstrap over n = {n:,} images; left: larger dots are severer"
    if (by_severity.seed != 0).any():
        note += "; thin: other training seeds"
    footnote(fig, note)
    return fig


def _scatter_conditions(ax: Axes, conditions: pd.DataFrame) -> None:
    """Draw a dot per condition, larger with severity, and the line where a model is calibrated."""
    for _, dots in conditions.groupby("model", sort=False):
        ax.scatter(
            dots.accuracy,
            dots.confidence,
            s=6 + 7 * dots.severity.astype(float),
            color=model_colour(dots.model.iloc[0]),
            alpha=0.5,
            linewidths=0,
        )
    low = min(conditions.accuracy.min(), conditions.confidence.min()) - 0.03
    ax.plot([low, 1], [low, 1], color=GREY, linewidth=1)
    middle = (low + 1) / 2
    along = {"rotation": 45, "transform_rotates_text": True, "rotation_mode": "anchor"}
    words = {"ha": "center", "va": "top", "fontsize": 8, "color": GREY}
    ax.text(middle, middle, "as sure as right", **along, **words)
    ax.text(low, 1, " too sure", ha="left", va="top", fontsize=8, color=GREY)
    ax.set(xlim=(low, 1), ylim=(low, 1), xlabel="accuracy", ylabel="mean confidence")


def _draw_line(ax: Axes, points: pd.DataFrame, model: str, *, seed: int, dashed: bool) -> None:
    """Draw values by severity with their band; only the solid line of seed 0 is in the legend."""
    colour = model_colour(model)
    first_seed = seed == 0
    ax.plot(
        points.severity,
        points.value,
        color=colour,
        linestyle="--" if dashed else "-",
        linewidth=None if first_seed else 0.9,
        marker="." if first_seed else None,
        label=model_name(model) if first_seed and not dashed else None,
    )
    alpha = 0.25 if first_seed else 0.12
    ax.fill_between(points.severity, points.lo, points.hi, color=colour, alpha=alpha, linewidth=0)


def paired_differences(
    table: pd.DataFrame,
    *,
    networks: Sequence[tuple[str, int]],
    spread: pd.DataFrame | None = None,
    frost_is_ours: bool = True,
    title: str = "",
) -> Figure:
    """Accuracy of the first of two networks minus that of the second, one row per corruption.

    `networks` are (model, seed). A dot is a severity (darker: severer), filled where Holm's
    correction leaves p under 5%. Rows have condition, severity, difference, lo, hi, p_holm and n.
    `spread`, with condition, severity, spread and seeds, shades what seeds of the second network
    differ by, the largest of its severities.
    """
    table = table.loc[table.severity > 0]
    names = list(table.condition.unique())
    first, second = networks
    fig = new_figure(0.27 * len(names) + 0.7, title)
    ax = fig.add_subplot()
    if spread is not None:
        _shade_spread(ax, spread, names, model=second[0])
    for y, name in enumerate(names):
        for row in table[table.condition == name].itertuples():
            _draw_difference(ax, y, row, colour=model_colour(first[0]))
    ax.axvline(0, color=GREY, linewidth=0.8)
    name_rows(ax, corruption_labels(fig, names, frost_is_ours=frost_is_ours))
    ax.set_xlabel(f"accuracy, {network_name(*first)} minus {network_name(*second)}")
    percent_axis(ax.xaxis)
    ax.grid(False, axis="y")
    if spread is not None:
        legend(fig, named_handles(ax))
    footnote(
        fig,
        "five dots per row: severity 1 on top to 5; filled where p < 5% after Holm's correction",
    )
    footnote(fig, f"bars: 95%, paired bootstrap over n = {int(table.n.iloc[0]):,} images")
    return fig


def _shade_spread(ax: Axes, spread: pd.DataFrame, names: Sequence[str], *, model: str) -> None:
    """Shade the largest spread over severities on both sides of zero, one bar per corruption."""
    largest = spread[spread.severity > 0].groupby("condition").spread.max().reindex(names)
    bars = ax.barh(
        range(len(names)), 2 * largest, left=-largest, height=0.8, color="#E2E2E2", zorder=0
    )
    bars.set_label(f"spread of {int(spread.seeds.iloc[0])} seeds of {model_name(model)}")


def _draw_difference(ax: Axes, y: float, row: Any, *, colour: str) -> None:
    """Draw one row of the table around height y, severity 3 in the middle."""
    significant = row.p_holm < 0.05
    ax.errorbar(
        [row.difference],
        [y + 0.11 * (row.severity - 3)],
        xerr=error_arms(row.difference, row.lo, row.hi),
        fmt="o",
        markersize=4.5,
        markerfacecolor=colour if significant else "white",
        elinewidth=0.9,
        color=colour,
        alpha=0.3 + 0.14 * row.severity,
    )


def class_heatmap(
    table: pd.DataFrame,
    *,
    model: str,
    severity: int,
    frost_is_ours: bool = True,
    title: str = "",
) -> Figure:
    """Accuracy of every class, one row per condition, the worst class named with its interval.

    Rows have condition, class, accuracy, accuracy_lo, accuracy_hi and n, of one network.
    """
    names = list(table.condition.unique())
    fig = new_figure(0.29 * len(names) + 0.6, title)
    ax = fig.add_subplot()
    for y, name in enumerate(names):
        classes = table.loc[table.condition == name, :]
        ax.plot(classes.accuracy, [y] * len(classes), "o", color="#B8B8B8", markersize=4)
        _draw_worst_class(ax, y, classes, model_colour(model))
    name_rows(ax, corruption_labels(fig, names, frost_is_ours=frost_is_ours))
    ax.set(xlabel=f"accuracy of a class (corruptions at severity {severity})", xlim=(-0.16, 1.02))
    ax.set_xticks(np.linspace(0, 1, 6))
    percent_axis(ax.xaxis)
    footnote(
        fig,
        f"{model_name(model)}; named: the worst class, with its 95% Wilson interval; "
        f"n = {table.n.min():,} per class",
    )
    return fig


def _draw_worst_class(ax: Axes, y: float, classes: pd.DataFrame, colour: str) -> None:
    """Draw the lowest of a condition's classes at height y with its interval, its name on the left.

    Where several are equally low, how many they are stands in place of a name.
    """
    row = classes.loc[classes.accuracy.idxmin()]
    lowest = classes[classes.accuracy == row.accuracy]
    arms = error_arms(row.accuracy, row.accuracy_lo, row.accuracy_hi)
    ax.errorbar([row.accuracy], [y], xerr=arms, fmt="o", color=colour, markersize=5)
    ax.annotate(
        str(row["class"]) if len(lowest) == 1 else f"{len(lowest)} classes",
        (row.accuracy_lo, y),
        xytext=(-5, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=8.5,
        color=colour,
    )
