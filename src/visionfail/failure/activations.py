"""Activations, logits and labels of images, read from a classifier's layers by hooks."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import devices, models

LAYERS = {
    "mnist_cnn": ("block1", "block2", "hidden"),  # 32 + 64 + 128 numbers an image
    "resnet18": ("layer1", "layer2", "layer3", "layer4"),  # 64 + 128 + 256 + 512
}
FEW = 2  # images on which a model is tried, and one more or one alone


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


@torch.no_grad()  # not inference_mode: see models.predict
def extract(
    model: nn.Module,
    images: Tensor,
    labels: Tensor | np.ndarray | Sequence[int],
    *,
    layers: Sequence[str],
    batch_size: int = 512,
    dtype: torch.dtype = torch.float32,
) -> Activations:
    """The activations of `model` in eval mode on images (N, C, H, W), with their labels (N,).

    `layers` are names of modules that are run once in a pass; outputs that are maps are averaged
    over the picture, tokens (N, T, D) over the tokens. Hooks are removed whatever happens.
    torch.bfloat16 runs under autocast: ask `models.choose_dtype` whether it may. ValueError for a
    layer that the model has not or that puts out something else, labels that do not fit, and for
    models and images that `models.predict` refuses, for probabilities instead of logits, and for
    logits that depend on chance or on the batch: all on the first few images, before the long pass.
    ValueError after it for logits that are not finite. Two threads may not read one model at once:
    its modes and hooks are the model's own.
    """
    size = models.whole_number(batch_size, "batch_size")
    models.check_pass(model, images)
    truth = models.class_numbers(labels, len(images), what="labels")
    options: dict[str, Any] = {"layers": layers, "dtype": dtype}
    if len(images) > 1:  # what is refused is refused before the long pass
        _try_out(model, images, truth, batch_size=size, **options)
    latents, logits = _read(model, images, batch_size=size, **options)
    models.check_logits_finite(logits)
    models.check_classes(truth, logits, what="labels")
    return Activations(latents, logits.numpy(), truth.numpy())


def _try_out(
    model: nn.Module,
    images: Tensor,
    truth: Tensor,
    *,
    layers: Sequence[str],
    batch_size: int,
    dtype: torch.dtype,
) -> None:
    """Raises ValueError for what `extract` refuses, by the first images in batches of two sizes.

    Sequences as long as a batch pass for its images in one of them, but not in both.
    """
    answers = []
    for size in _sizes_to_try(len(images), batch_size):
        _, logits = _read(model, images[:size], layers=layers, batch_size=size, dtype=dtype)
        models.check_logits_finite(logits)
        models.check_no_probabilities(logits)
        models.check_classes(truth, logits, what="labels")
        answers.append(logits[:1])
    first, again = answers
    models.check_same_answers(first, again, model=models.unwrapped(model), dtype=dtype)


def _sizes_to_try(count: int, batch_size: int) -> tuple[int, int]:
    """Two sizes of batches: FEW, and one image more, or one alone where such a batch will come."""
    few = min(FEW, batch_size)
    alone = few == 1 or few == count or count % batch_size == 1
    return few, 1 if alone else few + 1


def _read(
    model: nn.Module,
    images: Tensor,
    *,
    layers: Sequence[str],
    batch_size: int,
    dtype: torch.dtype,
) -> tuple[dict[str, np.ndarray], Tensor]:
    """(latents {layer: (N, D)}, logits (N, K)) of a pass over the images."""
    network = models.unwrapped(model)  # what is compiled would pass over the hooks
    logits = []
    with (
        torch.compiler.set_stance("force_eager"),  # first: it acts when it is made
        models.evaluating(network),
        _recording(model, layers) as records,
        devices.in_precision(models.device_of(network), dtype),
    ):
        for batch in images.split(batch_size):
            pixels = models.model_input(network, batch)
            logits.append(models.logits_of(network, pixels).cpu())
            for record in records.values():
                record.keep(network, pixels)
    latents = {name: torch.cat(record.latents).numpy() for name, record in records.items()}
    return latents, torch.cat(logits)


@contextmanager
def _recording(model: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, "_Record"]]:
    """{layer: its record}, filled by hooks for as long as the block runs.

    ValueError for a layer that the model has not, and for no layer.
    """
    if isinstance(layers, str) or not isinstance(layers, Sequence) or not layers:
        raise ValueError(f"layers are {layers!r}: pass a list of names, such as ['layer4'].")
    records = {name: _Record(name, models.layer_named(model, name)) for name in layers}
    with ExitStack() as hooks:
        for record in records.values():
            hooks.enter_context(record.layer.register_forward_hook(record.hook))
        yield records


class _Record:
    """What a layer puts out, and its latents: float32 (B, D) on the CPU of each batch."""

    def __init__(self, name: str, layer: nn.Module) -> None:
        self.name = name
        self.layer = layer
        self.outputs: list[Any] = []  # of the present batch
        self.latents: list[Tensor] = []

    def hook(self, module: nn.Module, inputs: tuple, output: Any) -> None:
        """Keep an output as it is now: what follows may change it in place."""
        self.outputs.append(output.clone() if isinstance(output, Tensor) else output)

    def keep(self, network: nn.Module, images: Tensor) -> None:
        """Make latents of the batch's output; ValueError where there is not one row an image."""
        models.check_run_once(self.name, len(self.outputs))
        output = self.outputs.pop()
        if isinstance(output, Tensor) and output.ndim == 1 and len(output) > len(images) == 1:
            output = output[None]  # it squeezes a batch of one
        is_floats = isinstance(output, Tensor) and output.is_floating_point()
        if not is_floats or output.ndim not in (2, 3, 4) or len(output) != len(images):
            raise ValueError(
                f"layer {self.name!r} puts out {models.describe_output(output)} for {len(images)} "
                "images: name one with maps (N, C, H, W), tokens (N, T, D) or vectors (N, D)."
            )
        self.latents.append(self._pooled(network, output, images).cpu())

    def _pooled(self, network: nn.Module, output: Tensor, images: Tensor) -> Tensor:
        """Maps and tokens averaged over all but their channels, float32 (B, D)."""
        if output.ndim == 2:
            return output.float()
        axis = models.channel_axis(network, self.layer, output, images, name=self.name)
        averaged = tuple(k for k in range(1, output.ndim) if k != axis)
        return output.mean(dim=averaged, dtype=torch.float32)
