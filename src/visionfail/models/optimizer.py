"""The optimizer and the learning rate of each step, as configured."""

import torch
from torch import nn

from visionfail.models.train_config import TrainConfig


def learning_rate(step: int, *, steps: int, config: TrainConfig) -> float:
    """The last layer's rate at a step: a triangle up to `peak_lr` in the share `warmup`, then down
    to 0; or `peak_lr` throughout.

    The `steps` may be a part of a triangle, `config.cycle`. Smith and Topin 2017, arXiv:1708.07120.
    """
    if config.schedule == "constant":
        return config.peak_lr
    start, end = config.cycle
    whole = steps / (end - start)  # steps of the whole triangle
    position = start * whole + step
    climb = max(1.0, config.warmup * whole)
    rising = (position + 1) / climb
    falling = (whole - position) / max(1.0, whole - climb)
    return config.peak_lr * min(rising, falling, 1.0)


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam; AdamW, which decays all weights; or SGD with Nesterov momentum.

    SGD decays matrices and filters only. Of the parameters that ask for a gradient. Those of the
    last layer come first; with a `base_rate` the others have groups of their own, as
    `set_learning_rate` needs them.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    by_share = _rates(model, parameters, config.base_rate)
    if config.optimizer == "adam":
        groups = [{"params": members, "share": share} for share, members in by_share.items()]
        return torch.optim.Adam(groups, lr=config.peak_lr)
    if config.optimizer == "adamw":
        groups = [{"params": members, "share": share} for share, members in by_share.items()]
        return torch.optim.AdamW(groups, lr=config.peak_lr, weight_decay=config.weight_decay)
    groups = []
    for share, members in by_share.items():
        decayed = [parameter for parameter in members if parameter.ndim > 1]
        spared = [parameter for parameter in members if parameter.ndim <= 1]
        groups.append({"params": decayed, "weight_decay": config.weight_decay, "share": share})
        groups.append({"params": spared, "weight_decay": 0.0, "share": share})
    return torch.optim.SGD(groups, lr=config.peak_lr, momentum=config.momentum, nesterov=True)


def _rates(
    model: nn.Module, parameters: list[nn.Parameter], base_rate: float
) -> dict[float, list[nn.Parameter]]:
    """{share of the rate: parameters}: 1 for the last layer, `base_rate` for the others."""
    if base_rate == 1.0:
        return {1.0: parameters}
    last = set(list(model.children())[-1].parameters())
    head = [parameter for parameter in parameters if parameter in last]
    base = [parameter for parameter in parameters if parameter not in last]
    return {1.0: head, base_rate: base}


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group of parameters its share of the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)
