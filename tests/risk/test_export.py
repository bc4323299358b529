"""Exports and their gates: a planted bad export does not pass, on loading neither."""

import pytest
import torch
from makers.risk import coloured_folder, random_weights

from visionfail import data
from visionfail.risk import commands, export, pictures
from visionfail.risk.config import RiskConfig
from visionfail.risk.thresholds import Threshold

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

HALF = Threshold(0.5, "cost", False, "no guarantee", 10, 59)


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
