import numpy as np
import pytest
import torch
from makers import STATS, random_activations, squares
from scipy.special import logsumexp, softmax
from scipy.stats import entropy
from sklearn.metrics import roc_auc_score

from visionfail.data import standins
from visionfail.failure import activations, auditor
from visionfail.failure.detectors import fit_detectors
from visionfail.failure.scores import (
    NEIGHBOURS,
    LinearProbe,
    Neighbours,
    SortedLogits,
    scores_from_logits,
    tempered_entropy,
)
from visionfail.models import networks
from visionfail.models.predict import predict

DIGITS = standins.mnist_digits("test").first(100)
MNIST = {"mean": (0.1307,), "std": (0.3081,)}
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, (200, 10))


def primary():
    return networks.build("mnist_cnn", num_classes=10, **MNIST).eval()


def test_latents_are_those_of_a_forward_pass_written_out():
    model = primary()
    reading = activations.extract(
        model, DIGITS.images, DIGITS.labels, layers=activations.LAYERS["mnist_cnn"], batch_size=33
    )
    with torch.no_grad():
        x = (DIGITS.images / 255 - model.mean) / model.std
        block1 = model.block1(x)
        block2 = model.block2(block1)
        hidden = model.hidden(block2)
    latents = reading.latents
    assert [values.shape[1] for values in latents.values()] == [32, 64, 128]
    assert np.allclose(latents["block1"], block1.mean((2, 3)), atol=1e-5)
    assert np.allclose(latents["block2"], block2.mean((2, 3)), atol=1e-5)
    assert np.allclose(latents["hidden"], hidden, atol=1e-4)
    assert np.allclose(reading.logits, predict(model, DIGITS.images), atol=1e-5)
    assert reading.features().shape == (100, 224)
    assert reading.features(["hidden", "logits"]).shape == (100, 138)


def test_stages_of_the_resnet_are_pooled():
    images = squares(6, seed=0)
    model = networks.build("resnet18", num_classes=10, width=8, **STATS)
    reading = activations.extract(
        model, images.images, images.labels, layers=activations.LAYERS["resnet18"]
    )
    shapes = [values.shape for values in reading.latents.values()]
    assert shapes == [(6, 8), (6, 16), (6, 32), (6, 64)]


@pytest.mark.fault("a caller's model left as it was")
def test_no_hook_is_left_behind_even_where_reading_fails():
    model = primary()
    with pytest.raises(ValueError, match="channels"):
        activations.extract(model, squares(2, seed=0).images, DIGITS.labels, layers=["hidden"])
    activations.extract(model, DIGITS.images, DIGITS.labels, layers=["hidden"])
    assert not any(module._forward_hooks for module in model.modules())
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        activations.extract(model, DIGITS.images, DIGITS.labels, layers=["conv9"])


def test_auditor_has_the_shape_of_study_c_and_learns_what_latents_tell():
    learnt = random_activations(2000)
    fresh = random_activations(1000, seed=1)
    fitted = auditor.fit_auditor(learnt.features(), learnt.failed, seed=0)
    shapes = [tuple(p.shape) for p in fitted.parameters() if p.ndim > 1]
    assert shapes == [(128, 7), (64, 128), (1, 64)]
    score = fitted.score(fresh.features())
    assert ((score >= 0) & (score <= 1)).all()
    assert roc_auc_score(fresh.failed, score) > 0.95
    assert abs(score.mean() - fresh.failed.mean()) < 0.05  # probabilities, not ranks alone
    only_noise = auditor.fit_auditor(learnt.features(["one"]), learnt.failed, seed=0)
    assert roc_auc_score(fresh.failed, only_noise.score(fresh.features(["one"]))) < 0.6


def test_the_same_seed_gives_the_same_auditor_and_leaves_the_global_generator_alone():
    learnt = random_activations()
    state = torch.get_rng_state()
    scores = []
    for seed in (0, 0, 1):
        fitted = auditor.fit_auditor(learnt.features(), learnt.failed, seed=seed, epochs=1)
        scores.append(fitted.score(learnt.features()))
    assert torch.equal(state, torch.get_rng_state())
    assert np.array_equal(scores[0], scores[1])
    assert not np.allclose(scores[0], scores[2])


