"""Faults that did harm without a word: each test failed before the code was mended."""

import threading

import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail import explain, failure, models
from visionfail.models import rounds
from visionfail.models.checkpoints import save_checkpoint
from visionfail.models.training import TrainConfig
from visionfail.studies import auditing

IMAGES = squares(6, seed=0).images
CARD = {"dataset": "standin", "arch": "resnet18", "width": 8, "classes": list("abcdefghij")}


def modes(model):
    return [module.training for module in model.modules()]


@pytest.mark.fault("a caller's model left as it was")
@pytest.mark.parametrize("look", ["predict", "extract", "gradcam"])
def test_a_frozen_norm_stays_frozen_in_a_training_network(tiny_model, look):
    tiny_model.train()
    tiny_model.layer2[0].bn1.eval()
    before = modes(tiny_model)
    if look == "predict":
        models.predict(tiny_model, IMAGES)
    elif look == "extract":
        failure.extract(tiny_model, IMAGES, torch.zeros(6, dtype=torch.long), layers=["layer1"])
    else:
        explain.gradcam(tiny_model, IMAGES, [0] * 6)
    assert modes(tiny_model) == before and not all(before)


@pytest.mark.fault("a write that fails")
@pytest.mark.parametrize("note", [np.float32(0.5), float("nan"), torch.zeros(1)])
def test_a_card_that_json_cannot_hold_loses_nothing(tiny_model, tmp_path, note):
    card = CARD | {"mean": list(STATS["mean"]), "std": list(STATS["std"])}
    save_checkpoint(tiny_model, tmp_path / "net", card=card)
    other = models.build("resnet18", num_classes=10, width=8, seed=1, **STATS)
    with pytest.raises(ValueError, match=r"net\.json cannot .* for its field 'note' .* turn"):
        save_checkpoint(other, tmp_path / "net", card=card | {"note": note})
    kept, _ = models.load(tmp_path / "net")
    assert torch.equal(kept.fc.weight, tiny_model.fc.weight.half().float())


@pytest.mark.fault("a write that fails")
@pytest.mark.parametrize("note", [np.float32(0.5), float("nan")])
def test_a_monitor_with_a_card_that_json_cannot_hold_loses_nothing(tmp_path, note):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 8)).astype(np.float32)
    logits = generator.normal(size=(60, 10)).astype(np.float32)
    reading = failure.Activations({"hidden": features}, logits, generator.integers(10, size=60))
    auditor = failure.Auditor(features)
    failure.save_monitor(tmp_path / "auditor", auditor, reading, reading, limits=[], card={})
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    other = failure.Auditor(features + 1)
    with pytest.raises(ValueError, match=r"auditor\.json cannot .* for its field 'note'"):
        card = {"note": note}
        failure.save_monitor(tmp_path / "auditor", other, reading, reading, limits=[], card=card)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.fault("interrupted run")
def test_ctrl_c_while_a_network_is_judged_leaves_no_card_without_accuracy(tmp_path, monkeypatch):
    sets = {"train": squares(80, seed=0), "val": squares(20, seed=1), "test": squares(20, seed=2)}
    config = TrainConfig(epochs=1, batch_size=40, peak_lr=0.05, ema_decay=0, padding=2)
    options = {"arch": "resnet18", "width": 8, "rounds": (config,), "recipe": "quick"}
    options |= {"state": tmp_path / "state", "retrain": False}
    measure = rounds.accuracy_with_interval

    def interrupted(model, images):
        raise KeyboardInterrupt

    monkeypatch.setattr(rounds, "accuracy_with_interval", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rounds.load_or_train_rounds(tmp_path / "net", sets, **options)
    assert len(list((tmp_path / "state").iterdir())) == 1 and not list(tmp_path.glob("net*"))
    monkeypatch.setattr(rounds, "accuracy_with_interval", measure)
    _, card, _ = rounds.load_or_train_rounds(tmp_path / "net", sets, **options)
    assert set(card["accuracy"]) == {"val", "test"} and len(card["history"]) == 1


@pytest.mark.fault("runs and visitors at once")
def test_visitors_of_the_demo_get_their_own_answers():
    monitor = failure.load_monitor()
    digits = auditing.demo_digits().images[:40]
    alone = [failure.monitor_answer(monitor, digits[k : k + 1]) for k in range(len(digits))]
    wrong, errors = [], []

    def visit(first):
        try:
            for k in range(first, len(digits), 20):
                if failure.monitor_answer(monitor, digits[k : k + 1]) != alone[k]:
                    wrong.append(k)
        except Exception as error:
            errors.append(error)

    for _ in range(3):
        visitors = [threading.Thread(target=visit, args=(first,)) for first in range(20)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
    assert wrong == [] and errors == []
