import pytest

from visionfail import paths
from visionfail.data import standins
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
