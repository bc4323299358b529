"""Attacked answers are those to attacked images, and of one network and attack alone."""

import shutil

import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail import attacks, devices, files, models
from visionfail.studies import uneven
from visionfail.studies.uneven import attacked as attacked_module
from visionfail.studies.uneven.attacked import PgdLadder

TEST = squares(30, seed=1)


@pytest.fixture(scope="module")
def network():
    config = models.TrainConfig(epochs=4, batch_size=50, peak_lr=0.05, flip=False, padding=0)
    narrow = models.build("resnet18", num_classes=10, width=8, **STATS, seed=0)
    return models.fit(narrow, squares(300, seed=0), TEST, config=config)[0]


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    monkeypatch.setattr(devices, "fast_bf16", lambda device: False)


def attacked(network, folder, *, name="pgd", weights="of this", val=TEST):
    return uneven.load_or_attack(
        folder / "attacked.npz", network, TEST, name, val=val, weights=weights, state=folder
    )


def images_at(folder, place):
    return torch.from_numpy(
        files.load_arrays(folder / "attacked" / f"images-{place}.npz")[0]["images"]
    )


def right(network, images):
    return models.predict(network, images).argmax(1) == TEST.labels


def test_fgsm_of_every_epsilon_is_that_along_its_own_gradient(network, tmp_path):
    outcomes, how = attacked(network, tmp_path, name="fgsm")
    assert how == "computed" and len(outcomes.conditions) == 7
    assert np.array_equal(outcomes.predicted[0], models.predict(network, TEST.images).argmax(1))
    for place in (1, 3, 6):
        images = attacks.fgsm(
            network, TEST.images, TEST.labels, epsilon=uneven.EPSILONS[place] / 255
        )
        assert np.array_equal(outcomes.predicted[place], models.predict(network, images).argmax(1))
    assert outcomes.made["attack"]["norm"] == "L-infinity"


def test_pgd_is_whole_at_the_headline_and_never_loses_an_image_it_had(network, tmp_path):
    outcomes, _ = attacked(network, tmp_path)
    clean = models.as_float(TEST.images)
    for place in range(1, 7):
        images = images_at(tmp_path, place)
        epsilon = uneven.EPSILONS[place] / 255
        assert (images - clean).abs().max() <= epsilon + 1e-6
        assert images.min() >= 0 and images.max() <= 1
        one_step = attacks.fgsm(network, TEST.images, TEST.labels, epsilon=epsilon)
        assert not (right(network, images) & ~right(network, one_step)).any()
        assert np.array_equal(outcomes.correct[place], right(network, images))
    assert (np.diff(outcomes.correct.astype(int), axis=0) <= 0).all()
    plain = attacks.pgd(network, TEST.images, TEST.labels, epsilon=8 / 255, steps=20, seed=0)
    assert torch.equal(images_at(tmp_path, 5), plain)
    assert outcomes.correct[0].any() and not outcomes.correct[-1].all()


def test_an_image_that_a_smaller_epsilon_turned_stays_turned(network, tmp_path, monkeypatch):
    ladder = PgdLadder(network, TEST, folder=tmp_path, dtype=torch.float32)
    before = attacks.pgd(network, TEST.images, TEST.labels, epsilon=16 / 255, steps=20, seed=0)
    turned = ~right(network, before)
    assert turned.any()
    failing = models.as_float(TEST.images)
    monkeypatch.setattr(attacks, "pgd", lambda model, images, *_, **__: models.as_float(images))
    after = ladder.climb_on(before, uneven.HEADLINE)
    assert torch.equal(after[turned], before[turned])
    assert torch.equal(after[~turned], failing[~turned])


@pytest.mark.fault("interrupted run")
def test_an_interrupted_attack_takes_up_the_images_it_left(network, tmp_path, monkeypatch):
    whole, _ = attacked(network, tmp_path / "whole")
    calls = []

    def stop_at_the_headline(*arguments, **settings):
        calls.append(settings["epsilon"])
        if settings["epsilon"] == 8 / 255:
            raise KeyboardInterrupt
        return attack_pgd(*arguments, **settings)

    attack_pgd = attacks.pgd
    monkeypatch.setattr(attacks, "pgd", stop_at_the_headline)
    with pytest.raises(KeyboardInterrupt):
        attacked(network, tmp_path)
    monkeypatch.setattr(attacks, "pgd", attack_pgd)
    resumed, _ = attacked(network, tmp_path)
    assert 0.5 / 255 in calls
    assert np.array_equal(resumed.log_odds, whole.log_odds)


@pytest.mark.fault("results of another run")
def test_an_attack_is_loaded_for_its_own_network_and_settings_alone(network, tmp_path):
    attacked(network, tmp_path)
    assert attacked(None, tmp_path)[1] == "loaded"
    with pytest.raises(ValueError, match="give the network"):
        attacked(None, tmp_path, weights="of another")
    with pytest.raises(ValueError, match="weights"):
        attacked(network, tmp_path, weights="of another")  # its conditions are still in the folder
    (tmp_path / "attacked" / "identity.json").unlink()
    with pytest.raises(ValueError, match=r"without the identity\.json"):
        attacked(network, tmp_path, name="fgsm")  # whose conditions are these?
    shutil.rmtree(tmp_path / "attacked")
    assert attacked(network, tmp_path, name="fgsm")[1] == "computed"


@pytest.mark.fault("bad arguments")
def test_an_unknown_attack_is_named(network):
    with pytest.raises(ValueError, match="choose one of fgsm, pgd"):
        uneven.attack_images(network, TEST, "cw", epsilon=0.1)


def test_the_part_that_pgd_attacks_keeps_groups_whole():
    groups = np.array([5, 5, 7, 7, 7, 2])
    assert uneven.attacked_part(groups, 6, at_least=3).tolist() == [0, 1, 2, 3, 4]
    assert uneven.attacked_part(None, 6, at_least=3).tolist() == [0, 1, 2]
    assert uneven.attacked_part(None, 6, at_least=9).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("spared", "chosen"), [(0, torch.bfloat16), (10, torch.float32)])
def test_bfloat16_is_taken_only_where_it_fools_as_often(network, monkeypatch, spared, chosen):
    def attack(model, images, name, *, epsilon, dtype=torch.float32):
        moved = attacks.fgsm(model, images.images, images.labels, epsilon=16 / 255)
        if dtype == torch.bfloat16:
            moved[:spared] = models.as_float(images.images[:spared])
        return moved

    monkeypatch.setattr(devices, "fast_bf16", lambda device: True)
    monkeypatch.setattr(attacked_module, "attack_images", attack)
    dtype, record = attacked_module.choose_dtype(network, TEST, "fgsm")
    assert dtype == chosen
    assert record["n"] == len(TEST)


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
