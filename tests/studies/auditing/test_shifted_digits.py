import numpy as np
import pytest
import torch

from visionfail.corruptions import shifts
from visionfail.data import standins
from visionfail.studies.auditing import shifted_digits

DIGITS = standins.mnist_digits("test")
SAMPLE = shifted_digits.draw_shifted(DIGITS, count=1200, seed=7)


def test_draws_go_round_the_digits_and_every_pass_is_new():
    assert len(SAMPLE) == 1200
    assert np.array_equal(SAMPLE.digit, np.arange(1200) % 500)
    assert torch.equal(SAMPLE.labels, DIGITS.labels[SAMPLE.digit])
    assert (SAMPLE.kind[:500] != SAMPLE.kind[500:1000]).mean() > 0.5
    assert abs((SAMPLE.kind >= 0).mean() - 0.8) < 0.05


@pytest.mark.parametrize("place", [3, 510, 777, 1100])
def test_images_are_what_the_log_says(place):
    image = DIGITS.images[SAMPLE.digit[place]][None]
    draw = SAMPLE.log().iloc[place]
    name = draw["shift"]
    if name != "none":
        seed = 7 + place // 500
        image = shifts.shift(
            image, name, float(draw.strength), seed=seed, first_index=int(draw.digit)
        )
        low, high = shifts.RANGES[name]
        assert draw.parameter == pytest.approx(low + draw.strength * (high - low), rel=1e-5)
    assert torch.equal(SAMPLE.images[place], image[0])


def test_the_log_has_no_strength_and_no_parameter_where_there_is_no_shift():
    log = SAMPLE.log()
    unshifted = log[log["shift"] == "none"]
    assert len(unshifted) == (SAMPLE.kind < 0).sum()
    assert unshifted.strength.isna().all()
    assert unshifted.parameter.isna().all()


def test_no_digit_is_on_both_sides_of_the_split():
    learn, held = shifted_digits.split_by_digit(SAMPLE, share=0.8)
    assert (learn ^ held).all()
    assert not set(SAMPLE.digit[learn]) & set(SAMPLE.digit[held])
    assert len(set(SAMPLE.digit[learn])) == 400
    assert torch.bincount(SAMPLE.labels[torch.from_numpy(held)]).min() > 0
    held_sample = SAMPLE.at(held)
    assert len(held_sample) == held.sum()
    assert np.array_equal(held_sample.digit, SAMPLE.digit[held])


def test_slices_cover_every_digit_once_per_shift_and_thirds_are_thirds():
    samples = shifted_digits.samples_to_score(DIGITS, seed=100)
    assert set(samples) == {"clean", "mix", *shifts.SHIFTS}
    assert torch.equal(samples["clean"].images, DIGITS.images)
    slices = shifted_digits.slices_of(samples)
    assert len(slices) == 3 + 4 + 4 + 12
    for k, name in enumerate(shifts.SHIFTS):
        sample = samples[name]
        assert (sample.kind == k).all()
        assert np.array_equal(sample.digit, np.arange(500))
        masks = [slices[f"{name}, {word}"][1] for word in shifted_digits.THIRDS]
        assert (np.sum(masks, axis=0) == 1).all()
        assert sample.strength[masks[0]].max() <= 1 / 3
        assert sample.strength[masks[1]].min() >= 1 / 3


def test_the_slice_of_shifted_digits_is_what_is_shifted_in_the_mix():
    samples = shifted_digits.samples_to_score(DIGITS, seed=100)
    sample_name, mask = shifted_digits.slices_of(samples)["shifted"]
    assert sample_name == "mix"
    assert (samples["mix"].kind[mask] >= 0).all()
    assert (samples["mix"].kind[~mask] < 0).all()
