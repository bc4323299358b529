"""Class orders of two seeds on images that they do not share, by simulation."""

import numpy as np
import pytest

from visionfail.studies.uneven import halves, persistence


def draw(easy, *, shared, seed, digits=60, num_classes=8):
    """Wrong answers (3, N), labels and houses of two digits; seeds share the share of images."""
    generator = np.random.default_rng(seed)
    index = np.repeat(np.arange(num_classes * digits // 2), 2)
    labels = generator.permutation(np.repeat(np.arange(num_classes), digits))
    rates = np.asarray(easy)[labels]
    common = generator.random(len(labels)) < shared
    own = generator.random((3, len(labels))) < rates
    return np.where(common, own[0], own), labels, index


def concordance(wrong, labels, index, *, seed=0, halvings=10, bootstraps=60, permutations=40):
    return halves.halved_concordance(
        wrong,
        labels,
        index,
        num_classes=8,
        halvings=halvings,
        bootstraps=bootstraps,
        permutations=permutations,
        generator=np.random.default_rng(seed),
    )


UNEVEN = np.linspace(0.03, 0.4, 8)


def test_two_rows_have_kendalls_w():
    generator = np.random.default_rng(0)
    first = np.round(generator.random((3, 8)), 1)
    second = np.round(generator.random((3, 8)), 1)
    found = halves._pairwise_w(first, second)
    for a in range(3):
        for b in range(3):
            assert found[a, b] == pytest.approx(persistence.kendalls_w([first[a], second[b]]))


def test_a_class_that_is_in_one_half_alone_is_left_out():
    first = np.array([[0.1, 0.2, 0.9, 0.3]])
    second = np.array([[0.1, 0.2, np.nan, 0.3]])
    assert halves._pairwise_w(first, second).item() == pytest.approx(1)
    assert np.isnan(halves._pairwise_w(first[:, 1:3], second[:, 1:3])).all()


def test_halves_share_no_group():
    index = np.repeat(np.arange(11), 3)
    for half in halves.random_halves(index, 20, np.random.default_rng(0)):
        assert not set(index[half]) & set(index[~half])
        assert len(set(index[half])) == 5


def test_classes_that_differ_have_one_order_on_images_not_shared():
    found = concordance(*draw(UNEVEN, shared=0.5, seed=0))
    assert found.w > 0.85
    assert found.p < 0.05
    assert found.lo > 0.6
    assert found.same_seed == pytest.approx(found.w, abs=0.08)
    assert found.chance == pytest.approx(0.5, abs=0.05)
    assert found.spread > 0


def test_classes_that_are_alike_have_none_though_shared_images_say_so():
    """The lesson: on shared images the same chance makes the same order."""
    together = []
    apart = []
    for seed in range(12):
        wrong, labels, index = draw(np.full(8, 0.15), shared=0.9, seed=seed)
        rates = [np.bincount(labels, weights=errors, minlength=8) for errors in wrong]
        generator = np.random.default_rng(seed)
        together.append(persistence.concordance_p(rates, permutations=99, generator=generator))
        apart.append(concordance(wrong, labels, index, seed=seed, bootstraps=2))
    assert np.mean(np.array(together) < 0.05) > 0.8
    assert np.mean([found.p < 0.05 for found in apart]) <= 0.2
    assert np.mean([found.w for found in apart]) == pytest.approx(0.5, abs=0.06)


def test_a_class_of_one_group_is_left_out():
    wrong, labels, index = draw(UNEVEN, shared=0.5, seed=0)
    alone = index == index[np.flatnonzero(labels == 7)[0]]
    kept = alone | (labels != 7)
    found = concordance(wrong[:, kept], labels[kept], index[kept], bootstraps=2)
    assert found.classes == 7
    assert found.w > 0.8


@pytest.mark.fault("too few data")
def test_one_seed_is_refused():
    wrong, labels, index = draw(UNEVEN, shared=0, seed=0)
    with pytest.raises(ValueError, match="needs two"):
        concordance(wrong[:1], labels, index)


@pytest.mark.fault("bad arguments")
def test_labels_of_another_length_are_refused():
    wrong, labels, index = draw(UNEVEN, shared=0, seed=0)
    with pytest.raises(ValueError, match="labels have shape"):
        concordance(wrong, labels[1:], index[1:])


@pytest.mark.fault("too few data")
@pytest.mark.parametrize("answer", [True, False])
def test_all_right_or_all_wrong_has_no_order(answer):
    wrong, labels, index = draw(UNEVEN, shared=0, seed=0)
    with pytest.raises(ValueError, match="no halving"):
        concordance(np.full_like(wrong, answer), labels, index)
