import numpy as np
import pytest

from visionfail import models
from visionfail.claims import verdict_of
from visionfail.corruptions import apply, shifts
from visionfail.data import standins
from visionfail.failure import compare
from visionfail.failure.scores import confidence_of
from visionfail.metrics import failure, intervals
from visionfail.models import networks
from visionfail.studies.auditing import claims, classifier, leakage, protocol, shifted_digits

MNIST = {"mean": (0.1307,), "std": (0.3081,)}


@pytest.fixture(scope="module")
def study():
    """A primary that learnt eight epochs of embedded digits, its judges, and what they are judged
    on.
    """
    sets = {
        split: standins.load_standin("mnist", split)
        for split in ("train", "auditor", "val", "test")
    }
    model = networks.build("mnist_cnn", num_classes=10, width=16, **MNIST)
    config = classifier.adam_config(epochs=8, seed=0)
    model, _ = models.fit(model, sets["train"], sets["val"], config=config)
    trained = protocol.train_detectors(
        model, protocol.training_draws(sets["auditor"]), sets, seed=0
    )
    samples = shifted_digits.samples_to_score(sets["test"], seed=protocol.JUDGE_SEED)
    return sets, model, trained, samples, protocol.score_samples(model, trained.panel, samples)


def test_no_digit_serves_twice(study):
    sets, _, trained, samples, _ = study
    pictures = {
        name: {image.numpy().tobytes() for image in images.images} for name, images in sets.items()
    }
    names = list(pictures)
    assert not any(pictures[a] & pictures[b] for i, a in enumerate(names) for b in names[:i])
    learn, held = shifted_digits.split_by_digit(
        shifted_digits.draw_shifted(sets["auditor"], count=4800, seed=0), share=protocol.LEARN
    )
    assert len(trained.learnt.labels) == learn.sum() and len(trained.held.labels) == held.sum()
    assert len(trained.learnt.labels) + len(trained.held.labels) == 4800
    assert len(samples["mix"]) == len(sets["test"])


def test_every_slice_has_every_judge_and_the_counts_of_its_sample(study):
    _, _, _, samples, judged = study
    assert list(judged)[:3] == ["clean", "mix", "shifted"] and len(judged) == 19
    for one in judged.values():
        assert len(one.scores) == 7 and all(
            len(s) == len(one.failed) == len(one.digit) for s in one.scores.values()
        )
    assert len(judged["clean"].failed) == len(judged["rotation"].failed) == 500
    assert (
        judged["shifted"].digit.tolist() == samples["mix"].digit[samples["mix"].kind >= 0].tolist()
    )


def test_scores_are_worth_something_on_fresh_digits(study):
    judged = study[4]["shifted"]
    values = {name: failure.auroc(score, judged.failed) for name, score in judged.scores.items()}
    assert values["auditor"] > 0.7 and values["1 - confidence"] > 0.7
    assert values["entropy"] == pytest.approx(values["1 - confidence"], abs=0.05)


def test_the_best_rival_is_chosen_on_held_out_digits_and_is_not_the_auditor(study):
    trained = study[2]
    chosen = protocol.best_baseline([trained])
    scores = trained.panel.score(trained.held)
    values = {name: failure.auroc(score, trained.held.failed) for name, score in scores.items()}
    assert values[chosen] == max(value for name, value in values.items() if name != "auditor")


def test_a_shift_left_out_is_not_learnt_from(study):
    sets, model, *_ = study
    left = [name for name in shifts.SHIFTS if name != "rotation"]
    trained = protocol.train_detectors(
        model, protocol.training_draws(sets["auditor"], kinds=left), sets, seed=0
    )
    assert set(np.unique(trained.held_sample.kind)) == {-1, 1, 2, 3}


def test_the_ladder_ends_at_our_protocol_and_keeps_digits_apart(study):
    sets, model, _, _, judged = study
    assert len(leakage.all_but_test(sets)) == 1500 + 1000 + 2000
    table = leakage.leakage_steps(model, model, sets, seed=0, bootstraps=50)
    ours = table[table.step == table.step.iloc[-1]].set_index("judge")
    for judge in ("auditor", "1 - confidence"):
        expected = failure.auroc(judged["mix"].scores[judge], judged["mix"].failed)
        assert ours.value[judge] == pytest.approx(expected, abs=1e-6)
    n = table.groupby("step", sort=False).n.first().tolist()
    assert (
        n[0] + n[1] == 4800 and abs(n[1] - 960) < 20 and n[3] == 500
    )  # a fifth of the digits, each drawn 4 or 5 times
    assert (table.lo < table.value).all() and (table.value < table.hi).all()


def test_digits_never_seen_are_shifted_as_no_judge_learnt(study):
    found = shifted_digits.unseen_samples(study[0]["test"])
    assert (
        list(found) == [*shifted_digits.UNSEEN, "8x8 digits"]
        and (found["8x8 digits"].kind == -1).all()
    )
    assert not set(shifted_digits.UNSEEN) & set(shifts.SHIFTS)
    contrast = apply.corrupt(study[0]["test"].images, "contrast", 5)
    assert (found["contrast"].images == contrast).all()
    small = found["8x8 digits"]
    assert small.images.shape == (1797, 1, 28, 28) and small.images.max() == 255
    assert small.images[:, :, :4].sum() == 0 and small.labels.bincount().min() > 170


def test_sentences_are_judged_by_their_regions(study):
    by_slice = {name: [judged] for name, judged in study[4].items()}
    counts = intervals.resampling_counts(200, 500, np.random.default_rng(0))
    found = {name: compare.aurocs(by_slice[name], counts) for name in ("mix", "shifted")}
    found["within slices"] = found["mix"]
    sure = confidence_of(protocol.extract_sample(study[1], study[3]["mix"]))
    table = claims.judge_auditor(found, by_slice, [sure], counts=counts).set_index("claim")
    failed = study[4]["mix"].failed
    assert table.value["C1"] == pytest.approx(1 - study[4]["clean"].failed.mean())
    assert table.value["C5a"] == pytest.approx(sure[failed].mean())
    assert table.value["C5b"] == pytest.approx((sure[failed] > 0.9).mean())
    assert table.value["C4a"] == pytest.approx(table.value["C2"] - table.value["C3"])
    for row in table.itertuples():
        assert row.verdict == verdict_of(row.lo, row.hi, low=row.low, high=row.high)
