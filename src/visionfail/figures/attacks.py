"""Figures of attacked images: accuracy and confidence by epsilon, classes, pictures, the link."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

from visionfail.figures.margins import footnote, legend, new_figure
from visionfail.figures.pictures import image_grid
from visionfail.figures.style import (
    GREY,
    SET_COLOURS,
    LineEnd,
    check_names,
    count_range,
    label_line_ends,
    name_rows,
    panels,
    percent_axis,
    rows_needed,
)

ATTACK_LOOKS = {  # name, line, marker
    "fgsm": ("FGSM, one step", "--", "s"),
    "pgd": ("PGD, twenty steps", "-", "o"),
}
AMPLIFIED = 10  # the difference of two pictures, to be seen at all
NEVER = 1.6  # the largest epsilon times this stands for "none reaches"
COLUMNS = 2


def attack_curves(table: pd.DataFrame, *, label: str, title: str = "") -> Figure:
    """A value by epsilon, a panel per network, a line per attack with its 95% band.

    Rows have panel (its title), set (for the colour), attack ("fgsm" or "pgd"), epsilon of 255,
    value, lo, hi, images, and things, which are independent. `label` names the value; one given at
    a single epsilon is a dot. ValueError for an attack or a set without a look.
    """
    check_names(table.attack.unique(), ATTACK_LOOKS, "attack")
    check_names(table["set"].unique(), SET_COLOURS, "set")
    names = list(table.panel.unique())
    epsilons = sorted(table.epsilon.unique())
    rows = rows_needed(len(names), COLUMNS)
    fig = new_figure(1.9 * rows + 0.3, title)
    axes = panels(fig, len(names), columns=COLUMNS)
    for ax, name in zip(axes, names, strict=True):
        ax.set_title(name, fontsize=9, pad=3)
        ax.tick_params(labelbottom=True)
        for attack, points in table[table.panel == name].groupby("attack", sort=False):
            _draw_attack(ax, points, str(attack), epsilons)
    _epsilon_axis(axes, epsilons)
    axes[0].set_ylim(0, 1.02)
    percent_axis(axes[0].yaxis)
    for left in axes[::COLUMNS]:
        left.set_ylabel(label)
    looks = {}
    sizes = []
    for attack in table.attack.unique():
        name, line, marker = ATTACK_LOOKS[attack]
        look: dict[str, Any] = {"linestyle": line, "marker": marker}
        looks[name] = Line2D([], [], color=GREY, markersize=4, **look)
        images = table.loc[table.attack == attack, "images"]
        sizes.append(f"{attack.upper()} {count_range(images)} images")
    legend(fig, looks)
    footnote(fig, f"bands: 95%, groups and seeds resampled crossed; n: {', '.join(sizes)} a set")
    return fig


def _draw_attack(ax: Axes, points: Any, attack: str, epsilons: Sequence[float]) -> None:
    """Draw one attack's line and band, or its value at a single epsilon."""
    _, line, marker = ATTACK_LOOKS[attack]
    colour = SET_COLOURS[points["set"].iloc[0]]
    x = [epsilons.index(epsilon) for epsilon in points.epsilon]
    ax.plot(x, points.value, color=colour, linestyle=line, marker=marker, markersize=4)
    if len(points) == 1:
        ax.vlines(x, points.lo, points.hi, color=colour)
    ax.fill_between(x, points.lo, points.hi, color=colour, alpha=0.2, linewidth=0)


def _epsilon_axis(axes: Sequence[Axes], epsilons: Sequence[float]) -> None:
    """Write the epsilons, evenly spaced, under the panels at the bottom."""
    axes[0].set_xticks(range(len(epsilons)), [f"{epsilon:g}" for epsilon in epsilons])
    for bottom in axes[-COLUMNS:]:
        bottom.set_xlabel("epsilon, of 255 grey levels", fontsize=9)


