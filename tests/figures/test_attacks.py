"""Figures of attacks: what is drawn where, and what is refused."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from visionfail import figures
from visionfail.figures.style import SET_COLOURS

EPSILONS = [0.0, 0.5, 8.0]


def accuracies():
    rows = []
    for panel, of_set in {"SVHN": "SVHN", "CIFAR-10, defended": "CIFAR-10"}.items():
        for attack in ("fgsm", "pgd"):
            for place, epsilon in enumerate(EPSILONS):
                value = 0.9 / (1 + place)
                row = {"panel": panel, "set": of_set, "attack": attack, "epsilon": epsilon}
                row.update({"value": value, "lo": value - 0.05, "hi": value + 0.05})
                rows.append({**row, "images": 3000 if attack == "fgsm" else 1001, "things": 505})
    return pd.DataFrame(rows)


def texts(fig):
    return " ".join(text.get_text() for text in fig.texts)


def test_each_attack_has_a_line_in_each_panel():
    fig = figures.attack_curves(accuracies(), label="accuracy", title="falls")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["SVHN", "CIFAR-10, defended"]
    for ax, of_set in zip(fig.axes, ("SVHN", "CIFAR-10"), strict=True):
        assert len(ax.lines) == 2
        for line in ax.lines:
            assert line.get_ydata() == pytest.approx([0.9, 0.45, 0.3])
            assert line.get_color() == SET_COLOURS[of_set]
        assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    assert "FGSM 3,000 images, PGD 1,001 images" in texts(fig)


@pytest.mark.fault("bad arguments")
def test_an_unknown_attack_or_set_is_refused():
    with pytest.raises(ValueError, match="'cw'"):
        figures.attack_curves(accuracies().assign(attack="cw"), label="accuracy")
    with pytest.raises(ValueError, match="'MNIST'"):
        figures.attack_curves(accuracies().assign(set="MNIST"), label="accuracy")


def test_the_classes_that_differ_most_are_named():
    table = pd.DataFrame(np.linspace(0.2, 0.9, 8)[:, None] * [1.0, 0.9, 0.5], columns=EPSILONS)
    table.index = list("abcdefgh")
    fig = figures.class_attack_curves({"SVHN": table}, note="n", named=2)
    named = {text.get_text(): text.xy for text in fig.axes[0].texts}
    assert set(named) == {"a", "b", "g", "h"}
    assert named["a"] == (0, pytest.approx(0.2)) and named["h"] == (0, pytest.approx(0.9))


def test_the_parts_of_a_bar_add_up():
    table = pd.DataFrame({"0.5": [0.2, 0.1], "8": [0.7, 0.3], "more": [0.1, 0.6]}, index=["a", "b"])
    table = table.assign(half=[3.0, np.inf], images=[50, 40])
    fig = figures.smallest_epsilon_bars(table, n=90)
    ends = {}
    for bar in fig.axes[0].patches:
        ends.setdefault(round(bar.get_y(), 3), []).append((bar.get_x(), bar.get_width()))
    for parts in ends.values():
        for before, after in pairwise(parts):
            assert sum(before) == pytest.approx(after[0])
        assert sum(parts[-1]) == pytest.approx(1)
    assert "n = 90 images" in texts(fig)


def test_pictures_show_the_difference_ten_times_around_grey():
    clean = np.full((2, 3, 4, 4), 100, dtype=np.uint8)
    attacked = (clean / 255).astype(np.float32)
    attacked[0, :, 0, 0] += 4 / 255
    fig = figures.attack_pictures(clean, attacked, ["a", "b", "c", "d"])
    shown = [image.get_array() for image in fig.axes[0].images]
    assert len(shown) == 6
    assert shown[4][0, 0, 0] == pytest.approx(127.5 + 40, abs=1)
    assert np.abs(shown[5] - 127.5).max() < 1
    with pytest.raises(ValueError, match="two captions"):
        figures.attack_pictures(clean, attacked, ["a", "b"])


def test_a_class_that_no_epsilon_halves_is_a_triangle_on_top():
    table = pd.DataFrame({"error": [0.1, 0.2], "half": [2.0, np.inf], "set": "SVHN"})
    fig = figures.link_scatter({"SVHN": table}, largest=16.0, notes={"SVHN": "+0.50"}, note="95%")
    dots, triangles = fig.axes[0].lines
    assert dots.get_ydata().tolist() == [2.0] and dots.get_marker() == "o"
    assert triangles.get_xdata().tolist() == [0.2] and triangles.get_marker() == "^"
    assert triangles.get_ydata()[0] > 16
