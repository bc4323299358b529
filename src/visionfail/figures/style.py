"""The style of every figure: sizes, colours, rows and panels, labels."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike
from sklearn.isotonic import isotonic_regression

if TYPE_CHECKING:  # matplotlib 3.8 lacks it
    from matplotlib.typing import RcKeyType

# inches; a README shows it about 800 pixels wide, so 8 points are the smallest that one can read
WIDTH = 8.0

# Okabe and Ito 2008, https://jfly.uni-koeln.de/color: told apart with any kind of colour vision
OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}

GREY = "#767676"

# ours in colour, published ones in greys: dark for the standard recipe, light for those trained to
# be robust
MODEL_COLOURS = {
    "resnet18": OKABE_ITO["blue"],
    "densenet121": OKABE_ITO["vermillion"],
    "imagenet_resnet18": OKABE_ITO["green"],
    "yours": OKABE_ITO["purple"],
    "demonstration": "#4C4C4C",  # not ours either
    "WRN-28-10 standard": "#3C3C3C",
    "PreActResNet-18 standard": "#8A8A8A",
    "PreActResNet-18 AugMix": "#9C9C9C",
    "PreActResNet-18 DeepAugment": "#9C9C9C",
    "ResNet-18 PRIME": "#A6A6A6",
    "WRN-40-2 AugMix": "#A6A6A6",
    "ResNeXt-29 AugMix": "#B0B0B0",
    "WRN-28-4 NoisyMix": "#B0B0B0",
    "LRR CARD-Deck": "#BABABA",
}

# data sets where several stand in one figure
SET_COLOURS = {
    "SVHN": OKABE_ITO["green"],
    "GTSRB": OKABE_ITO["vermillion"],
    "CIFAR-10": OKABE_ITO["purple"],
    "SVHN, whole": OKABE_ITO["black"],
}

STYLE: "dict[RcKeyType, Any]" = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": 10,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "image.cmap": "cividis",
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "savefig.dpi": 200,
    "svg.hashsalt": "visionfail",  # ids inside an svg come from this instead of chance
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


class LineEnd(NamedTuple):
    """Where a line ends, in data units, and what to write there in which colour."""

    x: float
    y: float
    text: str
    colour: str


def use_style() -> None:
    """Give pyplot the repository's style for the rest of the session, as `new_figure` does."""
    plt.rcParams.update(STYLE)


def model_colour(model: str) -> str:
    """The colour that `model` has in every figure. ValueError for one that has none yet."""
    if model not in MODEL_COLOURS:
        raise ValueError(
            f"model {model!r} has no colour: MODEL_COLOURS has {', '.join(MODEL_COLOURS)}."
        )
    return MODEL_COLOURS[model]


def check_names(names: Iterable[str], known: Mapping, what: str) -> None:
    """Raises ValueError for a name that has no look."""
    unknown = set(names) - set(known)
    if unknown:
        raise ValueError(f"no look for {what} {sorted(unknown)}: choose {', '.join(known)}.")


def count_range(counts: ArrayLike) -> str:
    """The counts as "1,000", or as "900 to 1,000" where they differ."""
    counts = np.asarray(counts)
    lowest = int(counts.min())
    highest = int(counts.max())
    if lowest == highest:
        return f"{lowest:,}"
    return f"{lowest:,} to {highest:,}"


def rows_needed(count: int, columns: int) -> int:
    """The number of rows that `count` panels take, `columns` to a row."""
    return math.ceil(count / columns)


def centred_offsets(count: int, *, step: float, room: float) -> np.ndarray:
    """Offsets (count,) around zero, `step` apart, or closer where they would not fit in `room`."""
    step = min(step, room / count)
    return step * (np.arange(count) - (count - 1) / 2)


def error_arms(values: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> np.ndarray:
    """Lengths (2, N) of error bars around N values: down to `lo` and up to `hi`, never negative.

    Rounding can put an end on the wrong side of its value, which matplotlib refuses.
    """
    values = np.atleast_1d(values)
    below = values - np.atleast_1d(lo)
    above = np.atleast_1d(hi) - values
    return np.maximum(0, [below, above])


def percent_axis(axis: Any) -> None:
    """Show the fractions on an axis (ax.xaxis or ax.yaxis) as percent."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 6):g}%"))


def panels(fig: Figure, count: int, *, columns: int) -> list[Axes]:
    """The first `count` axes of a grid with shared scales, row by row; there are no others."""
    rows = rows_needed(count, columns)
    grid = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    axes = list(grid.flat)
    for unused in axes[count:]:
        unused.remove()
    return axes[:count]


def name_rows(ax: Axes, names: Sequence[str], **keywords: Any) -> None:
    """Name the rows at y = 0, 1, ... on the left of the axes, the first of them on top."""
    ax.set_yticks(range(len(names)), names, **keywords)
    ax.set_ylim(len(names) - 0.5, -0.5)


def shade_rows(ax: Axes, count: int, *, colour: str) -> None:
    """Shade every second of the rows at y = 0, 1, ..., behind all that is drawn."""
    for y in range(0, count, 2):
        ax.axhspan(y - 0.5, y + 0.5, color=colour, zorder=-1)


def name_and_shade_rows(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows at y = 0, 1, ..., shade every second one, and draw no grid between them."""
    shade_rows(ax, len(names), colour="#F6F6F6")
    name_rows(ax, names)
    ax.grid(False, axis="y")


def label_line_ends(ax: Axes, ends: Sequence[LineEnd]) -> None:
    """Write the texts right of their points, moved up or down until no two overlap.

    Call it when limits and scales of the axes are final.
    """
    if not ends:
        return
    ends = sorted(ends, key=lambda end: end.y)
    fontsize = plt.rcParams["legend.fontsize"]
    heights = _heights_in_points(ax, ends)
    shifts = spread_apart(heights, gap=1.15 * fontsize) - heights
    for end, shift in zip(ends, shifts, strict=True):
        ax.annotate(
            end.text,
            (end.x, end.y),
            xytext=(12, shift),
            textcoords="offset points",
            va="center",
            color=end.colour,
            fontsize=fontsize,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": end.colour,
                "linewidth": 0.7,
                "shrinkA": 1,
                "shrinkB": 2,
            },
        )


def _heights_in_points(ax: Axes, ends: Sequence[LineEnd]) -> np.ndarray:
    """How high on the figure the points lie, (N,), in points of 1/72 inch."""
    fig = ax.figure
    if not isinstance(fig, Figure):
        raise ValueError("the axes lie in a subfigure: label the ends of lines on a figure itself.")
    fig.draw_without_rendering()  # only now is it known how many points one unit of y is
    pixels = [ax.transData.transform((end.x, end.y))[1] for end in ends]
    return np.array(pixels) * 72 / fig.dpi


def spread_apart(positions: np.ndarray, *, gap: float) -> np.ndarray:
    """The ascending positions (N,), moved until neighbours are `gap` apart.

    The sum of the squared moves is the smallest possible.
    """
    steps = gap * np.arange(len(positions))
    return isotonic_regression(np.asarray(positions, dtype=np.float64) - steps) + steps
