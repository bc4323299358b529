import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pytest
from torch import nn

from visionfail import models
from visionfail.claims import verdict_of
from visionfail.corruptions import apply, shifts
from visionfail.data import ImageSet, standins
from visionfail.failure import Scored, compare, fit, fit_several
from visionfail.failure.scores import confidence_of
from visionfail.metrics import Estimate, failure, intervals, probabilities
from visionfail.models import networks
from visionfail.studies.auditing import (
    claims,
    classifier,
    leakage,
    members,
    protocol,
    shifted_digits,
    slices,
)

MNIST = {"mean": (0.1307,), "std": (0.3081,)}


@dataclass
class Study:
    """Two base classifiers of eight epochs of embedded digits, and what follows for the first."""

    sets: dict[str, ImageSet]
    model: nn.Module
    both: members.Members
    trained: protocol.TrainedDetectors
    samples: dict[str, shifted_digits.ShiftedDigits]
    by_slice: dict[str, Scored]


@pytest.fixture(scope="module")
def study():
    sets = {}
    for split in ("train", "auditor", "val", "test"):
        sets[split] = standins.load_standin("mnist", split)
    model = networks.build("mnist_cnn", num_classes=10, width=16, **MNIST)
    config = classifier.adam_config(epochs=8, seed=0)
    model, _ = models.fit(model, sets["train"], sets["val"].first(100), config=config)
    other = networks.build("mnist_cnn", num_classes=10, width=16, seed=1, **MNIST)
    other, _ = models.fit(other, sets["train"], sets["val"].first(100), config=config)
    draws = protocol.training_draws(sets["auditor"])
    both = members.train_members({0: model, 1: other}, draws, sets)
    samples = shifted_digits.samples_to_score(sets["test"], seed=protocol.TEST_SEED)
    by_slice = {name: seeds[0] for name, seeds in slices.scores_by_slice(both, samples).items()}
    return Study(sets, model, both, both.trained[0], samples, by_slice)


def test_no_digit_serves_twice(study):
    pictures = []
    for images in study.sets.values():
        pictures.append({image.numpy().tobytes() for image in images.images})
    for first, second in itertools.combinations(pictures, 2):
        assert not first & second
    draws = shifted_digits.draw_shifted(study.sets["auditor"], count=4800, seed=0)
    learn, held = shifted_digits.split_by_digit(draws, share=protocol.LEARN)
    assert len(study.trained.learnt.labels) == learn.sum()
    assert len(study.trained.held.labels) == held.sum()
    assert len(study.trained.learnt.labels) + len(study.trained.held.labels) == 4800
    assert len(study.samples["mix"]) == len(study.sets["test"])


def test_every_slice_has_every_detector_and_the_counts_of_its_sample(study):
    assert list(study.by_slice)[:3] == ["clean", "mix", "shifted"]
    assert len(study.by_slice) == 23
    for scored in study.by_slice.values():
        assert len(scored.scores) == 20
        assert len(scored.failed) == len(scored.digit)
        for score in scored.scores.values():
            assert len(score) == len(scored.digit)
    assert len(study.by_slice["clean"].failed) == 500
    assert len(study.by_slice["rotation"].failed) == 500
    mix = study.samples["mix"]
    assert study.by_slice["shifted"].digit.tolist() == mix.digit[mix.kind >= 0].tolist()


def test_scores_are_worth_something_on_fresh_digits(study):
    shifted = study.by_slice["shifted"]
    aurocs = {name: failure.auroc(score, shifted.failed) for name, score in shifted.scores.items()}
    assert aurocs["auditor"] > 0.7
    assert aurocs["1 - confidence"] > 0.7
    assert aurocs["entropy"] == pytest.approx(aurocs["1 - confidence"], abs=0.05)


def test_the_best_baseline_is_chosen_on_held_out_digits_and_is_no_auditor(study):
    aurocs = members.held_out_aurocs(study.both)
    assert list(aurocs.values()) == sorted(aurocs.values(), reverse=True)
    best = members.best_baseline(aurocs)
    assert not best.startswith("auditor")
    others = [value for name, value in aurocs.items() if not name.startswith("auditor")]
    assert aurocs[best] == max(others)
    held = study.trained.held
    by_confidence = [
        failure.auroc(1 - confidence_of(trained.held), trained.held.failed)
        for trained in study.both.trained.values()
    ]
    assert len(held.labels) < 4800
    assert aurocs["1 - confidence"] == pytest.approx(np.mean(by_confidence))


