import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from visionfail import models, paths
from visionfail.data import CHANNEL_STATS, standins
from visionfail.data.sets import load
from visionfail.models import checkpoints, zoo
from visionfail.profiles import FULL, QUICK
from visionfail.studies.auditing import classifier

CARDS = sorted(paths.MODELS.glob("mnist-*.json"))


@pytest.fixture(scope="module")
def sets():
    return {
        split: standins.load_standin("mnist", split)
        for split in ("train", "auditor", "val", "test")
    }


def test_learns_the_embedded_digits_and_says_that_they_are_stand_ins(sets, tmp_path):
    model, card = classifier.train_classifier(tmp_path / "net", sets, seed=0)
    assert card["accuracy"]["test"]["value"] > 0.93 and card["accuracy"]["test"]["n"] == 500
    assert (
        card["dataset"] == card["origin"] == "standin"
        and len(card["history"]) == classifier.EPOCHS["standin"]
    )
    assert not model.training and checkpoints.load_checkpoint(tmp_path / "net")[1] == card


def test_the_same_seed_gives_the_same_network_another_seed_another(sets, tmp_path):
    small = {name: images.first(256) for name, images in sets.items()}
    cards = [
        classifier.train_classifier(tmp_path / f"net{k}", small, seed=seed)[1]
        for k, seed in enumerate((0, 0, 1))
    ]
    assert cards[0]["sha256"] == cards[1]["sha256"] != cards[2]["sha256"]


def test_quick_profile_takes_the_embedded_digits_where_no_real_ones_are(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    found = classifier.mnist_sets(QUICK)
    assert {images.origin for images in found.values()} == {"standin"}


@pytest.mark.realdata
def test_no_real_digit_is_in_two_splits():
    found = classifier.mnist_sets(FULL)
    assert {name: len(images) for name, images in found.items()} == {
        "train": 48_000, "auditor": 10_000, "val": 2_000, "test": 10_000
    }  # fmt: skip
    seen = [image.numpy().tobytes() for images in found.values() for image in images.images]
    assert len(set(seen)) == len(seen)  # MNIST itself has no two equal pictures


@pytest.mark.skipif(not CARDS, reason="notebook 08 has not run in the full profile yet")
def test_committed_primaries_are_five_and_as_good_as_study_c_asks():
    cards = [checkpoints.load_checkpoint(path.stem)[1] for path in CARDS]
    assert [card["seed"] for card in cards] == list(classifier.CLASSIFIER_SEEDS)
    assert all(card["origin"] == "official" and card["epochs"] == 3 for card in cards)
    accuracies = [card["accuracy"]["test"] for card in cards]
    assert all(found["n"] == 10_000 and found["value"] >= 0.987 for found in accuracies)


@pytest.mark.realdata
@pytest.mark.skipif(not CARDS, reason="notebook 08 has not run in the full profile yet")
def test_committed_accuracy_of_the_first_primary_is_what_its_weights_give():
    model, card = checkpoints.load_checkpoint(CARDS[0].stem)
    assert zoo.accuracy_with_interval(model, load("mnist", "test")) == pytest.approx(
        card["accuracy"]["test"]
    )


def plain_adam(train, *, epochs, seed):
    """Weights of the same training by a loop written out, averaged after every step."""
    mean, std = CHANNEL_STATS["mnist"]
    model = models.build("mnist_cnn", num_classes=10, mean=mean, std=std, seed=seed)
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
    train = sets["train"].first(600)
    mean, std = CHANNEL_STATS["mnist"]
    model = models.build("mnist_cnn", num_classes=10, mean=mean, std=std, seed=3)
    config = classifier.adam_config(epochs=2, seed=3)
    trained, history = models.fit(model, train, sets["val"].first(100), config=config, device="cpu")
    expected = plain_adam(train, epochs=2, seed=3)
    for name, tensor in trained.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert [row["lr"] for row in history] == [classifier.LEARNING_RATE] * 2
