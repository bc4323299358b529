"""Attacked answers, health card, restarts and the defended network: made once, stored, loaded."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from makers import STATS, squares
from makers.attacked import Templates, faint_squares
from torch import nn

from visionfail import attacks, data, devices, evaluation, files, models, paths, profiles
from visionfail.models import checkpoints, training
from visionfail.studies import uneven
from visionfail.studies.run import Run
from visionfail.studies.uneven import attack_setup, attacked, defended, noticed
from visionfail.studies.uneven.seed_answers import SeedAnswers

PART = 12  # images that PGD attacks at least
GROUPS = torch.arange(20) // 5  # the twelfth image's group ends with the fifteenth
EPSILON = 4 / 255


class Unused(nn.Module):
    """A network that must not be asked."""

    def forward(self, x):
        raise AssertionError("what is stored is computed again")


class Rippled(nn.Module):
    """Answers 1 in place of 0 where the first pixel is on the top of one of the highest ripples.

    There are several ripples within reach, and no step of an attack sees what is behind the next
    one, so that it counts where the attack starts.
    """

    def __init__(self):
        super().__init__()
        self.frequency = nn.Parameter(torch.tensor(2 * torch.pi * 255 / 3))  # three grey levels

    def forward(self, x):
        place = self.frequency * x[:, 0, 0, 0]
        height = torch.sin(place) + torch.sin(0.37 * place + 1) - 1.7
        return torch.nn.functional.pad(torch.stack([0 * height, height], dim=1), (0, 8), value=-9)


SETS = {
    "train": faint_squares(40, seed=2),
    "val": faint_squares(10, seed=3),
    "test": replace(faint_squares(20, seed=1, mislabelled=2), groups=GROUPS),
}


@pytest.fixture(autouse=True)
def small_and_apart(tmp_path, monkeypatch):
    """Folders of the test's own for all that is written, a smaller part, and float32."""
    monkeypatch.setattr(profiles, "FULL", replace(profiles.FULL, out=tmp_path))
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(paths, "MODELS", tmp_path / "models")
    monkeypatch.setattr(devices, "fast_bf16", lambda device: False)
    part = partial(attacked.attacked_part, at_least=PART)
    monkeypatch.setattr(attack_setup, "attacked_part", part)
    monkeypatch.setattr(attack_setup, "CHECKED", 8)


@pytest.fixture
def full():
    return Run(profile=profiles.FULL)


@pytest.fixture
def quick():
    return Run(profile=profiles.QUICK)


@pytest.fixture(scope="module")
def networks():
    learnt = faint_squares(200, seed=0)
    return {seed: Templates(learnt, noise=0.02, seed=seed) for seed in (0, 1)}


def cards_of(*seeds, dataset="svhn10k", recipe="standard"):
    """{seed: what is asked of a card}."""
    return {
        seed: {"dataset": dataset, "recipe": recipe, "sha256": f"weights of {seed}"}
        for seed in seeds
    }


def clean_answers():
    """Answers to the test images as a notebook has them, of other networks."""
    images = SETS["test"]
    predicted = np.zeros((1, len(images)), dtype=np.int64)
    made = {"dataset": "svhn10k", "split": "test", "seeds": [5]}
    made["classes"] = list(images.classes)
    groups = images.groups.numpy()
    return SeedAnswers(images.labels.numpy(), predicted, predicted * 1.0, groups, {}, made)


def load(run, attack, networks, cards, *, sets=SETS):
    return uneven.load_attacked(
        run, attack, clean=clean_answers(), sets=sets, networks=networks, cards=cards
    )


def test_pgd_attacks_the_first_images_with_their_groups_whole():
    part = attack_setup.attacked_images(SETS["test"])
    assert len(part) == 15
    assert torch.equal(part.images, SETS["test"].images[:15])
    assert torch.equal(part.groups, GROUPS[:15])
    alone = attack_setup.attacked_images(replace(SETS["test"], groups=None))
    assert len(alone) == PART


def test_files_are_named_after_the_network(tmp_path):
    card = {"dataset": "cifar10", "recipe": "fgsm"}
    file = attack_setup.attack_file(card, 1, "pgd")
    assert file == tmp_path / "results" / "attacked-cifar10-resnet18-fgsm-s1-pgd.npz"


