"""Spectra: Parseval's sum, a single wave, and the same picture at another side."""

import numpy as np
import pytest
import torch

from visionfail.studies.transfer import spectra


def wave(cycles, side):
    """One picture with so many cycles from left to right, floats (1, 1, side, side)."""
    x = torch.arange(side) / side
    return (0.5 + 0.25 * torch.cos(2 * np.pi * cycles * x)).expand(1, 1, side, side)


def test_a_wave_has_its_energy_at_its_cycles_and_its_mean_at_zero():
    spectrum = spectra.radial_spectrum(wave(5, 32))[0]
    assert spectrum[0] == pytest.approx(0.25)  # the mean, squared
    assert spectrum[5] == pytest.approx(0.25**2 / 2)  # the mean square of the wave
    assert np.delete(spectrum, [0, 5]) == pytest.approx(0, abs=1e-12)


def test_the_same_wave_at_another_side_has_the_same_energy():
    small = spectra.radial_spectrum(wave(5, 32))[0]
    large = spectra.radial_spectrum(wave(5, 128))[0]
    assert large[:17] == pytest.approx(small, abs=1e-6)


def test_energy_within_the_circle_sums_to_the_mean_square():
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    low = torch.fft.fft2(images.double())
    frequency = np.fft.fftfreq(32, d=1 / 32)
    radius = torch.from_numpy(np.hypot(frequency[:, None], frequency[None, :]).round())
    within = torch.fft.ifft2(low * (radius <= 16)).real  # corners of the square taken away
    spectrum = spectra.radial_spectrum(images)
    assert spectrum.sum(axis=1) == pytest.approx(within.square().mean((1, 2, 3)).numpy())


def test_detail_is_the_upper_half_of_the_originals_frequencies():
    spectrum = np.arange(65, dtype=float)[None]
    assert spectra.detail_energy(spectrum, side=32) == pytest.approx([sum(range(9, 17))])


def test_enlarging_keeps_low_frequencies_and_loses_high_ones():
    images = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    found = spectra.spectra_by_resizing(images.to(torch.uint8), side=128)
    assert set(found) == {"original", "bilinear", "bicubic", "bicubic-pil"}
    for name in ("bilinear", "bicubic", "bicubic-pil"):
        share = found[name][:, :17] / found["original"]
        assert share[:, 1:4].mean() > 0.8 and share[:, 12:17].mean() < 0.6
