"""Files written whole or not at all, and their checksums."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its name when the block ends without error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def json_text(value: object, *, name: str, indent: int = 1) -> str:
    """`value` as json text, one field a line, each level set in by `indent` spaces.

    ValueError that names the file `name` and the fields that json cannot hold: tensors, numpy
    numbers, NaN.
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        fields = ", ".join(_not_json(value))
        raise ValueError(
            f"{name} cannot be written as json for its {fields} ({error}): turn tensors and numpy "
            "numbers into Python's own, and NaN into None. Nothing was written."
        ) from error


def _not_json(value: object) -> list[str]:
    """The fields of an object that json cannot hold, quoted; ["value"] where it has no fields."""
    if not isinstance(value, dict):
        return ["value"]
    fields = []
    for field, content in value.items():
        try:
            json.dumps({field: content}, allow_nan=False)
        except (TypeError, ValueError):
            fields.append(f"field {field!r}")
    return fields


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file whole or not at all, with the same bytes on every system."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: Path) -> dict:
    """The object in a json file; ValueError with the file's name where it holds no object."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is not readable as json ({error}): restore it or make it anew."
        ) from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} holds a {type(value).__name__}, not an object: restore it.")
    return value


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray], *, made: Mapping) -> None:
    """Write arrays and the json record `made` as one compressed .npz, whole or not at all.

    Nothing in it is pickled.
    """
    contents: dict[str, Any] = dict(arrays)
    contents["made"] = np.array(json.dumps(dict(made)))
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **contents)


def load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """(arrays, record) that `save_arrays` wrote; FileNotFoundError where there is no such file."""
    if not Path(path).exists():
        raise FileNotFoundError(
            f"nothing is stored at {path}: run the notebook that writes it in the full profile."
        )
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    record = json.loads(str(arrays.pop("made")))
    return arrays, record


def sha256(path: Path) -> str:
    """The sha256 of a file, 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
