"""Figures that compare detectors keep their colours and show their tables."""

import numpy as np
import pandas as pd
import pytest

from figures.checks import assert_readable, curve, dots, error_bars, with_interval, words
from visionfail.figures import detectors as drawn

SLICES = ["clean", "mix", "shifted", "rotation", "within slices"]


def auroc_table():
    """AUROC of every detector on every slice."""
    rows = []
    for i, name in enumerate(SLICES):
        for j, detector in enumerate(drawn.DETECTOR_LOOKS):
            rows.append((name, detector, 0.8 + 0.01 * i + 0.02 * j))
    table = pd.DataFrame(rows, columns=["slice", "detector", "value"])
    return with_interval(table).assign(n=10_000, seeds=5)


def detectors():
    return drawn.detectors_by_slice(auroc_table(), slices=SLICES, title="Who finds the failures?")


def lead_table():
    """The auditor against confidence on every slice, three seeds."""
    table = pd.DataFrame({"slice": SLICES, "value": [0.0, 0.05, 0.04, -0.02, 0.01]})
    table["n"] = [10_000, 10_000, 8000, 10_000, 10_000]
    table["outcome"] = ["tie", "win", "win", "loss", "undecided"]
    table["seeds"] = [[value - 0.005, value, value + 0.004] for value in table.value]
    table["prespecified"] = table.slice == "shifted"
    return with_interval(table).assign(detector="auditor", baseline="1 - confidence")


def lead():
    return drawn.lead(
        lead_table(), slices=SLICES, baseline="1 - confidence", margin=0.01, title="How far ahead?"
    )


def three_leads():
    """Auditor, ensemble and both against confidence on every slice."""
    tables = []
    for k, detector in enumerate(("auditor", "ensemble, entropy", "auditor + ensemble")):
        table = lead_table().assign(detector=detector)
        table[["value", "lo", "hi"]] += 0.01 * k
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def leads():
    return drawn.leads(
        three_leads(),
        slices=SLICES,
        detectors=["auditor", "ensemble, entropy", "auditor + ensemble"],
        baseline="1 - confidence",
        margin=0.01,
        title="Who is ahead of confidence?",
    )


def transfer_table():
    """Two subsets at each number, each meeting two kinds."""
    rows = []
    for number in range(1, 8):
        for subset in (0, 1):
            for kind in (0, 1):
                lead = -0.2 + 0.02 * number + 0.01 * subset + 0.1 * kind
                rows.append((f"{number} kinds, {subset}", number, f"kind {kind}", lead))
    return pd.DataFrame(rows, columns=["learnt", "number", "kind", "lead"])


def transfer():
    means = transfer_table().groupby("number").lead.mean().rename("value").reset_index()
    return drawn.transfer_plot(
        transfer_table(), with_interval(means), n=10_000, seeds=5, title="More kinds learnt"
    )


FIGURES = [detectors, lead, leads, transfer]


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_are_readable(draw):
    assert_readable(draw())


@pytest.mark.fault("bad arguments")
def test_detectors_have_colours_of_their_own_and_a_new_one_is_named():
    colours = [drawn.detector_colour(detector) for detector in drawn.DETECTOR_LOOKS]
    assert len(set(colours)) == len(colours)
    with pytest.raises(ValueError, match="oracle"):
        drawn.detector_colour("oracle")


def test_detectors_are_drawn_at_their_aurocs_in_the_order_of_the_slices():
    backwards = SLICES[::-1]
    ax = drawn.detectors_by_slice(auroc_table(), slices=backwards).axes[0]
    auditor = ax.containers[0].lines[0]
    assert np.allclose(auditor.get_xdata(orig=False), [0.84, 0.83, 0.82, 0.81, 0.8])
    assert np.allclose(np.round(auditor.get_ydata() + 0.3), range(5))


def test_the_lead_shows_every_seed_and_which_comparison_was_pre_specified():
    fig = lead()
    assert {"win (pre-specified)", "tie", "loss", "undecided"} <= set(words(fig))
    seeds_by_slice = [line.get_xdata() for line in dots(fig.axes[0])]
    assert [len(seeds) for seeds in seeds_by_slice] == [3] * len(SLICES)
    assert np.allclose(seeds_by_slice[1], [0.045, 0.05, 0.054])


def test_leads_are_drawn_for_each_detector_at_its_difference():
    fig = leads()
    values = [curve(marks.lines[0])[0] for marks in error_bars(fig.axes[0])]
    first = lead_table().value.to_numpy()
    assert np.allclose(values, [first, first + 0.01, first + 0.02])


def test_a_dot_is_a_subset_and_the_line_the_mean():
    ax = transfer().axes[0]
    points, line = [drawn_line for drawn_line in ax.lines if len(drawn_line.get_xdata()) > 2]
    assert len(points.get_xdata()) == 14
    assert np.allclose(points.get_ydata()[:2], [-0.13, -0.12])
    assert np.allclose(line.get_ydata(), -0.125 + 0.02 * np.arange(7))


def test_one_detector_alone_stands_at_its_label():
    alone = auroc_table()
    alone = alone[alone.detector == "auditor"]
    fig = drawn.detectors_by_slice(alone, slices=SLICES, title="One")
    (marks,) = error_bars(fig.axes[0])
    assert curve(marks.lines[0])[1].tolist() == list(range(len(SLICES)))
