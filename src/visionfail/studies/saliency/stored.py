"""What was measured of each image, as one .npz with a record of what it was measured on."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visionfail import files, results

Arrays = dict[str, np.ndarray]


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray], *, made: Mapping) -> None:
    """Write arrays and the record `made` as one compressed .npz, whole or not at all.

    Nothing in it is pickled.
    """
    contents: dict[str, Any] = dict(arrays)
    contents["made"] = np.array(json.dumps(dict(made)))
    with files.atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **contents)


def load_arrays(path: Path) -> tuple[Arrays, dict]:
    """(arrays, record) that `save_arrays` wrote; FileNotFoundError where there is no such file."""
    if not Path(path).exists():
        raise FileNotFoundError(
            f"nothing is stored at {path}: run notebook 05 in the full profile to make it."
        )
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    record = json.loads(str(arrays.pop("made")))
    return arrays, record


def load_or_compute(
    path: Path,
    compute: Callable[[], tuple[Arrays, dict]],
    *,
    identity: Mapping,
    fields: Sequence[str],
) -> tuple[Arrays, dict, str]:
    """(arrays, record, "loaded" | "computed"): from `path`, else computed and saved there.

    Loaded where `path` holds every one of `fields`, made on what `identity` says; `compute` gives
    arrays and the record of them, which has the identity in it.
    """
    if Path(path).exists():
        arrays, record = load_arrays(path)
        if results.matches(record, identity) and set(fields) <= set(arrays):
            return arrays, record, "loaded"
    arrays, record = compute()
    save_arrays(path, arrays, made=record)
    return arrays, record, "computed"
