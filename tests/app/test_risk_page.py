"""The page of the safe/unsafe classifier."""

import dataclasses
import os
import shutil

import numpy as np
import pytest
import streamlit
from makers.risk import trained_on_coloured
from PIL import Image
from streamlit.testing.v1 import AppTest

from visionfail import files, paths, risk
from visionfail.risk import commands, saved
from visionfail.risk.predicting import Decision, decide
from visionfail.risk.prediction_log import log_decision


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return trained_on_coloured(tmp_path_factory.mktemp, count=25, prevalence=0.1)[0]


def page(monkeypatch, folder):
    streamlit.cache_resource.clear()
    monkeypatch.setenv("VISIONFAIL_RISK", str(folder))
    file = paths.ROOT / "app" / "pages" / "3_Risk.py"
    found = AppTest.from_file(str(file), default_timeout=120).run()
    assert not found.exception
    return found


@pytest.mark.fault("missing files and data")
def test_without_a_classifier_it_says_how_to_get_one(tmp_path, monkeypatch):
    found = page(monkeypatch, tmp_path)
    assert "visionfail.risk train" in found.info[0].value


def threshold_of(found):
    return next(m.value for m in found.metric if m.label == "Flagged from a score of")


def cost_of(found):
    label = "1,000 pictures cost, in false alarms"
    return float(next(m.value for m in found.metric if m.label == label).replace(",", ""))


def slide(found, label, value):
    """The page after the slider with this label was moved."""
    slider = next(slider for slider in found.slider if slider.label == label)
    slider.set_value(value).run()
    assert not found.exception
    return found


def test_a_dearer_miss_moves_the_threshold_and_says_what_it_costs(trained, monkeypatch):
    found = page(monkeypatch, trained.folder)
    assert found.warning[0].value.startswith("no guarantee") and not found.success
    assert "costs as much as 10 false alarms" in found.markdown[-1].value
    before = threshold_of(found)
    slide(found, "A miss costs so many false alarms", 100.0)
    assert "costs as much as 100 false alarms" in found.markdown[-1].value
    assert threshold_of(found) != before


@pytest.fixture
def guaranteed(trained, tmp_path):
    """The classifier's folder with validation pictures enough to promise something."""
    folder = shutil.copytree(trained.folder, tmp_path / "model")
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 400)
    score = np.where(labels == 1, rng.beta(4, 3, 800), rng.beta(3, 4, 800))
    arrays = {"score": score, "labels": labels, "groups": np.arange(800)}
    files.save_arrays(folder / saved.VALIDATION, arrays, made={})
    return folder


def test_under_a_guarantee_the_cost_moves_nothing_unless_it_is_the_rule(guaranteed, monkeypatch):
    found = page(monkeypatch, guaranteed)
    promised = threshold_of(found)
    assert found.radio[0].value == "lower" and "with probability 95%" in found.success[0].value
    slide(found, "A miss costs so many false alarms", 20.0)
    assert threshold_of(found) == promised
    found.radio[0].set_value("cost").run()
    by_cost = float(threshold_of(found))
    assert by_cost > float(promised)
    assert found.warning[0].value.startswith("no guarantee") and not found.success
    cheap = cost_of(found)
    slide(found, "A miss costs so many false alarms", 40.0)
    assert float(threshold_of(found)) < by_cost and cost_of(found) > cheap


def test_more_misses_allowed_raise_a_guaranteed_threshold(guaranteed, monkeypatch):
    found = page(monkeypatch, guaranteed)
    found.radio[0].set_value("recall").run()
    strict = float(threshold_of(found))
    slide(found, "Unsafe pictures missed, at most", 0.2)
    assert float(threshold_of(found)) > strict
    assert "at most 20.0% of unsafe pictures are missed" in found.success[0].value


class Sent:
    """An uploaded file."""

    def __init__(self, path):
        self.name = path.name
        self.content = path.read_bytes()

    def getvalue(self):
        return self.content


def with_upload(monkeypatch, folder, path):
    monkeypatch.setattr(streamlit, "file_uploader", lambda *_, **__: Sent(path))
    return page(monkeypatch, folder)


