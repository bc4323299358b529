"""Near duplicates: planted crops and mirror images are found, other pictures are not."""

import numpy as np
import pytest
import torch

from visionfail.studies.transfer import duplicates


def pictures(n, *, seed):
    """Blotches with texture, (n, 3, 32, 32): no two alike."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 8, 8, generator=generator).repeat_interleave(4, 2)
    fine = torch.rand(n, 3, 32, 32, generator=generator)
    values = 0.6 * coarse.repeat_interleave(4, 3) + 0.4 * fine
    return (255 * values).to(torch.uint8)


SEEN = pictures(40, seed=0)


def test_an_exact_a_mirrored_and_a_brighter_copy_are_found():
    test = pictures(4, seed=1)
    test[0] = SEEN[7]
    test[1] = SEEN[8].flip(2)
    test[2] = (0.8 * SEEN[9].float() + 20).to(torch.uint8)
    found = duplicates.find_nearest(test, SEEN, ladder=np.array([9, 8]))
    assert found.index[:3].tolist() == [7, 8, 9]
    assert found.exact.tolist() == [True, False, False, False]
    assert found.near().tolist() == [True, True, True, False]
    assert found.correlation[:3] == pytest.approx([1, 1, 1], abs=1e-3)
    assert found.learnt(8).tolist() == [True, False, False, False]
    assert found.learnt_by_ladder().tolist() == [False, True, True, False]


def test_correlation_is_numpys_over_all_pixels_and_channels():
    test = pictures(3, seed=1)
    found = duplicates.find_nearest(test, SEEN, ladder=np.array([9, 8]))
    for k in range(3):
        plain = [np.corrcoef(test[k].flatten(), other.flatten())[0, 1] for other in SEEN]
        mirrored = [np.corrcoef(test[k].flip(2).flatten(), o.flatten())[0, 1] for o in SEEN]
        best = np.maximum(plain, mirrored)
        assert found.index[k] == best.argmax()
        assert found.correlation[k] == pytest.approx(best.max(), abs=1e-5)


def test_two_skies_are_no_duplicates_for_their_colours_correlate():
    down = torch.linspace(250, 120, 32).view(1, 1, 32, 1).expand(41, 3, 32, 32)
    noise = 12 * torch.rand(41, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    skies = (down + noise - 6).clamp(0, 255).to(torch.uint8)
    found = duplicates.find_nearest(skies[:1], skies[1:], ladder=np.arange(3))
    assert found.correlation[0] > duplicates.NEAR  # by their colours alone they would be
    assert found.detail[0] < duplicates.SAME_DETAIL
    assert not found.near()[0]
