"""Saved figures: marked when the data are not the official ones, whole, the same bytes twice."""

import re

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from figures.checks import boxes, pictures
from visionfail.figures import saving, style
from visionfail.figures.pictures import image_grid
from visionfail.figures.training import per_class_plot


def figure():
    return image_grid(pictures(5, 1, 28), columns=5)


@pytest.mark.parametrize(
    ("origin", "profile", "words"),
    [
        ("standin", "full", ["STAND-IN DATA"]),
        ("standin", "quick", ["STAND-IN DATA", "QUICK PROFILE"]),
        ("subset", "full", ["SUBSET"]),
        ("official", "quick", ["QUICK PROFILE"]),
        ("regenerated", "full", ["regenerated"]),
        ("regenerated", "quick", ["regenerated", "QUICK PROFILE"]),
        ("official", "full", []),
        ("identical", "full", []),
    ],
)
def test_origin_and_profile_are_stamped_once_unless_official_and_full(
    tmp_path, origin, profile, words
):
    fig = figure()
    for _ in range(2):
        saving.save_figure(fig, "05_slug", folder=tmp_path, origin=origin, profile=profile)
    assert len(fig.texts) == (len(words) > 0)
    strips, _ = boxes(fig)
    assert all(box.x1 < fig.bbox.x1 for box in strips)  # the longest of them still fits
    for word in words:
        assert word in fig.texts[0].get_text()
    assert (tmp_path / "05_slug.png").stat().st_size > 1000


def test_the_stamp_can_be_seen_in_the_pixels(tmp_path):
    stamp_colour = to_rgb(style.OKABE_ITO["orange"])
    stamped_pixels = {}
    for origin in ("official", "standin"):
        saving.save_figure(figure(), origin, folder=tmp_path, origin=origin, profile="full")
        pixels = plt.imread(tmp_path / f"{origin}.png")[..., :3]  # (H, W, 3)
        assert pixels.shape[1] == 1600  # 8 inches at 200 dpi
        distances = np.abs(pixels - stamp_colour).max(axis=-1)
        stamped_pixels[origin] = (distances < 0.01).sum()
    assert stamped_pixels["standin"] > 5000
    assert stamped_pixels["official"] == 0


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        fig = per_class_plot([9, 7], [10, 10], ["cat", "dog"], model="resnet18", title="By class")
        saving.save_figure(
            fig, "classes", folder=folder, origin="official", profile="full", svg=True
        )
    for name in ("classes.png", "classes.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    svg = (tmp_path / "a" / "classes.svg").read_text()
    assert not re.search(r"20\d\d-\d\d-\d\d", svg)
    assert "<dc:date>" not in svg
    assert {file.name for file in (tmp_path / "a").iterdir()} == {"classes.png", "classes.svg"}


@pytest.mark.fault("a write that fails")
def test_a_figure_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    fig = figure()
    saving.save_figure(fig, "grid", folder=tmp_path, origin="official", profile="full")
    before = (tmp_path / "grid.png").read_bytes()

    def write_half(path, **_):
        path.write_bytes(b"half a fig")
        raise OSError("no space left on device")

    monkeypatch.setattr(fig, "savefig", write_half)
    with pytest.raises(OSError, match="no space"):
        saving.save_figure(fig, "grid", folder=tmp_path, origin="official", profile="full")
    assert [file.name for file in tmp_path.iterdir()] == ["grid.png"]
    assert (tmp_path / "grid.png").read_bytes() == before


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("origin", "profile", "message"),
    [
        ("real", "full", "unknown origin 'real'"),
        ("official", "auto", "unknown profile 'auto'"),
    ],
)
def test_bad_input_is_named(tmp_path, origin, profile, message):
    with pytest.raises(ValueError, match=message):
        saving.save_figure(figure(), "slug", folder=tmp_path, origin=origin, profile=profile)
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_those_of_the_file(tmp_path):
    saving.save_figure(figure(), "grid", folder=tmp_path, origin="standin", profile="quick")
    png = saving.png_bytes(figure(), origin="standin", profile="quick")
    assert png == (tmp_path / "grid.png").read_bytes()
    with pytest.raises(ValueError, match="unknown origin 'real'"):
        saving.png_bytes(figure(), origin="real", profile="full")
