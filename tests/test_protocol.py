import numpy as np
import pytest

from visionfail import corruptions, models, primary, protocol, selective, standins, trials

MNIST = {"mean": (0.1307,), "std": (0.3081,)}


@pytest.fixture(scope="module")
def study():
    """A primary that learnt two epochs of embedded digits, its judges, and what they are judged on."""
    sets = {split: standins.load("mnist", split) for split in ("train", "auditor", "val", "test")}
    model = models.build("mnist_cnn", num_classes=10, width=16, **MNIST)
    primary.fit(model, sets["train"], sets["val"], epochs=2, seed=0)
    trained = protocol.train_judges(model, sets, seed=0)
    samples = trials.judged_on(sets["test"], seed=protocol.JUDGE_SEED)
    return sets, model, trained, samples, protocol.judge(model, trained.panel, samples)


def test_no_digit_serves_twice(study):
    sets, _, trained, samples, _ = study
    pictures = {name: {image.numpy().tobytes() for image in images.images} for name, images in sets.items()}
    names = list(pictures)
    assert not any(pictures[a] & pictures[b] for i, a in enumerate(names) for b in names[:i])
    learn, held = trials.split_by_digit(trials.drawn(sets["auditor"], count=4800, seed=0), share=protocol.LEARN)
    assert len(trained.learnt.labels) == learn.sum() and len(trained.held.labels) == held.sum()
    assert len(trained.learnt.labels) + len(trained.held.labels) == 4800
    assert len(samples["mix"]) == len(sets["test"])


def test_every_slice_has_every_judge_and_the_counts_of_its_sample(study):
    _, _, _, samples, judged = study
    assert list(judged)[:3] == ["clean", "mix", "shifted"] and len(judged) == 19
    for one in judged.values():
        assert len(one.scores) == 7 and all(len(s) == len(one.failed) == len(one.digit) for s in one.scores.values())
    assert len(judged["clean"].failed) == len(judged["rotation"].failed) == 500
    assert judged["shifted"].digit.tolist() == samples["mix"].digit[samples["mix"].kind >= 0].tolist()


def test_scores_are_worth_something_on_fresh_digits(study):
    judged = study[4]["shifted"]
    values = {name: selective.auroc(score, judged.failed) for name, score in judged.scores.items()}
    assert values["auditor"] > 0.7 and values["1 - confidence"] > 0.7
    assert values["entropy"] == pytest.approx(values["1 - confidence"], abs=0.05)


def test_the_best_rival_is_chosen_on_held_out_digits_and_is_not_the_auditor(study):
    trained = study[2]
    chosen = protocol.best_rival([trained])
    scores = trained.panel.score(trained.held)
    values = {name: selective.auroc(score, trained.held.failed) for name, score in scores.items()}
    assert values[chosen] == max(value for name, value in values.items() if name != "auditor")


def test_a_shift_left_out_is_not_learnt_from(study):
    sets, model, *_ = study
    left = [name for name in corruptions.SHIFTS if name != "rotation"]
    trained = protocol.train_judges(model, sets, seed=0, kinds=left)
    assert set(np.unique(trained.held_sample.kind)) == {-1, 1, 2, 3}
