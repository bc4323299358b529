"""Logits once; every measure works on those."""

import time

import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse
from torch.fx.proxy import TraceError

from visionfail import corruptions, devices
from visionfail.data import ImageSet
from visionfail.models.modes import evaluating

GATE_CONDITIONS = (("clean", 0), ("gaussian_noise", 5), ("gaussian_blur", 5), ("contrast", 5))
GATE_ACCURACY = 0.002  # bfloat16 may move the accuracy of a condition by less than this
GATE_CHANGED = 0.02  # and change fewer than this share of the predictions


@torch.inference_mode()
def predict(
    model: nn.Module,
    images: Tensor,
    *,
    batch_size: int = 512,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Logits (N, K), float32 on the CPU, of images (N, C, H, W): uint8, or float in [0, 1].

    The model is run in eval mode on the device where its weights are, and each of its modules is
    left in the mode it was in. `dtype` torch.bfloat16 computes under autocast with the norms folded: ask `choose_dtype`
    whether it may. Raises ValueError for an empty batch, floats outside [0, 1] or NaN, and another
    number of channels than the model's.
    """
    check_model_input(images, channels=_channels(model))
    device = next(model.parameters()).device
    logits = []
    with evaluating(model), devices.in_precision(device, dtype):
        network = model if dtype == torch.float32 else fold_norms(model)
        for batch in images.split(batch_size):
            batch = as_float(batch.to(device)).contiguous(memory_format=torch.channels_last)
            logits.append(network(batch).float().cpu())  # (B, K)
    return torch.cat(logits)


def seconds_per_image(
    model: nn.Module, images: Tensor, *, repeats: int = 3, dtype: torch.dtype = torch.float32
) -> float:
    """How long `predict` takes for one of `images`, the best of `repeats`, after one call that does
    not count.
    """
    predict(model, images, dtype=dtype)
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(model, images, dtype=dtype)
        taken.append(time.perf_counter() - start)
    return min(taken) / len(images)


def fold_norms(model: nn.Module) -> nn.Module:
    """A copy of a model in eval mode with each norm multiplied into the convolution before it;
    float32 logits agree to rounding, and a ResNet-18 in bfloat16 takes a seventh less time. A model
    that torch.fx cannot trace comes back.
    """
    try:
        return fuse(model)
    except TraceError:
        return model


def as_float(images: Tensor) -> Tensor:
    """uint8 -> float32 in [0, 1]; float images stay as they are."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def check_model_input(images: Tensor, *, channels: int | None) -> None:
    """Raises ValueError unless images are a batch (N, C, H, W) of uint8, or of floats in [0, 1]."""
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(
            f"images are {tuple(images.shape)}: pass (N, C, H, W) with at least one image."
        )
    if channels is not None and images.shape[1] != channels:
        raise ValueError(f"images have {images.shape[1]} channels, the model takes {channels}.")
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise ValueError(f"images are {images.dtype}: pass uint8, or floats in [0, 1].")
    low, high = images.min().item(), images.max().item()
    if not (low >= 0 and high <= 1):  # NaN fails here too
        raise ValueError(
            f"float images run from {low:.4g} to {high:.4g}: pass pixels in [0, 1]; the model normalises them itself."
        )


def choose_dtype(model: nn.Module, val: ImageSet) -> tuple[torch.dtype, dict]:
    """bfloat16 where the device is fast at it and validation images show that it changes next to
    nothing, else float32.

    The record says why: per condition of GATE_CONDITIONS the accuracy lost and the share of
    predictions that changed.
    """
    if not devices.fast_bf16(next(model.parameters()).device):
        return torch.float32, {"dtype": "float32", "reason": "no fast bfloat16 on this device"}
    checks = {}
    for name, severity in GATE_CONDITIONS:
        images = val.images if severity == 0 else corruptions.corrupt(val.images, name, severity)
        exact = predict(model, images).argmax(1)
        rough = predict(model, images, dtype=torch.bfloat16).argmax(1)
        moved = (exact == val.labels).float().mean() - (rough == val.labels).float().mean()
        checks[f"{name}-{severity}"] = {
            "accuracy_moved": abs(moved.item()),
            "changed": (exact != rough).float().mean().item(),
        }
    passed = all(
        c["accuracy_moved"] < GATE_ACCURACY and c["changed"] < GATE_CHANGED for c in checks.values()
    )
    name = "bfloat16" if passed else "float32"
    return getattr(torch, name), {"dtype": name, "n": len(val.labels), "checks": checks}


def _channels(model: nn.Module) -> int | None:
    mean = getattr(
        model, "mean", None
    )  # our models carry their normalisation; somebody else's may not
    return mean.shape[1] if isinstance(mean, Tensor) and mean.ndim == 4 else None
