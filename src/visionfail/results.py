"""A run's numbers as <run>.csv, long form, and what they were made with as <run>.json beside it."""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
import pandas as pd

from visionfail import files, paths
from visionfail.data import ORIGINS

COLUMNS = (
    "run",
    "dataset",
    "origin",
    "split",
    "model",
    "seed",
    "condition",
    "severity",
    "metric",
    "value",
    "lo",
    "hi",
    "n",
)

TEXT = ("run", "dataset", "origin", "split", "model", "condition", "metric")

# whole numbers, empty where a row has none: a mean over severities, a published model's seed
WHOLE = ("seed", "severity", "n")

OPTIONAL = ("seed", "severity", "lo", "hi", "n")
DIGITS = "%.6g"  # 1 in 10,000 images x 75 conditions still shows


def save_run(
    run: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    folder: Path,
    config: Mapping[str, Any],
    seconds: float,
    data_checksums: Mapping[str, str],
    device: str,
) -> None:
    """Write `rows` to <folder>/<run>.csv and what they were made with to <run>.json beside it.

    A row maps every column but `run` (seed, severity, lo, hi, n only where they apply) to its
    value; accuracies are fractions. The json holds the configuration and its hash, commit,
    versions, device, seconds and the data's checksums; `config` must hold the data's origin.
    ValueError, and nothing written, where a row or name is amiss.
    """
    table = _table(_name(run), rows)
    if "origin" not in config:
        raise ValueError(
            f"the configuration of {run} lacks 'origin': another origin of the data is another run."
        )
    text = table.to_csv(index=False, float_format=DIGITS, lineterminator="\n")
    meta = {
        "run": run,
        "config": dict(config),
        "config_sha256": config_hash(config),
        "csv_sha256": _sha256(text),
        "git": git_state(),
        "versions": versions(),
        "device": device,
        "seconds": round(float(seconds), 1),
        "data_checksums": dict(data_checksums),
    }
    meta_text = files.json_text(meta, name=f"{run}.json", indent=2)  # before anything is written
    files.write_text(Path(folder) / f"{run}.csv", text)
    files.write_text(Path(folder) / f"{run}.json", meta_text)


