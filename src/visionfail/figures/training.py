"""Figures of one model on clean data: counts, learning curves, errors by class, calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from visionfail import metrics
from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import (
    GREY,
    OKABE_ITO,
    LineEnd,
    count_range,
    error_arms,
    label_line_ends,
    model_colour,
    percent_axis,
)
from visionfail.names import model_name

SPLIT_COLOURS = [OKABE_ITO[name] for name in ("blue", "sky", "orange", "green")]

SPLIT_NAMES = {"train": "training", "val": "validation"}

LONG_NAME = 10  # characters: names of more would run into each other
UNITS = {"loss": "cross-entropy (nats)", "accuracy": "accuracy"}


def class_counts(
    counts: Mapping[str, ArrayLike], classes: Sequence[str], *, title: str = ""
) -> Figure:
    """Bars of the number of images per class, {split: (K,)}, the splits side by side."""
    fig = new_figure(2.8, title)
    ax = fig.add_subplot()
    width = 0.9 / len(counts)
    for i, (split, values) in enumerate(counts.items()):
        n = _one_per_class(values, len(classes), split)
        x = np.arange(len(classes)) + (i - (len(counts) - 1) / 2) * width
        label = f"{split}, n = {n.sum():,}"
        bars = ax.bar(x, n, width, color=SPLIT_COLOURS[i], label=label)
        ax.bar_label(bars, fontsize=8, padding=1)
    slanted: dict[str, Any] = {"rotation": 20, "ha": "right", "rotation_mode": "anchor"}
    long = max(map(len, classes)) > LONG_NAME
    ax.set_xticks(range(len(classes)), classes, **(slanted if long else {}))
    ax.set_ylabel("images")
    ax.grid(False, axis="x")
    ax.set_xlim(-0.6, len(classes) - 0.4)
    legend(fig, named_handles(ax))
    return fig


def learning_curves(history: Sequence[Mapping[str, Any]], *, model: str, title: str = "") -> Figure:
    """Loss, accuracy and learning rate by epoch, from the history that training returns.

    An epoch is a dict with epoch, train_loss, val_loss, train_accuracy, val_accuracy and lr; None
    where a value was not computed. ValueError for a history without epochs.
    """
    if not history:
        raise ValueError("the history has no epochs: train first, or load a card that has one.")
    fig = new_figure(4.6, title)
    axes = fig.subplot_mosaic([["loss", "accuracy"], ["lr", "lr"]], height_ratios=[3, 1])
    for measure in ("loss", "accuracy"):
        _draw_measure(axes[measure], history, measure, model)
    _draw_learning_rate(axes["lr"], history)
    footnote(
        fig, f"{model_name(model)}; training values as seen while training, on augmented images"
    )
    return fig


def _draw_measure(ax: Axes, history: Sequence[Mapping[str, Any]], measure: str, model: str) -> None:
    """Draw one measure by epoch: training grey, validation in the model's colour."""
    ends = []
    for split, colour in (("train", GREY), ("val", model_colour(model))):
        values = _column(history, f"{split}_{measure}")
        computed = np.isfinite(values)
        x = _column(history, "epoch")[computed]
        y = values[computed]
        marker = "." if len(y) < 30 else ""
        ax.plot(x, y, color=colour, marker=marker)
        if len(y):
            ends.append(LineEnd(x[-1], y[-1], SPLIT_NAMES[split], colour))
    ax.set(ylabel=UNITS[measure], xlabel="epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if measure == "accuracy":
        percent_axis(ax.yaxis)
    label_line_ends(ax, ends)


def _draw_learning_rate(ax: Axes, history: Sequence[Mapping[str, Any]]) -> None:
    ax.plot(_column(history, "epoch"), _column(history, "lr"), color=OKABE_ITO["black"])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))


