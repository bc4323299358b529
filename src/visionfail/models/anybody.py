"""Anybody's model: where its weights are, what images it takes, and its logits, or why not."""

import importlib
import operator
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._dynamo import OptimizedModule
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.nn.parameter import is_lazy

from visionfail import devices
from visionfail.models.inputs import Normalised

FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)  # _NormBase: batch and instance norms
LONGEST = 160  # characters of an error that is not ours


def whole_number(value: Any, name: str, *, least: int = 1) -> int:
    """A value as an int, NumPy's among them; ValueError, with its name, for none from `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} is {value!r}: pass a whole number from {least}.")
    return number


def model_from(name: str) -> nn.Module:
    """The network that a function without arguments gives, named as "module:function".

    The module is one that Python finds from here. ValueError that names what cannot be had of it.
    """
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise ValueError(
            f"the model is named {name!r}: write module:function, a function that returns it."
        )
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # of anybody's code, so anything
        raise ValueError(
            f"{module_name} cannot be imported ({first_line(error)}): put it beside the notebook, "
            "or its folder into PYTHONPATH."
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ValueError(
            f"{module_name} has no function {function_name!r}: name one that returns the model."
        )
    model: Any = cast(Any, function)()
    check_module(model)
    return model


def check_module(model: nn.Module) -> None:
    """Raises ValueError unless `model` is a module with weights that hold numbers."""
    if not isinstance(model, nn.Module):
        raise ValueError(
            f"the model is a {type(model).__name__}: pass a torch.nn.Module, the network itself."
        )
    if any(is_lazy(weights) for weights in _tensors(model)):
        raise ValueError(
            "the model has lazy layers without weights: run it on a batch once, or load weights."
        )
    if device_of(model).type == "meta":
        raise ValueError(
            "the model is on the device meta, without numbers: call its to_empty(device='cpu') and "
            "load weights."
        )


def _tensors(model: nn.Module) -> list[Tensor]:
    """The parameters and then the buffers of a model."""
    return [*model.parameters(), *model.buffers()]


def device_of(model: nn.Module) -> torch.device:
    """The device of a model's first parameter, else of its first buffer, else the CPU."""
    for weights in _tensors(model):
        return weights.device
    return torch.device("cpu")


def input_dtype(model: nn.Module) -> torch.dtype:
    """The floating dtype of the images that a model takes: that of its weights, else float32.

    Where they are of several, that of its first convolution or norm, else of its first linear
    layer: a head may be more exact.
    """
    layers = [m for m in model.modules() if isinstance(m, (*CONVOLUTIONS, *NORMS))]
    layers += [m for m in model.modules() if isinstance(m, nn.Linear)]
    for module in (*layers, model):
        for weights in _tensors(module):
            if weights.dtype in FLOATS:
                return weights.dtype
    return torch.float32


def unwrapped(model: nn.Module) -> nn.Module:
    """The network inside torch.compile, DataParallel or both, else the model itself.

    It has the same weights, and its layers can be hooked.
    """
    while True:
        if isinstance(model, OptimizedModule):
            model = model._orig_mod
        elif isinstance(model, (DataParallel, DistributedDataParallel)):
            model = model.module
        else:
            return model


def model_input(model: nn.Module, images: Tensor) -> Tensor:
    """Images (B, C, H, W), uint8 or floats in [0, 1], as floats for the model, on its device.

    They are a copy, for a model may work on them in place. Our own networks get them as they are
    fastest on the device; others may ask for the usual order (`view` does).
    """
    moved = images.to(device_of(model))
    if moved.dtype == torch.uint8:
        moved = moved.float() / 255
    return moved.to(input_dtype(model)).clone(memory_format=input_layout(model))


def input_layout(model: nn.Module) -> torch.memory_format:
    """How a batch lies in memory for a model: as is fastest on the device if it is ours."""
    if isinstance(unwrapped(model), Normalised):
        return devices.memory_layout(device_of(model))
    return torch.contiguous_format


def logits_of(network: nn.Module, batch: Tensor) -> Tensor:
    """The logits float32 (B, K) of a network in eval mode, of a batch as it takes it.

    They are a copy, for the network may write its next answer where it wrote this one. ValueError,
    which names the network, where it fails on the batch or gives something else.
    """
    return own_logits(network, batch).to(torch.float32, copy=True)


