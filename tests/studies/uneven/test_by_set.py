"""The study's statistics of one set: what counts as one thing, and what two parts share."""

import numpy as np
import pytest

from visionfail.studies import uneven
from visionfail.studies.uneven import by_set, confusions
from visionfail.studies.uneven.seed_answers import SeedAnswers


def answers_of(labels, predicted, *, groups=None, dataset="svhn10k", split="test"):
    made = {"dataset": dataset, "split": split, "seeds": [0, 1], "classes": ["a", "b", "c"]}
    log_odds = np.full(np.shape(predicted), 1.5, dtype=np.float16)
    groups = None if groups is None else np.array(groups)
    return SeedAnswers(np.array(labels), np.array(predicted), log_odds, groups, {}, made)


# four houses: the first two of class a, the third of b, the fourth of both
HOUSES = answers_of(
    [0, 0, 0, 1, 1, 0],
    [[0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 0]],
    groups=[1, 1, 2, 3, 4, 4],
)


def test_confidence_counts_houses_and_not_answers_of_all_seeds():
    counts = np.ones((5, 6), dtype=np.float32)
    means = uneven.confidence_by_class(HOUSES, counts, above=0.9)
    table = by_set.table_of_confidence(HOUSES, means).set_index(["class", "measure"])
    assert table.things["a", "confidence"] == 3 and table.answers["a", "confidence"] == 8
    assert table.things["a", "when wrong"] == 2  # house 1 by one seed, house 2 by both
    assert table.things["a", "when right"] == 2
    assert table.things["b", "sure when wrong"] == 1
    assert table.things["c", "confidence"] == 0


def test_by_answer_a_house_counts_where_a_seed_names_the_class():
    table = by_set.table_by_answer(HOUSES, np.ones((5, 6), dtype=np.float32)).set_index("class")
    assert table.things["a"] == 2 and table.answers["a"] == 6  # houses 1 and 4
    assert table.things["b"] == 4 and table.answers["b"] == 6
    assert table.things["c"] == 0 and np.isnan(table.value["c"])
    sure = 1 / (1 + np.exp(-1.5))
    assert table.value["a"] == pytest.approx(sure - 5 / 6, abs=1e-3)


def test_seeds_that_share_images_agree_on_what_chance_did_to_them():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 400)
    hard = rng.random(1200) < 0.1  # the same images for both seeds, whatever their class
    predicted = np.stack([np.where(hard, (labels + 1) % 3, labels)] * 2)
    asked = answers_of(labels, predicted)
    w, p = uneven.order_on_same_images(asked, permutations=200)
    assert w == 1 and p < 0.4  # three classes have six orders
    halved = uneven.order_between_halves(asked, halvings=40, bootstraps=20, permutations=20)
    assert halved.w < 0.9


def test_a_class_without_images_has_no_place_in_the_order():
    asked = answers_of([0, 0, 1, 1], [[0, 1, 1, 1], [0, 1, 1, 1]])
    assert uneven.order_on_same_images(asked, permutations=20)[0] == 1


def test_in_short_says_what_the_study_says_at_length():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 100)
    wrong = rng.random((2, 300)) < 0.05 + 0.2 * (labels == 2)
    asked = answers_of(labels, np.where(wrong, (labels + 1) % 3, labels))
    counts = asked.counts(bootstraps=50)
    row = uneven.in_short(asked, counts, permutations=130)
    sums = uneven.sums_by_class(asked, counts)
    null = uneven.exchanged(asked, asked.wrong, permutations=130)
    at_length = uneven.gap_row(asked, sums, null)
    assert (row["gap"], row["gap_lo"], row["p of gap"]) == tuple(
        at_length[k] for k in ("gap", "lo", "p")
    )
    lasting = uneven.persistence_row(asked, counts)
    assert (row["kappa"], row["shared_hi"]) == (lasting["kappa"], lasting["shared_hi"])
    assert row["worst_class"] == "c" and (row["things"], row["fewest"]) == (300, 100)
    structure = uneven.structure_of(asked, permutations=26)
    assert row["p of confusions"] == structure.p
    over = uneven.confidence_by_class(asked, counts, above=0.9)["overconfidence"]
    assert row["range"] == over.range_over_classes().interval()[0]


def attacked_signs(seeds):
    """GTSRB-like answers to 60 signs of 30 frames that nobody tells apart, all of them wrong.

    Each seed's answers are drawn without the truth, frame by frame: they share no structure.
    """
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 300)
    predicted = (labels + rng.integers(1, 6, size=(seeds, len(labels)))) % 6
    made = {"dataset": "gtsrb", "split": "test", "seeds": list(range(seeds))}
    made["classes"] = list("abcdef")
    log_odds = np.full(predicted.shape, 1.5, dtype=np.float16)
    return SeedAnswers(labels, predicted, log_odds, None, {}, made)


def misfit_of(asked):
    structure = uneven.structure_of(asked, permutations=40)
    counts = asked.counts(bootstraps=10)
    return confusions.misfit_above_chance(asked.predicted, asked.labels, counts, structure).exact


def test_more_seeds_do_not_make_confusions_more_structured():
    three = attacked_signs(3)
    together = misfit_of(three)  # (3,)
    alone = [misfit_of(three.of_seed(seed))[0] for seed in range(3)]
    assert together == pytest.approx(alone)
    assert max(alone) < 0  # nothing is planted, and unknown signs are taken cautiously
    assert uneven.structure_of(three, permutations=40).p > 0.05
