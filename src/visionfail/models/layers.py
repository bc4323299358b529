"""Layers of anybody's network by name, and which axis of what they put out is that of channels."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AvgPoolNd, _MaxPoolNd

from visionfail.models.anybody import CONVOLUTIONS, unwrapped

CHANNELS_FIRST = (
    *CONVOLUTIONS,
    _NormBase,  # batch and instance norms
    nn.GroupNorm,
    _AvgPoolNd,
    _MaxPoolNd,
    _AdaptiveAvgPoolNd,
)
NORMS = (nn.LayerNorm, nn.RMSNorm)  # over the last axes
SHOWN = 10  # names of parts in a message


def layer_named(model: nn.Module, name: str) -> nn.Module:
    """The layer of a model with a name of `named_modules`, inside DataParallel and torch.compile.

    ValueError for a name that is not there, and for a scripted layer, which takes no hooks.
    """
    if not isinstance(name, str):
        raise ValueError(
            f"a layer is given as a {type(name).__name__}: give its name, such as 'layer4'."
        )
    network = unwrapped(model)
    modules = dict(model.named_modules(remove_duplicate=False))
    modules.update(network.named_modules(remove_duplicate=False))
    layer = modules.get(name) if name else None
    check_hookable(network)
    check_hookable(layer)
    if layer is None:
        names = list(dict(network.named_children()))
        more = ", ..." if len(names) > SHOWN else ""
        parts = ", ".join(names[:SHOWN]) or "none"
        raise ValueError(f"the model has no layer {name!r}: name one of its parts, {parts}{more}.")
    return layer


def check_hookable(module: nn.Module | None) -> None:
    """Raises ValueError for a scripted or traced module."""
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError(
            "a scripted or traced model takes no hooks: pass the network from before torch.jit."
        )


def describe_output(output: Any) -> str:
    """What a layer puts out, in words: its shape, or what it is instead of a tensor of floats."""
    if not isinstance(output, Tensor):
        return f"a {type(output).__name__}"
    if not output.is_floating_point():
        return f"{output.dtype}"
    return f"{tuple(output.shape)}"


def channel_axis(
    network: nn.Module, layer: nn.Module, output: Tensor, images: Tensor, *, name: str
) -> int:
    """The axis of the channels in what the layer `name` puts out, maps or tokens: 1 or the last.

    What the layer is tells it, else for maps (N, C, H, W) or (N, H, W, C) the shape of the images
    (N, C, H, W), for tokens (N, T, C) the width of the layer, else what layers are inside.
    ValueError where it is not clear.
    """
    last = output.ndim - 1
    axis = _axis_told_by(layer, last)
    if axis is None and last == 3:
        axis = _axis_of_maps(output, images)
    elif axis is None:
        axis = _axis_of_tokens(output, layer)
    if axis is None:
        axis = _axis_by_parts(network, layer, last)
    if axis is None:
        raise ValueError(
            f"layer {name!r} puts out {tuple(output.shape)}, of which more than one axis may be "
            "that of channels: name a convolution, norm or linear layer near it."
        )
    return axis


def _axis_told_by(layer: nn.Module, last: int) -> int | None:
    """1 or `last` where this kind of layer leaves no choice, else None."""
    if isinstance(layer, CHANNELS_FIRST):
        return 1
    if isinstance(layer, nn.Linear):
        return last
    if isinstance(layer, NORMS) and not _is_unclear(layer):
        return last
    return None


def _is_unclear(layer: nn.Module) -> bool:
    """Whether a norm over the last axes may be one over channels that are first (LayerNorm2d)."""
    return isinstance(layer, NORMS) and (
        type(layer) not in NORMS or len(layer.normalized_shape) > 1
    )


def _axis_of_maps(output: Tensor, images: Tensor) -> int | None:
    """1 or 3, whichever leaves height and width as the images', to a cell; None if unclear."""
    height, width = images.shape[-2:]
    a, b, c = output.shape[1:]
    cell = max(height, width)
    first_fits = abs(b * width - c * height) < cell
    last_fits = abs(a * width - b * height) < cell
    if first_fits == last_fits:
        return None
    return 1 if first_fits else 3


def _axis_of_tokens(output: Tensor, layer: nn.Module) -> int | None:
    """1 or 2, whichever is as long as the layer's last part is wide; None where both or none is."""
    width = 0
    for module in layer.modules():
        if isinstance(module, NORMS):
            width = module.normalized_shape[-1]
        for name in ("out_features", "out_channels", "num_features"):
            width = getattr(module, name, width)
    first = output.shape[1] == width
    last = output.shape[2] == width
    if first == last:
        return None
    return 1 if first else 2


def _axis_by_parts(network: nn.Module, layer: nn.Module, last: int) -> int | None:
    """1 or `last` where all that is inside the layer says so, else what is usual in the network."""
    axes = {_axis_told_by(module, last) for module in layer.modules()} - {None}
    if len(axes) == 1 and not any(_is_unclear(module) for module in layer.modules()):
        return axes.pop()
    if axes or not all(map(_keeps_axes, layer.modules())):
        return None
    # networks of tokens, or with channels last, have norms over the last axis
    has_norms = any(isinstance(module, NORMS) for module in network.modules())
    if last == 2:
        return 2 if has_norms else None
    return None if has_norms else 1


def _keeps_axes(module: nn.Module) -> bool:
    """Whether it is one of torch's own that leave the axes where they are, such as activations.

    Nobody knows it of a layer that somebody wrote.
    """
    if isinstance(module, (nn.Flatten, nn.Unflatten)):
        return False
    return type(module).__module__.startswith("torch.nn.")


def check_run_once(name: str, count: int) -> None:
    """Raises ValueError unless a layer is run exactly once in a pass."""
    if count == 0:
        raise ValueError(
            f"layer {name!r} was not run: name one that its forward calls, such as a part of it."
        )
    if count > 1:
        raise ValueError(
            f"layer {name!r} is run {count} times in one pass: name one that is run once, such as "
            "the block around it."
        )