def own_logits(network: nn.Module, batch: Tensor) -> Tensor:
    """The logits of `logits_of` in the precision in which the network gives them."""
    try:
        output = network(batch)
    except Exception as error:  # of anybody's code, so anything
        raise pass_error(
            error,
            len(batch),
            f"{type(network).__name__} fails on images {tuple(batch.shape)}, {batch.dtype}, on "
            f"{batch.device} ({first_line(error)}): its forward has to take such a batch and "
            "nothing else, so pass images of its size, or wrap it.",
        ) from error
    return _checked_logits(output, len(batch))


def pass_error(error: Exception, count: int, otherwise: str) -> ValueError:
    """What to raise for the error of a pass over `count` images: `otherwise` says it in words.

    But where memory ran out, which torch says in many ways, a smaller batch is the remedy.
    """
    ran_out = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    if ran_out or "tried to allocate" in str(error).lower():
        return ValueError(
            f"memory ran out for {count} images at once ({first_line(error)}): pass a smaller "
            "batch_size, or free some."
        )
    return ValueError(otherwise)


def first_line(error: Exception) -> str:
    """The kind of an error and the first line of its message, cut at LONGEST characters."""
    lines = str(error).strip().splitlines()
    text = ": ".join([type(error).__name__, *lines[:1]])
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _checked_logits(output: Any, count: int) -> Tensor:
    """The logits (count, K) in what a model gives; ValueError where there are none.

    An entry or a field that is called logits is taken out of a dict or a dataclass.
    """
    if isinstance(output, Mapping):
        output = output.get("logits", output)
    else:
        output = getattr(output, "logits", output)
    kind = _what_it_is_instead(output)
    if kind is not None:
        raise ValueError(
            f"the model gives {kind}: let its forward return the logits alone, floats (N, K), or "
            "name them logits."
        )
    if output.ndim == 1 and count == 1 and len(output) > 1:
        output = output[None]  # it squeezes a batch of one
    if output.shape in ((count,), (count, 1)):
        raise ValueError(
            f"the model gives one number an image, {tuple(output.shape)} for {count}: return two "
            "logits, torch.cat([torch.zeros_like(z), z], 1) of a logit z (N, 1)."
        )
    if output.ndim != 2 or len(output) != count or output.shape[1] == 0:
        raise ValueError(
            f"the model gives {tuple(output.shape)} for {count} images: return one logit for each "
            "class, (N, K)."
        )
    return output


def _what_it_is_instead(output: Any) -> str | None:
    """What an output is that is no dense tensor of floats; None where it is one."""
    if not isinstance(output, Tensor):
        return f"a {type(output).__name__}"
    if output.is_nested:
        return "a nested tensor"
    if output.layout != torch.strided:
        return f"a tensor of layout {output.layout}, which is not dense"
    return None if output.dtype in FLOATS else str(output.dtype)


def class_numbers(values: Any, count: int, *, what: str) -> Tensor:
    """Numbers of classes as int64 (count,) on the CPU; `what` they are is named where they are not.

    ValueError unless there is a whole number from 0 for each of so many images.
    """
    try:
        numbers = torch.as_tensor(values, device="cpu")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{what} are a {type(values).__name__} of no numbers: pass int64 (N,)."
        ) from error
    if numbers.ndim != 1 or numbers.dtype not in WHOLE:
        raise ValueError(
            f"{what} are {numbers.dtype} {tuple(numbers.shape)} for {count} images: pass whole "
            "numbers, int64 (N,)."
        )
    if len(numbers) != count:
        raise ValueError(f"{len(numbers)} {what} for {count} images: pass one for each.")
    if numbers.min() < 0:
        raise ValueError(f"{what} begin at {int(numbers.min())}: classes are counted from 0.")
    return numbers.long()


def check_classes(numbers: Tensor, logits: Tensor, *, what: str) -> None:
    """Raises ValueError where one of the classes (N,) is not among those of logits (B, K)."""
    largest = int(numbers.max())
    known = logits.shape[1]
    if largest >= known:
        raise ValueError(
            f"{what} go up to {largest}, the model has {known} classes: pass 0 to {known - 1}, in "
            "the order of its logits."
        )
