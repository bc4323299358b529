"""Figures of study C: a classifier under shift, and judges of its answers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from visionfail.figures.style import GREY, OKABE_ITO, footnote, legend, named_handles, new_figure, percent_axis

JUDGE_COLOURS = {
    "auditor": OKABE_ITO["green"],
    "1 - confidence": OKABE_ITO["black"],
    "entropy": "#8A8A8A",
    "margin": "#A8A8A8",
    "energy": OKABE_ITO["orange"],
    "neighbours": OKABE_ITO["sky"],
    "logistic regression": OKABE_ITO["purple"],
}
MARKERS = dict(zip(JUDGE_COLOURS, "oDs^vP*", strict=True))


def judge_colour(judge: str) -> str:
    """The colour that a judge has in every figure. ValueError for one that has none."""
    if judge not in JUDGE_COLOURS:
        raise ValueError(f"judge {judge!r} has no colour: JUDGE_COLOURS has {', '.join(JUDGE_COLOURS)}.")
    return JUDGE_COLOURS[judge]


def shift_curves(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Above accuracy, below the mean confidence of the wrong answers, against the strength of each shift; a thin line
    a seed, the band that of the first one. Rows of `protocol.by_strength`.
    """
    names, metrics = list(dict.fromkeys(table["shift"])), ("accuracy", "confidence when wrong")
    fig = new_figure(4.2, title)
    axes = fig.subplots(2, len(names), sharex=True, sharey="row", squeeze=False)
    for row, metric in enumerate(metrics):
        for ax, name in zip(axes[row], names, strict=True):
            part = table[(table["shift"] == name) & (table.metric == metric)]
            for seed, line in part.groupby("seed", sort=True):
                ax.plot(line.strength, line.value, color=OKABE_ITO["blue"], linewidth=0.9, alpha=0.7)
                if seed == part.seed.min():
                    ax.fill_between(line.strength, line.lo, line.hi, color=OKABE_ITO["blue"], alpha=0.2, linewidth=0)
            ax.set_ylim(0, 1.02)
            percent_axis(ax.yaxis)
        axes[row, 0].set_ylabel(metric, fontsize=9)
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(name, pad=3)
    for ax in axes[1]:
        ax.set_xlabel("strength", fontsize=9)
    seeds, n = table.seed.nunique(), int(table[table.metric == "accuracy"].n.min())
    footnote(fig, f"{seeds} seeds, a line each; bands: 95% of seed {table.seed.min()}, at least {n:,} digits a point")
    return fig


def judges_by_slice(table: pd.DataFrame, *, slices: Sequence[str], title: str = "") -> Figure:
    """AUROC of every judge on some slices, a row a slice; rows have slice, judge, value, lo, hi, n, seeds."""
    fig = new_figure(0.42 * len(slices) + 0.6, title)
    ax = fig.add_subplot()
    judges = list(dict.fromkeys(table.judge))
    for judge, shift in zip(judges, np.linspace(-0.3, 0.3, len(judges)), strict=True):
        part = table[table.judge == judge].set_index("slice").loc[list(slices)]
        ends = np.maximum(0, [part.value - part.lo, part.hi - part.value])
        style = {"color": judge_colour(judge), "fmt": MARKERS[judge], "markersize": 4.5, "label": judge}
        ax.errorbar(part.value, np.arange(len(slices)) + shift, xerr=ends, elinewidth=1, **style)
    _rows(ax, slices)
    ax.set_xlabel("AUROC of failure, mean over seeds")
    legend(fig, named_handles(ax))
    footnote(fig, f"bars: 95%, bootstrap over digits; {int(table.seeds.iloc[0])} seeds; n = {_range(table.n)} digits")
    return fig


def lead(table: pd.DataFrame, *, slices: Sequence[str], rival: str, margin: float, title: str = "") -> Figure:
    """How far the auditor's AUROC is ahead of `rival` by slice: interval over digits, a dot a seed, verdict on the
    right; rows of `verdicts.table` with a column seeds, the list of each seed's difference.
    """
    part = table[table.rival == rival].set_index("slice").loc[list(slices)]
    fig = new_figure(0.3 * len(slices) + 0.7, title)
    ax = fig.add_subplot()
    ax.axvspan(-margin, margin, color="#E4E4E4", zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.8)
    colour = judge_colour("auditor")
    for y, row in enumerate(part.itertuples()):
        ax.plot([row.lo, row.hi], [y, y], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
        ax.plot(row.seeds, [y] * len(row.seeds), "o", color=colour, markersize=3.2, markeredgewidth=0)
        words = f"{row.verdict} (primary)" if row.primary else row.verdict
        ax.annotate(words, (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    _rows(ax, slices)
    ax.set_xlabel(f"AUROC, auditor minus {rival}")
    legend(fig, {f"within {margin:g}: a tie": Patch(facecolor="#E4E4E4")})
    footnote(fig, f"bars: 95% of the mean over seeds, bootstrap over n = {_range(part.n)} digits; dots: seeds")
    return fig


def risk_coverage(curves: Mapping[str, pd.DataFrame], *, n: int, title: str = "") -> Figure:
    """Selective risk against coverage, a line a judge with its band: {judge: coverage, risk, lo, hi}."""
    fig = new_figure(3.4, title)
    ax = fig.add_subplot()
    for judge, part in curves.items():
        ax.plot(part.coverage, part.risk, color=judge_colour(judge), label=judge)
        ax.fill_between(part.coverage, part.lo, part.hi, color=judge_colour(judge), alpha=0.2, linewidth=0)
    ax.set(xlabel="coverage: share of answers accepted", ylabel="selective risk", xlim=(0, 1), ylim=(0, None))
    percent_axis(ax.xaxis)
    percent_axis(ax.yaxis)
    legend(fig, named_handles(ax))
    footnote(fig, f"bands: 95%, bootstrap over n = {n:,} digits")
    return fig


def _rows(ax: Axes, slices: Sequence[str]) -> None:
    for y in range(0, len(slices), 2):
        ax.axhspan(y - 0.5, y + 0.5, color="#F6F6F6", zorder=-1)
    ax.set_yticks(range(len(slices)), slices)
    ax.set_ylim(len(slices) - 0.5, -0.5)
    ax.grid(False, axis="y")


def _range(n: pd.Series) -> str:
    low, high = int(n.min()), int(n.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
