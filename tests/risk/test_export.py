"""Exports and their gates: a planted bad export does not pass, on loading neither."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from makers.risk import trained_on_coloured, validation_images

from visionfail.risk import __main__ as program
from visionfail.risk import commands, export, timing
from visionfail.risk.thresholds import Threshold

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

HALF = Threshold(0.5, "cost", False, "no guarantee", 10, 59)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    classifier, folder = trained_on_coloured(tmp_path_factory.mktemp, count=20)
    return classifier, validation_images(folder)


@pytest.mark.fault("results of another run")
@pytest.mark.slow
def test_onnx_answers_as_the_network_and_a_planted_file_is_refused(trained):
    classifier, validation = trained
    made = export.export(classifier, "onnx", validation, HALF)
    assert made.gate.passed
    assert made.score(validation.images) == pytest.approx(
        classifier.score(validation.images), abs=1e-5
    )
    with torch.no_grad():
        classifier.model.fc.weight.neg_()  # another network takes the file's place
    export.write_onnx(classifier, made.path)
    with torch.no_grad():
        classifier.model.fc.weight.neg_()
    with pytest.raises(ValueError, match="does not decide as the network that was evaluated"):
        export.load_exported(classifier, "onnx")


@pytest.mark.slow
def test_the_gate_on_loading_asks_at_the_callers_threshold(trained, monkeypatch):
    classifier, validation = trained
    export.export(classifier, "onnx", validation, HALF)
    asked = []

    def watched(*answers, threshold, **words):
        asked.append(threshold.value)
        return gate_of(*answers, threshold=threshold, **words)

    gate_of = export.check_export
    monkeypatch.setattr(export, "check_export", watched)
    export.load_exported(classifier, "onnx")
    export.load_exported(classifier, "onnx", own=0.125)
    assert asked == [0.5, 0.125]


@pytest.mark.fault("too few data")
@pytest.mark.slow
def test_int8_with_too_few_pictures_leaves_no_file(trained):
    classifier, validation = trained
    with pytest.raises(ValueError, match="flips of 8, up to"):
        export.export(classifier, "int8", validation, HALF)
    assert not (classifier.folder / "model.int8.onnx").exists()
    assert not list(classifier.folder.glob(".exporting*"))
    with pytest.raises(FileNotFoundError, match="export it first"):
        export.load_exported(classifier, "int8")


@pytest.fixture
def enough(trained, tmp_path):
    """(a classifier in a folder of its own, as many pictures as the gate of int8 asks for)."""
    classifier, validation = trained
    folder = shutil.copytree(trained[0].folder, tmp_path / "model")
    for file in folder.glob("*.onnx"):
        file.unlink()
    (folder / export.GATE_FILE).unlink(missing_ok=True)
    repeated = validation.at(torch.arange(320) % len(validation))
    return dataclasses.replace(classifier, folder=folder), repeated


def timed(monkeypatch, **medians):
    """Let calls have taken these milliseconds."""
    taken = {name: np.array([value - 1, value, value + 5]) for name, value in medians.items()}
    asked = []

    def milliseconds(networks, images, *, repeats):
        assert set(networks) == set(medians) and images.shape == (1, 3, 32, 32)
        asked.extend(ask(images) for ask in networks.values())
        return taken

    monkeypatch.setattr(timing, "milliseconds", milliseconds)
    return asked


@pytest.mark.slow
def test_int8_that_is_no_faster_is_refused_and_leaves_no_file(enough, monkeypatch):
    classifier, validation = enough
    before = sorted(classifier.folder.iterdir())
    asked = timed(monkeypatch, int8=7.5, onnx=6.0)
    with pytest.raises(ValueError, match=r"int8 takes 7.50 ms a picture, ONNX in float 6.00 "):
        export.export(classifier, "int8", validation, HALF)
    assert sorted(classifier.folder.iterdir()) == before
    int8, onnx = asked
    assert (int8 != onnx).any() and np.abs(int8 - onnx).max() < 1  # two versions of one network


@pytest.mark.slow
def test_int8_is_exported_where_it_is_faster_or_asked_for_all_the_same(enough, monkeypatch):
    classifier, validation = enough
    timed(monkeypatch, int8=3.0, onnx=6.0)
    made = export.export(classifier, "int8", validation, HALF)
    assert made.gate.passed and made.path.exists()
    timed(monkeypatch, int8=7.5, onnx=6.0)
    made = export.export(classifier, "int8", validation, HALF, even_if_slower=True)
    assert made.path.exists()


def test_a_refused_format_leaves_the_gate_of_another(enough):
    classifier, _ = enough
    for kind in export.FORMATS:
        export.export_file(classifier, kind).write_bytes(b"")
    gate_file = classifier.folder / export.GATE_FILE
    gate_file.write_bytes(b"")
    export.discard(classifier, "int8")
    assert export.export_file(classifier, "onnx").exists() and gate_file.exists()
    export.discard(classifier, "onnx")
    assert not gate_file.exists()


@pytest.mark.parametrize("flags", [[], ["--even-if-slower"]])
def test_the_command_line_may_ask_for_a_slower_int8(trained, monkeypatch, capsys, flags):
    classifier, validation = trained
    asked = []

    def refuse(*arguments, even_if_slower):
        asked.append((arguments[1], even_if_slower))
        raise ValueError("refused")

    monkeypatch.setattr(export, "export", refuse)
    monkeypatch.setattr(commands, "validation_pictures", lambda *_: validation)
    call = ["export", "--model", str(classifier.folder), "--data", "x", "--format", "int8"]
    assert program.main(call + flags) == 2
    assert asked == [("int8", bool(flags))] and "refused" in capsys.readouterr().err


@pytest.mark.fault("bad arguments")
def test_another_format_is_refused(trained):
    classifier, validation = trained
    with pytest.raises(ValueError, match="choose onnx or int8"):
        export.export(classifier, "tflite", validation, HALF)
