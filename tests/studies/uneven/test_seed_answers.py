"""Answers of several seeds: what of their images is independent, and that they are kept whole."""

import numpy as np
import pytest

from visionfail import files
from visionfail.studies import uneven
from visionfail.studies.uneven.seed_answers import SeedAnswers
from visionfail.studies.uneven.tables import worth_of

CLASSES = ["a", "b", "c"]


def answers_of(labels, predicted, *, groups=None, dataset="svhn10k", split="test", **covariates):
    """SeedAnswers of these labels (N,) and predictions (S, N), all equally sure."""
    predicted = np.atleast_2d(predicted)
    made = {"dataset": dataset, "split": split, "seeds": list(range(len(predicted)))}
    made["classes"] = CLASSES
    return SeedAnswers(
        labels=np.asarray(labels),
        predicted=predicted,
        log_odds=np.full(predicted.shape, 2.0, dtype=np.float16),
        groups=None if groups is None else np.asarray(groups),
        covariates={name: np.asarray(values) for name, values in covariates.items()},
        made=made,
    )


def test_houses_count_once_though_they_show_several_classes():
    answers = answers_of([0, 1, 1, 2], [[0, 1, 1, 2]], groups=[5, 5, 6, 7])
    assert answers.things == 3 and answers.frames == 1
    assert answers.independent.tolist() == [1, 2, 1]
    resampled = answers.counts(bootstraps=50)
    assert (resampled[:, 0] == resampled[:, 1]).all()  # one house
    assert (resampled[:, 1] != resampled[:, 2]).any()


def test_signs_of_unknown_frames_count_by_thirty():
    labels = np.repeat([0, 1], [60, 90])
    answers = answers_of(labels, labels[None], dataset="gtsrb")
    assert answers.frames == 30 and answers.things == 5
    assert answers.independent.tolist() == [2, 3, 0]
    drawn = answers.counts(bootstraps=20)[:, :60]
    assert ((drawn > 0).sum(axis=1) <= 2).all() and (drawn.sum(axis=1) == 60).all()
    held_out = answers_of(labels, labels[None], groups=labels, dataset="gtsrb", split="heldout")
    assert held_out.frames == 1 and held_out.things == 2


def test_images_alone_are_each_a_thing():
    answers = answers_of([0, 1, 2], [[0, 1, 2]], dataset="cifar10")
    assert answers.things == 3 and answers.correlation_within() == 0
    assert answers.design_effect() == 1 and answers.effective().tolist() == [1, 1, 1]


def test_an_interval_is_never_narrower_than_signs_allow():
    labels = np.zeros(300, dtype=int)
    answers = answers_of(labels, labels[None], dataset="gtsrb")
    assert answers.effective(0.0)[0] == 10  # frames that err independently do not make more signs
    assert answers.effective(1.0)[0] == pytest.approx(10)
    assert answers.effective(np.nan)[0] == 10  # all right: the effect is unknown
    assert worth_of(answers, 0.0) == worth_of(answers, np.nan) == 10


def test_tracks_that_err_as_a_whole_are_worth_one_image_each():
    labels = np.repeat([0, 1], 60)
    groups = np.repeat(np.arange(8), 15)
    predicted = labels.copy()
    predicted[:15] = 2
    predicted[75:90] = 2
    answers = answers_of(labels, predicted, groups=groups, dataset="gtsrb", split="heldout")
    assert answers.correlation_within() == pytest.approx(1)
    assert answers.effective() == pytest.approx([4, 4, 0])


def test_answers_come_back_as_they_were_saved(tmp_path):
    answers = answers_of(
        [0, 1, 2], [[0, 1, 1], [0, 2, 2]], groups=[1, 1, 2], brightness=[0.1, 0.2, 0.3]
    )
    files.save_arrays(tmp_path / "answers.npz", answers.arrays(), made=answers.made)
    back = SeedAnswers.of_arrays(*files.load_arrays(tmp_path / "answers.npz"))
    assert np.array_equal(back.predicted, answers.predicted)
    assert np.array_equal(back.groups, answers.groups) and back.made == answers.made
    assert back.covariates["brightness"].tolist() == [0.1, 0.2, 0.3]
    alone = answers_of([0], [[0]])
    files.save_arrays(tmp_path / "alone.npz", alone.arrays(), made=alone.made)
    assert SeedAnswers.of_arrays(*files.load_arrays(tmp_path / "alone.npz")).groups is None


def test_the_same_mistake_is_one_answer_of_all_seeds():
    answers = answers_of([0, 0, 1, 2], [[1, 1, 1, 0], [1, 2, 1, 0]])
    answers.log_odds[:, 3] = 5
    assert uneven.same_mistakes(answers).tolist() == [3, 0]
    assert uneven.mistake_captions(answers, [3, 0]) == ["c\nnamed a", "a\nnamed b"]


def test_shown_mistakes_are_of_several_kinds():
    answers = answers_of([0, 0, 0, 1], [[1, 1, 1, 2], [1, 1, 1, 2]])
    answers.log_odds[:] = [5, 4, 3, 2]
    assert uneven.varied_mistakes(answers, 3).tolist() == [0, 1, 3]
    assert uneven.varied_mistakes(answers, 1).tolist() == [0]


def test_labels_are_in_doubt_where_all_seeds_are_sure_of_one_other_answer():
    answers = answers_of([0, 0, 1, 2], [[1, 1, 1, 0], [1, 2, 1, 0]])
    answers.log_odds[:] = 0
    answers.log_odds[:, 3] = 5
    answers.log_odds[0, 0] = 5  # one seed alone is sure
    assert uneven.doubtful_labels(answers, above=0.9).tolist() == [3]


def test_images_left_out_leave_everything_else_as_it_is():
    answers = answers_of(
        [0, 1, 2], [[0, 1, 1], [0, 2, 2]], groups=[1, 1, 2], brightness=[0.1, 0.2, 0.3]
    )
    rest = answers.without(np.array([1]))  # and with it the other digit of its house
    assert rest.labels.tolist() == [2] and rest.predicted.tolist() == [[1], [2]]
    assert rest.groups.tolist() == [2]
    assert rest.covariates["brightness"].tolist() == [0.3]
    assert rest.things == 1 and rest.made == answers.made
    alone = answers_of([0, 1, 2], [[0, 1, 1]], dataset="cifar10").without(np.array([1]))
    assert alone.labels.tolist() == [0, 2]
    with pytest.raises(ValueError, match="keep some"):
        answers.without(np.arange(3))


def test_a_variance_widens_by_the_size_that_an_image_sees():
    answers = answers_of([0, 1, 1, 2], [[0, 1, 1, 2]], groups=[5, 5, 5, 6])
    # three of four images see groups of three, one sees itself: 2.5 on average
    assert answers.design_effect(0.2) == pytest.approx(1 + 1.5 * 0.2)


def test_things_have_their_names():
    assert answers_of([0], [[0]], groups=[1]).thing == "houses"
    assert answers_of([0], [[0]], dataset="gtsrb").thing == "signs"
    assert answers_of([0], [[0]], groups=[1], dataset="gtsrb", split="heldout").thing == "signs"
    assert answers_of([0], [[0]], dataset="svhn").thing == "digits"
