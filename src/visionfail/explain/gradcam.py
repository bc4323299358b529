"""Grad-CAM through pytorch-grad-cam, in batches.

Selvaraju et al. 2017, arXiv:1610.02391. A map says where the evidence for one class lies in one
layer, no more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.activations_and_gradients import ActivationsAndGradients
from torch import Tensor, nn

from visionfail import models

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
    for kind, value in by_kind.items():
        if isinstance(model, kind):
            return value
    ours = ", ".join(kind.__name__ for kind in by_kind)
    raise ValueError(f"{type(model).__name__} is none of {ours}: name {what} of it yourself.")


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
    floats in [0, 1]; the computation is in float32, as the library fails under autocast. Nothing of
    the model is changed: hooks are removed and gradients stop at `layer`, the name of a module
    whose output is a map (the usual one where none is named). ValueError for a layer that is not
    there or puts out no map, or another number of classes; FloatingPointError where gradients are
    not finite.
    """
    name = gradcam_layers(model)[0] if layer is None else layer
    explained = _explained(model, images, classes, name, batch_size)
    maps = np.concatenate([maps for _, maps in explained])
    _check_finite(maps, name)
    return maps


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
    batches = []
    for hooks, _ in _explained(model, images, classes, name, batch_size):
        weights = hooks.gradients[0].mean(dim=(2, 3), keepdim=True)  # (B, C, 1, 1)
        batches.append((weights * hooks.activations[0]).sum(dim=1).detach())  # (B, h, w)
    cells = torch.cat(batches).numpy()
    _check_finite(cells, name)
    return cells


class ClassLogit(nn.Module):
    """The logit of one class, of which Grad-CAM takes the gradient."""

    def __init__(self, category: int):
        super().__init__()
        self.category = category

    def forward(self, logits: Tensor) -> Tensor:
        """The logit (...) of the class from logits (..., K)."""
        return logits[..., self.category]


def _explained(
    model: nn.Module,
    images: Tensor,
    classes: Sequence[int] | Tensor,
    name: str,
    batch_size: int,
) -> Iterator[tuple[ActivationsAndGradients, np.ndarray]]:
    """Each batch's activations and gradients at the layer `name`, and its maps (B, H, W).

    The model is prepared for as long as batches are asked for. Errors as in `gradcam`.
    """
    targets = [ClassLogit(int(k)) for k in classes]
    if len(targets) != len(images):
        raise ValueError(f"{len(targets)} classes for {len(images)} images: name one for each.")
    models.check_model_input(images, channels=None)
    with models.evaluating(model), _prepared(model, name) as cam:
        for start in range(0, len(images), batch_size):
            stop = start + batch_size
            batch = models.as_float(images[start:stop].to(cam.device))
            batch = batch.contiguous(memory_format=torch.channels_last)
            of_batch: list[nn.Module] = list(targets[start:stop])
            maps = cam(input_tensor=batch, targets=of_batch)
            yield cam.activations_and_grads, maps


def _check_finite(maps: np.ndarray, name: str) -> None:
    """Raises FloatingPointError, naming the layer, where a map of (N, H, W) is not finite."""
    bad = ~np.isfinite(maps).all(axis=(1, 2))  # (N,)
    if bad.any():
        raise FloatingPointError(
            f"{bad.sum()} of {len(maps)} maps are not finite: gradients at {name} overflowed or "
            "are NaN."
        )


@contextmanager
def _prepared(model: nn.Module, name: str) -> Iterator[GradCAM]:
    """The library's GradCAM on one layer, with gradients cut off before it.

    All weights are frozen for as long as the block runs; they and their gradients are then as they
    were.
    """
    modules = dict(model.named_modules())
    if not name or name not in modules:
        raise ValueError(
            f"the model has no layer {name!r}: it has {', '.join(dict(model.named_children()))}."
        )
    handle = modules[name].register_forward_hook(_cutting_at(name))
    # the library's hooks come after ours, so they see what ours gives; it puts the model into eval
    cam = GradCAM(model=model, target_layers=[modules[name]])
    try:
        with models.frozen(model), torch.enable_grad():
            yield cam
    finally:
        cam.activations_and_grads.release()
        handle.remove()


def _cutting_at(name: str) -> Callable[[nn.Module, tuple, Tensor], Tensor]:
    """A forward hook for the layer `name` that ends the backward pass at its output.

    The hook raises ValueError where the output is no map.
    """

    def cut(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(
                f"layer {name!r} puts out no map (N, C, H, W): choose a convolutional one."
            )
        return output.detach().requires_grad_()

    return cut