@pytest.mark.parametrize("attack", ["fgsm", "pgd"])
def test_full_computes_and_stores_and_then_loads(attack, full, networks):
    answers, how = load(full, attack, networks, cards_of(0, 1))
    assert how == "computed" and answers.attack == attack
    images = SETS["test"] if attack == "fgsm" else SETS["test"].at(torch.arange(15))
    assert answers.clean.labels.tolist() == images.labels.tolist()
    assert answers.clean.things == len(images) // 5 and answers.clean.made["seeds"] == [0, 1]
    for row, network in enumerate(networks.values()):
        for place in (0, 5):
            moved = models.as_float(images.images)
            if place:
                moved = attacked.attack_images(network, images, attack, epsilon=8 / 255)
            named = models.predict(network, moved).argmax(1).numpy()
            assert np.array_equal(answers.predicted[row, place], named)
    assert answers.correct[:, 0].any() and not answers.correct[:, 5].any()
    again, how = load(full, attack, dict.fromkeys((0, 1), Unused()), cards_of(0, 1))
    assert how == "loaded"
    assert np.array_equal(again.log_odds, answers.log_odds)
    assert np.array_equal(again.log_prob, answers.log_prob)


def test_one_network_attacked_anew_makes_all_of_it_computed(full, networks):
    load(full, "fgsm", networks, cards_of(0))
    answers, how = load(full, "fgsm", {1: networks[1], 0: Unused()}, cards_of(1, 0))
    assert how == "computed" and answers.clean.made["seeds"] == [1, 0]
    unused = dict.fromkeys((0, 1), Unused())
    again, how = load(full, "fgsm", unused, cards_of(0, 1))
    assert how == "loaded"
    assert np.array_equal(again.predicted, answers.predicted[::-1])


@pytest.mark.parametrize("attack", ["fgsm", "pgd"])
def test_quick_shows_what_full_has_stored(attack, full, quick, networks):
    with pytest.raises(FileNotFoundError, match="full profile"):
        load(quick, attack, {}, cards_of(0), sets={})
    stored, _ = load(full, attack, networks, cards_of(0))
    cards = cards_of(0)
    cards[0]["sha256"] = "retrained meanwhile"  # shown as it is stored
    shown, how = load(quick, attack, {}, cards, sets={})
    assert how == "loaded" and np.array_equal(shown.predicted, stored.predicted)


def test_precision_is_that_of_the_stored_answers(full, networks):
    load(full, "pgd", networks, cards_of(0))
    card = cards_of(0)[0]
    assert attack_setup.precision_of(card, 0) == torch.float32
    path = attack_setup.attack_file(card, 0, "pgd")
    outcomes = evaluation.Outcomes.load(path)
    replace(outcomes, made={**outcomes.made, "dtype": "bfloat16"}).save(path)
    assert attack_setup.precision_of(card, 0) == torch.bfloat16


def check(run, networks, cards, *, images=SETS["test"], epsilon=EPSILON):
    return uneven.load_or_check(run, images, networks, cards, epsilon=epsilon)


def test_a_card_is_that_of_the_first_images_and_the_first_network(full, networks):
    load(full, "pgd", networks, cards_of(0, 1))
    table = check(full, networks, cards_of(0, 1))
    few = SETS["test"].first(8)
    plain = attacks.health_card(
        networks[0], few.images, few.labels, epsilon=EPSILON, steps=20, surrogate=networks[1]
    )
    assert table.columns.tolist() == ["light", "ok", "measured", "asked"]
    for column in ("light", "ok", "measured", "asked"):
        assert table[column].tolist() == plain[column].tolist()
    assert "white box beats transfer" in set(table.light)


def test_a_stored_card_comes_back_as_it_was(full, quick, networks, monkeypatch):
    lights = [("one", np.True_, "0", "0"), ("two", False, "7 became right", "0")]

    def red_and_green(*_, **__):
        columns = zip(*lights, strict=True)
        names = ("light", "ok", "measured", "asked")
        return pd.DataFrame(dict(zip(names, columns, strict=True)))

    load(full, "pgd", networks, cards_of(0))
    monkeypatch.setattr(attacks, "health_card", red_and_green)
    first = check(full, networks, cards_of(0))
    assert first.ok.dtype == bool and first.ok.tolist() == [True, False]
    monkeypatch.setattr(attacks, "health_card", lambda *_, **__: Unused()(None))
    for run, images in ((full, SETS["test"]), (full, None), (quick, SETS["test"])):
        again = check(run, {0: Unused()}, cards_of(0), images=images)
        assert again.ok.dtype == bool
        assert again.equals(first)


