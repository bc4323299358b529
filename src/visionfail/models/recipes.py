"""The training recipes: rounds of training, chosen on validation data alone."""

import dataclasses

from visionfail.models.train_config import TrainConfig

# A recipe is a tuple of rounds of training; each starts from the averaged weights of the one
# before, with the rate up again: warm restarts, Loshchilov and Hutter 2017, arXiv:1608.03983.
# Chosen on validation data alone; notes/decisions.md says how. Numbers to expect: see the card.
# LONG: ResNet-18 seed 0, the network that the studies examine.
LONG = (
    TrainConfig(epochs=18, peak_lr=0.1, sides=(16,) * 4 + (24,) * 8),
    TrainConfig(epochs=8, peak_lr=0.1),
    TrainConfig(epochs=14, peak_lr=0.1, weight_decay=1e-3, sides=(24,) * 5),
)
# SHORT: every other, so that architectures and seeds are compared at equal training; a round mostly
# at small sides, then one at full side.
SHORT = (
    TrainConfig(epochs=16, peak_lr=0.1, weight_decay=1e-3, sides=(16,) * 6 + (24,) * 8 + (28,)),
    TrainConfig(epochs=5, peak_lr=0.05, weight_decay=1e-3),
)

# Digits and signs are not mirrored; photographs of them differ by small turns and other light.
SVHN10K = (
    TrainConfig(
        epochs=40,
        peak_lr=0.1,
        weight_decay=1e-3,
        ema_decay=0.98,
        padding=3,
        flip=False,
        rotation=10.0,
        jitter=0.4,
        invert=0.5,
        cutout=10,
        sides=(16,) * 14 + (24,) * 16,
    ),
)
GTSRB = (
    TrainConfig(
        epochs=12,
        peak_lr=0.1,
        weight_decay=1e-3,
        ema_decay=0.99,
        padding=3,
        flip=False,
        rotation=10.0,
        jitter=0.4,
        sides=(16,) * 5 + (24,) * 4,
    ),
)

# The whole SVHN has ten times the digits: fewer passes, all at full side. Not run here.
SVHN = (dataclasses.replace(SVHN10K[0], epochs=15, ema_decay=0.995, sides=()),)

RECIPES = {"svhn10k": SVHN10K, "gtsrb": GTSRB, "svhn": SVHN}
EXAMINED = ("resnet18", 0)

# Two cores, about a minute: shows the way, not the result.
QUICK_ROUNDS = (
    TrainConfig(epochs=3, batch_size=64, peak_lr=0.1, sides=(), ema_decay=0.98, padding=2),
)
QUICK_DENSE_ROUNDS = (
    TrainConfig(epochs=2, batch_size=64, peak_lr=0.1, sides=(16, 16), ema_decay=0.98, padding=2),
)
QUICK_WIDTH = {"resnet18": 16, "densenet121": 8}


def seeded_rounds(recipe: tuple[TrainConfig, ...], seed: int) -> tuple[TrainConfig, ...]:
    """The rounds of a recipe with seeds of their own: no round repeats the order of another."""
    rounds = []
    for number, config in enumerate(recipe):
        rounds.append(dataclasses.replace(config, seed=seed + 100 * number))
    return tuple(rounds)


def standard_rounds(arch: str, seed: int) -> tuple[TrainConfig, ...]:
    """The rounds of the recipe named "standard" for one network: LONG for EXAMINED, else SHORT."""
    recipe = LONG if (arch, seed) == EXAMINED else SHORT
    return seeded_rounds(recipe, seed)


def rounds_for(profile: str, arch: str, seed: int) -> tuple[TrainConfig, ...]:
    """The rounds of a CIFAR-10 network in the profile "full" or "quick"."""
    if profile == "full":
        return standard_rounds(arch, seed)
    quick = QUICK_DENSE_ROUNDS if arch == "densenet121" else QUICK_ROUNDS
    return seeded_rounds(quick, seed)
