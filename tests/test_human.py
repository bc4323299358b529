import numpy as np
import pytest
from official_files import NOBODY
from scipy import stats
from test_summary import outcomes

from visionfail import data, drift, human, paths, results, summary, votes

FOUND = outcomes(n=300)[0]
NAMES = ("contrast", "fog")


def shares(n=300, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(50, [0.9, 0.1] + [0] * 8, size=n)
    counts[: n // 3] = [50] + [0] * 9
    return counts / 50


def test_doubt_is_the_entropy_of_the_votes_in_bits():
    assert human.doubt(np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4])).tolist() == pytest.approx([0, 1, 2])


def test_groups_are_no_doubt_and_thirds_of_the_rest():
    places = human.group(human.doubt(shares()))
    assert (places[:100] == 0).all()
    sizes = np.bincount(places, minlength=4)
    assert sizes.sum() == 300 and (sizes[1:] > 30).all()


def test_groups_means_are_those_of_the_answers():
    bits = human.doubt(shares())
    table = human.by_group(FOUND, bits, NAMES, bootstraps=50, generator=np.random.default_rng(0))
    rows = [FOUND.at(name, 3) for name in NAMES]
    for k, words in enumerate(human.GROUPS):
        part = table[(table.severity == 3) & (table.group == words)].set_index("metric")
        inside = human.group(bits) == k
        assert part.value["accuracy"] == pytest.approx(FOUND.correct[rows][:, inside].mean())
        assert part.value["confidence"] == pytest.approx(FOUND.confidence[rows][:, inside].mean())
        assert part.lo["accuracy"] <= part.value["accuracy"] <= part.hi["accuracy"] and part.n.iloc[0] == inside.sum()


def test_correlations_are_spearmans():
    bits = human.doubt(shares())
    table = human.correlations(FOUND, bits, NAMES, bootstraps=50, generator=np.random.default_rng(0))
    row = table[(table.severity == 0) & (table.metric == "doubt and 1 - confidence")].iloc[0]
    assert row.value == pytest.approx(stats.spearmanr(bits, 1 - FOUND.confidence[FOUND.at("clean", 0)]).statistic)
    assert row.lo < row.value < row.hi


def test_sure_and_wrong_are_that():
    people = shares()
    people[:, :] = np.eye(10)[FOUND.labels]
    places = human.sure_and_wrong(FOUND, people)
    row = FOUND.at("clean", 0)
    assert not FOUND.correct[row][places].any() and (FOUND.confidence[row][places] >= human.MODEL_SURE).all()
    assert (np.diff(FOUND.confidence[row][places]) <= 0).all()
    assert len(human.sure_and_wrong(FOUND, np.roll(people, 1, axis=1))) == 0
    words = human.captions(FOUND, people, np.array([0]), data.CLASSES["cifar10"])
    assert f"people: {data.CLASSES['cifar10'][FOUND.labels[0]]} 100%" in words[0]


def test_votes_that_are_missing_or_damaged_are_named(tmp_path, monkeypatch):
    assert not votes.there(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"cifar10h: .*is missing.*make data"):
        votes.load(root=tmp_path)
    (tmp_path / votes.FILE).write_bytes(b"short")
    with pytest.raises(ValueError, match=r"cifar10h: .*cut short or changed"):
        votes.load(root=tmp_path)
    assert votes.there(tmp_path)  # set aside: nobody must think that it was never there
    monkeypatch.setattr(votes, "URLS", [f"{NOBODY}/votes.npy"])
    with pytest.raises(ConnectionError, match="could not be downloaded"):
        data.fetch("cifar10h", root=tmp_path)


@pytest.mark.realdata
def test_the_official_votes_are_of_the_test_images_in_their_order():
    people, labels = votes.load(), data.load("cifar10", "test").labels.numpy()
    assert people.shape == (10_000, 10) and np.allclose(people.sum(axis=1), 1)
    assert (people.argmax(axis=1) == labels).mean() > 0.99  # people nearly always agree with the label


@pytest.mark.realdata
def test_committed_doubt_is_what_the_votes_and_answers_say(tmp_path):
    rows, _ = results.load("human-doubt", folder=paths.RESULTS)
    _, sweeps = summary.stored(paths.RESULTS)
    again, how = human.load_or_measure(tmp_path, sweeps, drift.CORE, bootstraps=20)
    assert how == "computed" and np.allclose(again.value, rows.value, atol=1e-6)
