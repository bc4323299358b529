"""Your own model: any torch classifier of 32x32 pictures through the whole of CIFAR-10-C,
resumably.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from visionfail import devices, models
from visionfail.data import ImageSet
from visionfail.evaluation import outcomes, sweep, tables

YOURS = "yours"  # what the model is called in tables; figures have a colour for it


def benchmark(
    model: nn.Module,
    test: ImageSet,
    *,
    folder: str | os.PathLike,
    severities: Sequence[int] = (1, 2, 3, 4, 5),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(accuracy by condition, means over corruptions) of `model`, images in [0, 1] (N, 3, 32, 32)
    -> logits (N, 10), on `test` clean and under 19 corruptions: value, lo, hi (95%), n, in
    fractions.

    Every condition is kept in `folder` as it is done, so a second call goes on where the first was
    broken off. ValueError where the model gives something else than a logit a class, and where
    `folder` is of another model.
    """
    model = model.to(devices.best_device())
    logits = models.predict(model, test.images[:2])
    if logits.shape != (min(2, len(test)), len(test.classes)):
        raise ValueError(
            f"the model gives {tuple(logits.shape)} for 2 images: one logit for each of {test.classes}."
        )
    identity = {"weights": fingerprint(model), "images": test.checksum(), "n": len(test)}
    conditions = outcomes.all_conditions(severities)
    found = sweep.run_sweep(
        model, test, conditions, temperature=1.0, identity=identity, folder=Path(folder)
    )
    accuracy = [row for row in tables.condition_rows(found) if row["metric"] == "accuracy"]
    means = tables.mean_rows(found, None, None, bootstraps=1000, generator=np.random.default_rng(0))
    return tuple(pd.DataFrame(rows).assign(model=YOURS) for rows in (accuracy, means))


def fingerprint(model: nn.Module) -> str:
    """sha256 of the weights and buffers in their order, in hex."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
