"""Adversarial training: its step stays within epsilon, resumes exactly, and makes PGD harder."""

import pytest
import torch
from makers import STATS, squares

from visionfail import attacks, models

EPSILON = 8 / 255
CONFIG = models.TrainConfig(
    epochs=2,
    batch_size=50,
    peak_lr=0.05,
    flip=False,
    padding=0,
    ema_decay=0.0,
    mixed_precision=False,
)


def narrow():
    return models.build("resnet18", num_classes=10, width=8, **STATS, seed=0)


def train(*, perturb, epochs=2, state=None, check=None):
    config = models.TrainConfig(**{**vars(CONFIG), "epochs": epochs})
    return models.fit(
        narrow(),
        squares(200, seed=0),
        squares(40, seed=1),
        config=config,
        state=state,
        perturb=perturb,
        check=check,
    )


def test_a_perturbed_batch_is_one_step_from_a_random_start():
    images = squares(20, seed=2).images.float() / 255
    labels = squares(20, seed=2).labels
    perturb = attacks.random_start_fgsm(epsilon=EPSILON)
    network = narrow().train()
    changed = perturb(network, images, labels, torch.Generator().manual_seed(0))
    change = (changed - images).abs()
    assert change.max() <= EPSILON + 1e-6 and changed.min() >= 0 and changed.max() <= 1
    # a step of 1.25 epsilon ends at the rim unless it began in the three eighths across from it
    inside = (changed > 0) & (changed < 1)
    at_rim = change[inside] > EPSILON - 1e-6
    assert 0.6 < at_rim.float().mean() < 0.65
    again = perturb(network, images, labels, torch.Generator().manual_seed(1))
    assert not torch.equal(changed, again)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.fault("interrupted run")
def test_the_check_joins_the_history_and_training_resumes_exactly(tmp_path):
    perturb = attacks.random_start_fgsm(epsilon=EPSILON)
    check = attacks.pgd_check(squares(20, seed=3), epsilon=EPSILON, steps=2)
    whole, history = train(perturb=perturb, check=check)
    assert all(0 <= row["val_pgd"] <= row["val_fgsm"] <= 1 for row in history)
    state = tmp_path / "state.pt"
    calls = []

    def stop(model):
        calls.append(model)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return check(model)

    with pytest.raises(KeyboardInterrupt):
        train(perturb=perturb, state=state, check=stop)
    resumed, _ = train(perturb=perturb, state=state, check=check)
    for ours, theirs in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_adversarial_training_makes_pgd_harder():
    val = squares(100, seed=4)
    accuracy = {}
    for name, perturb in {
        "plain": None,
        "defended": attacks.random_start_fgsm(epsilon=0.1),
    }.items():
        network, _ = train(perturb=perturb, epochs=12)
        check = attacks.pgd_check(val, epsilon=0.1, steps=5)
        accuracy[name] = check(network)["val_pgd"]
    assert accuracy["defended"] > accuracy["plain"] + 0.2
