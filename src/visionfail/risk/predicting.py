"""Decisions on files: one, a folder or a list, each with a reason where it fell back."""

import csv
import dataclasses
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from visionfail import files
from visionfail.risk.calibration import Calibration
from visionfail.risk.export import Exported
from visionfail.risk.pictures import read_file, visible_files
from visionfail.risk.saved import Classifier

FALLBACKS = ("unsafe", "safe", "stop")
ODD = "surrogateescape"  # names of files that are no UTF-8 are kept as their bytes


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is decided about one file; probability and score are None where it could not be read.

    `review` says that a person must look, for the `reason` given: the file could not be read, and
    the decision is the fallback, or its probability lies in the review band.
    """

    file: str
    decision: str  # "safe" or "unsafe"
    review: bool
    probability: float | None
    score: float | None
    threshold: float
    people_below: float = 0.0  # flagged ones with a lower probability go to people
    guaranteed: bool
    reason: str
    model: str  # the beginning of its weights' sha256, and the format of an export

    def json_line(self) -> str:
        """The decision as one line of json."""
        return json.dumps(dataclasses.asdict(self))  # ASCII: any name of a file can be printed


FIELDS = tuple(field.name for field in dataclasses.fields(Decision))


def decide(
    classifier: Classifier,
    file: Path,
    *,
    threshold: float,
    guaranteed: bool,
    people_below: float = 0.0,
    fallback: str = "unsafe",
    exported: Exported | None = None,
) -> Decision:
    """The decision about one file, by the very steps that `evaluate` takes.

    The score is that of the `exported` network where one is given. A flagged one whose probability
    is under `people_below` is for a person to see. A file that cannot be read for certain gets the
    `fallback` and its reason; with "stop" a ValueError.
    """
    model = _model_of(classifier, exported)
    common = {"file": str(file), "threshold": threshold, "model": model}
    common["people_below"] = people_below
    try:
        image = read_file(file, side=classifier.config.side)
    except ValueError as error:
        if fallback == "stop":
            raise ValueError(f"{file}: {error}") from error
        unread = {"probability": None, "score": None, "guaranteed": False}
        return Decision(decision=fallback, review=True, reason=str(error), **unread, **common)
    score = float((exported or classifier).score(image)[0])
    probability = float(classifier.calibration.probability(score))
    flagged = score >= threshold
    review = flagged and probability < people_below
    return Decision(
        decision="unsafe" if flagged else "safe",
        review=review,
        probability=probability,
        score=score,
        guaranteed=guaranteed,
        reason=f"flagged, with a probability under {people_below:g}" if review else "",
        **common,
    )


def label_next(decided: Iterable[Decision], count: int, *, calibration: Calibration) -> list[str]:
    """The `count` files whose label would say most: those nearest the middle of the review band.

    The band goes from the threshold's calibrated probability to `people_below`, or is the threshold
    alone. Files that could not be read are none of them.
    """
    distances = []
    for decision in decided:
        if decision.probability is not None:
            low = float(calibration.probability(decision.threshold))
            middle = (low + max(low, decision.people_below)) / 2
            distances.append((abs(decision.probability - middle), decision.file))
    return [file for _, file in sorted(distances)[:count]]


def files_to_decide(where: str, lines: Iterable[str] = ()) -> list[Path]:
    """The files that --image names: one, all of a folder, or for "-" those on standard input.

    FileNotFoundError for a folder without files. A file that is missing is decided about: it falls
    back.
    """
    if where == "-":
        return [Path(line.rstrip("\n")) for line in lines if line.strip()]
    place = Path(where)
    if not place.is_dir() or place.is_symlink():
        return [place]
    kept = visible_files(place)
    if not kept:
        raise FileNotFoundError(f"{place} has no file: name a picture, or a folder of pictures.")
    return kept


def decide_all(
    classifier: Classifier,
    wanted: list[Path],
    *,
    threshold: float,
    guaranteed: bool,
    people_below: float = 0.0,
    fallback: str = "unsafe",
    exported: Exported | None = None,
    table: Path | None = None,
    noted: Callable[..., object] | None = None,
) -> Iterator[Decision]:
    """The decision about each file, in order; `table` is a csv that grows as they come.

    Files that the table has already, read and decided by the same network at the same thresholds,
    are not decided again: an interrupted run resumes, and gives them from the table, which has a
    row a file. `noted` is told each of the others, with the `milliseconds` that it took. ValueError
    for a `people_below` outside [0, 1].
    """
    if not 0 <= people_below <= 1:
        raise ValueError(f"people below {people_below}: give a probability from 0 to 1.")
    wanted_of_table = {"threshold": str(threshold), "people_below": str(people_below)}
    wanted_of_table["model"] = _model_of(classifier, exported)
    done = _resumed(table, wanted, wanted_of_table) if table else {}
    for file in tqdm(wanted, unit="picture", disable=len(wanted) == 1):
        if str(file) in done:
            yield done[str(file)]
            continue
        start = time.perf_counter()
        decision = decide(
            classifier,
            file,
            threshold=threshold,
            guaranteed=guaranteed,
            people_below=people_below,
            fallback=fallback,
            exported=exported,
        )
        milliseconds = 1000 * (time.perf_counter() - start)
        if table is not None:
            done[decision.file] = decision
            _append(table, decision)
        if noted is not None:
            noted(decision, milliseconds=milliseconds)
        yield decision


def _model_of(classifier: Classifier, exported: Exported | None) -> str:
    """The beginning of the weights' sha256, and the format of an export, which scores otherwise."""
    name = str(classifier.card["sha256"])[:12]
    return f"{name} {exported.kind}" if exported else name


