"""The focal loss beside cross-entropy and torchvision's."""

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot
from torchvision.ops import sigmoid_focal_loss

from visionfail.models.losses import focal_loss


def drawn(k=2, n=50):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, k, generator=generator) * 3, torch.randint(k, (n,), generator=generator)


@pytest.mark.parametrize("weight", [None, torch.tensor([0.3, 1.7])])
def test_gamma_0_is_cross_entropy_for_every_picture(weight):
    logits, labels = drawn()
    nearly = focal_loss(1e-9)  # by its own formula, not torch's function
    for k in range(len(labels)):
        one = nearly(logits[k : k + 1], labels[k : k + 1], weight=weight)
        torch.testing.assert_close(
            one, cross_entropy(logits[k : k + 1], labels[k : k + 1], weight=weight)
        )
    assert focal_loss(0) is cross_entropy
    torch.testing.assert_close(
        nearly(logits, labels, weight=weight), cross_entropy(logits, labels, weight=weight)
    )


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_two_classes_are_torchvisions(gamma):
    logits, labels = drawn()
    odds = logits[:, 1] - logits[:, 0]
    theirs = sigmoid_focal_loss(odds, labels.float(), alpha=-1, gamma=gamma, reduction="mean")
    torch.testing.assert_close(focal_loss(gamma)(logits, labels), theirs)


def test_shares_of_classes_are_sums_over_them():
    logits, labels = drawn(k=4)
    of_classes = focal_loss(2.0)(logits, labels)
    torch.testing.assert_close(focal_loss(2.0)(logits, one_hot(labels, 4).float()), of_classes)


@pytest.mark.fault("bad arguments")
def test_a_negative_gamma_is_refused():
    with pytest.raises(ValueError, match="gamma is -1"):
        focal_loss(-1)
