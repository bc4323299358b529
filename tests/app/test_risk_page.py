"""The page of the safe/unsafe classifier."""

import pytest
import streamlit
from makers.risk import coloured_folder, random_weights
from streamlit.testing.v1 import AppTest

from visionfail import data, paths
from visionfail.risk import commands
from visionfail.risk.config import RiskConfig
from visionfail.risk.predicting import Decision
from visionfail.risk.prediction_log import log_decision


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    coloured_folder(folder, count=25)
    out = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_imagenet_weights", random_weights)
        config = RiskConfig(side=32, views=0, epochs=5, lr=0.01)
        made = commands.train_classifier(folder, out, config)
    return made.classifier


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


def test_a_dearer_miss_moves_the_threshold_and_says_what_it_costs(trained, monkeypatch):
    found = page(monkeypatch, trained.folder)
    before = found.markdown[-1].value
    assert "costs as much as 10 false alarms" in before and "no guarantee" in found.caption[0].value
    found.slider[0].set_value(100.0).run()
    assert not found.exception
    after = found.markdown[-1].value
    assert "costs as much as 100 false alarms" in after
    assert before.split(" on.")[0] != after.split(" on.")[0]  # another threshold


def log_page(monkeypatch, folder, log):
    monkeypatch.setenv("VISIONFAIL_RISK", str(folder))
    monkeypatch.setenv("VISIONFAIL_LOG", str(log))
    file = paths.ROOT / "app" / "pages" / "4_Log.py"
    found = AppTest.from_file(str(file), default_timeout=120).run()
    assert not found.exception
    return found


def test_the_log_page_counts_and_raises_its_alarm(trained, tmp_path, monkeypatch):
    log = tmp_path / "decisions.jsonl"
    assert "No log yet" in log_page(monkeypatch, trained.folder, log).info[0].value
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
    found = log_page(monkeypatch, trained.folder, log)
    assert [metric.value for metric in found.metric] == ["60", "25.0%", "0.0%", "50.0%", "7 ms"]
    assert found.error[0].value.startswith("Drift: the last 60 scores")
