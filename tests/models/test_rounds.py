import copy
import dataclasses

import pytest
import torch
from makers import squares

from visionfail.models import checkpoints, recipes, rounds, training
from visionfail.models.training import TrainConfig

ROUND = TrainConfig(epochs=1, batch_size=50, ema_decay=0.9)
SETS = {"train": squares(200, seed=0), "val": squares(50, seed=1), "test": squares(70, seed=2)}


def get(tmp_path, **changes):
    arguments = {
        "arch": "resnet18",
        "width": 8,
        "rounds": (ROUND,),
        "recipe": "quick",
        "retrain": False,
    }
    arguments.update(changes)
    return rounds.load_or_train_rounds(
        tmp_path / "net", SETS, state=tmp_path / "state", **arguments
    )


def test_trains_once_then_loads(tmp_path):
    _, card, how = get(tmp_path)
    assert how == "trained"
    assert rounds.rounds_of(card) == (ROUND,) and len(card["history"]) == 1
    assert card["accuracy"]["test"]["n"] == 70 and card["accuracy"]["val"]["n"] == 50
    assert card["origin"] == "standin" and len(card["data_checksum"]["train"]) == 64
    assert not list((tmp_path / "state").iterdir())
    model, again, how = get(tmp_path)
    assert how == "loaded" and again == card and not model.training


def test_card_tells_the_accuracy_of_the_stored_half_precision_weights(tmp_path):
    get(tmp_path)
    model, card = checkpoints.load_checkpoint(tmp_path / "net")
    assert rounds.accuracy_with_interval(model, SETS["test"]) == card["accuracy"]["test"]
    assert card["test_looks"] == {"count": 1, "when": "when it was trained"}


@pytest.mark.fault("results of another run")
def test_another_configuration_or_retrain_trains_again(tmp_path):
    get(tmp_path)
    other = (dataclasses.replace(ROUND, peak_lr=0.05),)
    assert get(tmp_path, rounds=other)[2] == "trained"
    assert get(tmp_path, rounds=other)[2] == "loaded"
    assert get(tmp_path, rounds=other, retrain=True)[2] == "trained"


@pytest.mark.fault("results of another run")
def test_what_is_kept_is_not_trained_over(tmp_path):
    get(tmp_path, keep=True)
    before = {path: path.read_bytes() for path in tmp_path.glob("net.*")}
    assert get(tmp_path, keep=True)[2] == "loaded"
    other = (dataclasses.replace(ROUND, peak_lr=0.05),)
    with pytest.raises(ValueError, match=r"net\.json .*retrain=True.*it and its weights away"):
        get(tmp_path, rounds=other, keep=True)
    assert {path: path.read_bytes() for path in tmp_path.glob("net.*")} == before
    assert len(before) == 2


def test_a_second_round_goes_on_from_the_averaged_weights_of_the_first(tmp_path, monkeypatch):
    began_with = []
    returned = []
    fit = training.fit

    def watched(model, train, val, **options):
        began_with.append(copy.deepcopy(model.state_dict()))
        model, history = fit(model, train, val, **options)
        returned.append(copy.deepcopy(model.state_dict()))
        return model, history

    monkeypatch.setattr(training, "fit", watched)
    two = recipes.seeded_rounds((dataclasses.replace(ROUND, epochs=2), ROUND), 3)
    _, card, _ = get(tmp_path, rounds=two)
    assert [config.seed for config in rounds.rounds_of(card)] == [3, 103]
    assert [row["epoch"] for row in card["history"]] == [1, 2, 3]
    assert all(torch.equal(began_with[1][name], tensor) for name, tensor in returned[0].items())


@pytest.mark.fault("interrupted run")
def test_broken_off_in_the_second_round_it_resumes_and_ends_where_an_unbroken_run_ends(
    tmp_path, monkeypatch
):
    two = (ROUND, dataclasses.replace(ROUND, epochs=2))
    save = training.TrainingRun.save
    saved = []

    def broken(run, path):
        save(run, path)
        saved.append(path)
        if len(saved) == 2:
            raise KeyboardInterrupt

    unbroken, *_ = get(tmp_path / "unbroken", rounds=two)
    monkeypatch.setattr(training.TrainingRun, "save", broken)
    with pytest.raises(KeyboardInterrupt):
        get(tmp_path / "broken", rounds=two)
    resumed, *_ = get(tmp_path / "broken", rounds=two)
    assert len(saved) == 3  # one epoch of the first round, two of the second, none twice
    assert all(
        torch.equal(a, b) for a, b in zip(unbroken.parameters(), resumed.parameters(), strict=True)
    )
