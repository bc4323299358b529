"""Pictures with their maps for notebook 05: which images, by rule, and what networks answer."""

import numpy as np
import torch
from torch import Tensor, nn

from visionfail import explain, models
from visionfail.data import ImageSet
from visionfail.studies.saliency import drift
from visionfail.studies.saliency.drift import Drift

STORY = (0, 1, 2, 3, 4, 5)


def turned_images(measured: Drift, name: str, *, count: int) -> np.ndarray:
    """Indices of images that turn wrong under `name`, then of those that stay right.

    The first `count` that are right when clean and wrong at the highest severity, then the first
    `count` that stay right at every severity measured.
    """
    rows = measured.rows([(name, severity) for severity in drift.SEVERITIES])
    right = measured.correct[rows]  # (severities, N)
    clean = measured.right_when_clean
    turned = np.flatnonzero(clean & ~right[-1])[:count]
    stayed = np.flatnonzero(clean & right.all(axis=0))[:count]
    return np.concatenate([turned, stayed])


def panel_with_maps(
    model: nn.Module, test: ImageSet, places: np.ndarray, name: str, *, severities: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(pictures, maps, captions) of the images at `places`, each at `severities` of `name` in turn.

    P images at S severities give pictures uint8 (P * S, 3, H, W), maps (P * S, H, W) in [0, 1] of
    the class named on the clean one, and P * S captions, with a cross where the answer is wrong.
    """
    versions = []
    for severity in severities:
        corrupted = drift.make_version(test.images, name, severity)  # draws go by index
        versions.append(corrupted[places])
    classes = models.predict(model, test.images[places]).argmax(1)
    maps = [explain.gradcam(model, images, classes) for images in versions]
    maps = np.concatenate(np.stack(maps, axis=1))  # (P, S, H, W) -> (P * S, H, W)
    pictures = torch.stack(versions, dim=1).flatten(0, 1)  # (P, S, 3, H, W) -> (P * S, 3, H, W)
    labels = test.labels[places].repeat_interleave(len(severities))
    captions = answer_captions(model, pictures, labels, test.classes)
    return pictures.numpy(), maps, captions


def answer_captions(
    model: nn.Module, images: Tensor, labels: Tensor, classes: tuple[str, ...]
) -> list[str]:
    """The model's answer to each image with its confidence, "cat 87%", and a cross where wrong.

    Images are (N, 3, H, W), labels (N,).
    """
    confidence, predicted = models.predict(model, images).softmax(1).max(1)
    captions = []
    for k, label, share in zip(predicted, labels, confidence, strict=True):
        cross = "" if k == label else " ✗"
        captions.append(f"{classes[k]} {share:.0%}{cross}")
    return captions


def first_to_fail(networks: list[Drift], name: str) -> int:
    """The index of the first image that every network gets right when clean and none under `name`.

    That is at its highest severity. ValueError where there is none.
    """
    version = (name, max(drift.SEVERITIES))
    turned = []
    for measured in networks:
        right = measured.correct[drift.CONDITIONS.index(version)]
        turned.append(measured.right_when_clean & ~right)  # (N,)
    indices = np.flatnonzero(np.logical_and.reduce(turned))
    if not len(indices):
        raise ValueError(
            f"no image that all networks lose under {name}: take more images, or another "
            "corruption."
        )
    return int(indices[0])
