"""Features of pictures and their views: what is computed in parts, and the bar that says so."""

import dataclasses

import pytest
import torch

from visionfail import models
from visionfail.data import ImageSet
from visionfail.models.transfer import features_on_device
from visionfail.risk import features
from visionfail.risk.config import RiskConfig

COUNT = 300  # more than are computed together


@pytest.fixture(scope="module")
def network():
    return models.build(
        "imagenet_resnet18", num_classes=2, mean=(0.5,) * 3, std=(0.5,) * 3, seed=0
    ).eval()


@pytest.fixture(scope="module")
def pictures():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (COUNT, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return ImageSet(images, torch.arange(COUNT) % 2, ("safe", "unsafe"), "official")


def test_parts_are_the_whole_and_the_bar_reaches_its_end(network, pictures, tmp_path, monkeypatch):
    config = RiskConfig(side=32)
    bars = []

    class Bar(features.tqdm):
        def __init__(self, **words):
            super().__init__(**words)
            bars.append(self)

    monkeypatch.setattr(features, "tqdm", Bar)
    found, how = features.load_or_extract(network, pictures, config, views=1, folder=tmp_path)
    assert how == "computed" and [(bar.n, bar.total) for bar in bars] == [(2 * COUNT, 2 * COUNT)]
    generator = torch.Generator().manual_seed(config.seed + 1000)
    view = features.augmented(pictures.images, config, generator=generator)
    seen = dataclasses.replace(pictures, images=view)
    for images, rows in ((pictures, found.images[:COUNT]), (seen, found.images[COUNT:])):
        whole = features_on_device(network, images, mirrored=False).images
        torch.testing.assert_close(rows, whole)
    _, how = features.load_or_extract(network, pictures, config, views=1, folder=tmp_path)
    assert how == "loaded" and len(bars) == 1
