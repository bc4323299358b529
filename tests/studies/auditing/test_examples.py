import numpy as np
from makers import random_activations

from visionfail.failure import scores
from visionfail.studies.auditing import examples

READING = random_activations(n=600)
SCORE = np.random.default_rng(5).random(600)


def test_lists_hold_what_their_rules_say_in_the_order_of_the_score():
    ranked, sure = (
        examples.ranked_failures(READING, SCORE),
        scores.confidence_of(READING) >= examples.SURE,
    )
    mistakes = set(np.flatnonzero(READING.failed & sure))
    assert set(ranked["caught"]) == set(ranked["missed"]) == mistakes and mistakes
    assert ranked["caught"].tolist() == ranked["missed"].tolist()[::-1]
    assert (np.diff(SCORE[ranked["caught"]]) <= 0).all() and (
        np.diff(SCORE[ranked["distrusted"]]) <= 0
    ).all()
    assert not READING.failed[ranked["distrusted"]].any()


def test_captions_say_truth_answer_and_both_scores():
    place = int(examples.ranked_failures(READING, SCORE)["caught"][0])
    (words,) = examples.failure_captions(READING, SCORE, np.array([place]))
    sure = scores.confidence_of(READING)[place]
    assert words.startswith(f"{READING.labels[place]} read as {READING.logits[place].argmax()}\n")
    assert f"{sure:.0%}" in words and f"{SCORE[place]:.0%}" in words


def test_bins_hold_every_answer_of_an_outcome():
    table = examples.score_histogram(SCORE, READING.failed)
    assert np.allclose(table.groupby("outcome").share.sum(), 1)
    assert table.groupby("outcome").n.first()["wrong"] == READING.failed.sum()