@pytest.mark.fault("results of another run")
def test_a_card_of_another_network_surrogate_or_epsilon_is_made_anew(full, networks, monkeypatch):
    load(full, "pgd", networks, cards_of(0))
    made = []

    def card(model, images, labels, *, epsilon, surrogate=None, **_):
        made.append((epsilon, surrogate))
        row = {"light": ["one"], "ok": [True], "measured": [f"{len(made)}"], "asked": ["0"]}
        return pd.DataFrame(row)

    monkeypatch.setattr(attacks, "health_card", card)
    retrained = cards_of(0)
    retrained[0]["sha256"] = "another"
    for _ in range(2):
        check(full, networks, cards_of(0))
        assert len(made) == 1 and made[-1] == (EPSILON, None)
    check(full, networks, cards_of(0, 1))
    assert len(made) == 2 and made[-1] == (EPSILON, networks[1])
    check(full, networks, cards_of(0), epsilon=8 / 255)
    assert len(made) == 3 and made[-1] == (8 / 255, None)
    check(full, networks, retrained, epsilon=8 / 255)
    assert len(made) == 4
    check(full, networks, retrained, epsilon=8 / 255, images=SETS["val"])
    assert len(made) == 5


@pytest.fixture
def rippled(full):
    """A network whose answers restarts change, its images labelled as it answers, and its card."""
    network = Rippled()
    images = SETS["test"]
    labels = models.predict(network, images.images).argmax(1)
    sets = {"val": SETS["val"], "test": replace(images, labels=labels)}
    clean = replace(clean_answers(), labels=labels.numpy())
    cards = cards_of(0)
    uneven.load_attacked(full, "pgd", clean=clean, sets=sets, networks={0: network}, cards=cards)
    return network, sets["test"], cards[0]


def restart(run, network, images, card, *, restarts=6, epsilon=EPSILON):
    return uneven.load_or_restart(run, images, network, card, 0, epsilon=epsilon, restarts=restarts)


def test_more_restarts_are_never_right_where_one_was_wrong(full, rippled):
    network, images, card = rippled
    right = restart(full, network, images, card)
    assert right.shape == (2, 8) and right.dtype == bool
    assert not (right[1] & ~right[0]).any()
    assert right[0].sum() > right[1].sum()  # else nothing was tested
    for row, count in enumerate((1, 6)):
        moved = attacks.pgd(
            network,
            images.images[:8],
            images.labels[:8],
            epsilon=EPSILON,
            steps=20,
            restarts=count,
            seed=1,
        )
        named = models.predict(network, moved).argmax(1)
        assert np.array_equal(right[row], named == images.labels[:8])


@pytest.mark.fault("results of another run")
def test_restarts_are_loaded_for_the_same_attack_alone(full, quick, rippled, monkeypatch):
    network, images, card = rippled
    first = restart(full, network, images, card)
    calls = []
    plain = attacks.pgd
    monkeypatch.setattr(
        attacks, "pgd", lambda *a, **settings: calls.append(settings) or plain(*a, **settings)
    )
    for run, some in ((full, images), (quick, images), (full, None)):
        assert np.array_equal(restart(run, Unused(), some, card), first)
    assert np.array_equal(restart(full, None, images, card), first)
    assert not calls
    restart(full, network, images, card, restarts=2)
    assert [settings["restarts"] for settings in calls] == [1, 2]
    restart(full, network, images, card, restarts=2, epsilon=8 / 255)
    restart(full, network, images, {**card, "sha256": "another"}, restarts=2, epsilon=8 / 255)
    assert len(calls) == 6


def others_of(run, networks, cards, *, name="svhn10k", known=None):
    return uneven.load_others(
        run, name, SETS, networks, cards, attacked=list(cards), defended=known
    )


