import dataclasses

import pytest
import torch
from makers import STATS, squares

from visionfail.models import networks, training, transfer
from visionfail.models.optimizer import learning_rate, make_optimizer, set_learning_rate
from visionfail.models.train_config import TrainConfig

CONFIG = TrainConfig(peak_lr=0.1, base_rate=0.5, weight_decay=1e-3)


def small():
    model = networks.build("imagenet_resnet18", num_classes=10, width=8, **STATS)
    model.resize_to(32, "bilinear")
    return model


def members(model, group):
    """The names of the parameters of a group."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter)] for parameter in group["params"]}


def is_of_a_norm(name):
    return "bn" in name or "downsample.1" in name


def test_the_last_layer_has_the_full_rate_and_the_others_a_share():
    model = small()
    optimizer = make_optimizer(model, CONFIG)
    set_learning_rate(optimizer, 0.08)
    rates = {}
    for group in optimizer.param_groups:
        for name in members(model, group):
            assert name not in rates  # no parameter twice
            rates[name] = group["lr"]
    assert rates.keys() == dict(model.named_parameters()).keys()
    for name, rate in rates.items():
        assert rate == pytest.approx(0.08 if name.startswith("fc.") else 0.04), name
    assert optimizer.param_groups[0]["lr"] == 0.08  # what the history records


@pytest.mark.parametrize("base_rate", [0.5, 1.0])
def test_weight_decay_spares_norms_and_biases_of_head_and_base(base_rate):
    model = small()
    optimizer = make_optimizer(model, dataclasses.replace(CONFIG, base_rate=base_rate))
    for group in optimizer.param_groups:
        for name in members(model, group):
            spared = is_of_a_norm(name) or name == "fc.bias"
            assert group["weight_decay"] == (0.0 if spared else 1e-3), name
    assert len(optimizer.param_groups) == (4 if base_rate == 0.5 else 2)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("base_rate", [0.5, 1.0])
def test_frozen_parameters_are_in_no_group(optimizer, base_rate):
    model = small()
    transfer.freeze_all_but(model, transfer.UNFROZEN)
    config = dataclasses.replace(CONFIG, optimizer=optimizer, base_rate=base_rate)
    made = make_optimizer(model, config)
    inside = set().union(*(members(model, group) for group in made.param_groups))
    asking = ("layer3.", "layer4.", "fc.")
    assert inside == {name for name, _ in model.named_parameters() if name.startswith(asking)}


def test_one_step_moves_the_base_by_its_share_of_the_rate():
    model = small()
    twin = small()
    transfer.freeze_all_but(model, transfer.UNFROZEN)
    data = squares(16, seed=0)
    images = data.images.float() / 255
    optimizer = make_optimizer(model, CONFIG)
    set_learning_rate(optimizer, 0.06)
    training.train_step(model.eval(), optimizer, images, data.labels, mixed_precision=False)
    torch.nn.functional.cross_entropy(twin.eval()(images), data.labels).backward()
    for name, before in twin.named_parameters():
        after = model.get_parameter(name).detach()
        if not name.startswith(("layer3.", "layer4.", "fc.")):
            assert torch.equal(after, before.detach()), name
            continue
        rate = 0.06 if name.startswith("fc.") else 0.03
        decay = 0.0 if before.ndim == 1 else 1e-3
        # the first Nesterov step: (1 + momentum) times the decayed gradient
        step = rate * (1 + 0.9) * (before.grad + decay * before.detach())
        torch.testing.assert_close(after, before.detach() - step, rtol=1e-4, atol=1e-6)


def test_a_model_of_one_layer_has_the_full_rate():
    head = torch.nn.Sequential(torch.nn.Linear(4, 3))
    optimizer = make_optimizer(head, CONFIG)
    set_learning_rate(optimizer, 0.2)
    loss = head(torch.ones(2, 4)).sum()
    before = head[0].bias.detach().clone()
    loss.backward()
    optimizer.step()
    torch.testing.assert_close(head[0].bias.detach(), before - 0.2 * 1.9 * 2)


@pytest.mark.parametrize(("steps", "cycle"), [(30, (0.0, 0.25)), (45, (0.25, 0.625))])
def test_a_part_of_the_triangle_is_cut_from_the_whole_one(steps, cycle):
    whole = 120
    config = TrainConfig(peak_lr=0.4, warmup=0.3, cycle=cycle)
    for step in range(steps):
        at = round(cycle[0] * whole) + step
        expected = 0.4 * min((at + 1) / 36, (120 - at) / 84, 1.0)
        assert learning_rate(step, steps=steps, config=config) == pytest.approx(expected)


def test_a_constant_rate_knows_no_cycle():
    config = TrainConfig(peak_lr=0.3, schedule="constant", cycle=(0.5, 1.0))
    assert {learning_rate(step, steps=10, config=config) for step in range(10)} == {0.3}
