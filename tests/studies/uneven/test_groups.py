"""Groups are drawn and exchanged whole; what they cost is the design effect."""

import numpy as np
import pytest

from visionfail import metrics
from visionfail.studies.uneven import groups

HOUSES = np.array([7, 7, 3, 5, 5, 5, 2, 2])


def clustered(number, size, correlation, rate=0.2, seed=0):
    """Right answers (N,) of groups whose images copy their group's answer now and then.

    A share sqrt(correlation) of the images copies, so that two of a group agree by `correlation`.
    """
    generator = np.random.default_rng(seed)
    index = np.repeat(np.arange(number), size)
    of_group = generator.random(number) >= rate
    own = generator.random(len(index)) >= rate
    copies = generator.random(len(index)) < np.sqrt(correlation)
    return np.where(copies, of_group[index], own), index


def test_groups_are_numbered_without_gaps():
    assert groups.group_index(HOUSES, 8).tolist() == [3, 3, 1, 2, 2, 2, 0, 0]
    assert groups.group_index(None, 3).tolist() == [0, 1, 2]


@pytest.mark.fault("bad arguments")
def test_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="for 9 images"):
        groups.group_index(HOUSES, 9)


def test_groups_are_counted_in_every_class_that_they_show():
    labels = np.array([0, 0, 1, 1, 1, 2, 0, 2])
    assert groups.groups_per_class(labels, HOUSES, num_classes=4).tolist() == [2, 2, 2, 0]


def test_whole_groups_are_drawn():
    counts = groups.group_counts(HOUSES, 8, bootstraps=50, generator=np.random.default_rng(0))
    assert counts.shape == (50, 8)
    for house in np.unique(HOUSES):
        assert (np.ptp(counts[:, house == HOUSES], axis=1) == 0).all()
    # four groups are drawn each time
    assert (counts[:, [0, 2, 3, 6]].sum(axis=1) == 4).all()


def test_a_bootstrap_of_groups_scatters_by_the_design_effect():
    correct, index = clustered(400, 10, 0.5)
    counts = groups.group_counts(index, 4000, bootstraps=2000, generator=np.random.default_rng(1))
    variance = (counts @ correct.astype(float) / counts.sum(axis=1)).var()
    binomial = correct.mean() * (1 - correct.mean()) / 4000
    correlation = groups.correlation_within_groups(correct, index)
    effect = groups.design_effect(correlation, frames=10)
    assert effect == pytest.approx(variance / binomial, rel=0.1)
    assert effect == pytest.approx(5.5, rel=0.15)


def test_the_correlation_is_unbiased_where_groups_are_few():
    found = [
        groups.correlation_within_groups(*clustered(20, 15, 0.5, seed=seed)) for seed in range(200)
    ]
    assert np.nanmean(found) == pytest.approx(0.5, abs=0.05)


def test_what_classes_differ_by_is_no_correlation_within_a_class():
    labels = np.repeat([0, 1], 2000)
    generator = np.random.default_rng(0)
    correct = generator.random(4000) < np.where(labels == 0, 0.2, 0.9)
    index = np.repeat(np.arange(400), 10)
    assert groups.correlation_within_groups(correct, index) > 0.3
    within = groups.correlation_within_groups(correct, index, labels=labels)
    assert within == pytest.approx(0, abs=0.02)


def test_a_class_of_one_group_tells_nothing_of_its_correlation():
    correct, index = clustered(30, 10, 0.5)
    labels = np.zeros(300, dtype=int)
    without = groups.correlation_within_groups(correct, index, labels=labels)
    labels = np.append(labels, np.ones(10, dtype=int))
    correct = np.append(correct, np.zeros(10, dtype=bool))
    index = np.append(index, np.full(10, 99))
    assert groups.correlation_within_groups(correct, index, labels=labels) == pytest.approx(without)


@pytest.mark.fault("bad arguments")
def test_groups_of_several_classes_have_no_class():
    with pytest.raises(ValueError, match="several classes"):
        groups.correlation_within_groups([True, False], [0, 0], labels=[0, 1])


@pytest.mark.parametrize("answer", [True, False])
def test_answers_that_are_all_alike_have_no_correlation(answer):
    assert np.isnan(groups.correlation_within_groups(np.full(8, answer), HOUSES))


