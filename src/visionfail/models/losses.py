"""Losses of logits (B, K) and labels, classes (B,) or shares of them (B, K)."""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import cross_entropy

# (logits, labels, weight=(K,) or None) -> scalar, as torch's cross_entropy
Loss = Callable[..., Tensor]


def focal_loss(gamma: float) -> Loss:
    """Cross-entropy in which sure right answers count less: each is weighed by (1 - p)^gamma.

    p is the probability of the label. gamma 0 is cross-entropy. ValueError for a negative gamma.
    Lin et al. 2017, arXiv:1708.02002.
    """
    if gamma < 0:
        raise ValueError(f"gamma is {gamma}: give 0, which is cross-entropy, or more.")

    def loss(logits: Tensor, labels: Tensor, *, weight: Tensor | None = None) -> Tensor:
        log_p = logits.float().log_softmax(1)  # (B, K)
        each = -((1 - log_p.exp()).clamp(min=0) ** gamma) * log_p  # (B, K)
        if weight is not None:
            each = each * weight
        if labels.ndim == 2:
            return (labels * each).sum(1).mean()
        of_label = each.gather(1, labels[:, None])[:, 0]  # (B,)
        if weight is None:
            return of_label.mean()
        return of_label.sum() / weight[labels].sum()  # the weighted mean, as torch takes it

    return loss if gamma else cross_entropy
