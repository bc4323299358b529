"""Write what the README says in numbers, from results/, between its markers.

python tools/readme.py          writes
python tools/readme.py --check  fails where the README is not what would be written
"""

import argparse

import pandas as pd

from visionfail import claims, failure, files, findings, paths, results
from visionfail.names import with_interval
from visionfail.studies import transfer

WRITTEN = "Written by `make readme` from results/."
CLAIMS = paths.RESULTS / "claims.csv"


def markdown(table: pd.DataFrame, note: str) -> str:
    """A table of texts in Markdown, and a note below it."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + f"\n\n{note} {WRITTEN}"


def main_findings() -> str:
    """The main findings, a sentence each."""
    return "\n".join(f"- {sentence}" for sentence in findings.main_sentences(paths.RESULTS))


def networks() -> str:
    """Our networks beside the published ones with standard training."""
    lowest, highest = findings.mean_error_range(paths.RESULTS)
    return markdown(
        findings.networks_summary(paths.RESULTS),
        "In brackets 95% intervals: Wilson for clean accuracy, bootstrap over the 10,000 test "
        "images elsewhere. The 14 are the benchmark's 15 without frost, whose texture here is "
        "ours; corrupted images are regenerated. Mean corruption error (mCE): the error under each "
        "corruption divided by that of WRN-28-10, a published network with standard training, on "
        "the published images, mean over the 14. What AugMix's code calls mCE is the mean error, "
        f"100 minus the mean accuracy: {lowest:.1%} to {highest:.1%} on all 15 for the "
        "networks that were run on today's frost.",
    )


def claims_of(where: str, note: str) -> str:
    """The claims judged in one notebook: a verdict each, and the range of the networks' values."""
    table = claims.load_claims(CLAIMS, where=where)
    note = note.format(n=table.n.iloc[0])
    note += " Statistics and regions: [notes/claims.md](notes/claims.md)."
    return markdown(findings.claims_summary(paths.RESULTS, where=where), note)


def degradation() -> str:
    """The claims of study A."""
    where = "notebook 04"
    return claims_of(where, degradation_note(claims.load_claims(CLAIMS, where=where)))


def degradation_note(table: pd.DataFrame) -> str:
    """Which networks study A's claims are of, which are exploratory, and what claim 8 is about."""
    single = table.loc[table.seed.str.isdecimal() & (table.claim != "8")]  # one network a row
    exploratory = (table.status == "exploratory").groupby(table.claim, sort=False).all()
    amended = ", ".join(exploratory.index[exploratory])
    of_architectures = table.loc[table.claim == "8", "statistic"].iloc[0]
    return (
        f"One verdict where all networks agree ({findings.network_names(single)}); *in part*: some "
        "are undecided; *differs*: they contradict. What is lost: clean accuracy minus the lowest. "
        f"n = {table.n.iloc[0]:,} test images; intervals and each network's verdict "
        "in [notebook 04](notebooks/04_severity_curves.ipynb). Measured: from the lowest to the "
        f"highest of these networks. Exploratory for every network: {amended}, whose rules were "
        "amended with results in view (dated in notes/claims.md). The rules of the others came "
        "first; ResNet-18, seed 0 counts as exploratory all the same, because its curves had been "
        "looked at before it was judged. 2 shows that fog "
        "collapses late, not that there is a threshold: a smooth curve can do so. 4a to 4c are "
        "judged with each corruption left out in turn, 4b and 4c also by the least and the most "
        "that the gap can be if accuracy does no more than fall between the severities measured. "
        "Claim 8 compares two "
        f"architectures ({of_architectures}), over training seeds and images: a single seed of "
        "either leaves it undecided, and a few make its interval wide."
    )


def by_set(where: str, note: str) -> str:
    """Study B's claims judged in one notebook: a column per data set."""
    note += " †: exploratory, for something of what is judged had been seen before its rule was"
    note += " fixed. Statistics and regions: [notes/claims.md](notes/claims.md)."
    return markdown(findings.by_set_summary(paths.RESULTS, where=where), note)


def uneven() -> str:
    """Study B's claims about who bears the errors."""
    table, _ = results.load_run("uneven", folder=paths.RESULTS)
    at_random = table.metric == "rank correlation of maps and errors, random head"
    of_centre = at_random & (table.dataset == "cifar10") & (table.condition == "centre")
    head = table.loc[of_centre, "value"].iloc[0]
    return by_set(
        "notebook 06",
        "Verdict, and in brackets the value, a share, a correlation or Kendall's W; intervals and "
        "n in [notebook 06](notebooks/06_uneven_errors.ipynb). SVHN: 3,000 digits of 1,506 houses, "
        "split anew from a part of the official test set; GTSRB: the official test images, 421 "
        "signs (U3b: held-out training tracks). U6 and U6c count classes and are two of six "
        f"measures of maps, not corrected for that; a random head alone gives U6c {head:+.2f} on "
        "CIFAR-10.",
    )


def attacked() -> str:
    """Study B's claims about how little it takes."""
    return by_set(
        "notebook 07",
        "Verdict, and in brackets the value, a share, a difference or a correlation; intervals and "
        "n in [notebook 07](notebooks/07_fgsm_attacks.ipynb). FGSM attacks all test images, PGD "
        "the first thousand of a set. F2b's words are the "
        "earlier study's and say too much: 2/255 is what rounding to six bits does, and a screen "
        "shows it; what is judged is the share that it turns. F4a: to a few particular answers. "
        "F4b's resamples lean towards 0, so that a value may lie above its own interval. SVHN and "
        "GTSRB were judged twice, first on fewer networks.",
    )


