"""Figures that show the images themselves, pixel by pixel."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from visionfail.figures.style import WIDTH, footnote, new_figure
from visionfail.names import readable

FROST_NOTE = "* frost: our own texture in the place of the benchmark's photographs"


def image_grid(
    images: ArrayLike,
    *,
    columns: int,
    captions: Sequence[str] | None = None,
    row_names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Images uint8 (N, C, H, W), 1 or 3 channels, row by row in `columns`, each with a caption
    above it if given.

    ValueError where captions or row names are not as many as images or rows.
    """
    images = _images(images)
    rows = -(-len(images) // columns)
    _same_number("captions", captions, len(images))
    _same_number("row names", row_names, rows)
    lines = max((caption.count("\n") + 1 for caption in captions or []), default=0)
    names = 1.0 if row_names else 0.0  # inches on the left
    tile = (WIDTH - 0.2 - names) / columns
    pitch = 1.04 + lines * 0.15 / tile  # in tiles: room for the lines of the caption
    fig = new_figure(rows * pitch * tile + 0.1, title)
    ax = _picture_axes(fig.add_subplot(), columns, rows, pitch)
    for i, image in enumerate(images):
        _show(ax, image, i % columns, (i // columns) * pitch)
        if captions:
            place = (i % columns + 0.48, (i // columns) * pitch - 0.03)
            ax.text(*place, captions[i], ha="center", va="bottom", fontsize=8, linespacing=1.05)
    if row_names:
        ax.set_yticks([row * pitch + 0.48 for row in range(rows)], row_names)
    return fig


def augmentation_before_after(before: ArrayLike, after: ArrayLike, *, title: str = "") -> Figure:
    """Images uint8 (N, C, H, W) above what training sees in their place, ten a row. ValueError if
    not alike.
    """
    before, after = _images(before), _images(after)
    if before.shape != after.shape:
        raise ValueError(
            f"before {before.shape} and after {after.shape} differ: pass the same images in one order."
        )
    columns = min(10, len(before))
    if len(before) % columns:
        raise ValueError(
            f"{len(before)} images do not fill rows of {columns}: pass up to ten, or a multiple of ten."
        )
    rows = len(before) // columns
    pairs = np.stack([x.reshape(rows, columns, *x.shape[1:]) for x in (before, after)], axis=1)
    return image_grid(
        pairs.reshape(-1, *before.shape[1:]),
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
    """One picture, uint8 (corruptions, severities, C, H, W), under every corruption and severity,
    in two blocks.

    ValueError where names or severities are not as many as the images.
    """
    images = np.asarray(images)
    if images.shape[:2] != (len(corruptions), len(severities)) or images.ndim != 5:
        raise ValueError(
            f"images have shape {images.shape}: give ({len(corruptions)}, {len(severities)}, channels, height, width)."
        )
    rows = -(-len(corruptions) // 2)
    fig = new_figure(rows * (WIDTH - 2.6) / (2 * len(severities)) + 0.6, title)
    for block, ax in enumerate(fig.subplots(1, 2)):
        _picture_axes(ax, len(severities), rows, 1.04)
        chosen = range(block * rows, min((block + 1) * rows, len(corruptions)))
        for row, corruption in enumerate(chosen):
            for column, image in enumerate(images[corruption]):
                _show(ax, image, column, row * 1.04)
        names = [
            readable(corruptions[i]) + "*" * (corruptions[i] == "frost" and frost_is_ours)
            for i in chosen
        ]
        ax.set_yticks([row * 1.04 + 0.48 for row in range(len(names))], names)
        ax.set_xticks([column + 0.48 for column in range(len(severities))], severities)
        ax.xaxis.tick_top()
        ax.set_xlabel("severity", labelpad=4)
        ax.xaxis.set_label_position("top")
    if "frost" in corruptions and frost_is_ours:
        footnote(fig, FROST_NOTE)
    return fig


def _picture_axes(ax: Axes, columns: int, rows: int, pitch: float) -> Axes:
    """Axes in units of one tile, first row on top, with nothing drawn but ticks' labels."""
    ax.set(
        xlim=(-0.02, columns), ylim=(rows * pitch - (pitch - 0.98), -(pitch - 1.0)), aspect="equal"
    )
    ax.set(xticks=[], yticks=[])
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax


def _show(ax: Axes, image: np.ndarray, x: float, y: float) -> None:
    picture = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
    limits = ax.get_xlim(), ax.get_ylim()  # imshow would shrink the axes to this one tile
    ax.imshow(
        picture, extent=(x, x + 0.96, y + 0.96, y), cmap="gray", vmin=0, vmax=255, aspect="equal"
    )
    ax.set(xlim=limits[0], ylim=limits[1])


def _images(images: ArrayLike) -> np.ndarray:
    images = np.asarray(images)
    if (
        images.ndim != 4
        or images.dtype != np.uint8
        or images.shape[1] not in (1, 3)
        or not len(images)
    ):
        raise ValueError(
            f"images are {images.dtype} {images.shape}: give uint8 (N, C, H, W) with 1 or 3 channels."
        )
    return images


def _same_number(what: str, words: Sequence[str] | None, n: int) -> None:
    if words is not None and len(words) != n:
        raise ValueError(f"{len(words)} {what} for {n}: give as many.")


def heat(saliency: ArrayLike) -> np.ndarray:
    """A map (H, W) in [0, 1] as a picture uint8 (H, W, 3) in cividis' colours."""
    return (colormaps["cividis"](np.asarray(saliency))[..., :3] * 255).round().astype(np.uint8)
