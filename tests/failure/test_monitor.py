from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from visionfail import data, models
from visionfail.data import ImageSet, standins
from visionfail.failure import auditor, monitor, scores
from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor
from visionfail.failure.monitor import Monitor
from visionfail.models import networks
from visionfail.models.checkpoints import save_checkpoint
from visionfail.studies.auditing import classifier, examples, protocol, shifted_digits

WIDTH = 16
LIMITS = [
    {"budget": 0.02, "limit": 0.3, "coverage": 0.6},
    {"budget": 0.01, "limit": None, "coverage": 0.0},
]


@dataclass
class Saved:
    """A small classifier and the demo's file of it, in one folder, and what they were made from."""

    loaded: Monitor
    auditor: Auditor
    shown: Activations
    sets: dict[str, ImageSet]
    card: dict
    folder: Path


def small_classifier(seed):
    """An untrained network of the demo's architecture."""
    mean, std = data.CHANNEL_STATS["mnist"]
    return networks.build("mnist_cnn", num_classes=10, mean=mean, std=std, width=WIDTH, seed=seed)


def trained_classifier(path, sets):
    """(network, card) after two epochs, saved at `path`: about 90% right on digits as they are."""
    config = replace(
        classifier.adam_config(epochs=2, seed=0), peak_lr=5e-3, batch_size=32, ema_decay=0
    )
    network, history = models.fit(small_classifier(0), sets["train"], sets["val"], config=config)
    card = {"dataset": "standin", "arch": "mnist_cnn", "width": WIDTH, "history": history}
    return models.save_trained(path, network, sets, card=card)


def reading_of(network, digits, *, count, seed):
    """What the network makes of shifted digits."""
    return protocol.extract_sample(
        network, shifted_digits.draw_shifted(digits, count=count, seed=seed)
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A monitor written and read back."""
    folder = tmp_path_factory.mktemp("models")
    sizes = {"train": 1000, "auditor": 300, "val": 300, "test": 300}
    sets = {}
    for name, size in sizes.items():
        sets[name] = standins.load_standin("mnist", name).first(size)
    network, card = trained_classifier(folder / "net", sets)
    learnt = reading_of(network, sets["auditor"], count=900, seed=0)
    shown = reading_of(network, sets["test"], count=300, seed=5)
    fitted = auditor.fit_auditor(learnt.features(), learnt.failed, seed=0)
    about = {"primary_sha256": card["sha256"], "origin": "standin"}
    monitor.save_monitor(folder / "auditor", fitted, learnt, shown, limits=LIMITS, card=about)
    loaded = monitor.load_monitor(folder / "auditor", classifier=folder / "net")
    return Saved(loaded, fitted, shown, sets, card, folder)


def test_answers_are_those_of_the_notebooks_on_ten_samples(saved):
    sample = shifted_digits.draw_shifted(saved.sets["test"], count=10, seed=9)
    reading = protocol.extract_sample(saved.loaded.model, sample)
    failure = saved.auditor.score(reading.features())
    confidence = scores.confidence_of(reading)
    for k in range(10):
        answer = monitor.monitor_answer(saved.loaded, sample.images[k : k + 1])
        assert answer.predicted == reading.logits[k].argmax()
        assert answer.failure == pytest.approx(failure[k], abs=1e-5)
        assert answer.confidence == pytest.approx(confidence[k], abs=1e-5)


def test_the_map_is_the_plane_of_largest_variance_and_places_agree_with_it(saved):
    loaded = saved.loaded
    features = saved.shown.features()
    assert loaded.points.shape == (300, 2)
    assert np.allclose(loaded.failure, saved.auditor.score(features), atol=1e-6)
    assert np.array_equal(loaded.failed, saved.shown.failed)
    again = monitor.project_on_map(loaded.auditor, features, loaded.centre, loaded.axes)
    assert np.allclose(again, loaded.points, atol=1e-3)
    assert np.allclose(loaded.axes @ loaded.axes.T, np.eye(2), atol=1e-5)
    assert loaded.points[:, 0].var() >= loaded.points[:, 1].var()


def test_a_budget_accepts_below_its_threshold_and_nothing_without_one(saved):
    sure = monitor.Answer(3, 0.9, 0.1, (0.0, 0.0))
    unsure = monitor.Answer(3, 0.9, 0.5, (0.0, 0.0))
    limit = saved.loaded.limit(0.02)["limit"]
    assert sure.accepted(limit)
    assert not unsure.accepted(limit)
    assert not sure.accepted(saved.loaded.limit(0.01)["limit"])


@pytest.mark.fault("results of another run")
def test_files_that_do_not_belong_together_are_refused(saved):
    folder = saved.folder
    with pytest.raises(FileNotFoundError, match="notebook 10 or 11"):
        monitor.load_monitor(folder / "nothing", classifier=folder / "net")
    save_checkpoint(small_classifier(1), folder / "other", card=saved.card)
    with pytest.raises(ValueError, match="restore both"):
        monitor.load_monitor(folder / "auditor", classifier=folder / "other")


@pytest.mark.fault("a caller's model left as it was")
def test_models_are_left_out_of_training_mode(saved):
    assert not saved.loaded.model.training
    assert not saved.loaded.auditor.training
    assert isinstance(saved.loaded.model, networks.MnistCnn)


def test_the_snapshot_shows_a_confident_mistake_and_always_the_same(saved):
    test = saved.sets["test"]
    image, label, words = examples.confident_failure(saved.loaded, test, seed=3)
    answer = monitor.monitor_answer(saved.loaded, image)
    assert answer.predicted != label
    assert answer.confidence >= examples.SURE
    assert words
    again = examples.confident_failure(saved.loaded, test, seed=3)
    assert (again[0] == image).all()
    assert again[1:] == (label, words)
