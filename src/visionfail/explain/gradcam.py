"""Grad-CAM in batches, the maps of pytorch-grad-cam from one hook.

Selvaraju et al. 2017, arXiv:1610.02391. A map says where the evidence for one class lies in one
layer, no more.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import Tensor, nn

from visionfail import devices, models

T = TypeVar("T")

# the last stage first, which is what the paper uses; on 32x32 images it has 4x4 cells, the other
# 8x8
LAYERS = {
    models.ResNet18: ("layer4", "layer3"),
    models.ImageNetResNet18: ("layer4", "layer3"),
    models.DenseNet121: ("features.denseblock4", "features.denseblock3"),
}


def gradcam_layers(model: nn.Module) -> tuple[str, ...]:
    """The names of the layers to look at, the usual one first.

    ValueError for a model that is none of ours.
    """
    return of_kind(model, LAYERS, "a layer")


def of_kind(model: nn.Module, by_kind: Mapping[type[nn.Module], T], what: str) -> T:
    """What `by_kind` has for a model of this kind; ValueError for a model that is none of ours."""
    network = models.unwrapped(model)
    for kind, value in by_kind.items():
        if isinstance(network, kind):
            return value
    ours = ", ".join(kind.__name__ for kind in by_kind)
    raise ValueError(f"{type(network).__name__} is none of {ours}: name {what} of it yourself.")


def gradcam(
    model: nn.Module,
    images: Tensor,
    classes: Sequence[int] | Tensor,
    *,
    layer: str | None = None,
    batch_size: int = 64,
) -> np.ndarray:
    """Maps float32 (N, H, W) in [0, 1] of where the evidence for `classes` (N,) lies.

    The largest value of a map is 1, or it is zero throughout. Images (N, C, H, W) are uint8 or
    floats in [0, 1]; the computation is in the model's own precision, never under autocast. Nothing
    of the model is changed: hooks are removed and gradients stop at `layer`, the name of a module
    that is run once and whose output is a map (the usual one where none is named). ValueError for a
    layer that is not there or puts out no map, another number of classes, and a model that
    `models.predict` refuses; FloatingPointError where gradients are not finite. Two threads may not
    explain one model at once: its modes and hooks are the model's own.
    """
    name = gradcam_layers(model)[0] if layer is None else layer
    cells = _evidence_cells(model, images, classes, name, batch_size)
    height, width = images.shape[-2:]
    # the library scales a layer's maps, and then their mean over layers; there is one layer here
    scaled = scale_cam_image(np.maximum(cells, 0), (width, height))
    return np.asarray(scale_cam_image(scaled))


def signed_cells(
    model: nn.Module,
    images: Tensor,
    classes: Sequence[int] | Tensor,
    *,
    layer: str | None = None,
    batch_size: int = 64,
) -> np.ndarray:
    """The maps of `gradcam` before its last steps, float32 (N, h, w), one value per cell.

    They are neither cut off below zero nor stretched nor enlarged. Where the layer is followed by
    an average over its cells and a linear head, their sum is the class's logit less its bias.
    Arguments and errors are those of `gradcam`.
    """
    name = gradcam_layers(model)[0] if layer is None else layer
    return _evidence_cells(model, images, classes, name, batch_size)


def _evidence_cells(
    model: nn.Module,
    images: Tensor,
    classes: Sequence[int] | Tensor,
    name: str,
    batch_size: int,
) -> np.ndarray:
    """Activations of the layer `name` weighted by their mean gradients, float32 (N, h, w).

    Errors as in `gradcam`.
    """
    size = models.whole_number(batch_size, "batch_size")
    models.check_pass(model, images)
    numbers = models.class_numbers(classes, len(images), what="classes")
    layer = models.layer_named(model, name)
    network = models.unwrapped(model)
    cells = []
    with models.evaluating(network), models.frozen(network), _differentiable(network):
        first = models.logits_of(network, models.model_input(network, images[:1]))
        models.check_classes(numbers, first, what="classes")
        batches = zip(images.split(size), numbers.split(size), strict=True)
        for batch, of_batch in batches:
            pixels = models.model_input(network, batch)
            wanted = of_batch.clone()  # what was made in inference mode bars gradients
            cells.append(_cells_of_batch(network, layer, pixels, wanted, name))
            _check_finite(cells[-1], name)
    return np.concatenate(cells)


@contextmanager
def _differentiable(network: nn.Module) -> Iterator[None]:
    """A block with gradients, in full precision, where nothing compiled passes over a new hook."""
    device = models.device_of(network)
    eager = torch.compiler.set_stance("force_eager")
    with (
        eager,
        torch.inference_mode(False),
        torch.enable_grad(),
        devices.in_precision(device, torch.float32),
    ):
        yield


def _cells_of_batch(
    network: nn.Module, layer: nn.Module, batch: Tensor, classes: Tensor, name: str
) -> np.ndarray:
    """Activations of a layer weighted by their mean gradients, (B, h, w), of logits of `classes`.

    Of the pass only what follows the layer has gradients. ValueError where the layer is not run
    once, puts out no map, or has no part in the logits.
    """
    outputs = []

    def cut(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        if not _is_map(output, len(batch)):
            outputs.append(output)
            return output
        outputs.append(output.detach().requires_grad_())
        return outputs[-1].clone()  # what follows may work in place

    handle = layer.register_forward_hook(cut)
    try:
        logits = models.logits_of(network, batch)
        models.check_run_once(name, len(outputs))
        output = outputs[0]
        _check_map(output, len(batch), name)
        axis = models.channel_axis(network, layer, output, batch, name=name)
        gradient = _gradient_of(logits, classes, output, name)  # may run parts of the pass again
    finally:
        handle.remove()
    return _weighted(output.detach(), gradient, axis)


def _check_map(output: Any, count: int, name: str) -> None:
    """Raises ValueError unless a layer's output is a map of so many images, of several cells."""
    if not _is_map(output, count):
        raise ValueError(
            f"layer {name!r} puts out {models.describe_output(output)} for {count} images, which "
            "is no map (N, C, H, W): choose a convolutional one."
        )
    if output.numel() == count * max(output.shape[1:]):
        raise ValueError(
            f"layer {name!r} puts out {tuple(output.shape)}, one cell: choose an earlier one, "
            "whose map can say where."
        )


