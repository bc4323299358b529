import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from visionfail.corruptions import draws, shifts
from visionfail.data import standins

DIGITS = standins.mnist_digits("test").images[:60]


def rotated(image, degrees):
    """A digit turned by scipy: the same map, another implementation."""
    return ndimage.rotate(
        image.astype(float), degrees, reshape=False, order=1, mode="grid-constant"
    )


@pytest.mark.parametrize("name", shifts.SHIFTS)
def test_an_image_is_shifted_the_same_alone_in_sevens_and_in_one_batch(name):
    strength = torch.linspace(0, 1, len(DIGITS))
    in_one_batch = shifts.shift(DIGITS, name, strength, seed=3, first_index=5)
    sevens = [
        shifts.shift(DIGITS[i : i + 7], name, strength[i : i + 7], seed=3, first_index=5 + i)
        for i in range(0, len(DIGITS), 7)
    ]
    assert torch.equal(in_one_batch, torch.cat(sevens))
    alone = shifts.shift(DIGITS[31:32], name, strength[31:32], seed=3, first_index=36)
    assert torch.equal(in_one_batch[31:32], alone)
    assert not torch.equal(
        in_one_batch, shifts.shift(DIGITS, name, strength, seed=4, first_index=5)
    )


def test_rotation_is_that_of_scipy_to_either_side():
    keys = shifts.shift_keys(
        "rotation", len(DIGITS), seed=0, first_index=0, device=torch.device("cpu")
    )
    strength = torch.linspace(0, 1, len(DIGITS))
    ours = shifts.shift(DIGITS, "rotation", strength).numpy().astype(float)
    degrees = 20 + 60 * strength.numpy()
    signs = []
    for image, rotated_by_us, angle in zip(DIGITS[:, 0].numpy(), ours[:, 0], degrees, strict=True):
        error_to_one_side = np.abs(rotated(image, angle) - rotated_by_us).max()
        error_to_other_side = np.abs(rotated(image, -angle) - rotated_by_us).max()
        signs.append(1 if error_to_one_side <= error_to_other_side else -1)
        assert min(error_to_one_side, error_to_other_side) < 1.5  # grey levels: rounding
    drawn = np.where(draws.uniforms(keys, 1)[:, 0].numpy() < 0.5, -1, 1)
    assert (
        len(set(drawn * signs)) == 1
    )  # scipy may call the other side positive, but always the same
    assert 15 < sum(sign == 1 for sign in signs) < 45


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_noise_has_the_sigma_it_says_and_is_clipped(strength):
    grey = torch.full((200, 1, 28, 28), 128, dtype=torch.uint8)
    noisy = shifts.shift(grey, "noise", strength).double() / 255 - 128 / 255
    sigma = (0.3 + 0.5 * strength) * 0.3081
    variance = stats.norm(scale=sigma).expect(lambda x: np.clip(x, -128 / 255, 127 / 255) ** 2)
    assert noisy.mean().item() == pytest.approx(0, abs=0.002)
    assert noisy.std().item() == pytest.approx(variance**0.5, rel=0.01)


def test_noise_on_black_loses_its_lower_half():
    noisy = shifts.shift(torch.zeros(50, 1, 28, 28, dtype=torch.uint8), "noise", 1.0)
    assert (noisy == 0).double().mean().item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_disc_is_zero_and_as_large_as_it_says(strength):
    white = torch.full((300, 1, 28, 28), 255, dtype=torch.uint8)
    hidden = shifts.shift(white, "occlusion", strength) == 0
    radius = 6 + 12 * strength
    u = (
        draws.uniforms(
            shifts.shift_keys("occlusion", 300, seed=0, first_index=0, device=torch.device("cpu")),
            2,
        ).numpy()
        * 28
    )
    y, x = np.mgrid[:28, :28] + 0.5
    expected = [(y - cy) ** 2 + (x - cx) ** 2 <= radius**2 for cy, cx in u]
    assert (hidden[:, 0].numpy() == np.array(expected)).mean() > 0.9999
    assert u.min() < 1 and u.max() > 27  # centres lie anywhere in the picture


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_translation_moves_by_whole_pixels_in_every_direction(strength):
    dot = torch.zeros(400, 1, 28, 28, dtype=torch.uint8)
    dot[:, 0, 14, 14] = 200
    moved = shifts.shift(dot, "translation", strength)
    assert (moved.flatten(1).amax(1) == 200).all() and (moved > 0).sum() == 400
    offset = moved.flatten(1).argmax(1)
    down = offset // 28 - 14
    right = offset % 28 - 14
    distance = (down**2 + right**2).double().sqrt()
    assert (distance - 3 * strength).abs().max() <= 2**0.5 / 2
    if strength == 1:
        assert (
            len(set(zip(down.tolist(), right.tolist(), strict=True))) >= 16
        )  # all around the circle


def test_what_leaves_the_picture_is_gone_and_zeros_come_in():
    white = torch.full((20, 1, 28, 28), 255, dtype=torch.uint8)
    moved = shifts.shift(white, "translation", 1.0)
    assert ((moved == 0) | (moved == 255)).all() and (moved == 0).flatten(1).any(1).all()


def test_draws_have_the_odds_they_say_and_are_of_the_image_alone():
    kind, strength = shifts.draw(20_000, probability=0.8, seed=1)
    counts = torch.bincount(kind + 1, minlength=5).numpy()
    assert stats.chisquare(counts, [4000] * 5).pvalue > 1e-4
    assert stats.kstest(strength.numpy(), "uniform").pvalue > 1e-4
    later = shifts.draw(100, probability=0.8, seed=1, first_index=500)
    assert torch.equal(later[0], kind[500:600]) and torch.equal(later[1], strength[500:600])


def test_a_shift_can_be_left_out_of_the_draw():
    kind, _ = shifts.draw(4000, probability=1, kinds=["noise", "translation"])
    assert torch.bincount(kind, minlength=4)[[0, 2]].sum() == 0 and 1800 < (kind == 1).sum() < 2200


def test_drawn_shifts_are_those_of_shift():
    kind, strength = shifts.draw(len(DIGITS), seed=2)
    mixed = shifts.shift_drawn(DIGITS, kind, strength, seed=2)
    assert torch.equal(mixed[kind < 0], DIGITS[kind < 0])
    for number, name in enumerate(shifts.SHIFTS):
        all_of_it = shifts.shift(DIGITS, name, strength, seed=2)
        assert torch.equal(mixed[kind == number], all_of_it[kind == number])


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("name", shifts.SHIFTS)
def test_no_images_are_no_images_under_a_shift(name):
    nothing = shifts.shift(DIGITS[:0], name, 0.5)
    assert nothing.shape == (0, 1, 28, 28) and nothing.dtype == torch.uint8


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((DIGITS, "blur", 0.5), "unknown shift 'blur'"),
        ((DIGITS, "noise", 1.2), "not in"),
        ((DIGITS, "noise", float("nan")), "not in"),
        ((DIGITS, "noise", torch.zeros(3)), "one for each of 60"),
        ((DIGITS.float(), "noise", 0.5), "uint8"),
        ((DIGITS[0], "noise", 0.5), "uint8"),
    ],
)
def test_bad_input_is_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        shifts.shift(*arguments)