def class_attack_curves(
    curves: Mapping[str, pd.DataFrame], *, note: str, named: int = 3, title: str = ""
) -> Figure:
    """Accuracy of each class by epsilon, a panel per set; the hardest and easiest are named.

    `curves` is {set: accuracies, a row per class, a column per epsilon of 255}. `named` classes at
    either end are written beside the lines' middle. `note` says what was counted. ValueError for a
    set without a colour.
    """
    check_names(curves, SET_COLOURS, "set")
    rows = rows_needed(len(curves), COLUMNS)
    fig = new_figure(2.4 * rows + 0.3, title)
    axes = panels(fig, len(curves), columns=COLUMNS)
    epsilons = list(next(iter(curves.values())).columns)
    for ax, (name, table) in zip(axes, curves.items(), strict=True):
        ax.set_title(f"{name}, {len(table)} classes", fontsize=9, pad=3)
        ax.tick_params(labelbottom=True)
        for _, accuracy in table.iterrows():
            ax.plot(
                range(len(epsilons)), accuracy, color=SET_COLOURS[name], linewidth=0.9, alpha=0.4
            )
    _epsilon_axis(axes, epsilons)
    axes[0].set_ylim(0, 1.02)
    axes[0].set_xlim(0, len(epsilons) - 1)
    percent_axis(axes[0].yaxis)
    for left in axes[::COLUMNS]:
        left.set_ylabel("accuracy under PGD")
    for ax, (name, table) in zip(axes, curves.items(), strict=True):  # when panels have their size
        _name_classes(ax, table, named, SET_COLOURS[name])
    footnote(fig, note)
    return fig


def _name_classes(ax: Axes, table: pd.DataFrame, named: int, colour: str) -> None:
    """Name the classes with most and least left where they differ most and each has something."""
    spread = table.max().to_numpy() - table.min().to_numpy()
    above_axis = table.min().to_numpy() > 0  # names at 0 would lie on the ticks
    place = int(np.argmax(np.where(above_axis, spread, -1)))
    remaining = table.iloc[:, place].sort_values()
    few = len(remaining) <= 2 * named
    ends_of = [remaining.head(named), remaining.tail(named)]
    chosen = remaining if few else pd.concat(ends_of)
    ends = [LineEnd(place, left, name, colour) for name, left in chosen.to_dict().items()]
    label_line_ends(ax, ends)


def smallest_epsilon_bars(table: pd.DataFrame, *, n: int, title: str = "") -> Figure:
    """How little turns the right answers of each class: a bar per class, a part per epsilon.

    Rows are those of `uneven.smallest_by_class`, the class that falls first on top: columns are
    epsilons of 255 and "more". `n` counts images.
    """
    parts = [column for column in table.columns if column not in ("half", "images")]
    shades = colormaps["cividis"](np.linspace(0, 1, len(parts)))
    fig = new_figure(0.22 * len(table) + 0.7, title)
    ax = fig.add_subplot()
    start = np.zeros(len(table))
    entries = {}
    for part, shade in zip(parts, shades, strict=True):
        ax.barh(range(len(table)), table[part], left=start, color=shade, height=0.8)
        start += table[part].to_numpy()
        words = "more than 16" if part == "more" else part
        entries[words] = Patch(color=shade)
    name_rows(ax, list(table.index))
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of the right answers that PGD turns first at this epsilon (of 255)")
    percent_axis(ax.xaxis)
    ax.grid(False)
    legend(fig, entries)
    footnote(fig, f"n = {n:,} images, of these the right answers; what is lost first is on top")
    return fig


