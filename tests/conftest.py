"""Small sets and networks that several tests share."""

import os

import numpy as np
import pytest
import torch

from visionfail import models, paths
from visionfail.data import CLASSES, ImageSet

STATS = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2470, 0.2435, 0.2616)}


def squares(n: int, *, seed: int) -> ImageSet:
    """Noise with a bright square whose place among ten tells the class: learnt in a few steps by a tiny network."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 120, (n, 3, 32, 32), dtype=np.uint8)
    labels = rng.integers(0, 10, n)
    for image, label in zip(images, labels, strict=True):
        row, column = 2 + 15 * (label // 5), 1 + 6 * (label % 5)
        image[:, row : row + 12, column : column + 5] += 120
    return ImageSet(torch.from_numpy(images), torch.from_numpy(labels), CLASSES["cifar10"], "standin")


@pytest.fixture
def tiny_set():
    return squares(200, seed=0)


@pytest.fixture
def tiny_model():
    return models.build("resnet18", num_classes=10, width=8, **STATS)


REQUIRED = bool(os.environ.get("VISIONFAIL_REQUIRE_DATA"))  # set where the real data are known to be there


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
        report.outcome, report.longrepr = "failed", f"skipped although the data are there: {report.longrepr}"
