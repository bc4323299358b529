"""Answers of several networks under one attack: each epsilon's own, and of these images alone."""

import numpy as np
import pytest
from makers.attacked import attacked_of, falling_at, plain_wilson, random_attacked

from visionfail.evaluation import Outcomes
from visionfail.studies.uneven import attack_answers
from visionfail.studies.uneven.attacked import EPSILONS, attack_conditions
from visionfail.studies.uneven.seed_answers import SeedAnswers


def outcomes_of(labels, *, seed, attack="fgsm"):
    """Random stored answers to images of these labels at every epsilon."""
    rng = np.random.default_rng(seed)
    shape = (len(EPSILONS), len(labels))
    return Outcomes(
        conditions=tuple(attack_conditions(attack)),
        labels=np.asarray(labels, dtype=np.uint8),
        predicted=rng.integers(0, 10, shape).astype(np.uint8),
        log_odds=rng.normal(0, 2, shape).astype(np.float16),
        log_odds_scaled=np.zeros(shape, np.float16),
        log_prob=-rng.exponential(1, shape).astype(np.float16),
        origins=("standin",) * len(EPSILONS),
        temperature=1.0,
        made={},
    )


def base_of(labels, *, groups=None, dataset="svhn10k"):
    """Answers of three other networks to images of these labels, all of them class 0."""
    predicted = np.zeros((3, len(labels)), dtype=np.int64)
    made = {"dataset": dataset, "split": "test", "seeds": [7, 8, 9], "weights": "of others"}
    made["classes"] = list("0123456789")
    covariates = {"brightness": np.arange(len(labels), dtype=np.float32)}
    return SeedAnswers(np.asarray(labels), predicted, predicted * 1.0, groups, covariates, made)


def test_answers_at_an_epsilon_are_those_of_its_place_on_the_ladder():
    attacked = random_attacked(n=50, groups=np.arange(50) // 2)
    for place, epsilon in enumerate(EPSILONS):
        answers = attacked.at(epsilon)
        assert np.array_equal(answers.predicted, attacked.predicted[:, place])
        assert np.array_equal(answers.log_odds, attacked.log_odds[:, place])
        assert answers.predicted.dtype == np.int64  # as those of a file, not bytes that wrap
        right = attacked.predicted[:, place] == attacked.clean.labels
        assert np.array_equal(answers.correct, right)
        assert np.array_equal(attacked.correct[:, place], right)
        assert np.array_equal(answers.groups, attacked.clean.groups)
        assert answers.things == 25


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("epsilon", [3.0, 8 / 255, 32.0, -1.0])
def test_an_epsilon_that_is_not_on_the_ladder_is_refused(epsilon):
    attacked = random_attacked(n=20)
    with pytest.raises(ValueError, match=r"choose one of 0, 0\.5, 1, 2, 4, 8, 16"):
        attacked.at(epsilon)
    with pytest.raises(ValueError, match="was not attacked"):
        attacked.turned(epsilon)


def test_an_image_that_is_wrong_when_clean_is_not_turned():
    attacked = random_attacked(seeds=3, n=80)
    turned = attacked.turned(8.0)
    some = 0
    for seed in range(3):
        for image, label in enumerate(attacked.clean.labels):
            was_right = attacked.predicted[seed, 0, image] == label
            at_eight = attacked.predicted[seed, 5, image]
            expected = at_eight if was_right else label
            some += not was_right
            assert turned.predicted[seed, image] == expected
    assert some > 0
    assert np.array_equal(turned.wrong, attacked.at(8.0).wrong & attacked.clean.correct)


def test_stored_outcomes_become_answers_of_their_own_networks():
    labels = np.array([3, 1, 4, 1, 5, 9])
    groups = np.array([0, 0, 1, 1, 2, 2])
    outcomes = {seed: outcomes_of(labels, seed=seed) for seed in (4, 2)}
    attacked = attack_answers.attacked_answers(outcomes, base_of(labels, groups=groups))
    assert attacked.attack == "fgsm"
    for row, seed in enumerate((4, 2)):
        for field in ("predicted", "log_odds", "log_prob"):
            assert np.array_equal(getattr(attacked, field)[row], getattr(outcomes[seed], field))
        assert np.array_equal(attacked.clean.predicted[row], outcomes[seed].predicted[0])
        assert np.array_equal(attacked.clean.log_odds[row], outcomes[seed].log_odds[0])
    assert attacked.clean.made["seeds"] == [4, 2]
    assert attacked.clean.made["classes"] == list("0123456789")
    assert attacked.clean.things == 3


def test_answers_to_a_part_are_of_the_images_of_that_part():
    labels = np.arange(8)
    part = np.array([1, 4, 6])
    groups = np.array([0, 1, 1, 2, 3, 3, 4, 4])
    outcomes = {0: outcomes_of(labels[part], seed=0, attack="pgd")}
    attacked = attack_answers.attacked_answers(outcomes, base_of(labels, groups=groups), part)
    assert attacked.attack == "pgd"
    assert attacked.clean.labels.tolist() == [1, 4, 6]
    assert attacked.clean.groups.tolist() == [1, 3, 4]
    assert attacked.clean.covariates["brightness"].tolist() == [1, 4, 6]
    assert attacked.clean.predicted.shape == (1, 3)


def frames_of(labels, part, *, dataset):
    """How many frames the attacked answers to a part take a thing to have."""
    outcomes = {0: outcomes_of(labels[part], seed=0, attack="pgd")}
    base = base_of(labels, dataset=dataset)
    return attack_answers.attacked_answers(outcomes, base, part).clean.frames


def test_a_part_of_shuffled_frames_has_fewer_of_each_sign():
    signs = np.repeat(np.arange(20), 30)  # unknown to the answers
    labels = np.zeros(600, dtype=np.int64)
    rng = np.random.default_rng(0)
    for size in (1, 40, 150, 600):
        seen = []  # frames of its own sign that an image of the part sees, itself among them
        for _ in range(400):
            shown = np.bincount(rng.permutation(signs)[:size])
            seen.append((shown**2).sum() / size)
        frames = frames_of(labels, np.arange(size), dataset="gtsrb")
        spread = np.std(seen) / np.sqrt(len(seen))
        assert np.mean(seen) - 3 * spread - 1e-9 <= frames < np.mean(seen) + 3 * spread + 1


def test_images_that_are_each_a_thing_have_one_frame_in_a_part_too():
    labels = np.zeros(100, dtype=np.int64)
    for dataset in ("cifar10", "svhn10k"):
        assert frames_of(labels, np.arange(30), dataset=dataset) == 1


def test_all_frames_of_signs_count_by_thirty():
    labels = np.repeat([0, 1], [60, 90])
    outcomes = {0: outcomes_of(labels, seed=0)}
    base = base_of(labels, dataset="gtsrb")
    clean = attack_answers.attacked_answers(outcomes, base).clean
    assert clean.frames == base.frames == 30 and clean.things == 5
    part = np.arange(15, 90)
    some = {0: outcomes_of(labels[part], seed=0)}
    clean = attack_answers.attacked_answers(some, base, part).clean
    assert clean.frames == 16  # 1 + 29 * 74 / 149
    assert clean.independent.tolist()[:2] == [3, 2]  # 45 and 30 images


@pytest.mark.fault("results of another run")
def test_outcomes_of_other_images_are_refused():
    labels = np.array([3, 1, 4, 1, 5, 9])
    outcomes = {0: outcomes_of(labels, seed=0), 1: outcomes_of(labels[::-1], seed=1)}
    with pytest.raises(ValueError, match="seed 1 are not to these images"):
        attack_answers.attacked_answers(outcomes, base_of(labels))
    all_of_them = {0: outcomes[0]}
    with pytest.raises(ValueError, match="seed 0 are not to these images"):
        attack_answers.attacked_answers(all_of_them, base_of(labels), np.arange(3))


def test_a_mean_counts_each_image_as_often_as_a_resample_draws_it():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (2, 12))
    counted = rng.random((2, 12)) < 0.6
    counts = rng.integers(0, 4, (5, 12)).astype(np.float32)
    estimate = attack_answers.mean_over_images(values, counted, counts)
    for seed in range(2):
        for row, weights in enumerate([np.ones(12), *counts]):
            top = 0.0
            bottom = 0.0
            for image in range(12):
                if counted[seed, image]:
                    top += weights[image] * values[seed, image]
                    bottom += weights[image]
            measured = estimate.exact[seed] if row == 0 else estimate.samples[row - 1, seed]
            assert measured == pytest.approx(top / bottom, rel=1e-5)


