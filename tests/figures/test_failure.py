"""Figures of failure detection show their tables."""

import numpy as np
import pandas as pd
import pytest

from figures.checks import assert_readable, with_interval, words
from visionfail.figures import failure
from visionfail.studies.auditing import examples


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
    table = with_interval(table, width=0.02).assign(n=1600)
    wrong = table.metric == "confidence when wrong"
    table.loc[wrong, "n"] = (20 + 10 * (table.strength[wrong] * 6 - 0.5)).round().astype(int)
    return table


def shifts():
    return failure.shift_curves(shift_table(), title="Accuracy, and confidence where it is wrong")


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


FIGURES = [shifts, scores, latents, latents_with_a_place, card]


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_are_readable(draw):
    assert_readable(draw())


def test_shift_curves_draw_a_line_per_seed_and_one_band():
    fig = shifts()
    top = fig.axes[0]
    assert len(top.lines) == 2
    assert "1,600 digits above, 20 to 70 wrong answers below" in " ".join(words(fig))
    assert len(top.collections) == 1
    assert np.allclose(top.lines[1].get_ydata(), 0.93 - 0.6 * (np.arange(6) + 0.5) / 6)


def test_latents_are_parted_by_outcome():
    fig = latents_with_a_place()
    right, wrong = fig.axes[1].collections
    assert (right.get_offsets()[:, 0] <= 1).all()
    assert (wrong.get_offsets()[:, 0] > 1).all()
    assert len(right.get_offsets()) + len(wrong.get_offsets()) == 300
    assert [line.get_xydata().tolist() for line in fig.axes[1].lines] == [[[1.0, 0.5]]]