def test_images_in_groups_of_their_own_have_no_correlation():
    assert np.isnan(groups.correlation_within_groups([True, False, True], [0, 1, 2]))


def test_the_design_effect_runs_from_one_to_the_number_of_frames():
    effects = [groups.design_effect(correlation, frames=30) for correlation in (0, 0.5, 1)]
    assert effects == [1, 15.5, 30]


def test_the_effective_size_is_never_larger_than_the_signs():
    n = np.array([60, 300])
    worth = groups.effective_size(n, design_effect=4.0, frames=30)
    assert worth.tolist() == [2, 10]
    assert groups.effective_size(n, design_effect=40.0, frames=30).tolist() == [1.5, 7.5]
    assert groups.effective_size(n, design_effect=1.5, frames=1).tolist() == [40, 200]
    assert groups.effective_size(n, design_effect=np.nan, frames=30).tolist() == [2, 10]


def test_the_effective_interval_is_that_of_as_many_images():
    lo, hi = groups.effective_wilson(0.9, 10.0)
    assert (lo, hi) == pytest.approx(metrics.wilson(9, 10))
    lo, hi = groups.effective_wilson(np.array([1.0, 0.0]), 2.0)
    assert hi[0] == 1 and lo[1] == 0
    assert lo[0] == pytest.approx(0.342, abs=0.001)  # n / (n + z^2), two signs


def test_signs_are_drawn_as_if_their_frames_were_one_picture():
    labels = np.repeat([0, 1], [60, 300])
    counts = groups.sign_counts(
        labels, frames=30, bootstraps=3000, generator=np.random.default_rng(0)
    )
    assert set(np.unique(counts)) <= {0, 30, 60, 90, 120}
    assert (counts[:, :60].sum(axis=1) == 60).all()
    assert (counts[:, 60:].sum(axis=1) == 300).all()
    correct = np.random.default_rng(1).random(360) < 0.8
    rate = correct[60:].mean()
    scatter = (counts[:, 60:] @ correct[60:] / 300).std()
    assert scatter == pytest.approx(np.sqrt(rate * (1 - rate) / 10), rel=0.05)


def test_a_class_of_fewer_images_than_a_sign_has_is_one_sign():
    counts = groups.sign_counts(
        np.zeros(7, dtype=int), frames=30, bootstraps=9, generator=np.random.default_rng(0)
    )
    assert (counts.max(axis=1) == 7).all()


def test_no_cut_of_a_class_sets_groups_further_apart_than_the_worst():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    predicted = np.where(generator.random((3, 120)) < 0.3, 1 - labels, labels)
    worst = groups.worst_case_groups(predicted, labels, frames=10)
    assert np.bincount(worst).tolist() == [10] * 12
    assert all(len(np.unique(labels[worst == group])) == 1 for group in range(12))
    wrong = (predicted != labels).mean(axis=0)
    other = np.repeat(np.arange(12), 10)
    widest = np.var([wrong[worst == group].mean() for group in range(12)])
    for _ in range(20):
        order = np.concatenate([generator.permutation(60), 60 + generator.permutation(60)])
        cut = [wrong[order][other == group].mean() for group in range(12)]
        assert np.var(cut) < widest


def test_all_images_with_one_wrong_answer_are_one_sign_while_they_fit():
    labels = np.zeros(8, dtype=int)
    predicted = np.array([[1, 0, 1, 2, 0, 1, 2, 0], [1, 0, 1, 2, 0, 1, 2, 3]])
    cut = groups.worst_case_answers(predicted, labels, frames=2)
    assert len({cut[3], cut[6]}) == 1  # answered 2
    assert len({cut[0], cut[2], cut[5]}) == 2  # answered 1, three images in signs of two
    assert cut[7] not in np.delete(cut, 7)  # answered 3 by one seed


def test_exchanged_groups_stay_whole_and_in_order():
    blocks = groups.blocks_of(HOUSES, 8)
    assert sorted(block.shape for block in blocks) == [(1, 1), (1, 3), (2, 2)]
    generator = np.random.default_rng(0)
    orders = {tuple(groups.exchange_groups(blocks, generator)) for _ in range(30)}
    assert orders == {(0, 1, 2, 3, 4, 5, 6, 7), (6, 7, 2, 3, 4, 5, 0, 1)}