def test_a_resample_that_counts_no_image_has_no_mean():
    counted = np.array([[True, False, False], [True, True, True]])
    counts = np.array([[0, 2, 1], [3, 0, 0]], dtype=np.float32)
    estimate = attack_answers.mean_over_images(counted, counted, counts)
    assert np.isnan(estimate.samples[0, 0]) and estimate.samples[1, 0] == 1
    assert estimate.samples[:, 1].tolist() == [1, 1]
    with pytest.raises(ValueError, match="for 3 images"):
        attack_answers.mean_over_images(counted, counted, counts[:, :2])


@pytest.mark.parametrize("share", [0.0, 0.35, 1.0])
def test_a_share_has_the_wider_of_two_intervals(share):
    right = np.arange(20) < 20 * share
    counts = np.random.default_rng(0).multinomial(20, np.full(20, 1 / 20), size=200)
    estimate = attack_answers.mean_over_images(right[None], np.ones((1, 20), bool), counts)
    drawn = np.quantile([right @ weights / weights.sum() for weights in counts], [0.025, 0.975])
    for things in (20, 5, 2000):
        value, lo, hi = attack_answers.share_interval(estimate, things)
        wilson = plain_wilson(share, things)
        assert value == pytest.approx(share)
        assert lo == pytest.approx(min(drawn[0], wilson[0]), abs=1e-6)
        assert hi == pytest.approx(max(drawn[1], wilson[1]), abs=1e-6)
        assert lo < hi


def test_what_is_right_again_further_out_is_counted_once_an_image():
    labels = np.zeros(4, dtype=np.int64)
    wrong = np.zeros((2, 7, 4), dtype=bool)
    wrong[0, 2, 0] = True  # right again at 2, and it stays so
    wrong[0, [1, 3], 1] = True  # twice
    wrong[0, 4:, 2] = True  # stays turned
    wrong[1, 0, 3] = True  # wrong when clean, right when attacked
    wrong[1, 6, 0] = True  # nothing larger to be right at
    attacked = attacked_of(np.where(wrong, 1, 0), labels)
    assert attack_answers.turned_and_right_again(attacked).tolist() == [0.5, 0.25]


def test_where_an_image_that_was_turned_stays_turned_none_is_right_again():
    attacked = falling_at([[0, 3, 6, 7, 1]], np.arange(5))
    assert attack_answers.turned_and_right_again(attacked).tolist() == [0]
