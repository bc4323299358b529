"""The drift command: batches in folders against the reference that training kept."""

import csv
import shutil

import numpy as np
import pytest
from makers.risk import coloured_folder, random_weights
from PIL import Image

from visionfail import data
from visionfail.risk import __main__ as program
from visionfail.risk import drift_check
from visionfail.risk.saved import load_classifier

FLAGS = ["--side", "32", "--views", "0", "--epochs", "2", "--lr", "0.01"]


def train(folder, out):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_imagenet_weights", random_weights)
        assert program.main(["train", "--data", str(folder), "--out", str(out), *FLAGS]) == 0
    return out


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = coloured_folder(tmp_path_factory.mktemp("pictures"), count=100)
    return train(folder, tmp_path_factory.mktemp("model"))


def batch(folder, *, darker=1, copies=1):
    """40 pictures as in training, each class its half, perhaps darker and as several frames."""
    folder.mkdir()
    rng = np.random.default_rng(7)
    for k in range(40):
        pixels = rng.integers(0, 120, (32, 32, 3))
        pixels[..., 2 * (k % 2)] += 110
        for frame in range(copies):
            picture = Image.fromarray((pixels // darker).astype(np.uint8))
            picture.save(folder / f"{k}-{frame}.png")
    return folder


def test_pictures_as_before_raise_no_alarm(trained, tmp_path, capsys):
    call = ["drift", "--model", str(trained), "--image", str(batch(tmp_path / "new"))]
    assert program.main(call) == 0
    said = capsys.readouterr().out
    assert "40 of 40 pictures, one of each group, against 40 of validation" in said
    assert "no drift seen" in said and "has moved" not in said


def test_darker_pictures_raise_one_and_say_where(trained, tmp_path, capsys):
    new = batch(tmp_path / "new", darker=3)
    (new / "note.txt").write_text("no picture", encoding="utf-8")
    assert program.main(["drift", "--model", str(trained), "--image", str(new)]) == 1
    said = capsys.readouterr().out
    assert "has moved: p = " in said and "no drift seen" not in said
    assert "left out" in said and "note.txt" in said


def test_of_each_group_one_picture_is_compared(trained, tmp_path):
    new = batch(tmp_path / "new", copies=3)
    classifier = load_classifier(trained)
    checked = drift_check.check_folder(classifier, new)  # copies are a group
    assert (checked.pictures, checked.drift.n) == (120, 40)
    rows = [(file.name, file.name.split("-")[1]) for file in new.iterdir()]
    with open(new / "pictures.csv", "w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([("file", "group"), *rows])
    checked = drift_check.check_folder(classifier, new)
    assert (checked.pictures, checked.drift.n) == (120, 3)


def test_without_pictures_or_a_reference_it_says_so(trained, tmp_path, capsys):
    call = ["drift", "--model", str(trained), "--image", str(tmp_path)]
    assert program.main(call) == 2
    assert "has no file" in capsys.readouterr().err
    (tmp_path / "note.png").write_text("no picture", encoding="utf-8")
    assert program.main(call) == 2
    assert "no picture of" in capsys.readouterr().err
    few = train(coloured_folder(tmp_path, count=20), shutil.copytree(trained, tmp_path / "few"))
    assert program.main(["drift", "--model", str(few), "--image", str(tmp_path)]) == 2
    assert "20 independent pictures" in capsys.readouterr().err
