"""Figures as files, stamped where their data or their profile make them no finding."""

import io
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from visionfail import files
from visionfail.data import ORIGINS
from visionfail.figures.margins import footnote, write_in_strip
from visionfail.figures.style import (
    OKABE_ITO,
    STYLE,
)

STAMPS = {
    "official": "",
    "identical": "",
    "regenerated": "images regenerated, not the published files",
    "subset": "SUBSET of the official data",
    "own": "pictures of somebody's own folder",
    "standin": "STAND-IN DATA, not the real data set",
}

# neither date nor version goes into a file: the same figure gives the same bytes
METADATA = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}


def save_figure(
    fig: Figure, slug: str, *, folder: Path, origin: str, profile: str, svg: bool = False
) -> None:
    """Write <folder>/<slug>.png at 200 dpi, and .svg if asked.

    The same figure gives the same bytes. Where `origin` (of ImageSet) is neither "official" nor
    "identical", or `profile` is not "full", the figure says so. ValueError for an unknown origin or
    profile.
    """
    _stamp(fig, origin, profile)
    for kind in ("png", "svg") if svg else ("png",):
        path = Path(folder) / f"{slug}.{kind}"
        with files.atomic_write(path) as unfinished, plt.rc_context(STYLE):
            fig.savefig(unfinished, format=kind, metadata=METADATA[kind])


def png_bytes(fig: Figure, *, origin: str, profile: str) -> bytes:
    """The figure as `save_figure` writes it, for a file that holds more than it."""
    _stamp(fig, origin, profile)
    png = io.BytesIO()
    with plt.rc_context(STYLE):
        fig.savefig(png, format="png", metadata=METADATA["png"])
    return png.getvalue()


def _stamp(fig: Figure, origin: str, profile: str) -> None:
    """Write what keeps the figure from being a finding, once: loud, or as a footnote."""
    text = stamp_text(origin, profile)
    if any(text.get_gid() == "stamp" for text in fig.texts):  # saved before
        return
    if not text:
        return
    if profile == "full" and origin in ("regenerated", "subset", "own"):
        footnote(fig, text, gid="stamp")
        return
    box = {"facecolor": OKABE_ITO["orange"], "edgecolor": "none", "boxstyle": "square,pad=0.3"}
    write_in_strip(fig, text, height=0.34, at_head=True, fontweight="bold", bbox=box, gid="stamp")


def stamp_text(origin: str, profile: str) -> str:
    """The words of the stamp; empty for the full profile on official images.

    ValueError for an unknown origin or profile.
    """
    if origin not in ORIGINS:
        raise ValueError(
            f"unknown origin {origin!r}: pass that of the ImageSet, one of {', '.join(ORIGINS)}."
        )
    if profile not in ("quick", "full"):
        raise ValueError(f"unknown profile {profile!r}: pass profile.name, quick or full.")
    warnings = []
    if STAMPS[origin]:
        warnings.append(STAMPS[origin])
    if profile == "quick":
        warnings.append("QUICK PROFILE: no finding")
    return "  ·  ".join(warnings)
