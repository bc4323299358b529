"""Every light of the health card is green on a plain network and red on its planted fault."""

import pytest
import torch
from torch import nn

from visionfail import attacks
from visionfail.attacks import health

EPSILON = 8 / 255


class Plain(nn.Module):
    """Says which of four quarters of the picture is brightest, with noise in its weights."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        weight = torch.zeros(4, 3, 8, 8)
        for k in range(4):
            weight[k, :, 4 * (k // 2) : 4 * (k // 2) + 4, 4 * (k % 2) : 4 * (k % 2) + 4] = 1
        weight += 0.5 * torch.randn(weight.shape, generator=generator)
        self.weight = nn.Parameter(weight.flatten(1))

    def forward(self, x):
        return x.flatten(1) @ self.weight.T


@pytest.fixture(scope="module")
def pictures():
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(40, 3, 8, 8, generator=generator)
    return images, Plain()(images).argmax(1)


def lights(pictures, *, model=None, attack=attacks.pgd, surrogate=None):
    """{light: ok} of the card."""
    images, labels = pictures
    card = attacks.health_card(
        model or Plain(),
        images,
        labels,
        epsilon=EPSILON,
        steps=5,
        attack=attack,
        surrogate=surrogate,
    )
    return dict(zip(card.light, card.ok, strict=True))


def test_a_plain_network_under_pgd_has_green_lights_only(pictures):
    card = lights(pictures, surrogate=nn.Sequential(Plain()))
    assert len(card) == 12 and all(card.values()), card


def noisy_at_zero(model, images, labels, **settings):
    return (attacks.pgd(model, images, labels, **settings) + 1e-4).clamp(0, 1)


def too_far(model, images, labels, *, epsilon, **settings):
    return attacks.pgd(model, images, labels, epsilon=min(1, 2 * epsilon), **settings)


def downhill(model, images, labels, *, epsilon, **settings):
    """Targets the true class: the loss falls, and wrong images become right."""
    return attacks.pgd(model, images, labels, epsilon=epsilon, targeted=True, **settings)


def one_weak_step(model, images, labels, *, epsilon, steps, seed):
    """Smaller than FGSM's where that fools the model."""
    return attacks.fgsm(model, images, labels, epsilon=epsilon / 8)


def slow(model, images, labels, *, epsilon, steps, seed):
    """Steps so small that twice as many get twice as far."""
    points = images
    for _ in range(steps):
        points = attacks.fgsm(model, points, labels, epsilon=epsilon / 40)
    return torch.minimum(torch.maximum(points, images - epsilon), images + epsilon)


def lucky(model, images, labels, *, epsilon, steps, seed):
    """Attacks well from one seed alone."""
    if seed % 2 == 0:
        return attacks.pgd(model, images, labels, epsilon=epsilon, steps=steps, seed=seed)
    return images.clone()


class Saturated(Plain):
    def forward(self, x):
        return 1e4 * super().forward(x)


class Quantised(Plain):
    def forward(self, x):
        return super().forward((x * 16).round() / 16)


class Restless(Plain):
    def forward(self, x):
        return super().forward(x) + torch.randn(len(x), 4)


FAULTS = {
    "epsilon 0 changes nothing": {"attack": noisy_at_zero},
    "within epsilon and [0, 1]": {"attack": too_far},
    "loss grows": {"attack": downhill},
    "no weaker than FGSM": {"attack": one_weak_step},
    "steps are enough": {"attack": slow},
    "a huge epsilon breaks it": {"attack": lambda model, images, labels, **_: images.clone()},
    "seeds agree": {"attack": lucky},
    "answers repeat": {"model": Restless()},
}


@pytest.mark.fault("attacks that say nothing")
@pytest.mark.parametrize("light", FAULTS)
def test_a_planted_fault_turns_its_light_red(light, pictures):
    assert not lights(pictures, **FAULTS[light])[light]


@pytest.mark.fault("attacks that say nothing")
@pytest.mark.parametrize("model", [Saturated(), Quantised()])
def test_gradients_that_say_nothing_turn_their_light_red(model, pictures):
    images, _ = pictures
    labels = model(images).argmax(1)
    assert not lights((images, labels), model=model)["gradients speak"]


def downhill_far(model, images, labels, *, epsilon, **settings):
    wide = min(1, 16 * epsilon)
    return attacks.pgd(model, images, labels, epsilon=wide, targeted=True, **settings)


@pytest.mark.fault("attacks that say nothing")
def test_images_made_right_turn_their_light_red(pictures):
    images, labels = pictures
    some_wrong = labels.clone()
    some_wrong[:10] = (labels[:10] + 1) % 4
    assert not lights((images, some_wrong), attack=downhill_far)["wrong images stay wrong"]


@pytest.mark.fault("attacks that say nothing")
def test_an_attack_that_lives_in_fractions_of_a_byte_is_red(pictures):
    images = (pictures[0] * 255).round() / 255
    model = Fractional()
    labels = torch.zeros(len(images), dtype=torch.int64)
    attacked = images + 0.3 / 255
    assert not health.survives_rounding(model, attacked.clamp(0, 1), labels)[1]


class Fractional(nn.Module):
    """Answers 1 where pixels are no bytes, which rounding undoes."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        off = (x * 255 - (x * 255).round()).abs().flatten(1).mean(dim=1, keepdim=True)
        return torch.cat([0.1 - off, off - 0.1], dim=1) + self.bias


@pytest.mark.fault("attacks that say nothing")
def test_a_stronger_transfer_turns_its_light_red(pictures):
    images, _ = pictures
    model = Quantised()  # its own gradient is zero; a plain network's is not
    card = lights((images, model(images).argmax(1)), model=model, surrogate=Plain())
    assert not card["white box beats transfer"]
