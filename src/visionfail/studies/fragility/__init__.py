"""How little it takes to turn an answer, and whether classes that err most fall first."""

from visionfail.studies.fragility.attacked import (
    ATTACKS,
    EPSILONS,
    attack_images,
    load_or_attack,
)
from visionfail.studies.fragility.half_epsilon import half_epsilons, smallest_epsilon

__all__ = [
    "ATTACKS",
    "EPSILONS",
    "attack_images",
    "half_epsilons",
    "load_or_attack",
    "smallest_epsilon",
]