def test_a_sets_networks_are_shown_each_others_images(full, quick, networks):
    cards = cards_of(0, 1)
    load(full, "pgd", networks, cards)
    asked, how = others_of(full, networks, cards)
    assert how == "computed"
    assert asked.attacked == asked.asked == ["resnet18 s0", "resnet18 s1"]
    part = SETS["test"].at(torch.arange(15))
    for row, victim in enumerate(networks.values()):
        moved = attacked.attack_images(victim, part, "pgd", epsilon=8 / 255)
        for column, network in enumerate(networks.values()):
            named = models.predict(network, moved).argmax(1).numpy()
            assert np.array_equal(asked.answers[row, column], named)
    for run, some in ((full, dict.fromkeys((0, 1), Unused())), (quick, {})):
        again, how = others_of(run, some, cards)
        assert how == "loaded" and np.array_equal(again.support, asked.support)


def test_cifar10s_images_are_shown_to_the_defended_and_another_network(full, networks, monkeypatch):
    cards = cards_of(0, dataset="cifar10")
    known_card = cards_of(1, dataset="cifar10", recipe="fgsm")[1]
    for recipe_cards in (cards, {1: known_card}):
        load(full, "pgd", networks, recipe_cards)
    another = Templates(faint_squares(200, seed=0), noise=0.02, seed=7)
    loaded = []

    def load_another(name):
        loaded.append(name)
        return another, {"sha256": "of another"}

    monkeypatch.setattr(models, "load", load_another)
    asked, _ = others_of(full, networks, cards, name="cifar10", known=(networks[1], known_card))
    assert loaded == ["cifar10-densenet121-standard-s0"]
    assert asked.attacked == ["resnet18 s0", "resnet18 defended"]
    assert asked.asked == ["resnet18 s0", "resnet18 defended", "densenet121 s0"]
    assert asked.answers.shape == (2, 3, 15)
    part = SETS["test"].at(torch.arange(15))
    moved = attacked.attack_images(networks[1], part, "pgd", epsilon=8 / 255)
    assert np.array_equal(asked.answers[1, 2], models.predict(another, moved).argmax(1))


def test_the_auditor_sees_the_images_that_were_attacked_on_seed_0(full, networks, monkeypatch):
    cards = cards_of(0)
    load(full, "pgd", networks, cards)
    seen = {}

    def audit(path, images, moved):
        seen.update(path=path, images=images, moved=moved)
        return "suspicion", "computed"

    monkeypatch.setattr(noticed, "load_or_audit", audit)
    assert uneven.load_audit(full, SETS, networks, cards) == ("suspicion", "computed")
    part = SETS["test"].at(torch.arange(15))
    assert seen["path"] == attack_setup.attack_file(cards[0], 0, "audited")
    assert seen["images"].checksum() == part.checksum()
    expected = attacked.attack_images(networks[0], part, "pgd", epsilon=8 / 255)
    assert torch.equal(seen["moved"](), expected)


# --- the defended network

ROUND = models.TrainConfig(epochs=2, batch_size=20, peak_lr=0.02, sides=(24,), seed=201)
BRIGHT = {"train": squares(40, seed=0), "val": squares(20, seed=1), "test": squares(20, seed=2)}


def save_narrow(name, *, seed=0, **card):
    """A narrow network with random weights, stored under a name; (network, card)."""
    network = models.build("resnet18", num_classes=10, width=8, **STATS, seed=seed)
    about = {"dataset": "cifar10", "arch": "resnet18", "width": 8, "recipe": "standard"}
    about |= {key: list(values) for key, values in STATS.items()}
    about |= {"classes": list(data.CLASSES["cifar10"]), **card}
    return network, checkpoints.save_checkpoint(network, paths.MODELS / name, card=about)


@pytest.fixture
def start(monkeypatch):
    """The network that training begins with; a short round, few images to check."""
    monkeypatch.setattr(defended, "ROUND", ROUND)
    monkeypatch.setattr(defended, "CHECKED", 10)
    monkeypatch.setattr(defended, "CHECK_STEPS", 2)
    return save_narrow("cifar10-resnet18-standard-s1")


def same_weights(first, second):
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def refuse_training(monkeypatch):
    monkeypatch.setattr(models, "fit", lambda *_, **__: pytest.fail("it is trained again"))


def test_a_stored_defended_network_is_loaded_without_training(full, quick, monkeypatch):
    refuse_training(monkeypatch)
    network, card = save_narrow("cifar10-resnet18-fgsm-s1", recipe="fgsm", seed=5)
    model, loaded, how = defended.defended_classifier(BRIGHT, state=full.profile.state)
    assert how == "loaded" and loaded == card
    assert same_weights(model, checkpoints.rounded_to_half(network))
    for run in (full, quick):
        model, loaded = uneven.load_defended(run, BRIGHT)
        assert loaded == card and same_weights(model, checkpoints.rounded_to_half(network))


