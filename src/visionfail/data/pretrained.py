"""ImageNet weights: torchvision's, or a trunk that stands in for them where they can't be had."""

import os
import urllib.error
from collections.abc import Mapping

import torch
from torch import Tensor
from torchvision import models

from visionfail import files, paths

OFFICIAL = {
    "resnet18": models.ResNet18_Weights.IMAGENET1K_V1,
    "resnet50": models.ResNet50_Weights.IMAGENET1K_V1,
    "efficientnet_b0": models.EfficientNet_B0_Weights.IMAGENET1K_V1,
    "vit_b_16": models.ViT_B_16_Weights.IMAGENET1K_V1,
}
# conv1 to layer3 are ImageNet's with the norms folded into them; layer4 was refitted elsewhere
TRUNK = "resnet18_imagenet_trunk.pt"
TRUNK_NAME = "trunk"


def load_imagenet_weights(
    arch: str, *, root: str | os.PathLike | None = None
) -> tuple[Mapping[str, Tensor], str]:
    """(weights by torchvision's names, "IMAGENET1K_V1" or "trunk") of one of OFFICIAL.

    torchvision's are in pretrained/ in the data folder, downloaded once, their hash checked. Where
    they can't be, resnet18_imagenet_trunk.pt serves if it lies there, and the name says so.
    ConnectionError where there is neither.
    """
    if arch not in OFFICIAL:
        raise ValueError(f"no ImageNet weights of {arch!r}: choose {', '.join(OFFICIAL)}.")
    folder = paths.data_dir(root) / "pretrained"
    official = OFFICIAL[arch]
    try:
        weights = torch.hub.load_state_dict_from_url(
            official.url, model_dir=str(folder), map_location="cpu", check_hash=True
        )
        return weights, official.name
    except (urllib.error.URLError, OSError) as error:
        trunk = folder / TRUNK
        if arch == "resnet18" and trunk.exists():
            with files.reading(trunk, remedy="get it again"):
                return torch.load(trunk, map_location="cpu", weights_only=True), TRUNK_NAME
        raise ConnectionError(
            f"the ImageNet weights of {arch} could not be downloaded ({error}): check the network, "
            f"or save {official.url} in {folder}."
        ) from error
