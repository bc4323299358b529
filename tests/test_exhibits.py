import numpy as np
from test_auditor import reading

from visionfail import exhibits

READING = reading(n=600)
SCORE = np.random.default_rng(5).random(600)


def test_lists_hold_what_their_rules_say_in_the_order_of_the_score():
    ranked, sure = exhibits.ranked(READING, SCORE), exhibits.confidence(READING) >= exhibits.SURE
    mistakes = set(np.flatnonzero(READING.failed & sure))
    assert set(ranked["caught"]) == set(ranked["missed"]) == mistakes and mistakes
    assert ranked["caught"].tolist() == ranked["missed"].tolist()[::-1]
    assert (np.diff(SCORE[ranked["caught"]]) <= 0).all() and (np.diff(SCORE[ranked["distrusted"]]) <= 0).all()
    assert not READING.failed[ranked["distrusted"]].any()


def test_captions_say_truth_answer_and_both_scores():
    place = int(exhibits.ranked(READING, SCORE)["caught"][0])
    (words,) = exhibits.captions(READING, SCORE, np.array([place]))
    sure = exhibits.confidence(READING)[place]
    assert words.startswith(f"{READING.labels[place]} read as {READING.logits[place].argmax()}\n")
    assert f"{sure:.0%}" in words and f"{SCORE[place]:.0%}" in words


def test_bins_hold_every_answer_of_an_outcome():
    table = exhibits.bins(SCORE, READING.failed)
    assert np.allclose(table.groupby("outcome").share.sum(), 1)
    assert table.groupby("outcome").n.first()["wrong"] == READING.failed.sum()
