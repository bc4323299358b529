import numpy as np
from makers import random_activations

from visionfail.failure import scores
from visionfail.studies.auditing import examples

ACTIVATIONS = random_activations(n=600)
SCORE = np.random.default_rng(5).random(600)


def test_lists_hold_what_their_rules_say_in_the_order_of_the_score():
    ranked = examples.ranked_failures(ACTIVATIONS, SCORE)
    confident = scores.confidence_of(ACTIVATIONS) >= examples.SURE
    mistakes = set(np.flatnonzero(ACTIVATIONS.failed & confident))
    assert mistakes
    assert set(ranked["caught"]) == mistakes
    assert set(ranked["missed"]) == mistakes
    assert ranked["caught"].tolist() == ranked["missed"].tolist()[::-1]
    assert (np.diff(SCORE[ranked["caught"]]) <= 0).all()
    assert (np.diff(SCORE[ranked["distrusted"]]) <= 0).all()
    assert not ACTIVATIONS.failed[ranked["distrusted"]].any()


def test_captions_say_truth_answer_and_both_scores():
    place = int(examples.ranked_failures(ACTIVATIONS, SCORE)["caught"][0])
    (caption,) = examples.failure_captions(ACTIVATIONS, SCORE, np.array([place]))
    confidence = scores.confidence_of(ACTIVATIONS)[place]
    predicted = ACTIVATIONS.logits[place].argmax()
    assert caption.startswith(f"{ACTIVATIONS.labels[place]} read as {predicted}\n")
    assert f"{confidence:.0%}" in caption
    assert f"{SCORE[place]:.0%}" in caption


def test_bins_hold_every_answer_of_an_outcome():
    table = examples.score_histogram(SCORE, ACTIVATIONS.failed)
    assert np.allclose(table.groupby("outcome").share.sum(), 1)
    assert table.groupby("outcome").n.first()["wrong"] == ACTIVATIONS.failed.sum()
