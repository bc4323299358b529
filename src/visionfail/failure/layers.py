"""Layers of anybody's network that an auditor can read, where nobody has named them."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from visionfail import devices, models
from visionfail.failure.activations import extract


def choose_layers(model: nn.Module, images: Tensor, *, count: int = 4) -> list[str]:
    """The names of up to `count` layers for `extract`, in the order in which they run.

    Of the layers with maps, tokens or vectors of one size that is taken which is the outermost, and
    of several the last; of the sizes the last `count`, the logits left out. Two images (N, C, H,
    W) are enough. ValueError where there is none that can be read, and for models and images that
    `extract` refuses.
    """
    few = images[:2]
    logits = models.predict(model, few)
    models.check_logits_finite(logits)
    models.check_no_probabilities(logits)
    models.check_same_answers(logits[:1], models.predict(model, few[:1]), model=model)
    last_of_size: dict[tuple, str] = {}
    for name, output in _outputs(model, few):
        size = _size_of(output, logits)
        if size is not None and _depth(name) <= _depth(last_of_size.get(size, name)):
            last_of_size.pop(size, None)  # a later one takes its place, in the order of running
            last_of_size[size] = name
    readable = [name for name in last_of_size.values() if _is_readable(model, few, name)]
    if not readable:
        raise ValueError(
            "no layer of the model can be read: name some for failure.extract yourself, modules "
            "that run once in a pass and put out maps, tokens or vectors."
        )
    return readable[-count:]


def _depth(name: str) -> int:
    """How many modules a module of this name lies in."""
    return name.count(".")


def _outputs(model: nn.Module, images: Tensor) -> list[tuple[str, Any]]:
    """(name, output) of every module that runs once in a pass, in the order in which they end.

    Scripted parts, which take no hooks, are passed over.
    """
    network = models.unwrapped(model)
    models.check_hookable(network)
    ended: list[tuple[str, Any]] = []

    def hook_of(name: str) -> Callable[[nn.Module, tuple, Any], None]:
        def hook(module: nn.Module, inputs: tuple, output: Any) -> None:
            ended.append((name, output.clone() if isinstance(output, Tensor) else output))

        return hook

    device = models.device_of(network)
    with (
        # what is compiled would pass over the hooks; first, for it acts when it is made
        torch.compiler.set_stance("force_eager"),
        torch.no_grad(),
        models.evaluating(network),
        devices.in_precision(device, torch.float32),
        ExitStack() as hooks,
    ):
        for name, module in network.named_modules():
            if name and not isinstance(module, torch.jit.ScriptModule):
                hooks.enter_context(module.register_forward_hook(hook_of(name)))
        models.logits_of(network, models.model_input(network, images))
    runs = [name for name, _ in ended]
    return [(name, output) for name, output in ended if runs.count(name) == 1]


def _size_of(output: Any, logits: Tensor) -> tuple | None:
    """What tells maps, tokens and vectors of one size, None for what is none of them.

    That is the height and width of maps (N, C, H, W), the number of tokens (N, T, D), "vector" for
    (N, D). None, too, for the logits.
    """
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return None
    if output.ndim not in (2, 3, 4) or len(output) != len(logits):
        return None
    if output.shape == logits.shape and torch.allclose(output.float().cpu(), logits):
        return None
    sizes = {2: ("vector",), 3: ("tokens", output.shape[1]), 4: ("maps", *output.shape[2:])}
    return sizes[output.ndim]


def _is_readable(model: nn.Module, images: Tensor, name: str) -> bool:
    """Whether `extract` takes the layer."""
    labels = [0] * len(images)
    try:
        extract(model, images, labels, layers=[name])
    except ValueError:
        return False
    return True
