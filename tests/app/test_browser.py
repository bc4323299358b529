"""The demo in a real browser: it loads, a slider changes what is shown, nothing is an error."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest
from makers import squares
from PIL import Image

from visionfail import paths
from visionfail.corruptions import apply, shifts
from visionfail.data import sets, standins
from visionfail.failure import monitor

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright's Python package is not installed"
)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(
        not monitor.STEM.with_name(monitor.STEM.name + ".json").exists(),
        reason="notebook 10 has not run yet",
    ),
]


def end(process):
    """Ask the process to end, and end it where it does not within two seconds."""
    process.terminate()
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def address(tmp_path):
    """The page served as on a fresh clone, without data."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(paths.ROOT / "app" / "digits.py"),
        "--server.port",
        str(port),
        "--server.headless",
        "true",
        "--browser.gatherUsageStats",
        "false",
        "--server.address",
        "127.0.0.1",
    ]
    environment = dict(os.environ)
    environment["VISIONFAIL_DATA"] = str(tmp_path)
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(120):
            time.sleep(0.5)
            try:
                urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                continue
        yield f"http://127.0.0.1:{port}"
    finally:
        end(server)


def turned_over():
    """(place, answer half turned, answer turned fully) of the first digit where they differ."""
    loaded = monitor.load_monitor()
    digits = standins.load_standin("mnist", "val")
    for place in range(100):
        image = digits.images[place : place + 1]
        half = monitor.monitor_answer(loaded, shifts.shift(image, "rotation", 0.5)).predicted
        full = monitor.monitor_answer(loaded, shifts.shift(image, "rotation", 1.0)).predicted
        if half != full:
            return place, str(half), str(full)
    raise AssertionError("no digit among a hundred is read otherwise when it is turned further")


@contextlib.contextmanager
def opened(address):
    """The page in a browser that is closed afterwards; an error on its console fails the test."""
    errors = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.on(
            "console",
            lambda message: errors.append(message.text) if message.type == "error" else None,
        )
        page.goto(address)
        try:
            yield page
        finally:
            browser.close()
    assert errors == []


def test_a_slider_changes_the_prediction_shown(address, tmp_path):
    place, half, full = turned_over()
    with opened(address) as page:
        answer = page.get_by_test_id("stMetricValue").first
        answer.wait_for(timeout=120_000)
        number = page.get_by_role("spinbutton")
        number.fill(str(place))
        number.press("Enter")
        # or the page drops a picture that is still on its way
        page.wait_for_load_state("networkidle")
        page.get_by_test_id("stSelectbox").get_by_role("combobox").click()
        page.get_by_role("option", name="rotation").click()
        playwright.expect(answer).to_have_text(half, timeout=30_000)
        page.wait_for_load_state("networkidle")
        page.get_by_role("slider", name="Strength").press("End")
        playwright.expect(answer).to_have_text(full, timeout=30_000)
        page.wait_for_load_state("networkidle")
        at_work = page.get_by_test_id("stStatusWidget")
        playwright.expect(at_work).to_have_count(0, timeout=30_000)
        page.screenshot(path=os.environ.get("VISIONFAIL_SCREENSHOT", tmp_path / "app.png"))


def test_a_picture_sent_to_the_cifar10_page_is_judged_as_the_package_judges_it(address, tmp_path):
    picture = squares(1, seed=0).images
    Image.fromarray(picture[0].permute(1, 2, 0).numpy()).save(tmp_path / "mine.png")
    loaded = monitor.load_monitor(**monitor.CIFAR10)
    plain, middle, worst = (
        monitor.monitor_answer(loaded, apply.corrupt(picture, "contrast", s)) for s in (0, 3, 5)
    )
    assert len({f"{answer.confidence:.1%}" for answer in (plain, middle, worst)}) == 3
    with opened(address) as page:
        page.get_by_role("link", name="CIFAR-10").click()
        page.get_by_test_id("stFileUploader").locator("input").set_input_files(
            tmp_path / "mine.png"
        )
        metrics = page.get_by_test_id("stMetricValue")
        playwright.expect(metrics.nth(1)).to_have_text(f"{plain.confidence:.1%}", timeout=120_000)
        page.wait_for_load_state("networkidle")
        page.get_by_test_id("stSelectbox").get_by_role("combobox").fill("contrast")
        page.get_by_role("option", name="contrast").click()
        playwright.expect(metrics.nth(1)).to_have_text(f"{middle.confidence:.1%}", timeout=30_000)
        page.wait_for_load_state("networkidle")
        page.get_by_role("slider", name="Severity").press("End")
        playwright.expect(metrics.nth(1)).to_have_text(f"{worst.confidence:.1%}", timeout=30_000)
        shown = [metrics.nth(k).inner_text() for k in (0, 2)]
        page.screenshot(
            path=os.environ.get("VISIONFAIL_SCREENSHOT_CIFAR10", tmp_path / "cifar10.png")
        )
    assert shown == [sets.CLASSES["cifar10"][worst.predicted], f"{worst.failure:.1%}"]
