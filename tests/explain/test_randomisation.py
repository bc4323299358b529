"""A network is randomised where it is told to, and nowhere else."""

import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail.explain.randomisation import parts_from_the_top, randomised
from visionfail.models import networks
from visionfail.models.predict import predict

TRAIN = squares(300, seed=0).images


def network(arch):
    return networks.build(arch, num_classes=10, width=8, **STATS).eval()


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("arch", ["resnet18", "densenet121"])
def test_the_parts_are_all_of_a_network_and_none_twice(arch):
    model = network(arch)
    counted = 0
    for names in parts_from_the_top(model).values():
        for name in names:
            counted += sum(p.numel() for p in model.get_submodule(name).parameters())
    assert counted == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("arch", ["resnet18", "densenet121"])
def test_only_the_named_modules_change(arch):
    model = network(arch)
    parts = parts_from_the_top(model)
    names = [*parts["head"], *parts["stage 4"]]
    before = state(model)
    after = state(randomised(model, names, TRAIN, seed=1))
    for name, value in before.items():
        inside = any(name.startswith(f"{module}.") for module in names)
        learnt = name.endswith("weight") and value.ndim > 1  # a norm's weights are 1 again
        if not inside:
            assert torch.equal(after[name], value), name
        elif learnt:
            assert not torch.equal(after[name], value), name


@pytest.mark.fault("a caller's model left as it was")
def test_the_model_is_left_as_it_was():
    model = network("resnet18").train()
    before = state(model)
    draws = torch.get_rng_state()
    copy = randomised(model, ["fc", "layer4"], TRAIN, seed=1)
    assert torch.equal(torch.get_rng_state(), draws)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert not any(module.training for module in copy.modules())
    assert copy.layer4[0].bn1.momentum == model.layer4[0].bn1.momentum


def test_more_modules_leave_the_first_ones_as_they_were_drawn():
    model = network("resnet18")
    head = randomised(model, ["fc"], TRAIN, seed=1)
    more = randomised(model, ["fc", "layer4"], TRAIN, seed=1)
    assert torch.equal(head.fc.weight, more.fc.weight)
    other = randomised(model, ["fc"], TRAIN, seed=2)
    assert not torch.equal(head.fc.weight, other.fc.weight)


def test_norms_get_the_statistics_of_the_images():
    model = network("resnet18")
    copy = randomised(model, ["bn1", "conv1"], TRAIN[:200], seed=1)
    inputs = copy.conv1((TRAIN[:200] / 255 - copy.mean) / copy.std)  # (N, C, 32, 32)
    assert np.allclose(copy.bn1.running_mean, inputs.mean((0, 2, 3)).detach(), atol=1e-4)
    assert np.allclose(copy.bn1.running_var, inputs.var((0, 2, 3)).detach(), rtol=1e-3)


def test_activations_survive_to_the_last_stage():
    model = network("resnet18")
    names = []
    for modules in parts_from_the_top(model).values():
        names += modules
    logits = predict(randomised(model, names, TRAIN, seed=1), TRAIN[:50])
    assert logits.std(dim=0).mean() > 0.02  # pictures are told apart


@pytest.mark.fault("networks of all kinds: precision")
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_network_of_another_precision_gets_images_of_its_own(dtype):
    model = network("resnet18").to(dtype)
    copy = randomised(model, ["fc", "layer4"], TRAIN[:50], seed=1)
    assert {tensor.dtype for tensor in copy.parameters()} == {dtype}
    assert torch.isfinite(predict(copy, TRAIN[:10])).all()


@pytest.mark.fault("bad arguments")
def test_what_is_not_there_is_named():
    with pytest.raises(ValueError, match="no module 'layer9'"):
        randomised(network("resnet18"), ["layer9"], TRAIN, seed=1)
    with pytest.raises(ValueError, match="none of ResNet18"):
        parts_from_the_top(torch.nn.Conv2d(3, 10, 3))
