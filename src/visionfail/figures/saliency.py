"""Figures of notebook 05: pictures beside their maps, how far maps move, and doubt of people and
networks.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from visionfail.figures.pictures import heat, image_grid
from visionfail.figures.style import (
    GREY,
    footnote,
    label_line_ends,
    legend,
    model_colour,
    named_handles,
    new_figure,
    percent_axis,
)
from visionfail.names import model_name, network_name, readable

AXIS = {
    "overlap": "overlap with the clean map",
    "shift": "shift of the centre, of the side",
    "entropy": "entropy",
}


def beside_maps(
    images: ArrayLike,
    maps: ArrayLike,
    *,
    columns: int,
    captions: Sequence[str],
    row_names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Images uint8 (N, 3, H, W), each with its map (N, H, W) in [0, 1] on its right, `columns`
    pairs a row; captions (N,) stand above the images.
    """
    pictures = np.moveaxis(np.stack([heat(one) for one in maps]), -1, 1)
    pairs = np.stack([np.asarray(images), pictures], axis=1).reshape(-1, *pictures.shape[1:])
    words = [word for caption in captions for word in (caption, "")]
    fig = image_grid(pairs, columns=2 * columns, captions=words, row_names=row_names, title=title)
    return _explain(fig)


def storyboard(
    images: ArrayLike,
    told: Mapping[str, tuple[ArrayLike, Sequence[str]]],
    *,
    corruption: str,
    title: str = "",
) -> Figure:
    """One picture, uint8 (S, 3, H, W), at severity 0, 1, ... from left to right; below it a row a
    network with its maps (S, H, W) and what it says (S,): {model: (maps, words)}.
    """
    images = np.asarray(images)
    rows = [
        images,
        *(np.moveaxis(np.stack([heat(one) for one in maps]), -1, 1) for maps, _ in told.values()),
    ]
    words = ["clean", *(f"severity {s}" for s in range(1, len(images)))]
    words += [word for _, said in told.values() for word in said]
    names = [readable(corruption), *map(model_name, told)]
    grid = np.concatenate(rows)
    return _explain(
        image_grid(grid, columns=len(images), captions=words, row_names=names, title=title)
    )


def _explain(fig: Figure) -> Figure:
    footnote(
        fig,
        "maps: Grad-CAM of the class named on the clean image; yellow: much evidence, blue: none",
    )
    return fig


