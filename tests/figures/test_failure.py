"""Figures of failure detection keep their detectors' colours and show their tables."""

import numpy as np
import pandas as pd
import pytest

from figures.checks import assert_readable, curve, dots, error_bars, with_interval, words
from visionfail.figures import failure
from visionfail.studies.auditing import examples

SLICES = ["clean", "mix", "shifted", "rotation", "within slices"]


def shift_table():
    """Two shifts, two seeds, both metrics at six strengths."""
    rows = []
    for metric, slope in (("accuracy", 0.6), ("confidence when wrong", 0.1)):
        for name in ("rotation", "noise"):
            for seed in (0, 1):
                for strength in (np.arange(6) + 0.5) / 6:
                    value = 0.95 - slope * strength - 0.02 * seed
                    rows.append((metric, name, seed, strength, value))
    table = pd.DataFrame(rows, columns=["metric", "shift", "seed", "strength", "value"])
    return with_interval(table, width=0.02).assign(n=1600)


def shifts():
    return failure.shift_curves(shift_table(), title="Accuracy, and confidence where it is wrong")


def auroc_table():
    """AUROC of every detector on every slice."""
    rows = []
    for i, name in enumerate(SLICES):
        for j, detector in enumerate(failure.DETECTOR_LOOKS):
            rows.append((name, detector, 0.8 + 0.01 * i + 0.02 * j))
    table = pd.DataFrame(rows, columns=["slice", "detector", "value"])
    return with_interval(table).assign(n=10_000, seeds=5)


def detectors():
    return failure.detectors_by_slice(auroc_table(), slices=SLICES, title="Who finds the failures?")


def lead_table():
    """The auditor against confidence on every slice, three seeds."""
    table = pd.DataFrame({"slice": SLICES, "value": [0.0, 0.05, 0.04, -0.02, 0.01]})
    table["n"] = [10_000, 10_000, 8000, 10_000, 10_000]
    table["outcome"] = ["tie", "win", "win", "loss", "undecided"]
    table["seeds"] = [[value - 0.005, value, value + 0.004] for value in table.value]
    table["prespecified"] = table.slice == "shifted"
    return with_interval(table).assign(baseline="1 - confidence")


def lead():
    return failure.lead(
        lead_table(), slices=SLICES, baseline="1 - confidence", margin=0.01, title="How far ahead?"
    )


def scores():
    score = np.random.default_rng(0).random(500)
    histogram = examples.score_histogram(score, score > 0.7)
    histograms = {"1 - confidence": histogram, "auditor": histogram}
    return failure.scores_by_outcome(histograms, title="Scores of right and of wrong answers")


def latents(**changes):
    points = np.random.default_rng(0).normal(size=(300, 2))
    score = np.linspace(0, 1, 300)
    return failure.latent_map(
        points, score, points[:, 0] > 1, explained=0.4, title="Latents", **changes
    )


def latents_with_a_place():
    return latents(here=(1.0, 0.5))


def card():
    image = np.eye(28, dtype=np.uint8) * 200
    points = np.random.default_rng(0).normal(size=(300, 2))
    description = (
        "a 3, rotation, strength 0.91\nread as 0, 99.9% sure\nauditor: 99.8% that it is wrong"
    )
    return failure.verdict_card(
        image,
        points,
        np.linspace(0, 1, 300),
        here=(1.0, 0.5),
        words=description,
        title="Caught",
    )


FIGURES = [shifts, detectors, lead, scores, latents, latents_with_a_place, card]


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_are_readable(draw):
    assert_readable(draw())


def test_detectors_have_colours_of_their_own_and_a_new_one_is_named():
    colours = [failure.detector_colour(detector) for detector in failure.DETECTOR_LOOKS]
    assert len(set(colours)) == len(colours)
    with pytest.raises(ValueError, match="oracle"):
        failure.detector_colour("oracle")


def test_shift_curves_draw_a_line_per_seed_and_one_band():
    top = shifts().axes[0]
    assert len(top.lines) == 2
    assert len(top.collections) == 1
    assert np.allclose(top.lines[1].get_ydata(), 0.93 - 0.6 * (np.arange(6) + 0.5) / 6)


def test_detectors_are_drawn_at_their_aurocs_in_the_order_of_the_slices():
    backwards = SLICES[::-1]
    ax = failure.detectors_by_slice(auroc_table(), slices=backwards).axes[0]
    auditor = ax.containers[0].lines[0]
    assert np.allclose(auditor.get_xdata(), [0.84, 0.83, 0.82, 0.81, 0.8])
    assert np.allclose(np.round(auditor.get_ydata() + 0.3), range(5))


def test_the_lead_shows_every_seed_and_which_comparison_was_pre_specified():
    fig = lead()
    assert {"win (pre-specified)", "tie", "loss", "undecided"} <= set(words(fig))
    seeds_by_slice = [line.get_xdata() for line in dots(fig.axes[0])]
    assert [len(seeds) for seeds in seeds_by_slice] == [3] * len(SLICES)
    assert np.allclose(seeds_by_slice[1], [0.045, 0.05, 0.054])


def test_latents_are_parted_by_outcome():
    fig = latents_with_a_place()
    right, wrong = fig.axes[1].collections
    assert (right.get_offsets()[:, 0] <= 1).all()
    assert (wrong.get_offsets()[:, 0] > 1).all()
    assert len(right.get_offsets()) + len(wrong.get_offsets()) == 300
    assert [line.get_xydata().tolist() for line in fig.axes[1].lines] == [[[1.0, 0.5]]]


def test_one_detector_alone_stands_at_its_label():
    alone = auroc_table()
    alone = alone[alone.detector == "auditor"]
    fig = failure.detectors_by_slice(alone, slices=SLICES, title="One")
    (marks,) = error_bars(fig.axes[0])
    assert curve(marks.lines[0])[1].tolist() == list(range(len(SLICES)))
