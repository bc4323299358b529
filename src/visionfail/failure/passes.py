"""Failure scores that ask a network about the same image several times."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, pad

from visionfail import devices, models

DROPOUT = 0.2
PASSES = 30
MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))  # pixels to the right and down


@torch.inference_mode()
def mc_dropout_score(
    head: nn.Module, latents: np.ndarray, *, rate: float = DROPOUT, seed: int = 0
) -> np.ndarray:
    """1 - the mean probability (N,) of each answer when dropout is left on, over PASSES passes.

    `head` takes the latents (N, D) of the layer before it to logits; dropout is put between the
    two, and the answer is the one without it. Gal and Ghahramani 2016, arXiv:1506.02142; they train
    with dropout, so on a network that was trained without it this is an approximation.
    """
    device = next(head.parameters()).device
    known = torch.from_numpy(latents).to(device)
    with devices.seeded(seed, device), devices.in_precision(device, torch.float32):
        answers = head(known).argmax(1)  # (N,)
        total = torch.zeros(len(known), dtype=torch.float32, device=device)
        for _ in range(PASSES):
            probabilities = head(dropout(known, rate, training=True)).softmax(1)  # (N, K)
            total += _of_answers(probabilities, answers)
    return (1 - total / PASSES).cpu().double().numpy()


def moved_images_score(model: nn.Module, images: Tensor) -> np.ndarray:
    """1 - the mean probability (N,) of each answer over MOVES of the images, uint8 (N, C, H, W).

    That is test-time augmentation; the answer is the one to the image where it is, and what moves
    in from outside is black. Wang et al. 2019, doi:10.1016/j.neucom.2019.01.103.
    """
    answers = None
    total = torch.zeros(len(images), dtype=torch.float32, device="cpu")
    for right, down in MOVES:
        probabilities = models.predict(model, moved(images, right, down)).softmax(1)  # (N, K)
        if answers is None:  # MOVES begin with no move
            answers = probabilities.argmax(1)
        total += _of_answers(probabilities, answers)
    return (1 - total / len(MOVES)).double().numpy()


def moved(images: Tensor, right: int, down: int) -> Tensor:
    """The images (N, C, H, W) moved by whole pixels; black moves in."""
    return pad(images, [right, -right, down, -down])  # what is negative is cut off


def _of_answers(probabilities: Tensor, answers: Tensor) -> Tensor:
    """The probability (N,) of each answer (N,), of probabilities (N, K)."""
    return probabilities.gather(1, answers[:, None])[:, 0]
