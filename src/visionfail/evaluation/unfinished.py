"""The conditions of an unfinished sweep in its folder, and which sweep that is."""

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from visionfail import data, files
from visionfail.evaluation import outcomes

ANSWERS = "answers"  # the field of a sweep's identity with the logits of a few images
IDENTITY = "identity.json"  # in the folder of a sweep
ALIKE = 1e-4  # of a temperature, fitted anew in another order of sums
REMOVALS = 20  # of a folder while one file is written to it; a run that is done may cause two
CLOSE = 1e-3  # of the largest logit: another device or another number of threads moves them less


def save_condition(file: Path, arrays: dict[str, Any]) -> None:
    """Write one condition's arrays to an .npz, whole or not at all."""
    _write_though_removed(_write, file, arrays)


def _write_though_removed(write: Callable[..., None], *arguments: Any) -> None:
    """Write a file though other runs, which are done, may remove its folder meanwhile."""
    for _ in range(REMOVALS):
        with suppress(FileNotFoundError):
            return write(*arguments)
    return write(*arguments)


def _write(file: Path, arrays: dict[str, Any]) -> None:
    """Write arrays to an .npz, whole or not at all."""
    with files.atomic_write(file) as temporary, open(temporary, "wb") as handle:
        np.savez(handle, **arrays)


def file_of(folder: Path, name: str, severity: int) -> Path:
    """The file of one condition."""
    return folder / f"{name}-{severity}.npz"


def stored_condition(file: Path, count: int) -> dict[str, np.ndarray] | None:
    """What `save_condition` wrote of so many images, None where it is damaged, with a warning.

    None, too, where another run of this sweep has just removed it.
    """
    try:
        with files.reading(file, remedy="it is computed again"):
            arrays = files.read_npz(file)
            row = {name: arrays[name] for name in (*outcomes.FIELDS, "origin", "seconds")}
            _check_condition(row, count)
    except FileNotFoundError:
        return None
    except files.DamagedError as error:
        warnings.warn(str(error), stacklevel=3)
        return None
    return row


def _check_condition(row: Mapping[str, np.ndarray], count: int) -> None:
    """Raises ValueError unless the arrays of a condition are those of so many images."""
    for field in outcomes.FIELDS:
        outcomes.check_field(field, row[field], (count,))
    if str(row["origin"]) not in data.ORIGINS or not np.isfinite(float(row["seconds"])):
        raise ValueError("origin or seconds are none")


def check_place(folder: Path, conditions: Sequence[outcomes.Condition]) -> None:
    """Raises ValueError where the folder of a sweep is a file, and PermissionError where it lacks
    one of the conditions and cannot be written.
    """
    for place in (folder, *folder.parents):
        if os.path.isfile(place):  # unlike Path's, no error where nobody may look
            raise ValueError(f"{place} is a file: name a folder for the sweep.")
    needed = [folder / IDENTITY, *(file_of(folder, *condition) for condition in conditions)]
    if not all(map(os.path.exists, needed)):
        files.check_writable(folder, remedy=files.ELSEWHERE, what="folder of the sweep")


def check_unclaimed(folder: Path, conditions: Sequence[outcomes.Condition]) -> None:
    """Raises ValueError where there are conditions in a folder that does not say of what sweep."""
    if (folder / IDENTITY).exists():
        return
    nameless = [file_of(folder, *condition).name for condition in conditions]
    nameless = [name for name in nameless if (folder / name).exists()]
    if nameless and not (folder / IDENTITY).exists():  # another run may just have claimed it
        raise ValueError(
            f"{folder} holds {nameless[0]} without the {IDENTITY} that says of what sweep it is: "
            "remove the folder or give another."
        )


def claim_folder(folder: Path, record: dict[str, Any], *, temperature: float) -> float:
    """The temperature of the sweep in `folder`, after its name is written there or found the same.

    ValueError where another one's name is there. A temperature that another device or another
    number of threads fitted is the same within ALIKE: then the one in the folder counts.
    """
    file = folder / IDENTITY
    identity = dict(record)
    identity["temperature"] = temperature
    text = files.json_text(identity, name=file.name)
    identity = json.loads(text)  # as json holds it, for the comparison
    try:
        stored = files.read_json(file, remedy="remove its folder or give another")
    except FileNotFoundError:
        _write_though_removed(files.write_text, file, text)
        return temperature
    kept = stored.get("temperature")
    if isinstance(kept, float) and abs(kept - temperature) <= ALIKE * temperature:
        identity["temperature"] = temperature = kept
    for field in sorted(identity.keys() | stored.keys()):
        if field != ANSWERS and identity.get(field) != stored.get(field):
            raise ValueError(
                f"{folder} holds a sweep with {field} = {stored.get(field)!r}, not "
                f"{identity.get(field)!r}: remove the folder or give another."
            )
    with files.reading(file, remedy="remove its folder or give another"):
        same = are_close(identity.get(ANSWERS), stored.get(ANSWERS))
    if not same:
        raise ValueError(
            f"{folder} holds a sweep of a model with the same weights that answers otherwise, or "
            "does not say what it answers: remove the folder or give another."
        )
    return temperature


def are_close(answers: list | None, stored: list | None) -> bool:
    """Whether logits (N, K) of the same images are alike within CLOSE, or both None."""
    if answers is None or stored is None:
        return answers == stored
    ours = np.asarray(answers, dtype=float)
    theirs = np.asarray(stored, dtype=float)
    if ours.shape != theirs.shape:
        return False
    return bool(np.abs(ours - theirs).max() <= CLOSE * np.abs(theirs).max())