def test_the_ensemble_is_about_each_members_own_answers(study):
    mix = study.samples["mix"]
    scored = members.score_members(study.both, mix)
    readings = [protocol.extract_sample(model, mix) for model in study.both.models.values()]
    mean = np.mean([probabilities(reading.logits) for reading in readings], axis=0)
    for one, reading in zip(scored, readings, strict=True):
        answers = reading.logits.argmax(axis=1)
        expected = 1 - mean[np.arange(len(mix)), answers]
        assert np.allclose(one.scores["ensemble, 1 - p"], expected)
        assert np.array_equal(one.failed, reading.failed)
    first, second = scored
    assert not np.array_equal(
        first.scores["auditor + ensemble"], second.scores["auditor + ensemble"]
    )


def test_the_shifted_digits_without_one_shift_are_all_others(study):
    mix = study.samples["mix"]
    without = study.by_slice["shifted without rotation"]
    rotation = shifts.SHIFTS.index("rotation")
    chosen = (mix.kind >= 0) & (mix.kind != rotation)
    assert without.digit.tolist() == mix.digit[chosen].tolist()


def test_a_shift_left_out_is_not_learnt_from(study):
    others = [name for name in shifts.SHIFTS if name != "rotation"]
    draws = protocol.training_draws(study.sets["auditor"], kinds=others)
    trained = protocol.train_detectors({0: study.model}, draws, study.sets)[0]
    assert set(np.unique(trained.held_sample.kind)) == {-1, 1, 2, 3}


def test_accuracy_and_confidence_are_those_of_each_bin_of_strength(study):
    sample = study.samples["noise"]
    activations = protocol.extract_sample(study.model, sample)
    table = protocol.accuracy_by_strength(sample, activations, bins=2, seed=0)
    assert table.metric.tolist() == ["accuracy", "confidence when wrong"] * 2
    assert (table["shift"] == "noise").all()
    assert table.strength.tolist() == [0.25, 0.25, 0.75, 0.75]
    confidence = confidence_of(activations)
    strong = sample.strength >= 0.5
    accuracy, when_wrong = table[table.strength == 0.75].to_dict("records")
    assert accuracy["n"] == strong.sum()
    assert accuracy["value"] == pytest.approx(1 - activations.failed[strong].mean())
    assert when_wrong["n"] == (strong & activations.failed).sum()
    mean = confidence[strong & activations.failed].mean()
    assert when_wrong["value"] == pytest.approx(mean)
    assert when_wrong["hi"] - mean == pytest.approx(mean - when_wrong["lo"])
    assert when_wrong["lo"] < mean


def test_too_few_wrong_answers_have_no_interval_of_confidence(study):
    digits = study.sets["test"].first(40)
    sample = shifted_digits.draw_shifted(digits, count=40, seed=0, probability=1, kinds=["noise"])
    activations = protocol.extract_sample(study.model, sample)
    activations.labels[:] = activations.logits.argmax(axis=1)
    wrong = int(sample.strength.argmin())
    activations.labels[wrong] = (activations.labels[wrong] + 1) % 10
    table = protocol.accuracy_by_strength(sample, activations, bins=2, seed=0)
    weak, strong = table[table.metric == "confidence when wrong"].to_dict("records")
    assert weak["n"] == 1
    assert weak["value"] == confidence_of(activations)[wrong]
    assert pd.isna([weak["lo"], weak["hi"]]).all()
    assert strong["n"] == 0
    assert pd.isna([strong["value"], strong["lo"], strong["hi"]]).all()


def test_the_leakage_steps_end_at_our_protocol_and_keep_digits_apart(study):
    assert len(leakage.all_but_test(study.sets)) == 1500 + 1000 + 2000
    steps, draws = leakage.leakage_steps(
        study.model, study.model, study.sets, seed=0, bootstraps=50
    )
    mix = study.by_slice["mix"]
    *_, ours = steps.values()
    for detector in ("auditor", "1 - confidence"):
        expected = failure.auroc(mix.scores[detector], mix.failed)
        assert ours[detector].exact == pytest.approx([expected], abs=1e-6)
    n = list(draws.values())
    assert n[0] + n[1] == 4800
    assert abs(n[1] - 960) < 20  # a fifth of the digits, each drawn 4 or 5 times
    assert n[3] == 500
    table = compare.auroc_rows(steps, draws)  # of both detectors
    assert len(table) == 8
    assert (table.lo < table.value).all()
    assert (table.value < table.hi).all()


