"""Other networks than ResNet-18, by name, through the classifier's own training."""

import numpy as np
import pytest
import torch
import torchvision

from visionfail import data, models
from visionfail.data import ImageSet
from visionfail.models import training as loop
from visionfail.models import transfer
from visionfail.risk import config, saved, training
from visionfail.risk.pictures import CLASSES

OTHERS = [name for name in config.ARCHITECTURES if name != "resnet18"]


def coloured(count):
    """Noisy pictures 32 x 32, safe ones reddish, unsafe ones bluish."""
    generator = torch.Generator().manual_seed(count)
    images = torch.randint(0, 120, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    images[labels == 0, 0] += 110
    images[labels == 1, 2] += 110
    return ImageSet(images, labels, CLASSES, "own")


def untrained(arch):
    """torchvision's own weights by their own names, in the place of ImageNet's.

    Norms are those of such pictures: else what random layers pass on would vanish, or overflow.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = torchvision.models.get_model(arch)
        norms = [norm for norm in model.modules() if isinstance(norm, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None  # the plain mean over what it has seen
        if norms:
            pixels = (coloured(32).images / 255 - 0.45) / 0.23
            model.train()(torch.nn.functional.interpolate(pixels, 64, mode="bilinear"))
    return model.state_dict(), "random"


@pytest.mark.slow
@pytest.mark.parametrize("arch", OTHERS)
def test_a_head_learns_on_another_network_by_its_name(arch, tmp_path, monkeypatch):
    asked = []

    def weights_of(name):
        asked.append(name)
        return untrained(name)

    monkeypatch.setattr(data, "load_imagenet_weights", weights_of)
    inside = 0 if arch == "vit_b_16" else 64
    settings = config.RiskConfig(
        arch=arch, side=32, network_side=inside, views=0, epochs=1, lr=0.01
    )
    train = coloured(6)
    val = coloured(3)
    start, name = training.start_of(settings)
    before = {key: tensor.clone() for key, tensor in start.state_dict().items()}
    model, history = training.train_risk(start, train, val, settings, folder=tmp_path)
    assert asked == [arch] and len(history) == 1
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[key]) != (key in ("fc.weight", "fc.bias")), key
    model = saved.rounded(model)
    score = saved.score_of(model, val.images)
    assert score.shape == (3,) and len(np.unique(score)) == 3
    assert ((score > 0) & (score < 1)).all()
    card = training.card_of(
        model, settings, weights=name, history=history, images={"train": train, "val": val}
    )
    assert card["arch"] == f"imagenet_{arch}"
    assert card["side"] == (224 if arch == "vit_b_16" else 64)


def small():
    model = models.build(
        "imagenet_resnet18", num_classes=2, width=8, mean=transfer.MEAN, std=transfer.STD, seed=0
    )
    model.resize_to(32, "bilinear")
    return model.eval()


@pytest.mark.fault("interrupted run")
def test_an_unfreezing_that_was_broken_off_goes_on(tmp_path, monkeypatch):
    settings = config.RiskConfig(side=32, views=0, epochs=2, lr=0.01, unfreeze=1, batch=4)
    sets = (coloured(12), coloured(6))
    whole, _ = training.train_risk(small(), *sets, settings, folder=tmp_path / "whole")
    validate = loop.validate
    epochs = []

    def counted(*arguments, **words):
        epochs.append(1)
        return validate(*arguments, **words)

    def breaks(*arguments, **words):
        if len(epochs) == 3:  # two of the head, one with the last stage
            raise KeyboardInterrupt
        return counted(*arguments, **words)

    folder = tmp_path / "broken"
    monkeypatch.setattr(loop, "validate", breaks)
    with pytest.raises(KeyboardInterrupt):
        training.train_risk(small(), *sets, settings, folder=folder)
    epochs.clear()
    monkeypatch.setattr(loop, "validate", counted)
    again, history = training.train_risk(small(), *sets, settings, folder=folder)
    assert len(epochs) == 3 and len(history) == 4
    pairs = zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    assert not list(folder.glob("unfreezing*"))  # finished: nothing is left
