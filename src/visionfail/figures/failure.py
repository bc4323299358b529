"""Figures of study C: a classifier under shift, and judges of its answers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from visionfail.figures.style import (
    GREY,
    OKABE_ITO,
    footnote,
    legend,
    named_handles,
    new_figure,
    percent_axis,
)

DETECTOR_COLOURS = {
    "auditor": OKABE_ITO["green"],
    "1 - confidence": OKABE_ITO["black"],
    "entropy": "#8A8A8A",
    "margin": "#A8A8A8",
    "energy": OKABE_ITO["orange"],
    "neighbours": OKABE_ITO["sky"],
    "logistic regression": OKABE_ITO["purple"],
    "drift": OKABE_ITO["vermillion"],
    "confidence and drift": "#7A4B94",  # neither of the two, and told apart from both in grey
}


MARKERS = dict(zip(DETECTOR_COLOURS, "oDs^vP*X<", strict=True))


def detector_colour(judge: str) -> str:
    """The colour that a judge has in every figure. ValueError for one that has none."""
    if judge not in DETECTOR_COLOURS:
        raise ValueError(
            f"judge {judge!r} has no colour: JUDGE_COLOURS has {', '.join(DETECTOR_COLOURS)}."
        )
    return DETECTOR_COLOURS[judge]


def shift_curves(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Above accuracy, below the mean confidence of the wrong answers, against the strength of each
    shift; a thin line a seed, the band that of the first one. Rows of `protocol.by_strength`.
    """
    names, metrics = list(dict.fromkeys(table["shift"])), ("accuracy", "confidence when wrong")
    fig = new_figure(4.2, title)
    axes = fig.subplots(2, len(names), sharex=True, sharey="row", squeeze=False)
    for row, metric in enumerate(metrics):
        for ax, name in zip(axes[row], names, strict=True):
            part = table[(table["shift"] == name) & (table.metric == metric)]
            for seed, line in part.groupby("seed", sort=True):
                ax.plot(
                    line.strength, line.value, color=OKABE_ITO["blue"], linewidth=0.9, alpha=0.7
                )
                if seed == part.seed.min():
                    ax.fill_between(
                        line.strength,
                        line.lo,
                        line.hi,
                        color=OKABE_ITO["blue"],
                        alpha=0.2,
                        linewidth=0,
                    )
            ax.set_ylim(0, 1.02)
            percent_axis(ax.yaxis)
        axes[row, 0].set_ylabel(metric, fontsize=9)
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(name, pad=3)
    for ax in axes[1]:
        ax.set_xlabel("strength", fontsize=9)
    seeds, n = table.seed.nunique(), int(table[table.metric == "accuracy"].n.min())
    footnote(
        fig,
        f"{seeds} seeds, a line each; bands: 95% of seed {table.seed.min()}, at least {n:,} digits a point",
    )
    return fig


def detectors_by_slice(
    table: pd.DataFrame,
    *,
    slices: Sequence[str],
    title: str = "",
    measured: str = "AUROC of failure, mean over seeds",
    unit: str = "digits",
) -> Figure:
    """AUROC of every judge on some slices, a row a slice; rows have slice, judge, value, lo, hi, n,
    seeds.

    Slices may be anything that AUROC is `measured` on: shifts, steps of a protocol, layers.
    """
    fig = new_figure(0.42 * len(slices) + 0.6, title)
    ax = fig.add_subplot()
    judges = list(dict.fromkeys(table.judge))
    for judge, shift in zip(judges, np.linspace(-0.3, 0.3, len(judges)), strict=True):
        part = table[table.judge == judge].set_index("slice").loc[list(slices)]
        ends = np.maximum(0, [part.value - part.lo, part.hi - part.value])
        style = {
            "color": detector_colour(judge),
            "fmt": MARKERS[judge],
            "markersize": 4.5,
            "label": judge,
        }
        ax.errorbar(part.value, np.arange(len(slices)) + shift, xerr=ends, elinewidth=1, **style)
    _rows(ax, slices)
    ax.set_xlabel(measured)
    if len(judges) > 1:
        legend(fig, named_handles(ax))
    seeds, n = int(table.seeds.iloc[0]), table[table.slice.isin(slices)].n
    footnote(
        fig, f"bars: 95%, bootstrap over {unit}; {seeds} seed{'s' * (seeds > 1)}; n = {_range(n)}"
    )
    return fig


