"""What resizing does to the frequencies of pictures."""

import numpy as np
import torch
from torch import Tensor

from visionfail import models
from visionfail.models.inputs import RESIZINGS, resized


def spectra_by_resizing(images: Tensor, *, side: int) -> dict[str, np.ndarray]:
    """{resizing: spectral energy (N, R)} of uint8 images (N, C, H, W) brought to `side` pixels.

    And "original", at their own side.
    """
    pixels = models.as_float(images)
    spectra = {"original": radial_spectrum(pixels)}
    for resizing in RESIZINGS:
        spectra[resizing] = radial_spectrum(resized(pixels, side=side, resizing=resizing))
    return spectra


def radial_spectrum(images: Tensor) -> np.ndarray:
    """The spectral energy of each image at each radius, float64 (N, R): r cycles a picture at r.

    images: floats (N, C, H, W), square; mean over channels; R = side / 2 + 1. The same picture at
    another side has the same energy.
    """
    side = images.shape[-1]
    energy = torch.fft.fft2(images.double()).abs().square().mean(dim=1).numpy()  # (N, H, W)
    energy /= side**4
    frequency = np.fft.fftfreq(side, d=1 / side)
    radius = np.hypot(frequency[:, None], frequency[None, :]).round().astype(int)  # (H, W)
    rings = np.zeros((len(images), side // 2 + 1))
    for ring in range(rings.shape[1]):
        rings[:, ring] = energy[:, radius == ring].sum(axis=1)
    return rings


def detail_energy(spectrum: np.ndarray, *, side: int) -> np.ndarray:
    """The energy (N,) in the upper half of the frequencies that pictures of `side` pixels have."""
    highest = side // 2  # cycles a picture
    return spectrum[:, highest // 2 + 1 : highest + 1].sum(axis=1)
