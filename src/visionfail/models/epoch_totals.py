"""What an epoch of training sums up, shows beside its bar, and stops for."""

import math

import torch
from torch import Tensor
from tqdm import tqdm


class EpochTotals:
    """Loss and right answers summed over an epoch, on the device, until a value is asked for."""

    def __init__(self, device: torch.device):
        self.loss = torch.zeros((), dtype=torch.float32, device=device)
        self.right = torch.zeros((), dtype=torch.float32, device=device)
        self.images = 0

    def add(self, loss: Tensor, right: Tensor, *, images: int) -> None:
        """Add a batch: its mean loss, its number of right answers, its number of images."""
        self.loss += loss * images
        self.right += right
        self.images += images

    def mean_loss(self) -> float:
        """The mean loss per image so far."""
        return self.loss.item() / self.images

    def accuracy(self) -> float:
        """The share of right answers so far."""
        return self.right.item() / self.images


def check_finite(total: Tensor, loss: Tensor, *, epoch: int, step: int, rate: float) -> None:
    """Raises FloatingPointError where the summed loss of the epoch so far is not finite."""
    if not math.isfinite(total.item()):
        raise FloatingPointError(
            f"the loss is {loss.item()} by epoch {epoch + 1}, step {step}, learning rate "
            f"{rate:.4g}: lower peak_lr. The state of the last whole epoch is kept."
        )


def show_progress(bar: tqdm, totals: EpochTotals, *, seconds: float) -> None:
    """Show loss, accuracy and images per second of the epoch so far beside the bar."""
    bar.set_postfix(
        loss=f"{totals.mean_loss():.3f}",
        accuracy=f"{totals.accuracy():.3f}",
        images_s=f"{totals.images / seconds:.0f}",
    )
