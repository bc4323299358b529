"""The average that never waits for the device beside torch's own, which does."""

import torch
from makers import STATS, squares
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from visionfail import models
from visionfail.models import averaging, training

SETS = (squares(70, seed=0), squares(20, seed=1))
CONFIG = models.TrainConfig(epochs=2, batch_size=20, ema_decay=0.9)


def network():
    # 16 channels: narrower ones with channels last end the process on a CPU (training_layout)
    return models.build("resnet18", num_classes=10, width=16, **STATS)


class Waiting(AveragedModel):
    """torch's average as it comes."""

    def __init__(self, model, *, decay):
        super().__init__(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


def assert_equal_to_the_bit(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    for (name, ours), (other_name, theirs) in pairs:
        assert name == other_name and torch.equal(ours, theirs), name


def test_weights_buffers_and_steps_are_torchs_to_the_bit():
    model = network()
    ours = averaging.Average(model, decay=0.9)
    theirs = Waiting(model, decay=0.9)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for start in range(0, 60, 15):
        part = slice(start, start + 15)
        images = models.as_float(SETS[0].images[part])
        training.train_step(model.train(), optimizer, images, SETS[0].labels[part])
        ours.update_parameters(model)
        theirs.update_parameters(model)
        assert_equal_to_the_bit(ours, theirs)
    assert ours.n_averaged == 4
    assert not torch.equal(ours.module.fc.weight, model.fc.weight)


def test_a_training_ends_at_the_same_weights_with_torchs_average(monkeypatch):
    ours, history = training.fit(network(), *SETS, config=CONFIG, device="cpu")
    monkeypatch.setattr(training, "Average", Waiting)
    theirs, same_history = training.fit(network(), *SETS, config=CONFIG, device="cpu")
    assert_equal_to_the_bit(ours, theirs)
    assert [row["val_loss"] for row in history] == [row["val_loss"] for row in same_history]
