"""Tables of answers under attack: the means they say, over the images that they say."""

import types

import numpy as np
from makers.attacked import attacked_of, falling_at, plain_wilson, random_attacked
from pytest import approx

from visionfail.studies import uneven
from visionfail.studies.uneven import under_attack
from visionfail.studies.uneven.attacked import EPSILONS

SURE = 0.8


def plain_measures(attacked, seed, place, weights):
    """{measure: value} of one seed at one epsilon, image by image; those undefined are left out."""
    sums = {"accuracy": 0.0, "loss": 0.0, "confidence when wrong": 0.0, "sure when wrong": 0.0}
    total = 0.0
    wrong = 0.0
    for image, label in enumerate(attacked.clean.labels):
        weight = float(weights[image])
        confidence = 1 / (1 + np.exp(-float(attacked.log_odds[seed, place, image])))
        total += weight
        sums["loss"] -= weight * float(attacked.log_prob[seed, place, image])
        if attacked.predicted[seed, place, image] == label:
            sums["accuracy"] += weight
        else:
            wrong += weight
            sums["confidence when wrong"] += weight * confidence
            sums["sure when wrong"] += weight * (confidence > SURE)
    values = {name: sums[name] / total for name in ("accuracy", "loss")}
    if wrong:
        for name in ("confidence when wrong", "sure when wrong"):
            values[name] = sums[name] / wrong
    return values


