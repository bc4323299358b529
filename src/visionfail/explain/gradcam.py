"""Grad-CAM through pytorch-grad-cam, in batches, and what to measure on two maps of the same image.

Selvaraju et al. 2017, arXiv:1610.02391. A map says where the evidence for one class lies in one
layer, no more.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from visionfail import models

# the last stage first, which is what the paper uses; on 32x32 images it has 4x4 cells, the other
# 8x8
LAYERS = {
    models.ResNet18: ("layer4", "layer3"),
    models.DenseNet121: ("features.denseblock4", "features.denseblock3"),
}


def gradcam_layers(model: nn.Module) -> tuple[str, ...]:
    """Names of the layers to look at, the usual one first. ValueError for a model that is none of
    ours.
    """
    for kind, names in LAYERS.items():
        if isinstance(model, kind):
            return names
    known = ", ".join(kind.__name__ for kind in LAYERS)
    raise ValueError(f"{type(model).__name__} is none of {known}: name a layer of it yourself.")


def gradcam(
    model: nn.Module,
    images: Tensor,
    classes: Sequence[int] | Tensor,
    *,
    layer: str | None = None,
    batch_size: int = 64,
) -> np.ndarray:
    """Maps float32 (N, H, W) in [0, 1] of where the evidence for `classes` (N,) lies; largest value
    1, or all zero.

    Images (N, C, H, W), uint8 or floats in [0, 1]; float32 throughout, the library fails under
    autocast. Nothing of the model is changed: hooks are removed and gradients stop at `layer`, the
    name of a module whose output is a map (the usual one where none is named). ValueError for a
    layer that is not there or puts out no map, or another number of classes; FloatingPointError
    where gradients are not finite.
    """
    name = gradcam_layers(model)[0] if layer is None else layer
    classes = [int(k) for k in classes]
    if len(classes) != len(images):
        raise ValueError(f"{len(classes)} classes for {len(images)} images: name one for each.")
    models.check_model_input(images, channels=None)
    device = next(model.parameters()).device
    with models.evaluating(model), _prepared(model, name) as cam:
        maps = []
        for start in range(0, len(images), batch_size):
            batch = models.as_float(images[start : start + batch_size].to(device))
            targets = [ClassifierOutputTarget(k) for k in classes[start : start + batch_size]]
            maps.append(
                cam(
                    input_tensor=batch.contiguous(memory_format=torch.channels_last),
                    targets=targets,
                )
            )
    maps = np.concatenate(maps)
    if not np.isfinite(maps).all():
        bad = int((~np.isfinite(maps)).any(axis=(1, 2)).sum())
        raise FloatingPointError(
            f"{bad} of {len(maps)} maps are not finite: gradients at {name} overflowed or are NaN."
        )
    return maps


@contextmanager
def _prepared(model: nn.Module, name: str) -> Iterator[GradCAM]:
    """The library's GradCAM on one layer, all weights frozen meanwhile and gradients cut off before
    the layer.
    """
    modules = dict(model.named_modules())
    if not name or name not in modules:
        raise ValueError(
            f"the model has no layer {name!r}: it has {', '.join(dict(model.named_children()))}."
        )
    frozen = [p for p in model.parameters() if p.requires_grad]
    gradients = [p.grad for p in model.parameters()]

    def cut(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(
                f"layer {name!r} puts out no map (N, C, H, W): choose a convolutional one."
            )
        return output.detach().requires_grad_()  # where the backward pass ends

    handle = modules[name].register_forward_hook(cut)
    # the library's hooks come after ours, so they see what ours gives; it puts the model into eval
    cam = GradCAM(model=model, target_layers=[modules[name]])
    try:
        for parameter in frozen:
            parameter.requires_grad_(False)
        with torch.enable_grad():
            yield cam
    finally:
        cam.activations_and_grads.release()
        handle.remove()
        for parameter in frozen:
            parameter.requires_grad_(True)
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
