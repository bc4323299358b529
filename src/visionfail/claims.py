"""Claims: a statistic, the region in which the claim holds, and the verdict that an interval
gives.
"""

from pathlib import Path

import pandas as pd

from visionfail import files
from visionfail.metrics import Estimate


def verdict_of(lo: float, hi: float, *, low: float, high: float) -> str:
    """Of the claim that a value lies in [low, high], given its interval (lo, hi): "holds" where the
    interval lies inside, "fails" where it lies outside, else "undecided". ValueError for an
    interval or range turned round.
    """
    if not (lo <= hi and low <= high):
        raise ValueError(f"interval {lo} to {hi}, range {low} to {high}: pass the lower end first.")
    if low <= lo and hi <= high:
        return "holds"
    return "fails" if hi < low or lo > high else "undecided"


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
JUDGED = COLUMNS[:-1]  # what a study's judge gives; who saves the rows says where they were judged


def claim_row(
    key: str, words: str, statistic: str, low: float, high: float, value: Estimate
) -> dict:
    """One sentence judged by a statistic that has been resampled already: it holds in [low,
    high].
    """
    exact, lo, hi = value.interval()
    found = {"claim": key, "words": words, "statistic": statistic, "low": low, "high": high}
    return found | {
        "value": exact,
        "lo": lo,
        "hi": hi,
        "verdict": verdict_of(lo, hi, low=low, high=high),
    }


def save_claims(table: pd.DataFrame, folder: Path, *, where: str) -> None:
    """Put the claims judged in one notebook, which `where` names, in the place of its former ones
    in <folder>/claims.csv; those of the others stay. Written whole or not at all.
    """
    path = Path(folder) / "claims.csv"
    table = table.assign(where=where)[list(COLUMNS)].astype({"seed": str})
    if path.exists():
        stored = load_claims(path)
        table = pd.concat([stored[stored["where"] != where], table])
    table = table.sort_values("where", kind="stable")
    with files.atomic_write(path) as part:
        table.to_csv(part, index=False, float_format="%.6g", lineterminator="\n")


def load_claims(path: Path, *, where: str | None = None) -> pd.DataFrame:
    """The sentences in a claims.csv, those judged in the notebook `where`, or all of them; seeds as
    text.
    """
    table = pd.read_csv(path, dtype={"claim": str, "seed": str})
    return table if where is None else table[table["where"] == where].reset_index(drop=True)
