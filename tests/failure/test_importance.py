from functools import partial

import numpy as np
import pytest
from makers import random_activations
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score

from visionfail.failure import auditor, importance

# layer "two", channel 0 tells failure, nothing else does
LEARNT = random_activations(n=1500)
JUDGED = random_activations(n=1500, seed=1)
JUDGE = auditor.fit_auditor(LEARNT.features(), LEARNT.failed, seed=0, epochs=3)


def auroc(score):
    return roc_auc_score(JUDGED.failed, score)


def test_the_layer_that_knows_is_enough_and_the_others_are_worth_nothing():
    scores = importance.scores_from_single_layers(LEARNT, JUDGED, seed=0)
    assert list(scores) == ["one", "two", "logits", "all layers", "all layers and logits"]
    assert auroc(scores["two"]) > 0.95 and abs(auroc(scores["one"]) - 0.5) < 0.1
    assert auroc(scores["all layers"]) > 0.95


def test_auditors_of_fewer_layers_are_fitted_at_once_and_equal_to_the_bit(monkeypatch):
    at_once = partial(importance.fit_several, processes=2)
    monkeypatch.setattr(importance, "fit_several", at_once)
    scores = importance.scores_from_single_layers(LEARNT, JUDGED, seed=0)
    for name in ("one", "logits"):
        alone = auditor.fit_auditor(LEARNT.features([name]), LEARNT.failed, seed=0)
        assert np.array_equal(scores[name], alone.score(JUDGED.features([name])))


def test_dealing_the_layer_that_knows_costs_all_and_another_nothing():
    scores = importance.scores_with_shuffled_layers(
        JUDGE, JUDGED, generator=np.random.default_rng(0)
    )
    assert np.array_equal(scores["none"], JUDGE.score(JUDGED.features()))
    assert auroc(scores["two"]) < 0.6 and auroc(scores["one"]) > auroc(scores["none"]) - 0.02


def test_channels_are_ranked_as_scikit_learn_ranks_them():
    table = importance.channel_importance(JUDGE, JUDGED, generator=np.random.default_rng(0))
    assert table.iloc[0][["layer", "channel"]].tolist() == ["two", 0] and len(table) == 7

    class Estimator:
        def fit(self, x, y):
            return self

    scoring = lambda _, x, y: roc_auc_score(y, JUDGE.score(x))  # noqa: E731
    other = permutation_importance(
        Estimator(), JUDGED.features(), JUDGED.failed, scoring=scoring, n_repeats=3, random_state=0
    )
    assert table.loss[0] == pytest.approx(other.importances_mean[3], abs=0.03)


def test_the_strongest_pictures_are_those_of_highest_activation_among_the_asked():
    places = importance.most_active_images(JUDGED, "two", 0, count=5, among=~JUDGED.failed)
    values = JUDGED.latents["two"][:, 0]
    assert not JUDGED.failed[places].any()
    assert sorted(values[places], reverse=True) == sorted(values[~JUDGED.failed], reverse=True)[:5]
