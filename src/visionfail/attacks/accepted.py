"""What an attack accepts: images in [0, 1], labels that the model has, epsilon; what is right."""

from collections.abc import Iterator
from math import inf
from numbers import Real

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import models


def check_attack(
    model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, *, batch_size: int = 1
) -> None:
    """ValueError unless epsilon is in [0, 1], images are too, and there is a label for each.

    And for a model that `models.predict` refuses without a pass.
    """
    if not isinstance(epsilon, Real):
        raise ValueError(
            f"epsilon is a {type(epsilon).__name__}: give one number, in pixels of [0, 1], such as "
            "8 / 255."
        )
    if not 0 <= epsilon <= 1:  # NaN fails here too
        hint = f" Did you mean {epsilon:g} / 255?" if epsilon > 1 else ""
        raise ValueError(
            f"epsilon is {epsilon}: give it in pixels of [0, 1], such as 8 / 255.{hint}"
        )
    models.whole_number(batch_size, "batch_size")
    models.check_pass(model, images)
    if not isinstance(labels, Tensor):
        raise ValueError(f"labels are a {type(labels).__name__}: pass a tensor, int64 (N,).")
    if labels.shape != (len(images),) or labels.dtype != torch.int64:
        raise ValueError(
            f"labels are {labels.dtype} {tuple(labels.shape)} for {len(images)} images: pass int64 "
            "(N,)."
        )


def check_ascent(steps: int, restarts: int, seed: int, step_size: float | None) -> None:
    """ValueError unless there are whole steps and restarts, a seed, and a size of steps or None."""
    models.whole_number(steps, "steps")
    models.whole_number(restarts, "restarts")
    models.whole_number(seed, "seed", least=0)
    if step_size is None:
        return
    if not isinstance(step_size, Real) or not 0 <= step_size < inf:  # NaN fails here too
        raise ValueError(
            f"step_size is {step_size!r}: give it in pixels of [0, 1], such as 2 / 255, or None."
        )


def batches(
    model: nn.Module, images: Tensor, labels: Tensor, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images as floats and labels on the model's device, batch by batch.

    The floats are float64 where the model's are, else float32: half of it would round epsilon.
    ValueError for a label that the model has no logit for, and for a model without logits.
    """
    network = models.unwrapped(model)
    size = models.whole_number(batch_size, "batch_size")
    with torch.no_grad():
        num_classes = logits_at(network, as_points(network, images[:1])).shape[1]
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}: the model has "
            f"{num_classes} classes."
        )
    for batch, of_batch in zip(images.split(size), labels.split(size), strict=True):
        # copies: what was made in inference mode bars gradients
        yield as_points(network, batch), of_batch.to(models.device_of(network), copy=True)


def as_points(model: nn.Module, images: Tensor) -> Tensor:
    """Images as an attack moves them: a copy in floats on the model's device, without a graph."""
    moved = images.detach().to(models.device_of(model))
    if moved.dtype == torch.uint8:
        moved = models.as_float(moved)
    is_double = models.input_dtype(model) == torch.float64
    exact = moved.to(torch.float64 if is_double else torch.float32)
    return exact.clone(memory_format=models.input_layout(model))


def logits_at(model: nn.Module, points: Tensor) -> Tensor:
    """Logits (B, K) of points, which stay as they are: float32, or float64 where it gives that."""
    batch = points.to(models.input_dtype(model)).clone()  # a model may work on it in place
    logits = models.own_logits(model, batch)
    return logits if logits.dtype == torch.float64 else logits.float()


def right_answers(model: nn.Module, images: Tensor, labels: Tensor) -> np.ndarray:
    """Whether each answer of the model is right, bool (N,), asked anew of the images."""
    return (models.predict(model, images).argmax(1) == labels.cpu()).numpy()
