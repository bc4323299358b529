"""Your own model: any torch classifier of 32x32 images through the whole of CIFAR-10-C."""

import hashlib
import os
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from visionfail import corruptions, devices, models
from visionfail.data import ImageSet
from visionfail.evaluation import outcomes, sweep, tables, unfinished

YOURS = "yours"  # what the model is called in tables; figures have a colour for it
FEW = 8  # images whose logits tell a model from another one with the same weights


def benchmark(
    model: nn.Module,
    test: ImageSet,
    *,
    folder: str | os.PathLike,
    severities: Sequence[int] = (1, 2, 3, 4, 5),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(accuracy by condition, means over corruptions) of a model on `test`, tables of fractions.

    `test` is taken clean and under 19 corruptions; a row has value, lo, hi (95%) and n. The model
    maps images in [0, 1], (N, 3, 32, 32), to logits (N, 10), or as many as `test` has classes; it
    stays where it is and as it is, and a copy of it works on the best device. Every condition is
    kept in `folder` as it is done, so that an interrupted run resumes. ValueError where the model
    gives something else than one logit per class, or another logit when asked again or in another
    batch, where `test` cannot be corrupted, and where `folder` is of another model; PermissionError
    where it cannot be written; before the long pass. ValueError that names the condition where
    logits are not finite.
    """
    answers = sweep_model(model, test, folder=folder, severities=severities, names=outcomes.EVERY)
    generator = np.random.default_rng(0)
    means = tables.mean_rows(answers, None, None, bootstraps=1000, generator=generator)
    return accuracy_table(answers, model=YOURS), pd.DataFrame(means).assign(model=YOURS)


def sweep_model(
    model: nn.Module,
    test: ImageSet,
    *,
    folder: str | os.PathLike,
    severities: Sequence[int] = (1, 2, 3, 4, 5),
    names: Sequence[str] | None = None,
) -> outcomes.Outcomes:
    """The answers of anybody's model to `test`, clean and under the corruptions `names`.

    Without names these are all that pictures of this size take (`corruptions.names_for`). Model,
    `test`, `folder` and errors are those of `benchmark`.
    """
    if names is None:
        _check_kind(test)
        names = corruptions.names_for(test.images)
    _check_test(test, severities, names)
    _check_logits(model, test)
    few = test.images[:FEW]
    model = _on_best_device(model, few)
    answers_to_few = _answers_to(few, model)
    identity = {"weights": fingerprint(model), unfinished.ANSWERS: answers_to_few}
    conditions = outcomes.all_conditions(severities, names)
    place = Path(folder).expanduser()
    return sweep.run_sweep(
        model, test, conditions, temperature=1.0, identity=identity, folder=place
    )


def accuracy_table(answers: outcomes.Outcomes, *, model: str) -> pd.DataFrame:
    """A row per condition: accuracy as value, lo, hi (95% Wilson), n; "model" is `model`."""
    rows = tables.condition_rows(answers)
    accuracy = [row for row in rows if row["metric"] == "accuracy"]
    return pd.DataFrame(accuracy).assign(model=model)


def _check_test(test: ImageSet, severities: Sequence[int], names: Sequence[str]) -> None:
    """Raises ValueError unless `test` can be corrupted by all `names` at these `severities`."""
    _check_kind(test)
    listed = isinstance(severities, Sequence) and len(set(severities) - {0}) > 0
    if not listed or len(set(severities)) < len(severities):
        raise ValueError(
            f"severities are {severities!r}: pass a list of different whole numbers from 1 to 5."
        )
    for name in names:
        corruptions.check_pixels(test.images, name)
        for severity in severities:
            corruptions.check_corruption(name, severity, seed=0, first_index=0)


def _check_kind(test: ImageSet) -> None:
    """Raises ValueError unless `test` is an ImageSet."""
    if not isinstance(test, ImageSet):
        raise ValueError(
            f"the test set is a {type(test).__name__}: pass data.ImageSet(images, labels, classes, "
            "origin), or what data.load gives."
        )


def check_model(model: nn.Module, test: ImageSet) -> None:
    """Raises ValueError, in one sentence, unless `sweep_model` takes the model, by two images.

    For what gives probabilities, too: their softmax would be no confidence.
    """
    _check_kind(test)
    _check_logits(model, test)
    models.check_no_probabilities(models.predict(model, test.images[:2]))


def _check_logits(model: nn.Module, test: ImageSet) -> None:
    """Raises ValueError unless the model gives one logit for each class of `test`."""
    few = test.images[:2]
    logits = models.predict(model, few)
    if logits.shape[1] != len(test.classes):
        raise ValueError(
            f"the model gives {tuple(logits.shape)} for {len(few)} images: one logit for each of "
            f"the {len(test.classes)} classes is needed, so pass a set of its own classes."
        )


def _on_best_device(model: nn.Module, few: Tensor) -> nn.Module:
    """A copy of the model on the best device where that is another one and the copy runs there.

    Else the model itself: it may not be copied, or hold tensors that do not move with it.
    """
    device = devices.best_device()
    if models.device_of(model).type == device.type:
        return model
    try:
        moved = deepcopy(model).to(device)
        models.predict(moved, few)
    except Exception:  # of anybody's code, so anything
        return model
    return moved


def _answers_to(few: Tensor, model: nn.Module) -> list[list[float]]:
    """The logits of a few images, as lists; ValueError where they are others when asked again.

    Or where the first image has others alone.
    """
    logits = models.predict(model, few)
    models.check_logits_finite(logits)
    answers = logits.tolist()
    if not unfinished.are_close(models.predict(model, few).tolist(), answers):
        raise ValueError(
            "the model gives the same images other logits when asked again: turn off what it draws "
            "at random, or carries from one batch to the next, in eval mode."
        )
    models.check_same_answers(logits[:1], models.predict(model, few[:1]), model=model)
    return answers


def fingerprint(model: nn.Module) -> str:
    """The sha256 of a model's weights and buffers in their order, in hex.

    The same for what is compiled or in DataParallel.
    """
    digest = hashlib.sha256()
    for name, value in models.unwrapped(model).state_dict().items():
        digest.update(name.encode())
        if isinstance(value, Tensor):  # a module may keep anything else there
            digest.update(_bytes_of(value))
    return digest.hexdigest()


def _bytes_of(value: Tensor) -> bytes:
    """The bytes of a tensor's values."""
    if value.is_quantized:
        value = value.dequantize()
    if value.layout != torch.strided:
        value = value.to_dense()
    return value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