def load_run(run: str, *, folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """(table, meta) as `save_run` wrote them: the rows, and what they were made with.

    ValueError for a missing or damaged file, a missing column, or a csv or configuration that was
    edited after the run.
    """
    csv = _existing(Path(folder) / f"{_name(run)}.csv")
    meta = _read_meta(_existing(csv.with_name(f"{run}.json")))
    text = _read_text(csv)
    table = _from_csv(text, run)
    if not isinstance(meta["config"], dict) or config_hash(meta["config"]) != meta["config_sha256"]:
        raise ValueError(
            f"{run}.json: the configuration does not fit its hash, it was edited: run it again."
        )
    if _sha256(text) != meta["csv_sha256"]:
        raise ValueError(
            f"{run}.csv is not the table that {run}.json describes (edited, or half a run): run it "
            "again."
        )
    return table, meta


def is_stored_whole(run: str, *, folder: Path) -> bool:
    """Whether <folder> holds both files of this run, the csv being the one the json describes.

    Not so where a run was killed between the two, which is then to be done anew. ValueError for a
    damaged file.
    """
    csv = Path(folder) / f"{_name(run)}.csv"
    description = csv.with_name(f"{run}.json")
    if not csv.exists() or not description.exists():
        return False
    return _sha256(_read_text(csv)) == _read_meta(description)["csv_sha256"]


def is_current(run: str, *, folder: Path, config: Mapping[str, Any]) -> bool:
    """Whether <folder> holds this run, made with this very configuration: load it, do not compute.

    Half a run is none (`is_stored_whole`). ValueError as in `load_run` where a file is damaged.
    """
    if not is_stored_whole(run, folder=folder):
        return False
    _, meta = load_run(run, folder=folder)
    return meta["config_sha256"] == config_hash(config)


def matches(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a stored record has every field of `wanted` with the same value.

    It may have more. Sequences are compared as json holds them, tuples as lists.
    """
    for field, value in wanted.items():
        if field not in stored:
            return False
        if config_hash({field: stored[field]}) != config_hash({field: value}):
            return False
    return True


def config_hash(config: Mapping[str, Any]) -> str:
    """The sha256 of the configuration as canonical json, 64 hex digits.

    The order of keys, and whether a sequence is a tuple or a list, make no difference. ValueError
    where json cannot hold the configuration.
    """
    try:
        canonical = json.dumps(
            config, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the configuration is not plain json ({error}): use str, int, float, bool, list."
        ) from error
    return _sha256(canonical)


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that numbers depend on, by name."""
    numbers = {"python": python_version()}
    for package in ("torch", "torchvision", "numpy"):
        numbers[package] = version(package)
    return numbers


def git_state() -> dict[str, Any] | None:
    """{"commit", "dirty"} of the repository, dirty where src/ differs from the commit.

    None outside a git checkout of ours.
    """
    try:
        if Path(_git("rev-parse", "--show-toplevel")).resolve() != paths.ROOT:
            return None  # installed inside some other project's checkout
        commit = _git("rev-parse", "HEAD")
        # A run writes figures, results and notebooks, so those always differ: the code counts.
        changes = _git("status", "--porcelain", "--", "src")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}


def _git(*command: str) -> str:
    """What a git command in the repository prints."""
    completed = subprocess.run(
        ["git", "-C", str(paths.ROOT), *command],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return completed.stdout.strip()


def _table(run: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a table with all COLUMNS; ValueError where there are none or one is amiss."""
    complete_rows = []
    for row in rows:
        complete_row = {"run": run}
        complete_row.update(row)
        _check_row(f"row {len(complete_rows)} of {run}", complete_row, run)
        complete_rows.append(complete_row)
    if not complete_rows:
        raise ValueError(f"{run} has no rows: there is nothing to save.")
    return _typed(pd.DataFrame(complete_rows).reindex(columns=COLUMNS))


def _check_row(where: str, row: Mapping[str, Any], run: str) -> None:
    """ValueError, which tells `where` the row is, unless its columns and values are as `save_run`
    wants them.
    """
    unknown = [name for name in row if name not in COLUMNS]
    missing = [name for name in COLUMNS if name not in OPTIONAL and _is_empty(row.get(name))]
    if unknown or missing:
        raise ValueError(
            f"{where}: unknown columns {unknown}, missing {missing}; the columns are "
            f"{list(COLUMNS)}."
        )
    if row["run"] != run or row["origin"] not in ORIGINS:
        raise ValueError(
            f"{where}: run {row['run']!r}, origin {row['origin']!r}; origins are "
            f"{', '.join(ORIGINS)}."
        )
    numbers = [row["value"]]
    for end in ("lo", "hi"):
        if not _is_empty(row.get(end)):
            numbers.append(row[end])
    if not np.isfinite(np.asarray(numbers, dtype=float)).all():
        raise ValueError(f"{where}: {row['metric']} is {numbers}, not finite.")
    is_share = "accuracy" in row["metric"] and "minus" not in row["metric"]
    if is_share and not 0 <= row["value"] <= 1:
        raise ValueError(
            f"{where}: {row['metric']} is {row['value']}, not a fraction: divide percent by 100."
        )


def _is_empty(value: Any) -> bool:
    """Whether a value of a row is None or NaN."""
    return bool(pd.isna(value))


def _from_csv(text: str, run: str) -> pd.DataFrame:
    """The table in the text of <run>.csv; ValueError where it lacks a column."""
    header = text.partition("\n")[0].split(",")
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise ValueError(f"{run}.csv lacks the columns {', '.join(missing)}: run it again.")
    with files.reading(f"{run}.csv", remedy="run it again"):
        table = pd.read_csv(
            StringIO(text), dtype=dict.fromkeys(TEXT, str), keep_default_na=False, na_values=[""]
        )
        return _typed(table.loc[:, list(COLUMNS)])


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its numbers as numbers: whole ones that can be empty, and float64."""
    kinds = {}
    for name in WHOLE:
        kinds[name] = "Int64"
    for name in ("value", "lo", "hi"):
        kinds[name] = "float64"
    return table.astype(kinds)


def _read_text(csv: Path) -> str:
    """The text of <run>.csv, with newlines as \\n, whatever git made of them."""
    with files.reading(csv, remedy="run it again"):
        return csv.read_text(encoding="utf-8")


def _read_meta(path: Path) -> dict[str, Any]:
    """The content of <run>.json; ValueError where it is damaged or lacks what `load_run` needs."""
    meta = files.read_json(path)
    missing = [key for key in ("config", "config_sha256", "csv_sha256") if key not in meta]
    if missing:
        raise ValueError(f"{path.name} lacks {', '.join(missing)}: run it again.")
    return meta


def _name(run: str) -> str:
    """The same name; ValueError unless it can name a file."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", run):
        raise ValueError(f"run {run!r} names a file: use letters, digits, '_', '-' and '.'.")
    return run


def _existing(path: Path) -> Path:
    """The same path; ValueError where there is no such file."""
    if not path.is_file():
        raise ValueError(
            f"{path.name} is not in {path.parent}: run the notebook or command that writes it."
        )
    return path


def _sha256(text: str) -> str:
    """The sha256 of a text, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
