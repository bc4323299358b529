"""Run a network in eval mode, or with frozen weights, and leave it as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """The model in eval mode; afterwards each of its modules is in the mode it was in before.

    One flag for the whole model would not do: a norm that its owner has frozen (eval mode inside a
    network that is training) would wake up and move its statistics. Nor would `eval`: a model may
    do more in it (fold weights, say), or forbid it.
    """
    was_training = {}
    for module in model.modules():
        if hasattr(module, "training"):  # a frozen script has no mode
            was_training[module] = module.training
    try:
        for module in was_training:
            module.training = False
        yield model
    finally:
        for module, training in was_training.items():
            module.training = training


def check_takes_gradients(model: nn.Module) -> None:
    """Raises ValueError for weights made in inference mode."""
    if any(parameter.is_inference() for parameter in model.parameters()):
        raise ValueError(
            "the weights were made under torch.inference_mode, which bars gradients: build or load "
            "the model outside it."
        )


@contextmanager
def frozen(model: nn.Module) -> Iterator[nn.Module]:
    """The model with no weight that asks for a gradient; afterwards as before, gradients included.

    A backward pass to the pixels then computes nothing for the weights. ValueError for weights made
    in inference mode, which no backward pass can go through.
    """
    check_takes_gradients(model)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    gradients = [parameter.grad for parameter in model.parameters()]
    try:
        for parameter in trainable:
            parameter.requires_grad_(False)
        yield model
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
