"""Layers that are chosen are ones that can be read, whatever the network."""

import pytest
import torch
import torchvision
from makers.around import compiles
from makers.strangers import plain_cnn
from torch import nn

from visionfail import failure, models

IMAGES = torch.randint(256, (2, 3, 64, 64), generator=torch.Generator().manual_seed(0)).byte()


class TwoNumbers(nn.Module):
    """A network whose only layers put out its logits, or are run twice."""

    def __init__(self):
        super().__init__()
        self.twice = nn.Linear(4, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, images):
        pooled = images.mean((2, 3))
        return self.head(self.twice(self.twice(nn.functional.pad(pooled, (0, 1)))))


NETWORKS = {
    "resnet18": (torchvision.models.resnet18, ["layer2", "layer3", "layer4", "avgpool"]),
    "shufflenet_v2_x0_5": (
        torchvision.models.shufflenet_v2_x0_5,
        ["maxpool", "stage2", "stage3", "conv5"],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_outermost_last_layer_of_each_size_is_taken(name):
    make, expected = NETWORKS[name]
    assert failure.choose_layers(make(num_classes=3), IMAGES) == expected


@pytest.mark.parametrize("name", ["vgg11", "mobilenet_v3_small", "densenet121", "swin_t"])
def test_what_is_chosen_can_be_read(name):
    model = torchvision.models.get_model(name, num_classes=3)
    layers = failure.choose_layers(model, IMAGES, count=3)
    seen = failure.extract(model, IMAGES, [0, 1], layers=layers)
    assert 1 <= len(layers) <= 3
    assert all(len(latents) == 2 for latents in seen.latents.values())


@pytest.mark.fault("a caller's model left as it was")
def test_a_model_is_left_as_it_was_and_may_be_wrapped():
    plain = torchvision.models.resnet18(num_classes=3).train()
    wrapped = nn.Sequential(nn.Upsample(size=32), plain)
    layers = failure.choose_layers(wrapped, IMAGES)
    assert layers[-2:] == ["1.layer4", "1.avgpool"] or layers[-1].startswith("1.")
    assert plain.training
    assert not any(module._forward_hooks for module in wrapped.modules())


@pytest.mark.fault("bad arguments")
def test_a_network_without_a_layer_to_read_is_named():
    with pytest.raises(ValueError, match="no layer of the model can be read: name some"):
        failure.choose_layers(TwoNumbers(), IMAGES)


def test_a_scripted_part_is_passed_over_and_no_hook_is_left():
    network = plain_cnn()
    network[2] = torch.jit.script(network[2])
    images = IMAGES[..., :32, :32]
    layers = failure.choose_layers(network, images)
    assert layers and "2" not in layers
    hooked = [m for m in network.modules() if not isinstance(m, torch.jit.ScriptModule)]
    assert not any(module._forward_hooks for module in hooked)


def test_a_scripted_network_is_refused_in_its_own_words():
    with pytest.raises(ValueError, match="takes no hooks: pass the network from before"):
        failure.choose_layers(torch.jit.script(plain_cnn()), IMAGES[..., :32, :32])


class Unhookable(nn.ReLU):
    """A module that takes no hooks, as a scripted one does."""

    def register_forward_hook(self, hook, **options):
        raise RuntimeError("no hooks here")


def test_a_layer_that_takes_no_hook_leaves_none_on_the_others():
    network = plain_cnn()
    network[2] = Unhookable()
    with pytest.raises(RuntimeError, match="no hooks here"):
        failure.extract(network, IMAGES[..., :32, :32], [0, 1], layers=["1", "2"])
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.fault("settings around the call")
def test_a_choice_that_is_broken_off_leaves_the_compiler_on(monkeypatch):
    def broken(model):
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "evaluating", broken)
    with pytest.raises(KeyboardInterrupt):
        failure.choose_layers(plain_cnn(), IMAGES[..., :32, :32])
    assert compiles()
