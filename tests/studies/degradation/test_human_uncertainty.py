import dataclasses

import numpy as np
import pytest
from makers import random_outcomes, squares
from makers.official_files import NOBODY
from scipy import stats

from visionfail import paths, results
from visionfail.data import cifar10h, sets
from visionfail.evaluation import tables
from visionfail.studies.degradation import human_uncertainty
from visionfail.studies.saliency import drift

SWEEP = random_outcomes(n=300)[0]
# the same answers, all of them with a confidence of 98% and more
SURE = dataclasses.replace(SWEEP, log_odds=np.abs(SWEEP.log_odds) + 4)
NAMES = ("contrast", "fog")


def shares(n=300, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(50, [0.9, 0.1] + [0] * 8, size=n)
    counts[: n // 3] = [50, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    return counts / 50


def test_uncertainty_is_the_entropy_of_the_votes_in_bits():
    votes = np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    assert human_uncertainty.vote_entropy(votes).tolist() == pytest.approx([0, 1, 2])


def test_groups_are_no_uncertainty_and_thirds_of_the_others():
    places = human_uncertainty.uncertainty_group(human_uncertainty.vote_entropy(shares()))
    assert (places[:100] == 0).all()
    sizes = np.bincount(places, minlength=4)
    assert sizes.sum() == 300
    assert (sizes[1:] > 30).all()


def test_means_of_groups_are_those_of_the_answers():
    bits = human_uncertainty.vote_entropy(shares())
    table = human_uncertainty.rows_by_uncertainty(
        SWEEP, bits, NAMES, bootstraps=50, generator=np.random.default_rng(0)
    )
    rows = [SWEEP.at(name, 3) for name in NAMES]
    for k, words in enumerate(human_uncertainty.GROUPS):
        of_group = table[(table.severity == 3) & (table.group == words)].set_index("metric")
        inside = human_uncertainty.uncertainty_group(bits) == k
        assert of_group.value["accuracy"] == pytest.approx(SWEEP.correct[rows][:, inside].mean())
        confidence = SWEEP.confidence[rows][:, inside].mean()
        assert of_group.value["confidence"] == pytest.approx(confidence)
        assert of_group.lo["accuracy"] <= of_group.value["accuracy"] <= of_group.hi["accuracy"]
        assert of_group.n.iloc[0] == inside.sum()


def test_correlations_are_spearmans():
    bits = human_uncertainty.vote_entropy(shares())
    table = human_uncertainty.uncertainty_correlations(
        SWEEP, bits, NAMES, bootstraps=50, generator=np.random.default_rng(0)
    )
    row = table[
        (table.severity == 0) & (table.metric == "human label uncertainty and 1 - confidence")
    ].iloc[0]
    doubt = 1 - SWEEP.confidence[SWEEP.at("clean", 0)]
    assert row.value == pytest.approx(stats.spearmanr(bits, doubt).statistic)
    assert row.lo < row.value < row.hi


def test_sure_and_wrong_are_that():
    people = shares()
    people[:, :] = np.eye(10)[SURE.labels]
    places = human_uncertainty.people_sure_model_wrong(SURE, people)
    assert len(places) > 2
    row = SURE.at("clean", 0)
    assert not SURE.correct[row][places].any()
    assert (SURE.confidence[row][places] >= human_uncertainty.MODEL_SURE).all()
    assert (np.diff(SURE.confidence[row][places]) <= 0).all()
    assert len(human_uncertainty.people_sure_model_wrong(SURE, np.roll(people, 1, axis=1))) == 0
    words = human_uncertainty.uncertainty_captions(
        SURE, people, np.array([0]), sets.CLASSES["cifar10"]
    )
    assert f"people: {sets.CLASSES['cifar10'][SURE.labels[0]]} 100%" in words[0]


def test_pictures_come_with_captions_and_only_for_the_official_images(monkeypatch):
    people = np.eye(10)[SURE.labels]
    monkeypatch.setattr(human_uncertainty.data, "cifar10h_is_present", lambda: True)
    monkeypatch.setattr(human_uncertainty.data, "load_cifar10h", lambda: people)
    images = dataclasses.replace(squares(len(SURE.labels), seed=0), origin="official")
    places = human_uncertainty.people_sure_model_wrong(SURE, people)
    assert len(places) > 2
    pictures, captions, number = human_uncertainty.pictures_people_are_sure_of(
        images, SURE, count=2
    )
    assert np.array_equal(pictures, images.images[places[:2]].numpy())
    assert len(captions) == 2 and number == len(places)
    standins = dataclasses.replace(images, origin="standin")
    assert human_uncertainty.pictures_people_are_sure_of(standins, SURE, count=2)[2] == 0


@pytest.mark.fault("damaged download")
def test_votes_that_are_missing_or_damaged_are_named(tmp_path, monkeypatch):
    assert not cifar10h.cifar10h_is_present(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"cifar10h: .*is missing.*make data"):
        cifar10h.load_cifar10h(root=tmp_path)
    (tmp_path / cifar10h.FILE).write_bytes(b"short")
    with pytest.raises(ValueError, match=r"cifar10h: .*cut short or changed"):
        cifar10h.load_cifar10h(root=tmp_path)
    # set aside: nobody must think that it was never there
    assert cifar10h.cifar10h_is_present(tmp_path)
    monkeypatch.setattr(cifar10h, "URLS", [f"{NOBODY}/votes.npy"])
    with pytest.raises(ConnectionError, match="could not be downloaded"):
        sets.fetch("cifar10h", root=tmp_path)


@pytest.mark.realdata
def test_the_official_votes_are_of_the_test_images_in_their_order():
    people = cifar10h.load_cifar10h()
    labels = sets.load("cifar10", "test").labels.numpy()
    assert people.shape == (10_000, 10)
    assert np.allclose(people.sum(axis=1), 1)
    # people nearly always agree with the label
    assert (people.argmax(axis=1) == labels).mean() > 0.99


@pytest.mark.realdata
def test_committed_uncertainty_is_what_the_votes_and_answers_say(tmp_path):
    rows, _ = results.load_run("human-doubt", folder=paths.RESULTS)
    _, sweeps = tables.stored_sweeps(paths.RESULTS)
    again, how = human_uncertainty.load_or_measure_uncertainty(
        tmp_path, sweeps, drift.CORE, bootstraps=20
    )
    assert how == "computed"
    assert np.allclose(again.value, rows.value, atol=1e-6)
