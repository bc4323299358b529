"""Activations, logits and labels of images, read from a classifier's layers by hooks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import devices, models

LAYERS = {
    "mnist_cnn": ("block1", "block2", "hidden"),  # 32 + 64 + 128 numbers an image
    "resnet18": ("layer1", "layer2", "layer3", "layer4"),  # 64 + 128 + 256 + 512
}


@dataclass(frozen=True, eq=False)
class Activations:
    """Latents {layer: float32 (N, D)}, logits float32 (N, K) and labels int64 (N,) of N images."""

    latents: dict[str, np.ndarray]
    logits: np.ndarray
    labels: np.ndarray

    @property
    def failed(self) -> np.ndarray:
        """Whether each answer was wrong, bool (N,)."""
        return self.logits.argmax(axis=1) != self.labels

    def features(self, layers: Sequence[str] | None = None) -> np.ndarray:
        """The latents of `layers`, or of all where none are named, side by side: (N, sum of D).

        "logits" can be named as a layer too.
        """
        columns = []
        for name in layers or self.latents:
            columns.append(self.logits if name == "logits" else self.latents[name])  # (N, D)
        return np.concatenate(columns, axis=1)

    def at(self, index: np.ndarray) -> "Activations":
        """The activations of the images that a mask (N,) or positions choose."""
        latents = {name: values[index] for name, values in self.latents.items()}
        return Activations(latents, self.logits[index], self.labels[index])


def concatenate(readings: Sequence[Activations]) -> Activations:
    """The images of several readings of the same layers one after another."""
    latents = {}
    for name in readings[0].latents:
        latents[name] = np.concatenate([reading.latents[name] for reading in readings])
    logits = np.concatenate([reading.logits for reading in readings])
    labels = np.concatenate([reading.labels for reading in readings])
    return Activations(latents, logits, labels)


@torch.inference_mode()
def extract(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    layers: Sequence[str],
    batch_size: int = 512,
    dtype: torch.dtype = torch.float32,
) -> Activations:
    """The activations of `model` in eval mode on images (N, C, H, W), with their labels (N,).

    `layers` are names of modules; outputs that are maps are averaged over the picture. Hooks are
    removed whatever happens. torch.bfloat16 runs under autocast: ask `models.choose_dtype` whether
    it may. ValueError for a layer that the model has not, and for images that `models.predict`
    refuses.
    """
    device = next(model.parameters()).device
    with _recording(model, layers) as outputs, devices.in_precision(device, dtype):
        logits = models.predict(model, images, batch_size=batch_size)
    latents = {name: torch.cat(batches).numpy() for name, batches in outputs.items()}
    return Activations(latents, logits.numpy(), labels.numpy())


@contextmanager
def _recording(model: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, list[Tensor]]]:
    """{layer: pooled outputs (B, D) of each batch}, filled by hooks for as long as the block runs.

    ValueError for a layer that the model has not.
    """
    modules = dict(model.named_modules())
    missing = [name for name in layers if name not in modules]
    if missing:
        raise ValueError(
            f"the model has no layer {missing[0]!r}: it has "
            f"{', '.join(dict(model.named_children()))}."
        )
    outputs: dict[str, list[Tensor]] = {name: [] for name in layers}
    handles = []
    for name in layers:
        handles.append(modules[name].register_forward_hook(_appending_to(outputs[name])))
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _appending_to(batches: list[Tensor]) -> Callable[[nn.Module, tuple, Tensor], None]:
    """A forward hook that appends a module's output, pooled to (B, D), to `batches`."""

    def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        batches.append(_pooled(output).cpu())

    return hook


def _pooled(output: Tensor) -> Tensor:
    """Maps (B, D, H, W) averaged over the picture, float32 (B, D); other outputs as float32."""
    if output.ndim == 4:
        return output.mean(dim=(2, 3), dtype=torch.float32)
    return output.float()
