"""Drift of a classifier's own: its reference, made when it is trained, and batches in folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from visionfail.data import ImageSet
from visionfail.models.transfer import features_on_device
from visionfail.risk import pictures
from visionfail.risk.config import RiskConfig
from visionfail.risk.drift import FEWEST, Drift, Reference, check_drift, one_per_group, reference_of
from visionfail.risk.features import load_or_extract
from visionfail.risk.saved import Classifier


@dataclass(frozen=True)
class CheckedBatch:
    """A drift check of a folder: pictures read, one of each group compared, files left out."""

    drift: Drift
    pictures: int
    reference: int  # validation pictures, one of each group
    left_out: dict[str, str]


def validation_reference(
    model: nn.Module,
    sets: Mapping[str, ImageSet],
    score: np.ndarray,
    config: RiskConfig,
    *,
    folder: Path,
) -> Reference | None:
    """The reference of sets["val"] with its scores (N,); components are those of sets["train"].

    One picture of each group. None where either has fewer than FEWEST groups. Features are kept in
    `folder`, and those of a frozen network lie there already.
    """
    views = 0 if config.unfreeze else config.views
    of_train, _ = load_or_extract(model, sets["train"], config, views=views, folder=folder)
    of_val, _ = load_or_extract(model, sets["val"], config, views=0, folder=folder)
    generator = np.random.default_rng(0)
    learnt = one_per_group(sets["train"].group_numbers(), generator)  # plain views come first
    watched = one_per_group(sets["val"].group_numbers(), generator)
    if min(len(learnt), len(watched)) < FEWEST:
        return None
    return reference_of(
        of_val.images.numpy()[watched],
        score[watched],
        components_of=of_train.images.numpy()[learnt],
    )


def check_folder(classifier: Classifier, folder: Path, *, level: float = 0.05) -> CheckedBatch:
    """Whether the pictures of a folder look like validation's, one of each group.

    Groups are those of pictures.csv, else copies. FileNotFoundError for a folder without files and
    a classifier without a reference; ValueError where no file can be read.
    """
    reference = classifier.drift_reference()
    listed = pictures.list_unlabelled(folder)
    tensors, kept, left_out = pictures.read_all(listed, side=classifier.config.side)
    if not tensors:
        raise ValueError(f"no picture of {folder} can be read: {next(iter(left_out.values()))}")
    chosen = one_per_group(kept.groups, np.random.default_rng(0))
    images = torch.cat([tensors[k] for k in chosen])
    labels = torch.zeros(len(chosen), dtype=torch.int64)  # not known, and not looked at
    batch = ImageSet(images, labels, pictures.CLASSES, "own")
    features = features_on_device(classifier.model, batch, mirrored=False).images.numpy()
    drift = check_drift(reference, features, classifier.score(images), level=level)
    return CheckedBatch(drift, len(kept), reference.n, left_out)
