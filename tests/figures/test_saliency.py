"""Maps stand beside their pictures; curves and dots show how far they move."""

import numpy as np
import pandas as pd
import pytest

from figures.checks import (
    assert_readable,
    curve,
    error_bars,
    pictures,
    tick_names,
    with_interval,
    words,
)
from visionfail.figures import saliency, style
from visionfail.figures.pictures import heat


def random_maps(n):
    return np.random.default_rng(0).random((n, 32, 32))


def beside():
    return saliency.beside_maps(
        pictures(4), random_maps(4), columns=2, captions=list("abcd"), row_names=["up", "down"]
    )


def story():
    maps = random_maps(6)
    by_model = {"resnet18": (maps, ["cat 90%"] * 6), "densenet121": (maps, ["dog 60% ✗"] * 6)}
    return saliency.storyboard(pictures(6), by_model, corruption="motion_blur", title="One cat")


def drift():
    """The overlap falls by a tenth per severity, with trained and with random weights."""
    conditions = [("jitter", 0)]
    for name in ("fog", "contrast", "frost", "snow"):
        conditions += [(name, severity) for severity in (1, 3, 5)]
    rows = []
    for weights in ("trained", "random"):
        for name, severity in conditions:
            rows.append((weights, name, severity, 0.9 - severity / 10))
    table = pd.DataFrame(rows, columns=["weights", "condition", "severity", "value"])
    table = with_interval(table, width=0.02).assign(model="resnet18", measure="overlap", n=900)
    return saliency.drift_curves(table, measure="overlap", title="How much is left?")


def causes():
    """Two seeds of one network, each also beside another architecture and another image."""
    rows = [
        ("jitter", 0, 0.9, 0),
        ("jitter", 1, 0.85, 0),
        ("severity 5", 0, 0.6, 0.6),
        ("severity 5", 1, 0.55, 0.7),
        ("another seed", 0, 0.58, 0.64),
        ("another architecture", 0, 0.5, 0.8),
        ("another architecture", 1, 0.48, 0.85),
        ("another class", 0, 0.2, 1.4),
        ("another image", 0, 0.4, 1),
        ("another image", 1, 0.42, 1),
    ]
    table = pd.DataFrame(rows, columns=["cause", "seed", "overlap", "scale"])
    table = with_interval(table, "overlap").assign(model="resnet18", n=900)
    table["scale_lo"] = table.scale - 0.05
    table["scale_hi"] = table.scale + 0.05
    return saliency.causes_of_drift_plot(table, title="What moves a map?")


def marks_of(ax):
    """The marks that have intervals, of whatever shape."""
    return [bars.lines[0] for bars in error_bars(ax)]


def uncertainty():
    """Accuracy and confidence fall with severity and with the uncertainty of people."""
    rows = []
    for severity in (0, 3):
        for k, group in enumerate(["unanimous", "low", "middle", "high"]):
            for metric in ("accuracy", "confidence"):
                rows.append((severity, group, metric, 0.9 - severity / 10 - k / 50))
    table = pd.DataFrame(rows, columns=["severity", "group", "metric", "value"])
    table = with_interval(table, width=0.02).assign(n=100)
    return saliency.human_uncertainty(
        table, model="resnet18", severities=(0, 3), title="Right and sure"
    )


@pytest.mark.parametrize("draw", [beside, story, drift, causes, uncertainty])
def test_figures_are_readable(draw):
    assert_readable(draw())


def test_maps_stand_right_of_their_pictures():
    ax = beside().axes[0]
    tiles = [np.asarray(image.get_array()) for image in ax.images]
    assert len(tiles) == 8
    assert np.array_equal(tiles[0], np.moveaxis(pictures(4)[0], 0, -1))
    assert np.array_equal(tiles[3], heat(random_maps(4)[1]))
    assert [text.get_text() for text in ax.texts] == ["a", "", "b", "", "c", "", "d", ""]


def test_a_storyboard_has_a_row_per_network():
    ax = story().axes[0]
    assert tick_names(ax.yaxis) == ["motion blur", "ResNet-18", "DenseNet-121"]
    assert len(ax.images) == 18
    captions = [text.get_text() for text in ax.texts]
    assert captions[:2] == ["clean", "severity 1"]
    assert captions[6:] == ["cat 90%"] * 6 + ["dog 60% ✗"] * 6


def test_drift_begins_with_jitter():
    ax = drift().axes[0]
    trained, random = ax.lines
    assert np.allclose(trained.get_ydata(), [0.9, 0.8, 0.6, 0.4])
    assert random.get_linestyle() == "--"
    assert tick_names(ax.xaxis) == ["jitter", "1", "3", "5"]


def test_causes_are_hollow_for_further_seeds_and_grey_between_architectures():
    fig = causes()
    marks = marks_of(fig.axes[0])
    overlaps = [curve(mark)[0][0] for mark in marks]
    assert np.allclose(overlaps, [0.9, 0.85, 0.6, 0.55, 0.58, 0.5, 0.48, 0.2, 0.4, 0.42])
    hollow = [mark.get_markerfacecolor() == "white" for mark in marks]
    assert hollow == [False, True, False, True, False, False, False, False, False, True]
    assert [mark.get_marker() for mark in marks] == list("ososoooo") + list("os")
    colours = [mark.get_color() for mark in marks]
    ours = style.model_colour("resnet18")
    assert colours == [ours] * 5 + [style.GREY] * 2 + [ours] * 3
    assert {"ResNet-18, seed 0", "ResNet-18, seed 1", "two architectures"} <= set(words(fig))


def test_causes_stand_on_the_scale_of_their_two_ends_too():
    left, right = causes().axes
    shares = [curve(mark)[0][0] for mark in marks_of(right)]
    assert np.allclose(shares, [0, 0, 0.6, 0.7, 0.64, 0.8, 0.85, 1.4, 1, 1])
    heights = [curve(mark)[1][0] for mark in marks_of(right)]
    assert np.allclose(heights, [curve(mark)[1][0] for mark in marks_of(left)])
    assert tick_names(left.yaxis)[-1] == "another image"


def test_human_uncertainty_has_a_line_per_severity():
    ax = uncertainty().axes[0]
    assert ax.get_xlabel() == "human label uncertainty of the clean image"
    assert np.allclose(ax.lines[1].get_ydata(), [0.6, 0.58, 0.56, 0.54])
    assert {text.get_text() for text in ax.texts} == {"clean", "severity 3"}
