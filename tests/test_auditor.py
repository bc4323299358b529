import numpy as np
import pytest
import torch
from conftest import STATS, squares
from scipy.special import logsumexp, softmax
from scipy.stats import entropy
from sklearn.metrics import roc_auc_score

from visionfail import auditor, evaluate, models, standins

DIGITS = standins.mnist_digits("test").first(100)
MNIST = {"mean": (0.1307,), "std": (0.3081,)}
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, (200, 10))


def primary():
    return models.build("mnist_cnn", num_classes=10, **MNIST).eval()


def reading(n=400, seed=0):
    """Latents of which the second layer's first number tells failure; logits that know nothing of it."""
    generator = np.random.default_rng(seed)
    labels, failed = generator.integers(10, size=n), generator.random(n) < 0.3
    logits = generator.normal(0, 1, (n, 10)).astype(np.float32)
    logits[np.arange(n), np.where(failed, (labels + 1) % 10, labels)] += 9
    latents = {"one": generator.normal(0, 1, (n, 3)), "two": generator.normal(0, 1, (n, 4))}
    latents["two"][:, 0] += 3 * failed
    return auditor.Reading({k: v.astype(np.float32) for k, v in latents.items()}, logits, labels)


def test_latents_are_those_of_a_forward_pass_written_out():
    model = primary()
    found = auditor.read(model, DIGITS.images, DIGITS.labels, layers=auditor.LAYERS["mnist_cnn"], batch_size=33)
    with torch.no_grad():
        x = (DIGITS.images / 255 - model.mean) / model.std
        one = model.block1(x)
        two = model.block2(one)
        hidden = model.hidden(two)
    assert [values.shape[1] for values in found.latents.values()] == [32, 64, 128]
    assert np.allclose(found.latents["block1"], one.mean((2, 3)), atol=1e-5)
    assert np.allclose(found.latents["block2"], two.mean((2, 3)), atol=1e-5)
    assert np.allclose(found.latents["hidden"], hidden, atol=1e-4)
    assert np.allclose(found.logits, evaluate.predict(model, DIGITS.images), atol=1e-5)
    assert found.features().shape == (100, 224) and found.features(["hidden", "logits"]).shape == (100, 138)


def test_stages_of_the_resnet_are_pooled():
    images = squares(6, seed=0)
    model = models.build("resnet18", num_classes=10, width=8, **STATS)
    found = auditor.read(model, images.images, images.labels, layers=auditor.LAYERS["resnet18"])
    assert [values.shape for values in found.latents.values()] == [(6, 8), (6, 16), (6, 32), (6, 64)]


def test_no_hook_is_left_behind_even_where_reading_fails():
    model = primary()
    with pytest.raises(ValueError, match="channels"):
        auditor.read(model, squares(2, seed=0).images, DIGITS.labels, layers=["hidden"])
    auditor.read(model, DIGITS.images, DIGITS.labels, layers=["hidden"])
    assert not any(module._forward_hooks for module in model.modules())
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        auditor.read(model, DIGITS.images, DIGITS.labels, layers=["conv9"])


def test_auditor_has_the_shape_of_study_c_and_learns_what_latents_tell():
    learnt, fresh = reading(2000), reading(1000, seed=1)
    fitted = auditor.fit(learnt.features(), learnt.failed, seed=0)
    shapes = [tuple(p.shape) for p in fitted.parameters() if p.ndim > 1]
    assert shapes == [(128, 7), (64, 128), (1, 64)]
    score = fitted.score(fresh.features())
    assert ((score >= 0) & (score <= 1)).all()
    assert roc_auc_score(fresh.failed, score) > 0.95
    assert abs(score.mean() - fresh.failed.mean()) < 0.05  # probabilities, not ranks alone
    only_noise = auditor.fit(learnt.features(["one"]), learnt.failed, seed=0)
    assert roc_auc_score(fresh.failed, only_noise.score(fresh.features(["one"]))) < 0.6


def test_the_same_seed_gives_the_same_auditor_and_leaves_the_global_generator_alone():
    learnt = reading()
    state = torch.get_rng_state()
    one, two, other = (auditor.fit(learnt.features(), learnt.failed, seed=s, epochs=1) for s in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    scores = [fitted.score(learnt.features()) for fitted in (one, two, other)]
    assert np.array_equal(scores[0], scores[1]) and not np.allclose(scores[0], scores[2])


@pytest.mark.parametrize("failed", [np.zeros(400, dtype=bool), np.ones(400, dtype=bool)])
def test_nothing_to_learn_is_said(failed):
    with pytest.raises(ValueError, match="both kinds"):
        auditor.fit(reading().features(), failed, seed=0)


def test_scores_from_logits_are_those_of_scipy():
    p, found = softmax(LOGITS, axis=1), auditor.from_logits(LOGITS)
    lead = np.sort(p, axis=1)[:, -1] - np.sort(p, axis=1)[:, -2]
    assert np.allclose(found["1 - confidence"], 1 - p.max(axis=1))
    assert np.allclose(found["entropy"], entropy(p, axis=1))
    assert np.allclose(found["margin"], 1 - lead)
    assert np.allclose(found["energy"], -logsumexp(LOGITS, axis=1))


def test_a_certain_answer_has_no_entropy_and_no_nan():
    found = auditor.from_logits(np.array([[1e4, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["entropy"] == pytest.approx([0, np.log(3)]) and found["1 - confidence"] == pytest.approx([0, 2 / 3])


def test_neighbours_by_brute_force():
    known, asked = RNG.normal(size=(300, 5)), RNG.normal(size=(20, 5))
    known_unit, asked_unit = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (known, asked))
    distances = np.sort(np.linalg.norm(asked_unit[:, None] - known_unit, axis=2), axis=1)
    found = auditor.Neighbours(known).score(asked)
    assert np.allclose(found, distances[:, auditor.NEIGHBOURS - 1])
    assert np.isfinite(auditor.Neighbours(known).score(np.zeros((1, 5)))).all()  # a dead layer


def test_sorted_logits_do_not_care_which_class_is_first():
    failed = RNG.random(200) < 0.4
    line = auditor.SortedLogits(LOGITS, failed)
    assert np.allclose(line.score(LOGITS), line.score(LOGITS[:, ::-1]))


def test_a_panel_scores_every_judge_on_every_image_the_auditor_first():
    learnt, known, fresh = reading(800), reading(300, seed=2), reading(500, seed=1)
    scores = auditor.fit_panel(learnt, known, seed=0).score(fresh)
    names = ["auditor", "1 - confidence", "entropy", "margin", "energy", "neighbours", "logistic regression"]
    assert list(scores) == names and all(values.shape == (500,) for values in scores.values())
    assert roc_auc_score(fresh.failed, scores["auditor"]) > roc_auc_score(fresh.failed, scores["1 - confidence"])
