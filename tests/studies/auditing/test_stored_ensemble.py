import dataclasses

import numpy as np
import pytest
import torch
from makers import random_outcomes, save_rows, squares

from visionfail import metrics
from visionfail.evaluation.outcomes import outcome_of_logits
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


def true_probabilities(logits, answers):
    """Softmax (N, 10) of the logits at each image's severity of fog."""
    rows = stored_ensemble.stored_rows(answers, "fog")
    chosen = torch.stack([logits[row][k] for k, row in enumerate(rows)])
    return chosen.double().softmax(1).numpy()


def test_probabilities_are_those_of_softmax_where_they_are_stored():
    answers, logits, _ = random_outcomes()
    n = len(answers.labels)
    p = true_probabilities(logits, answers)
    own = p.argmax(axis=1)
    for unstored in stored_ensemble.ENDS.values():
        for wanted in (own, answers.labels.astype(int)):
            given = stored_ensemble.probability_of(answers, "fog", wanted, unstored=unstored)
            assert np.allclose(given, p[np.arange(n), wanted], rtol=5e-3, atol=1e-4)
    # all ten classes share what there is
    total = np.zeros(n)
    for k in range(10):
        of_class = np.full(n, k)
        total += stored_ensemble.probability_of(answers, "fog", of_class, unstored="shared")
    assert np.allclose(total, 1, atol=5e-3)


def test_what_is_not_stored_lies_between_the_lowest_and_the_highest():
    answers, logits, _ = random_outcomes()
    p = true_probabilities(logits, answers)
    for k in range(10):
        of_class = np.full(len(p), k)
        ends = {}
        for unstored in ("lowest", "shared", "highest"):
            ends[unstored] = stored_ensemble.probability_of(
                answers, "fog", of_class, unstored=unstored
            )
        for between in (p[:, k], ends["shared"]):
            assert (ends["lowest"] <= between + 5e-3).all()
            assert (between <= ends["highest"] + 5e-3).all()
    assert (ends["lowest"] < ends["highest"] - 0.05).any()


def test_the_auroc_of_the_true_probabilities_lies_between_those_of_the_ends():
    first, _, labels = random_outcomes(n=400)
    generator = torch.Generator().manual_seed(1)
    rows = stored_ensemble.stored_rows(first, "fog")
    logits = torch.randn(400, 10, generator=generator)
    logits[torch.arange(400), labels] += 1
    stored = outcome_of_logits(logits, labels, temperature=1.0)
    fields = {name: getattr(first, name).copy() for name in stored}
    for name, values in stored.items():
        fields[name][rows, np.arange(400)] = values
    second = dataclasses.replace(first, **fields)
    asked = first.predicted[rows, np.arange(400)].astype(int)
    failed = asked != first.labels
    aurocs = {}
    for unstored in stored_ensemble.ENDS.values():
        p = stored_ensemble.probability_of(second, "fog", asked, unstored=unstored)
        aurocs[unstored] = metrics.auroc(1 - p, failed)
    truth = metrics.auroc(1 - logits.softmax(1).numpy()[np.arange(400), asked], failed)
    assert aurocs["highest"] + 0.02 < truth < aurocs["lowest"]
    assert aurocs["highest"] < aurocs["shared"] < aurocs["lowest"]


def test_the_score_is_about_the_answers_asked_for_and_frost_needs_the_present_texture():
    sweeps, _ = of_two_networks()
    first = sweeps["resnet18", 0]
    n = len(first.labels)
    asked = {"clean": first.predicted[0].astype(int), "frost": np.zeros(n, dtype=int)}
    current = {}
    for key, outcomes in sweeps.items():
        current[key] = dataclasses.replace(outcomes, made={"frost_texture": "needles"})
    scores = shared_scores(current, asked)
    by_hand = []
    for outcomes in current.values():
        by_hand.append(
            stored_ensemble.probability_of(outcomes, "clean", asked["clean"], unstored="shared")
        )
    assert np.allclose(scores["clean"], 1 - np.mean(by_hand, axis=0))
    alone = {("resnet18", 0): current["resnet18", 0]}
    mixed = {**alone, ("resnet18", 1): sweeps["resnet18", 1]}  # swept on the former texture
    assert set(stored_ensemble.members_under(mixed, "frost")) == set(alone)
    of_one = shared_scores(alone, asked)
    of_both = shared_scores(mixed, asked)
    assert np.allclose(of_both["frost"], of_one["frost"])
    assert not np.allclose(of_both["clean"], of_one["clean"])


def shared_scores(members, asked):
    return stored_ensemble.stored_ensemble_scores(members, asked, unstored="shared")


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
    named = [("resnet18", 0), ("resnet18", 1)]
    members = stored_ensemble.stored_members(tmp_path, images, networks=named)
    assert list(members) == ([("resnet18", 0)] if whole else [])
    reading = Activations({}, np.zeros((60, 10)), np.zeros(60))
    scores = stored_ensemble.ensemble_from_sweeps(members, {"fog": reading})
    assert list(scores) == (list(stored_ensemble.ENDS) if whole else [])
    others = squares(60, seed=1)
    assert stored_ensemble.stored_members(tmp_path, others, networks=named) == {}


def test_a_sweep_that_is_not_named_changes_no_ensemble(tmp_path):
    images = squares(60, seed=0)
    sweeps_in(tmp_path, images, (1, 2, 3, 4, 5))
    assert stored_ensemble.stored_members(tmp_path, images, networks=[("resnet18", 1)]) == {}


@pytest.mark.fault("results of another run")
def test_without_sweeps_of_these_images_there_is_no_ensemble(tmp_path):
    named = [("resnet18", 0)]
    assert stored_ensemble.stored_members(tmp_path, squares(3, seed=0), networks=named) == {}
    reading = Activations({}, np.zeros((3, 10)), np.zeros(3))
    assert stored_ensemble.ensemble_from_sweeps({}, {"clean": reading}) == {}
