"""What an epoch draws at once beside the plain way, a batch at a time."""

import dataclasses

import pytest
import torch
from makers import STATS, squares

from visionfail import models
from visionfail.models import augmentation, batches, training

TRAIN = squares(70, seed=0)
VAL = squares(20, seed=1)
CONFIG = models.TrainConfig(epochs=3, batch_size=32, padding=4, sides=(16,))
SETTINGS = [{}, {"flip": False}, {"padding": 0}, {"padding": 1, "sides": ()}]


def plain_epoch(config, first_flip, *, epoch, generator):
    """Images and labels of an epoch, batch by batch: each draws its crops when its turn comes."""
    order = torch.randperm(len(TRAIN), generator=generator)
    for index in order.split(config.batch_size):
        flip = torch.zeros(len(index), dtype=torch.bool)
        if config.flip:
            flip = first_flip[index] != (epoch % 2 == 1)
        images = augmentation.augment(
            TRAIN.images[index], padding=config.padding, flip=flip, generator=generator
        )
        side = config.sides[epoch] if epoch < len(config.sides) else None
        yield augmentation.to_float(images, side=side), TRAIN.labels[index]


@pytest.mark.parametrize("changes", SETTINGS)
def test_batches_drawn_ahead_are_those_drawn_one_by_one(changes):
    config = dataclasses.replace(CONFIG, **changes)
    assert batches.draws_ahead(config, TRAIN)
    generator = torch.Generator().manual_seed(5)
    plain_generator = torch.Generator().manual_seed(5)
    first_flip = torch.arange(len(TRAIN)) % 3 == 0
    for epoch in range(2):
        draws = batches.draw_epoch(
            config, TRAIN, first_flip=first_flip, epoch=epoch, generator=generator, ahead=True
        )
        words = {"epoch": epoch, "generator": generator}
        made = [
            batches.training_batch(config, TRAIN, batch, **words)
            for batch in draws.batches(config.batch_size)
        ]
        plain = plain_epoch(config, first_flip, epoch=epoch, generator=plain_generator)
        for (images, labels), (expected, expected_labels) in zip(made, plain, strict=True):
            assert torch.equal(images, expected) and torch.equal(labels, expected_labels)
        assert torch.equal(generator.get_state(), plain_generator.get_state())


@pytest.mark.parametrize("changes", SETTINGS)
def test_a_training_ends_at_the_same_weights_with_draws_for_each_batch(changes, monkeypatch):
    config = dataclasses.replace(CONFIG, **changes)

    def trained():
        network = models.build("resnet18", num_classes=10, width=8, **STATS)
        return training.fit(network, TRAIN, VAL, config=config, device="cpu")[0].state_dict()

    ahead = trained()
    epochs = []

    def one_by_one(config, data, draws, *, epoch, generator):
        if not epochs or epochs[-1][0] != epoch:
            later = plain_epoch(config, first_flips[-1], epoch=epoch, generator=generator)
            epochs.append((epoch, later))
        return next(epochs[-1][1])

    first_flips = []

    def nothing_drawn(config, data, *, first_flip, **_):
        first_flips.append(first_flip)
        every = torch.arange(len(data))
        return batches.Draws(every, first_flip, None)

    monkeypatch.setattr(training, "draw_epoch", nothing_drawn)
    monkeypatch.setattr(training, "training_batch", one_by_one)
    plain = trained()
    assert [epoch for epoch, _ in epochs] == [0, 1, 2]
    for name, weights in ahead.items():
        assert torch.equal(weights, plain[name]), name