def validation_curves(
    histories: Mapping[str, Sequence[Mapping[str, Any]]], *, title: str = ""
) -> Figure:
    """Validation accuracy of several models by epoch and by hours, from {model: history}."""
    fig = new_figure(3.0, title)
    by_epoch, by_hours = fig.subplots(1, 2, sharey=True)
    epochs = {}
    hours = {}
    for model, history in histories.items():
        epochs[model] = _column(history, "epoch")
        hours[model] = np.cumsum(_column(history, "seconds")) / 3600
    _draw_validation(by_epoch, epochs, histories, xlabel="epoch")
    own_machine = "hours of training, each on its own machine"
    _draw_validation(by_hours, hours, histories, xlabel=own_machine)
    by_epoch.set_ylabel("validation accuracy")
    percent_axis(by_epoch.yaxis)
    return fig


def _draw_validation(
    ax: Axes,
    efforts: Mapping[str, np.ndarray],
    histories: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    xlabel: str,
) -> None:
    """Draw validation accuracy against {model: effort up to each epoch (E,)}."""
    final_accuracies = {}
    for model, effort in efforts.items():
        accuracy = _column(histories[model], "val_accuracy")
        ax.plot(effort, accuracy, color=model_colour(model), marker=".")
        final_accuracies[model] = accuracy[-1]
    ax.set_xlabel(xlabel)
    right_edge = ax.get_xlim()[1]  # a shorter curve ends amid a longer one: names stand beside both
    ends = []
    for model, accuracy in final_accuracies.items():
        last = efforts[model][-1]
        colour = model_colour(model)
        ax.plot([last, right_edge], [accuracy] * 2, color=colour, linestyle=":", linewidth=0.9)
        ends.append(LineEnd(right_edge, accuracy, model_name(model), colour))
    label_line_ends(ax, ends)


def per_class_plot(
    successes: ArrayLike, n: ArrayLike, classes: Sequence[str], *, model: str, title: str = ""
) -> Figure:
    """Accuracy of each class with its Wilson interval, the worst on top.

    `successes` and `n` count right answers and images, (K,).
    """
    successes = _one_per_class(successes, len(classes), "counts")
    n = _one_per_class(n, len(classes), "counts")
    lo, hi = metrics.wilson(successes, n)
    accuracy = successes / n
    order = np.argsort(accuracy, kind="stable")[::-1]
    arms = error_arms(accuracy, lo, hi)[:, order]
    fig = new_figure(0.29 * len(classes) + 0.9, title)
    ax = fig.add_subplot()
    rows = range(len(classes))
    ax.errorbar(accuracy[order], rows, xerr=arms, fmt="o", color=model_colour(model), capsize=3)
    _write_at_right(ax, [f"{value:.1%}" for value in accuracy[order]])
    _mark_overall(ax, successes.sum() / n.sum())
    ax.set_yticks(rows, [classes[int(k)] for k in order])
    ax.set(xlabel="accuracy", ylim=(-0.6, len(classes) - 0.4))
    percent_axis(ax.xaxis)
    ax.grid(False, axis="y")
    interval = f"95% Wilson interval; n = {count_range(n)} images per class"
    footnote(fig, f"{model_name(model)}; bars: {interval}")
    return fig


def _write_at_right(ax: Axes, texts: Sequence[str]) -> None:
    """Write one text per row right of the axes."""
    for row, text in enumerate(texts):
        beside_row = ax.get_yaxis_transform()
        ax.text(1.01, row, text, transform=beside_row, va="center", fontsize=8)


def _mark_overall(ax: Axes, accuracy: float) -> None:
    """Mark the accuracy over all classes with a dashed line, named at its upper end."""
    ax.axvline(accuracy, color=GREY, linewidth=1, linestyle="--", zorder=0)
    ax.annotate(
        f" all: {accuracy:.1%}",
        (accuracy, 1),
        xycoords=("data", "axes fraction"),
        color=GREY,
        fontsize=8,
    )