def _resumed(table: Path, wanted: Iterable[Path], same: Mapping[str, str]) -> dict[str, Decision]:
    """{file: decision} of a table, of files that were read; errors as in `_rows_of`.

    Rows of the `wanted` files that fell back are taken out: they are tried again, for they may have
    been mended.
    """
    rows = _rows_of(table, same)
    with files.reading(table, remedy="name another file"):
        decided = {row["file"]: _of_row(row) for row in rows if row["score"]}
    again = {str(file) for file in wanted} - decided.keys()
    kept = [row for row in rows if row["file"] not in again]
    if len(kept) < len(rows):
        with files.atomic_write(table) as temporary:
            _write(temporary, kept, new=True)
    return decided


def _rows_of(table: Path, same: Mapping[str, str]) -> list[dict[str, str]]:
    """The rows of a table, [] where there is none.

    ValueError where it is another table, or decided with another of `same`, {column: value}. A line
    that was cut off is taken away.
    """
    if not table.exists() or not table.stat().st_size:
        return []
    whole, _, cut = table.read_text(encoding="utf-8", errors=ODD).rpartition("\n")
    reader = csv.DictReader(io.StringIO(whole))
    with files.reading(table, remedy="name another file"):
        is_ours = tuple(reader.fieldnames or ()) == FIELDS
    if not is_ours:  # and stays as it is
        raise ValueError(f"{table} is no table of decisions: name another file.")
    if cut:
        os.truncate(table, table.read_bytes().rfind(b"\n") + 1)
    rows = list(reader)
    for row in rows:
        for name, wanted in same.items():
            if row[name] != wanted:
                raise ValueError(
                    f"{table} was decided at {name} {row[name]}, not {wanted}: name another file."
                )
    return rows


def _of_row(row: dict) -> Decision:
    """The decision that a row of a table holds."""
    return Decision(
        file=row["file"],
        decision=row["decision"],
        review=row["review"] == "True",
        probability=float(row["probability"]),
        score=float(row["score"]),
        threshold=float(row["threshold"]),
        people_below=float(row["people_below"]),
        guaranteed=row["guaranteed"] == "True",
        reason=row["reason"],
        model=row["model"],
    )


def _append(table: Path, decision: Decision) -> None:
    """Add one line to the table, after its head where it is new, and have it on disk."""
    table.parent.mkdir(parents=True, exist_ok=True)
    new = not table.exists() or not table.stat().st_size
    _write(table, [dataclasses.asdict(decision)], new=new)


def _write(table: Path, rows: Iterable[Mapping], *, new: bool) -> None:
    """Write rows at the end of the table, after its head where it is new, and have them on disk."""
    with open(table, "a", newline="", encoding="utf-8", errors=ODD) as handle:
        writer = csv.DictWriter(handle, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)
        handle.flush()
        os.fsync(handle.fileno())
