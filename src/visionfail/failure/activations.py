"""What a classifier's layers make of images: activations, logits and labels."""

from collections.abc import Sequence
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
    """What a classifier made of N images: latents {layer: float32 (N, D)}, logits (N, K), labels
    int64 (N,).
    """

    latents: dict[str, np.ndarray]
    logits: np.ndarray
    labels: np.ndarray

    @property
    def failed(self) -> np.ndarray:
        """(N,) bool: the classifier's answer was wrong."""
        return self.logits.argmax(axis=1) != self.labels

    def features(self, layers: Sequence[str] | None = None) -> np.ndarray:
        """The latents of `layers` (all of them where none are named) side by side: (N, D). "logits"
        is one too.
        """
        parts = [
            self.logits if name == "logits" else self.latents[name]
            for name in layers or self.latents
        ]
        return np.concatenate(parts, axis=1)

    def at(self, index: np.ndarray) -> "Activations":
        """The reading of some of the images."""
        latents = {name: values[index] for name, values in self.latents.items()}
        return Activations(latents, self.logits[index], self.labels[index])


def concatenate(readings: Sequence[Activations]) -> Activations:
    """Readings of the same layers one after another."""
    latents = {
        name: np.concatenate([one.latents[name] for one in readings])
        for name in readings[0].latents
    }
    logits, labels = (
        np.concatenate([getattr(one, part) for one in readings]) for part in ("logits", "labels")
    )
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
    """Run `model` in eval mode on images (N, C, H, W) and keep its logits and what `layers`, names
    of modules, put out, averaged over the picture where that is a map. Hooks are removed whatever
    happens. torch.bfloat16 runs under autocast: ask `models.choose_dtype` whether it may.

    ValueError for a layer that the model has not, and for images that `models.predict` refuses.
    """
    modules = dict(model.named_modules())
    missing = [name for name in layers if name not in modules]
    if missing:
        raise ValueError(
            f"the model has no layer {missing[0]!r}: it has "
            f"{', '.join(dict(model.named_children()))}."
        )
    kept: dict[str, list[Tensor]] = {name: [] for name in layers}

    def keep(name: str):
        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            pooled = (
                output.mean(dim=(2, 3), dtype=torch.float32) if output.ndim == 4 else output.float()
            )
            kept[name].append(pooled.cpu())

        return hook

    handles = [modules[name].register_forward_hook(keep(name)) for name in layers]
    device = next(model.parameters()).device
    try:
        with devices.in_precision(device, dtype):
            logits = models.predict(model, images, batch_size=batch_size)
    finally:
        for handle in handles:
            handle.remove()
    return Activations(
        {name: torch.cat(parts).numpy() for name, parts in kept.items()},
        logits.numpy(),
        labels.numpy(),
    )
