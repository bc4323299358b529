"""An auditor: a small network that estimates from a classifier's latents how likely it is wrong.

It sees activations only, never confidence; it learns on images that the classifier did not learn
from, because on its own training images a classifier hardly errs. Whether it beats plain confidence
is measured, not assumed.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from visionfail import devices

EPOCHS = 6
LEARNING_RATE = 1e-3
BATCH_SIZE = 128
DROPOUT = 0.1
LEAST_STD = 1e-6  # a channel that varies no more than this is not scaled


class Auditor(nn.Module):
    """Latents (N, D) -> log-odds of failure (N,).

    D-128-64-1 with ReLU and dropout; latents are standardised inside.
    """

    mean: Tensor  # (D,)
    std: Tensor  # (D,)

    def __init__(self, features: np.ndarray):
        """An untrained auditor that standardises as features (N, D) say."""
        super().__init__()
        mean = torch.from_numpy(features.mean(axis=0)).float()
        std = torch.from_numpy(features.std(axis=0)).float()
        self.register_buffer("mean", mean)
        self.register_buffer("std", torch.where(std > LEAST_STD, std, 1.0))
        plain: dict[str, Any] = {"device": "cpu", "dtype": torch.float32}  # whatever the defaults
        self.layers = nn.Sequential(
            nn.Linear(features.shape[1], 128, **plain),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(128, 64, **plain),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(64, 1, **plain),
        )

    def forward(self, latents: Tensor) -> Tensor:
        """The log-odds of failure (N,) from latents (N, D)."""
        standardised = (latents - self.mean) / self.std
        return self.layers(standardised).squeeze(1)

    @torch.inference_mode()
    def score(self, features: np.ndarray) -> np.ndarray:
        """The probability of failure in [0, 1], float64 (N,), from latents (N, D).

        ValueError for latents of another width, or that are not finite.
        """
        _check_features(features, width=len(self.mean))
        self.eval()
        latents = torch.from_numpy(features).float().to(self.mean.device)
        with devices.in_precision(latents.device, torch.float32):
            log_odds = self(latents)  # (N,)
        return log_odds.cpu().double().sigmoid().numpy()


def fit_auditor(
    features: np.ndarray, failed: np.ndarray, *, seed: int, epochs: int = EPOCHS
) -> Auditor:
    """An auditor in eval mode, trained on latents (N, D) to predict `failed`, bool (N,).

    Binary cross-entropy with failure as 1, by Adam. ValueError where all or none failed: then there
    is nothing to learn; and for latents that are not finite or not as many as `failed`.
    """
    _check_features(features)
    failed = np.asarray(failed)
    if failed.dtype != bool or failed.shape != (len(features),):
        raise ValueError(
            f"failed is {failed.dtype} {failed.shape} for {len(features)} latents: pass one bool "
            "for each, predicted != labels."
        )
    if failed.all() or not failed.any():
        raise ValueError(
            f"{failed.sum()} of {len(failed)} answers failed: an auditor needs both kinds to learn "
            "from."
        )
    with (
        devices.seeded(seed),  # weights and dropout draw from the CPU's generator
        devices.able_to_learn(),  # Adam of torch 2.9 makes its count of steps on the default device
    ):
        latents = torch.from_numpy(features).float()
        targets = torch.from_numpy(failed).float()
        auditor = Auditor(features)
        optimizer = torch.optim.Adam(auditor.parameters(), lr=LEARNING_RATE)
        for _ in range(epochs):
            _train_epoch(auditor, optimizer, latents, targets)
    return auditor.eval()


def _check_features(features: np.ndarray, *, width: int | None = None) -> None:
    """Raises ValueError unless features are finite (N, D), with D = `width` where it is given."""
    if not isinstance(features, np.ndarray):
        raise ValueError(f"latents are a {type(features).__name__}: pass a numpy array (N, D).")
    if features.ndim != 2 or (width is not None and features.shape[1] != width):
        wanted = "D" if width is None else width
        raise ValueError(
            f"latents are {features.shape}: pass (N, {wanted}), those of the same layers."
        )
    if not np.isfinite(features).all():
        bad = int((~np.isfinite(features)).any(axis=1).sum())
        raise ValueError(
            f"latents of {bad} of {len(features)} images are not finite: name other layers, or "
            "look for what diverges in the model."
        )


def _train_epoch(
    auditor: Auditor, optimizer: torch.optim.Optimizer, latents: Tensor, targets: Tensor
) -> None:
    """Go once over latents (N, D) and targets (N,) in random order, a step each batch."""
    auditor.train()
    for batch in torch.randperm(len(latents), device="cpu").split(BATCH_SIZE):
        loss = binary_cross_entropy_with_logits(auditor(latents[batch]), targets[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
