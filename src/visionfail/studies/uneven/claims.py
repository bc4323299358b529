"""The claims about who bears the errors, each with a statistic, a region and a verdict per set.

Most were fixed in notes/claims.md before a network here had answered a test image of SVHN or GTSRB.
Where something had been seen before, a row's status says exploratory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from visionfail.claims import JUDGED, Claim
from visionfail.studies.uneven import confusions, persistence
from visionfail.studies.uneven.classes import ClassSums
from visionfail.studies.uneven.confidence import ClassMeans
from visionfail.studies.uneven.confusions import Structure
from visionfail.studies.uneven.halves import HalvedConcordance
from visionfail.studies.uneven.seed_answers import DIGITS, SeedAnswers

SET_NAMES = {"svhn10k": "SVHN", "svhn": "SVHN, whole", "gtsrb": "GTSRB", "cifar10": "CIFAR-10"}
NOT_TESTABLE = "not testable here"
SEEN = ("cifar10", "svhn")  # all answers; digits of the whole SVHN that svhn10k's networks answered
# a pilot's accuracy by digit (U), two values before the rule of edges (F2a), and all of them before
# unknown signs were grouped for each seed alone (U4, F4a): notes/claims.md
PARTLY_SEEN = {"svhn10k": ("U1", "U2a", "U2b", "U2c", "F2a"), "gtsrb": ("U4", "F4a")}
SEPARABLE = 0.7  # W of a seed with itself below which half of the images does not tell the order
EXPECTED_BEST = (0, 1, 2)
EXPECTED_WORST = (8, 9)
OTHERS_THAN_WORST = (0, 1, 2, 3, 4, 5, 6, 7)
OTHERS_THAN_BEST = (3, 4, 5, 6, 7, 8, 9)

UNEVEN_CLAIMS = (
    Claim(
        key="U0",
        words="an ordinary ResNet-18 gets 94% of digits right",
        statistic="accuracy",
        low=0.94,
        amended=True,
    ),
    Claim(
        key="U1",
        words="some classes err far more than others",
        statistic="accuracy of the best class minus that of the worst",
        low=0.05,
    ),
    Claim(
        key="U2a",
        words="8 and 9 are among the worst digits",
        statistic="mean accuracy of the other digits minus that of 8 and 9",
        low=0.0,
    ),
    Claim(
        key="U2b",
        words="0, 1 and 2 are among the best digits",
        statistic="mean accuracy of 0, 1, 2 minus that of the other digits",
        low=0.0,
    ),
    Claim(
        key="U2c",
        words="8 and 9 err more than 0, 1 and 2",
        statistic="mean accuracy of 0, 1, 2 minus that of 8 and 9",
        low=0.02,
    ),
    Claim(
        key="U3a",
        words="seeds err on the same images",
        statistic="Cohen's kappa of being wrong, mean over pairs of seeds",
        low=0.2,
    ),
    Claim(
        key="U3b",
        words="seeds put the classes in one order",
        statistic="Kendall's W of two seeds on disjoint halves",
        low=0.7,
    ),
    Claim(
        key="U3c",
        words="common errors are more than hard classes make",
        statistic="share of errors all seeds make minus that of independent seeds",
        low=0.1,
    ),
    Claim(
        key="U4",
        words="confusions are structured",
        statistic="share of errors that quasi-independence misplaces minus by chance",
        low=0.05,
    ),
    Claim(
        key="U5",
        words="confidence is uneven",
        statistic="confidence minus accuracy, largest class minus smallest",
        low=0.02,
    ),
    Claim(
        key="U6",
        words="explanations are less compact for hard classes",
        statistic="rank correlation of a class's errors and its maps' entropy",
        low=0.0,
    ),
    Claim(
        key="U6b",
        words="explanations of hard classes are more fragmented",
        statistic="rank correlation of a class's errors and its maps' number of regions",
        low=0.0,
        amended=True,
    ),
    Claim(
        key="U6c",
        words="explanations of hard classes are less well aligned",
        statistic="rank correlation of a class's errors and its maps' share in the centre",
        high=0.0,
        amended=True,
    ),
)


@dataclass(frozen=True)
class Value:
    """A statistic with its 95% interval, the chance of it if there were nothing, and its n."""

    value: float
    lo: float
    hi: float
    n: int
    p: float = 0.0


def claim_values(
    answers: SeedAnswers,
    counts: np.ndarray,
    *,
    accuracy: Mapping[str, float],
    sums: ClassSums,
    gap_p: float,
    structure: Structure,
    overconfidence: ClassMeans,
    overconfidence_p: float,
    explained: pd.DataFrame | None,
    halves: HalvedConcordance | None,
    halves_n: int,
) -> dict[str, Value]:
    """{claim: value} for one set of test images, of what the study has measured of it.

    `counts` (B, N) are the resamples; `accuracy` is an `accuracy_row`; `explained` an
    `explanation_table`, None without maps; `halves`, None where there are none, is over `halves_n`
    things, and says nothing where a seed does not agree with itself. n counts independent things,
    for maps classes.
    """
    n = answers.things
    values = {
        "U1": Value(*sums.gap().interval(), n, gap_p),
        "U3a": Value(*persistence.mean_consistency(answers.wrong, counts), n),
        "U3c": Value(*shared_above_chance(answers, counts), n),
        "U4": Value(
            *confusions.misfit_above_chance(
                answers.predicted, answers.labels, counts, structure
            ).interval(),
            n,
            structure.p,
        ),
        "U5": Value(*overconfidence.range_over_classes().interval(), n, overconfidence_p),
    }
    if answers.made["dataset"] in DIGITS:
        values["U0"] = Value(accuracy["accuracy"], accuracy["lo"], accuracy["hi"], n)
        values["U2a"] = Value(*sums.between(OTHERS_THAN_WORST, EXPECTED_WORST).interval(), n)
        values["U2b"] = Value(*sums.between(EXPECTED_BEST, OTHERS_THAN_BEST).interval(), n)
        values["U2c"] = Value(*sums.between(EXPECTED_BEST, EXPECTED_WORST).interval(), n)
    order = order_value(halves, halves_n)
    if order is not None:
        values["U3b"] = order
    if explained is not None:
        values.update(map_values(explained))
    return values


def map_values(explained: pd.DataFrame) -> dict[str, Value]:
    """{claim: value} of the claims about maps, those that an `explanation_table` can tell."""
    by_measure = explained.set_index("measure")
    values = {}
    for key, measure in {"U6": "entropy", "U6b": "fragments", "U6c": "centre"}.items():
        row = by_measure.loc[measure]
        if np.isfinite(row.lo):
            values[key] = Value(row.correlation, row.lo, row.hi, int(row.classes))
    return values


def order_value(halves: HalvedConcordance | None, n: int) -> Value | None:
    """Kendall's W over n things, or None where half of them does not tell the order of classes."""
    if halves is None or halves.same_seed < SEPARABLE:
        return None
    return Value(halves.w, halves.lo, halves.hi, n, halves.p)


