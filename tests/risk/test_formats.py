"""The table of formats: what a gate refuses is measured too, and says why."""

import numpy as np
import pandas as pd
import pytest
from makers.risk import trained_on_coloured, validation_images

from visionfail.risk import export, formats, timing
from visionfail.risk.thresholds import Threshold

HALF = Threshold(0.5, "cost", False, "no guarantee", 10, 59)
WAYS = ("torch", "torch, 224 pixels", *export.FORMATS)
BEFORE = ["format", "size_mb", "gate", "batch", "n", "p50_ms", "p50_lo", "p50_hi", "p95_ms"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    classifier, folder = trained_on_coloured(tmp_path_factory.mktemp, count=20)
    return classifier, validation_images(folder)


def timed(monkeypatch):
    """Let every network be called once, and have taken 1, 2, ... 40 times its batch size."""
    called = []

    def milliseconds(networks, images, *, repeats):
        called.extend((name, len(ask(images))) for name, ask in networks.items())
        return {name: len(images) * np.arange(1.0, 41) for name in networks}

    monkeypatch.setattr(timing, "milliseconds", milliseconds)
    return called


@pytest.mark.slow
def test_a_refused_format_has_its_size_its_milliseconds_and_its_reason(trained, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    classifier, validation = trained
    before = sorted(classifier.folder.iterdir())
    called = timed(monkeypatch)
    table = pd.DataFrame(formats.format_rows(classifier, validation, HALF))
    assert set(BEFORE) < set(table.columns) and not table.isna().any().any()
    assert table.format.tolist() == ["torch"] * 2 + [WAYS[1]] + ["onnx"] * 2 + ["int8"] * 2
    assert table.batch.tolist() == [1, 32, 1, 1, 32, 1, 32]
    of_large = [(name, 8) for name in WAYS if name != WAYS[1]]
    assert called == [(name, 1) for name in WAYS] + of_large
    about = table[table.batch == 1].set_index("format")
    assert about.gate["torch"] == "" and about.gate["onnx"] == "passes"
    assert "batch 7: 0 flips of 8, up to" in about.gate["int8"]
    assert about.size_mb["onnx"] == pytest.approx(about.size_mb["torch"], rel=0.02)
    assert 0.2 < about.size_mb["int8"] / about.size_mb["onnx"] < 0.3  # 8 bits for 32
    assert about.p50_ms.tolist() == [20.5] * 4 and about.p95_ms["int8"] == pytest.approx(38.05)
    assert (about.p50_lo < 20.5).all() and (about.p50_hi > 20.5).all()
    assert "onnxruntime" in about.host["int8"]
    assert sorted(classifier.folder.iterdir()) == before  # measured, not offered


def test_without_onnxruntime_torch_alone_is_measured(trained, monkeypatch):
    monkeypatch.setattr(formats, "can_export", lambda: False)
    called = timed(monkeypatch)
    rows = formats.format_rows(*trained, HALF)
    assert [row["format"] for row in rows] == ["torch", "torch", WAYS[1]]
    assert called == [("torch", 1), (WAYS[1], 1), ("torch", 8)]