@pytest.mark.parametrize(("channel", "decision"), [(0, "safe"), (2, "unsafe")])
def test_an_uploaded_picture_is_decided_as_predict_does(
    trained, tmp_path, monkeypatch, channel, decision
):
    pixels = np.full((32, 32, 3), 60, dtype=np.uint8)
    pixels[..., channel] = 140
    path = tmp_path / "sent.png"
    Image.fromarray(pixels).save(path)
    found = with_upload(monkeypatch, trained.folder, path)
    slide(found, "People look below this probability", 1.0)
    shown = {metric.label: metric.value for metric in found.metric}
    threshold = commands.threshold_of(trained, trained.config).value
    decided = decide(trained, path, threshold=threshold, guaranteed=False, people_below=1)
    assert shown["Decision"] == decided.decision == decision
    assert shown["Probability of being unsafe"] == f"{decided.probability:.1%}"
    drawn = [*found.get("image"), *found.get("imgs")]  # as streamlit calls them, and did before
    captions = [image.caption for images in drawn for image in images.proto.imgs]
    assert captions == ["what the network sees"]
    assert "one cell" in found.info[0].value  # of 32 pixels nothing is left to point to
    to_people = any("a person looks" in warning.value for warning in found.warning)
    assert to_people == decided.review == (decision == "unsafe")


@pytest.mark.parametrize("name", ["words.png", "words.txt"])
def test_a_file_that_is_no_picture_is_unsafe_and_for_people(trained, tmp_path, monkeypatch, name):
    path = tmp_path / name
    path.write_text("these are words")
    found = with_upload(monkeypatch, trained.folder, path)
    assert found.error[0].value.startswith("unsafe, needs review: ")
    assert "Decision" not in [metric.label for metric in found.metric]


def test_settings_beyond_the_sliders_ends_are_kept(trained, monkeypatch):
    config = dataclasses.replace(trained.config, cost_ratio=1000.0, max_miss=0.001, rule="cost")
    unusual = dataclasses.replace(trained, config=config)
    monkeypatch.setattr(risk, "load_classifier", lambda folder: unusual)
    found = page(monkeypatch, trained.folder)
    assert found.radio[0].value == "cost"
    assert "costs as much as 1000 false alarms" in found.markdown[-1].value


def log_page(monkeypatch, folder, log):
    streamlit.cache_resource.clear()
    monkeypatch.setenv("VISIONFAIL_RISK", str(folder))
    monkeypatch.setenv("VISIONFAIL_LOG", str(log))
    file = paths.ROOT / "app" / "pages" / "4_Log.py"
    found = AppTest.from_file(str(file), default_timeout=120).run()
    assert not found.exception
    return found


def decide_sixty(log):
    """Sixty decisions, written to a log."""
    for k in range(60):
        decided = Decision(
            file="x.png",
            decision="unsafe" if k % 4 == 0 else "safe",
            review=False,
            probability=0.5,
            score=0.5,  # all alike: unlike validation's
            threshold=0.5,
            guaranteed=k % 2 == 0,
            reason="",
            model="",
        )
        log_decision(log, decided, milliseconds=7)


def test_the_log_page_counts_and_raises_its_alarm(trained, tmp_path, monkeypatch):
    log = tmp_path / "decisions.jsonl"
    assert "No log yet" in log_page(monkeypatch, trained.folder, log).info[0].value
    decide_sixty(log)
    found = log_page(monkeypatch, trained.folder, log)
    assert [metric.value for metric in found.metric] == ["60", "25.0%", "0.0%", "50.0%", "7 ms"]
    assert found.error[0].value.startswith("Drift: the last 60 scores")


@pytest.mark.fault("damaged file: cut")
@pytest.mark.parametrize("content", ["", '{"time": "2026-'])
def test_the_log_page_says_that_nothing_is_decided_yet(tmp_path, monkeypatch, content):
    log = tmp_path / "decisions.jsonl"
    log.write_text(content, encoding="utf-8")
    found = log_page(monkeypatch, tmp_path, log)
    assert "no decision" in found.info[0].value and not found.metric


def test_the_log_page_loads_a_classifier_once_until_its_card_changes(
    trained, tmp_path, monkeypatch
):
    log = tmp_path / "decisions.jsonl"
    decide_sixty(log)
    folder = tmp_path / "model"
    shutil.copytree(trained.folder, folder)
    load = risk.load_classifier
    loaded = []

    def counted(place):
        loaded.append(place)
        return load(place)

    monkeypatch.setattr(risk, "load_classifier", counted)
    found = log_page(monkeypatch, folder, log)
    slide(found, "Decisions that the drift check looks at", 50)
    assert loaded == [folder] and found.error[0].value.startswith("Drift: the last 50 scores")
    os.utime(folder / "model.json", ns=(0, 0))
    slide(found, "Decisions that the drift check looks at", 40)
    assert loaded == [folder, folder]
