"""Unfinished work on the disk: tensors and numbers in one file, which is whole or named as damaged.

Nothing in it is unpickled but tensors and plain values.
"""

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from visionfail import files


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state to `path`, whole or not at all; OSError with its name where that fails."""
    with files.atomic_write(path) as temporary:
        try:
            torch.save(dict(state), temporary)
        except RuntimeError as error:  # of a full disk, whose words name no file
            raise OSError(f"{path} could not be written ({error}): is the disk full?") from error


def load_state(path: Path, *, fields: Sequence[str]) -> dict[str, Any]:
    """The state that `save_state` wrote, on the CPU.

    ValueError with the name of the file where it is damaged, lacks one of `fields`, or holds
    tensors that are not finite.
    """
    remedy = "remove it to start anew"
    with files.reading(path, remedy=remedy):
        _check_sums(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        missing = [field for field in fields if field not in state]
    if missing:
        raise files.DamagedError(f"{path} lacks {', '.join(missing)}: {remedy}.")
    if not _is_finite({field: state[field] for field in fields}):
        raise files.DamagedError(f"{path} holds numbers that are not finite: {remedy}.")
    return state


def check_identity(path: Path, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises ValueError that names the first field of `wanted` which is another in `stored`."""
    for field, value in wanted.items():
        if stored.get(field) != value:
            raise ValueError(
                f"{path} was made with {field} = {stored.get(field)!r}, not {value!r}: "
                "remove it to start anew, or train with its configuration."
            )


def weights_checksum(model: nn.Module) -> str:
    """The sha256 of the weights of convolutions and linear layers, 64 hex digits.

    Those of norms are left out: what they have got from images (`transfer.inflate_norms`) differs
    in the last digit from one number of threads to another.
    """
    digest = hashlib.sha256()
    for name, weights in model.named_parameters():
        if weights.ndim > 1:
            digest.update(name.encode())
            digest.update(weights.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()


def _check_sums(path: Path) -> None:
    """Raises ValueError for a changed byte: torch.load takes it for a weight."""
    with zipfile.ZipFile(path) as packed:
        changed = packed.testzip()
    if changed is not None:
        raise ValueError(f"{changed} has another checksum")


def _is_finite(value: Any) -> bool:
    """Whether all tensors of floats in nested dicts and lists are finite."""
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_finite, value))
    if isinstance(value, Tensor) and value.is_floating_point():
        return bool(torch.isfinite(value).all())
    return True
