"""Accuracy by epsilon under FGSM and PGD, of a few images: each image once, no seeds."""

from collections.abc import Sequence
from numbers import Real

import numpy as np
import pandas as pd
from torch import Tensor, nn

from visionfail import metrics
from visionfail.attacks import gradient
from visionfail.attacks.accepted import right_answers


def accuracy_by_epsilon(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilons: Sequence[float],
    steps: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """A row per attack, "fgsm" and "pgd", and epsilon of 255: value, lo, hi (Wilson), n.

    The value is the share of images (N, C, H, W) answered rightly. PGD attacks at each epsilon what
    is still right, for an attack within a smaller one is also within a larger. Epsilons ascend, 0
    (clean) among them or not. Errors are those of `gradient.fgsm`, and ValueError where they fall.
    """
    numbers = all(isinstance(epsilon, Real) for epsilon in epsilons)
    if not numbers or list(epsilons) != sorted(set(epsilons)):
        raise ValueError(f"epsilons {list(epsilons)}: pass different ones in ascending order.")
    rows = []
    standing = np.ones(len(images), dtype=bool)  # right under PGD so far, (N,)
    for epsilon in epsilons:
        moved = gradient.fgsm(model, images, labels, epsilon=epsilon / 255)
        rows.append(_row("fgsm", epsilon, right_answers(model, moved, labels)))
        if standing.any():
            left, truth = images[standing], labels[standing]
            size = {"epsilon": epsilon / 255, "steps": steps, "seed": seed}
            moved = gradient.pgd(model, left, truth, **size)
            standing[standing.copy()] = right_answers(model, moved, truth)
        rows.append(_row("pgd", epsilon, standing))
    return pd.DataFrame(rows)


def _row(attack: str, epsilon: float, right: np.ndarray) -> dict:
    """One row of `accuracy_by_epsilon`."""
    n = len(right)
    count = int(right.sum())
    lo, hi = metrics.wilson(count, n)
    row: dict[str, object] = {"attack": attack, "epsilon": epsilon, "value": count / n}
    row.update({"lo": float(lo), "hi": float(hi), "n": n})
    return row
