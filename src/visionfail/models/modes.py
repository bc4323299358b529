"""Run a network in eval mode and leave each of its modules in the mode it was in."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """The model in eval mode; afterwards each of its modules is in the mode it was in before.

    One flag for the whole model would not do: a norm that its owner has frozen (eval mode inside a
    network that is training) would wake up and move its statistics.
    """
    was_training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield model
    finally:
        for module, training in was_training.items():
            module.training = training
