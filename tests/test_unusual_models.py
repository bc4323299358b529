"""Models that do what hardly any does: right, or refused in one sentence before the long pass."""

import torch
from makers import squares
from makers.strangers import plain_cnn
from torch import nn

from visionfail import failure, models

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