def attack_pictures(
    clean: ArrayLike, attacked: ArrayLike, captions: Sequence[str], *, title: str = ""
) -> Figure:
    """Clean pictures, the same attacked, and their difference times ten around grey, in rows.

    clean uint8 (N, C, H, W), attacked floats in [0, 1]; captions (2N,), first those of the clean
    ones. ValueError where numbers or shapes differ.
    """
    clean = np.asarray(clean)
    attacked = np.asarray(attacked)
    if clean.shape != attacked.shape or len(captions) != 2 * len(clean):
        raise ValueError(
            f"clean {clean.shape}, attacked {attacked.shape}, {len(captions)} captions: give as "
            "many of each, and two captions a picture."
        )
    difference = 0.5 + AMPLIFIED * (attacked - clean / 255)
    rows = [clean / 255, attacked, np.clip(difference, 0, 1)]
    pictures = (255 * np.concatenate(rows)).round().astype(np.uint8)
    return image_grid(
        pictures,
        columns=len(clean),
        captions=[*captions, *[""] * len(clean)],
        row_names=["clean", "attacked", f"difference\ntimes {AMPLIFIED}"],
        title=title,
    )


def link_scatter(
    classes: Mapping[str, pd.DataFrame],
    *,
    largest: float,
    notes: Mapping[str, str],
    note: str,
    title: str = "",
) -> Figure:
    """A dot per class: its clean error, and the epsilon that turns half of its right answers.

    `classes` is {panel: table with error, half and set, a row per class}; a class that no epsilon
    up to `largest` (of 255) halves is a triangle on top. `notes` are written into the panels,
    `note` below.
    """
    rows = rows_needed(len(classes), COLUMNS)
    fig = new_figure(2.4 * rows + 0.2, title)
    axes = list(fig.subplots(rows, COLUMNS, squeeze=False).flat)
    for unused in axes[len(classes) :]:
        unused.remove()
    axes = axes[: len(classes)]
    for ax, (name, table) in zip(axes, classes.items(), strict=True):
        ax.set_title(f"{name}: {notes[name]}", fontsize=9, pad=3)
        percent_axis(ax.xaxis)
        colour = SET_COLOURS[table["set"].iloc[0]]
        reached = np.isfinite(table.half)
        ax.plot(table.error[reached], table.half[reached], "o", color=colour, markersize=4)
        censored = table.error[~reached]
        ax.plot(censored, np.full(len(censored), NEVER * largest), "^", color=colour, markersize=5)
        ax.margins(0.12)
        _name_dots(ax, table.loc[reached])
    for bottom in axes[-COLUMNS:]:
        bottom.set_xlabel("error rate of the class, clean images")
    for left in axes[::COLUMNS]:
        left.set_ylabel("epsilon (of 255)\nthat halves it")
    if any(not np.isfinite(table.half).all() for table in classes.values()):
        footnote(fig, f"triangles: more than half is left at {largest:g}/255")
    footnote(fig, note)
    return fig


def _name_dots(ax: Axes, table: pd.DataFrame) -> None:
    """Write the classes beside their dots, where other names leave room; none where many are."""
    if len(table) > 10:
        return
    ax.figure.canvas.draw()  # places in pixels are known only then
    taken = [ax.transData.transform((row.error, row.half)) for _, row in table.iterrows()]
    boxes = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in taken]
    for label, row in table.iterrows():
        boxes.append(_name_dot(ax, str(label), (row.error, row.half), boxes))


def _name_dot(ax: Axes, label: str, dot: tuple[float, float], boxes: Sequence[Bbox]) -> Bbox:
    """Write a label around its dot, inside the axes and over the fewest boxes; returns its own."""
    places = [((5, 3), "left"), ((5, -10), "left"), ((-5, 3), "right"), ((-5, -10), "right")]
    candidates = []
    for offset, side in places:
        text = ax.annotate(
            label, dot, xytext=offset, textcoords="offset points", fontsize=8, ha=side
        )
        box = text.get_window_extent()
        inside = ax.bbox.contains(*box.min) and ax.bbox.contains(*box.max)
        candidates.append((box.count_overlaps(boxes) + 2 * (not inside), text, box))
    least = min(candidates, key=lambda candidate: candidate[0])
    for candidate in candidates:
        if candidate is not least:
            candidate[1].remove()
    return least[2]
