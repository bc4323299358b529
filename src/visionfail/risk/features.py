"""What the frozen network makes of pictures and of augmented views, computed once and kept."""

import dataclasses
import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from visionfail import files, results
from visionfail.data import ImageSet
from visionfail.models import augmentation
from visionfail.models.features import Features
from visionfail.models.states import load_state, save_state
from visionfail.models.transfer import features_on_device
from visionfail.risk.config import RiskConfig

AT_ONCE = 256  # pictures augmented together, whole batches of `features_of`


def load_or_extract(
    model: nn.Module, images: ImageSet, config: RiskConfig, *, views: int, folder: Path
) -> tuple[Features, str]:
    """(features of the plain pictures, then of each augmented view, "loaded" | "computed").

    Kept in `folder` under the checksums of weights, pictures and augmentation: another run with the
    same three loads them.
    """
    settings = {name: getattr(config, name) for name in ("flip", "rotation", "jitter", "seed")}
    identity = {
        "weights": checksum_of(model),
        "images": images.checksum(),
        "views": views,
        **(settings if views else {}),
    }
    file = Path(folder) / f"features-{results.config_hash(identity)[:16]}.pt"
    rows = _stored(file, count=(views + 1) * len(images)) if file.exists() else None
    how = "loaded"
    if rows is None:
        rows = _all_views(model, images, config, views=views)
        save_state(file, {"images": rows})
        how = "computed"
    labels = images.labels.repeat(views + 1)
    return Features(rows, rows, labels, images.classes, images.origin), how


def _stored(file: Path, *, count: int) -> Tensor | None:
    """The features (count, F) in a file, None where it is damaged: they are computed anew then."""
    try:
        rows = load_state(file, fields=("images",))["images"]
    except files.DamagedError:
        return None
    return rows if isinstance(rows, Tensor) and rows.ndim == 2 and len(rows) == count else None


def _all_views(model: nn.Module, images: ImageSet, config: RiskConfig, *, views: int) -> Tensor:
    """Features ((views + 1) * N, F): of the plain pictures first."""
    rows = []
    with tqdm(total=(views + 1) * len(images), unit="picture", desc="features") as bar:
        for number in range(views + 1):
            generator = torch.Generator().manual_seed(config.seed + 1000 * number)
            for chosen in torch.arange(len(images)).split(AT_ONCE):
                batch = images.at(chosen)
                if number:
                    view = augmented(batch.images, config, generator=generator)
                    batch = dataclasses.replace(batch, images=view)
                rows.append(features_on_device(model, batch, mirrored=False).images)
                bar.update(len(chosen))
    return torch.cat(rows)


def augmented(images: Tensor, config: RiskConfig, *, generator: torch.Generator) -> Tensor:
    """Pictures uint8 (N, C, H, W), each mirrored, turned and recoloured by draws of its own."""
    changed = []
    for batch in images.split(AT_ONCE):
        if config.flip:
            mirrored = augmentation.draw_evenly(len(batch), generator=generator) < 0.5
            batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
        pixels = augmentation.to_float(batch)
        if config.rotation:
            pixels = augmentation.rotate(pixels, degrees=config.rotation, generator=generator)
        if config.jitter:
            pixels = augmentation.jitter_colours(pixels, jitter=config.jitter, generator=generator)
        changed.append((255 * pixels).round().to(torch.uint8))
    return torch.cat(changed)


def checksum_of(model: nn.Module) -> str:
    """The sha256 of all weights but the head's, and of the side pictures are brought to."""
    digest = hashlib.sha256(str(getattr(model, "side", "")).encode())
    for name, tensor in model.state_dict().items():
        if not name.startswith("fc."):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
