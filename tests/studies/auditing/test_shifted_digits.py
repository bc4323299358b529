import numpy as np
import pytest
import torch

from visionfail.corruptions import shifts
from visionfail.data import standins
from visionfail.studies.auditing import shifted_digits

DIGITS = standins.mnist_digits("test")
SAMPLE = shifted_digits.draw_shifted(DIGITS, count=1200, seed=7)


def test_draws_go_round_the_digits_and_every_pass_is_new():
    assert len(SAMPLE) == 1200 and np.array_equal(SAMPLE.digit, np.arange(1200) % 500)
    assert torch.equal(SAMPLE.labels, DIGITS.labels[SAMPLE.digit])
    assert (SAMPLE.kind[:500] != SAMPLE.kind[500:1000]).mean() > 0.5
    assert abs((SAMPLE.kind >= 0).mean() - 0.8) < 0.05


def test_images_are_what_the_log_says():
    log = SAMPLE.log()
    for row in (3, 510, 777, 1100):
        image, drawn = DIGITS.images[SAMPLE.digit[row]][None], log.iloc[row]
        if drawn["shift"] != "none":
            index = {"seed": 7 + row // 500, "first_index": int(drawn.digit)}
            image = shifts.shift(image, drawn["shift"], float(drawn.strength), **index)
            low, high = shifts.RANGES[drawn["shift"]]
            assert drawn.parameter == pytest.approx(low + drawn.strength * (high - low), rel=1e-5)
        assert torch.equal(SAMPLE.images[row], image[0])
    none = log[log["shift"] == "none"]
    assert none.strength.isna().all() and none.parameter.isna().all()


def test_no_digit_is_on_both_sides_of_the_split():
    learn, held = shifted_digits.split_by_digit(SAMPLE, share=0.8)
    assert not set(SAMPLE.digit[learn]) & set(SAMPLE.digit[held]) and (learn ^ held).all()
    assert len(set(SAMPLE.digit[learn])) == 400
    assert torch.bincount(SAMPLE.labels[torch.from_numpy(held)]).min() > 0
    assert len(SAMPLE.at(held)) == held.sum() and np.array_equal(
        SAMPLE.at(held).digit, SAMPLE.digit[held]
    )


def test_slices_cover_every_digit_once_a_shift_and_thirds_are_thirds():
    samples = shifted_digits.samples_to_score(DIGITS, seed=100)
    assert set(samples) == {"clean", "mix", *shifts.SHIFTS}
    assert torch.equal(samples["clean"].images, DIGITS.images)
    found = shifted_digits.slices_of(samples)
    assert len(found) == 3 + 4 + 12
    for k, name in enumerate(shifts.SHIFTS):
        assert (samples[name].kind == k).all() and np.array_equal(
            samples[name].digit, np.arange(500)
        )
        thirds = np.stack([found[f"{name}, {word}"][1] for word in shifted_digits.THIRDS])
        assert (thirds.sum(axis=0) == 1).all()
        assert (
            samples[name].strength[thirds[0]].max()
            <= 1 / 3
            <= samples[name].strength[thirds[1]].min()
        )
    which, mask = found["shifted"]
    assert (
        which == "mix"
        and (samples["mix"].kind[mask] >= 0).all()
        and (samples["mix"].kind[~mask] < 0).all()
    )
