"""Figures of uneven errors show their tables, and can be read."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from figures.checks import CLASSES, assert_readable, curve, error_bars, rectangles, words
from visionfail.data import gtsrb
from visionfail.figures import style, uneven


def classes(names=CLASSES):
    accuracy = np.linspace(0.8, 0.99, len(names))
    table = pd.DataFrame({"class": names, "accuracy": accuracy})
    table = table.assign(lo=accuracy - 0.05, hi=np.minimum(1, accuracy + 0.05))
    table = table.assign(naive_lo=accuracy - 0.01, naive_hi=accuracy + 0.01)
    table = table.assign(n=300, independent=10, outcome="undecided")
    table.loc[0, "outcome"] = "more errors"
    table.loc[len(names) - 1, "outcome"] = "fewer errors"
    return table


def bars():
    return uneven.class_error_bars(
        classes(), model="resnet18", thing="houses", seeds=1, title="airplane errs most"
    )


def bars_of_signs():
    return uneven.class_error_bars(
        classes(gtsrb.CLASSES), model="resnet18", thing="signs", seeds=3, naive=True, title="Signs"
    )


PAIRS = pd.DataFrame(
    [
        ("cat", "dog", 0.2, 0.1, 0.01),
        ("dog", "cat", 0.1, 0.05, 0.04),
        ("cat", "frog", 0.05, 0.05, 0.9),
        ("ship", "airplane", 0.02, 0.01, 0.3),
    ],
    columns=["true", "answered", "share", "expected", "p"],
)


def graph():
    return uneven.confusion_graph(PAIRS, n=1234, title="Cats and dogs")


def graph_of_signs():
    """As many long names as one would draw."""
    rows = []
    for k in range(14):
        rows.append((gtsrb.CLASSES[k], gtsrb.CLASSES[k + 20], 0.05, 0.01, 0.01))
    table = pd.DataFrame(rows, columns=PAIRS.columns)
    return uneven.confusion_graph(table, n=300, title="Signs taken for others")


ACCURACY = np.stack([np.linspace(0.9, 0.8, 10), np.linspace(0.92, 0.83, 10)])


def by_seed():
    return uneven.class_by_seed_plot(
        ACCURACY,
        np.full(10, 100),
        CLASSES,
        model="resnet18",
        seeds=[1, 2, 5],
        title="The same classes",
    )


def by_seed_of_signs():
    accuracy = np.tile(np.linspace(0.8, 1, 43), (5, 1))
    return uneven.class_by_seed_plot(
        accuracy,
        np.arange(60, 103),
        gtsrb.CLASSES,
        model="resnet18",
        seeds=[0, 1, 2, 3, 4],
        title="Signs",
    )


CORRELATIONS = pd.DataFrame(
    [
        ("brightness", "SVHN", -0.4, -0.8, 0.2, 10),
        ("contrast", "SVHN", 0.1, -0.5, 0.7, 10),
        ("brightness", "GTSRB", 0.3, 0.0, 0.6, 37),
        ("training images", "GTSRB", np.nan, np.nan, np.nan, 37),
        ("fall, own map hidden (less if worse)", "CIFAR-10", 0.2, -0.4, 0.7, 10),
    ],
    columns=["quantity", "set", "correlation", "lo", "hi", "classes"],
)


def correlations():
    return uneven.class_correlations(CORRELATIONS, title="Goes with errors: nothing")


FIGURES = [correlations, bars, bars_of_signs, graph, graph_of_signs, by_seed, by_seed_of_signs]


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_are_readable(draw):
    assert_readable(draw())


def test_bars_are_error_rates_in_the_colour_of_their_outcome():
    ax = bars().axes[0]
    drawn = rectangles(ax)
    assert [bar.get_width() for bar in drawn] == pytest.approx(1 - classes().accuracy)
    assert to_hex(drawn[0].get_facecolor()) == to_hex(style.OKABE_ITO["vermillion"])
    assert to_hex(drawn[-1].get_facecolor()) == to_hex(style.OKABE_ITO["sky"])
    low, high = error_bars(ax)[0].lines[2][0].get_segments()[0][:, 0]  # of the first class
    assert (low, high) == pytest.approx((0.15, 0.25))


def test_the_naive_interval_is_drawn_where_asked():
    assert len(error_bars(bars().axes[0])) == 1
    naive = error_bars(bars_of_signs().axes[0])[1].lines[2][0].get_segments()[0][:, 0]
    assert naive == pytest.approx((0.19, 0.21))
    assert "were all images independent" in words(bars_of_signs())


def test_images_and_independent_things_are_written():
    assert words(bars()).count("300  10") == 10


@pytest.mark.fault("bad arguments")
def test_an_unknown_outcome_is_named():
    with pytest.raises(ValueError, match="worse"):
        uneven.class_error_bars(
            classes().assign(outcome="worse"), model="resnet18", thing="signs", seeds=3
        )


def test_lines_of_confusions_are_as_wide_as_their_share():
    lines = [patch for patch in graph().axes[0].patches if isinstance(patch, PathPatch)]
    widths = [line.get_linewidth() for line in lines]  # the thinnest first
    assert widths == pytest.approx([0.02 * 70, 0.05 * 70, 0.1 * 70, 0.2 * 70])
    colours = [to_hex(line.get_edgecolor()) for line in lines]
    assert colours == ["#b8b8b8", "#b8b8b8", *[to_hex(style.OKABE_ITO["vermillion"])] * 2]


def test_a_line_of_confusions_goes_from_truth_to_answer():
    fig = graph()
    heights = {}
    for text in fig.axes[0].texts:
        x, y = text.get_position()
        heights[text.get_text(), x > 0] = y
    widest = [patch for patch in fig.axes[0].patches if isinstance(patch, PathPatch)][-1]
    corners = widest.get_path().vertices
    assert corners[0][1] == heights["cat  25.0%", False]
    assert corners[-1][1] == heights["20.0%  dog", True]


@pytest.mark.fault("bad arguments")
def test_a_graph_without_pairs_is_refused():
    with pytest.raises(ValueError, match="no pairs"):
        uneven.confusion_graph(PAIRS.iloc[:0], n=0)


def test_seeds_are_lines_with_the_worst_class_on_top():
    ax = by_seed().axes[0]
    first, second = ax.lines
    assert curve(first)[0] == pytest.approx(1 - ACCURACY[0, ::-1])
    assert curve(second)[0] == pytest.approx(1 - ACCURACY[1, ::-1])
    assert [label.get_text() for label in ax.get_yticklabels()] == CLASSES[::-1]


@pytest.mark.fault("bad arguments")
def test_one_seed_is_refused():
    with pytest.raises(ValueError, match="two seeds or more"):
        uneven.class_by_seed_plot(ACCURACY[:1], np.ones(10), CLASSES, model="resnet18", seeds=[0])


def test_correlations_stand_at_their_quantity_in_the_colour_of_their_set():
    ax = correlations().axes[0]
    of_svhn, of_signs, _ = error_bars(ax)
    assert of_svhn.lines[0].get_xdata() == pytest.approx([-0.4, 0.1])
    assert of_signs.lines[0].get_xdata() == pytest.approx([0.3])  # one has no interval
    assert [round(y) for y in of_svhn.lines[0].get_ydata()] == [0, 1]
    assert to_hex(of_signs.lines[0].get_color()) == to_hex(style.SET_COLOURS["GTSRB"])
    with pytest.raises(ValueError, match="ImageNet"):
        uneven.class_correlations(CORRELATIONS.assign(set="ImageNet"))


def test_the_key_of_confusions_names_the_colours_that_are_there():
    assert "more than by chance, p < 5%" in words(graph())
    alone = uneven.confusion_graph(PAIRS.iloc[2:], n=50)
    assert "more than by chance, p < 5%" not in words(alone)
    assert "not told from chance" in words(alone)


def test_bars_say_over_how_many_seeds_and_things_they_are():
    assert "mean of 3 seeds" in " ".join(words(bars_of_signs()))
    assert "seeds" not in " ".join(words(bars()))
    digits = uneven.class_error_bars(classes(), model="resnet18", thing="digits", seeds=2)
    assert "at right: digits of each class" in " ".join(words(digits))
