"""Figures that show the images themselves, pixel by pixel."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from visionfail.figures.margins import corruption_labels, new_figure
from visionfail.figures.style import (
    WIDTH,
    rows_needed,
)

SIDE = 0.96  # of a picture, in tiles: the remainder is the gap to the next one

PITCH = 1.04  # from row to row, in tiles, where pictures have no captions


def image_grid(
    images: ArrayLike,
    *,
    columns: int,
    captions: Sequence[str] | None = None,
    row_names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Images uint8 (N, C, H, W), 1 or 3 channels, row by row, captions above them if given.

    ValueError where captions or row names are not as many as images or rows.
    """
    images = _as_images(images)
    rows = rows_needed(len(images), columns)
    _check_number("captions", captions, len(images))
    _check_number("row names", row_names, rows)
    left_margin = 1.0 if row_names else 0.0  # inches, as is the tile
    tile = (WIDTH - 0.2 - left_margin) / columns
    pitch = PITCH + _caption_lines(captions) * 0.15 / tile
    fig = new_figure(rows * pitch * tile + 0.1, title)
    ax = _picture_axes(fig.add_subplot(), columns, rows, pitch)
    for i, image in enumerate(images):
        column = i % columns
        top = (i // columns) * pitch
        _show(ax, image, column, top)
        if captions:
            ax.text(
                column + SIDE / 2,
                top - 0.03,
                captions[i],
                ha="center",
                va="bottom",
                fontsize=8,
                linespacing=1.05,
            )
    if row_names:
        ax.set_yticks(_middles(rows, pitch), row_names)
    return fig


def _caption_lines(captions: Sequence[str] | None) -> int:
    """The number of lines of the longest caption; 0 without captions."""
    if not captions:
        return 0
    return max(caption.count("\n") + 1 for caption in captions)


def augmentation_before_after(before: ArrayLike, after: ArrayLike, *, title: str = "") -> Figure:
    """Images uint8 (N, C, H, W) above what training sees in their place, ten per row.

    ValueError where the two differ in shape, or more than ten do not fill their rows.
    """
    before = _as_images(before)
    after = _as_images(after)
    if before.shape != after.shape:
        raise ValueError(
            f"before {before.shape} and after {after.shape} differ: "
            "pass the same images in one order."
        )
    columns = min(10, len(before))
    if len(before) % columns:
        raise ValueError(
            f"{len(before)} images do not fill rows of {columns}: "
            "pass up to ten, or a multiple of ten."
        )
    rows = len(before) // columns
    image_shape = before.shape[1:]
    before_rows = before.reshape(rows, columns, *image_shape)
    after_rows = after.reshape(rows, columns, *image_shape)
    pairs_of_rows = np.stack([before_rows, after_rows], axis=1)  # (rows, 2, columns, C, H, W)
    return image_grid(
        pairs_of_rows.reshape(-1, *image_shape),
        columns=columns,
        row_names=["before", "after"] * rows,
        title=title,
    )


def corruption_gallery(
    images: ArrayLike,
    corruptions: Sequence[str],
    *,
    severities: Sequence[int],
    frost_is_ours: bool = True,
    title: str = "",
) -> Figure:
    """One picture under every corruption and severity, in two blocks side by side.

    `images` is uint8 (corruptions, severities, C, H, W); ValueError where names or severities are
    not as many.
    """
    images = np.asarray(images)
    if images.shape[:2] != (len(corruptions), len(severities)) or images.ndim != 5:
        raise ValueError(
            f"images have shape {images.shape}: "
            f"give ({len(corruptions)}, {len(severities)}, channels, height, width)."
        )
    rows = rows_needed(len(corruptions), 2)
    fig = new_figure(rows * (WIDTH - 2.6) / (2 * len(severities)) + 0.6, title)
    left, right = fig.subplots(1, 2)
    labels = corruption_labels(fig, corruptions, frost_is_ours=frost_is_ours)
    _draw_block(left, images[:rows], labels[:rows], rows=rows, severities=severities)
    _draw_block(right, images[rows:], labels[rows:], rows=rows, severities=severities)
    return fig


def _draw_block(
    ax: Axes,
    images: np.ndarray,
    labels: Sequence[str],
    *,
    rows: int,
    severities: Sequence[int],
) -> None:
    """Draw images (corruptions, severities, C, H, W) in a block with room for `rows`."""
    _picture_axes(ax, len(severities), rows, PITCH)
    for row, pictures in enumerate(images):
        for column, picture in enumerate(pictures):
            _show(ax, picture, column, row * PITCH)
    ax.set_yticks(_middles(len(labels), PITCH), labels)
    ax.set_xticks(_middles(len(severities), 1), [str(severity) for severity in severities])
    ax.xaxis.tick_top()
    ax.set_xlabel("severity", labelpad=4)
    ax.xaxis.set_label_position("top")


def _middles(count: int, pitch: float) -> list[float]:
    """The middles of `count` pictures that begin `pitch` tiles from each other."""
    return [i * pitch + SIDE / 2 for i in range(count)]


def _picture_axes(ax: Axes, columns: int, rows: int, pitch: float) -> Axes:
    """The axes in units of one tile, first row on top, with nothing drawn but ticks' labels."""
    bottom = rows * pitch - (pitch - 0.98)
    top = -(pitch - 1.0)
    ax.set(xlim=(-0.02, columns), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax


def _show(ax: Axes, image: np.ndarray, x: float, y: float) -> None:
    """Draw an image (C, H, W) with its upper left corner at (x, y)."""
    picture = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)  # (H, W) or (H, W, 3)
    xlim = ax.get_xlim()
    ylim = ax.get_ylim()
    extent = (x, x + SIDE, y + SIDE, y)
    ax.imshow(picture, extent=extent, cmap="gray", vmin=0, vmax=255, aspect="equal")
    ax.set(xlim=xlim, ylim=ylim)  # imshow has shrunk the axes to this one tile


def _as_images(images: ArrayLike) -> np.ndarray:
    """The images as an array uint8 (N, C, H, W); ValueError for anything else."""
    images = np.asarray(images)
    well_shaped = images.ndim == 4 and len(images) > 0 and images.shape[1] in (1, 3)
    if not well_shaped or images.dtype != np.uint8:
        raise ValueError(
            f"images are {images.dtype} {images.shape}: "
            "give uint8 (N, C, H, W) with 1 or 3 channels."
        )
    return images


def _check_number(what: str, words: Sequence[str] | None, n: int) -> None:
    """ValueError where words are given, but not `n` of them."""
    if words is not None and len(words) != n:
        raise ValueError(f"{len(words)} {what} for {n}: give as many.")


def heat(saliency: ArrayLike) -> np.ndarray:
    """Maps (..., H, W) in [0, 1] as pictures uint8 (..., H, W, 3) in cividis' colours."""
    colours = colormaps["cividis"](np.asarray(saliency))[..., :3]  # the fourth is opacity
    return (255 * colours).round().astype(np.uint8)
