"""Write what the README says in numbers, from results/, between its markers.

python tools/readme.py          writes
python tools/readme.py --check  fails where the README is not what would be written
"""

import argparse

import numpy as np
import pandas as pd

from visionfail import claims, comparison, figures, paths, results, summary
from visionfail.corruptions import CORRUPTIONS

METRICS = {"accuracy": "mean accuracy", "mce": "mCE", "relative_mce": "relative mCE"}


def table() -> str:
    """The results table in Markdown: our committed runs, then the published networks with standard training."""
    published = pd.read_csv(paths.RESULTS / "published_cifar10c.csv")
    header = [
        "model",
        "clean test accuracy",
        *(f"{name}, {label}" for label in summary.SETS for name in METRICS.values()),
    ]
    runs = [path.stem for path in sorted(paths.RESULTS.glob("cifar10c-*.csv"))]
    unswept = [path.stem for path in sorted(paths.RESULTS.glob("cifar10-*.csv"))]
    unswept = [run for run in unswept if run.replace("cifar10-", "cifar10c-") not in runs]
    lines = [_ours(run) for run in runs + unswept]
    lines += [_published(published, model, columns=len(header)) for model in comparison.STANDARD_TRAINING]
    rows = [header, ["---"] * len(header), *lines]
    note = (
        "Percent; mCE and relative mCE against WRN-28-10 with standard training = 100, smaller is better. In brackets "
        "95% intervals: Wilson for clean accuracy, bootstrap over the 10,000 test images elsewhere. Corrupted images "
        "regenerated; the frost texture is ours, hence the means without it. Written by `make readme` from results/."
    )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + f"\n\n{note}"


def _ours(run: str) -> list[str]:
    rows, _ = results.load(run, folder=paths.RESULTS)
    if not set(rows.origin) <= {"official", "identical", "regenerated"}:
        raise SystemExit(f"{run} was made on {set(rows.origin)}: no stand-in and no subset enters the README.")
    clean = rows[(rows.condition == "clean") & (rows.metric == "accuracy")].iloc[0]
    means = rows.set_index(["condition", "metric"])
    keys = [(f"mean of {label}", metric) for label in summary.SETS for metric in METRICS]
    cells = [_cell(means.loc[key]) if key in means.index else "" for key in keys]  # empty: not run on CIFAR-10-C yet
    return [f"{figures.model_name(clean.model)}, seed {clean.seed}", _cell(clean), *cells]


def _published(published: pd.DataFrame, model: str, *, columns: int) -> list[str]:
    part = published[published.model == model]
    clean = part.clean_accuracy.iloc[0]
    means = [part[part.corruption.isin(names)].accuracy.mean() for names in (CORRUPTIONS, summary.WITHOUT_FROST)]
    cells = [f"{model} (published)", "" if pd.isna(clean) else f"{100 * clean:.2f}"]
    cells += [cell for mean in means for cell in (f"{100 * mean:.2f}", "", "")]
    return cells[:columns]


def _cell(row: pd.Series) -> str:
    return f"{100 * row.value:.2f} ({100 * row.lo:.2f} to {100 * row.hi:.2f})"


def claims_of(where: str, note: str, *, digits: int = 1) -> str:
    """The sentences judged in one notebook and their verdicts in Markdown, a row a sentence and network; percent with
    so many digits.
    """
    table = claims.stored(paths.RESULTS / "claims.csv", where=where)
    rows = [["", "sentence", "network", "measured", "holds where", "verdict"], ["---"] * 6]
    for row in table.itertuples():
        network = f"{figures.model_name(row.model)}, seed {row.seed}" + " †" * (row.status == "exploratory")
        rows.append([row.claim, row.words, network, _measured(row, digits), _region(row), row.verdict])
    note = note.format(n=table.n.iloc[0]) + " Statistics and regions: [notes/claims.md](notes/claims.md)."
    text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{text}\n\n{note} Written by `make readme` from results/."


def degradation() -> str:
    """The sentences of study A."""
    return claims_of(
        "notebook 04",
        "Fractions of the {n:,} test images as percent, with 95% bootstrap intervals over images; for 1 to 3 the share "
        "of bootstraps that have the regime. † exploratory: the network's curves had been seen before it was judged.",
    )


def knowing() -> str:
    """The earlier study's sentences about its auditor."""
    return claims_of(
        "notebook 09",
        "Means over five seeds on the {n:,} MNIST test digits, as percent (AUROC too), with 95% bootstrap intervals "
        "over digits.",
        digits=2,
    )


def auditor() -> str:
    """Who finds failures better, slice by slice: the auditor or confidence, with the verdict."""
    rows, _ = results.load("mnist-auditor", folder=paths.RESULTS)
    if set(rows.origin) != {"official"}:
        raise SystemExit(f"mnist-auditor was made on {set(rows.origin)}: no stand-in and no subset enters the README.")
    found = rows.set_index(["condition", "metric"]).value
    said = pd.read_csv(paths.RESULTS / "mnist-verdicts.csv")
    said = said[(said.rival == "1 - confidence") & ~said.slice.str.contains(", (?:weak|middle|strong)")]
    lines = [["test digits", "AUROC, auditor", "AUROC, 1 - confidence", "difference", "verdict", "n"], ["---"] * 6]
    for row in said.sort_values("primary", ascending=False, kind="stable").itertuples():
        both = [f"{found[row.slice, f'AUROC: {judge}']:.3f}" for judge in ("auditor", "1 - confidence")]
        name, ahead = (
            f"**{row.slice}**" if row.primary else row.slice,
            f"{row.value:+.3f} ({row.lo:+.3f} to {row.hi:+.3f})",
        )
        lines.append([name, *both, ahead, f"**{row.verdict}**" if row.primary else row.verdict, f"{row.n:,}"])
    note = (
        "Means over five seeds, 95% bootstrap intervals over digits, the same digits for both. In bold the comparison "
        "chosen beforehand; the others are Holm-corrected together. Tie: the interval lies within ±0.01. Written by "
        "`make readme` from results/."
    )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{note}"


def _measured(row, digits: int) -> str:
    percent = f"{100 * row.value:.{digits}f}%"
    return percent if pd.isna(row.lo) else f"{percent} ({100 * row.lo:.{digits}f} to {100 * row.hi:.{digits}f})"


def _region(row) -> str:
    low, high = f"{100 * row.low:g}%", f"{100 * row.high:g}%"
    if np.isinf(row.low) or np.isinf(row.high):
        return f"at most {high}" if np.isinf(row.low) else f"above {low}"
    return f"{low} or more" if row.high == 1 else f"{low} to {high}"


SECTIONS = {"results": table, "claims": degradation, "auditor": auditor, "auditor claims": knowing}


def written(text: str) -> str:
    """The README's text with every section between markers put in anew."""
    for name, make in SECTIONS.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        head, rest = text.split(begin)
        text = head + begin + "\n" + make() + "\n" + end + rest.split(end)[1]
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    readme = paths.ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    new = written(text)
    if parser.parse_args().check:
        raise SystemExit("README.md is stale: make readme" if new != text else 0)
    with paths.atomic_write(readme) as part:
        part.write_text(new, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
