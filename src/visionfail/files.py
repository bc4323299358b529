"""Files written whole or not at all, and their checksums."""

import hashlib
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TEMPORARY = re.compile(r"\..+\.\d+(-\d+)?\.tmp(\..+)?")  # the names that `atomic_write` gives
ELSEWHERE = "make it writable, or name another folder"
RESTORE = "restore it (git checkout), or run what writes it"  # of a table in results/
STRAY = 3600  # seconds since its last byte after which nobody writes to a temporary file any more


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its name when the block ends without error.

    Its bytes are on the disk before that, so that a power cut leaves the old file or the new one.
    IsADirectoryError where `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, where a file is to be written: remove it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_up(path.parent)
    writer = f"{os.getpid()}-{threading.get_ident()}"  # two of them never share a name
    temporary = path.with_name(f".{path.stem}.{writer}.tmp{path.suffix}")
    try:
        yield temporary
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a written file its name, once its bytes are on the disk."""
    with open(temporary, "r+b") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    _sync_folder(path.parent)


def sweep_up(folder: Path) -> None:
    """Remove the temporary files that a run left in the folder when it was killed."""
    for file in folder.glob(".*.tmp*"):
        with suppress(OSError):  # another run may be quicker
            if TEMPORARY.fullmatch(file.name) and time.time() - file.stat().st_mtime > STRAY:
                file.unlink()


def _sync_folder(folder: Path) -> None:
    """Have the names in the folder on the disk, where the system lets a folder be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_writable(folder: Path, *, remedy: str, what: str = "folder") -> None:
    """Make the folder if need be; PermissionError with the remedy if no file can be written there.

    Asked before hours of work, not after them.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise PermissionError(
            f"the {what} {folder} can't be written ({error.strerror}): {remedy}."
        ) from error


class DamagedError(ValueError):
    """A file that is empty, cut, changed, or holds another thing; it says which and what to do."""


@contextmanager
def reading(path: str | os.PathLike, *, remedy: str) -> Iterator[None]:
    """A block that reads `path`; DamagedError with its name and the remedy where that fails.

    A missing file, one that may not be read, and one that is named already stay what they are.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError, DamagedError):
        raise
    except Exception as error:  # what is empty, cut or flipped raises almost anything
        lines = str(error).strip().splitlines() or [""]
        reason = f"{type(error).__name__}: {lines[0][:160]}"
        raise DamagedError(f"{path} is damaged ({reason}): {remedy}.") from error


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


def read_json(path: Path, *, remedy: str = "restore it or make it anew") -> dict:
    """The object in a json file; ValueError with its name and the remedy where it holds none.

    NaN and infinity, which are no json, are refused too.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refused)
    except (ValueError, RecursionError, IsADirectoryError) as error:
        raise DamagedError(f"{path} is not readable as json ({error}): {remedy}.") from error
    if not isinstance(value, dict):
        raise DamagedError(f"{path} holds a {type(value).__name__}, not an object: {remedy}.")
    return value


def _refused(constant: str) -> float:
    """Raises ValueError for NaN, Infinity and -Infinity."""
    raise ValueError(f"{constant} is no number of json")


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray], *, made: Mapping) -> None:
    """Write arrays and the json record `made` as one compressed .npz, whole or not at all.

    Nothing in it is pickled.
    """
    contents: dict[str, Any] = dict(arrays)
    json_text(dict(made), name=f"the record of {Path(path).name}")  # refuses what json cannot hold
    contents["made"] = np.array(json.dumps(dict(made)))
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **contents)


def load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """(arrays, record) that `save_arrays` wrote; FileNotFoundError where there is no such file.

    ValueError with its name where it is empty, cut, changed, or another kind of file.
    """
    if not Path(path).exists():
        raise FileNotFoundError(
            f"nothing is stored at {path}: run the notebook that writes it in the full profile."
        )
    with reading(path, remedy="restore it (git checkout), or remove it and make it anew"):
        arrays = read_npz(path)
        record = dict(json.loads(str(arrays.pop("made"))))
    return arrays, record


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz by name, nothing of it unpickled; a damaged one raises anything."""
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array, not several by name")
        return {name: stored[name] for name in stored.files}


def read_table(path: Path, *, columns: Sequence[str], **options: Any) -> pd.DataFrame:
    """The table in a csv; `options` are those of pandas.read_csv.

    ValueError with the name of the file where it is damaged, lacks one of `columns`, or has no
    rows.
    """
    with reading(path, remedy=RESTORE):
        text = Path(path).read_text(encoding="utf-8")
        table = pd.read_csv(StringIO(text), **options)
        missing = [name for name in columns if name not in table]
        if missing:
            raise ValueError(f"it lacks the columns {', '.join(missing)}")
        if table.empty:
            raise ValueError("it has no rows")
        if not text.endswith("\n"):
            raise ValueError("it ends within a row")
    return table


def sha256(path: Path) -> str:
    """The sha256 of a file, 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
