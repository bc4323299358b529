"""Does the object carry the decision? Objects before other backgrounds, and Grad-CAM's peak.

As in Xiao et al. 2020, arXiv:2006.09994, but on 32x32 pictures with masks that GrabCut made.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from visionfail import explain, files, models, profiles
from visionfail.data import ImageSet
from visionfail.studies import stored
from visionfail.studies.transfer.masks import Masks, without_object

DONORS = 3  # backgrounds that each object is put before, of its class and of others
GREY = 128
SWAPS = ("original", "same class", "another class", "object on grey", "background alone")


@dataclass(frozen=True, eq=False)
class Swapped:
    """Which of N pictures with a usable mask are answered rightly as their background changes.

    right {a swap of SWAPS: (draws, N)}; names_donor (draws, N): whether the answer before another
    class's background is that class; labels (N,); peak_on_mask and centre_on_mask bool (N,):
    whether Grad-CAM's peak for the answered class, and the picture's centre, lie on the object;
    mask_share (N,).
    """

    right: dict[str, np.ndarray]
    names_donor: np.ndarray
    labels: np.ndarray
    peak_on_mask: np.ndarray
    centre_on_mask: np.ndarray
    mask_share: np.ndarray


def load_or_swap(
    model: nn.Module | None, images: ImageSet | None, masks: Masks, *, weights: str
) -> tuple[Swapped, str]:
    """(Swapped, "loaded" | "computed") of the reference network, on the images with usable masks.

    Stored in results/transfer-backgrounds.npz; without a model what is stored is loaded.
    """
    path = profiles.FULL.results / "transfer-backgrounds.npz"
    fields = [*SWAPS, "names_donor", "labels", "peak_on_mask", "centre_on_mask", "mask_share"]
    if model is None or images is None:
        return swapped_of(files.load_arrays(path)[0]), "loaded"
    identity = {"weights": weights, "images": images.checksum(), "masks": dict(masks.made)}
    usable = np.flatnonzero(masks.usable())

    def compute() -> tuple[stored.Arrays, dict]:
        of_these = images.at(torch.from_numpy(usable))
        return swap_and_ask(model, of_these, masks.pixels[usable]), identity

    arrays, _, how = stored.load_or_compute(path, compute, identity=identity, fields=fields)
    return swapped_of(arrays), how


def swapped_of(arrays: stored.Arrays) -> Swapped:
    """The Swapped that arrays hold."""
    rest = {name: values for name, values in arrays.items() if name not in SWAPS}
    return Swapped(right={name: arrays[name] for name in SWAPS}, **rest)


def swap_and_ask(model: nn.Module, images: ImageSet, masks: np.ndarray) -> stored.Arrays:
    """The arrays of Swapped, of images whose objects are `masks` (N, H, W)."""
    labels = images.labels.numpy()
    pictures = images.images.numpy()
    filled = np.stack([without_object(*pair) for pair in zip(pictures, masks, strict=True)])
    grey = np.full_like(pictures, GREY)
    alike, others = donors(labels, same=True), donors(labels, same=False)  # (DONORS, N)
    composed = {
        "original": [pictures],
        "same class": [before(pictures, masks, filled[d]) for d in alike],
        "another class": [before(pictures, masks, filled[d]) for d in others],
        "object on grey": [before(pictures, masks, grey)],
        "background alone": [filled],
    }
    answers = {}
    for name, draws in composed.items():
        answers[name] = np.stack([answer(model, made) for made in draws])  # (draws, N)
    arrays = {name: of_draws == labels for name, of_draws in answers.items()}
    arrays["names_donor"] = answers["another class"] == labels[others]
    maps = explain.gradcam(model, images.images, torch.from_numpy(answers["original"][0]))
    arrays["peak_on_mask"] = peak_on_mask(maps, masks)
    height, width = masks.shape[1:]
    arrays["centre_on_mask"] = masks[:, height // 2, width // 2]
    arrays["mask_share"] = masks.mean(axis=(1, 2)).astype(np.float32)
    arrays["labels"] = labels.astype(np.uint8)
    return arrays


def before(pictures: np.ndarray, masks: np.ndarray, backgrounds: np.ndarray) -> np.ndarray:
    """The objects of pictures (N, C, H, W), at `masks` (N, H, W), before other backgrounds."""
    return np.where(masks[:, None], pictures, backgrounds)


def donors(labels: np.ndarray, *, same: bool) -> np.ndarray:
    """Whose background each picture gets, int64 (DONORS, N): another of its class, or of others.

    ValueError where a class has too few pictures.
    """
    rng = np.random.default_rng(int(same))
    drawn = np.empty((DONORS, len(labels)), dtype=np.int64)
    for k, label in enumerate(labels):
        possible = np.flatnonzero((labels == label) == same)
        possible = possible[possible != k]
        if len(possible) < DONORS:
            raise ValueError(
                f"class {label} has {len(possible) + 1} pictures: {DONORS} others must give it "
                "their backgrounds."
            )
        drawn[:, k] = rng.choice(possible, size=DONORS, replace=False)
    return drawn


def answer(model: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """The predicted class of each picture uint8 (N, C, H, W), (N,)."""
    return models.predict(model, torch.from_numpy(pictures), batch_size=128).argmax(1).numpy()


def peak_on_mask(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Whether the largest value of each map (N, H, W) lies on the mask, bool (N,).

    A map without any evidence points nowhere.
    """
    flat = maps.reshape(len(maps), -1)
    peak = flat.argmax(axis=1)
    on_mask = masks.reshape(len(masks), -1)[np.arange(len(maps)), peak]
    return on_mask & (flat.max(axis=1) > 0)
