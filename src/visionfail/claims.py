"""Claims: a statistic, the region in which the claim holds, and the verdict of an interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from visionfail import files
from visionfail.metrics import Estimate


def verdict_of(lo: float, hi: float, *, low: float, high: float) -> str:
    """The verdict on the claim that a value lies in [low, high], by the value's interval (lo, hi).

    "holds" where the interval lies in that region, "fails" where it lies outside of it, else
    "undecided". ValueError where an upper end is below its lower end, or NaN.
    """
    if not (lo <= hi and low <= high):
        raise ValueError(
            f"interval {lo} to {hi}, region {low} to {high}: pass the lower end first."
        )
    if low <= lo and hi <= high:
        return "holds"
    if hi < low or lo > high:
        return "fails"
    return "undecided"


def weakest_verdict(rows: Sequence[Mapping]) -> str:
    """The verdict that all rows share, else "undecided": it hangs on a single one of them."""
    verdicts = {row["verdict"] for row in rows}
    return verdicts.pop() if len(verdicts) == 1 else "undecided"


COLUMNS = (
    "claim",
    "words",
    "source",
    "model",
    "seed",
    "status",
    "statistic",
    "low",
    "high",
    "value",
    "lo",
    "hi",
    "n",
    "verdict",
    "where",
)
NUMBERS = ("low", "high", "value", "lo", "hi")
VERDICTS = ("holds", "fails", "undecided")
JUDGED = COLUMNS[:-1]  # what a study gives; who saves the rows adds where they were judged
# a status: the same rules, but what they judge was changed after a first verdict had been seen
TWICE = "judged twice"
# part of a status: its statistic was corrected after a first verdict had been seen
CORRECTED = "corrected after a first verdict"
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim in words and the region of its statistic, [low, high], in which it holds.

    `statistic` says in words what is measured; regions are written down in notes/claims.md before
    it is.
    """

    key: str
    words: str
    statistic: str
    low: float = -np.inf
    high: float = np.inf
    amended: bool = False  # its rule was changed with the results in view: exploratory for all

    def judge(self, value: Estimate) -> dict:
        """The claim's row, with value, 95% interval (lo, hi) and verdict.

        `value` is the statistic with its resamples; the study adds source, model, seed, status and
        n.
        """
        return self.judge_interval(*value.interval())

    def judge_interval(self, value: float, lo: float, hi: float, *, p: float = 0.0) -> dict:
        """The claim's row as `judge` gives it, of a value and its 95% interval.

        Where `p`, the chance of such a value if there were nothing, is not below LEVEL, a claim
        that would hold is undecided.
        """
        verdict = verdict_of(lo, hi, low=self.low, high=self.high)
        if verdict == "holds" and p >= LEVEL:
            verdict = "undecided"
        return {
            "claim": self.key,
            "words": self.words,
            "statistic": self.statistic,
            "low": self.low,
            "high": self.high,
            "value": value,
            "lo": lo,
            "hi": hi,
            "verdict": verdict,
        }


def judged_twice(statuses: pd.Series) -> pd.Series:
    """Whether a first verdict had been seen before what is judged, or how, was changed: bool."""
    return statuses.str.contains(f"{TWICE}|{CORRECTED}")


def save_claims(table: pd.DataFrame, folder: Path, *, where: str) -> None:
    """Write the claims judged in the notebook `where` to <folder>/claims.csv, whole or not at all.

    They take the place of that notebook's former claims; those of other notebooks stay. ValueError
    for a table without rows.
    """
    if table.empty:
        raise ValueError(f"no claim was judged in {where}: there is nothing to save.")
    path = Path(folder) / "claims.csv"
    table = table.assign(where=where).loc[:, list(COLUMNS)].astype({"seed": str})
    if path.exists():
        stored = load_claims(path)
        table = pd.concat([stored.loc[stored["where"] != where], table])
    table = table.sort_values("where", kind="stable")
    with files.atomic_write(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def load_claims(path: Path, *, where: str | None = None) -> pd.DataFrame:
    """The claims in a claims.csv, those judged in the notebook `where` or all; seeds are text.

    ValueError with the name of the file where it is damaged, or has no rows, a verdict that is
    none, text for a number, or a claim twice.
    """
    kinds: dict[str, type] = dict.fromkeys(("claim", "seed", "where"), str)
    kinds.update(dict.fromkeys(NUMBERS, float))
    table = files.read_table(path, columns=COLUMNS, dtype=kinds)
    with files.reading(path, remedy=files.RESTORE):
        _check_stored(table)
    if where is None:
        return table
    return table.loc[table["where"] == where].reset_index(drop=True)


def _check_stored(table: pd.DataFrame) -> None:
    """Raises ValueError unless each row is another claim, or of another network, with a verdict."""
    strange = set(table.verdict) - set(VERDICTS)
    if strange:
        raise ValueError(f"its verdicts {', '.join(map(str, strange))} are none")
    twice = table.loc[table.duplicated(["claim", "model", "seed", "where"]), "claim"]
    if len(twice):
        raise ValueError(f"it has the claim {twice.iloc[0]} twice")
