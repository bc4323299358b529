import dataclasses

import numpy as np
import pytest
import torch
from makers import random_outcomes, save_rows, squares

from visionfail.failure import Activations
from visionfail.studies.auditing import stored_ensemble
from visionfail.studies.auditing.held_out_families import mixed_severities


def of_two_networks():
    """Two stored sweeps, and the logits that the first is of, {condition: (N, 10)}."""
    answers, logits, _ = random_outcomes()
    other = dataclasses.replace(
        answers,
        predicted=answers.predicted[:, ::-1],
        log_odds=answers.log_odds[:, ::-1],
    )
    return {("resnet18", 0): answers, ("resnet18", 1): other}, logits


def test_each_image_stands_at_its_severity():
    answers, _, _ = random_outcomes()
    rows = stored_ensemble.stored_rows(answers, "fog")
    severities = mixed_severities(len(answers.labels), "fog")
    assert [answers.conditions[row] for row in rows] == [("fog", s) for s in severities]
    assert set(stored_ensemble.stored_rows(answers, "clean")) == {0}


def test_probabilities_are_those_of_softmax_where_they_are_stored():
    answers, logits, _ = random_outcomes()
    n = len(answers.labels)
    rows = stored_ensemble.stored_rows(answers, "fog")
    p = torch.stack([logits[row][k] for k, row in enumerate(rows)]).double().softmax(1).numpy()
    own = p.argmax(axis=1)
    for wanted in (own, answers.labels.astype(int)):
        given = stored_ensemble.probability_of(answers, "fog", wanted)
        assert np.allclose(given, p[np.arange(n), wanted], rtol=5e-3, atol=1e-4)
    # all ten classes share what there is
    total = sum(stored_ensemble.probability_of(answers, "fog", np.full(n, k)) for k in range(10))
    assert np.allclose(total, 1, atol=5e-3)


def test_the_score_is_about_the_answers_asked_for_and_frost_needs_the_present_texture():
    sweeps, _ = of_two_networks()
    first = sweeps["resnet18", 0]
    n = len(first.labels)
    asked = {"clean": first.predicted[0].astype(int), "frost": np.zeros(n, dtype=int)}
    current = {}
    for key, outcomes in sweeps.items():
        current[key] = dataclasses.replace(outcomes, made={"frost_texture": "needles"})
    scores = stored_ensemble.stored_ensemble_scores(current, asked)
    by_hand = [stored_ensemble.probability_of(s, "clean", asked["clean"]) for s in current.values()]
    assert np.allclose(scores["clean"], 1 - np.mean(by_hand, axis=0))
    alone = {("resnet18", 0): current["resnet18", 0]}
    mixed = {**alone, ("resnet18", 1): sweeps["resnet18", 1]}  # swept on the former texture
    of_one = stored_ensemble.stored_ensemble_scores(alone, asked)
    of_both = stored_ensemble.stored_ensemble_scores(mixed, asked)
    assert np.allclose(of_both["frost"], of_one["frost"])
    assert not np.allclose(of_both["clean"], of_one["clean"])


def sweeps_in(folder, images, severities):
    """A stored sweep of `images`, with its rows beside it, as notebook 03 leaves them."""
    outcomes, _, _ = random_outcomes(severities=severities, n=len(images))
    made = {"images": images.checksum(), "frost_texture": "needles", "dtype": "float32"}
    name = "cifar10c-resnet18-standard-s0"
    dataclasses.replace(outcomes, made=made).save(folder / f"{name}.npz")
    row = {"dataset": "cifar10c", "origin": "standin", "split": "test"}
    row.update({"model": "resnet18", "seed": 0, "condition": "clean", "metric": "accuracy"})
    row["value"] = 1.0
    save_rows([row], name, folder)


@pytest.mark.fault("results of another run")
@pytest.mark.parametrize(("severities", "whole"), [((1, 2, 3, 4, 5), True), ((1, 3, 5), False)])
def test_an_ensemble_needs_sweeps_of_these_images_at_every_severity(tmp_path, severities, whole):
    images = squares(60, seed=0)
    sweeps_in(tmp_path, images, severities)
    reading = Activations({}, np.zeros((60, 10)), np.zeros(60))
    found = stored_ensemble.ensemble_from_sweeps(tmp_path, images, {"fog": reading})
    assert bool(found) == whole
    others = squares(60, seed=1)
    assert stored_ensemble.ensemble_from_sweeps(tmp_path, others, {"fog": reading}) == {}


@pytest.mark.fault("results of another run")
def test_without_sweeps_of_these_images_there_is_no_ensemble(tmp_path):
    reading = Activations({}, np.zeros((3, 10)), np.zeros(3))
    assert stored_ensemble.ensemble_from_sweeps(tmp_path, None, {"clean": reading}) == {}
