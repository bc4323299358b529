"""Pictures with their maps for notebook 05: which images, by rule; what networks say of them, and
where they look.
"""

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import explain, models
from visionfail.data import ImageSet
from visionfail.studies.saliency import drift
from visionfail.studies.saliency.drift import CLEAN, CONDITIONS, Drift

STORY = (0, 1, 2, 3, 4, 5)


def turned_images(found: Drift, name: str, *, count: int) -> np.ndarray:
    """Places of the first `count` images that are right when clean and wrong at the highest
    severity of `name`, then of the first `count` that stay right at every severity measured.
    """
    right = found.correct
    rows = [CONDITIONS.index((name, severity)) for severity in drift.SEVERITIES]
    clean = right[CONDITIONS.index(CLEAN)]
    turned = np.flatnonzero(clean & ~right[rows[-1]])[:count]
    stayed = np.flatnonzero(clean & right[rows].all(axis=0))[:count]
    return np.concatenate([turned, stayed])


def panel_with_maps(
    model: nn.Module, test: ImageSet, places: np.ndarray, name: str, *, severities: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """For the images at `places`, each at `severities` of `name` in turn: pictures uint8 (P * S, 3,
    H, W), maps (P * S, H, W) of the class named on the clean one, and what the model says (P * S),
    a cross where that is wrong.
    """
    versions = [
        drift.make_version(test.images, name, severity)[places] for severity in severities
    ]  # draws go by place
    classes = models.predict(model, test.images[places]).argmax(1)
    maps = np.stack([explain.gradcam(model, images, classes) for images in versions], axis=1)
    pictures = torch.stack(versions, dim=1).flatten(0, 1)
    labels = test.labels[places].repeat_interleave(len(severities))
    return (
        pictures.numpy(),
        maps.reshape(-1, *maps.shape[2:]),
        answer_captions(model, pictures, labels, test.classes),
    )


def answer_captions(
    model: nn.Module, images: Tensor, labels: Tensor, classes: tuple[str, ...]
) -> list[str]:
    """What `model` says of each image and how sure it is: "cat 87%", with a cross where `labels`
    (N,) say otherwise.
    """
    sure, said = models.predict(model, images).softmax(1).max(1)
    crosses = np.where(said == labels, "", " ✗")
    return [f"{classes[k]} {p:.0%}{cross}" for k, p, cross in zip(said, sure, crosses, strict=True)]


def first_to_fail(found: list[Drift], name: str) -> int:
    """The place of the first image that every network gets right when clean and none at the highest
    severity of `name`; ValueError where there is none.
    """
    row = CONDITIONS.index((name, max(drift.SEVERITIES)))
    clean = CONDITIONS.index(CLEAN)
    places = np.flatnonzero(
        np.logical_and.reduce([one.correct[clean] & ~one.correct[row] for one in found])
    )
    if not len(places):
        raise ValueError(
            f"no image that all networks lose under {name}: take more images, or another "
            "corruption."
        )
    return int(places[0])
