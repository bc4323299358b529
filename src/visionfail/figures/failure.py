"""Figures of failure detection: a classifier under shift, scores of its answers, its latents."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import OKABE_ITO, count_range, percent_axis

OUTCOME_COLOURS = {"right": OKABE_ITO["sky"], "wrong": OKABE_ITO["vermillion"]}


def shift_curves(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Accuracy, and below it the mean confidence of wrong answers, against each shift's strength.

    A thin line is a seed, the band that of the first one. Rows have shift, strength, seed, metric,
    value, lo, hi and n.
    """
    names = list(table["shift"].unique())
    metrics = ("accuracy", "confidence when wrong")
    fig = new_figure(4.2, title)
    axes = fig.subplots(2, len(names), sharex=True, sharey="row", squeeze=False)
    for axes_row, metric in zip(axes, metrics, strict=True):
        axes_row[0].set_ylabel(metric, fontsize=9)
        for ax, name in zip(axes_row, names, strict=True):
            chosen = (table["shift"] == name) & (table.metric == metric)
            _draw_seeds(ax, table.loc[chosen])
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(name, pad=3)
    for ax in axes[1]:
        ax.set_xlabel("strength", fontsize=9)
    first = table.loc[table.seed == table.seed.min()].set_index("metric").n.dropna().astype(int)
    footnote(
        fig, f"{table.seed.nunique()} seeds, a line each; bands: 95% of seed {table.seed.min()}"
    )
    footnote(
        fig,
        f"points: {count_range(first[metrics[0]])} digits above, "
        f"{count_range(first[metrics[1]])} wrong answers below",
    )
    return fig


def _draw_seeds(ax: Axes, points: pd.DataFrame) -> None:
    """Draw a line per seed against the strength of the shift, and the band of the first seed."""
    colour = OKABE_ITO["blue"]
    for seed, line in points.groupby("seed", sort=True):
        ax.plot(line.strength, line.value, color=colour, linewidth=0.9, alpha=0.7)
        if seed == points.seed.min():
            ax.fill_between(line.strength, line.lo, line.hi, color=colour, alpha=0.2, linewidth=0)
    ax.set_ylim(0, 1.02)
    percent_axis(ax.yaxis)


def scores_by_outcome(histograms: Mapping[str, pd.DataFrame], *, title: str = "") -> Figure:
    """Histograms of each detector's scores of right and of wrong answers, one panel per detector.

    `histograms` is {detector: table with columns outcome, score, share and n}. Shares are of each
    outcome, so both colours cover the same area.
    """
    fig = new_figure(2.9, title)
    axes = np.atleast_1d(fig.subplots(1, len(histograms), sharey=True))
    for ax, (detector, table) in zip(axes, histograms.items(), strict=True):
        for outcome, bins in table.groupby("outcome", sort=False):
            width = bins.score.iloc[1] - bins.score.iloc[0]
            colour = OUTCOME_COLOURS[str(outcome)]
            style = {"color": colour, "alpha": 0.6, "linewidth": 0}
            ax.bar(bins.score, bins.share, width=width, label=outcome, **style)
        ax.set_title(detector)
        ax.set(xlim=(0, 1), xlabel="score: higher where failure is likelier")
        percent_axis(ax.yaxis)
    axes[0].set_ylabel("share of the outcome's answers")
    legend(fig, named_handles(axes[0]))
    first_table = next(iter(histograms.values()))
    n = first_table.groupby("outcome").n.first()
    footnote(fig, f"n = {n['right']:,} right and {n['wrong']:,} wrong answers")
    return fig


def latent_map(
    points: ArrayLike,
    score: ArrayLike,
    failed: ArrayLike,
    *,
    explained: float,
    here: tuple[float, float] | None = None,
    title: str = "",
) -> Figure:
    """Latents in two dimensions, coloured by the probability of failure beside the true outcome.

    `points` are (N, 2), `score` and `failed` (N,). `explained` is the share of the variance that
    the two dimensions have, `here` a place to mark.
    """
    points = np.asarray(points)
    failed = np.asarray(failed)
    fig = new_figure(3.9, title)
    left, right = fig.subplots(1, 2, sharex=True, sharey=True)
    _draw_latents(left, points, score, rasterized=True)
    for outcome, chosen in (("right", ~failed), ("wrong", failed)):
        colour = OUTCOME_COLOURS[outcome]
        x, y = points[chosen].T
        right.scatter(x, y, s=4, linewidths=0, rasterized=True, color=colour, label=outcome)
    left.set_title("what the auditor says")
    right.set_title("what came of it")
    for ax in (left, right):
        if here is not None:
            _draw_star(ax, here, color=OKABE_ITO["black"], markersize=15, label="here")
        ax.set(xticks=[], yticks=[], xlabel="first component")
        ax.grid(False)
    left.set_ylabel("second component")
    legend(fig, named_handles(right))
    components = f"two principal components, {explained:.0%} of the variance of the latents"
    footnote(fig, f"n = {len(points):,} digits; {components}")
    return fig


def verdict_card(
    image: ArrayLike,
    points: ArrayLike,
    failure: ArrayLike,
    *,
    here: tuple[float, float],
    words: str,
    title: str = "",
) -> Figure:
    """One digit uint8 (H, W) beside the place `here` of its latents, `words` under the digit.

    Around it lie points (N, 2), coloured by their probability of failure (N,).
    """
    points = np.asarray(points)
    fig = new_figure(3.6, title)
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.35))
    left.imshow(np.asarray(image), cmap="gray", vmin=0, vmax=255)
    left.set_xlabel(words, fontsize=9)
    _draw_latents(right, points, failure)
    _draw_star(right, here, color=OKABE_ITO["vermillion"], markersize=16)
    right.set(xlabel="first component", ylabel="second component")
    for ax in (left, right):
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    footnote(
        fig,
        f"star: this digit among n = {len(points):,} test digits, "
        "in two principal components of the latents",
    )
    return fig


def _draw_latents(ax: Axes, points: np.ndarray, score: ArrayLike, **style: Any) -> None:
    """Draw points (N, 2) coloured by their probability of failure (N,), with its scale."""
    x, y = points.T
    colours = np.asarray(score)
    dots = ax.scatter(x, y, c=colours, cmap="cividis", vmin=0, vmax=1, s=4, linewidths=0, **style)
    ax.figure.colorbar(dots, ax=ax, label="probability of failure", shrink=0.85)


def _draw_star(ax: Axes, place: tuple[float, float], **style: Any) -> None:
    """Draw a star with a white edge at (x, y)."""
    x, y = place
    ax.plot(x, y, "*", markeredgecolor="white", **style)
