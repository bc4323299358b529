"""What notices attacked images: detectors that know, that guess, and that are of one network."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from makers import STATS, squares
from makers.attacked import falling_at, random_attacked
from pytest import approx

from visionfail import attacks, devices, failure, models
from visionfail.failure.auditor import Auditor
from visionfail.studies import uneven
from visionfail.studies.uneven import noticed
from visionfail.studies.uneven.noticed import Suspicion
from visionfail.studies.uneven.others import Others

ALWAYS = ("auroc", "auroc_lo", "auroc_hi", "caught", "caught_lo", "caught_hi")


def table_of(suspicions, attacked, *, bootstraps=40):
    counts = attacked.clean.counts(bootstraps=bootstraps)
    return uneven.noticed_table(suspicions, attacked, counts).set_index("detector")


def plain_auroc(low, high):
    """The chance that one of `high` exceeds one of `low`, pair by pair, a tie counting half."""
    beaten = 0.0
    for one in high:
        for other in low:
            beaten += (one > other) + (one == other) / 2
    return beaten / (len(low) * len(high))


def plain_threshold(values):
    """The value that a twentieth of the values exceed, straight between the two next to it."""
    ordered = np.sort(values)
    place = 0.95 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def right_and_turned(attacked, seed):
    """Which images a seed has right when clean, and which of them the attack turned at 8 / 255."""
    labels = attacked.clean.labels
    right = attacked.predicted[seed, 0] == labels
    return right, right & (attacked.predicted[seed, 5] != labels)


def random_suspicion(attacked, *, seed=0, shift=0.0):
    """Random scores in steps of a tenth, which tie; attacked images score higher by `shift`."""
    rng = np.random.default_rng(seed)
    shape = attacked.clean.predicted.shape
    clean = rng.normal(0, 1, shape).round(1)
    return Suspicion(clean, (rng.normal(0, 1, shape) + shift).round(1))


def test_a_detector_that_knows_catches_all():
    attacked = random_attacked(seeds=3, n=100)
    shape = attacked.clean.predicted.shape
    knows = Suspicion(np.zeros(shape), np.ones(shape))
    row = table_of({"knows": knows}, attacked).loc["knows"]
    assert row[list(ALWAYS)].tolist() == [1] * 6


def test_a_detector_that_is_the_wrong_way_round_catches_nothing():
    attacked = random_attacked(seeds=3, n=100)
    shape = attacked.clean.predicted.shape
    backwards = Suspicion(np.ones(shape), np.zeros(shape))
    row = table_of({"backwards": backwards}, attacked).loc["backwards"]
    assert row[list(ALWAYS)].tolist() == [0] * 6


def test_a_detector_at_chance_catches_as_many_as_its_false_alarms():
    attacked = random_attacked(seeds=3, n=4000)
    rng = np.random.default_rng(1)
    shape = attacked.clean.predicted.shape
    guesses = Suspicion(rng.random(shape), rng.random(shape))
    row = table_of({"guesses": guesses}, attacked).loc["guesses"]
    right, turned = right_and_turned(attacked, 0)
    n_right = 3 * right.sum()  # about as many in each of three seeds
    n_turned = 3 * turned.sum()
    spread = np.sqrt((1 / n_right + 1 / n_turned) / 12)  # of an AUROC at chance
    assert abs(row.auroc - 0.5) < 3 * spread
    spread = np.sqrt(0.05 * 0.95 * (1 / n_right + 1 / n_turned))
    assert abs(row.caught - 0.05) < 3 * spread
    assert row.auroc_lo < 0.5 < row.auroc_hi
    assert row.caught_lo < 0.05 < row.caught_hi


def test_values_are_those_of_plain_counting():
    attacked = random_attacked(seeds=2, n=90)
    suspicion = random_suspicion(attacked, shift=0.7)
    row = table_of({"some": suspicion}, attacked).loc["some"]
    aurocs = []
    shares = []
    for seed in range(2):
        right, turned = right_and_turned(attacked, seed)
        clean = suspicion.clean[seed, right]
        moved = suspicion.attacked[seed, turned]
        aurocs.append(plain_auroc(clean, moved))
        shares.append(np.mean(moved > plain_threshold(clean)))
    assert row.auroc == approx(np.mean(aurocs))
    assert row.caught == approx(np.mean(shares))
    assert 0.5 < row.auroc < 1 and 0 < row.caught < 1
    assert row.auroc_lo <= row.auroc <= row.auroc_hi
    assert row.caught_lo <= row.caught <= row.caught_hi


def test_resamples_draw_the_clean_and_the_attacked_image_together():
    attacked = random_attacked(seeds=1, n=40, groups=np.arange(40) // 2)
    suspicion = random_suspicion(attacked, shift=0.7)
    right, turned = right_and_turned(attacked, 0)
    counts = attacked.clean.counts(bootstraps=6)
    one = (suspicion.clean[0], suspicion.attacked[0], right, turned, counts)
    aurocs = noticed.one_auroc(*one)
    shares = noticed.one_caught(*one)
    threshold = plain_threshold(suspicion.clean[0, right])
    for row, weights in enumerate([np.ones(40), *counts]):
        drawn = np.repeat(np.arange(40), weights.astype(int))
        clean = suspicion.clean[0, drawn[right[drawn]]]
        moved = suspicion.attacked[0, drawn[turned[drawn]]]
        assert aurocs[row] == approx(plain_auroc(clean, moved))
        assert shares[row] == approx(np.mean(moved > threshold))


def test_only_right_answers_and_what_the_attack_turned_are_looked_at():
    attacked = random_attacked(seeds=2, n=90)
    plain = random_suspicion(attacked)
    clean = plain.clean.copy()
    moved = plain.attacked.copy()
    for seed in range(2):
        right, turned = right_and_turned(attacked, seed)
        clean[seed, ~right] = 1e6
        moved[seed, ~turned] = -1e6
    table = table_of({"plain": plain, "other": Suspicion(clean, moved)}, attacked)
    assert table.loc["plain"].tolist() == table.loc["other"].tolist()


def test_a_detector_of_one_seed_stands_beside_those_of_three():
    attacked = random_attacked(seeds=3, n=120)
    three = random_suspicion(attacked, shift=0.5)
    first = Suspicion(three.clean[:1], three.attacked[:1])
    table = table_of({"three": three, "one": first}, attacked)
    assert table.seeds.tolist() == [3, 1]
    right, turned = right_and_turned(attacked, 0)
    assert table.turned["one"] == turned.sum()
    assert table.turned["three"] == sum(
        right_and_turned(attacked, seed)[1].sum() for seed in range(3)
    )
    expected = plain_auroc(three.clean[0, right], three.attacked[0, turned])
    assert table.auroc["one"] == approx(expected)
    assert table.auroc["one"] != approx(table.auroc["three"])
    for name in ("one", "three"):
        assert table.auroc_lo[name] <= table.auroc[name] <= table.auroc_hi[name]


def test_confidence_is_the_networks_own_before_and_after():
    attacked = random_attacked(seeds=2, n=30)
    suspicion = noticed.confidence_suspicion(attacked)
    for place, values in {0: suspicion.clean, 5: suspicion.attacked}.items():
        log_odds = attacked.log_odds[:, place].astype(np.float64)
        assert values == approx(1 - 1 / (1 + np.exp(-log_odds)), abs=1e-6)


def test_a_surer_answer_is_less_suspicious():
    log_odds = np.zeros((1, 7, 3), dtype=np.float16)
    log_odds[0, 0] = 1
    log_odds[0, 5] = [0, 1, 5]
    attacked = falling_at([[1, 1, 1]], [0, 1, 2], log_odds=log_odds)
    suspicion = noticed.confidence_suspicion(attacked)
    signs = np.sign(suspicion.attacked - suspicion.clean)
    assert signs[0].tolist() == [1, 0, -1]


def test_an_ensemble_is_the_mean_support_of_its_members_alone():
    rng = np.random.default_rng(0)
    clean_support, support = rng.random((2, 3, 4, 5))
    nothing = np.zeros((3, 5))
    answers = np.zeros((3, 4, 5), dtype=np.uint8)
    asked = Others(
        attacked=["a", "b", "defended"],
        asked=["another", "a", "defended", "b"],
        similarity=nothing,
        with_edges=nothing,
        distance=nothing,
        answers=answers,
        support=support,
        clean_support=clean_support,
    )
    suspicion = uneven.ensemble_suspicion(asked, ["b", "a"], ["b", "a"])
    members = {"a": (0, 1), "b": (1, 3)}  # victim's row, column of the asked
    for row, victim in enumerate(["b", "a"]):
        for values, expected in ((suspicion.clean, clean_support), (suspicion.attacked, support)):
            i = members[victim][0]
            mean = (expected[i, members["a"][1]] + expected[i, members["b"][1]]) / 2
            assert values[row] == approx(1 - mean)
    assert suspicion.clean.shape == (2, 5)


@dataclass
class Watched:
    """What `failure.load_monitor` gives of a monitor, as far as an audit asks."""

    model: torch.nn.Module
    layers: tuple
    auditor: Auditor
    card: dict


@pytest.fixture
def monitor(monkeypatch):
    """A random auditor of a narrow network in the place of the stored one."""
    monkeypatch.setattr(devices, "fast_bf16", lambda device: False)
    network = models.build("resnet18", num_classes=10, width=8, **STATS, seed=0)
    generator = np.random.default_rng(0)
    latents = generator.normal(0, 1, (20, 8 + 16 + 32 + 64)).astype(np.float32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        auditor = Auditor(latents).eval()
    layers = ("layer1", "layer2", "layer3", "layer4")
    watched = Watched(network.eval(), layers, auditor, {"sha256": "of this"})
    monkeypatch.setattr(failure, "load_monitor", lambda **_: watched)
    return watched


def test_the_auditor_reads_each_image_before_and_after(monitor, tmp_path):
    images = squares(8, seed=0)
    moved = attacks.fgsm(monitor.model, images.images, images.labels, epsilon=8 / 255)
    suspicion, how = noticed.load_or_audit(tmp_path / "audited.npz", images, lambda: moved)
    assert how == "computed"
    for values, pictures in ((suspicion.clean, images.images), (suspicion.attacked, moved)):
        reading = failure.extract(monitor.model, pictures, images.labels, layers=monitor.layers)
        assert values.shape == (1, 8)
        assert values[0] == approx(monitor.auditor.score(reading.features()))
    assert not np.allclose(suspicion.clean, suspicion.attacked)


@pytest.mark.fault("results of another run")
def test_an_audit_is_loaded_for_the_same_auditor_and_images(monitor, tmp_path):
    file = tmp_path / "audited.npz"
    images = squares(4, seed=0)
    moved = images.images.float() / 255
    first, _ = noticed.load_or_audit(file, images, lambda: moved)

    def unmade():
        raise AssertionError("the audit is stored")

    again, how = noticed.load_or_audit(file, images, unmade)
    assert how == "loaded" and np.array_equal(again.attacked, first.attacked)
    stored, how = noticed.load_or_audit(file, None, None)
    assert how == "loaded" and np.array_equal(stored.clean, first.clean)
    assert noticed.load_or_audit(file, squares(4, seed=1), lambda: moved)[1] == "computed"
    monitor.card["sha256"] = "of another"
    assert noticed.load_or_audit(file, squares(4, seed=1), lambda: moved)[1] == "computed"
