"""What an attack accepts: images in [0, 1], labels that the model has, an epsilon in pixels."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from visionfail import models


def check_attack(images: Tensor, labels: Tensor, epsilon: float) -> None:
    """ValueError unless epsilon is in [0, 1], images are too, and there is a label for each."""
    if not 0 <= epsilon <= 1:  # NaN fails here too
        hint = f" Did you mean {epsilon:g} / 255?" if epsilon > 1 else ""
        raise ValueError(
            f"epsilon is {epsilon}: give it in pixels of [0, 1], such as 8 / 255.{hint}"
        )
    models.check_model_input(images, channels=None)
    if labels.shape != (len(images),) or labels.dtype != torch.int64:
        raise ValueError(
            f"labels are {labels.dtype} {tuple(labels.shape)} for {len(images)} images: pass int64 "
            "(N,)."
        )


def batches(
    model: nn.Module, images: Tensor, labels: Tensor, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images as floats and labels on the model's device, batch by batch.

    ValueError for a label that the model has no logit for.
    """
    parameter = next(model.parameters())
    with torch.no_grad():
        num_classes = model(_as_input(images[:1], parameter)).shape[1]
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}: the model has "
            f"{num_classes} classes."
        )
    for batch, of_batch in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        yield _as_input(batch, parameter), of_batch.to(parameter.device)


def _as_input(images: Tensor, parameter: Tensor) -> Tensor:
    """Images as the model takes them: floats on its device, float64 where its weights are."""
    values = images.to(parameter.device)
    if not values.is_floating_point():
        values = models.as_float(values)
    dtype = torch.float64 if parameter.dtype == torch.float64 else torch.float32
    return values.to(dtype).contiguous(memory_format=torch.channels_last)