def confusion_plot(matrix: ArrayLike, classes: Sequence[str], *, title: str = "") -> Figure:
    """Counts (K, K), rows the true class, coloured by share of the row; the numbers are counts."""
    matrix = np.asarray(matrix)
    if matrix.shape != (len(classes), len(classes)) or not (matrix.sum(axis=1) > 0).all():
        raise ValueError(
            f"matrix has shape {matrix.shape}: give ({len(classes)}, {len(classes)}), no row empty."
        )
    share = matrix / matrix.sum(axis=1, keepdims=True)  # (true, predicted)
    fig = new_figure(0.5 * len(classes) + 1.4, title)
    ax = fig.add_subplot()
    # a cube root in the colours: errors of 1% and 5% must differ, and the diagonal is near 1
    norm = PowerNorm(1 / 3, vmin=0, vmax=1)
    image = ax.imshow(share, norm=norm, cmap="cividis", aspect="auto")
    for (row, column), count in np.ndenumerate(matrix):
        colour = "black" if share[row, column] > 0.16 else "white"
        ax.text(column, row, count, ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(len(classes)), classes, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(False)
    ticks = [0, 0.01, 0.05, 0.2, 0.5, 1]
    bar = fig.colorbar(image, ax=ax, format=PercentFormatter(1, decimals=0), ticks=ticks)
    bar.set_label("share of the true class (cube-root scale)")
    return fig


def reliability_plot(
    tables: Mapping[str, Mapping[str, np.ndarray]], *, model: str, title: str = ""
) -> Figure:
    """Accuracy against confidence by bin, and the number of images per bin.

    `tables` is {name: metrics.reliability_bins(...)} with one or two names; ValueError for any
    other number. Bars are Wilson intervals over images, or from "lo" to "hi" where a table has
    them, which are said to be over groups.
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
    # the last of them, usually after calibration, has the model's colour
    colours = [OKABE_ITO["orange"], model_colour(model)][-len(tables) :]
    markers = ["s", "o"][-len(tables) :]
    for (name, table), colour, marker in zip(tables.items(), colours, markers, strict=True):
        _draw_calibration(top, table, color=colour, marker=marker, label=name)
        bottom.stairs(table["n"], table["edges"], color=colour, linewidth=1.4)
    _finish_reliability(top, bottom)
    legend(fig, named_handles(top))
    images_per_bin = next(iter(tables.values()))["n"]
    total = f"n = {int(images_per_bin.sum()):,} images, {len(images_per_bin)} equal-width bins"
    over_groups = all("lo" in table for table in tables.values())
    bars = "bars: 95% over groups" if over_groups else "bars: 95% Wilson interval"
    footnote(fig, f"{model_name(model)}; {total}; {bars}")
    return fig


def _draw_calibration(ax: Axes, table: Mapping[str, np.ndarray], **style: Any) -> None:
    """Draw the accuracy of every bin that has images, with its interval."""
    filled = table["n"] > 0
    n = table["n"][filled]
    accuracy = table["accuracy"][filled]
    lo, hi = metrics.wilson(np.rint(accuracy * n), n)
    if "lo" in table:
        lo, hi = table["lo"][filled], table["hi"][filled]
    ax.errorbar(
        table["confidence"][filled],
        accuracy,
        yerr=error_arms(accuracy, lo, hi),
        markersize=4,
        linewidth=1.2,
        capsize=2,
        **style,
    )


def _finish_reliability(top: Axes, bottom: Axes) -> None:
    top.set(ylabel="accuracy", ylim=(-0.02, 1.02), xlim=(0, 1))
    bottom.set_xlabel("confidence (probability of the predicted class)")
    bottom.set(ylabel="images per bin", yscale="log")
    bottom.set_ylim(bottom=0.7)
    percent_axis(top.yaxis)
    percent_axis(bottom.xaxis)


def _column(history: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """One value per epoch, (E,), NaN where it was not computed."""
    if name not in history[0]:
        raise ValueError(f"the history has no {name!r}: it has {', '.join(history[0])}.")
    values = [np.nan if epoch[name] is None else epoch[name] for epoch in history]
    return np.array(values, dtype=np.float64)


def _one_per_class(values: ArrayLike, n: int, what: str) -> np.ndarray:
    """The values as an array (n,); ValueError for any other shape."""
    values = np.asarray(values)
    if values.shape != (n,):
        raise ValueError(
            f"{what} have shape {values.shape} for {n} classes: give one number per class."
        )
    return values
