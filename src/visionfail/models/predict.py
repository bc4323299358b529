"""A model's logits, computed once: every measure works on those."""

import time

import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from visionfail import corruptions, devices
from visionfail.data import ImageSet
from visionfail.models.anybody import (
    check_module,
    device_of,
    logits_of,
    model_input,
    unwrapped,
    whole_number,
)
from visionfail.models.inputs import Normalised
from visionfail.models.modes import evaluating

GATE_CONDITIONS = (("clean", 0), ("gaussian_noise", 5), ("gaussian_blur", 5), ("contrast", 5))
GATE_ACCURACY = 0.002  # bfloat16 may move the accuracy of a condition by less than this
GATE_CHANGED = 0.02  # and change fewer than this share of the predictions


@torch.no_grad()  # not inference_mode: what a model caches in its first pass must serve training
def predict(
    model: nn.Module,
    images: Tensor,
    *,
    batch_size: int = 512,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Logits (N, K), float32 on the CPU, of images (N, C, H, W): uint8, or float in [0, 1].

    The model is run in eval mode on the device where its weights are, in their precision, and each
    of its modules is left in the mode it was in. `dtype` torch.bfloat16 computes under autocast
    with the norms folded: ask `choose_dtype` whether it may. Raises ValueError for an empty batch,
    floats outside [0, 1] or NaN, another number of channels than the model's, and a model that
    fails on the first batch or gives anything else than logits (a field of that name, or alone).
    It does not see whether they depend on chance, or on the other images of a batch. Two threads
    may not ask one model at once, unless it is in eval mode: its modes are the model's own.
    """
    size = whole_number(batch_size, "batch_size")
    check_pass(model, images)
    with evaluating(model), devices.in_precision(device_of(model), dtype):
        network = model if dtype == torch.float32 else fold_norms(model)
        logits = [
            logits_of(network, model_input(model, batch)).cpu()  # (B, K)
            for batch in images.split(size)
        ]
    return torch.cat(logits)


def seconds_per_image(
    model: nn.Module, images: Tensor, *, repeats: int = 3, dtype: torch.dtype = torch.float32
) -> float:
    """The seconds that `predict` takes per image: the best of `repeats` calls on all `images`."""
    predict(model, images, dtype=dtype)  # the first call warms up and does not count
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(model, images, dtype=dtype)
        seconds.append(time.perf_counter() - start)
    return min(seconds) / len(images)


def fold_norms(model: nn.Module) -> nn.Module:
    """A copy of a model in eval mode with each norm multiplied into the convolution before it.

    Float32 logits agree to rounding, and a ResNet-18 in bfloat16 takes a seventh less time. Where
    torch.fx cannot trace the model, the model itself is returned.
    """
    try:
        return fuse(model)
    except Exception:  # tracing runs anybody's forward on stand-ins for tensors
        return model


def as_float(images: Tensor) -> Tensor:
    """Images as float32 in [0, 1]: uint8 is divided by 255, floats keep their values."""
    if images.dtype == torch.uint8:
        return images.float() / 255
    return images.float()


def check_pass(model: nn.Module, images: Tensor) -> None:
    """Raises ValueError unless model and images are what `predict` takes.

    The channels are compared with those of a network of ours; another one says so itself.
    """
    check_module(model)
    network = unwrapped(model)
    ours = isinstance(network, Normalised)
    check_model_input(images, channels=network.mean.shape[1] if ours else None)


def check_model_input(images: Tensor, *, channels: int | None) -> None:
    """Raises ValueError unless images are a batch (N, C, H, W) of uint8, or of floats in [0, 1]."""
    if not isinstance(images, Tensor):
        raise ValueError(
            f"images are a {type(images).__name__}: pass a tensor (N, C, H, W), such as "
            "torch.from_numpy(array)."
        )
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
    low = images.min().item()
    high = images.max().item()
    if not (low >= 0 and high <= 1):  # NaN fails here too
        raise ValueError(
            f"float images run from {low:.4g} to {high:.4g}: pass pixels in [0, 1]; "
            "the model normalises them itself."
        )


def choose_dtype(model: nn.Module, val: ImageSet) -> tuple[torch.dtype, dict]:
    """The precision to predict in, bfloat16 or float32, and a record of the reason.

    bfloat16 is chosen where the device is fast at it and it changes next to nothing on `val`. The
    record holds, per condition of GATE_CONDITIONS, by how much the accuracy moved and the share of
    predictions that changed, in fractions.
    """
    if not devices.fast_bf16(device_of(model)):
        return torch.float32, {"dtype": "float32", "reason": "no fast bfloat16 on this device"}
    checks = {}
    for name, severity in GATE_CONDITIONS:
        images = val.images if severity == 0 else corruptions.corrupt(val.images, name, severity)
        checks[f"{name}-{severity}"] = _cost_of_bfloat16(model, images, val.labels)
    passed = all(map(_is_harmless, checks.values()))
    dtype = torch.bfloat16 if passed else torch.float32
    name = str(dtype).removeprefix("torch.")
    return dtype, {"dtype": name, "n": len(val.labels), "checks": checks}


def _cost_of_bfloat16(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """{"accuracy_moved", "changed"} from float32 to bfloat16, fractions of the images."""
    exact = predict(model, images).argmax(1)  # (N,)
    rough = predict(model, images, dtype=torch.bfloat16).argmax(1)
    moved = (exact == labels).float().mean() - (rough == labels).float().mean()
    return {
        "accuracy_moved": abs(moved.item()),
        "changed": (exact != rough).float().mean().item(),
    }


def _is_harmless(check: dict[str, float]) -> bool:
    """Whether a check of bfloat16 stays within GATE_ACCURACY and GATE_CHANGED."""
    return check["accuracy_moved"] < GATE_ACCURACY and check["changed"] < GATE_CHANGED
