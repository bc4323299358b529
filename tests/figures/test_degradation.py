"""Figures of regimes, silent failure, paired differences and classes show their tables."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from figures.checks import (
    CLASSES,
    CORRUPTIONS,
    assert_readable,
    curve,
    error_bars,
    rectangles,
    with_interval,
    words,
)
from visionfail.figures import degradation


def regimes():
    """Five corruptions on three axes, one of them without a dose, one wavering."""
    rows = []
    for corruption, regime in zip(CORRUPTIONS, degradation.REGIME_COLOURS, strict=False):
        for axis in ("severity", "pixel_change", "parameter"):
            rows.append((corruption, axis, regime, regime))
    table = pd.DataFrame(rows, columns=["corruption", "axis", "regime", "point"])
    table.loc[12, "point"] = "accelerating"
    return table.assign(share=0.97).drop(index=7)


def regime_figure(**keywords):
    return degradation.regime_grid(regimes(), n=10_000, title="Regimes by axis", **keywords)


def by_severity(model, shift, seed=0):
    rows = []
    for severity in range(6):
        for metric in ("accuracy", "confidence", "sure_when_wrong", "ece", "ece_scaled"):
            rows.append((severity, metric, 0.1 + 0.05 * severity + shift))
    table = pd.DataFrame(rows, columns=["severity", "metric", "value"])
    return with_interval(table).assign(n=10_000, model=model, seed=seed)


def by_condition(model):
    table = pd.DataFrame({"severity": range(6), "accuracy": np.linspace(0.95, 0.2, 6)})
    return table.assign(model=model, confidence=np.linspace(0.97, 0.7, 6))


def silent_failure():
    curves = [
        by_severity("resnet18", 0.0),
        by_severity("densenet121", 0.02),
        by_severity("resnet18", 0.01, seed=1),
    ]
    conditions = [by_condition("resnet18"), by_condition("densenet121")]
    return degradation.silent_failure(
        pd.concat(curves), pd.concat(conditions), above=0.9, title="Wrong and sure"
    )


def differences(with_spread=True, **keywords):
    """Of two corruptions at five severities; p is small at severities 4 and 5 alone."""
    rows = []
    for name in ("frost", "contrast"):
        for severity in range(1, 6):
            rows.append((name, severity, 0.01 * severity, 0.01 if severity > 3 else 0.5))
    table = pd.DataFrame(rows, columns=["condition", "severity", "difference", "p_holm"])
    table = with_interval(table, "difference").assign(n=10_000)
    spread = table[["condition", "severity"]].assign(spread=0.02, seeds=3)
    networks = [("densenet121", 0), ("resnet18", 1)]
    if not with_spread:
        spread = None
    title = "On the same images"
    return degradation.paired_differences(
        table, networks=networks, spread=spread, title=title, **keywords
    )


def differences_alone():
    return differences(with_spread=False)


def classes(**keywords):
    """The cat is worst when clean, the airplane under frost, two are under contrast."""
    rows = []
    for condition, worst in (("clean", ["cat"]), ("frost", CLASSES[:1]), ("contrast", CLASSES[:2])):
        for name in CLASSES:
            rows.append((condition, name, 0.8 if name in worst else 0.9))
    table = pd.DataFrame(rows, columns=["condition", "class", "accuracy"]).assign(n=1000)
    table = table.assign(accuracy_lo=table.accuracy - 0.02, accuracy_hi=table.accuracy + 0.02)
    return degradation.class_heatmap(
        table, model="resnet18", severity=5, title="Who is hit", **keywords
    )


FIGURES = [regime_figure, silent_failure, differences, differences_alone, classes]


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_are_readable(draw):
    assert_readable(draw())


@pytest.mark.parametrize("draw", [regime_figure, differences, classes])
@pytest.mark.parametrize("ours", [True, False])
def test_frost_is_marked_where_its_texture_is_ours(ours, draw):
    shown = words(draw(frost_is_ours=ours))
    assert ("frost*" in shown) == ours
    assert any(text.startswith("* frost: our own texture") for text in shown) == ours


def test_regimes_show_what_the_curve_says_where_the_bootstraps_waver():
    tiles = [text for text in words(regime_figure()) if text.endswith("97%")]
    assert "late collapse  97%" in tiles
    assert "accelerating?  97%" in tiles
    assert len(tiles) == 14  # the one without a dose is empty


@pytest.mark.fault("bad arguments")
def test_an_unknown_regime_is_named():
    with pytest.raises(ValueError, match="sudden"):
        degradation.regime_grid(regimes().assign(regime="sudden"), n=10)


def test_silent_failure_draws_the_numbers_it_was_given():
    left, middle, right = silent_failure().axes
    dots = np.asarray(left.collections[0].get_offsets())  # (conditions, 2)
    assert np.allclose(dots[:, 0], np.linspace(0.95, 0.2, 6))
    assert np.allclose(middle.lines[0].get_ydata(), 0.1 + 0.05 * np.arange(6))
    assert [line.get_linestyle() for line in right.lines] == ["-", "--"] * 3


def test_a_further_seed_is_thinner_in_the_colour_of_its_model():
    middle = silent_failure().axes[1]
    first, _, further = middle.lines
    assert further.get_linewidth() < first.get_linewidth()
    assert further.get_color() == first.get_color()


def test_paired_differences_are_filled_where_they_survive_holm():
    ax = differences().axes[0]
    assert ax.get_xlabel() == "accuracy, DenseNet-121, seed 0 minus ResNet-18, seed 1"
    marks = [bars.lines[0] for bars in error_bars(ax)]
    frost = marks[:5]
    assert [curve(mark)[0][0] for mark in frost] == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05])
    filled = [to_hex(mark.get_markerfacecolor()) != "#ffffff" for mark in frost]
    assert filled == [False, False, False, True, True]


def test_the_spread_of_seeds_is_shaded_on_both_sides_of_zero():
    bars = rectangles(differences().axes[0])
    assert [bar.get_width() for bar in bars] == pytest.approx([0.04, 0.04])
    assert [bar.get_x() for bar in bars] == pytest.approx([-0.02, -0.02])
    assert "spread of 3 seeds of ResNet-18" in words(differences())


def test_the_worst_class_of_every_condition_is_named():
    assert [text.get_text() for text in classes().axes[0].texts] == ["cat", "airplane", "2 classes"]
