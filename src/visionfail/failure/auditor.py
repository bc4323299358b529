"""An auditor reads what a classifier's layers make of an input and says how likely its answer is
wrong.

It sees activations only, never confidence; it learns on images that the classifier did not learn
from, because on its own training images a classifier hardly errs. Whether it beats plain confidence
is measured, not assumed.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

EPOCHS, LEARNING_RATE, BATCH_SIZE, DROPOUT = 6, 1e-3, 128, 0.1


class Auditor(nn.Module):
    """Latents (N, D) -> log-odds of failure (N,): D-128-64-1 with ReLU and dropout, inputs
    standardised inside.
    """

    def __init__(self, features: np.ndarray):
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(features.mean(axis=0)).float())
        std = torch.from_numpy(features.std(axis=0)).float()
        self.register_buffer(
            "std", torch.where(std > 1e-6, std, 1.0)
        )  # a channel that never stirred stays as it is
        self.layers = nn.Sequential(
            nn.Linear(features.shape[1], 128), nn.ReLU(), nn.Dropout(DROPOUT),
            nn.Linear(128, 64), nn.ReLU(), nn.Dropout(DROPOUT),
            nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, latents: Tensor) -> Tensor:
        return self.layers((latents - self.mean) / self.std).squeeze(1)

    @torch.inference_mode()
    def score(self, features: np.ndarray) -> np.ndarray:
        """The probability of failure in [0, 1], float64 (N,), from latents (N, D)."""
        self.eval()
        device = self.mean.device
        return self(torch.from_numpy(features).float().to(device)).double().sigmoid().cpu().numpy()


def fit_auditor(
    features: np.ndarray, failed: np.ndarray, *, seed: int, epochs: int = EPOCHS
) -> Auditor:
    """An auditor trained by BCE on `failed` (N,) bool, failure = 1, from latents (N, D): Adam, a
    batch of 128.

    ValueError where all or none failed: then there is nothing to learn.
    """
    if failed.all() or not failed.any():
        raise ValueError(
            f"{failed.sum()} of {len(failed)} answers failed: an auditor needs both kinds to learn "
            "from."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # weights and dropout draw from the global generator
        auditor = Auditor(features)
        optimizer = torch.optim.Adam(auditor.parameters(), lr=LEARNING_RATE)
        x, y = torch.from_numpy(features).float(), torch.from_numpy(failed).float()
        for _ in range(epochs):
            auditor.train()
            for index in torch.randperm(len(x)).split(BATCH_SIZE):
                loss = binary_cross_entropy_with_logits(auditor(x[index]), y[index])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
    return auditor.eval()
