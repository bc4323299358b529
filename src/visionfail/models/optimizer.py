"""The optimizer and the learning rate of each step, as configured."""

import torch
from torch import nn

from visionfail.models.train_config import TrainConfig


def learning_rate(step: int, *, steps: int, config: TrainConfig) -> float:
    """The rate of a step: a triangle up to `peak_lr` in the share `warmup`, then down to 0; or
    `peak_lr` throughout.

    Smith and Topin 2017, arXiv:1708.07120.
    """
    if config.schedule == "constant":
        return config.peak_lr
    climb = max(1.0, config.warmup * steps)
    rising = (step + 1) / climb
    falling = (steps - step) / max(1.0, steps - climb)
    return config.peak_lr * min(rising, falling, 1.0)


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam; or SGD with Nesterov momentum and weight decay on matrices and filters only."""
    parameters = list(model.parameters())
    if config.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=config.peak_lr)
    decayed = [parameter for parameter in parameters if parameter.ndim > 1]
    spared = [parameter for parameter in parameters if parameter.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=config.peak_lr, momentum=config.momentum, nesterov=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group of parameters the same learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
