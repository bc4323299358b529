"""Exports and their gates: a planted bad export does not pass, on loading neither."""

import numpy as np
import pytest
import torch
from makers.risk import coloured_folder, random_weights

from visionfail import data, metrics
from visionfail.risk import commands, export, pictures
from visionfail.risk.config import RiskConfig
from visionfail.risk.thresholds import Threshold

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

HALF = Threshold(0.5, "cost", False, "no guarantee", 10, 59)


def logits(n=600, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], n // 2)
    wide = 3 * (2 * labels - 1) + rng.normal(0, 1.5, n)
    return np.stack([np.zeros(n), wide], axis=1).astype(np.float32), labels


def gate(kind, reference, answers, labels, threshold=HALF):
    return export.check_export(
        kind,
        reference,
        {1: reference, 7: answers},
        labels=labels,
        groups=np.arange(len(labels)),
        threshold=threshold,
    )


def test_the_same_answers_pass_both_gates():
    reference, labels = logits()
    for kind in export.FORMATS:
        assert gate(kind, reference, reference.copy(), labels).passed


def test_one_flip_or_logits_apart_stop_onnx():
    reference, labels = logits()
    flipped = reference.copy()
    nearest = np.abs(reference[:, 1]).argmin()
    flipped[nearest, 1] *= -1
    found = gate("onnx", reference, flipped, labels)
    assert not found.passed and "batch 7: 1 decisions flip" in found.reasons
    apart = gate("onnx", reference, reference + 2e-4, labels)
    assert not apart.passed and "apart" in apart.reasons[0]


def test_the_bound_on_flips_stops_int8():
    reference, labels = logits(n=2000)
    flipped = reference.copy()
    flipped[:8, 1] *= -1  # 8 of 2,000: the exact 95% upper bound is 0.72%
    assert gate("int8", reference, flipped, labels).passed
    flipped[:14, 1] = -reference[:14, 1]
    found = gate("int8", reference, flipped, labels)
    assert not found.passed and "14 flips of 2000, up to 1.1%" in found.reasons[0]
    few, few_labels = logits(n=200)
    assert not gate("int8", few, few, few_labels).passed  # 200 without a flip: up to 1.5%


def test_a_lost_recall_guarantee_stops_int8():
    reference, labels = logits(n=4000)
    score = metrics.probabilities(reference)[:, 1]
    from visionfail.risk.thresholds import recall_threshold

    promised = recall_threshold(score, labels, np.arange(4000), max_miss=0.05, delta=0.05)
    lower = reference.copy()
    just_flagged = np.flatnonzero((labels == 1) & (score >= promised.value))
    lost = just_flagged[np.argsort(score[just_flagged])[:25]]
    lower[lost, 1] -= 1.0
    found = gate("int8", reference, lower, labels, threshold=promised)
    assert "batch 7: the recall guarantee is lost" in found.reasons


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    coloured_folder(folder, count=20)
    config = RiskConfig(side=32, views=0, epochs=5, lr=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_imagenet_weights", random_weights)
        made = commands.train_classifier(folder, tmp_path_factory.mktemp("model"), config)
    listed = pictures.split_pictures(folder)["val"]
    return made.classifier, pictures.read_pictures(listed, side=32)[0]


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


@pytest.mark.fault("bad arguments")
def test_another_format_is_refused(trained):
    classifier, validation = trained
    with pytest.raises(ValueError, match="choose onnx or int8"):
        export.export(classifier, "tflite", validation, HALF)