def drift_curves(table: pd.DataFrame, *, measure: str, title: str = "") -> Figure:
    """One measure of the maps by severity, a panel a corruption, beginning with jitter, what moves
    a map when nothing is wrong. A colour a network, dashed with random weights. Rows of
    `drift_claims.by_condition` with columns model and weights ("trained" or "random").
    """
    part = table[table.measure == measure]
    jitter, names = (
        part[part.condition == "jitter"],
        [n for n in part.condition.unique() if n not in ("clean", "jitter")],
    )
    severities = sorted(part.severity[part.severity > 0].unique())
    fig = new_figure(1.75 * -(-len(names) // 3) + 0.4, title)
    axes = list(fig.subplots(-(-len(names) // 3), 3, sharex=True, sharey=True, squeeze=False).flat)
    for ax, name in zip(axes, names, strict=False):
        ax.set_title(readable(name), fontsize=9, pad=3)
        for (model, weights), line in part[part.condition == name].groupby(
            ["model", "weights"], sort=False
        ):
            begin = jitter[(jitter.model == model) & (jitter.weights == weights)]
            _line(ax, pd.concat([begin, line.sort_values("severity")]), model, weights)
    for ax in axes[len(names) :]:
        ax.remove()
    axes[0].set_xticks(range(len(severities) + 1), ["jitter", *severities])
    for ax in axes[: len(names)]:
        ax.set_xlabel("severity", fontsize=8)
        ax.tick_params(labelbottom=True)
    for left in range(0, len(names), 3):
        axes[left].set_ylabel(AXIS[measure], fontsize=8)
    legend(fig, named_handles(axes[0]))
    n = part.groupby("model").n.first()
    footnote(
        fig,
        "bands: 95%, bootstrap over images right when clean, n = " + ", ".join(f"{k:,}" for k in n),
    )
    return fig


def _line(ax: Axes, part: pd.DataFrame, model: str, weights: str) -> None:
    trained, x = weights == "trained", np.arange(len(part))
    label = model_name(model) if trained else f"{model_name(model)}, random weights"
    style = {
        "color": model_colour(model),
        "linestyle": "-" if trained else "--",
        "linewidth": 1.6 if trained else 1.1,
    }
    ax.plot(x, part.value, marker=".", label=label, **style)
    ax.fill_between(
        x, part.lo, part.hi, color=model_colour(model), alpha=0.25 if trained else 0.12, linewidth=0
    )


def causes_of_drift_plot(table: pd.DataFrame, *, title: str = "") -> Figure:
    """How much of a map is left, a row a cause: dots with 95% intervals in the colour of the
    network, hollow for seeds other than 0, grey for each pair of architectures; rows of
    `drift_claims.what_moves`.
    """
    causes = list(dict.fromkeys(table.cause))
    fig = new_figure(0.42 * len(causes) + 0.5, title)
    ax, known = fig.add_subplot(), set()
    for y, cause in enumerate(causes):
        part = table[table.cause == cause]
        places = y + min(0.2, 0.7 / len(part)) * (np.arange(len(part)) - (len(part) - 1) / 2)
        for row, place in zip(part.itertuples(), places, strict=True):
            apart = cause == "another architecture"
            name = "two architectures" if apart else network_name(row.model, row.seed)
            colour = GREY if apart else model_colour(row.model)
            filled = apart or row.seed == 0
            style = {
                "color": colour,
                "markerfacecolor": colour if filled else "white",
                "markersize": 5,
            }
            ends = np.maximum(0, [[row.overlap - row.lo], [row.hi - row.overlap]])
            ax.errorbar(
                [row.overlap],
                [place],
                xerr=ends,
                fmt="o",
                label=None if name in known else name,
                **style,
            )
            known.add(name)
    ax.set_yticks(range(len(causes)), causes)
    ax.set(
        xlim=(0, 1),
        ylim=(len(causes) - 0.5, -0.5),
        xlabel="overlap with the map that it is compared to",
    )
    ax.grid(False, axis="y")
    legend(fig, named_handles(ax))
    footnote(
        fig,
        f"bars: 95%, bootstrap over images, n = {table.n.min():,} to {table.n.max():,} right when clean",
    )
    footnote(
        fig,
        "first four: the same network's clean map of the same image; another image: the next test image, clean",
    )
    return fig


def human_uncertainty(
    table: pd.DataFrame, *, model: str, severities: Sequence[int], title: str = ""
) -> Figure:
    """Accuracy (left) and confidence (right) of one network by how much people doubt the clean
    image, a line a severity; rows of `human.by_group`.
    """
    groups = list(dict.fromkeys(table.group))
    fig = new_figure(3.2, title)
    for ax, metric in zip(fig.subplots(1, 2, sharey=True), ("accuracy", "confidence"), strict=True):
        ends = []
        for severity, fade in zip(severities, np.linspace(1, 0.35, len(severities)), strict=True):
            part = (
                table[(table.metric == metric) & (table.severity == severity)]
                .set_index("group")
                .loc[groups]
            )
            ax.plot(
                range(len(groups)), part.value, marker=".", color=model_colour(model), alpha=fade
            )
            ax.fill_between(
                range(len(groups)),
                part.lo,
                part.hi,
                color=model_colour(model),
                alpha=0.2,
                linewidth=0,
            )
            ends.append(
                (
                    len(groups) - 1,
                    part.value.iloc[-1],
                    f"severity {severity}" if severity else "clean",
                )
            )
        ax.set_xticks(range(len(groups)), groups)
        ax.set(
            xlabel="doubt of people about the clean image",
            ylim=(0, 1.02),
            xlim=(-0.2, len(groups) + 0.1),
        )
        ax.set_title(metric if metric == "accuracy" else "mean confidence")
        percent_axis(ax.yaxis)
        label_line_ends(ax, [(x, y, words, model_colour(model)) for x, y, words in ends])
    n = table.drop_duplicates("group").set_index("group").n
    sizes = ", ".join(f"{name} {n[name]:,}" for name in groups)
    footnote(fig, f"{model_name(model)}; bands: 95%, bootstrap over images; n: {sizes}")
    return fig
