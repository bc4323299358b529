"""Attacks bounded in L-infinity, and the health card that says whether one can be believed."""

from visionfail.attacks.gradient import fgsm, pgd, pgd_steps
from visionfail.attacks.health import health_card

__all__ = ["fgsm", "health_card", "pgd", "pgd_steps"]
