"""Figures of the safe/unsafe classifier: what is drawn where."""

import numpy as np
import pandas as pd
import pytest

from visionfail import figures


def texts(fig):
    return " ".join(text.get_text() for text in fig.texts)


def sheet():
    rows = []
    for name, severity, missed in (("clean", 0, 0.01), ("fog", 1, 0.02), ("fog", 3, 0.2)):
        rows.append((name, severity, "missed", missed))
        rows.append((name, severity, "alarmed", 0.3 + missed))
    table = pd.DataFrame(rows, columns=["condition", "severity", "quantity", "value"])
    return table.assign(lo=table.value - 0.01, hi=table.value + 0.02, n=133)


def test_misses_stand_left_and_false_alarms_right():
    fig = figures.decision_sheet_plot(sheet(), target=0.05, title="it breaks")
    left, right = fig.axes
    drawn = [x for marks in left.containers for x in marks.lines[0].get_xdata()]
    assert sorted(drawn) == [0.01, 0.02, 0.2]
    drawn = [x for marks in right.containers for x in marks.lines[0].get_xdata()]
    assert sorted(drawn) == pytest.approx([0.31, 0.32, 0.5])
    assert any(line.get_xdata()[0] == 0.05 for line in left.lines if line.get_linestyle() == "--")
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == ["clean", "fog"] and "n = 133" in texts(fig)


def test_cost_curves_go_from_cheap_to_dear():
    rows = []
    for ratio, missed in ((10, 0.1), (1, 0.3), (100, 0.02)):
        rows.append((ratio, "missed", missed))
        rows.append((ratio, "alarmed", 0.5 - missed))
    table = pd.DataFrame(rows, columns=["cost ratio", "quantity", "value"])
    table = table.assign(lo=table.value - 0.01, hi=table.value + 0.01)
    table["n"] = table.quantity.map({"missed": 1200, "alarmed": 60})
    fig = figures.cost_curves(table)
    (ax,) = fig.axes
    assert any("n = 1,200 unsafe, 60 safe" in text.get_text() for text in fig.texts)
    assert ax.lines[0].get_xdata().tolist() == [1, 10, 100]
    assert ax.lines[0].get_ydata().tolist() == [0.3, 0.1, 0.02]
    assert ax.get_xscale() == "log"


def test_the_chosen_point_is_ringed_on_each_curve():
    x = np.linspace(0, 1, 5)
    curves = {"signs": (x, x**0.5), "things": (x, x**0.2)}
    chosen = {"signs": (0.25, 0.5), "things": (0.5, 0.9)}
    fig = figures.two_curves(curves, chosen=chosen, xlabel="alarms", ylabel="found")
    (ax,) = fig.axes
    rings = [line for line in ax.lines if line.get_marker() == "o"]
    assert [(ring.get_xdata()[0], ring.get_ydata()[0]) for ring in rings] == list(chosen.values())


def test_power_has_a_line_per_condition_and_the_level():
    rows = [
        (name, severity, size, alarms)
        for name, severity, alarms in (("clean", 0, 0.04), ("fog", 3, 0.9))
        for size in (10, 50)
    ]
    table = pd.DataFrame(rows, columns=["condition", "severity", "size", "alarms"])
    table = table.assign(lo=table.alarms - 0.02, hi=table.alarms + 0.02, n=200)
    fig = figures.power_curves(table, level=0.05)
    (ax,) = fig.axes
    lines = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_ydata()[0] for line in lines] == [0.04, 0.9]
    drawn = {text.get_text() for text in ax.texts}
    assert {"unchanged", "fog 3"} <= drawn and "200 batches" in texts(fig)


def test_corruptions_are_called_as_everywhere():
    noise = sheet().replace({"condition": {"fog": "gaussian_noise"}})
    left, _ = figures.decision_sheet_plot(noise, target=0.05).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["clean", "Gaussian noise"]
    table = pd.DataFrame({"condition": ["jpeg_compression"] * 2, "severity": 3, "size": [10, 50]})
    (ax,) = figures.power_curves(table.assign(alarms=0.5, lo=0.4, hi=0.6, n=9), level=0.05).axes
    assert "JPEG compression 3" in {text.get_text() for text in ax.texts}