def test_every_epsilon_has_the_plain_mean_of_every_measure():
    attacked = random_attacked(seeds=3, n=90, groups=np.arange(90) // 3)
    counts = attacked.clean.counts(bootstraps=20)
    table = under_attack.by_epsilon(attacked, counts, sure=SURE)
    assert len(table) == len(EPSILONS) * len(under_attack.MEASURES)
    assert set(table.attack) == {"pgd"} and set(table.images) == {90} and set(table.things) == {30}
    table = table.set_index(["epsilon", "measure"])
    for place, epsilon in enumerate(EPSILONS):
        plain = [plain_measures(attacked, seed, place, np.ones(90)) for seed in range(3)]
        for measure in under_attack.MEASURES:
            row = table.loc[(epsilon, measure)]
            expected = np.mean([of_seed[measure] for of_seed in plain])
            assert row.value == approx(expected, abs=1e-5)
            assert row.lo <= row.value <= row.hi


def test_an_interval_is_that_of_the_resampled_means():
    attacked = random_attacked(seeds=1, n=60, groups=np.arange(60) // 2)
    counts = attacked.clean.counts(bootstraps=40)
    table = under_attack.by_epsilon(attacked, counts, sure=SURE).set_index(["epsilon", "measure"])
    for place in (2, 5):
        plain = [plain_measures(attacked, 0, place, weights) for weights in counts]
        for measure in under_attack.MEASURES:
            row = table.loc[(EPSILONS[place], measure)]
            values = [of_resample[measure] for of_resample in plain]
            lo, hi = np.quantile(values, [0.025, 0.975])
            if measure == "accuracy":  # a share of all things has the wider of two intervals
                wilson_lo, wilson_hi = plain_wilson(row.value, 30)
                lo, hi = min(lo, wilson_lo), max(hi, wilson_hi)
            assert [row.lo, row.hi] == approx([lo, hi], abs=1e-5)


def test_where_nothing_is_left_there_is_an_interval_all_the_same():
    attacked = falling_at([[1] * 20] * 2, np.zeros(20, int), groups=np.arange(20) // 2)
    table = under_attack.by_epsilon(attacked, attacked.clean.counts(bootstraps=9), sure=SURE)
    table = table[table.measure == "accuracy"].set_index("epsilon")
    assert table.value.tolist() == [1, 0, 0, 0, 0, 0, 0]
    least, _ = plain_wilson(1, 10)  # groups, not images
    _, most = plain_wilson(0, 10)
    assert [table.lo[0.0], table.hi[0.0]] == approx([least, 1])
    assert [table.lo[8.0], table.hi[8.0]] == approx([0, most])


def test_a_measure_of_wrong_answers_is_left_out_where_one_network_has_none():
    first_wrong = np.array([[0, 3, 3, 3], [2, 3, 3, 3]])  # the second is right when clean
    attacked = falling_at(first_wrong, np.arange(4))
    table = under_attack.by_epsilon(attacked, np.ones((5, 4), np.float32), sure=SURE)
    measures = table.groupby("epsilon").measure.apply(set)
    for epsilon in (0.0, 0.5):
        assert measures[epsilon] == {"accuracy", "loss"}
    for epsilon in EPSILONS[2:]:
        assert measures[epsilon] == set(under_attack.MEASURES)
    assert table[table.measure == "accuracy"].value.tolist() == approx(
        [0.875, 0.875, 0.75, 0, 0, 0, 0]
    )


def test_only_answers_over_the_asked_confidence_are_sure():
    labels = np.zeros(4, dtype=np.int64)
    log_odds = np.zeros((1, 7, 4), dtype=np.float16)
    log_odds[..., 1:] = [1, 2, 5]  # confidences 0.5, 0.73, 0.88, 0.99
    attacked = attacked_of(np.ones((1, 7, 4)), labels, log_odds=log_odds)
    for sure, share in ((0.4, 1), (0.5, 0.75), (0.8, 0.5), (0.9, 0.25), (0.999, 0)):
        table = under_attack.by_epsilon(attacked, np.ones((2, 4), np.float32), sure=sure)
        assert set(table[table.measure == "sure when wrong"].value) == {share}


def test_the_curve_of_a_class_is_its_own_accuracy():
    attacked = random_attacked(seeds=2, n=60)
    curves = under_attack.class_curves(attacked)
    assert curves.columns.tolist() == list(EPSILONS)
    labels = attacked.clean.labels
    for name in curves.index:
        for place, epsilon in enumerate(EPSILONS):
            by_seed = []
            for seed in range(2):
                answers = attacked.predicted[seed, place][labels == int(name)]
                by_seed.append(sum(answers == int(name)) / len(answers))
            assert curves.loc[name, epsilon] == approx(np.mean(by_seed))


def test_a_class_without_images_has_no_curve():
    attacked = falling_at([[3, 3, 7, 7]], [0, 0, 2, 2])
    curves = under_attack.class_curves(attacked)
    assert curves.index.tolist() == ["0", "2"]
    assert curves.loc["0"].tolist() == [1, 1, 1, 0, 0, 0, 0]


def test_shares_of_first_epsilons_are_of_right_answers_and_sum_to_1():
    attacked = random_attacked(seeds=3, n=150)
    table = under_attack.smallest_by_class(attacked)
    columns = ["0.5", "1", "2", "4", "8", "16", "more"]
    assert table[columns].sum(axis=1).to_numpy() == approx(np.ones(10))
    labels = attacked.clean.labels
    for name in table.index:
        shares = np.zeros((3, 7))
        for seed in range(3):
            right = 0
            for image in np.flatnonzero(labels == int(name)):
                wrong = [attacked.predicted[seed, place, image] != int(name) for place in range(7)]
                if wrong[0]:
                    continue
                right += 1
                first = wrong.index(True) - 1 if any(wrong) else 6
                shares[seed, first] += 1
            shares[seed] /= right
        assert table.loc[name, columns].tolist() == approx(shares.mean(axis=0))
        assert table.images[name] == (labels == int(name)).sum()
    assert table.half.is_monotonic_increasing


def test_an_image_that_is_right_again_counts_by_the_first_epsilon():
    wrong = np.zeros((1, 7, 2), dtype=bool)
    wrong[0, 2, 0] = True
    wrong[0, 5:, 1] = True
    table = under_attack.smallest_by_class(attacked_of(np.where(wrong, 1, 0), np.zeros(2, int)))
    assert table.loc["0", "1"] == 0.5 and table.loc["0", "8"] == 0.5
    assert table.loc["0", "more"] == 0


def test_half_of_a_class_is_lost_at_the_mean_epsilon_of_the_seeds():
    first_wrong = np.array([[3, 4, 4, 4, 7], [2, 2, 4, 5, 7]])
    labels = np.array([0, 0, 0, 0, 1])
    table = under_attack.smallest_by_class(falling_at(first_wrong, labels))
    # seed 0: 3/4 are left at 2, none at 4; seed 1: exactly half at 1
    of_first = 2 ** (1 + (3 / 4 - 1 / 2) / (3 / 4))
    assert table.half["0"] == approx((of_first + 1) / 2)
    assert table.half["1"] == np.inf and table.loc["1", "more"] == 1
    assert table.index.tolist() == ["0", "1"]


def test_a_class_that_a_seed_never_has_right_is_left_out():
    first_wrong = np.array([[3, 0, 4], [3, 2, 4]])
    table = uneven.smallest_by_class(falling_at(first_wrong, [0, 1, 2]))
    assert table.index.tolist() == ["0", "2"]


def test_a_share_within_a_class_is_nan_where_a_seed_has_none():
    chosen = np.array([[True, False, True], [True, True, False]])
    counted = np.array([[True, True, False], [True, True, True]])
    shares = under_attack.class_shares(chosen, counted, np.array([0, 0, 1]), 3)
    assert shares[0] == approx((1 / 2 + 1) / 2)  # what is not counted is not chosen
    assert np.isnan(shares[1:]).all()


def test_classes_alike_differ_by_no_more_than_chance_and_a_weak_one_by_more():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 60)
    alike = rng.random((2, len(uneven.EPSILONS), 240)) < 0.5
    weak = alike.copy()
    weak[:, :, labels == 2] = False
    for correct, apart in ((alike, False), (weak, True)):
        attacked = types.SimpleNamespace(
            correct=correct, clean=types.SimpleNamespace(labels=labels, classes=tuple("abcd"))
        )
        spread = uneven.class_spread(
            attacked, at_least=30, permutations=200, generator=np.random.default_rng(1)
        )
        shares = [correct[:, :, labels == k].mean(axis=(0, 2)) for k in range(4)]
        assert spread["spread"] == approx(np.ptp(shares, axis=0).max())
        assert (spread["spread"] > 1.5 * spread["chance"]) == apart


def test_small_classes_are_left_out():
    labels = np.repeat(np.arange(3), [40, 5, 40])
    correct = np.ones((1, len(uneven.EPSILONS), 85), dtype=bool)
    attacked = types.SimpleNamespace(
        correct=correct, clean=types.SimpleNamespace(labels=labels, classes=tuple("abc"))
    )
    assert list(uneven.class_curves(attacked, at_least=30).index) == ["a", "c"]
    assert list(uneven.smallest_by_class(attacked, at_least=30).index) == ["a", "c"]


def test_half_of_all_right_answers_falls_where_the_middle_image_does():
    correct = np.ones((1, len(uneven.EPSILONS), 10), dtype=bool)
    place = uneven.EPSILONS.index(2.0)
    correct[0, place:, :5] = False  # half of them fall exactly at 2/255
    correct[0, place + 1 :, 5:] = False
    attacked = types.SimpleNamespace(
        correct=correct, clean=types.SimpleNamespace(labels=np.zeros(10, dtype=int))
    )
    value, lo, hi = uneven.half_of_all(attacked, np.ones((5, 10)))
    assert value == approx(2.0) and lo == hi == approx(2.0)
