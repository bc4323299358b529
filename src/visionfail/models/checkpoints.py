"""Weights as safetensors in half precision, with a readable card (json) beside them. Nothing is
ever unpickled.
"""

from copy import deepcopy
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from visionfail import data, paths
from visionfail.files import atomic_write, json_text, read_json, sha256, write_text
from visionfail.models import networks

REQUIRED = ("dataset", "arch", "width", "classes", "mean", "std", "sha256")


def save_checkpoint(model: nn.Module, stem: str | Path, *, card: dict) -> dict:
    """Write <stem>.safetensors in half precision and <stem>.json; returns the card with the
    weights' sha256 in it.

    `card` says dataset, arch, width, classes, mean and std, from which `load` builds the network
    again, and whatever a reader needs besides. Raises ValueError for a card without these or
    weights that are not finite in half precision.
    """
    missing = [field for field in REQUIRED if field not in card and field != "sha256"]
    if missing:
        raise ValueError(
            f"the card lacks {', '.join(missing)}: without them the checkpoint cannot be loaded."
        )
    tensors = {name: _half(name, tensor) for name, tensor in model.state_dict().items()}
    weights, description = checkpoint_files(stem)
    with atomic_write(weights) as part:
        save_file(tensors, part)
        card = card | {"sha256": sha256(part)}
        text = json_text(card, name=description.name)  # before the weights take their place
    write_text(description, text)
    return card


def rounded_to_half(model: nn.Module) -> nn.Module:
    """A copy of the model in eval mode with the weights that a checkpoint of it would hold."""
    copy = deepcopy(model).eval()
    rounded = {}
    for name, tensor in model.state_dict().items():
        rounded[name] = _half(name, tensor)
    copy.load_state_dict(rounded)
    return copy


def load_checkpoint(stem: str | Path) -> tuple[nn.Module, dict]:
    """The network in eval mode, float32, on the CPU, and its card. `stem`: a name in models/ or a
    path without suffix.

    Raises FileNotFoundError where a file is missing, and ValueError where the weights are not those
    that the card describes (sha256), the classes are not the data set's in its order, or the
    weights do not fit the architecture.
    """
    weights, description = checkpoint_files(stem)
    for file in (weights, description):
        if not file.exists():
            raise FileNotFoundError(
                f"no checkpoint file {file}: train it (notebook 01, RETRAIN = True) or restore it."
            )
    card = read_card(description)
    if sha256(weights) != card["sha256"]:
        raise ValueError(
            f"{weights.name} is not the file that {description.name} describes (sha256 differs): "
            "it was cut short or edited. Restore both, for example with git checkout."
        )
    classes = data.CLASSES.get(card["dataset"])
    if classes is not None and tuple(card["classes"]) != tuple(classes):
        raise ValueError(
            f"{description.name} lists the classes {card['classes']}, {card['dataset']} has {list(classes)}: "
            "logits would be read in the wrong order."
        )
    sizes = {"num_classes": len(card["classes"]), "width": card["width"]}
    model = networks.build(card["arch"], mean=card["mean"], std=card["std"], **sizes)
    try:
        tensors = {
            name: t.float() if t.is_floating_point() else t
            for name, t in load_file(weights).items()
        }
        model.load_state_dict(tensors)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"{weights.name} does not fit {card['arch']} of width {card['width']}: {error}"
        ) from error
    return model.eval(), card


def read_card(path: Path) -> dict:
    """The card at `path`; raises ValueError where it is no json or lacks a field that `load`
    needs.
    """
    card = read_json(path)
    missing = [field for field in REQUIRED if field not in card]
    if missing:
        raise ValueError(
            f"{path.name} lacks {', '.join(missing)}: it is not the card of a checkpoint."
        )
    return card


def checkpoint_files(stem: str | Path) -> tuple[Path, Path]:
    """The weights and the card of a checkpoint: of a name in models/, or of a path without
    suffix.
    """
    stem = Path(stem)
    if stem.parent == Path("."):
        stem = paths.MODELS / stem
    return stem.with_name(stem.name + ".safetensors"), stem.with_name(stem.name + ".json")


def _half(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor.cpu().contiguous()
    half = tensor.detach().cpu().half().contiguous()
    if not torch.isfinite(half).all():
        raise ValueError(f"{name} is not finite in half precision: the network has diverged.")
    return half
