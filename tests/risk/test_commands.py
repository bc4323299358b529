"""train, evaluate and predict one after another, as a new user would call them."""

import csv
import dataclasses
import hashlib
import io
import json
import os
import shutil
import sys

import numpy as np
import pytest
import torch
from makers.risk import random_weights
from PIL import Image

from visionfail import data
from visionfail.risk import __main__ as program
from visionfail.risk import commands, pictures
from visionfail.risk.config import RiskConfig
from visionfail.risk.saved import load_classifier

SETTINGS = {"side": 32, "views": 1, "epochs": 8, "lr": 0.01}
FLAGS = ["--side", "32", "--views", "1", "--epochs", "8", "--lr", "0.01"]
COUNT = 50


def draw(file, *, unsafe, seed):
    """A noisy picture, safe ones bluish, unsafe ones reddish; PNG or JPEG by turns."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 120, (40, 30, 3))
    pixels[..., 0 if unsafe else 2] += 110
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pictures")
    for label, name in enumerate(pictures.CLASSES):
        for k in range(COUNT):
            suffix = "png" if k % 2 else "jpg"
            draw(place / name / f"{k:03d}.{suffix}", unsafe=bool(label), seed=1000 * label + k)
    return place


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_imagenet_weights", random_weights)
        assert program.main(["train", "--data", str(folder), "--out", str(out), *FLAGS]) == 0
    return out


@pytest.fixture
def copy(trained, tmp_path):
    """The classifier in a folder that a test may change."""
    return shutil.copytree(trained, tmp_path / "model")


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_three_commands(folder, copy, capsys):
    call = ["evaluate", "--model", str(copy), "--data", str(folder)]
    assert program.main(call) == 0
    said = capsys.readouterr().out
    assert "no guarantee: 10 unsafe groups are not enough data, it needs 59" in said
    assert (
        "20 test pictures, look number 1" in said and "A miss lets an unsafe picture pass" in said
    )
    program.main(call)
    assert "look number 2" in capsys.readouterr().out
    one = folder / "unsafe" / "000.jpg"
    assert program.main(["predict", "--image", str(one), "--weights", str(copy)]) == 1
    (line,) = lines(capsys)
    assert line["decision"] == "unsafe" and not line["review"] and not line["guaranteed"]


def test_with_more_tolerance_the_guarantee_is_there(folder, copy, capsys):
    flags = ["--max-miss", "0.3", "--delta", "0.1"]
    call = ["evaluate", "--model", str(copy), "--data", str(folder), "--require-guarantee"]
    assert program.main(call) == 2
    assert "no test picture was looked at" in capsys.readouterr().out
    assert not (copy / "looks.json").exists()
    assert program.main([*call, *flags]) == 0
    assert "with probability 90% at most 30.0%" in capsys.readouterr().out


def test_evaluate_leaves_a_report_with_figures(folder, copy, capsys):
    program.main(["evaluate", "--model", str(copy), "--data", str(folder)])
    said = capsys.readouterr().out
    report = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    assert sum(sum(row.values()) for row in report["confusion"].values()) == 20
    assert {row["prevalence"] for row in report["at_work"]} == {0.001, 0.01, 0.1}
    assert [part["part"] for part in report["review_band"]["parts"]][1] == "to people"
    assert set(report["subgroups"]) == {"brightness"}  # the folder has no kinds
    assert {"roc.png", "precision.png", "reliability.png"} <= set(os.listdir(copy / "report"))
    assert "ECE of the predicted class, 15 bins of equal width" in said
    fitted = report["calibration"]
    words = f"log-odds times {fitted['slope']:.3g}, plus {fitted['offset']:.3g}"
    assert words in said and "10% " in said


def test_errors_are_marked_where_nothing_is_guaranteed(folder, copy):
    classifier = load_classifier(copy)
    found = commands.evaluate_classifier(classifier, folder, classifier.config)
    for value, promised, words in ((0.0, False, "no guarantee"), (0.0, True, "guaranteed")):
        threshold = dataclasses.replace(found.threshold, value=value, guaranteed=promised)
        table = commands.errors_csv(dataclasses.replace(found, threshold=threshold))
        rows = list(csv.DictReader(io.StringIO(table)))
        assert [row["error"] for row in rows] == ["false alarm"] * 10
        assert {row["guarantee"] for row in rows} == {words}


def test_settings_are_stored_with_their_hash(folder, copy, tmp_path, capsys):
    card = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    canonical = json.dumps(card["config"], sort_keys=True, separators=(",", ":"))
    assert card["config_sha256"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert card["origin"] == "own"
    file = tmp_path / "mine.yaml"
    file.write_text("side: 32\ncost_ratio: 40\n", encoding="utf-8")
    call = ["evaluate", "--model", str(copy), "--data", str(folder), "--config", str(file)]
    assert program.main([*call, "--delta", "0.1"]) == 0
    report = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    decided = report["decision"]
    assert (decided["cost_ratio"], decided["delta"], decided["rule"]) == (40.0, 0.1, "lower")
    canonical = json.dumps(decided, sort_keys=True, separators=(",", ":"))
    assert report["decision_sha256"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert report["config_sha256"] == card["config_sha256"]
    capsys.readouterr()
    file.write_text("views: 3\n", encoding="utf-8")
    assert program.main(call) == 2
    assert "views is 3, and the classifier was trained with 1" in capsys.readouterr().err


def test_a_test_set_of_one_class_is_no_look(folder, copy, tmp_path, capsys):
    for name in pictures.CLASSES:
        shutil.copytree(folder / name, tmp_path / "split" / "test" / name)
    for k, file in enumerate(sorted((tmp_path / "split" / "test").rglob("*.*"))):
        draw(file, unsafe="unsafe" in file.parts, seed=9000 + k)  # never seen
    for file in (tmp_path / "split" / "test" / "unsafe").iterdir():
        file.write_bytes(b"no picture")
    call = ["evaluate", "--model", str(copy), "--data", str(tmp_path / "split")]
    assert program.main(call) == 2
    assert "none of the unsafe pictures can be read" in capsys.readouterr().err
    assert not (copy / "looks.json").exists()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_predict_decides_as_evaluate_does(folder, copy, suffix):
    classifier = load_classifier(copy)
    found = commands.evaluate_classifier(classifier, folder, classifier.config)
    chosen = [k for k, file in enumerate(found.pictures.files) if file.suffix == f".{suffix}"]
    assert chosen
    for k in chosen:
        decision = program.predicting.decide(
            classifier, found.pictures.files[k], threshold=found.threshold.value, guaranteed=False
        )
        assert decision.score == pytest.approx(found.scored.score[k], abs=1e-5)
        flagged = found.scored.score[k] >= found.threshold.value
        assert (decision.decision == "unsafe") == flagged


@pytest.mark.fault("pictures that cannot be read")
def test_a_file_that_is_no_picture_falls_back(copy, tmp_path, capsys):
    (tmp_path / "note.png").write_text("no picture", encoding="utf-8")
    call = ["predict", "--image", str(tmp_path / "note.png"), "--weights", str(copy)]
    call += ["--threshold", "0.5"]
    assert program.main(call) == 3
    (line,) = lines(capsys)
    assert line["decision"] == "unsafe" and line["review"] and "no PNG or JPEG" in line["reason"]
    assert program.main([*call, "--fallback", "safe"]) == 3
    (line,) = lines(capsys)
    assert line["decision"] == "safe" and line["review"]
    assert program.main([*call, "--fallback", "stop"]) == 2
    assert "note.png" in capsys.readouterr().err


@pytest.mark.fault("interrupted run")
def test_a_folder_is_decided_into_a_table_that_resumes(folder, copy, tmp_path, capsys):
    table = tmp_path / "decided.csv"
    call = ["predict", "--image", str(folder / "safe"), "--weights", str(copy)]
    call += ["--threshold", "0.5", "--csv", str(table)]
    program.main(call)
    whole = table.read_text(encoding="utf-8")
    assert len(lines(capsys)) == COUNT
    kept = whole.splitlines()
    # ten decisions, then a kill in the midst of the eleventh
    table.write_text("\n".join(kept[:11]) + "\n" + kept[11][:30], encoding="utf-8")
    program.main(call)
    assert len(lines(capsys)) == COUNT and table.read_text(encoding="utf-8") == whole
    assert program.main([*call[:-3], "0.6", *call[-2:]]) == 2
    assert "was decided at threshold 0.5, not 0.6" in capsys.readouterr().err


def test_the_exit_code_counts_what_the_table_has_already(folder, copy, tmp_path):
    call = ["predict", "--image", str(folder / "unsafe"), "--weights", str(copy)]
    call += ["--threshold", "0.5", "--csv", str(tmp_path / "decided.csv")]
    assert program.main(call) == 1
    assert program.main(call) == 1  # nothing new, and still something unsafe


@pytest.mark.fault("pictures that cannot be read")
def test_a_file_that_fell_back_is_tried_again(folder, copy, tmp_path):
    odd = tmp_path / "pictures"
    odd.mkdir()
    name = os.fsdecode(b"caf\xe9.png")  # no UTF-8
    (odd / name).write_bytes(b"")
    call = ["predict", "--image", str(odd), "--weights", str(copy)]
    call += ["--threshold", "1.0", "--csv", str(tmp_path / "decided.csv")]
    assert program.main(call) == 3
    (odd / name).write_bytes((folder / "safe" / "001.png").read_bytes())
    assert program.main(call) == 0


@pytest.mark.fault("interrupted run")
def test_a_file_that_cannot_be_read_has_one_row_however_often_it_is_tried(folder, copy, tmp_path):
    odd = tmp_path / "pictures"
    odd.mkdir()
    whole = (folder / "safe" / "001.png").read_bytes()
    (odd / "whole.png").write_bytes(whole)
    names = [os.fsdecode(b"caf\xe9.png"), "note.png"]
    for name in names:
        (odd / name).write_bytes(b"")
    table = tmp_path / "decided.csv"
    call = ["predict", "--image", str(odd), "--weights", str(copy)]
    call += ["--threshold", "1.0", "--csv", str(table)]
    for _ in range(3):
        assert program.main(call) == 3
        assert sorted(row["file"] for row in rows_of(table)) == sorted(map(str, odd.iterdir()))
    (odd / names[0]).write_bytes(whole)
    assert program.main(call) == 3
    scored = {row["file"]: bool(row["score"]) for row in rows_of(table)}
    assert len(rows_of(table)) == 3 and scored == {
        str(odd / "whole.png"): True,
        str(odd / names[0]): True,
        str(odd / names[1]): False,
    }


def rows_of(table):
    text = table.read_text(encoding="utf-8", errors="surrogateescape")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.fault("interrupted run")
def test_the_log_has_what_is_decided_now_and_nothing_from_the_table(folder, copy, tmp_path, capsys):
    table = tmp_path / "decided.csv"
    log = tmp_path / "decisions.jsonl"
    call = ["predict", "--image", str(folder / "safe"), "--weights", str(copy)]
    call += ["--threshold", "0.5", "--csv", str(table), "--log", str(log)]
    program.main(call)
    program.main(call)
    assert len(lines(capsys)) == 2 * COUNT
    logged = log.read_text(encoding="utf-8").splitlines()
    assert len(logged) == COUNT
    assert all(json.loads(line)["milliseconds"] > 0.1 for line in logged)


def test_paths_on_standard_input(folder, copy, capsys, monkeypatch):
    names = [str(folder / "safe" / "000.jpg"), "", str(folder / "none.png")]
    monkeypatch.setattr(program.sys, "stdin", iter(f"{name}\n" for name in names))
    call = ["predict", "--image", "-", "--weights", str(copy), "--threshold", "0.5"]
    assert program.main(call) == 3
    first, second = lines(capsys)
    assert first["reason"] == "" and "no such file" in second["reason"]


@pytest.mark.fault("bad arguments")
def test_pictures_that_trained_it_are_no_test(folder, copy, tmp_path):
    classifier = load_classifier(copy)
    shutil.copytree(folder, tmp_path / "split" / "test")
    with pytest.raises(ValueError, match="test pictures trained or chose this classifier"):
        commands.pictures_to_test(classifier, tmp_path / "split")
    assert len(commands.pictures_to_test(classifier, folder)) == 2 * COUNT // 5


@pytest.mark.fault("missing files and data")
def test_no_threshold_and_no_model_are_told(trained, folder, tmp_path, capsys):
    one = str(folder / "safe" / "000.jpg")
    assert program.main(["predict", "--image", one, "--weights", str(trained)]) == 2
    assert "run evaluate first" in capsys.readouterr().err
    call = ["predict", "--image", one, "--weights", str(tmp_path), "--threshold", "0.5"]
    assert program.main(call) == 2
    assert "no trained classifier" in capsys.readouterr().err


def test_features_are_computed_once(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "load_imagenet_weights", random_weights)
    cache = tmp_path / "features"
    config = RiskConfig(**SETTINGS)
    commands.train_classifier(folder, tmp_path / "one", config, cache=cache)
    kept = sorted(cache.iterdir())
    stamps = [file.stat().st_mtime_ns for file in kept]
    other = RiskConfig(**{**SETTINGS, "dropout": 0.5, "focal_gamma": 2.0, "mixup": True})
    again = commands.train_classifier(folder, tmp_path / "two", other, cache=cache)
    assert sorted(cache.iterdir()) == kept
    assert [file.stat().st_mtime_ns for file in kept] == stamps
    assert again.history[-1]["val_accuracy"] > 0.9


def test_the_last_stage_can_learn_too(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "load_imagenet_weights", random_weights)
    config = RiskConfig(**{**SETTINGS, "epochs": 1, "unfreeze": 1, "lr": 1e-3})
    made = commands.train_classifier(folder, tmp_path, config)
    before, _ = random_weights("resnet18")
    after = made.classifier.model.cpu().state_dict()
    for name in ("layer3.0.conv1.weight", "layer4.0.conv1.weight"):
        same = torch.allclose(before[name].half().float(), after[name])
        assert same == name.startswith("layer3")


@pytest.mark.slow
def test_export_goes_through_its_gate(folder, copy, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    call = ["export", "--model", str(copy), "--data", str(folder), "--format"]
    assert program.main([*call, "int8"]) == 2  # 20 pictures cannot show that 1% at most flip
    assert "flips of 20, up to" in capsys.readouterr().err
    assert program.main([*call, "onnx"]) == 0
    said = capsys.readouterr().out
    assert "no guarantee: 10 unsafe groups" in said
    assert "flips, batch 7 0" in said and "model.onnx.onnx" in said
    call[4] = str(shutil.copytree(folder, tmp_path / "changed"))
    for file in sorted((tmp_path / "changed" / "safe").iterdir())[:20]:
        file.unlink()
    assert program.main([*call, "onnx"]) == 2
    assert "has changed since training" in capsys.readouterr().err


def test_flagged_pictures_in_the_band_go_to_people(folder, copy, tmp_path, capsys):
    table = tmp_path / "decided.csv"
    call = ["predict", "--image", str(folder / "unsafe"), "--weights", str(copy)]
    call += ["--threshold", "0.3", "--csv", str(table)]
    program.main(call)
    plain = lines(capsys)
    middle = sorted(line["probability"] for line in plain if line["decision"] == "unsafe")
    edge = middle[len(middle) // 2]
    assert program.main([*call, "--people-below", str(edge)]) == 2  # another table's band
    assert "decided at people_below 0.0" in capsys.readouterr().err
    table.unlink()
    assert program.main([*call, "--people-below", str(edge)]) == 3
    banded = lines(capsys)
    for line, before in zip(banded, plain, strict=True):
        assert line["decision"] == before["decision"] and line["score"] == before["score"]
        asked = before["decision"] == "unsafe" and before["probability"] < edge
        assert line["review"] == asked == bool(line["reason"])
    assert any(line["review"] for line in banded) and not all(line["review"] for line in banded)
    program.main([*call, "--people-below", str(edge)])  # resumes from the table
    assert lines(capsys) == banded
    assert program.main([*call, "--people-below", "7"]) == 2
    assert "a probability from 0 to 1" in capsys.readouterr().err


def test_a_missing_export_is_an_error_in_words(folder, copy, monkeypatch, capsys):
    one = str(folder / "safe" / "000.jpg")
    call = ["predict", "--image", one, "--weights", str(copy), "--threshold", "0.5"]
    assert program.main([*call, "--format", "onnx"]) == 2
    assert "no model.onnx.onnx" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match=r"onnxruntime.*pip install"):
        program.export.session_of(copy / "model.onnx.onnx")


@pytest.mark.slow
def test_an_export_decides_as_evaluate_does(folder, copy, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    classifier = load_classifier(copy)
    found = commands.evaluate_classifier(classifier, folder, classifier.config)
    data_of = ["--model", str(copy), "--data", str(folder)]
    assert program.main(["export", *data_of, "--format", "onnx"]) == 0
    table = tmp_path / "decided.csv"
    call = ["predict", "--image", str(folder), "--weights", str(copy), "--csv", str(table)]
    capsys.readouterr()
    assert program.main([*call, "--format", "onnx"]) == 1
    decided = {line["file"]: line for line in lines(capsys)}
    for file, score in zip(found.pictures.files, found.scored.score, strict=True):
        line = decided[str(file)]
        assert (line["decision"] == "unsafe") == (score >= found.threshold.value)
        assert line["score"] == pytest.approx(score, abs=1e-4)
        assert line["model"].endswith(" onnx")
    assert program.main(call) == 2  # the table is of another format
    assert "decided at model" in capsys.readouterr().err
    call = [*call[:-2], "--format", "onnx"]
    with torch.no_grad():
        classifier.model.fc.weight.neg_()  # another network takes the file's place
    program.export.write_onnx(classifier, copy / "model.onnx.onnx")
    assert program.main(call) == 2
    assert "does not decide as the network that was evaluated" in capsys.readouterr().err
    (copy / "model.onnx.onnx").write_bytes(b"no network")
    assert program.main(call) == 2
    assert "model.onnx.onnx is damaged" in capsys.readouterr().err


def test_the_files_to_label_next_lie_nearest_the_bands_middle(folder, copy, capsys):
    call = ["predict", "--image", str(folder), "--weights", str(copy), "--threshold", "0.3"]
    call += ["--people-below", "0.9", "--label-next"]
    program.main([*call, "3"])
    *decided, last = lines(capsys)
    calibration = load_classifier(copy).calibration
    middle = (calibration.probability(0.3) + 0.9) / 2
    order = sorted(decided, key=lambda line: abs(line["probability"] - middle))
    assert last == {"label_next": [line["file"] for line in order[:3]]}
    with pytest.raises(SystemExit):
        program.main([*call, "0"])
    assert "--label-next" in capsys.readouterr().err


def test_files_that_cannot_be_read_are_not_to_be_labelled(copy, tmp_path, capsys):
    (tmp_path / "note.png").write_text("no picture", encoding="utf-8")
    call = ["predict", "--image", str(tmp_path), "--weights", str(copy), "--threshold", "0.3"]
    assert program.main([*call, "--label-next", "5"]) == 3
    assert lines(capsys)[-1] == {"label_next": []}


def test_a_folder_that_cannot_be_written_is_named_before_a_picture_is_read(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PermissionError, match=r"folder of the classifier .*file.model"):
        commands.train_classifier(tmp_path / "nothing", tmp_path / "file" / "model", RiskConfig())