def lead(
    table: pd.DataFrame,
    *,
    slices: Sequence[str],
    rival: str,
    margin: float,
    unit: str = "digits",
    title: str = "",
) -> Figure:
    """How far the auditor's AUROC is ahead of `rival` by slice: interval over digits, a dot a seed,
    verdict on the right; rows of `verdicts.table` with a column seeds, the list of each seed's
    difference.
    """
    part = table[table.rival == rival].set_index("slice").loc[list(slices)]
    fig = new_figure(0.3 * len(slices) + 0.7, title)
    ax = fig.add_subplot()
    ax.axvspan(-margin, margin, color="#E4E4E4", zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.8)
    colour = detector_colour("auditor")
    for y, row in enumerate(part.itertuples()):
        ax.plot(
            [row.lo, row.hi], [y, y], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt"
        )
        ax.plot(
            row.seeds, [y] * len(row.seeds), "o", color=colour, markersize=3.2, markeredgewidth=0
        )
        words = f"{row.verdict} (primary)" if row.primary else row.verdict
        ax.annotate(words, (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    _rows(ax, slices)
    ax.set_xlabel(f"AUROC, auditor minus {rival}")
    legend(fig, {f"within {margin:g}: a tie": Patch(facecolor="#E4E4E4")})
    footnote(
        fig,
        f"bars: 95% of the mean over seeds, bootstrap over n = {_range(part.n)} {unit}; dots: seeds",
    )
    return fig


def risk_coverage_plot(curves: Mapping[str, pd.DataFrame], *, n: int, title: str = "") -> Figure:
    """Selective risk against coverage, a line a judge with its band: {judge: coverage, risk, lo,
    hi}.
    """
    fig = new_figure(3.4, title)
    ax = fig.add_subplot()
    for judge, part in curves.items():
        ax.plot(part.coverage, part.risk, color=detector_colour(judge), label=judge)
        ax.fill_between(
            part.coverage, part.lo, part.hi, color=detector_colour(judge), alpha=0.2, linewidth=0
        )
    ax.set(
        xlabel="coverage: share of answers accepted",
        ylabel="selective risk",
        xlim=(0, 1),
        ylim=(0, None),
    )
    percent_axis(ax.xaxis)
    percent_axis(ax.yaxis)
    legend(fig, named_handles(ax))
    footnote(fig, f"bands: 95%, bootstrap over n = {n:,} digits")
    return fig


def scores_by_outcome(spread: Mapping[str, pd.DataFrame], *, title: str = "") -> Figure:
    """How each judge's scores of right and of wrong answers are spread, a panel a judge: {judge:
    rows of `exhibits.bins`}. Shares are of each outcome, so both colours cover the same area.
    """
    fig = new_figure(2.9, title)
    axes = np.atleast_1d(fig.subplots(1, len(spread), sharey=True))
    for ax, (judge, table) in zip(axes, spread.items(), strict=True):
        for outcome, part in table.groupby("outcome", sort=False):
            style = {
                "color": OUTCOME_COLOURS[outcome],
                "alpha": 0.6,
                "label": outcome,
                "linewidth": 0,
            }
            ax.bar(part.score, part.share, width=part.score.iloc[1] - part.score.iloc[0], **style)
        ax.set_title(judge)
        ax.set(xlim=(0, 1), xlabel="score: higher where failure is likelier")
        percent_axis(ax.yaxis)
    axes[0].set_ylabel("share of the outcome's answers")
    legend(fig, named_handles(axes[0]))
    n = next(iter(spread.values())).groupby("outcome").n.first()
    footnote(fig, f"n = {n['right']:,} right and {n['wrong']:,} wrong answers")
    return fig


OUTCOME_COLOURS = {"right": OKABE_ITO["sky"], "wrong": OKABE_ITO["vermillion"]}


def latent_map(
    points: ArrayLike,
    score: ArrayLike,
    failed: ArrayLike,
    *,
    explained: float,
    here: tuple[float, float] | None = None,
    title: str = "",
) -> Figure:
    """Latents in two dimensions, points (N, 2): coloured by the probability of failure beside what
    came of it. `explained` is the share of the variance that the two dimensions keep, `here` a
    place to mark.
    """
    points, score, failed = np.asarray(points), np.asarray(score), np.asarray(failed)
    fig = new_figure(3.9, title)
    left, right = fig.subplots(1, 2, sharex=True, sharey=True)
    style = {"s": 4, "linewidths": 0, "rasterized": True}
    image = left.scatter(*points.T, c=score, cmap="cividis", vmin=0, vmax=1, **style)
    fig.colorbar(image, ax=left, label="probability of failure", shrink=0.85)
    for outcome, chosen in {"right": ~failed, "wrong": failed}.items():
        right.scatter(*points[chosen].T, color=OUTCOME_COLOURS[outcome], label=outcome, **style)
    left.set_title("what the auditor says")
    right.set_title("what came of it")
    for ax in (left, right):
        if here is not None:
            ax.plot(
                *here,
                "*",
                color=OKABE_ITO["black"],
                markersize=15,
                markeredgecolor="white",
                label="here",
            )
        ax.set(xticks=[], yticks=[], xlabel="first component")
        ax.grid(False)
    left.set_ylabel("second component")
    legend(fig, named_handles(right))
    footnote(
        fig,
        f"n = {len(points):,} digits; two principal components, {explained:.0%} of the variance of the latents",
    )
    return fig


def budgets_met(
    dealt: pd.DataFrame, once: pd.DataFrame, *, delta: float, repeats: int, title: str = ""
) -> Figure:
    """By budget and judge, a dot a seed: the share of deals in which the budget was kept, and the
    coverage on test digits. `dealt` has judge, budget, kept (of `repeats`), `once` judge, budget,
    coverage.
    """
    fig = new_figure(3.0, title)
    left, right = fig.subplots(1, 2)
    _by_budget(left, dealt.assign(value=dealt.kept / repeats))
    _by_budget(right, once.assign(value=once.coverage))
    left.axhline(1 - delta, color=GREY, linewidth=1, linestyle="--")
    left.annotate(f" {1 - delta:.0%} promised", (0, 1 - delta), xycoords=("axes fraction", "data"), va="top",
                  fontsize=8, color=GREY)  # fmt: skip
    left.set(ylabel=f"kept in {repeats} deals", ylim=(min(0.9, left.get_ylim()[0]), 1.005))
    right.set(ylabel="coverage of the test digits", ylim=(0, 1.01))
    legend(fig, named_handles(left))
    footnote(fig, f"{once.seed.nunique()} seeds, a dot each; n = {once.n.iloc[0]:,} test digits")
    return fig


def _by_budget(ax: Axes, table: pd.DataFrame) -> None:
    budgets = sorted(table.budget.unique())
    for k, (judge, part) in enumerate(table.groupby("judge", sort=False)):
        x = [budgets.index(b) + 0.16 * (2 * k - 1) for b in part.budget]
        ax.plot(
            x, part.value, "o", color=detector_colour(judge), markersize=5, alpha=0.7, label=judge
        )
    ax.set_xticks(range(len(budgets)), [f"{b:.0%}" for b in budgets])
    ax.set(xlabel="budget: mistakes among accepted answers", xlim=(-0.5, len(budgets) - 0.5))
    percent_axis(ax.yaxis)


def budget_under_shift(table: pd.DataFrame, *, budget: float, title: str = "") -> Figure:
    """A row a condition: the realised risk of each judge's threshold, a dot a seed, and the share
    of mistakes if all is answered; coverage on the right. Rows have condition, seed, judge, risk,
    coverage, failing.
    """
    names = list(dict.fromkeys(table.condition))
    fig = new_figure(0.36 * len(names) + 0.6, title)
    left, right = fig.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    places = {name: y for y, name in enumerate(names)}
    for k, (judge, part) in enumerate(table.groupby("judge", sort=False)):
        y = part.condition.map(places) + 0.18 * (2 * k - 1)
        for ax, values in ((left, part.risk), (right, part.coverage)):
            ax.plot(
                values, y, "o", color=detector_colour(judge), markersize=4, alpha=0.7, label=judge
            )
    everything = table.groupby("condition").failing.mean()
    left.plot(
        [everything[name] for name in names],
        range(len(names)),
        "|",
        color=GREY,
        markersize=12,
        label="answer all",
    )
    left.axvline(budget, color=GREY, linewidth=1, linestyle="--")
    for ax in (right, left):
        _rows(ax, names)
    left.set(xlabel=f"risk among accepted (dashed: the budget, {budget:.0%})", xlim=(-0.01, None))
    right.set(xlabel="coverage", xlim=(0, 1.01))
    for ax in (left, right):
        percent_axis(ax.xaxis)
    right.tick_params(length=0)
    legend(fig, named_handles(left))
    footnote(
        fig, f"{table.seed.nunique()} seeds, a dot each; n = {_range(table.n)} digits a condition"
    )
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
    """One digit uint8 (H, W) beside the place of its latents, `here`, among points (N, 2) coloured
    by their probability of failure (N,); `words` stand under it.
    """
    fig = new_figure(3.6, title)
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.35))
    left.imshow(np.asarray(image), cmap="gray", vmin=0, vmax=255)
    left.set_xlabel(words, fontsize=9)
    dots = right.scatter(
        *np.asarray(points).T,
        c=np.asarray(failure),
        cmap="cividis",
        vmin=0,
        vmax=1,
        s=4,
        linewidths=0,
    )
    right.plot(*here, "*", color=OKABE_ITO["vermillion"], markersize=16, markeredgecolor="white")
    fig.colorbar(dots, ax=right, label="probability of failure", shrink=0.85)
    right.set(xlabel="first component", ylabel="second component")
    for ax in (left, right):
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    footnote(
        fig,
        f"star: this digit among n = {len(points):,} test digits, in two principal components of the latents",
    )
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
