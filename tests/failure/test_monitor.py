import numpy as np
import pytest

from visionfail.data import standins
from visionfail.failure import auditor, monitor, scores
from visionfail.models import networks
from visionfail.studies.auditing import classifier, examples, protocol, shifted_digits

LIMITS = [
    {"budget": 0.02, "limit": 0.3, "coverage": 0.6},
    {"budget": 0.01, "limit": None, "coverage": 0.0},
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A primary and the demo's file, written and read back; and the reading that the map shows."""
    folder = tmp_path_factory.mktemp("models")
    sets = {
        name: standins.load_standin("mnist", name).first(300) for name in ("auditor", "val", "test")
    }
    sets["train"] = standins.load_standin("mnist", "train")
    model, card = classifier.train_classifier(folder / "net", sets, seed=0)
    learnt = protocol.extract_sample(
        model, shifted_digits.draw_shifted(sets["auditor"], count=900, seed=0)
    )
    shown = protocol.extract_sample(
        model, shifted_digits.draw_shifted(sets["test"], count=300, seed=5)
    )
    judge = auditor.fit_auditor(learnt.features(), learnt.failed, seed=0)
    about = {"primary_sha256": card["sha256"], "origin": "standin"}
    monitor.save_monitor(folder / "judge", judge, learnt, shown, limits=LIMITS, card=about)
    return (
        monitor.load_monitor(folder / "judge", primary=folder / "net"),
        judge,
        shown,
        sets,
        folder,
    )


def test_answers_are_those_of_the_notebooks_on_ten_samples(kept):
    loaded, judge, _, sets, _ = kept
    sample = shifted_digits.draw_shifted(sets["test"], count=10, seed=9)
    reading = protocol.extract_sample(loaded.model, sample)
    failure, sure = judge.score(reading.features()), scores.confidence_of(reading)
    for k in range(10):
        found = monitor.monitor_answer(loaded, sample.images[k : k + 1])
        assert found.predicted == reading.logits[k].argmax()
        assert (found.failure, found.confidence) == pytest.approx((failure[k], sure[k]), abs=1e-5)


def test_the_map_is_the_plane_of_largest_variance_and_places_agree_with_it(kept):
    loaded, judge, shown, _, _ = kept
    assert loaded.points.shape == (300, 2) and np.allclose(
        loaded.failure, judge.score(shown.features()), atol=1e-6
    )
    assert np.array_equal(loaded.failed, shown.failed)
    again = monitor.project_on_map(loaded.judge, shown.features(), loaded.centre, loaded.axes)
    assert np.allclose(again, loaded.points, atol=1e-3)
    assert np.allclose(loaded.axes @ loaded.axes.T, np.eye(2), atol=1e-5)
    assert loaded.points[:, 0].var() >= loaded.points[:, 1].var()


def test_a_budget_accepts_below_its_threshold_and_nothing_without_one(kept):
    loaded = kept[0]
    sure, unsure = (monitor.Answer(3, 0.9, failure, (0.0, 0.0)) for failure in (0.1, 0.5))
    assert sure.accepted(loaded.limit(0.02)["limit"]) and not unsure.accepted(
        loaded.limit(0.02)["limit"]
    )
    assert not sure.accepted(loaded.limit(0.01)["limit"])


def test_files_that_do_not_belong_together_are_refused(kept):
    *_, sets, folder = kept
    with pytest.raises(FileNotFoundError, match="notebook 10 or 11"):
        monitor.load_monitor(folder / "nothing", primary=folder / "net")
    classifier.train_classifier(folder / "other", sets, seed=1)
    with pytest.raises(ValueError, match="restore both"):
        monitor.load_monitor(folder / "judge", primary=folder / "other")


def test_models_are_left_out_of_training_mode(kept):
    assert not kept[0].model.training and not kept[0].judge.training
    assert isinstance(kept[0].model, networks.MnistCnn)


def test_the_snapshot_shows_a_confident_mistake_and_always_the_same(kept):
    loaded, _, _, sets, _ = kept
    image, label, words = examples.confident_failure(loaded, sets["test"], seed=3)
    found = monitor.monitor_answer(loaded, image)
    assert found.predicted != label and found.confidence >= examples.SURE and words
    again = examples.confident_failure(loaded, sets["test"], seed=3)
    assert (again[0] == image).all() and again[1:] == (label, words)
