"""Attacks bounded in L-infinity, a defence, and the card that says if an attack can be believed."""

from visionfail.attacks.defence import TRAINING_STEP, pgd_check, random_start_fgsm
from visionfail.attacks.gradient import (
    STEP_SHARE,
    along,
    fgsm,
    fgsm_direction,
    pgd,
    pgd_steps,
)
from visionfail.attacks.health import health_card, picture_lights
from visionfail.attacks.ladder import accuracy_by_epsilon

__all__ = [
    "STEP_SHARE",
    "TRAINING_STEP",
    "accuracy_by_epsilon",
    "along",
    "fgsm",
    "fgsm_direction",
    "health_card",
    "pgd",
    "pgd_check",
    "pgd_steps",
    "picture_lights",
    "random_start_fgsm",
]
