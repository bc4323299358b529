import dataclasses

import pytest
from conftest import squares

from visionfail import checkpoints, data, evaluate, paths, reference, training
from visionfail.profiles import QUICK
from visionfail.sweep import Outcomes
from visionfail.training import TrainConfig

CONFIG = TrainConfig(epochs=1, batch_size=50, ema_decay=0.9)
CARDS = sorted(paths.MODELS.glob("*.json"))
SETS = {"train": squares(200, seed=0), "val": squares(50, seed=1), "test": squares(70, seed=2)}


def get(tmp_path, **changes):
    arguments = {"arch": "resnet18", "width": 8, "config": CONFIG, "recipe": "quick", "retrain": False} | changes
    return reference.load_or_train(tmp_path / "net", SETS, state=tmp_path / "state", **arguments)


def test_trains_once_then_loads(tmp_path):
    _, card, how = get(tmp_path)
    assert how == "trained"
    assert {"epochs", "peak_lr", "seed"} <= card["config"].keys() and len(card["history"]) == 1
    assert card["accuracy"]["test"]["n"] == 70 and card["accuracy"]["val"]["n"] == 50
    assert card["origin"] == "standin" and len(card["data_checksum"]["train"]) == 64
    assert not list((tmp_path / "state").iterdir())
    model, again, how = get(tmp_path)
    assert how == "loaded" and again == card and not model.training


def test_card_tells_the_accuracy_of_the_stored_half_precision_weights(tmp_path):
    get(tmp_path)
    model, card = checkpoints.load(tmp_path / "net")
    assert reference.score(model, SETS["test"]) == card["accuracy"]["test"]


def test_another_configuration_or_retrain_trains_again(tmp_path):
    get(tmp_path)
    other = dataclasses.replace(CONFIG, peak_lr=0.05)
    assert get(tmp_path, config=other)[2] == "trained"
    assert get(tmp_path, config=other)[2] == "loaded"
    assert get(tmp_path, config=other, retrain=True)[2] == "trained"


def test_quick_profile_trains_on_standins_where_no_real_images_are(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    sets = reference.cifar10(QUICK)
    assert {s.origin for s in sets.values()} == {"standin"} and len(sets["test"]) <= QUICK.test_images


@pytest.mark.realdata
def test_quick_profile_takes_real_images_where_they_are():
    sets = reference.cifar10(QUICK)
    assert {s.origin for s in sets.values()} == {"subset"} and len(sets["test"]) == QUICK.test_images


@pytest.mark.parametrize("path", CARDS, ids=lambda p: p.stem)
def test_committed_cards_fit_their_weights_and_the_recipe(path):
    _, card = checkpoints.load(path.stem)
    assert TrainConfig.of(card["config"]) == dataclasses.replace(reference.STANDARD, seed=card["config"]["seed"])
    assert card["origin"] == "official" and card["accuracy"]["test"]["n"] == 10_000


if CARDS:

    @pytest.mark.realdata
    @pytest.mark.parametrize("path", CARDS, ids=lambda p: p.stem)
    def test_accuracy_of_the_card_is_recomputed(path):
        model, card = checkpoints.load(path.stem)
        test = data.load("cifar10", "test")
        assert test.checksum() == card["data_checksum"]["test"]
        predicted = evaluate.predict(model, test.images).argmax(1).numpy()
        right = int((predicted == test.labels.numpy()).sum())
        assert abs(right - round(card["accuracy"]["test"]["value"] * 10_000)) <= 3
        stored = Outcomes.load(paths.RESULTS / f"cifar10c-{path.stem.removeprefix('cifar10-')}.npz")
        assert (stored.predicted[stored.at("clean", 0)] != predicted).sum() <= 3


def test_stem_is_the_house_style():
    assert reference.stem("cifar10", "resnet18", "standard", 0) == "cifar10-resnet18-standard-s0"
    assert training.TrainConfig().seed == 0