@pytest.mark.fault("missing files and data")
def test_quick_trains_no_defended_network(quick, start, monkeypatch):
    refuse_training(monkeypatch)
    with pytest.raises(FileNotFoundError, match="no checkpoint file"):
        uneven.load_defended(quick, BRIGHT)


def test_a_defended_network_is_trained_from_seed_1_and_its_card_says_so(full, start, monkeypatch):
    before, start_card = start
    state = full.profile.state
    model, card, how = defended.defended_classifier(BRIGHT, state=state)
    assert how == "trained"
    assert card["recipe"] == "fgsm" and card["dataset"] == "cifar10" and card["width"] == 8
    source = {"name": "cifar10-resnet18-standard-s1", "sha256": start_card["sha256"]}
    assert card["from"] == source
    assert card["trained on"]["epsilon of 255"] == pytest.approx(8)
    assert card["rounds"] == [models.config_fields(ROUND)]
    assert len(card["history"]) == 2
    for row in card["history"]:
        assert 0 <= row["val_pgd"] <= row["val_fgsm"] <= 1  # PGD is never weaker
    assert set(card["accuracy"]) == {"val", "test"} and card["test_looks"]["count"] == 1
    assert not same_weights(model, checkpoints.rounded_to_half(before))
    assert not list(state.glob("*"))
    stored = files.read_json(paths.MODELS / "cifar10-resnet18-fgsm-s1.json")
    assert stored == card
    refuse_training(monkeypatch)
    again, loaded, how = defended.defended_classifier(BRIGHT, state=state)
    assert how == "loaded" and loaded == card and same_weights(again, model)


def test_it_is_trained_and_checked_on_attacks_in_pixels(full, start, monkeypatch):
    asked = {}

    def recorded(name, function):
        def record(*arguments, **settings):
            asked[name] = (arguments, settings)
            return function(*arguments, **settings)

        monkeypatch.setattr(attacks, name, record)

    recorded("random_start_fgsm", attacks.random_start_fgsm)
    recorded("pgd_check", attacks.pgd_check)
    batches = []
    plain_step = training.train_step

    def watched_step(model, optimizer, images, labels, **settings):
        batches.append(images)
        return plain_step(model, optimizer, images, labels, **settings)

    monkeypatch.setattr(training, "train_step", watched_step)
    defended.defended_classifier(BRIGHT, state=full.profile.state)
    assert asked["random_start_fgsm"][1] == {"epsilon": 8 / 255}
    (val,), settings = asked["pgd_check"]
    assert settings == {"epsilon": 8 / 255, "steps": 2}
    assert torch.equal(val.images, BRIGHT["val"].images[:10])
    assert len(batches) == 4
    # pictures at their full side are whole grey levels until they are attacked
    levels = 255 * batches[-1]
    assert (levels - levels.round()).abs().max() > 0.1


@pytest.mark.fault("interrupted run")
def test_a_training_broken_off_goes_on_where_it_was(full, start, monkeypatch):
    state = full.profile.state
    plain = attacks.pgd_check

    def breaking(*arguments, **settings):
        check = plain(*arguments, **settings)
        epochs = []

        def check_once(model):
            epochs.append(model)
            if len(epochs) == 2:
                raise KeyboardInterrupt
            return check(model)

        return check_once

    monkeypatch.setattr(attacks, "pgd_check", breaking)
    with pytest.raises(KeyboardInterrupt):
        defended.defended_classifier(BRIGHT, state=state)
    assert [file.name for file in state.glob("*")] == ["cifar10-resnet18-fgsm-s1.pt"]
    assert not (paths.MODELS / "cifar10-resnet18-fgsm-s1.json").exists()
    monkeypatch.setattr(attacks, "pgd_check", plain)
    epochs = []
    plain_epoch = training.train_epoch
    monkeypatch.setattr(
        training,
        "train_epoch",
        lambda *a, **settings: epochs.append(settings["epoch"]) or plain_epoch(*a, **settings),
    )
    _, card, how = defended.defended_classifier(BRIGHT, state=state)
    assert how == "trained" and epochs == [1]
    assert [row["epoch"] for row in card["history"]] == [1, 2]
    assert not list(state.glob("*"))
