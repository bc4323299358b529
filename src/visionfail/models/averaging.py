"""The average of a network's weights over the steps, kept without a wait for the device."""

from collections import defaultdict
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class Average(AveragedModel):
    """torch's exponential average of weights and buffers, the same to the bit.

    torch copies the number of steps to the device at each of them, and waits for that; the number
    stays on the CPU here.
    """

    def __init__(self, model: nn.Module, *, decay: float):
        """The average of `model`, which begins with its next weights."""
        averaging = get_ema_multi_avg_fn(decay)
        super().__init__(model, multi_avg_fn=averaging, use_buffers=True)
        self.averaging = averaging

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the average towards the present weights of `model`; the first ones are copied."""
        by_dtype = defaultdict(lambda: ([], []))  # averages and present values, alike in kind
        first = bool(self.n_averaged == 0)
        for kept, present in zip(_tensors(self.module), _tensors(model), strict=True):
            if first:
                kept.copy_(present)
            averages, values = by_dtype[kept.dtype]
            averages.append(kept)
            values.append(present)
        for averages, values in by_dtype.values():
            if not first:
                self.averaging(averages, values, self.n_averaged)
        self.n_averaged += 1


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    """The values of a model's parameters and then of its buffers."""
    for tensor in (*model.parameters(), *model.buffers()):
        yield tensor.detach()
