"""An auditor: a small network that estimates from a classifier's latents how likely it is wrong.

It sees activations only, never confidence; it learns on images that the classifier did not learn
from, because on its own training images a classifier hardly errs. Whether it beats plain confidence
is measured, not assumed.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

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
        self.layers = nn.Sequential(
            nn.Linear(features.shape[1], 128),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(64, 1),
        )

    def forward(self, latents: Tensor) -> Tensor:
        """The log-odds of failure (N,) from latents (N, D)."""
        standardised = (latents - self.mean) / self.std
        return self.layers(standardised).squeeze(1)

    @torch.inference_mode()
    def score(self, features: np.ndarray) -> np.ndarray:
        """The probability of failure in [0, 1], float64 (N,), from latents (N, D)."""
        self.eval()
        latents = torch.from_numpy(features).float().to(self.mean.device)
        log_odds = self(latents)  # (N,)
        return log_odds.double().sigmoid().cpu().numpy()


def fit_auditor(
    features: np.ndarray, failed: np.ndarray, *, seed: int, epochs: int = EPOCHS
) -> Auditor:
    """An auditor in eval mode, trained on latents (N, D) to predict `failed`, bool (N,).

    Binary cross-entropy with failure as 1, by Adam. ValueError where all or none failed: then there
    is nothing to learn.
    """
    if failed.all() or not failed.any():
        raise ValueError(
            f"{failed.sum()} of {len(failed)} answers failed: an auditor needs both kinds to learn "
            "from."
        )
    latents = torch.from_numpy(features).float()
    targets = torch.from_numpy(failed).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # weights and dropout draw from the global generator
        auditor = Auditor(features)
        optimizer = torch.optim.Adam(auditor.parameters(), lr=LEARNING_RATE)
        for _ in range(epochs):
            _train_epoch(auditor, optimizer, latents, targets)
    return auditor.eval()


def _train_epoch(
    auditor: Auditor, optimizer: torch.optim.Optimizer, latents: Tensor, targets: Tensor
) -> None:
    """Go once over latents (N, D) and targets (N,) in random order, a step each batch."""
    auditor.train()
    for batch in torch.randperm(len(latents)).split(BATCH_SIZE):
        loss = binary_cross_entropy_with_logits(auditor(latents[batch]), targets[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
