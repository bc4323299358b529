import numpy as np
import pytest
import torch
from makers import STATS, squares
from torch import nn

from visionfail.failure import passes
from visionfail.models import networks
from visionfail.models.predict import predict

RNG = np.random.default_rng(0)
LATENTS = RNG.normal(size=(200, 16)).astype(np.float32)


def linear_head():
    torch.manual_seed(0)
    return nn.Linear(16, 4)


def test_without_dropout_the_score_is_one_minus_confidence():
    head = linear_head()
    score = passes.mc_dropout_score(head, LATENTS, rate=0.0)
    with torch.no_grad():
        confidence = head(torch.from_numpy(LATENTS)).softmax(1).amax(1).numpy()
    assert np.allclose(score, 1 - confidence, atol=1e-6)


def test_dropout_is_averaged_over_passes_and_leaves_the_global_generator_alone():
    head = linear_head()
    state = torch.get_rng_state()
    first = passes.mc_dropout_score(head, LATENTS, rate=0.5)
    assert torch.equal(state, torch.get_rng_state())
    assert np.array_equal(first, passes.mc_dropout_score(head, LATENTS, rate=0.5))
    other = passes.mc_dropout_score(head, LATENTS, rate=0.5, seed=1)
    assert not np.array_equal(first, other)
    assert np.abs(first - other).max() < 0.5  # thirty passes, not one
    # by hand: each latent kept or not, 4,000 times
    known = torch.from_numpy(LATENTS[:5])
    with torch.no_grad():
        answers = head(known).argmax(1)
        kept = (torch.rand(4000, 5, 16) > 0.5) * 2.0
        probabilities = head(known * kept).softmax(2).mean(0)
    by_hand = 1 - probabilities[torch.arange(5), answers].numpy()
    many = [passes.mc_dropout_score(head, LATENTS[:5], rate=0.5, seed=k) for k in range(40)]
    assert np.mean(many, axis=0) == pytest.approx(by_hand, abs=0.03)


def test_images_move_by_whole_pixels_and_black_moves_in():
    images = squares(2, seed=0).images
    right = passes.moved(images, 1, 0)
    assert torch.equal(right[..., 1:], images[..., :-1])
    assert not right[..., 0].any()
    up = passes.moved(images, 0, -1)
    assert torch.equal(up[..., :-1, :], images[..., 1:, :])
    assert not up[..., -1, :].any()
    assert torch.equal(passes.moved(images, 0, 0), images)


def test_moved_images_are_averaged_for_the_answer_where_the_image_is():
    images = squares(20, seed=0).images
    model = networks.build("resnet18", num_classes=10, width=8, **STATS).eval()
    probabilities = []
    for right, down in passes.MOVES:
        probabilities.append(predict(model, passes.moved(images, right, down)).softmax(1))
    answers = probabilities[0].argmax(1)
    mean = torch.stack(probabilities).mean(0)
    expected = 1 - mean[torch.arange(20), answers].numpy()
    assert np.allclose(passes.moved_images_score(model, images), expected, atol=1e-6)
