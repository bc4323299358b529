"""Small pictures, and what a reader would see of a figure: its words, and where they lie."""

import numpy as np
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from visionfail.figures import saving, style

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CORRUPTIONS = ["gaussian_noise", "frost", "contrast", "jpeg_compression", "elastic_transform"]


def pictures(n, channels=3, size=32):
    """Noise uint8 (N, C, H, W)."""
    shape = (n, channels, size, size)
    return np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)


def with_interval(table, column="value", width=0.01):
    """The table with columns lo and hi around a column of it."""
    return table.assign(lo=table[column] - width, hi=table[column] + width)


def visible_texts(fig):
    return [text for text in fig.findobj(Text) if text.get_visible() and text.get_text()]


def words(fig):
    """Every word on the figure that shows."""
    return [text.get_text() for text in visible_texts(fig)]


def tick_names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def dots(ax):
    """The lines of the axes that are drawn as round dots."""
    return [line for line in ax.lines if line.get_marker() == "o"]


def error_bars(ax):
    """The marks of the axes that were drawn with intervals, in the order of drawing."""
    return [marks for marks in ax.containers if isinstance(marks, ErrorbarContainer)]


def rectangles(ax):
    """The bars and boxes of the axes, in the order of drawing."""
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def curve(line):
    """The points of a line: arrays x (N,) and y (N,)."""
    return np.asarray(line.get_xdata(orig=False)), np.asarray(line.get_ydata(orig=False))


def boxes(fig):
    """What stands in strips of the figure, and its axes with all their labels, in pixels."""
    fig.draw_without_rendering()
    renderer = fig.canvas.get_renderer()
    strips = [text.get_window_extent(renderer) for text in [*fig.texts, *fig.legends]]
    axes = [ax.get_tightbbox(renderer) for ax in fig.axes]
    return strips, axes


def overlap(a, b):
    """By more than a pixel, which rounding may bring."""
    across = min(a.x1, b.x1) - max(a.x0, b.x0)
    along = min(a.y1, b.y1) - max(a.y0, b.y0)
    return across > 1 and along > 1


def overlapping_pairs(boxes):
    pairs = []
    for j, b in enumerate(boxes):
        for i, a in enumerate(boxes[:j]):
            if overlap(a, b):
                pairs.append((i, j))
    return pairs


def assert_readable(fig):
    """Stamped, nothing leaves the figure, lies on anything else, or is too small to read."""
    saving._stamp(fig, "standin", "quick")
    assert fig.get_figwidth() == style.WIDTH
    strips, axes = boxes(fig)
    for box in [*strips, *axes]:
        assert box.x0 > -1
        assert box.y0 > -1
        assert box.x1 < fig.bbox.x1 + 1
        assert box.y1 < fig.bbox.y1 + 1
    assert overlapping_pairs([*strips, *axes]) == []
    # points: at 800 pixels for 8 inches, 8 are readable in a README
    assert min(text.get_fontsize() for text in visible_texts(fig)) >= 8
