"""Figures of transfer learning: what is drawn where, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from figures.checks import words
from visionfail import figures
from visionfail.figures.style import GREY
from visionfail.figures.transfer import BETTER_COLOURS, KIND_COLOURS


def texts(fig):
    return " ".join(text.get_text() for text in fig.texts)


def rungs():
    rows = [
        ("frozen, 64", "frozen", 10_000, 0.5, 0.70),
        ("from scratch, 64", "from scratch", 10_000, 20.0, 0.75),
        ("fine-tuned, 128", "fine-tuned", 45_000, 60.0, 0.91),
    ]
    table = pd.DataFrame(rows, columns=["words", "kind", "images", "minutes", "value"])
    weights = ["trunk", "none", "trunk"]
    return table.assign(lo=table.value - 0.01, hi=table.value + 0.02, weights=weights)


def test_each_rung_stands_at_its_minutes_and_accuracy():
    fig = figures.ladder_plot(rungs(), title="up")
    (ax,) = fig.axes
    dots = [line for line in ax.lines if line.get_marker() in ("o", "*")]
    assert [line.get_marker() for line in dots] == ["o", "o", "*"]
    assert [line.get_xdata()[0] for line in dots] == [0.5, 20, 60]
    assert [line.get_ydata()[0] for line in dots] == [0.70, 0.75, 0.91]
    assert [line.get_color() for line in dots] == [KIND_COLOURS[kind] for kind in rungs().kind]
    assert "10,000" in texts(fig) and "45,000" in texts(fig)
    assert "the pre-trained network: its last stage refitted" in texts(fig)
    with pytest.raises(ValueError, match="'distilled'"):
        figures.ladder_plot(rungs().assign(kind="distilled"))


def test_rates_are_drawn_by_step_with_the_frozen_phase_shaded():
    head = np.r_[np.linspace(0, 1, 10), np.linspace(1, 0, 20)]
    fig = figures.rates_plot({"head": head, "base": 0.5 * head}, frozen_steps=8)
    (ax,) = fig.axes
    assert ax.lines[0].get_ydata() == pytest.approx(head)
    assert ax.lines[1].get_ydata() == pytest.approx(0.5 * head)
    (shaded,) = ax.patches  # a polygon before matplotlib 3.9
    outline = shaded.get_path().transformed(shaded.get_patch_transform())
    assert outline.get_extents().width == 8


def test_epochs_are_drawn_from_one_and_named_at_their_ends():
    fig = figures.epochs_plot({"triangle": [0.5, 0.8], "constant": [0.6, 0.7, 0.9]}, n=1000)
    (ax,) = fig.axes
    assert [line.get_xdata().tolist() for line in ax.lines[:2]] == [[1, 2], [1, 2, 3]]
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [[0.5, 0.8], [0.6, 0.7, 0.9]]
    assert {"triangle", "constant"} <= set(words(fig)) and "n = 1,000" in texts(fig)


def test_spectra_leave_the_mean_of_the_picture_out():
    spectra = {"original": np.array([9.0, 3, 1]), "bilinear": np.array([9.0, 2, 1, 0.5, 0.1])}
    fig = figures.spectrum_curves(spectra, highest=2, n=7)
    (ax,) = fig.axes
    assert ax.lines[0].get_xdata().tolist() == [1, 2]
    assert ax.lines[1].get_ydata().tolist() == [2, 1, 0.5, 0.1]
    assert ax.get_yscale() == "log" and "n = 7" in texts(fig)
    with pytest.raises(ValueError, match="'lanczos'"):
        figures.spectrum_curves({"lanczos": np.ones(3)}, highest=2, n=7)


def test_recalls_stand_in_the_order_of_the_last_recipe():
    rows = []
    for recipe, seeds, recalls in (("fine-tuned", 3, (0.9, 0.95)), ("from scratch", 1, (0.8, 0.6))):
        for name, recall in zip(("dog", "ship"), recalls, strict=True):
            row = {"recipe": recipe, "class": name, "recall": recall, "n": 100, "seeds": seeds}
            rows.append({**row, "lo": recall - 0.05, "hi": recall + 0.05})
    fig = figures.recall_plot(pd.DataFrame(rows), note="seen before")
    assert "n = 100 pictures of a class; seen before" in texts(fig)
    (ax,) = fig.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ship", "dog"]
    tuned, scratch = ax.containers
    assert tuned[0].get_xdata() == pytest.approx([0.9, 0.95])  # dog, ship as in the table
    assert [round(y) for y in scratch[0].get_ydata()] == [1, 0]
    assert {"fine-tuned, 3 seeds", "from scratch, 1 seed"} <= set(words(fig))
    with pytest.raises(ValueError, match="'distilled'"):
        figures.recall_plot(pd.DataFrame(rows).assign(recipe="distilled"))


def test_each_swap_has_a_dot_per_group_of_classes():
    rows = []
    for place, swap in enumerate(("original", "same class")):
        for classes, value in (("all", 0.9), ("airplane, bird", 0.8)):
            value -= 0.1 * place
            row = {"swap": swap, "classes": classes, "value": value, "n": 1500}
            rows.append({**row, "lo": value - 0.02, "hi": value + 0.02})
    fig = figures.swap_plot(pd.DataFrame(rows))
    (ax,) = fig.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["original", "same class"]
    of_all, of_sky = ax.containers
    assert of_all[0].get_xdata() == pytest.approx([0.9, 0.8])
    assert of_sky[0].get_xdata() == pytest.approx([0.8, 0.7])
    assert "all, n = 1,500" in words(fig)


def test_a_change_is_coloured_by_whether_it_is_better():
    rows = [
        ("CutMix", "accuracy", 0.01, 0.005, 0.02, "yes"),
        ("MixUp", "accuracy", 0.00, -0.01, 0.01, "undecided"),
        ("CutMix", "ECE", -0.03, -0.04, -0.02, "yes"),
        ("MixUp", "ECE", 0.02, 0.01, 0.05, "no"),
    ]
    columns = ["change", "measure", "value", "lo", "hi", "better"]
    table = pd.DataFrame(rows, columns=columns).assign(seeds=3)
    fig = figures.changes_plot(table, against="the baseline")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["accuracy", "ECE (lower is better)"]
    drawn = [[c[0].get_color() for c in ax.containers] for ax in fig.axes]
    assert drawn == [[BETTER_COLOURS["yes"], GREY], [BETTER_COLOURS[b] for b in ("yes", "no")]]
    assert "the baseline" in texts(fig) and "3 seeds" in texts(fig)
    assert {"better", "worse", "undecided"} <= set(words(fig))