@pytest.mark.fault("too few data")
@pytest.mark.parametrize("failed", [np.zeros(400, dtype=bool), np.ones(400, dtype=bool)])
def test_all_or_no_failures_are_refused(failed):
    with pytest.raises(ValueError, match="both kinds"):
        auditor.fit_auditor(random_activations().features(), failed, seed=0)


def test_scores_from_logits_are_those_of_scipy():
    scores = scores_from_logits(LOGITS)
    p = softmax(LOGITS, axis=1)
    ascending = np.sort(p, axis=1)
    lead = ascending[:, -1] - ascending[:, -2]
    assert np.allclose(scores["1 - confidence"], 1 - p.max(axis=1))
    assert np.allclose(scores["entropy"], entropy(p, axis=1))
    assert np.allclose(scores["margin"], 1 - lead)
    assert np.allclose(scores["energy"], -logsumexp(LOGITS, axis=1))
    assert np.allclose(scores["max logit"], -LOGITS.max(axis=1))
    squares = (p**2).sum(axis=1)
    assert np.allclose(scores["DOCTOR"], (1 - squares) / squares)
    assert np.allclose(tempered_entropy(LOGITS, 3.0), entropy(softmax(LOGITS / 3, axis=1), axis=1))


def test_a_certain_answer_has_no_entropy_and_no_nan():
    scores = scores_from_logits(np.array([[1e4, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert all(np.isfinite(values).all() for values in scores.values())
    assert scores["entropy"] == pytest.approx([0, np.log(3)])
    assert scores["1 - confidence"] == pytest.approx([0, 2 / 3])


def test_neighbours_by_brute_force():
    learnt = RNG.normal(size=(300, 5))
    fresh = RNG.normal(size=(20, 5))
    learnt_unit = learnt / np.linalg.norm(learnt, axis=1, keepdims=True)
    fresh_unit = fresh / np.linalg.norm(fresh, axis=1, keepdims=True)
    distances = np.linalg.norm(fresh_unit[:, None] - learnt_unit, axis=2)  # (20, 300)
    expected = np.sort(distances, axis=1)[:, NEIGHBOURS - 1]
    neighbours = Neighbours(learnt)
    assert np.allclose(neighbours.score(fresh), expected)
    assert np.isfinite(neighbours.score(np.zeros((1, 5)))).all()  # a dead layer


def test_sorted_logits_do_not_care_which_class_is_first():
    failed = RNG.random(200) < 0.4
    line = SortedLogits(LOGITS, failed)
    assert np.allclose(line.score(LOGITS), line.score(LOGITS[:, ::-1]))


def test_a_linear_probe_finds_what_is_linear_in_the_latents_and_nothing_else():
    latents = RNG.normal(size=(2000, 3))
    linear = latents @ [1.0, -2.0, 0.5] > 1
    probe = LinearProbe(latents[:1000], linear[:1000])
    assert roc_auc_score(linear[1000:], probe.score(latents[1000:])) > 0.99
    far = np.abs(latents[:, 0]) > 1
    blind = LinearProbe(latents[:1000], far[:1000])
    assert roc_auc_score(far[1000:], blind.score(latents[1000:])) < 0.6


def test_all_detectors_score_every_image_the_auditor_first():
    learnt = random_activations(800)
    fresh = random_activations(500, seed=1)
    neighbours = random_activations(300, seed=2)
    scores = fit_detectors(learnt, neighbours, seed=0).score(fresh)
    names = [
        "auditor",
        "auditor + logits",
        "1 - confidence",
        "entropy",
        "margin",
        "energy",
        "max logit",
        "DOCTOR",
        "tempered entropy",
        "neighbours",
        "relative Mahalanobis",
        "ViM",
        "logistic regression",
        "linear probe",
    ]
    assert list(scores) == names
    assert all(values.shape == (500,) for values in scores.values())
    auroc = roc_auc_score(fresh.failed, scores["auditor"])
    assert auroc > roc_auc_score(fresh.failed, scores["1 - confidence"])
