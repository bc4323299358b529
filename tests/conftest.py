"""Small sets and networks that several tests share."""

import os

import pytest
from makers import STATS, squares

from visionfail import paths
from visionfail.models import networks


@pytest.fixture
def tiny_set():
    return squares(200, seed=0)


@pytest.fixture
def tiny_model():
    return networks.build("resnet18", num_classes=10, width=8, **STATS)


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
        report.outcome, report.longrepr = (
            "failed",
            f"skipped although the data are there: {report.longrepr}",
        )
