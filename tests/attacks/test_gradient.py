"""FGSM and PGD against foolbox and torchattacks, step by step, and what they refuse."""

import eagerpy as ep
import foolbox
import numpy as np
import pytest
import torch
from torch import nn

from visionfail import attacks, models
from visionfail.attacks import gradient


def toy(*, classes=4, dtype=torch.float64):
    """A small smooth network whose attack ends where rounding does not decide."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.Softplus(), nn.Flatten(), nn.Linear(6 * 64, classes)
    )
    return network.to(dtype).eval()


@pytest.fixture(scope="module")
def network():
    return toy()


@pytest.fixture(scope="module")
def pictures(network):
    """(images float64 (12, 3, 8, 8), labels that the network answers)."""
    images = torch.rand(
        12, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        return images, network(images).argmax(1)


EPSILON = 8 / 255
FAR = 0.1  # fools the toy network on some images


def foolbox_model(network):
    return foolbox.PyTorchModel(network, bounds=(0, 1))


def test_fgsm_is_that_of_foolbox_and_torchattacks(network, pictures):
    images, labels = pictures
    ours = attacks.fgsm(network, images, labels, epsilon=EPSILON)
    theirs = foolbox.attacks.FGSM(random_start=False).run(
        foolbox_model(network), ep.astensor(images), ep.astensor(labels), epsilon=EPSILON
    )
    assert torch.allclose(ours, theirs.raw, atol=1e-6, rtol=0)
    torchattacks = pytest.importorskip("torchattacks")
    assert torch.allclose(
        ours, torchattacks.FGSM(network, eps=EPSILON)(images, labels), atol=1e-6, rtol=0
    )


def test_targeted_fgsm_is_that_of_foolbox(network, pictures):
    images, labels = pictures
    wanted = (labels + 1) % 4
    ours = attacks.fgsm(network, images, wanted, epsilon=EPSILON, targeted=True)
    criterion = foolbox.criteria.TargetedMisclassification(ep.astensor(wanted))
    theirs = foolbox.attacks.LinfProjectedGradientDescentAttack(
        abs_stepsize=EPSILON, steps=1, random_start=False
    ).run(foolbox_model(network), ep.astensor(images), criterion, epsilon=EPSILON)
    assert torch.allclose(ours, theirs.raw, atol=1e-6, rtol=0)


def test_every_step_of_pgd_is_that_of_foolbox_from_the_same_start(network, pictures):
    images, labels = pictures
    start = gradient.random_start(images, EPSILON, seed=3, restart=0, first=0)

    class SameStart(foolbox.attacks.LinfProjectedGradientDescentAttack):
        def get_random_start(self, x0, epsilon):
            return ep.astensor(start)

    climb = list(
        attacks.pgd_steps(
            network, start, images, labels, epsilon=EPSILON, steps=7, step_size=EPSILON / 4
        )
    )
    assert len(climb) == 8
    for steps in (1, 4, 7):
        theirs = SameStart(abs_stepsize=EPSILON / 4, steps=steps, random_start=True).run(
            foolbox_model(network), ep.astensor(images), ep.astensor(labels), epsilon=EPSILON
        )
        assert torch.allclose(climb[steps][0], theirs.raw, atol=1e-6, rtol=0)


def test_pgd_is_the_worst_point_tried(network, pictures):
    images, labels = pictures
    kept = attacks.pgd(network, images, labels, epsilon=FAR, steps=5, restarts=2, seed=0)
    tried = [images, attacks.fgsm(network, images, labels, epsilon=FAR)]
    for restart in range(2):
        start = gradient.random_start(images, FAR, seed=0, restart=restart, first=0)
        climb = attacks.pgd_steps(
            network, start, images, labels, epsilon=FAR, steps=5, step_size=FAR / 2
        )
        tried += [points for points, _, _ in climb]
    with torch.no_grad():
        answers = [network(points) for points in tried]
        of_kept = network(kept)
    fooled = torch.stack([logits.argmax(1) != labels for logits in answers])  # (points, N)
    assert 0 < fooled.any(dim=0).sum() < 12
    assert torch.equal(of_kept.argmax(1) != labels, fooled.any(dim=0))
    loss = nn.CrossEntropyLoss(reduction="none")
    losses = torch.stack([loss(logits, labels) for logits in answers])
    counted = fooled | ~fooled.any(dim=0)  # where one fools it, only those
    largest = losses.masked_fill(~counted, -1).amax(dim=0)
    assert torch.allclose(loss(of_kept, labels), largest)


def test_more_restarts_are_no_weaker_and_batches_do_not_matter(network, pictures):
    images, labels = pictures
    settings = {"epsilon": FAR, "steps": 3, "seed": 0}
    once = attacks.pgd(network, images, labels, **settings)
    assert torch.equal(once, attacks.pgd(network, images, labels, batch_size=5, **settings))
    often = attacks.pgd(network, images, labels, restarts=3, **settings)
    with torch.no_grad():
        fooled = [network(points).argmax(1) != labels for points in (once, often)]
    assert (fooled[1] | ~fooled[0]).all()


def test_wrong_images_stay_as_they_are_and_epsilon_zero_changes_nothing(network, pictures):
    images, labels = pictures
    wrong = (labels + 1) % 4
    for attacked in (
        attacks.fgsm(network, images, wrong, epsilon=EPSILON),
        attacks.pgd(network, images, wrong, epsilon=EPSILON, steps=2, seed=0),
        attacks.fgsm(network, images, labels, epsilon=0),
        attacks.pgd(network, images, labels, epsilon=0, steps=2, seed=0),
    ):
        assert torch.equal(attacked, images)


def test_bytes_are_attacked_as_pixels_in_the_unit_interval(pictures):
    network = toy(dtype=torch.float32)
    images = (pictures[0] * 255).round().to(torch.uint8)
    labels = torch.zeros(12, dtype=torch.int64)
    attacked = attacks.pgd(network, images, labels, epsilon=EPSILON, steps=2, seed=0)
    assert attacked.dtype == torch.float32 and attacked.min() >= 0 and attacked.max() <= 1
    change = (attacked - images.float() / 255).abs().max()
    assert change <= EPSILON + 1e-6


@pytest.mark.fault("a caller's model left as it was")
def test_the_model_is_left_as_it_was(pictures):
    network = toy(dtype=torch.float32).train()
    network[0].weight.grad = torch.ones_like(network[0].weight)
    network[3].bias.requires_grad_(False)
    images = pictures[0].float()
    with torch.no_grad():
        attacks.pgd(network, images, pictures[1], epsilon=EPSILON, steps=1, seed=0)
    assert network.training and all(module.training for module in network)
    assert torch.equal(network[0].weight.grad, torch.ones_like(network[0].weight))
    needs = [parameter.requires_grad for parameter in network.parameters()]
    assert needs == [True, True, True, False]


@pytest.mark.fault("bad arguments")
def test_an_epsilon_in_other_units_is_refused(network, pictures):
    images, labels = pictures
    with pytest.raises(ValueError, match="Did you mean 8 / 255"):
        attacks.fgsm(network, images, labels, epsilon=8)
    for epsilon in (-0.1, np.nan):
        with pytest.raises(ValueError, match="epsilon is"):
            attacks.pgd(network, images, labels, epsilon=epsilon, steps=1, seed=0)


@pytest.mark.fault("bad arguments")
def test_bad_images_labels_and_settings_are_refused(network, pictures):
    images, labels = pictures
    with pytest.raises(ValueError, match="pass pixels in"):
        attacks.fgsm(network, images * 2, labels, epsilon=EPSILON)
    with pytest.raises(ValueError, match="for 12 images"):
        attacks.fgsm(network, images, labels[:-1], epsilon=EPSILON)
    with pytest.raises(ValueError, match="the model has 4 classes"):
        attacks.fgsm(network, images, labels + 4, epsilon=EPSILON)
    with pytest.raises(ValueError, match="pass a whole number from 1"):
        attacks.pgd(network, images, labels, epsilon=EPSILON, steps=0, seed=0)


@pytest.mark.fault("numbers that are not finite")
def test_a_model_without_gradient_or_with_nan_is_refused(pictures):
    images = pictures[0].float()

    class Detached(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = toy(dtype=torch.float32)

        def forward(self, x):
            return self.network(x.detach())

    with pytest.raises(ValueError, match="gives no gradient"):
        attacks.fgsm(Detached(), images, pictures[1], epsilon=EPSILON)
    broken = toy(dtype=torch.float32)
    with torch.no_grad():
        broken[3].bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="loss of 12 of 12"):
        attacks.fgsm(broken, images, pictures[1], epsilon=EPSILON)


BAD_ARGUMENTS = {
    "epsilon of text": {"epsilon": "8/255"},
    "epsilon of an image": {"epsilon": torch.tensor([0.1, 0.2])},
    "half a step": {"steps": 1.5},
    "no seed": {"seed": None},
    "seed below 0": {"seed": -1},
    "step size of no number": {"step_size": float("nan")},
    "step size of text": {"step_size": "2/255"},
    "half a restart": {"restarts": 0.5},
    "half a batch": {"batch_size": 1.5},
}


@pytest.mark.parametrize("kind", BAD_ARGUMENTS)
def test_arguments_of_another_kind_are_named(network, pictures, kind):
    words = {"epsilon": EPSILON, "steps": 1, "seed": 0} | BAD_ARGUMENTS[kind]
    (name,) = BAD_ARGUMENTS[kind]
    with pytest.raises(ValueError, match=f"^{name} is .*(pass|give) ") as refused:
        attacks.pgd(network, *pictures, **words)
    assert "\n" not in str(refused.value) and str(refused.value).endswith(".")


def test_whole_numbers_of_numpy_are_taken(network, pictures):
    words = {"steps": 2, "seed": 3, "restarts": 2, "batch_size": 5}
    expected = attacks.pgd(network, *pictures, epsilon=EPSILON, **words)
    by_numpy = {name: np.int64(value) for name, value in words.items()}
    again = attacks.pgd(network, *pictures, epsilon=np.float64(EPSILON), **by_numpy)
    assert torch.equal(again, expected)


def test_what_is_attacked_has_no_graph_though_the_images_have_one(network, pictures):
    images, labels = pictures
    learning = images.clone().requires_grad_()
    moved = attacks.fgsm(network, learning, labels, epsilon=EPSILON).numpy()
    worst = attacks.pgd(network, learning, labels, epsilon=EPSILON, steps=1, seed=0).numpy()
    assert np.array_equal(moved, attacks.fgsm(network, images, labels, epsilon=EPSILON))
    assert worst.shape == moved.shape and learning.grad is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.uint8])
def test_images_of_low_precision_are_moved_by_all_of_epsilon(dtype):
    images = torch.full((2, 3, 8, 8), 0.5 if dtype.is_floating_point else 128).to(dtype)
    direction = torch.ones(images.shape, dtype=torch.int8)
    moved = attacks.along(images, direction, EPSILON)
    assert moved.dtype == torch.float32
    assert torch.equal(moved, models.as_float(images) + EPSILON)


def test_double_images_stay_double():
    images = torch.full((2, 3, 8, 8), 0.5, dtype=torch.float64)
    assert attacks.along(images, images.sign().to(torch.int8), EPSILON).dtype == torch.float64
