"""The study of a set, from pictures to what is stored and shown."""

import dataclasses

import numpy as np
import pytest
import torch
from makers.risk import random_weights

from visionfail import data, files, profiles
from visionfail.data import ImageSet
from visionfail.risk import drift_power, heads, sets, setup, sheet, study
from visionfail.risk.config import RiskConfig
from visionfail.risk.pictures import CLASSES

CONFIG = RiskConfig(side=32, views=1, epochs=2, lr=0.01)


def test_classes_become_safe_and_unsafe_and_keep_their_names():
    images = data.load_or_standin("gtsrb", "val").first(40)
    unsafe = images.classes[:2]
    relabelled, kinds = sets.as_risk(images, unsafe)
    assert relabelled.classes == ("safe", "unsafe")
    assert [kind in unsafe for kind in kinds] == (relabelled.labels == 1).tolist()
    assert relabelled.groups is not None
    with pytest.raises(ValueError, match="no class sandwich"):
        sets.as_risk(images, ("sandwich",))


def test_the_unsafe_classes_are_classes_of_their_sets():
    for name, unsafe in sets.UNSAFE.items():
        assert set(unsafe) < set(data.CLASSES[name])


def test_counts_are_of_pictures_and_of_groups():
    images = data.load_or_standin("gtsrb", "val").first(30)
    relabelled, _ = sets.as_risk(images, images.classes[:2])
    table = setup.counts_table({"val": relabelled})
    assert table.pictures.sum() == 30 and table.groups.sum() == len(np.unique(relabelled.groups))
    assert table.share.sum() == pytest.approx(1)


@pytest.mark.slow
def test_what_is_stored_is_what_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "load_imagenet_weights", random_weights)
    monkeypatch.setattr(study, "ATTACKED", 10)
    monkeypatch.setattr(study, "REPEATS", 5)
    parts = {}
    kinds = {}
    for part, count in {"train": 120, "val": 60, "test": 60}.items():
        split = "heldout" if part == "test" else part
        drawn = data.load_or_standin("cifar10", "train" if part == "train" else "test")
        chosen = torch.arange(count) + (60 if split == "heldout" else 0)
        labelled, kinds[part] = sets.as_risk(drawn.at(chosen), drawn.classes[:4])
        pixels = labelled.images.clone()
        pixels[labelled.labels == 1, 0] //= 4  # untrained features see colour best
        parts[part] = dataclasses.replace(labelled, images=pixels)
    arrays, made = study.study(parts, kinds, CONFIG, folder=tmp_path / "state")
    path = tmp_path / "risk-shapes.npz"
    files.save_arrays(path, arrays, made={"set": "shapes", **made})
    found = study.studied_of(*files.load_arrays(path))
    assert set(found.scored) == {*sheet.conditions_for(32), sheet.ATTACK, sheet.INT8}
    int8 = found.scored[sheet.INT8].score
    assert np.abs(int8 - found.clean.score).max() < 0.2 and (int8 != found.clean.score).any()
    assert len(found.heads) == len(found.heads_val) == heads.HEADS
    assert found.brightness[found.clean.labels == 1].mean() < found.brightness.mean()
    assert len(found.clean.score) == 60
    attacked = found.scored[sheet.ATTACK].labels
    assert 0 < (attacked == 1).sum() <= 10
    assert (attacked == 0).sum() == (found.clean.labels == 0).sum()  # nobody attacks a safe one
    assert {row["claim"] for row in made["tables"]["values"]} == {"E5", "E6", "E7"}
    drifted = found.table("drift")
    assert drifted.n.unique().tolist() == [5] and set(drift_power.RARER) < set(drifted.condition)
    assert len(found.table("kinds")) == len(set(kinds["test"]))
    threshold = found.threshold(cost_ratio=10, max_miss=0.05, prevalence=0.1)
    assert 0 <= threshold.value <= 1 and not threshold.guaranteed


@pytest.mark.fault("results of another run")
def test_a_study_of_other_pictures_is_made_anew(tmp_path, monkeypatch):
    images = torch.arange(30, dtype=torch.uint8).reshape(30, 1, 1, 1).repeat(1, 3, 8, 8)
    labelled = ImageSet(images, torch.arange(30) % 2, CLASSES, "subset")
    parts = {"train": labelled, "val": labelled.first(20), "test": labelled.first(10)}
    there = [parts]

    def measured(parts, kinds, config, *, folder):
        sums = {part: images.checksum() for part, images in parts.items()}
        return {}, {"config": dataclasses.asdict(config), "checksums": sums}

    monkeypatch.setattr(study, "study_file", lambda name: tmp_path / f"{name}.npz")
    monkeypatch.setattr(study, "risk_sets", lambda name: (there[0], {}))
    monkeypatch.setattr(study, "study", measured)
    monkeypatch.setattr(study, "studied_of", lambda arrays, made: made["checksums"])

    def how(profile=profiles.FULL):
        return study.load_or_study("gtsrb", profile)[1]

    assert (how(), how()) == ("computed", "loaded")
    there[0] = {**parts, "test": labelled.first(11)}
    assert how(profiles.QUICK) == "loaded"  # which shows what is stored
    assert (how(), how()) == ("computed", "loaded")


def test_kinds_and_copies_are_counted_over_parts():
    images = torch.zeros(6, 3, 4, 4, dtype=torch.uint8)
    images[1:] = torch.arange(1, 6).reshape(5, 1, 1, 1)
    images[2] = images[1]  # a copy in its class
    images[3] = images[0]  # and one in the other
    groups = torch.tensor([0, 0, 1, 2, 3, 4])
    train = ImageSet(images, torch.tensor([0, 0, 0, 1, 1, 1]), CLASSES, "standin", groups=groups)
    test = ImageSet(
        images[4:5], torch.tensor([1]), CLASSES, "standin", groups=torch.zeros(1).long()
    )
    parts = {"train": train, "test": test}
    kinds = {"train": ("a", "a", "b", "c", "c", "c"), "test": ("c",)}
    found = setup.kinds_table(parts, kinds)
    assert found.kind.tolist() == ["a", "b", "c"] and found.pictures.tolist() == [2, 1, 4]
    assert found.groups.tolist() == [1, 1, 4]
    copies = setup.copies_table(parts).set_index("part")
    assert copies.loc["train"].tolist() == [2, 2, 1]
    assert copies.loc["test"].tolist() == [0, 0, 1]
