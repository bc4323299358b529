"""The random numbers: the hash against whole-number arithmetic, the draws against their laws."""

import numpy as np
import pytest
import torch
from scipy import stats

from visionfail.corruptions import draws, noise

CPU = torch.device("cpu")
MASK = 2**64 - 1


def keys(count=400, name="test", severity=1, seed=0, first_index=0):
    return draws.image_keys(
        name, severity, seed=seed, first_index=first_index, count=count, device=CPU
    )


def splitmix64(z):
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


def test_the_hash_is_splitmix64():
    # the first outputs of splitmix64 from state 1234567, as its authors' reference code prints them
    state = torch.arange(1, 4).mul_(draws.STEP).add_(1234567)
    words = [word & MASK for word in draws.scramble_(state).tolist()]
    assert words == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_draws_are_quarters_of_the_hash_of_key_and_number():
    image_keys = keys(5)
    drawn = draws.bits(image_keys, 10)
    for key, row in zip(image_keys.tolist(), drawn.tolist(), strict=True):
        words = [splitmix64((key + j * 0x9E3779B97F4A7C15) & MASK) for j in (1, 2, 3)]
        # read as a signed number and lifted by 2^15
        quarters = []
        for word in words:
            quarters += [((word >> shift) + 2**15) % 2**16 for shift in (0, 16, 32, 48)]
        assert row == quarters[:10]


def test_a_key_depends_on_seed_name_severity_and_index_alone():
    assert torch.equal(keys(10)[3:], keys(7, first_index=3))
    streams = [
        keys(),
        keys(seed=1),
        keys(name="tes"),
        keys(severity=2),
        keys(seed=-1),
        keys(first_index=400),
    ]
    assert len(set(torch.cat(streams).tolist())) == 6 * 400


def test_skipping_goes_on_where_the_first_draws_ended():
    assert torch.equal(draws.bits(keys(), 20)[:, 8:], draws.bits(keys(), 12, skip=8))


def test_draws_follow_their_laws():
    normal, uniform = (draw(keys(), 1000).double() for draw in (draws.normals, draws.uniforms))
    assert stats.kstest(normal.flatten().numpy(), "norm").pvalue > 0.01
    assert stats.kstest(uniform.flatten().numpy(), "uniform").pvalue > 0.01
    assert abs(normal.var().item() - 1) < 0.01
    assert abs((normal**4).mean().item() - 3) < 0.06
    assert 0 < uniform.min() < uniform.max() < 1


def test_draws_of_neighbouring_images_and_places_are_not_correlated():
    normal = draws.normals(keys(), 1000).double()
    bound = 4 / normal.numel() ** 0.5
    assert abs((normal[1:] * normal[:-1]).mean()) < bound
    for lag in (1, 2, 3, 4, 32):
        assert abs((normal[:, lag:] * normal[:, :-lag]).mean()) < bound


def test_the_normal_table_is_the_normal_quantile_function():
    index = np.array([0, 1, 77, 32767, 32768, 65535])
    table = draws.normal_quantiles(CPU).numpy()
    assert np.allclose(table[index], stats.norm.ppf((index + 0.5) / 65536), atol=1e-6)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_shot_noise_is_poisson_at_every_quantile(severity):
    levels = torch.tensor([0, 1, 60, 255])
    images = levels.to(torch.uint8).view(4, 1, 1, 1).expand(-1, 1, 256, 256)
    quantile = torch.arange(65536, dtype=torch.int32).view(1, 1, 256, 256).expand(4, -1, -1, -1)
    noisy = noise.shot_noise(images, severity, quantile=quantile)
    photons = (500, 250, 100, 75, 50)[severity - 1]
    counts = stats.poisson.ppf(
        (np.arange(65536) + 0.5) / 65536, levels[:, None].numpy() / 255 * photons
    )
    expected = np.uint8(np.clip(counts / photons, 0, 1) * 255)
    assert (
        noisy.flatten(1).numpy() != expected
    ).sum() <= 2  # a quantile can lie on a step to the last bit


def test_impulse_noise_is_half_salt_half_pepper():
    images = torch.full((1, 1, 256, 256), 100, dtype=torch.uint8)
    uniform = (torch.arange(65536).view(1, 1, 256, 256) + 0.5) / 65536
    for severity, amount in enumerate((0.01, 0.02, 0.03, 0.05, 0.07), start=1):
        out = noise.impulse_noise(images, severity, uniform=uniform)
        share = [(out == level).float().mean().item() for level in (0, 255, 100)]
        assert share == pytest.approx([amount / 2, amount / 2, 1 - amount], abs=2 / 65536)