def test_auditors_of_the_leakage_steps_are_fitted_at_once(study, monkeypatch):
    calls = []

    def one_by_one(tasks):
        calls.append(list(tasks))
        return [fit(latents, failed, seed=seed) for latents, failed, seed in calls[-1]]

    def table():
        steps, draws = leakage.leakage_steps(
            study.model, study.model, study.sets, seed=0, bootstraps=5
        )
        return compare.auroc_rows(steps, draws)

    at_once = partial(fit_several, processes=2)
    monkeypatch.setattr(leakage.failure, "fit_several", at_once)
    found = table()
    monkeypatch.setattr(leakage.failure, "fit_several", one_by_one)
    pd.testing.assert_frame_equal(found, table(), check_exact=True)
    assert [len(tasks) for tasks in calls] == [2]


def test_unseen_digits_are_shifted_as_no_detector_learnt(study):
    samples = shifted_digits.unseen_samples(study.sets["test"])
    assert list(samples) == [*shifted_digits.UNSEEN, "8x8 digits"]
    assert not set(shifted_digits.UNSEEN) & set(shifts.SHIFTS)
    contrast = apply.corrupt(study.sets["test"].images, "contrast", 5)
    assert (samples["contrast"].images == contrast).all()
    small = samples["8x8 digits"]
    assert (small.kind == -1).all()
    assert small.images.shape == (1797, 1, 28, 28)
    assert small.images.max() == 255
    assert small.images[:, :, :4].sum() == 0
    assert small.labels.bincount().min() > 170


def test_sentences_are_judged_by_their_regions(study):
    by_slice = {name: [scored] for name, scored in study.by_slice.items()}
    counts = intervals.resampling_counts(200, 500, np.random.default_rng(0))
    aurocs = {name: compare.aurocs(by_slice[name], counts) for name in ("mix", "shifted")}
    aurocs["within slices"] = aurocs["mix"]
    confidence = confidence_of(protocol.extract_sample(study.model, study.samples["mix"]))
    table = claims.judge_auditor(aurocs, by_slice, [confidence], counts=counts)
    value = table.set_index("claim").value
    failed = study.by_slice["mix"].failed
    assert value["C1"] == pytest.approx(1 - study.by_slice["clean"].failed.mean())
    assert value["C5a"] == pytest.approx(confidence[failed].mean())
    assert value["C5b"] == pytest.approx((confidence[failed] > 0.9).mean())
    assert value["C4a"] == pytest.approx(value["C2"] - value["C3"])
    assert set(table.status) == {"judged twice"}  # nothing to leave out in these estimates
    for row in table.itertuples():
        assert row.verdict == verdict_of(row.lo, row.hi, low=row.low, high=row.high)


def test_a_lead_that_one_shift_makes_says_so(study):
    """The auditor is planted to lead within slices, and not without those of rotation."""
    aurocs = {name: lead_of(0.05) for name in ("mix", "shifted", "within slices")}
    for shift in shifts.SHIFTS:
        lead = -0.01 if shift == "rotation" else 0.1
        aurocs[f"within slices without {shift}"] = lead_of(lead)
        aurocs[f"shifted without {shift}"] = lead_of(0.1)
    scored = {name: [study.by_slice[name]] for name in ("clean", "mix")}
    confidence = confidence_of(protocol.extract_sample(study.model, study.samples["mix"]))
    counts = np.ones((20, 500))
    table = claims.judge_auditor(aurocs, scored, [confidence], counts=counts).set_index("claim")
    assert table.verdict["C4c"] == "holds"
    assert table.status["C4c"] == "judged twice, not without rotation"
    assert table.status["C4b"] == "judged twice"


def lead_of(lead):
    """Estimates without scatter of an auditor that is so far ahead of confidence."""
    values = {"auditor": 0.8 + lead, "1 - confidence": 0.8}
    return {name: Estimate(np.array([v]), np.full((20, 1), v)) for name, v in values.items()}


def test_the_mean_over_slices_is_given_without_each_shift_too(study):
    counts = intervals.resampling_counts(20, 500, np.random.default_rng(0))
    by_slice = {name: [scored] for name, scored in study.by_slice.items()}
    aurocs = slices.auroc_by_slice(by_slice, counts)
    thirds = slices.strength_thirds(list(aurocs))
    without = slices.within_without_each_shift(aurocs)
    for shift in shifts.SHIFTS:
        others = [name for name in thirds if not name.startswith(shift)]
        expected = np.mean([aurocs[name]["auditor"].exact.mean() for name in others])
        found = without[f"within slices without {shift}"]["auditor"].exact.mean()
        assert found == pytest.approx(expected)
