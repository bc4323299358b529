"""A new figure with its title, and what else stands in strips above and below its axes."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.transforms import offset_copy

from visionfail.figures.style import GREY, WIDTH, rows_needed, use_style
from visionfail.names import readable

SMALLEST = 8  # points that one can read at 800 pixels
LINE = 0.19  # inches of a line of legend or footnote


def new_figure(height: float, title: str = "") -> Figure:
    """An empty figure in the style, `WIDTH` by `height` inches.

    A title stands above and makes the figure taller; its letters are smaller where it is long, and
    ValueError says so where it would take less than SMALLEST points.
    """
    use_style()
    fig = plt.figure(figsize=(WIDTH, height))
    if title:
        write_in_strip(fig, title, height=0.32, at_head=True, fontsize=12, fontweight="bold")
        _fit_to_width(fig.texts[-1], fig)
    return fig


def _fit_to_width(title: Text, fig: Figure) -> None:
    """Make the letters of a title smaller where it is wider than its figure."""
    width = title.get_window_extent().width / fig.dpi  # inches
    size = float(title.get_fontsize()) * min(1.0, (WIDTH - 0.2) / width)
    if size < SMALLEST:
        words = title.get_text()
        raise ValueError(f"the title would take letters of {size:.1f} points: shorten {words!r}.")
    title.set_fontsize(size)


def legend(fig: Figure, entries: dict[str, Any]) -> None:
    """Add lines at the head of the figure that say what its marks mean, {label: handle}."""
    columns = _legend_columns(entries)
    height = LINE * rows_needed(len(entries), columns) + 0.1
    top, _ = _strip(fig, height, at_head=True)
    corner = offset_copy(fig.transFigure, fig, 0.1, -top - 0.06, units="inches")
    fig.legend(
        entries.values(),
        entries.keys(),
        loc="upper left",
        bbox_to_anchor=(0, 1),
        bbox_transform=corner,
        ncols=columns,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.3,
    )


def _legend_columns(labels: Collection[str]) -> int:
    """The number of columns of a legend that fit into the width of a figure.

    A letter takes about 0.07 inches, a mark 0.6.
    """
    for columns in range(len(labels), 1, -1):
        width = 0.0
        for column_labels in np.array_split(list(labels), columns):
            width += 0.07 * max(map(len, column_labels)) + 0.6
        if width < WIDTH:
            return columns
    return 1


def named_handles(ax: Axes) -> dict[str, Any]:
    """{label: handle} of what is drawn in `ax`, for `legend`."""
    handles, labels = ax.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


def footnote(fig: Figure, text: str, **keywords: Any) -> None:
    """Add a line in small grey type under the figure, above its earlier footnotes."""
    write_in_strip(fig, text, height=LINE, at_head=False, fontsize=8, color=GREY, **keywords)


def corruption_labels(fig: Figure, names: Sequence[str], *, frost_is_ours: bool) -> list[str]:
    """Readable names; frost has a star where its texture is ours, and a footnote says so."""
    starred = {"frost"} if frost_is_ours else set()
    if starred & set(names):
        footnote(fig, "* frost: our own texture in the place of the benchmark's photographs")
    return [readable(name) + ("*" if name in starred else "") for name in names]


def write_in_strip(
    fig: Figure, text: str, *, height: float, at_head: bool, **keywords: Any
) -> None:
    """Write a line of text into a new strip at the figure's head or foot, nearest the axes."""
    near, far = _strip(fig, height, at_head=at_head)
    middle = (near + far) / 2
    edge = 1 if at_head else 0
    inwards = -middle if at_head else middle
    place = offset_copy(fig.transFigure, fig, 0.1, inwards, units="inches")
    fig.text(0, edge, text, transform=place, va="center_baseline", **keywords)


def _strip(fig: Figure, height: float, *, at_head: bool) -> tuple[float, float]:
    """Where a new strip begins and ends, in inches from the figure's head or foot.

    The figure grows by `height` inches, which the axes keep free. matplotlib's own titles and
    outside legends ignore such strips.
    """
    layout = fig.get_layout_engine()
    if not isinstance(layout, ConstrainedLayoutEngine):
        raise ValueError("the figure has no constrained layout: make it by new_figure.")
    _, bottom, _, share = layout.get()["rect"]
    old_height = fig.get_figheight()
    foot = bottom * old_height
    head = (1 - bottom - share) * old_height
    new_height = old_height + height
    new_foot = foot if at_head else foot + height
    rect = (0, new_foot / new_height, 1, share * old_height / new_height)
    fig.set_figheight(new_height)
    layout.set(rect=rect)
    near = head if at_head else foot
    return near, near + height
