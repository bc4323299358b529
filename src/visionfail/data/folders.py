"""Pictures in a folder per class, as torchvision's ImageFolder has them, in memory."""

import os
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets import ImageFolder
from tqdm import tqdm

from visionfail import devices
from visionfail.data.image_io import read_picture
from visionfail.data.imageset import ImageSet

NAMED = 5  # unreadable files that an error names


@devices.usual_defaults()
def load_folder(
    root: str | os.PathLike, *, side: int, origin: str, only: Iterable[int] | None = None
) -> ImageSet:
    """RGB pictures of `side` pixels from <root>/<class>/, classes in alphabetical order; ~ is home.

    Each is read as `read_picture` reads it: upright, opaque, its middle square. `only` are the
    places of those to read in the order of torchvision's ImageFolder, else all. FileNotFoundError
    where there is no folder, no class, or a class without a picture; ValueError that names the
    files which cannot be read, before any is left out in silence.
    """
    root = Path(root).expanduser()
    listing = ImageFolder(str(root))
    samples = listing.samples if only is None else [listing.samples[k] for k in only]
    images = []
    labels = []
    unreadable = []
    for path, label in tqdm(samples, unit="picture"):
        try:
            images.append(_read(Path(path), side))
            labels.append(label)
        except ValueError as error:
            unreadable.append(f"{os.path.relpath(path, root)}: {error}")
    if unreadable:
        named = "\n".join(unreadable[:NAMED])
        raise ValueError(
            f"{len(unreadable)} of {len(samples)} files in {root} cannot be read; mend or "
            f"remove them:\n{named}"
        )
    return ImageSet(torch.cat(images), torch.tensor(labels), tuple(listing.classes), origin)


def _read(path: Path, side: int) -> Tensor:
    """A picture uint8 (1, 3, side, side); ValueError where it cannot be read."""
    return read_picture(path.read_bytes(), channels=3, side=side)
