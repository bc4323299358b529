"""Drift: alarms on unchanged pictures, and power on changed ones."""

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA

from visionfail.risk import drift
from visionfail.risk.decisions import Scored

FEATURES = 60
MIXING = np.random.default_rng(9).normal(size=(FEATURES, FEATURES))


def drawn(n, rng, *, moved=0.0):
    features = rng.normal(size=(n, FEATURES)) @ MIXING + moved
    score = 1 / (1 + np.exp(-features[:, 0] / 5))
    return features, score


def reference(rng, n=400):
    learnt, _ = drawn(800, rng)
    return drift.reference_of(*drawn(n, rng), components_of=learnt)


def frames_of_signs(signs, rng, *, frames=30):
    """(features, scores, groups) of frames, those of one sign all alike but for some noise."""
    features, _ = drawn(signs, rng)
    groups = np.repeat(rng.permutation(signs), frames)
    seen = np.repeat(features, frames, axis=0) + rng.normal(size=(signs * frames, FEATURES))
    return seen, 1 / (1 + np.exp(-seen[:, 0] / 5)), groups


def one_frame_a_sign(signs, rng):
    features, score, groups = frames_of_signs(signs, rng)
    chosen = drift.one_per_group(groups, rng)
    assert len(chosen) == signs
    return features[chosen], score[chosen]


def reference_of_signs(rng):
    learnt, _ = one_frame_a_sign(800, rng)
    return drift.reference_of(*one_frame_a_sign(400, rng), components_of=learnt)


def test_unchanged_pictures_seldom_raise_an_alarm():
    rng = np.random.default_rng(0)
    kept = reference_of_signs(rng)
    alarms = sum(drift.check_drift(kept, *one_frame_a_sign(50, rng)).alarm for _ in range(200))
    assert alarms <= stats.binom.ppf(0.999, 200, 0.05)


def test_changed_pictures_raise_one_the_more_the_larger_the_batch():
    rng = np.random.default_rng(1)
    kept = reference(rng)
    power = {}
    for size in (10, 40, 160):
        found = [drift.check_drift(kept, *drawn(size, rng, moved=1.5)).alarm for _ in range(40)]
        power[size] = np.mean(found)
    assert power[10] < power[40] < power[160] and power[160] > 0.95


def test_the_first_component_is_named_where_it_moved():
    rng = np.random.default_rng(2)
    kept = reference(rng)
    features, score = drawn(200, rng)
    shifted = features + 3 * kept.components[0] * kept.values[:, 0].std()
    found = drift.check_drift(kept, shifted, score)
    assert found.moved == ("component 1",) and found.n == 200
    assert found.p_values["component 1"] == found.p < min(0.05, found.p_values["component 2"])


def test_a_component_is_judged_by_kolmogorov_and_smirnov():
    rng = np.random.default_rng(3)
    kept = reference(rng)
    features, score = drawn(30, rng)
    learnt, _ = drawn(800, np.random.default_rng(3))  # as `reference` does
    theirs = PCA(drift.COMPONENTS, random_state=0).fit(learnt).transform(features)
    by_hand = stats.ks_2samp(kept.values[:, -1], score).pvalue
    others = [
        stats.ks_2samp(kept.values[:, k], theirs[:, k]).pvalue for k in range(drift.COMPONENTS)
    ]
    smallest = min(1, min(by_hand, *others) * (len(others) + 1))
    assert drift.check_drift(kept, features, score).p == pytest.approx(smallest)


def test_a_stored_reference_checks_as_before(tmp_path):
    rng = np.random.default_rng(7)
    kept = reference(rng)
    drift.save_reference(kept, tmp_path / "drift.npz")
    again = drift.load_reference(tmp_path / "drift.npz")
    batch = drawn(30, rng)
    assert drift.check_drift(again, *batch) == drift.check_drift(kept, *batch)
    assert again.n == 400
    with pytest.raises(FileNotFoundError, match="train again"):
        drift.load_reference(tmp_path / "none.npz")
    (tmp_path / "drift.npz").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"drift\.npz is damaged"):
        drift.load_reference(tmp_path / "drift.npz")


def test_of_each_sign_one_frame_is_taken():
    groups = np.repeat([4, 9, 2], 30)
    chosen = drift.one_per_group(groups, np.random.default_rng(0))
    assert sorted(groups[chosen]) == [2, 4, 9]
    again = drift.one_per_group(groups, np.random.default_rng(1))
    assert set(chosen.tolist()) != set(again.tolist())


def test_frames_of_few_signs_would_cry_wolf():
    rng = np.random.default_rng(4)
    kept = reference_of_signs(rng)
    alarms = 0
    for _ in range(40):
        features, score, _ = frames_of_signs(5, rng)
        alarms += drift.check_drift(kept, features, score).alarm
    assert alarms > 30


@pytest.mark.fault("too few data")
def test_too_few_pictures_are_told():
    rng = np.random.default_rng(5)
    features, score = drawn(10, rng)
    with pytest.raises(ValueError, match="10 pictures are no reference"):
        drift.reference_of(features, score, components_of=features)
    with pytest.raises(ValueError, match="batch is empty"):
        drift.check_drift(reference(rng), features[:0], score[:0])


def test_scores_alone_are_checked_against_safe_pictures():
    rng = np.random.default_rng(6)
    labels = np.repeat([0, 1], 300)
    score = np.where(labels == 1, rng.beta(8, 2, 600), rng.beta(2, 8, 600))
    validation = Scored(score, labels, np.arange(600))
    alarms = 0
    for _ in range(200):
        rare = rng.random(60) < 0.01  # unsafe ones at work
        batch = np.where(rare, rng.beta(8, 2, 60), rng.beta(2, 8, 60))
        alarms += drift.check_score_drift(validation, batch).alarm
    assert alarms <= stats.binom.ppf(0.999, 200, 0.06)
    assert drift.check_score_drift(validation, rng.beta(3, 6, 60)).alarm
    with pytest.raises(ValueError, match="batch is empty"):
        drift.check_score_drift(validation, score[:0])
