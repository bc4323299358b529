"""A test of a map's faithfulness: hide where it is strong, and see what becomes of the class.

Zeiler and Fergus 2014, arXiv:1311.2901; with pixels filled in from their neighbours as in ROAD,
Rong et al. 2022, arXiv:2202.00449, since a grey patch is a shape of its own.
"""

from collections.abc import Sequence

import numpy as np
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from torch import Tensor, nn

from visionfail import metrics, models


def fill_in(images: Tensor, hidden: np.ndarray) -> Tensor:
    """Images (N, C, H, W), uint8 or floats in [0, 1], with pixels `hidden` filled in.

    They are float32, on the CPU. `hidden` is bool (N, H, W). Each hidden pixel is a weighted mean
    of its eight neighbours, the hidden ones among them likewise: the shape of what was hidden
    leaves no edge.
    """
    imputer = NoisyLinearImputer(noise=0)
    filled = []
    for image, pixels in zip(models.as_float(images.cpu()), hidden, strict=True):
        shown = torch.from_numpy(~pixels).float()  # the library fills in where it is 0
        filled.append(imputer(image, shown).clamp(0, 1) if pixels.any() else image)
    return torch.stack(filled)


def fall_when_hidden(
    model: nn.Module, images: Tensor, classes: np.ndarray, hidden: Sequence[np.ndarray]
) -> np.ndarray:
    """By how much the log-odds of `classes` (N,) fall when pixels are filled in: float64 (K, N).

    Images are (N, C, H, W); `hidden` are K ways to hide pixels, each bool (N, H, W).
    """
    before = metrics.log_odds(models.predict(model, images), classes)  # (N,)
    falls = []
    for pixels in hidden:
        logits = models.predict(model, fill_in(images, pixels))
        falls.append(before - metrics.log_odds(logits, classes))
    return np.stack(falls)
