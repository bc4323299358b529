"""Checkpoints: weights in half precision (safetensors), with a readable card (json) beside them.

Nothing is ever unpickled.
"""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from visionfail import data, devices, profiles
from visionfail.files import (
    atomic_write,
    json_text,
    read_json,
    reading,
    sha256,
    write_text,
)
from visionfail.models import inputs, networks

RESTORE = "restore it (git checkout), or remove it and train anew"
REQUIRED = ("dataset", "arch", "width", "classes", "mean", "std", "sha256")


def save_checkpoint(model: nn.Module, stem: str | Path, *, card: dict) -> dict:
    """Write <stem>.safetensors in half precision and <stem>.json; returns the card with sha256.

    `card` says dataset, arch, width, classes, mean and std, from which `load_checkpoint` builds
    the network again, and whatever a reader needs besides. Raises ValueError for a card without
    these or weights that are not finite in half precision.
    """
    missing = _missing({**card, "sha256": ""})
    if missing:
        raise ValueError(
            f"the card lacks {', '.join(missing)}: without them the checkpoint cannot be loaded."
        )
    tensors = _half_weights(model)
    weights, description = checkpoint_files(stem)
    saved_card = dict(card)
    with atomic_write(weights) as temporary:
        save_file(tensors, temporary)
        saved_card["sha256"] = sha256(temporary)
        # a card that json cannot hold raises here, before the weights take their place
        text = json_text(saved_card, name=description.name)
    write_text(description, text)
    return saved_card


def rounded_to_half(model: nn.Module) -> nn.Module:
    """A copy of the model in eval mode with the weights that a checkpoint of it would hold."""
    copy = deepcopy(model).eval()
    copy.load_state_dict(_half_weights(model))  # copied into parameters of the model's precision
    return copy


@devices.usual_defaults()
def load_checkpoint(stem: str | Path) -> tuple[nn.Module, dict]:
    """The network in eval mode, float32, on the CPU, and its card.

    `stem` is a name in models/ or a path without suffix. Raises FileNotFoundError where a file is
    missing, and ValueError where the weights are not those that the card describes (sha256), the
    classes are not the data set's in its order, or the weights do not fit the architecture.
    """
    weights, description = checkpoint_files(stem)
    for file in (weights, description):
        if not file.exists():
            raise FileNotFoundError(
                f"no checkpoint file {file}: train it (notebook 01, RETRAIN = True) or restore it."
            )
    card = read_card(description)
    _check_description(weights, description, card)
    model = _built(card, description)
    try:
        model.load_state_dict(_float_weights(weights))
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"{weights.name} does not fit {card['arch']} of width {card['width']}: {error}"
        ) from error
    return model.eval(), card


def _built(card: dict, description: Path) -> nn.Module:
    """An untrained network as the card describes it; ValueError, naming it, where none can be."""
    with reading(description, remedy="restore it, for example with git checkout"):
        model = networks.build(
            card["arch"],
            num_classes=len(card["classes"]),
            mean=card["mean"],
            std=card["std"],
            width=card["width"],
        )
        if isinstance(model, inputs.ResizedInside):
            model.resize_to(card["side"], card["resizing"])
    return model


def _check_description(weights: Path, description: Path, card: dict) -> None:
    """Raises ValueError unless the card is of these weights and has its data set's classes."""
    if sha256(weights) != card["sha256"]:
        raise ValueError(
            f"{weights.name} is not the file that {description.name} describes (sha256 differs): "
            "it was cut short or edited. Restore both, for example with git checkout."
        )
    classes = data.CLASSES.get(card["dataset"])
    if classes is not None and tuple(card["classes"]) != tuple(classes):
        raise ValueError(
            f"{description.name} lists the classes {card['classes']}, {card['dataset']} has "
            f"{list(classes)}: logits would be read in the wrong order."
        )


def read_card(path: Path) -> dict:
    """The card at `path`; raises ValueError where it is no json or lacks a REQUIRED field."""
    card = read_json(path)
    missing = _missing(card)
    if missing:
        raise ValueError(
            f"{path.name} lacks {', '.join(missing)}: it is not the card of a checkpoint."
        )
    wrong = [field for field, is_right in RIGHT.items() if field in card and not is_right(card)]
    if wrong:
        values = ", ".join(f"{field} = {str(card[field])[:40]!r}" for field in wrong)
        raise ValueError(
            f"{path.name} has {values}, which no network is built from: restore it, for example "
            "with git checkout."
        )
    return card


def _are_numbers(value: object) -> bool:
    """Whether a value of json is a list of finite numbers, at least one."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value)


def _is_whole(value: object) -> bool:
    """Whether a value of json is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def _are_names(value: object) -> bool:
    """Whether a value of json is a list of texts, at least two."""
    return isinstance(value, list) and len(value) > 1 and all(isinstance(v, str) for v in value)


RIGHT: dict[str, Callable[[dict], bool]] = {  # whether a card's field is what it is called
    "dataset": lambda card: isinstance(card["dataset"], str),
    "arch": lambda card: isinstance(card["arch"], str),
    "width": lambda card: _is_whole(card["width"]),
    "classes": lambda card: _are_names(card["classes"]),
    "mean": lambda card: _are_numbers(card["mean"]),
    "std": lambda card: _are_numbers(card["std"]),
    "sha256": lambda card: isinstance(card["sha256"], str),
    "side": lambda card: _is_whole(card["side"]),
    "resizing": lambda card: isinstance(card["resizing"], str),
}


def _missing(card: dict) -> list[str]:
    """The fields that a card lacks; one of a network made for ImageNet has side and resizing."""
    required = list(REQUIRED)
    if str(card.get("arch")).startswith("imagenet_"):
        required += ["side", "resizing"]
    return [field for field in required if field not in card]


def checkpoint_files(stem: str | Path) -> tuple[Path, Path]:
    """The paths of weights and card of a checkpoint: a name in models/ or a path without suffix."""
    stem = Path(stem)
    if stem.parent == Path("."):
        stem = profiles.FULL.models / stem
    return stem.with_name(stem.name + ".safetensors"), stem.with_name(stem.name + ".json")


def _half_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """{name: tensor on the CPU} of a model's state, floats in half precision, none sharing memory.

    Tied weights are stored once for each name: safetensors refuses those that share memory.
    """
    weights = {}
    for name, tensor in model.state_dict().items():
        weights[name] = _half(name, tensor)
    return weights


def _float_weights(path: Path) -> dict[str, torch.Tensor]:
    """{name: tensor} of a safetensors file, floats as float32; counters stay integers."""
    weights = {}
    for name, tensor in load_file(path).items():
        weights[name] = tensor.float() if tensor.is_floating_point() else tensor
    return weights


def _half(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU, in half precision if it is of floats; ValueError if not finite there."""
    if not tensor.is_floating_point():
        return tensor.to("cpu", copy=True).contiguous()
    half = tensor.detach().to("cpu", torch.float16, copy=True).contiguous()
    if not torch.isfinite(half).all():
        raise ValueError(f"{name} is not finite in half precision: the network has diverged.")
    return half
