"""Figures of one model on clean data: counts, learning curves, errors by class, calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from visionfail import metrics
from visionfail.figures.style import (
    GREY,
    OKABE_ITO,
    footnote,
    label_line_ends,
    legend,
    model_colour,
    named_handles,
    new_figure,
    percent_axis,
)
from visionfail.names import model_name


def class_counts(
    counts: Mapping[str, ArrayLike], classes: Sequence[str], *, title: str = ""
) -> Figure:
    """Bars of the number of images a class, {split: (K,)}, the splits side by side."""
    fig = new_figure(2.8, title)
    ax = fig.add_subplot()
    width = 0.9 / len(counts)
    colours = [OKABE_ITO[name] for name in ("blue", "sky", "orange", "green")]
    for i, ((split, n), colour) in enumerate(zip(counts.items(), colours, strict=False)):
        x = np.arange(len(classes)) + (i - (len(counts) - 1) / 2) * width
        bars = ax.bar(
            x,
            _length(n, len(classes), split),
            width,
            color=colour,
            label=f"{split}, n = {np.sum(n):,}",
        )
        ax.bar_label(bars, fontsize=8, padding=1)
    ax.set_xticks(range(len(classes)), classes)
    ax.set_ylabel("images")
    ax.grid(False, axis="x")
    ax.set_xlim(-0.6, len(classes) - 0.4)
    legend(fig, named_handles(ax))
    return fig


def learning_curves(history: Sequence[Mapping[str, Any]], *, model: str, title: str = "") -> Figure:
    """Loss, accuracy and learning rate by epoch, from training's history: dicts with epoch,
    train_loss, val_loss, train_accuracy, val_accuracy, lr; None where a value was not computed.
    """
    if not history:
        raise ValueError("the history has no epochs: train first, or load a card that has one.")
    fig = new_figure(4.6, title)
    axes = fig.subplot_mosaic([["loss", "accuracy"], ["lr", "lr"]], height_ratios=[3, 1])
    epochs = _column(history, "epoch")
    for measure, unit in (("loss", "cross-entropy (nats)"), ("accuracy", "accuracy")):
        ax, ends = axes[measure], []
        for part, colour in (("train", GREY), ("val", model_colour(model))):
            y = _column(history, f"{part}_{measure}")
            known = np.isfinite(y)
            ax.plot(epochs[known], y[known], color=colour, marker="." if known.sum() < 30 else "")
            if known.any():
                ends.append(
                    (
                        epochs[known][-1],
                        y[known][-1],
                        {"train": "training", "val": "validation"}[part],
                        colour,
                    )
                )
        ax.set(ylabel=unit, xlabel="epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if measure == "accuracy":
            percent_axis(ax.yaxis)
        label_line_ends(ax, ends)
    axes["lr"].plot(epochs, _column(history, "lr"), color=OKABE_ITO["black"])
    axes["lr"].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes["lr"].set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
    footnote(
        fig, f"{model_name(model)}; training values as seen while training, on augmented images"
    )
    return fig


def validation_curves(
    histories: Mapping[str, Sequence[Mapping[str, Any]]], *, title: str = ""
) -> Figure:
    """Validation accuracy of several models by epoch, and by hours of training: {model:
    history}.
    """
    fig = new_figure(3.0, title)
    left, right = fig.subplots(1, 2, sharey=True)
    for ax, spent in ((left, "epoch"), (right, "hours")):
        ends = []
        for model, history in histories.items():
            x = (
                _column(history, "epoch")
                if spent == "epoch"
                else np.cumsum(_column(history, "seconds")) / 3600
            )
            y = _column(history, "val_accuracy")
            ax.plot(x, y, color=model_colour(model), marker=".")
            ends.append((y[-1], model_name(model), model_colour(model)))
        ax.set_xlabel("epoch" if spent == "epoch" else "hours of training, each on its own machine")
        label_line_ends(
            ax, [(ax.get_xlim()[1], *end) for end in ends]
        )  # a shorter curve ends amid a longer one
    left.set_ylabel("validation accuracy")
    percent_axis(left.yaxis)
    return fig


def per_class_plot(
    successes: ArrayLike, n: ArrayLike, classes: Sequence[str], *, model: str, title: str = ""
) -> Figure:
    """Accuracy of each class, worst on top, from counts (K,) of right answers and of images, with
    Wilson intervals.
    """
    successes, n = (_length(values, len(classes), "counts") for values in (successes, n))
    lo, hi = metrics.wilson(successes, n)
    value = successes / n
    order = np.argsort(value, kind="stable")[::-1]
    fig = new_figure(0.29 * len(classes) + 0.9, title)
    ax = fig.add_subplot()
    ends = np.maximum(0, [value[order] - lo[order], hi[order] - value[order]])
    ax.errorbar(
        value[order], range(len(classes)), xerr=ends, fmt="o", color=model_colour(model), capsize=3
    )
    for row, k in enumerate(order):
        ax.text(
            1.01,
            row,
            f"{value[k]:.1%}",
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize=8,
        )
    overall = successes.sum() / n.sum()
    ax.axvline(overall, color=GREY, linewidth=1, linestyle="--", zorder=0)
    ax.annotate(
        f" all: {overall:.1%}",
        (overall, 1),
        xycoords=("data", "axes fraction"),
        color=GREY,
        fontsize=8,
    )
    ax.set_yticks(range(len(classes)), [classes[k] for k in order])
    ax.set(xlabel="accuracy", ylim=(-0.6, len(classes) - 0.4))
    percent_axis(ax.xaxis)
    ax.grid(False, axis="y")
    footnote(fig, f"{model_name(model)}; bars: 95% Wilson interval; n = {_range(n)} images a class")
    return fig


def confusion_plot(matrix: ArrayLike, classes: Sequence[str], *, title: str = "") -> Figure:
    """Counts (K, K), rows the true class, coloured by share of the row; the numbers are counts."""
    matrix = np.asarray(matrix)
    if matrix.shape != (len(classes), len(classes)) or not (matrix.sum(axis=1) > 0).all():
        raise ValueError(
            f"matrix has shape {matrix.shape}: give ({len(classes)}, {len(classes)}), no row empty."
        )
    share = matrix / matrix.sum(axis=1, keepdims=True)
    fig = new_figure(0.5 * len(classes) + 1.4, title)
    ax = fig.add_subplot()
    # a cube root in the colours: errors of 1% and 5% must differ, and the diagonal is near 1
    image = ax.imshow(share, norm=PowerNorm(1 / 3, vmin=0, vmax=1), cmap="cividis", aspect="auto")
    for (i, j), n in np.ndenumerate(matrix):
        ax.text(
            j,
            i,
            n,
            ha="center",
            va="center",
            fontsize=8,
            color="black" if share[i, j] > 0.16 else "white",
        )
    ax.set_xticks(range(len(classes)), classes, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(False)
    bar = fig.colorbar(
        image, ax=ax, format=PercentFormatter(1, decimals=0), ticks=[0, 0.01, 0.05, 0.2, 0.5, 1]
    )
    bar.set_label("share of the true class (cube-root scale)")
    return fig


def reliability_plot(
    tables: Mapping[str, Mapping[str, np.ndarray]], *, model: str, title: str = ""
) -> Figure:
    """Accuracy against confidence by bin, and images a bin, from {name:
    metrics.reliability_bins(...)}, one or two.
    """
    if not 1 <= len(tables) <= 2:
        raise ValueError(
            f"{len(tables)} tables: give one, or two such as before and after temperature scaling."
        )
    fig = new_figure(5.6, title)
    top, bottom = fig.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    top.plot(
        [0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":", label="perfectly calibrated"
    )
    colours = [OKABE_ITO["orange"], model_colour(model)][-len(tables) :]
    for (name, table), colour, marker in zip(
        tables.items(), colours, "so"[-len(tables) :], strict=True
    ):
        some = table["n"] > 0
        x, y, n = (table[key][some] for key in ("confidence", "accuracy", "n"))
        lo, hi = metrics.wilson(np.rint(y * n), n)
        ends = np.maximum(0, [y - lo, hi - y])
        top.errorbar(
            x,
            y,
            yerr=ends,
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=1.2,
            capsize=2,
            label=name,
        )
        bottom.stairs(table["n"], table["edges"], color=colour, linewidth=1.4)
    top.set(ylabel="accuracy", ylim=(-0.02, 1.02), xlim=(0, 1))
    bottom.set(
        xlabel="confidence (probability of the predicted class)",
        ylabel="images a bin",
        yscale="log",
    )
    bottom.set_ylim(bottom=0.7)
    percent_axis(top.yaxis)
    percent_axis(bottom.xaxis)
    legend(fig, named_handles(top))
    total, bins = next((int(table["n"].sum()), len(table["n"])) for table in tables.values())
    footnote(
        fig,
        f"{model_name(model)}; n = {total:,} images, {bins} equal-width bins; bars: 95% Wilson interval",
    )
    return fig


def _column(history: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    if name not in history[0]:
        raise ValueError(f"the history has no {name!r}: it has {', '.join(history[0])}.")
    return np.array(
        [np.nan if epoch[name] is None else epoch[name] for epoch in history], dtype=np.float64
    )


def _length(values: ArrayLike, n: int, what: str) -> np.ndarray:
    values = np.asarray(values)
    if values.shape != (n,):
        raise ValueError(
            f"{what} have shape {values.shape} for {n} classes: give one number a class."
        )
    return values


def _range(n: np.ndarray) -> str:
    return f"{n.min():,}" if n.min() == n.max() else f"{n.min():,} to {n.max():,}"
