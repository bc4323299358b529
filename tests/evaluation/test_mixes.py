import dataclasses

import numpy as np
import pytest
import torch
from makers import squares

from visionfail import evaluation

CLEAN = dataclasses.replace(squares(300, seed=0), origin="official")
CONDITIONS = [("contrast", 3), ("contrast", 5), ("gaussian_noise", 5)]


def mixed(**changes):
    settings = {"clean_share": 0.5, "seed": 1} | changes
    return evaluation.mix_of_conditions(CLEAN, CONDITIONS, **settings)


def changed(mix):
    return (mix.images != CLEAN.images).flatten(1).any(1)


def test_about_the_asked_share_is_left_clean_and_labels_stay():
    mix = mixed()
    assert 0.4 < changed(mix).float().mean() < 0.6
    assert torch.equal(mix.labels, CLEAN.labels) and mix.origin == "regenerated"
    assert not changed(mixed(clean_share=1)).any()
    assert changed(mixed(clean_share=0)).all()


def test_each_condition_takes_about_its_part():
    mix = mixed(clean_share=0)
    severest = evaluation.mix_of_conditions(CLEAN, [("contrast", 5)], clean_share=0, seed=1)
    same = (mix.images == severest.images).flatten(1).all(1).numpy()
    assert 0.2 < same.mean() < 0.45  # a third; contrast draws nothing


def test_another_seed_is_another_draw_and_the_same_seed_the_same():
    assert torch.equal(mixed().images, mixed().images)
    assert not np.array_equal(changed(mixed()), changed(mixed(seed=2)))
    assert torch.equal(CLEAN.images, squares(300, seed=0).images)  # left as they were


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("changes", [{"clean_share": 1.5}, {"clean_share": -0.1}])
def test_a_share_outside_zero_and_one_is_refused(changes):
    with pytest.raises(ValueError, match="share from 0 to 1"):
        mixed(**changes)
    with pytest.raises(ValueError, match="at least one condition"):
        evaluation.mix_of_conditions(CLEAN, [], clean_share=0.5, seed=1)
