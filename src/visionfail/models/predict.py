"""A model's logits, computed once: every measure works on those."""

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
    left in the mode it was in. `dtype` torch.bfloat16 computes under autocast with the norms
    folded: ask `choose_dtype` whether it may. Raises ValueError for an empty batch, floats outside
    [0, 1] or NaN, and another number of channels than the model's.
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
    except TraceError:
        return model


def as_float(images: Tensor) -> Tensor:
    """Images as float32 in [0, 1]: uint8 is divided by 255, floats keep their values."""
    if images.dtype == torch.uint8:
        return images.float() / 255
    return images.float()


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
    if not devices.fast_bf16(next(model.parameters()).device):
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


def _channels(model: nn.Module) -> int | None:
    """The channels that a model takes, None where it does not carry its normalisation as ours."""
    mean = getattr(model, "mean", None)
    if isinstance(mean, Tensor) and mean.ndim == 4:
        return mean.shape[1]
    return None
