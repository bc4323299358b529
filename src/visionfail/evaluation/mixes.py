"""A set of which each image is seen once, clean or under one corruption: independent draws."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from visionfail import corruptions
from visionfail.data import ImageSet
from visionfail.evaluation.outcomes import Condition


def mix_of_conditions(
    clean: ImageSet, conditions: Sequence[Condition], *, clean_share: float, seed: int
) -> ImageSet:
    """The images of `clean`, each left as it is with odds `clean_share`, else under one condition.

    Each of `conditions`, corruption and severity, is equally likely. Sets that must not share draws
    need a `seed` each. ValueError for a share outside [0, 1] and no condition.
    """
    if not 0 <= clean_share <= 1 or not conditions:
        raise ValueError(
            f"clean_share {clean_share} and {len(conditions)} conditions: pass a share from 0 to 1 "
            "and at least one condition."
        )
    generator = np.random.default_rng(seed)
    drawn = generator.integers(len(conditions), size=len(clean))  # (N,)
    drawn[generator.random(len(clean)) < clean_share] = -1  # left as they are
    images = clean.images.clone()
    for number, (name, severity) in enumerate(conditions):
        places = torch.from_numpy(np.flatnonzero(drawn == number))
        if len(places):
            images[places] = corruptions.corrupt(clean.images[places], name, severity, seed=seed)
    origin = "regenerated" if clean.origin == "official" else clean.origin
    return replace(clean, images=images, origin=origin)
