"""Accuracy by epsilon of a linear network, whose worst case is known in closed form."""

import numpy as np
import pytest
import torch
from torch import nn

from visionfail import attacks

EPSILONS = [0, 4, 16]  # of 255


class Linear(nn.Module):
    """Two classes, told apart by one weight a pixel."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(48, generator=generator))

    def forward(self, images):
        score = (images - 0.5).flatten(1) @ self.weight
        return torch.stack([torch.zeros_like(score), score], 1)


@pytest.fixture(scope="module")
def made():
    model = Linear()
    generator = torch.Generator().manual_seed(1)
    images = 0.25 + 0.5 * torch.rand(60, 3, 4, 4, generator=generator)  # far from 0 and 1
    labels = model(images).argmax(1)
    labels[:5] = 1 - labels[:5]  # which are wrong when clean
    table = attacks.accuracy_by_epsilon(model, images, labels, epsilons=EPSILONS)
    return model, images, labels, table


def test_both_attacks_reach_the_closed_form(made):
    model, images, labels, table = made
    score = model(images)[:, 1] * (2 * labels - 1)  # how far on the right side, (60,)
    for row in table.itertuples():
        worst = score - row.epsilon / 255 * model.weight.abs().sum()
        expected = ((score > 0) & (worst > 0)).float().mean().item()
        assert row.value == pytest.approx(expected), row
    assert table.value.min() < table.value.max() == 55 / 60


def test_values_have_wilson_intervals_and_n(made):
    *_, table = made
    assert (table.n == 60).all() and list(table.attack.unique()) == ["fgsm", "pgd"]
    assert (table.lo <= table.value).all() and (table.value <= table.hi).all()
    assert np.array_equal(table.epsilon.unique(), EPSILONS)


@pytest.mark.fault("bad arguments")
def test_epsilons_out_of_order_are_refused(made):
    model, images, labels, _ = made
    for epsilons in ([8, 4], ["8"]):
        with pytest.raises(ValueError, match="ascending order"):
            attacks.accuracy_by_epsilon(model, images, labels, epsilons=epsilons)
