"""Answers are asked once, stored, and loaded where weights and images are the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail import devices, evaluation, models, paths, profiles
from visionfail.studies import uneven
from visionfail.studies.run import Run
from visionfail.studies.uneven import setup

SETS = {"train": squares(60, seed=0), "test": squares(40, seed=1)}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of the full profile that writes to a folder of its own."""
    monkeypatch.setattr(profiles, "FULL", replace(profiles.FULL, out=tmp_path))
    return Run(profile=profiles.FULL)


@pytest.fixture(scope="module")
def networks():
    return {
        seed: models.build("resnet18", num_classes=10, width=8, **STATS, seed=seed)
        for seed in (0, 1)
    }


def ask(run, networks, *, weights="of 0"):
    cards = {0: {"sha256": weights}, 1: {"sha256": "of 1"}}
    return uneven.load_or_ask(run, "svhn10k", "test", sets=SETS, networks=networks, cards=cards)


def test_answers_are_those_of_each_seed_and_are_stored(run, networks, monkeypatch):
    monkeypatch.setattr(setup.data, "pixel_sizes", lambda name, split: np.arange(40))
    answers, how = ask(run, networks)
    assert how == "computed"
    for seed, network in networks.items():
        logits = models.predict(network, SETS["test"].images)
        assert np.array_equal(answers.predicted[seed], logits.argmax(1))
        probability = logits.softmax(1).max(1).values.numpy()
        assert answers.confidence[seed] == pytest.approx(probability, abs=1e-3)
    assert answers.made["train_counts"] == np.bincount(SETS["train"].labels, minlength=10).tolist()
    assert answers.covariates["size in pixels"].tolist() == list(range(40))
    again, how = ask(run, {})  # asks no network
    assert how == "loaded" and np.array_equal(again.predicted, answers.predicted)


@pytest.mark.fault("results of another run")
def test_other_weights_are_asked_anew(run, networks, monkeypatch):
    monkeypatch.setattr(setup.data, "pixel_sizes", lambda name, split: None)
    answers, _ = ask(run, networks)
    assert "size in pixels" not in answers.covariates
    assert ask(run, networks, weights="another")[1] == "computed"


def test_maps_are_stored_too(run, networks, monkeypatch):
    monkeypatch.setattr(setup.data, "pixel_sizes", lambda name, split: None)
    answers, _ = ask(run, networks)
    measures, how = uneven.load_or_explain(run, networks, SETS, answers, mapped=6, hidden=2)
    assert how == "computed" and measures["entropy"].shape == (2, 40)
    assert uneven.load_or_explain(run, networks, SETS, answers, mapped=6, hidden=2)[1] == "loaded"
    assert uneven.load_or_explain(run, networks, SETS, answers, mapped=7, hidden=2)[1] == "computed"


@pytest.mark.fault("missing files and data")
def test_quick_shows_what_is_stored_or_says_that_nothing_is(run, networks, monkeypatch):
    monkeypatch.setattr(setup.data, "pixel_sizes", lambda name, split: None)
    quick = Run(profile=profiles.QUICK)
    with pytest.raises(FileNotFoundError, match="full profile"):
        ask(quick, {})
    answers, _ = ask(run, networks)
    shown, how = ask(quick, {})
    assert how == "loaded" and shown.made == answers.made


def test_cifar10s_answers_are_those_of_the_stored_sweeps():
    arrays = setup.ask_cifar10((1, 2), {}, SETS["test"])
    _, sweeps = evaluation.stored_sweeps(paths.RESULTS)
    for row, seed in enumerate((1, 2)):
        sweep = sweeps["resnet18", seed]
        assert np.array_equal(arrays["predicted"][row], sweep.predicted[sweep.at("clean", 0)])
        assert np.array_equal(arrays["log_odds"][row], sweep.log_odds[sweep.at("clean", 0)])


def test_a_network_of_cifar10_without_a_sweep_is_asked(networks):
    arrays = setup.ask_cifar10((99,), {99: networks[0]}, SETS["test"])
    logits = models.predict(networks[0], SETS["test"].images)
    assert np.array_equal(arrays["predicted"], logits.argmax(1)[None])
    with pytest.raises(ValueError, match="resnet18, seed 99: neither weights nor stored answers"):
        setup.ask_cifar10((1, 99), {}, SETS["test"])


def test_a_set_that_is_not_on_disk_is_empty_in_quick(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    quick = uneven.prepare("quick")
    assert quick.stored
    assert uneven.load_sets(quick, "svhn10k") == {}
    networks, cards = uneven.load_networks(quick, "svhn10k", {})
    assert networks == {} and 0 in cards


@pytest.mark.fault("devices")
def test_every_network_of_a_set_is_on_the_best_device(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "best_device", lambda: torch.device("meta"))
    quick = Run(profile=profiles.QUICK)
    for name in ("svhn10k", "cifar10"):
        found, _ = uneven.load_networks(quick, name, SETS)
        assert found
        assert all(models.device_of(network).type == "meta" for network in found.values())
