"""Hiding pixels hurts where the network reads them, and nowhere else."""

import numpy as np
import pytest
import torch
from makers import squares

from visionfail.explain.faithfulness import fall_when_hidden, fill_in
from visionfail.explain.maps import centred_blob, top_pixels

IMAGES = squares(6, seed=0).images


class ReadsOneQuadrant(torch.nn.Module):
    """Two logits: the brightness of the upper left quadrant, and its negative."""

    def __init__(self):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(20.0))

    def forward(self, images):
        brightness = images[:, :, :16, :16].mean((1, 2, 3)) - 0.3
        return self.gain * torch.stack([brightness, -brightness], dim=1)


def quadrant(row, column):
    """A map that is strong in one quarter of the picture, for each of six images."""
    maps = np.zeros((6, 32, 32))
    maps[:, row : row + 16, column : column + 16] = 1
    return maps


@pytest.fixture
def lit():
    """Grey pictures with a bright square inside the upper left quadrant."""
    images = torch.full((6, 3, 32, 32), 60, dtype=torch.uint8)
    images[:, :, 3:12, 3:12] = 250
    return images


def test_hiding_hurts_only_where_the_network_reads(lit):
    maps = [quadrant(0, 0), quadrant(0, 16), quadrant(16, 0), quadrant(16, 16)]
    hidden = [top_pixels(values).reshape(values.shape) for values in maps]
    falls = fall_when_hidden(ReadsOneQuadrant(), lit, np.zeros(6, dtype=int), hidden)
    assert (falls[0] > 1).all()
    assert np.allclose(falls[1:], 0)


def test_the_fall_is_that_of_the_logits(lit):
    model = ReadsOneQuadrant()
    hidden = top_pixels(quadrant(0, 0)).reshape(6, 32, 32)
    fall = fall_when_hidden(model, lit, np.zeros(6, dtype=int), [hidden])
    before = model(lit / 255)
    after = model(fill_in(lit, hidden))
    # with two classes the log-odds of one is the difference of the logits
    expected = (before[:, 0] - before[:, 1]) - (after[:, 0] - after[:, 1])
    assert np.allclose(fall[0], expected.detach(), atol=1e-5)


def test_hidden_pixels_are_weighted_means_of_their_neighbours():
    hidden = np.zeros((6, 32, 32), dtype=bool)
    hidden[:, 10:14, 10:15] = True
    filled = fill_in(IMAGES, hidden).numpy()
    shown = IMAGES.numpy() / 255
    assert np.allclose(filled[:, :, ~hidden[0]], shown[:, :, ~hidden[0]])
    for row in range(10, 14):
        for column in range(10, 15):
            expected = np.zeros((6, 3))
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    weight = {0: 0, 1: 1 / 6, 2: 1 / 12}[abs(down) + abs(right)]
                    expected += weight * filled[:, :, row + down, column + right]
            assert np.allclose(filled[:, :, row, column], expected, atol=1e-4)


def test_what_is_hidden_leaves_no_trace():
    other = IMAGES.clone()
    hidden = np.zeros((6, 32, 32), dtype=bool)
    hidden[:, 5:20, 8:25] = True
    other[:, :, 5:20, 8:25] = 255
    assert torch.equal(fill_in(IMAGES, hidden), fill_in(other, hidden))


def test_nothing_hidden_changes_nothing():
    nothing = np.zeros((6, 32, 32), dtype=bool)
    assert torch.equal(fill_in(IMAGES, nothing), IMAGES / 255)


def test_a_blob_is_a_disc_in_the_middle():
    blob = centred_blob(32, 32)
    assert blob.max() <= 1 and blob.min() == 0
    assert np.array_equal(blob, blob[::-1, ::-1]) and np.array_equal(blob, blob.T)
    chosen = top_pixels(blob[None]).reshape(32, 32)
    assert chosen.sum() == 205  # a fifth
    rows, columns = np.nonzero(chosen)
    assert np.hypot(rows - 15.5, columns - 15.5).max() < np.sqrt(205 / np.pi) + 1
