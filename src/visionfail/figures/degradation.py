"""Figures of what notebook 04 finds: regimes, silent failure, claims with their verdicts."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from visionfail.figures.style import (
    GREY,
    OKABE_ITO,
    footnote,
    legend,
    model_colour,
    named_handles,
    new_figure,
    percent_axis,
)
from visionfail.names import model_name, network_name, readable

REGIME_COLOURS = {
    "graceful": OKABE_ITO["green"],
    "near-linear": OKABE_ITO["sky"],
    "threshold": OKABE_ITO["orange"],
    "early-plateau": OKABE_ITO["purple"],
    "undecided": "#D0D0D0",
}


MARKERS = "os^Dv"  # a shape a training seed, so that two of one colour can be told apart


AXES = {
    "severity": "severity",
    "pixel_change": "mean pixel change",
    "parameter": "the named parameter",
}


def regime_grid(table: pd.DataFrame, *, n: int, title: str = "") -> Figure:
    """The regime of each corruption on each axis, from rows of `claims.regime_table` of one
    network; with the share of bootstraps that agree. Empty where the dose does not grow with
    severity. ValueError for an unknown regime.
    """
    unknown = set(table.regime) - set(REGIME_COLOURS)
    if unknown:
        raise ValueError(
            f"unknown regimes {sorted(unknown)}: they are {', '.join(REGIME_COLOURS)}."
        )
    names = list(dict.fromkeys(table.corruption))
    fig = new_figure(0.27 * len(names) + 0.4, title)
    ax = fig.add_subplot()
    for row in table.itertuples():
        x, y = list(AXES).index(row.axis), names.index(row.corruption)
        ax.add_patch(_tile(x, y, REGIME_COLOURS[row.regime]))
        words = (
            row.regime if row.regime == row.point else f"{row.point}?"
        )  # the curve alone says so, the rest waver
        ax.text(x, y, f"{words}  {row.share:.0%}", ha="center", va="center", fontsize=8.5)
    ax.set(xlim=(-0.5, len(AXES) - 0.5), ylim=(len(names) - 0.5, -0.5))
    ax.set_xticks(range(len(AXES)), AXES.values())
    ax.set_yticks(range(len(names)), [readable(name) for name in names])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    footnote(
        fig,
        f"percent: bootstraps over n = {n:,} images that agree with the curve; '?': too few, undecided",
    )
    return fig


def _tile(x: float, y: float, colour: str) -> Rectangle:
    return Rectangle((x - 0.49, y - 0.45), 0.98, 0.9, facecolor=colour, edgecolor="none")


def silent_failure(
    by_severity: pd.DataFrame, conditions: pd.DataFrame, *, above: float, title: str = ""
) -> Figure:
    """Three panels: accuracy against mean confidence of every condition; of the wrong answers those
    that are sure, by severity; ECE by severity before (solid) and after (dashed) the temperature.

    `by_severity` are rows of `silent.by_severity` with columns model and seed; seeds other than 0
    are thin lines. `conditions` has model, severity, accuracy and confidence.
    """
    fig = new_figure(3.0, title)
    left, middle, right = fig.subplots(1, 3)
    _scatter(left, conditions)
    for (model, seed), part in by_severity.groupby(["model", "seed"], sort=False):
        for ax, metric in ((middle, "sure_when_wrong"), (right, "ece"), (right, "ece_scaled")):
            _line(ax, part[part.metric == metric], model, seed=seed, dashed=metric == "ece_scaled")
    middle.set(ylabel=f"share of errors with confidence > {above:g}")
    right.set(ylabel="ECE (dashed: with temperature)")
    for ax in (middle, right):
        ax.set(
            ylim=(0, None),
            xlabel="severity (0: clean)",
            xticks=sorted(by_severity.severity.unique()),
        )
        ax.yaxis.label.set_fontsize(9)
    for axis in (left.xaxis, left.yaxis, middle.yaxis):
        percent_axis(axis)
    legend(fig, named_handles(middle))
    n = int(by_severity.n.iloc[0])
    thin = "; thin: other training seeds" if (by_severity.seed != 0).any() else ""
    footnote(
        fig, f"bands: 95%, bootstrap over n = {n:,} images; left: larger dots are severer{thin}"
    )
    return fig


def _scatter(ax: Axes, conditions: pd.DataFrame) -> None:
    for model, part in conditions.groupby("model", sort=False):
        size = 6 + 7 * part.severity.astype(float)
        ax.scatter(
            part.accuracy,
            part.confidence,
            s=size,
            color=model_colour(model),
            alpha=0.5,
            linewidths=0,
        )
    low = min(conditions.accuracy.min(), conditions.confidence.min()) - 0.03
    ax.plot([low, 1], [low, 1], color=GREY, linewidth=1)
    ax.text(1, low, "as sure as right ", ha="right", va="bottom", fontsize=8, color=GREY)
    ax.text(low, 1, " too sure", ha="left", va="top", fontsize=8, color=GREY)
    ax.set(xlim=(low, 1), ylim=(low, 1), xlabel="accuracy", ylabel="mean confidence")


def _line(ax: Axes, part: pd.DataFrame, model: str, *, seed: int, dashed: bool) -> None:
    part, colour = part.sort_values("severity"), model_colour(model)
    style = {
        "color": colour,
        "linestyle": "--" if dashed else "-",
        "marker": "." if seed == 0 else None,
    }
    label = None if seed or dashed else model_name(model)
    ax.plot(part.severity, part.value, linewidth=None if seed == 0 else 0.9, label=label, **style)
    ax.fill_between(
        part.severity,
        part.lo,
        part.hi,
        color=colour,
        alpha=0.25 if seed == 0 else 0.12,
        linewidth=0,
    )


def paired_differences(
    table: pd.DataFrame,
    *,
    networks: Sequence[tuple[str, int]],
    spread: pd.DataFrame | None = None,
    title: str = "",
) -> Figure:
    """Accuracy of the first of two `networks` (model, seed) minus that of the second, a row a
    corruption, a dot a severity (darker: severer), filled where Holm's correction leaves p under
    5%; rows of `comparison.paired`. `spread`, of `architectures.seed_spread`, shades what seeds of
    the second differ by, the largest of its severities.
    """
    part = table[table.severity > 0]
    names = list(dict.fromkeys(part.condition))
    fig = new_figure(0.27 * len(names) + 0.7, title)
    ax, colour = fig.add_subplot(), model_colour(networks[0][0])
    for y, name in enumerate(names):
        if spread is not None:
            reach = spread[(spread.condition == name) & (spread.severity > 0)].spread.max()
            label = (
                f"spread of {int(spread.seeds.iloc[0])} seeds of {model_name(networks[1][0])}"
                if y == 0
                else None
            )
            ax.barh(y, 2 * reach, left=-reach, height=0.8, color="#E2E2E2", zorder=0, label=label)
        for row in part[part.condition == name].itertuples():
            place, sure = y + 0.11 * (row.severity - 3), row.p_holm < 0.05
            style = {"color": colour, "alpha": 0.3 + 0.14 * row.severity, "markersize": 4.5}
            ax.errorbar([row.difference], [place], xerr=[[row.difference - row.lo], [row.hi - row.difference]],
                        fmt="o", markerfacecolor=colour if sure else "white", elinewidth=0.9, **style)  # fmt: skip
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yticks(range(len(names)), [readable(name) for name in names])
    ax.set(
        ylim=(len(names) - 0.5, -0.5),
        xlabel="accuracy, " + " minus ".join(network_name(*one) for one in networks),
    )
    percent_axis(ax.xaxis)
    ax.grid(False, axis="y")
    if spread is not None:
        legend(fig, named_handles(ax))
    footnote(
        fig, "five dots a row: severity 1 on top to 5; filled where p < 5% after Holm's correction"
    )
    footnote(fig, f"bars: 95%, paired bootstrap over n = {int(table.n.iloc[0]):,} images")
    return fig


def class_heatmap(table: pd.DataFrame, *, model: str, severity: int, title: str = "") -> Figure:
    """A row a condition, a dot a class at its accuracy, the worst one named, with its interval;
    rows of `overview.by_class` of one network.
    """
    names = list(dict.fromkeys(table.condition))
    fig = new_figure(0.29 * len(names) + 0.6, title)
    ax = fig.add_subplot()
    for y, name in enumerate(names):
        part = table[table.condition == name]
        worst = part.loc[part.accuracy.idxmin()]
        ax.plot(part.accuracy, [y] * len(part), "o", color="#B8B8B8", markersize=4)
        ends = [[worst.accuracy - worst.accuracy_lo], [worst.accuracy_hi - worst.accuracy]]
        ax.errorbar(
            [worst.accuracy],
            [y],
            xerr=np.maximum(0, ends),
            fmt="o",
            color=model_colour(model),
            markersize=5,
        )
        ax.annotate(worst["class"], (worst.accuracy_lo, y), xytext=(-5, 0), textcoords="offset points", ha="right",
                    va="center", fontsize=8.5, color=model_colour(model))  # fmt: skip
    ax.set_yticks(range(len(names)), [readable(name) for name in names])
    ax.set(xlabel=f"accuracy of a class (corruptions at severity {severity})", xlim=(-0.13, 1.02))
    ax.set_xticks(np.linspace(0, 1, 6))
    ax.set_ylim(len(names) - 0.5, -0.5)
    percent_axis(ax.xaxis)
    footnote(
        fig,
        f"{model_name(model)}; named: the worst class, with its 95% Wilson interval; n = {table.n.min():,} a class",
    )
    return fig


def claims_plot(table: pd.DataFrame, *, title: str = "") -> Figure:
    """A row a claim, a dot and a 95% interval a network, the region in which the claim holds
    shaded, the verdicts on the right; rows of `claims.judge`. Claims about a regime show the share
    of bootstraps that agree.
    """
    keys = list(dict.fromkeys(table.claim))
    fig = new_figure(0.42 * len(keys) + 0.5, title)
    ax = fig.add_subplot()
    low, high = _limits(table)
    for y, key in enumerate(keys):
        part = table[table.claim == key]
        _region(ax, y, np.clip([part.low.iloc[0], part.high.iloc[0]], low, high))
        places = y + min(0.22, 0.8 / len(part)) * (np.arange(len(part)) - (len(part) - 1) / 2)
        for row, place in zip(part.itertuples(), places, strict=True):
            _dot(ax, place, row)
        ax.text(high, y, "  " + " / ".join(dict.fromkeys(part.verdict)), va="center", fontsize=8.5)
    ax.set(xlim=(low, high), ylim=(len(keys) - 0.5, -0.5))
    words = table.drop_duplicates("claim").set_index("claim").words
    ax.set_yticks(range(len(keys)), [_wrapped(f"{key}: {words[key]}") for key in keys], fontsize=8)
    percent_axis(ax.xaxis)
    ax.grid(False, axis="y")
    handles = named_handles(ax) | {"holds in here": Patch(facecolor=OKABE_ITO["green"], alpha=0.2)}
    legend(fig, handles)
    without = table[
        table.lo.isna()
    ].claim.unique()  # a regime's share of bootstraps has no interval of its own
    shares = (
        f"; {without[0]} to {without[-1]}: share of bootstraps with that regime"
        if len(without)
        else ""
    )
    footnote(fig, f"dots: value with 95% bootstrap interval over n = {_n(table)} images{shares}")
    return fig


def _n(table: pd.DataFrame) -> str:
    return " and ".join(f"{n:,}" for n in dict.fromkeys(table.n.astype(int)))


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    ends = table[["value", "lo", "hi"]].to_numpy(dtype=float)
    return min(0.0, np.nanmin(ends)) - 0.05, max(1.0, np.nanmax(ends)) + 0.02


def _region(ax: Axes, y: float, ends: np.ndarray) -> None:
    ax.fill_between(ends, y - 0.42, y + 0.42, color=OKABE_ITO["green"], alpha=0.2, linewidth=0)


def _dot(ax: Axes, y: float, row) -> None:
    name, known = network_name(row.model, row.seed), ax.get_legend_handles_labels()[1]
    ends = np.nan_to_num([[row.value - row.lo], [row.hi - row.value]])
    label = None if name in known else name
    marker = MARKERS[int(str(row.seed)[0]) % len(MARKERS)]
    ax.errorbar([row.value], [y], xerr=np.maximum(0, ends), fmt=marker, markersize=5, color=model_colour(row.model),
                alpha=1 if marker == MARKERS[0] else 0.6, label=label)  # fmt: skip


def _wrapped(words: str, width: int = 46) -> str:
    return fill(words, width)
