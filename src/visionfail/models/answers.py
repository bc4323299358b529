"""What logits must be, whatever the model: finite, no probabilities, the same in every batch."""

import torch
from torch import Tensor, nn

from visionfail.models.anybody import input_dtype

ALIKE = 0.02  # of the largest logit: what is quantised by the batch moves by less


def check_logits_finite(logits: Tensor, *, where: str = "") -> None:
    """Raises ValueError, which says of how many images, unless logits (N, K) are finite.

    `where` is said after the images, such as " under fog".
    """
    bad = int((~logits.isfinite()).any(dim=1).sum())
    if bad:
        raise ValueError(
            f"logits of {bad} of {len(logits)} images{where} are not finite: look for what "
            "diverges in the model, or give it a higher precision."
        )


def check_no_probabilities(logits: Tensor) -> None:
    """Raises ValueError for what a softmax gives: its softmax would be no confidence."""
    if (logits >= 0).all() and (logits.sum(dim=1) - 1).abs().max() < 1e-3:
        raise ValueError(
            "the model gives probabilities, which sum to 1: pass the network without its softmax."
        )


def check_same_answers(
    answers: Tensor, again: Tensor, *, model: nn.Module, dtype: torch.dtype = torch.float32
) -> None:
    """Raises ValueError where finite logits of the same images (B, K), in two batches, differ.

    By more than rounding, that is, in the precision of the model and in `dtype`.
    """
    coarsest = max(torch.finfo(kind).eps for kind in (input_dtype(model), dtype))
    most = max(ALIKE, 8 * coarsest) * answers.abs().max()
    if (answers - again).abs().max() > most:
        raise ValueError(
            "the model gives the same image other logits when asked again in another batch: turn "
            "off what it draws at random in eval mode, and give its norms running statistics."
        )
