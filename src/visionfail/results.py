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

WHOLE = (
    "seed",
    "severity",
    "n",
)  # empty where a row has none: a mean over severities, a published model's seed

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
    """Write `rows` to <folder>/<run>.csv and configuration, its hash, commit, versions, ... to
    <run>.json.

    A row maps every column but `run` (seed, severity, lo, hi, n only where they apply) to its
    value; accuracies are fractions. `config` must hold the data's origin. ValueError, and nothing
    written, where a row or name is amiss.
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
    _write(Path(folder) / f"{run}.csv", text)
    _write(
        Path(folder) / f"{run}.json",
        json.dumps(meta, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    )


def load_run(run: str, *, folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """(table, meta) as `save` wrote them. ValueError for a missing or damaged file, a missing
    column, a csv or a configuration that was edited after the run.
    """
    text, meta = (_read(Path(folder) / f"{_name(run)}.{kind}") for kind in ("csv", "json"))
    meta = _parse(meta, run)
    table = _from_csv(text, run)
    if config_hash(meta["config"]) != meta["config_sha256"]:
        raise ValueError(
            f"{run}.json: the configuration does not fit its hash, it was edited: run it again."
        )
    if _sha256(text) != meta["csv_sha256"]:
        raise ValueError(
            f"{run}.csv is not the table that {run}.json describes (edited, or half a run): run it "
            "again."
        )
    return table, meta


def is_current(run: str, *, folder: Path, config: Mapping[str, Any]) -> bool:
    """Whether <folder> holds this run made with this very configuration, so that it can be loaded
    instead of computed.

    ValueError as `load` where it is there but damaged.
    """
    if not all((Path(folder) / f"{_name(run)}.{kind}").exists() for kind in ("csv", "json")):
        return False
    return load_run(run, folder=folder)[1]["config_sha256"] == config_hash(config)


def config_hash(config: Mapping[str, Any]) -> str:
    """sha256 of the configuration as canonical json: order of keys, and tuple or list, make no
    difference.
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
    """The versions of Python and of the packages that numbers depend on."""
    return {"python": python_version()} | {
        name: version(name) for name in ("torch", "torchvision", "numpy")
    }


def git_state() -> dict[str, Any] | None:
    """{"commit", "dirty"} of the repository; dirty where src/ differs from it; None outside a git
    checkout.
    """

    def git(*command: str) -> str:
        return subprocess.run(
            ["git", "-C", str(paths.ROOT), *command],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != paths.ROOT:
            return None  # installed inside some other project's checkout
        # a run writes figures, results and notebooks, so those always differ: the code is what
        # counts
        return {
            "commit": git("rev-parse", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--", "src")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def _table(run: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    rows = [{"run": run, **row} for row in rows]
    if not rows:
        raise ValueError(f"{run} has no rows: there is nothing to save.")
    for i, row in enumerate(rows):
        _check_row(f"row {i} of {run}", row, run)
    return _typed(pd.DataFrame(rows).reindex(columns=COLUMNS))


def _check_row(where: str, row: Mapping[str, Any], run: str) -> None:
    unknown = [name for name in row if name not in COLUMNS]
    missing = [name for name in COLUMNS if name not in OPTIONAL and pd.isna(row.get(name))]
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
    ends = [row["value"], *(row.get(end) for end in ("lo", "hi") if not pd.isna(row.get(end)))]
    if not np.isfinite(np.asarray(ends, dtype=float)).all():
        raise ValueError(f"{where}: {row['metric']} is {ends}, not finite.")
    if "accuracy" in row["metric"] and not 0 <= row["value"] <= 1:
        raise ValueError(
            f"{where}: {row['metric']} is {row['value']}, not a fraction: divide percent by 100."
        )


def _from_csv(text: str, run: str) -> pd.DataFrame:
    lines = text.splitlines() or [""]
    missing = [name for name in COLUMNS if name not in lines[0].split(",")]
    if missing:
        raise ValueError(f"{run}.csv lacks the columns {', '.join(missing)}: run it again.")
    table = pd.read_csv(
        StringIO(text), dtype=dict.fromkeys(TEXT, str), keep_default_na=False, na_values=[""]
    )
    return _typed(table[list(COLUMNS)])


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(
        dict.fromkeys(WHOLE, "Int64") | dict.fromkeys(("value", "lo", "hi"), "float64")
    )


def _parse(text: str, run: str) -> dict[str, Any]:
    try:
        meta = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{run}.json is damaged ({error}): run it again.") from error
    missing = [key for key in ("config", "config_sha256", "csv_sha256") if key not in meta]
    if missing:
        raise ValueError(f"{run}.json lacks {', '.join(missing)}: run it again.")
    return meta


def _name(run: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", run):
        raise ValueError(f"run {run!r} names a file: use letters, digits, '_', '-' and '.'.")
    return run


def _read(path: Path) -> str:
    if not path.exists():
        raise ValueError(
            f"{path.name} is not in {path.parent}: run the notebook or command that writes it."
        )
    return path.read_text(encoding="utf-8")  # with newlines as \n, whatever git made of them


def _write(path: Path, text: str) -> None:
    with files.atomic_write(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