def _is_map(output: Any, count: int) -> bool:
    """Whether a layer's output is floats (count, C, H, W)."""
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return False
    return output.ndim == 4 and len(output) == count


def _gradient_of(logits: Tensor, classes: Tensor, output: Tensor, name: str) -> Tensor:
    """The gradient of each image's logit of its class by the layer's output, of its shape.

    ValueError where there is none.
    """
    evidence = logits.gather(1, classes.to(logits.device)[:, None]).sum()
    gradient = None
    if evidence.requires_grad:
        try:
            (gradient,) = torch.autograd.grad(evidence, output, allow_unused=True)
        except Exception as error:  # of anybody's backward, so anything
            raise models.pass_error(
                error,
                len(logits),
                f"no gradient comes from the logits to layer {name!r} "
                f"({models.first_line(error)}): choose a later one.",
            ) from error
    if gradient is None:
        raise ValueError(
            f"layer {name!r} has no part in the logits that gradients could tell: choose one "
            "between images and logits, outside torch.no_grad."
        )
    return gradient


def _weighted(output: Tensor, gradient: Tensor, axis: int) -> np.ndarray:
    """The sum over channels of a layer's output, each weighted by its mean gradient, (B, h, w)."""
    activations = output.movedim(axis, 1).float().cpu().numpy()  # (B, C, h, w)
    gradients = gradient.movedim(axis, 1).float().cpu().numpy()
    weights = gradients.mean(axis=(2, 3))[:, :, None, None]
    return (weights * activations).sum(axis=1)


def _check_finite(cells: np.ndarray, name: str) -> None:
    """Raises FloatingPointError, naming the layer, where cells (N, h, w) are not finite."""
    bad = ~np.isfinite(cells).all(axis=(1, 2))  # (N,)
    if bad.any():
        raise FloatingPointError(
            f"{bad.sum()} of {len(cells)} maps are not finite: gradients at {name} overflowed or "
            "are NaN."
        )
