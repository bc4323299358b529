"""Models that do what hardly any does: right, or refused in one sentence before the long pass."""

import pytest
import torch
from makers import squares
from makers.strangers import plain_cnn
from torch import nn

from visionfail import explain, failure, models

IMAGES = squares(6, seed=0).images
LABELS = squares(6, seed=0).labels


def seeded(make):
    """What `make` builds, of the same weights each time, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return make().eval()


def plain_logits(network, images=IMAGES):
    with torch.no_grad():
        return network(images.float() / 255)


class Preallocated(nn.Module):
    """Writes every answer into the same memory."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()
        self.out = torch.zeros(8, 10)

    def forward(self, images):
        return self.out[: len(images)].copy_(self.net(images).detach())


def test_answers_written_into_one_memory_are_each_batchs_own():
    model = seeded(Preallocated)
    expected = plain_logits(model.net)
    torch.testing.assert_close(models.predict(model, IMAGES, batch_size=2), expected)
    seen = failure.extract(model, IMAGES, LABELS, layers=["net.1"], batch_size=2)
    torch.testing.assert_close(torch.from_numpy(seen.logits), expected)


class Turning(nn.Module):
    """Puts the channels last, which neither its parts nor the shape of 8 x 8 x 8 tells."""

    def forward(self, maps):
        return maps.permute(0, 2, 3, 1)


def turning_cnn(channels, turn):
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, stride=4, padding=1),  # (N, channels, 8, 8)
        turn,
        nn.Flatten(),
        nn.Linear(64 * channels, 10),
    )


def test_a_layer_whose_channels_nothing_tells_is_refused():
    model = seeded(lambda: turning_cnn(8, Turning()))
    with pytest.raises(ValueError, match=r"'1' puts out \(2, 8, 8, 8\).*more than one axis"):
        failure.extract(model, IMAGES, LABELS, layers=["1"])
    with pytest.raises(ValueError, match=r"'1' puts out \(6, 8, 8, 8\).*more than one axis"):
        explain.gradcam(model, IMAGES, LABELS, layer="1")


@pytest.mark.parametrize(("channels", "turn"), [(6, Turning()), (8, nn.GELU())])
def test_a_layer_is_read_where_its_shape_or_its_kind_tells(channels, turn):
    model = seeded(lambda: turning_cnn(channels, turn))
    seen = failure.extract(model, IMAGES, LABELS, layers=["1"])
    expected = plain_logits(model[:2]).mean((1, 2) if isinstance(turn, Turning) else (2, 3))
    torch.testing.assert_close(torch.from_numpy(seen.latents["1"]), expected)


def test_a_layer_of_tokens_whose_channels_nothing_tells_is_refused():
    class TurnedTokens(nn.Module):
        def forward(self, maps):
            return maps.flatten(2)  # (N, 8, 64): channels are first

    layers = [nn.Conv2d(3, 8, 3, stride=4, padding=1), TurnedTokens(), nn.LayerNorm(64)]
    model = seeded(lambda: nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10)))
    with pytest.raises(ValueError, match=r"'1' puts out .*more than one axis"):
        failure.extract(model, IMAGES, LABELS, layers=["1"])
