"""Small sets and networks that several tests share."""

import os

import pytest
from makers import STATS, squares

from visionfail import files, paths
from visionfail.models import networks

RUNS = paths.ROOT / "runs"  # of this checkout, wherever VISIONFAIL_RUNS points
STATE = RUNS / "full" / "state"  # where a training outside the tests may write meanwhile
LARGE = 2**20  # bytes


def files_in_runs():
    """{place in runs/: sha256, or size and time of writing where the file is large}."""
    marks = {}
    for path in sorted(RUNS.rglob("*")):
        if not path.is_file() or path.is_relative_to(STATE):
            continue
        status = path.stat()
        mark = f"{status.st_size} bytes, {status.st_mtime_ns} ns"
        if status.st_size <= LARGE:
            mark = files.sha256(path)
        marks[path.relative_to(RUNS).as_posix()] = mark
    return marks


def differences(before, after):
    """What became of which files, one line for each."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            lines.append(f"  added: runs/{name}")
        elif name not in after:
            lines.append(f"  removed: runs/{name}")
        elif before[name] != after[name]:
            lines.append(f"  changed: runs/{name}")
    return lines


@pytest.fixture(scope="session", autouse=True)
def runs_untouched():
    """The folder runs/ belongs to whoever works here: a session that writes into it has failed."""
    before = files_in_runs()
    yield
    lines = differences(before, files_in_runs())
    if lines:
        advice = "write to tmp_path, or set VISIONFAIL_RUNS"
        text = "\n".join([f"the tests wrote into {RUNS}: {advice}", *lines])
        pytest.fail(text, pytrace=False)


@pytest.fixture
def tiny_set():
    return squares(200, seed=0)


@pytest.fixture
def tiny_model():
    return networks.build("resnet18", num_classes=10, width=8, mean=STATS["mean"], std=STATS["std"])


REQUIRED = bool(
    os.environ.get("VISIONFAIL_REQUIRE_DATA")
)  # set where the real data are known to be there


def pytest_collection_modifyitems(items):
    """Tests marked realdata skip, with a reason, where there is no real CIFAR-10."""
    if (paths.data_dir() / "cifar-10-batches-py").exists() or REQUIRED:
        return
    skip = pytest.mark.skip(reason=f"no real CIFAR-10 in {paths.data_dir()}: make data")
    for item in items:
        if "realdata" in item.keywords:
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Where the real data are said to be there, a realdata test that skips has failed."""
    report = (yield).get_result()
    if REQUIRED and report.skipped and "realdata" in item.keywords:
        report.outcome = "failed"
        report.longrepr = f"skipped although the data are there: {report.longrepr}"
