"""Your own model: any torch classifier of 32x32 images through the whole of CIFAR-10-C."""

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
    """(accuracy by condition, means over corruptions) of a model on `test`, tables of fractions.

    `test` is taken clean and under 19 corruptions; a row has value, lo, hi (95%) and n. The model
    maps images in [0, 1], (N, 3, 32, 32), to logits (N, 10). Every condition is kept in `folder` as
    it is done, so that an interrupted run resumes. ValueError where the model gives something else
    than one logit per class, and where `folder` is of another model.
    """
    model = model.to(devices.best_device())
    logits = models.predict(model, test.images[:2])
    if logits.shape != (min(2, len(test)), len(test.classes)):
        raise ValueError(
            f"the model gives {tuple(logits.shape)} for 2 images: "
            f"one logit for each of {test.classes}."
        )
    identity = {"weights": fingerprint(model)}
    conditions = outcomes.all_conditions(severities)
    answers = sweep.run_sweep(
        model, test, conditions, temperature=1.0, identity=identity, folder=Path(folder)
    )
    rows = tables.condition_rows(answers)
    accuracy = [row for row in rows if row["metric"] == "accuracy"]
    generator = np.random.default_rng(0)
    means = tables.mean_rows(answers, None, None, bootstraps=1000, generator=generator)
    return _table_of_yours(accuracy), _table_of_yours(means)


def _table_of_yours(rows: list[dict]) -> pd.DataFrame:
    """Rows as a table whose column "model" is YOURS."""
    return pd.DataFrame(rows).assign(model=YOURS)


def fingerprint(model: nn.Module) -> str:
    """The sha256 of a model's weights and buffers in their order, in hex."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
