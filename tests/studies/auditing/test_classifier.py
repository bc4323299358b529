from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from visionfail import models, paths
from visionfail.data import CHANNEL_STATS, standins
from visionfail.data.sets import load
from visionfail.models import checkpoints, rounds
from visionfail.profiles import FULL, QUICK
from visionfail.studies.auditing import classifier

CARDS = sorted(paths.MODELS.glob("mnist-*.json"))


@pytest.fixture(scope="module")
def sets():
    """The embedded digits, of "auditor" and "val" the first: no network learns from those."""
    return {
        "train": standins.load_standin("mnist", "train"),
        "auditor": standins.load_standin("mnist", "auditor").first(100),
        "val": standins.load_standin("mnist", "val").first(100),
        "test": standins.load_standin("mnist", "test"),
    }


def test_learns_the_embedded_digits_and_says_that_they_are_stand_ins(sets, tmp_path):
    model, card = classifier.train_classifier(tmp_path / "net", sets, seed=0, width=32)
    assert card["accuracy"]["test"]["value"] > 0.93
    assert card["accuracy"]["test"]["n"] == 500
    assert card["dataset"] == "standin"
    assert card["origin"] == "standin"
    assert len(card["history"]) == classifier.EPOCHS["standin"]
    assert not model.training
    _, stored_card = checkpoints.load_checkpoint(tmp_path / "net")
    assert stored_card == card


def test_the_same_seed_gives_the_same_network_another_seed_another(sets, tmp_path, monkeypatch):
    monkeypatch.setitem(classifier.EPOCHS, "standin", 2)
    small = {name: images.first(256) for name, images in sets.items()}
    hashes = []
    for k, seed in enumerate((0, 0, 1)):
        _, card = classifier.train_classifier(tmp_path / f"net{k}", small, seed=seed, width=8)
        hashes.append(card["sha256"])
    assert hashes[0] == hashes[1]
    assert hashes[1] != hashes[2]


def test_networks_are_as_wide_as_the_committed_ones_where_no_width_is_named(sets, monkeypatch):
    monkeypatch.setitem(classifier.EPOCHS, "standin", 1)
    few = sets["train"].first(10)
    model, _ = classifier.fit_fresh(few, few, seed=0)
    assert model.get_parameter("fc.weight").shape == (10, 2 * 64)


def test_quick_profile_takes_the_embedded_digits_where_no_real_ones_are(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    quick_sets = classifier.mnist_sets(QUICK)
    assert {images.origin for images in quick_sets.values()} == {"standin"}


@pytest.mark.fault("results of another run")
def test_a_committed_classifier_of_other_digits_is_not_trained_over(sets, tmp_path, monkeypatch):
    monkeypatch.setitem(classifier.EPOCHS, "standin", 1)
    monkeypatch.setattr(paths, "MODELS", tmp_path)
    official = {name: replace(part, origin="official") for name, part in sets.items()}
    other = {**official, "train": official["train"].first(100)}
    classifier.train_classifier(tmp_path / "mnist-mnist_cnn-adam-s0", other, seed=0, width=8)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(classifier, "train_classifier", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(ValueError, match=r"mnist-mnist_cnn-adam-s0\.json .*move it"):
        classifier.mnist_classifier(FULL, official, seed=0)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert classifier.mnist_classifier(FULL, other, seed=0)[2] == "loaded"


def test_a_classifier_of_other_standins_is_trained_anew_in_quick(sets, tmp_path, monkeypatch):
    monkeypatch.setitem(classifier.EPOCHS, "standin", 1)
    profile = replace(QUICK, out=tmp_path)
    small = {name: part.first(100) for name, part in sets.items()}
    assert classifier.mnist_classifier(profile, small, seed=0)[2] == "trained"
    assert classifier.mnist_classifier(profile, small, seed=0)[2] == "loaded"
    fewer = {**small, "train": small["train"].first(90)}
    assert classifier.mnist_classifier(profile, fewer, seed=0)[2] == "trained"


@pytest.mark.realdata
def test_no_real_digit_is_in_two_splits():
    sets = classifier.mnist_sets(FULL)
    sizes = {name: len(images) for name, images in sets.items()}
    assert sizes == {"train": 48_000, "auditor": 10_000, "val": 2_000, "test": 10_000}
    pictures = []
    for images in sets.values():
        pictures += [image.numpy().tobytes() for image in images.images]
    assert len(set(pictures)) == len(pictures)  # MNIST itself has no two equal pictures


@pytest.mark.skipif(not CARDS, reason="notebook 08 has not run in the full profile yet")
def test_committed_classifiers_are_five_and_as_good_as_study_c_asks():
    cards = [checkpoints.load_checkpoint(path.stem)[1] for path in CARDS]
    assert [card["seed"] for card in cards] == list(classifier.CLASSIFIER_SEEDS)
    for card in cards:
        assert card["origin"] == "official"
        assert card["epochs"] == 3
        assert card["accuracy"]["test"]["n"] == 10_000
        assert card["accuracy"]["test"]["value"] >= 0.987


@pytest.mark.realdata
@pytest.mark.skipif(not CARDS, reason="notebook 08 has not run in the full profile yet")
def test_committed_accuracy_of_the_first_classifier_is_what_its_weights_give():
    model, card = checkpoints.load_checkpoint(CARDS[0].stem)
    accuracy = rounds.accuracy_with_interval(model, load("mnist", "test"))
    assert accuracy == pytest.approx(card["accuracy"]["test"])


def narrow_network(*, seed):
    mean, std = CHANNEL_STATS["mnist"]
    return models.build("mnist_cnn", num_classes=10, mean=mean, std=std, width=16, seed=seed)


def plain_adam(train, *, epochs, seed):
    """Weights of the same training by a loop written out, averaged after every step."""
    model = narrow_network(seed=seed)
    average = AveragedModel(
        model, multi_avg_fn=get_ema_multi_avg_fn(classifier.EMA_DECAY), use_buffers=True
    )
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=classifier.LEARNING_RATE)
    for _ in range(epochs):
        model.train()
        for index in torch.randperm(len(train), generator=generator).split(classifier.BATCH_SIZE):
            loss = cross_entropy(model(train.images[index].float() / 255), train.labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.update_parameters(model)
    return average.module.state_dict()


def test_the_one_training_loop_gives_the_bits_of_a_plain_adam_loop(sets):
    train = sets["train"].first(300)  # two full batches and a part of one
    config = classifier.adam_config(epochs=2, seed=3)
    trained, history = models.fit(
        narrow_network(seed=3), train, sets["val"], config=config, device="cpu"
    )
    expected = plain_adam(train, epochs=2, seed=3)
    for name, tensor in trained.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert [row["lr"] for row in history] == [classifier.LEARNING_RATE] * 2