def shared_above_chance(answers: SeedAnswers, counts: np.ndarray) -> tuple[float, float, float]:
    """(share of a seed's errors that all make, minus what classes make by chance, lo, hi).

    Mean over seeds; by chance seeds err independently within each class.
    """
    shared = persistence.shared_error_share(answers.wrong, counts)
    by_chance = persistence.shared_share_by_chance(answers.wrong, answers.labels)
    constant = by_chance["within classes"]  # (S,)
    above = replace(shared, exact=shared.exact - constant, samples=shared.samples - constant)
    return above.interval()


def judge_uneven(values: Mapping[str, Value], answers: SeedAnswers) -> pd.DataFrame:
    """`judge_set` of the claims about who bears the errors."""
    return judge_set(UNEVEN_CLAIMS, values, answers)


def judge_set(
    claims: Sequence[Claim], values: Mapping[str, Value], answers: SeedAnswers
) -> pd.DataFrame:
    """A row per claim for one set, with the columns JUDGED; NaN where it is not testable here.

    The set's name is written behind the claim's number.
    """
    name = answers.made["dataset"]
    seeds = answers.made["seeds"]
    rows = []
    for claim in claims:
        value = values.get(claim.key)
        named = replace(claim, key=f"{claim.key} {SET_NAMES[name]}")
        if value is None:
            row = {"claim": named.key, "words": claim.words, "verdict": NOT_TESTABLE}
        else:
            row = named.judge_interval(value.value, value.lo, value.hi, p=value.p)
            row["n"] = value.n
        row["status"] = status_of(claim, name)
        rows.append(row)
    table = pd.DataFrame(rows)
    table["source"] = "working hypothesis"
    table["model"] = "resnet18"
    table["seed"] = f"{min(seeds)} to {max(seeds)}"
    return table.loc[:, list(JUDGED)]


def status_of(claim: Claim, dataset: str) -> str:
    """Whether a claim's rule was fixed before anything that it judges had been seen."""
    if dataset in SEEN:
        return "exploratory"
    seen = claim.amended or claim.key in PARTLY_SEEN.get(dataset, ())
    return ("exploratory" if seen else "confirmatory") + ", subset"
