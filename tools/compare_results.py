"""Compare the tables of results/ with those of an earlier commit, number by number.

python tools/compare_results.py COMMIT [--tolerance 0.02]

Rows are matched by everything in them that is not a number. Where nothing was trained anew every
number must be equal; tables of detectors, which are trained on each run, may move within the
tolerance. Verdicts must be the same everywhere. Exits 1 where something moved further.
"""

import argparse
import io
import subprocess
import sys

import numpy as np
import pandas as pd

from visionfail import paths

TRAINED_ANEW = ("mnist-auditor", "mnist-verdicts", "mnist-budgets", "auditor-cifar10")
TRAINED_ANEW += ("auditor-cifar10-verdicts",)
MEASURED = ["value", "lo", "hi", "seed_lo", "seed_hi", "p", "p_corrected"]
# the words that were replaced on 2026-11-28: in every table, and in those of comparisons
RENAMED_COLUMNS = {
    "rival": "baseline",
    "t_lo": "seed_lo",
    "t_hi": "seed_hi",
    "primary": "prespecified",
}
RENAMED_WORDS = {
    "dealt anew": "re-splits",
    "kept, budget": "budget met, budget",
    "^and logits$": "all layers and logits",
    "doubt and ": "human label uncertainty and ",
}


def renamed(table: pd.DataFrame) -> pd.DataFrame:
    """A former table in the present words; one of comparisons has an outcome, not a verdict."""
    columns = dict(RENAMED_COLUMNS)
    if "rival" in table.columns:
        columns["verdict"] = "outcome"
    return table.rename(columns=columns).replace(RENAMED_WORDS, regex=True)


def table_then(commit: str, name: str) -> pd.DataFrame | None:
    """The table as it was in `commit`, in the present words; None where it was not there."""
    command = ["git", "-C", str(paths.ROOT), "show", f"{commit}:results/{name}.csv"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    return renamed(pd.read_csv(io.StringIO(shown.stdout))) if shown.returncode == 0 else None


def compare(before: pd.DataFrame, after: pd.DataFrame) -> tuple[int, float, list[str]]:
    """(rows without a partner, largest difference of a value, verdicts that changed)."""
    numbers = [name for name in MEASURED if name in before.columns and name in after.columns]
    ignored = {*numbers, "verdict", "outcome", "by_seed", "seeds", "n"}
    keys = [name for name in before.columns if name in after.columns and name not in ignored]
    both = before.merge(after, on=keys, how="outer", suffixes=("", "_now"), indicator=True)
    alone = int((both._merge != "both").sum())
    both = both.loc[both._merge == "both"]
    largest = 0.0
    for name in numbers:
        difference = np.abs(both[name].to_numpy(float) - both[f"{name}_now"].to_numpy(float))
        if name in ("value", "lo", "hi") and len(difference) and not np.isnan(difference).all():
            largest = max(largest, float(np.nanmax(difference)))
    changed = []
    for column in ("verdict", "outcome"):
        if column in before.columns and column in after.columns:
            differ = both.loc[both[column] != both[f"{column}_now"]]
            for row in differ.to_dict("records"):
                label = ", ".join(str(row[key]) for key in keys[:4])
                changed.append(f"{label}: {row[column]} -> {row[f'{column}_now']}")
    return alone, largest, changed


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare results/ with an earlier commit.")
    parser.add_argument("commit")
    parser.add_argument("--tolerance", type=float, default=0.02)
    arguments = parser.parse_args()
    good = True
    for path in sorted(paths.RESULTS.glob("*.csv")):
        if path.stem.startswith("published"):  # other people's numbers
            continue
        before = table_then(arguments.commit, path.stem)
        if before is None:
            print(f"{path.stem}: new")
            continue
        alone, largest, changed = compare(before, pd.read_csv(path))
        allowed = arguments.tolerance if path.stem in TRAINED_ANEW else 0.0
        within = alone == 0 and largest <= allowed and not changed
        good &= within
        state = "equal" if largest == 0 and within else f"largest difference {largest:.4g}"
        print(f"{path.stem}: {state}" + (f", {alone} rows alone" if alone else ""))
        for line in changed:
            print(f"  verdict {line}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
