"""Write what the README says in numbers, from results/, between its markers.

python tools/readme.py          writes
python tools/readme.py --check  fails where the README is not what would be written
"""

import argparse

import pandas as pd

from visionfail import claims, files, paths, report

WRITTEN = "Written by `make readme` from results/."


def markdown(table: pd.DataFrame, note: str) -> str:
    """A table of texts in Markdown, and a note below it."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + f"\n\n{note} {WRITTEN}"


def networks() -> str:
    """Our networks beside the published ones with standard training."""
    return markdown(
        report.networks_table(paths.RESULTS),
        "Percent; mCE and relative mCE against WRN-28-10 with standard training = 100, smaller is better. In brackets "
        "95% intervals: Wilson for clean accuracy, bootstrap over the 10,000 test images elsewhere. Corrupted images "
        "regenerated; the frost texture is ours, hence the means without it.",
    )


def sentences(where: str, note: str, *, digits: int = 1) -> str:
    """The sentences judged in one notebook and their verdicts, in percent with so many digits."""
    n = claims.load_claims(paths.RESULTS / "claims.csv", where=where).n.iloc[0]
    note = note.format(n=n) + " Statistics and regions: [notes/claims.md](notes/claims.md)."
    return markdown(report.claims_table(paths.RESULTS, where=where, digits=digits), note)


def degradation() -> str:
    """The sentences of study A."""
    return sentences(
        "notebook 04",
        "Fractions of the {n:,} test images as percent, with 95% bootstrap intervals over images; for 1 to 3 the share "
        "of bootstraps that have the regime, undecided where the curve has none of those with a name. † exploratory: "
        "the network's curves had been seen before it was judged. These checkpoints: with one training seed of either "
        "network nothing is said about architectures.",
    )


def knowing() -> str:
    """The earlier study's sentences about its auditor."""
    return sentences(
        "notebook 09",
        "Means over five seeds on the {n:,} MNIST test digits, as percent (AUROC too), with 95% bootstrap intervals "
        "over digits.",
        digits=2,
    )


def auditor() -> str:
    """Who finds failures better, slice by slice: the auditor or confidence, with the verdict."""
    table = report.auditor_table(paths.RESULTS)
    table.loc[0, ["test digits", "verdict"]] = [
        f"**{table[name][0]}**" for name in ("test digits", "verdict")
    ]
    return markdown(
        table,
        "Means over five seeds, 95% bootstrap intervals over digits, the same digits for both. In bold the comparison "
        "chosen beforehand; the others are Holm-corrected together. Tie: the interval lies within ±0.01.",
    )


SECTIONS = {
    "results": networks,
    "claims": degradation,
    "auditor": auditor,
    "auditor claims": knowing,
}


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
    with files.atomic_write(readme) as part:
        part.write_text(new, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
