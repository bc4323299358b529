import runpy
import subprocess
import sys
import threading
import tomllib

import numpy as np
import pytest
import streamlit
import torch
from makers import squares
from matplotlib import pyplot
from PIL import Image
from streamlit.testing.v1 import AppTest

from visionfail import attacks, data, explain, models, paths
from visionfail.corruptions import apply, shifts
from visionfail.data import sets, standins
from visionfail.failure import monitor

pytestmark = pytest.mark.skipif(
    not monitor.CIFAR10["stem"].with_name("auditor-cifar10-s0.json").exists()
    or not monitor.STEM.with_name(monitor.STEM.name + ".json").exists(),
    reason="notebooks 10 and 11 have not run yet",
)


@pytest.fixture(autouse=True)
def nothing_cached():
    """Pages share their caches within a process: what one test found on disk another must not
    see.
    """
    streamlit.cache_resource.clear()


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The page as on a fresh clone: committed weights, no data."""
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    page = AppTest.from_file(str(paths.ROOT / "app" / "digits.py"), default_timeout=120).run()
    assert not page.exception
    return page


def page_of(name):
    first = AppTest.from_file(str(paths.ROOT / "app" / "digits.py"), default_timeout=120)
    return first.run().switch_page(f"pages/{name}.py").run()


def cifar10_page():
    return page_of("1_CIFAR-10")


def shown(page):
    return [metric.value for metric in page.metric]


def said(image):
    answer = monitor.monitor_answer(monitor.load_monitor(), image)
    return [str(answer.predicted), f"{answer.confidence:.1%}", f"{answer.failure:.1%}"]


def test_starts_without_data_and_says_what_the_package_says(app):
    digits = standins.load_standin("mnist", "val")
    assert shown(app) == said(digits.images[3:4]) and "standin" in app.caption[-1].value


def test_shift_and_strength_change_the_picture_that_is_judged(app):
    digits = standins.load_standin("mnist", "val")
    app.number_input[0].set_value(12).run()
    app.selectbox[0].select("rotation").run()
    app.slider[0].set_value(0.9).run()
    assert not app.exception
    turned = shifts.shift(digits.images[12:13], "rotation", 0.9)
    assert shown(app) == said(turned) and not torch.equal(turned, digits.images[12:13])


def test_the_budget_decides_between_accept_and_abstain(app):
    loaded = monitor.load_monitor()
    app.selectbox[0].select("occlusion").run()
    app.slider[0].set_value(1.0).run()
    image = shifts.shift(standins.load_standin("mnist", "val").images[3:4], "occlusion", 1.0)
    for row in loaded.card["limits"]:
        app.select_slider[0].set_value(row["budget"]).run()
        accepted = monitor.monitor_answer(loaded, image).accepted(row["limit"])
        assert bool(app.success) == accepted and bool(app.warning) == (not accepted)


@pytest.mark.fault("missing files and data")
def test_asks_for_a_picture_where_none_is_sent(app):
    app.radio[0].set_value("your own").run()
    assert not app.exception and app.info and not app.metric


@pytest.mark.slow  # starts a fresh interpreter
def test_the_snapshot_is_written_without_a_browser_and_always_the_same(tmp_path, monkeypatch):
    """By a process of its own, and by this one, which has drawn other pages before."""
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    program = str(paths.ROOT / "app" / "snapshot.py")
    alone = tmp_path / "alone.png"
    command = [sys.executable, program, str(alone)]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    here = tmp_path / "here.png"
    monkeypatch.setattr(sys, "argv", [program, str(here)])
    runpy.run_path(program, run_name="__main__")
    pyplot.close("all")
    assert alone.read_bytes() == here.read_bytes() and Image.open(alone).size[0] == 1600


@pytest.mark.fault("missing files and data")
def test_the_cifar10_page_takes_uploads_only_where_there_are_no_test_images(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    page = cifar10_page()
    assert not page.exception and page.info and not page.metric
    assert page.radio[0].options == ["your own"]


@pytest.mark.realdata
def test_the_cifar10_page_says_what_the_package_says():
    page = cifar10_page()
    page.number_input[0].set_value(7).run()
    page.selectbox[0].select("contrast").run()
    page.slider[0].set_value(5).run()
    image = apply.corrupt(sets.load("cifar10", "test").images[7:8], "contrast", 5)
    answer = monitor.monitor_answer(monitor.load_monitor(**monitor.CIFAR10), image)
    expected = [
        sets.CLASSES["cifar10"][answer.predicted],
        f"{answer.confidence:.1%}",
        f"{answer.failure:.1%}",
    ]
    assert not page.exception and shown(page) == expected


@pytest.mark.fault("runs and visitors at once")
def test_a_visitor_waits_while_the_map_of_another_is_made(monkeypatch):
    """Grad-CAM hooks the network that answers are read from: on the page the two never overlap."""
    network = monitor.load_monitor(**monitor.CIFAR10)
    pictures = squares(6, seed=0)
    visitors = []

    def map_while_another_asks(model, images, classes):
        ask = threading.Thread(target=monitor.monitor_answer, args=(network, pictures.images[:1]))
        ask.start()
        ask.join(1)
        visitors.append((ask, ask.is_alive()))
        return np.zeros((1, 32, 32))

    monkeypatch.setattr(data, "is_present", lambda name, folder: True)
    monkeypatch.setattr(data, "load", lambda name, split: pictures)
    monkeypatch.setattr(explain, "gradcam", map_while_another_asks)
    shown_page = cifar10_page()
    [(ask, waited)] = visitors
    ask.join(60)
    assert not shown_page.exception and waited and not ask.is_alive()


@pytest.mark.fault("a demo that listens to others")
def test_the_demo_listens_on_this_machine_alone_and_tells_nobody():
    """As streamlit itself reads the settings where make app starts it."""
    command = [sys.executable, "-m", "streamlit", "config", "show"]
    printed = subprocess.run(command, check=True, cwd=paths.ROOT, capture_output=True, text=True)
    _, tables = printed.stdout.split("[global]")  # words stand above, not all as comments
    settings = tomllib.loads(tables)
    assert settings["server"]["address"] == "127.0.0.1"
    assert settings["server"]["maxUploadSize"] == 5
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"


@pytest.mark.realdata
def test_the_attack_page_says_what_the_package_says():
    page = page_of("2_Attack")
    page.number_input[0].set_value(7).run()
    page.slider[0].set_value(4.0).run()
    test = sets.load("cifar10", "test")
    network = monitor.load_monitor(**monitor.CIFAR10).model
    expected = []
    moved = attacks.pgd(
        network, test.images[7:8], test.labels[7:8], epsilon=4 / 255, steps=20, seed=0
    )
    for picture in (test.images[7:8], moved):
        answer = models.predict(network, picture).argmax(1)
        expected.append(sets.CLASSES["cifar10"][int(answer)])
    assert not page.exception and shown(page) == expected
    assert set(page.dataframe[0].value.ok) == {"✓"}
    assert expected[0] != expected[1]


@pytest.mark.fault("missing files and data")
def test_the_attack_page_asks_for_a_picture_where_there_are_no_test_images(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    page = page_of("2_Attack")
    assert not page.exception and page.info and not page.metric
