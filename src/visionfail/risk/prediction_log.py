"""A log of decisions, one line of json each, without pictures and without names of files."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from visionfail.risk.predicting import Decision

LARGEST = 5_000_000  # bytes of one file, then it is set aside as <name>.1, .2, ...
KEPT = 5  # files set aside; older ones go
COLUMNS = (
    "time",
    "decision",
    "review",
    "score",
    "threshold",
    "guaranteed",
    "reason",
    "milliseconds",
)
NUMBERS = ("review", "guaranteed", "milliseconds")  # of which a summary takes means


def log_decision(path: Path, decision: Decision, *, milliseconds: float) -> None:
    """Append a decision, its time, and the milliseconds that it took.

    Kept are decision, review, score, threshold, guaranteed and reason, neither the picture nor its
    file's name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "decision": decision.decision,
        "review": decision.review,
        "score": decision.score,
        "threshold": decision.threshold,
        "guaranteed": decision.guaranteed,
        "reason": decision.reason,
        "milliseconds": round(milliseconds, 3),
    }
    text = json.dumps(line, ensure_ascii=False) + "\n"
    if path.exists() and path.stat().st_size + len(text.encode()) > LARGEST:
        _rotate(path)
    with open(path, "a", encoding="utf-8", newline="\n") as handle:
        handle.write(text)


def _rotate(path: Path) -> None:
    """Set the full file aside; the oldest of more than KEPT goes."""
    for number in range(KEPT, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        newer = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        if newer.exists():
            os.replace(newer, older)


def read_log(path: Path) -> pd.DataFrame:
    """The decisions of a log and of the files set aside, oldest first; a cut-off line is left out.

    A row each with COLUMNS, none where nothing is decided yet. Lines that do not say whether they
    were guaranteed count as not. FileNotFoundError where there is no log.
    """
    path = Path(path)
    files = [path.with_name(f"{path.name}.{number}") for number in range(KEPT, 0, -1)]
    there = [file for file in (*files, path) if file.exists()]
    if not there:
        raise FileNotFoundError(f"no log at {path}: `predict --log {path}` writes one.")
    rows = []
    for file in there:
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):  # the machine stopped while it was written
                continue
            if isinstance(row, dict) and "time" in row:
                rows.append({"guaranteed": False, **row})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(time=pd.to_datetime(table.time))


def log_summary(log: pd.DataFrame, *, every: str = "1h") -> pd.DataFrame:
    """A row per period: time, decided, flagged, reviewed, no_guarantee (shares), p50_ms, p95_ms."""
    numeric = log.astype(dict.fromkeys(NUMBERS, float))
    grouped = numeric.set_index("time").sort_index().resample(every)
    table = pd.DataFrame(
        {
            "decided": grouped.size(),
            "flagged": grouped.decision.apply(lambda part: (part == "unsafe").mean()),
            "reviewed": grouped.review.mean(),
            "no_guarantee": 1 - grouped.guaranteed.mean(),
            "p50_ms": grouped.milliseconds.median(),
            "p95_ms": grouped.milliseconds.quantile(0.95),
        }
    )
    return table.loc[table.decided > 0].rename_axis("time").reset_index()
