"""Figures over corruptions and severities are drawn from the rows of a results table."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from figures.checks import (
    CORRUPTIONS,
    assert_readable,
    curve,
    tick_names,
    with_interval,
    words,
)
from visionfail.figures import corruption, style


def sweep(model="resnet18", origin="regenerated", bands=True, slope=0.1):
    """Rows of a results table: clean, and CORRUPTIONS at severities 1 to 5."""
    rows = [("clean", 0, 0.95)]
    for i, name in enumerate(CORRUPTIONS):
        for severity in range(1, 6):
            rows.append((name, severity, 0.95 - slope * severity * (i + 1) / 5))
    table = pd.DataFrame(rows, columns=["condition", "severity", "value"])
    table = table.astype({"severity": "Int64"}).assign(model=model, origin=origin, n=10_000)
    return with_interval(table, width=0.01 if bands else np.nan)


def published():
    wide = sweep("WRN-28-10 standard", "official", bands=False, slope=0.12)
    narrow = sweep("PreActResNet-18 standard", "official", bands=False, slope=0.08)
    return pd.concat([sweep(), wide, narrow])


def means():
    """Of each corruption over its severities; n is a float with gaps, as after pd.concat."""
    corrupted = published().query("condition != 'clean'")
    by_corruption = corrupted.groupby(["condition", "model", "origin"], as_index=False)
    table = by_corruption.agg({"value": "mean", "lo": "mean", "hi": "mean"})
    return table.assign(n=np.where(table.model == "resnet18", 10_000, np.nan))


def heatmap():
    return corruption.corruption_heatmap(sweep(), extras=CORRUPTIONS[4:], title="Accuracy")


def curves():
    return corruption.severity_curves(published(), band="95% Wilson interval", title="Curves")


def curves_named_at_their_ends():
    return corruption.severity_curves(
        published(), band="95%", columns=3, label_ends=True, title="Curves"
    )


def curves_with_notes():
    notes = dict.fromkeys(CORRUPTIONS, "early collapse?")
    return corruption.severity_curves(
        sweep("demonstration"), band="95% Wilson interval", columns=5, notes=notes, title="Notes"
    )


def beside_published():
    return corruption.ours_vs_published(
        means(),
        ours=["resnet18"],
        named=["WRN-28-10 standard"],
        band="95% bootstrap over images",
        title="Beside",
    )


def test_published_networks_that_are_not_named_share_one_light_mark():
    shown = words(beside_published())
    other = "PreActResNet-18 standard (published)"
    assert "others (published): 1" in shown and other not in shown
    everyone = words(corruption.ours_vs_published(means(), ours=["resnet18"], band="95%"))
    assert other in everyone and not any("others" in text for text in everyone)


@pytest.mark.parametrize("draw", [heatmap, curves, curves_named_at_their_ends, beside_published])
def test_figures_are_readable(draw):
    assert_readable(draw())


def test_heatmap_cells_are_the_accuracies_in_percent():
    ax = heatmap().axes[0]
    grid = np.asarray(ax.images[0].get_array())  # (corruptions, severities)
    assert np.allclose(grid[:, 0], 0.95)
    assert np.allclose(grid[2], 0.95 - 0.06 * np.arange(6))
    assert ax.texts[2 * 6 + 5].get_text() == "65.0"
    assert tick_names(ax.yaxis)[1] == "frost*"
    _, heights = curve(ax.lines[0])
    assert heights[0] == 3.5  # the line above the first extra


def test_severity_curves_begin_at_clean():
    ax = curves().axes[2]
    ours, wide, _ = ax.lines
    severities, accuracy = curve(ours)
    assert severities.tolist() == [0, 1, 2, 3, 4, 5]
    assert np.allclose(accuracy, 0.95 - 0.06 * np.arange(6))
    assert np.allclose(wide.get_ydata(), 0.95 - 0.072 * np.arange(6))
    assert len(ax.collections) == 1  # a band for ours, none for the published
    corners = np.asarray(ax.collections[0].get_paths()[0].vertices)
    assert corners[:, 1].min() == pytest.approx(0.64)
    assert corners[:, 1].max() == pytest.approx(0.96)


def test_a_curve_has_the_colour_of_its_model():
    fig = corruption.severity_curves(sweep("densenet121"), band="95%")
    colour = to_hex(fig.axes[0].lines[0].get_color())
    assert colour.upper() == style.MODEL_COLOURS["densenet121"]


def test_ends_of_lines_carry_our_names_and_the_legend_the_published():
    fig = curves_named_at_their_ends()
    at_ends = []
    for ax in fig.axes:
        at_ends += [text.get_text() for text in ax.texts]
    assert at_ends == ["ResNet-18"] * len(CORRUPTIONS)
    in_legend = [text.get_text() for text in fig.legends[0].get_texts()]
    assert in_legend == ["WRN-28-10 standard (published)", "PreActResNet-18 standard (published)"]


def test_ours_beside_published_hardest_on_top():
    fig = beside_published()
    ax = fig.axes[0]
    from_below = ["Gaussian noise", "frost*", "contrast", "JPEG compression", "elastic transform"]
    assert tick_names(ax.yaxis) == from_below
    accuracy, heights = curve(ax.containers[0][0])
    contrast = np.argmin(np.abs(heights - 2.24))
    assert accuracy[contrast] == pytest.approx(0.95 - 0.06 * 3)
    assert any("bars: 95% bootstrap over images; n = 10,000 images" in text for text in words(fig))


@pytest.mark.parametrize("origin", ["regenerated", "official", "subset", "own", "standin"])
def test_frost_is_marked_where_its_texture_is_ours(origin):
    ours = origin != "official"
    table = sweep(origin=origin)
    for fig in (
        corruption.corruption_heatmap(table),
        corruption.severity_curves(table, band="95% Wilson interval"),
    ):
        assert ("frost*" in words(fig)) == ours
        assert any("our own texture" in text for text in words(fig)) == ours


def heatmap_of(table):
    return corruption.corruption_heatmap(table)


def curves_of(table):
    return corruption.severity_curves(table, band="95%")


def comparison_of(table):
    return corruption.ours_vs_published(table, ours=["resnet18"], band="95%")


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("draw", "table", "message"),
    [
        (heatmap_of, sweep().drop(columns="lo"), r"lacks \['lo'\]"),
        (heatmap_of, published(), "several rows"),
        (heatmap_of, sweep().iloc[:-1], r"\('elastic_transform', 5\)"),
        (curves_of, pd.concat([sweep(), sweep()]), "several rows"),
        (comparison_of, means().iloc[1:], "lacks contrast"),
    ],
)
def test_bad_input_is_named(draw, table, message):
    with pytest.raises(ValueError, match=message):
        draw(table)


def test_a_note_stands_over_its_panel():
    headings = [ax.get_title(loc="left") for ax in curves_with_notes().axes]
    assert headings[0] == "Gaussian noise\nearly collapse?"
    assert all(heading.endswith("\nearly collapse?") for heading in headings)
