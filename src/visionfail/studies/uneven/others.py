"""What was measured on the images that PGD attacked: how far they moved, and what others answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torchmetrics.functional.image import structural_similarity_index_measure

from visionfail import files, metrics, models, results
from visionfail.data import ImageSet
from visionfail.studies import stored
from visionfail.studies.uneven.attack_answers import mean_over_images, share_interval
from visionfail.studies.uneven.attacked import EPSILONS, HEADLINE, attack_images

WINDOW = 11  # pixels
FIELDS = ("similarity", "with_edges", "distance", "answers", "support", "clean_support")


@dataclass(frozen=True, eq=False)
class Others:
    """What T networks answer to M images attacked at HEADLINE on each of A of them.

    similarity (SSIM), with_edges (the same, edges mirrored) and distance (L2, pixels in [0, 1]) of
    clean and attacked images (A, M);
    answers uint8 (A, T, M); support (A, T, M): the probability that a network gives to the answer
    of the attacked one, clean_support the same on clean images. `attacked` and `asked` name the
    networks.
    """

    attacked: list[str]
    asked: list[str]
    similarity: np.ndarray
    with_edges: np.ndarray
    distance: np.ndarray
    answers: np.ndarray
    support: np.ndarray
    clean_support: np.ndarray


def load_or_ask_others(
    path: Path,
    attacked: Mapping[str, Callable[[], Tensor]] | None,
    images: ImageSet | None,
    networks: Mapping[str, nn.Module],
    *,
    weights: Mapping[str, str],
) -> tuple[Others, str]:
    """(Others, "loaded" | "computed"), stored at `path`.

    `attacked` are {network: what gives its attacked images (M, C, H, W)}, called where they have to
    be asked about; `images` the clean ones, `networks` all that are asked and `weights` their
    checksums. Without `attacked` or `images` what is stored is loaded as it is.
    """
    if attacked is None or images is None:
        arrays, made = files.load_arrays(path)
        return others_of(arrays, made), "loaded"
    identity = {
        "weights": dict(weights),
        "attacked": list(attacked),
        "images": images.checksum(),
        "epsilon of 255": HEADLINE,
    }

    def compute() -> tuple[stored.Arrays, dict]:
        if list(weights) != list(networks):
            raise ValueError(
                f"weights of {list(weights)} for networks {list(networks)}: one for each."
            )
        moved = {name: images_of() for name, images_of in attacked.items()}
        return ask_others(moved, images, networks), identity

    arrays, made, how = stored.load_or_compute(path, compute, identity=identity, fields=FIELDS)
    return others_of(arrays, made), how


def others_of(arrays: stored.Arrays, made: dict) -> Others:
    """The Others that arrays hold."""
    values = {field: arrays[field] for field in FIELDS}
    return Others(attacked=made["attacked"], asked=list(made["weights"]), **values)


def ask_others(
    attacked: Mapping[str, Tensor], images: ImageSet, networks: Mapping[str, nn.Module]
) -> stored.Arrays:
    """The arrays FIELDS of `Others`."""
    clean = models.as_float(images.images)
    on_clean = {name: probabilities(network, clean) for name, network in networks.items()}
    rows: dict[str, list] = {field: [] for field in FIELDS}
    for victim, moved in attacked.items():
        on_moved = {name: probabilities(network, moved) for name, network in networks.items()}
        inside, with_edges = similarity(clean, moved)
        rows["similarity"].append(inside)
        rows["with_edges"].append(with_edges)
        rows["distance"].append((moved - clean).flatten(1).norm(dim=1).numpy())
        rows["answers"].append([of_one.argmax(axis=1) for of_one in on_moved.values()])
        rows["support"].append(support_for(on_moved, victim))
        rows["clean_support"].append(support_for(on_clean, victim))
    kinds = {field: np.uint8 if field == "answers" else np.float32 for field in FIELDS}
    return {field: np.array(values, dtype=kinds[field]) for field, values in rows.items()}


def probabilities(network: nn.Module, images: Tensor) -> np.ndarray:
    """Softmax probabilities of images, (M, K)."""
    return metrics.probabilities(models.predict(network, images).numpy())


def support_for(answers: Mapping[str, np.ndarray], victim: str) -> list[np.ndarray]:
    """The probability that each network gives to the victim's answer to each image, (T, M)."""
    named = answers[victim].argmax(axis=1)
    return [np.take_along_axis(of_one, named[:, None], axis=1)[:, 0] for of_one in answers.values()]


def similarity(clean: Tensor, moved: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """SSIM of each pair of images, (M,) twice: 1 where they are the same.

    Gaussian window of 11 pixels; the mean over channels and the places where it lies inside the
    image, then over all pixels, with mirrored edges. Wang et al. 2004,
    doi:10.1109/TIP.2003.819861.
    """
    _, by_pixel = structural_similarity_index_measure(
        moved, clean, data_range=1.0, reduction="none", return_full_image=True
    )  # (M, C, H, W)
    by_pixel = torch.as_tensor(by_pixel)
    edge = WINDOW // 2
    inside = by_pixel[..., edge:-edge, edge:-edge]
    return inside.mean(dim=(1, 2, 3)).numpy(), by_pixel.mean(dim=(1, 2, 3)).numpy()


def headline_images(
    model: nn.Module, images: ImageSet, folder: Path, *, weights: str, dtype: torch.dtype
) -> Tensor:
    """Images attacked by PGD at HEADLINE, floats in [0, 1] (N, C, H, W).

    Those that a run left in `folder`, else attacked anew and kept in a folder of their own in it:
    then an image stays right that PGD turns at a smaller epsilon alone, a few in a thousand.
    ValueError where the run was of another network or of other images.
    """
    identity = folder / "identity.json"
    of_these = {"weights": weights, "images": images.checksum()}
    if not identity.exists():
        folder = folder / "-".join(value[:12] for value in of_these.values())
    elif not results.matches(files.read_json(identity), of_these):
        raise ValueError(
            f"{folder} holds images attacked on another network, or other ones: remove the folder."
        )
    file = folder / f"images-{EPSILONS.index(HEADLINE)}.npz"
    if not file.exists():
        attacked = attack_images(model, images, "pgd", epsilon=HEADLINE / 255, dtype=dtype)
        files.save_arrays(file, {"images": attacked.numpy()}, made=of_these)
    return torch.from_numpy(files.load_arrays(file)[0]["images"])


def transfer_table(
    others: Others, labels: np.ndarray, counts: np.ndarray, *, things: int
) -> pd.DataFrame:
    """A row per network attacked and network asked: attacked_on, asked, accuracy, lo, hi, n.

    Accuracy of the one asked on images attacked on the other, 95% over groups, counts (B, M), and
    never narrower than Wilson's over the `things` that are independent, which n counts.
    """
    rows = []
    for i, victim in enumerate(others.attacked):
        for j, asked in enumerate(others.asked):
            right = (others.answers[i, j] == labels)[None]  # (1, M)
            share = mean_over_images(right, np.ones_like(right), counts)
            value, lo, hi = share_interval(share, things)
            row = {"attacked_on": victim, "asked": asked, "accuracy": value, "lo": lo, "hi": hi}
            rows.append({**row, "n": things})
    return pd.DataFrame(rows)
