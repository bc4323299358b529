"""The one style: sizes, colours, labels at the line's end, and save_figure with its stamp."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import offset_copy
from sklearn.isotonic import isotonic_regression

from visionfail import files
from visionfail.data import ORIGINS

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
    "yours": OKABE_ITO["purple"],
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


STYLE = {
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


STAMPS = {
    "official": "",
    "identical": "",
    "regenerated": "images regenerated, not the published files",
    "subset": "SUBSET of the official data",
    "standin": "STAND-IN DATA, not the real data set",
}


LINE = 0.19  # inches of a line of legend or footnote


def use_style() -> None:
    """Give pyplot the repository's style for the rest of the session; every figure function here
    does so first.
    """
    plt.rcParams.update(STYLE)


def new_figure(height: float, title: str = "") -> Figure:
    """An empty figure in the style, `WIDTH` by `height` inches; a title makes it taller and stands
    above.
    """
    use_style()
    fig = plt.figure(figsize=(WIDTH, height))
    if title:
        _write_in_strip(fig, title, height=0.32, at_head=True, fontsize=12, fontweight="bold")
    return fig


def model_colour(model: str) -> str:
    """The colour that `model` has in every figure. ValueError for one that has none yet."""
    if model not in MODEL_COLOURS:
        raise ValueError(
            f"model {model!r} has no colour: MODEL_COLOURS has {', '.join(MODEL_COLOURS)}."
        )
    return MODEL_COLOURS[model]


def percent_axis(axis: Any) -> None:
    """Show the fractions on an axis (ax.xaxis or ax.yaxis) as percent."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 6):g}%"))


def label_line_ends(ax: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write each (x, y, text, colour) right of its point, in data units, moved up or down until no
    two overlap.

    Call it when limits and scales of the axes are final.
    """
    ax.figure.draw_without_rendering()  # only now is it known how many points one unit of y is
    ends = sorted(ends, key=lambda end: end[1])
    heights = np.array([ax.transData.transform(end[:2])[1] for end in ends]) * 72 / ax.figure.dpi
    shifts = spread_apart(heights, gap=1.15 * plt.rcParams["legend.fontsize"]) - heights
    for (x, y, text, colour), shift in zip(ends, shifts, strict=True):
        ax.annotate(
            text,
            (x, y),
            xytext=(12, shift),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=plt.rcParams["legend.fontsize"],
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.7,
                "shrinkA": 1,
                "shrinkB": 2,
            },
        )


def spread_apart(positions: np.ndarray, *, gap: float) -> np.ndarray:
    """The ascending positions (N,) moved as little as possible, in squares, until neighbours are
    `gap` apart.
    """
    steps = gap * np.arange(len(positions))
    return isotonic_regression(np.asarray(positions, dtype=np.float64) - steps) + steps


def legend(fig: Figure, entries: dict[str, Any]) -> None:
    """Add lines at the head of the figure that say what its marks mean, {label: handle}."""
    columns = _columns(list(entries))
    top, _ = _strip(fig, LINE * -(-len(entries) // columns) + 0.1, at_head=True)
    place = offset_copy(fig.transFigure, fig, 0.1, -top - 0.06, units="inches")
    keywords = {
        "loc": "upper left",
        "ncols": columns,
        "borderpad": 0,
        "borderaxespad": 0,
        "labelspacing": 0.3,
    }
    fig.legend(
        entries.values(), entries.keys(), bbox_to_anchor=(0, 1), bbox_transform=place, **keywords
    )


def _columns(labels: list[str]) -> int:
    """As many columns as the width of a figure holds, at about 0.07 inches a letter and 0.6 for
    each mark.
    """
    for columns in range(len(labels), 1, -1):
        longest = [max(map(len, part)) for part in np.array_split(labels, columns)]
        if sum(0.07 * letters + 0.6 for letters in longest) < WIDTH:
            return columns
    return 1


def named_handles(ax: Axes) -> dict[str, Any]:
    """{label: handle} of what is drawn in `ax`, for `legend`."""
    handles, labels = ax.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


def footnote(fig: Figure, text: str, **keywords: Any) -> None:
    """Add a line in small grey type under the figure, above the footnotes that it has."""
    _write_in_strip(fig, text, height=LINE, at_head=False, fontsize=8, color=GREY, **keywords)


def save_figure(
    fig: Figure, slug: str, *, folder: Path, origin: str, profile: str, svg: bool = False
) -> None:
    """Write <folder>/<slug>.png at 200 dpi, and .svg if asked; the same figure gives the same
    bytes.

    Where `origin` (of ImageSet) is neither "official" nor "identical", or `profile` is not "full",
    the figure says so. ValueError for an unknown origin or profile.
    """
    if origin not in ORIGINS:
        raise ValueError(
            f"unknown origin {origin!r}: pass that of the ImageSet, one of {', '.join(ORIGINS)}."
        )
    if profile not in ("quick", "full"):
        raise ValueError(f"unknown profile {profile!r}: pass profile.name, quick or full.")
    _stamp(fig, origin, profile)
    for kind in ("png", "svg") if svg else ("png",):
        metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        with files.atomic_write(Path(folder) / f"{slug}.{kind}") as part, plt.rc_context(STYLE):
            fig.savefig(part, format=kind, metadata=metadata)


def _stamp(fig: Figure, origin: str, profile: str) -> None:
    if any(text.get_gid() == "stamp" for text in fig.texts):  # saved before
        return
    words = [STAMPS[origin], "QUICK PROFILE: no finding" if profile == "quick" else ""]
    text = "  ·  ".join(word for word in words if word)
    if text and profile == "full" and origin in ("regenerated", "subset"):
        footnote(fig, text, gid="stamp")
    elif text:
        box = {"facecolor": OKABE_ITO["orange"], "edgecolor": "none", "boxstyle": "square,pad=0.3"}
        _write_in_strip(
            fig, text, height=0.34, at_head=True, fontweight="bold", bbox=box, gid="stamp"
        )


def _write_in_strip(
    fig: Figure, text: str, *, height: float, at_head: bool, **keywords: Any
) -> None:
    """Make room for a line of text between the axes and what stands at the figure's head or foot,
    and write it.
    """
    near, far = _strip(fig, height, at_head=at_head)
    middle = (near + far) / 2
    place = offset_copy(fig.transFigure, fig, 0.1, -middle if at_head else middle, units="inches")
    fig.text(0, 1 if at_head else 0, text, transform=place, va="center_baseline", **keywords)


def _strip(fig: Figure, height: float, *, at_head: bool) -> tuple[float, float]:
    """Make the figure taller by `height` inches that the axes keep free, and return where the strip
    begins and ends, in inches from the figure's head or foot. (Titles and outside legends of
    matplotlib ignore such strips.)
    """
    _, bottom, _, share = fig.get_layout_engine().get()["rect"]
    old, new = fig.get_figheight(), fig.get_figheight() + height
    foot, head = bottom * old, (1 - bottom - share) * old
    fig.set_figheight(new)
    fig.get_layout_engine().set(
        rect=(0, (foot if at_head else foot + height) / new, 1, share * old / new)
    )
    return (head, head + height) if at_head else (foot, foot + height)
