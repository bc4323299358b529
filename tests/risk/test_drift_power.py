"""Alarms of batches that are drawn from a pool."""

import numpy as np
from scipy import stats

from visionfail.risk.drift import reference_of
from visionfail.risk.drift_power import RARE, Pool, alarm_rows

FEATURES = 12


def pool(safe, unsafe, *, frames, seed):
    """Groups of frames that are alike, unsafe ones elsewhere."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [safe, unsafe])
    features = rng.normal(size=(safe + unsafe, FEATURES)) + 2 * labels[:, None]
    every = np.repeat(np.arange(safe + unsafe), frames)
    score = 1 / (1 + np.exp(3 - features.sum(axis=1) / 4))
    return Pool(features[every], score[every], labels[every], every)


def test_a_batch_has_one_picture_of_a_group_and_few_unsafe_ones_if_rare():
    drawn = pool(900, 100, frames=3, seed=0)
    generator = np.random.default_rng(0)
    every = drawn.one_per_group(generator, rare=False)
    assert sorted(drawn.groups[every]) == list(range(1000))
    unsafe = [drawn.labels[drawn.one_per_group(generator, rare=True)].sum() for _ in range(100)]
    expected = stats.binom.interval(0.999, 100 * 900, RARE / (1 - RARE))
    assert expected[0] <= sum(unsafe) <= expected[1]


def test_rare_unsafe_pictures_raise_alarms_until_the_reference_is_as_rare():
    val, test = pool(400, 400, frames=1, seed=1), pool(300, 300, frames=2, seed=2)
    generator = np.random.default_rng(0)
    learnt = pool(200, 200, frames=1, seed=3).features
    references = {
        rare: reference_of(val.features[chosen], val.score[chosen], components_of=learnt)
        for rare in (False, True)
        for chosen in [val.one_per_group(generator, rare=rare)]
    }
    found = {}
    for rare, reference in references.items():
        rows = alarm_rows(reference, test, generator, batches=(50, 500), repeats=60, rare=True)
        assert [row["size"] for row in rows] == [50]  # 300 safe ones do not fill 500
        found[rare] = rows[0]["alarms"]
    assert found[False] > 0.95 and found[True] <= stats.binom.ppf(0.999, 60, 0.05) / 60
