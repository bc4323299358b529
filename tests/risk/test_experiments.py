"""Where it fails: experiments on features whose truth is known."""

import numpy as np
import pytest
import torch

from visionfail.models.features import Features
from visionfail.risk import experiments
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored

CONFIG = RiskConfig(epochs=60, dropout=0.0, views=0)
KINDS = ("car", "house", "knife", "fire")  # the first two are safe
RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(4, 24))


def drawn(n, seed, *, spread=0.7):
    """Features of n pictures of each kind around the kind's centre, and their kinds."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(4), n)
    values = torch.from_numpy(CENTRES[kind] + spread * rng.normal(size=(4 * n, 24))).float()
    labels = torch.from_numpy((kind >= 2).astype(np.int64))
    features = Features(values, values, labels, ("safe", "unsafe"), "standin")
    return features, tuple(KINDS[k] for k in kind)


@pytest.fixture(scope="module")
def parts():
    learnt, learnt_kinds = drawn(80, 1)
    test, kinds = drawn(40, 2)
    scored = Scored(np.full(160, 0.5), test.labels.numpy(), np.arange(160))
    return learnt, learnt_kinds, test, kinds, scored


def test_balanced_accuracy_is_the_mean_of_both_recalls():
    scored = Scored(np.array([0.9, 0.2, 0.8, 0.1]), np.array([1, 1, 0, 0]), np.arange(4))
    found = experiments.balanced_accuracy(scored, 0.5, np.ones((2, 4)))
    assert found.exact[0] == pytest.approx(0.5)


def test_more_pictures_help_and_large_sizes_are_left_out(parts):
    learnt, _, test, _, scored = parts
    curve, found = experiments.learning_curve(learnt, test, scored, CONFIG, sizes=(2, 40, 100_000))
    assert curve["size"].tolist() == [2, 40, 160] and set(found) == {2, 40, 160}
    assert curve.value.iloc[0] < curve.value.iloc[1] <= curve.value.iloc[2] + 0.02
    assert (curve.lo <= curve.value).all() and (curve.value <= curve.hi).all()


def test_a_kind_that_was_never_seen_is_judged_worse(parts):
    learnt, learnt_kinds, test, kinds, scored = parts
    table, more = experiments.new_kinds(learnt, learnt_kinds, test, scored, kinds, CONFIG)
    assert table.kind.tolist() == sorted(KINDS) and set(table.n) == {40}
    assert (table.learnt < 0.1).all() and table["left out"].mean() > 0.2
    expected = (table["left out"] - table.learnt).mean()
    assert more.exact[0] == pytest.approx(expected, abs=1e-6)


def test_imbalance_has_as_many_pictures_in_both_arms_and_misses_more(parts):
    learnt, _, test, _, scored = parts
    found = experiments.imbalance(learnt, test, scored, CONFIG)
    assert found.exact[0] > 0.02
    counts = [
        len(experiments.drawn_per_class(learnt.labels.numpy(), sizes, np.random.default_rng(0)))
        for sizes in ((160, 8), (84, 84))
    ]
    assert counts == [168, 168]


def test_a_frame_holds_both_pictures_side_by_side():
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    images[2:] = 200  # the unsafe ones are bright
    frames, unsafe = experiments.mixed_frames(images, np.array([0, 0, 1, 1]))
    assert unsafe.tolist() == [2, 3] and frames.shape == (2, 3, 8, 8)
    halves = sorted(frames[0, 0, 4, [1, 6]].tolist())
    assert halves == [0, 200]


def test_more_missed_is_paired_over_groups():
    scored = Scored(np.array([0.9, 0.9, 0.1, 0.9]), np.array([1, 1, 1, 0]), np.array([0, 0, 1, 2]))
    unsafe = np.array([0, 1, 2])
    found = experiments.more_missed(scored, np.array([0.1, 0.9, 0.1]), unsafe, 0.5)
    assert found.exact[0] == pytest.approx(0.25)  # half of sign 0; sign 1 was missed before


def test_a_head_is_the_same_twice(parts):
    learnt, _, test, _, _ = parts
    heads = [experiments.quick_head(learnt, CONFIG) for _ in range(2)]
    for one, two in zip(*(head.parameters() for head in heads), strict=True):
        assert torch.equal(one, two)
    scores = [experiments.head_score(head, test.images) for head in heads]
    assert scores[0] == pytest.approx(scores[1], abs=1e-15)  # torch 2.9 rounds by the address


def test_a_round_of_labels_is_compared_with_random_ones(parts):
    learnt, _, test, _, scored = parts
    table = experiments.labelling_round(learnt, test, scored, CONFIG, size=20).set_index("labelled")
    assert table.value["random"] > table.value["first"] - 0.02
    expected = table.value["nearest to the threshold"] - table.value["random"]
    assert table.value["nearest minus random"] == pytest.approx(expected)
    assert set(table.n) == {160}
