"""Attacked answers are those to attacked images, and of one network and attack alone."""

import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail import attacks, models
from visionfail.studies import uneven

TEST = squares(30, seed=1)


@pytest.fixture(scope="module")
def network():
    config = models.TrainConfig(epochs=4, batch_size=50, peak_lr=0.05, flip=False, padding=0)
    narrow = models.build("resnet18", num_classes=10, width=8, **STATS, seed=0)
    return models.fit(narrow, squares(300, seed=0), TEST, config=config)[0]


def attacked(network, folder, *, name="pgd", weights="of this"):
    return uneven.load_or_attack(
        folder / "attacked.npz", network, TEST, name, weights=weights, state=folder
    )


@pytest.mark.parametrize("name", uneven.ATTACKS)
def test_answers_are_those_to_images_attacked_at_each_epsilon(network, tmp_path, name):
    outcomes, how = attacked(network, tmp_path, name=name)
    assert how == "computed" and len(outcomes.conditions) == 7
    for place in (0, 3, 6):
        epsilon = uneven.EPSILONS[place] / 255
        if place == 0:
            images = TEST.images
        elif name == "fgsm":
            images = attacks.fgsm(network, TEST.images, TEST.labels, epsilon=epsilon)
        else:
            images = attacks.pgd(
                network, TEST.images, TEST.labels, epsilon=epsilon, steps=20, seed=0
            )
        row = outcomes.at("clean" if place == 0 else name, place)
        assert np.array_equal(outcomes.predicted[row], models.predict(network, images).argmax(1))
    assert outcomes.made["attack"]["norm"] == "L-infinity"


def test_an_attack_is_loaded_for_its_own_network_and_settings_alone(network, tmp_path):
    attacked(network, tmp_path)
    assert attacked(None, tmp_path)[1] == "loaded"
    with pytest.raises(ValueError, match="weights"):
        attacked(network, tmp_path, weights="of another")  # its conditions are still in the folder
    (tmp_path / "attacked" / "identity.json").unlink()
    assert attacked(network, tmp_path, name="fgsm")[1] == "computed"


def test_an_unknown_attack_is_named(network):
    with pytest.raises(ValueError, match="choose one of fgsm, pgd"):
        uneven.attack_images(network, TEST, "cw", epsilon=0.1)


def test_the_smallest_epsilon_is_the_first_that_turns_an_answer():
    correct = np.ones((7, 4), dtype=bool)
    correct[2:, 0] = False
    correct[3, 1] = False  # right again further out: within 4 is also within 8
    correct[:, 2] = False
    assert uneven.smallest_epsilon(correct).tolist() == [1, 2, 0, np.inf]
    with pytest.raises(ValueError, match="7 epsilons"):
        uneven.smallest_epsilon(correct[:3])


def test_half_of_a_class_is_lost_between_two_epsilons():
    correct = np.ones((7, 6), dtype=bool)
    labels = np.array([0, 0, 0, 0, 1, 2])
    correct[3:, 0] = False  # of class 0 a quarter is turned at 2, all at 4
    correct[4:, :4] = False
    correct[:, 5] = False  # class 2 is never right
    halves = uneven.half_epsilons(correct, labels, np.ones((1, 6)), num_classes=4)
    third = (0.75 - 0.5) / 0.75
    assert halves[0, 0] == pytest.approx(2 ** (1 + third))
    assert halves[0, 1] == np.inf
    assert np.isnan(halves[0, 2:]).all()
    weighted = uneven.half_epsilons(correct, labels, [[3, 1, 0, 0, 1, 1]], num_classes=3)
    assert weighted[0, 0] == pytest.approx(2 ** ((1 - 0.5) / 0.75))


def test_bfloat16_gradients_are_another_attack(network, tmp_path):
    attacked(network, tmp_path)
    (tmp_path / "attacked" / "identity.json").unlink()
    _, how = uneven.load_or_attack(
        tmp_path / "attacked.npz",
        network,
        TEST,
        "pgd",
        weights="of this",
        state=tmp_path / "other",
        dtype=torch.bfloat16,
    )
    assert how == "computed"