def transferred() -> str:
    """Study D's claims about transfer learning, with what else would produce their values."""
    claims_by_words: dict[str, list[str]] = {}
    for claim, words in transfer.CAVEATS.items():
        claims_by_words.setdefault(words, []).append(claim)
    caveats = " ".join(f"{', '.join(keys)}: {words}." for words, keys in claims_by_words.items())
    controls = " ".join(transfer_controls())
    table = claims.load_claims(paths.RESULTS / "claims.csv", where="notebook 12")
    alone = table.claim[table.status.str.endswith(transfer.ALONE)]
    undecided = f" Undecided for {transfer.ALONE}: {', '.join(alone)}." if len(alone) else ""
    return claims_of(
        "notebook 12",
        "The reference network and networks of three seeds, on CIFAR-10's test images, whose "
        "answers had been seen before: all is exploratory. n, intervals and the weights that the "
        "networks started from: [notebook 12](notebooks/12_osemn_transfer.ipynb). Controls, in "
        f"points: {controls} To be read with them: {caveats} D6a to D6c: 6.667% is three times "
        f"an even share of the 45 pairs.{undecided}",
    )


def transfer_controls() -> list[str]:
    """What each control gave, in points: "D5, without cat and dog: +1.7 (+0.8 to +2.7)."."""
    table, _ = results.load_run("transfer", folder=paths.RESULTS)
    words = []
    for row in table.loc[table.condition.str.startswith("control of ")].itertuples():
        points = with_interval(row.value, row.lo, row.hi, form="+.1f", scale=100)
        claim = row.condition.removeprefix("control of ")
        words.append(f"{claim}, {row.metric}: {points}.")
    return words


def risks() -> str:
    """What the safe/unsafe classifier's threshold does, and where its guarantee ends."""
    return markdown(
        findings.risk_summary(paths.RESULTS),
        "One threshold a set, set by the recall target, at most 5% missed with probability 95%: "
        f"for a miss that costs {findings.RISK_COST} false alarms alone it would be higher. In "
        "brackets 95% intervals over n signs or pictures. The guarantee reaches the clean rows "
        "alone. Signs are held-out tracks of GTSRB's training set, and one classifier's rates on "
        "them had been seen before: exploratory. Imagenette's pictures were seen by the ImageNet "
        "weights: its rows say how the tools work. Those weights could not be had whole: the "
        "network's last stage was refitted elsewhere, so that with torchvision's, which `train` "
        "downloads, numbers will differ. Other conditions: [notebook "
        "13](notebooks/13_risk_classifier.ipynb).",
    )


def knowing() -> str:
    """Study C's claims about its auditor."""
    where = "notebook 09"
    table = claims.load_claims(paths.RESULTS / "claims.csv", where=where)
    twice = claims.judged_twice(table.status).sum()
    hangs = table.status.str.extract("(not without .*)")[0].dropna()
    one_shift = [
        f" {table.claim[row]} {words.replace('not', 'does not stand')}."
        for row, words in hangs.items()
    ]
    return claims_of(
        where,
        "Means over five seeds on the {n:,} MNIST test digits; intervals in [notebook "
        f"09](notebooks/09_failure_auditor.ipynb). {twice} of the {len(table)} were judged twice, "
        "so that they are not confirmatory: their regions were written down beforehand, but after "
        f"a first verdict the classifiers got averaged weights.{''.join(one_shift)}",
    )


def auditor() -> str:
    """Who finds failures, slice by slice: confidence, the auditor, the ensemble, or both."""
    table = findings.auditor_summary(paths.RESULTS)
    compared = failure.load_comparison(paths.RESULTS / "mnist-verdicts.csv").set_index("slice")
    digits = compared.n["mix"].iloc[0]
    shifted = compared.n["shifted"].iloc[0]
    for column in ("test digits", "auditor"):  # the pre-specified comparison comes first
        table.loc[table.index[0], column] = f"**{table[column].iloc[0]}**"
    return markdown(
        table,
        "AUROC; in brackets the lead over confidence and its outcome. Means over five seeds, n = "
        f"{digits:,} digits (shifted {shifted:,}). Shifted: the digits under a drawn shift; mix: "
        "four in five shifted; within slices: the mean over each shift in thirds of strength. Deep "
        "ensemble: the entropy of the mean probabilities of five classifiers. Win or loss: 0 lies "
        "outside the 95% interval over digits and seeds, outside that over seeds alone, and p is "
        "below 5%, Holm-corrected for all comparisons but the one in bold, which was chosen "
        "beforehand; tie: the interval lies within ±0.01; else undecided, for the auditor with the "
        "number of seeds that would decide it were its mean and scatter to stay, or more digits "
        "where seeds alone would not. Comparisons with an ensemble or with a shift left out are "
        "exploratory; there is one ensemble, and how much another five classifiers would differ is "
        "not known. Intervals: [notebook 09](notebooks/09_failure_auditor.ipynb).",
    )


SECTIONS = {
    "findings": main_findings,
    "results": networks,
    "claims": degradation,
    "uneven": uneven,
    "attacked": attacked,
    "transferred": transferred,
    "risks": risks,
    "auditor": auditor,
    "auditor claims": knowing,
}


def written(text: str) -> str:
    """The README's text with every section between markers put in anew."""
    for name, make in SECTIONS.items():
        begin = f"<!-- {name}: begin -->"
        end = f"<!-- {name}: end -->"
        head, tail = text.split(begin)
        text = head + begin + "\n" + make() + "\n" + end + tail.split(end)[1]
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the README's numbers from results/.")
    parser.add_argument("--check", action="store_true")
    readme = paths.ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    new = written(text)
    if parser.parse_args().check:
        raise SystemExit("README.md is stale: make readme" if new != text else 0)
    files.write_text(readme, new)


if __name__ == "__main__":
    main()
