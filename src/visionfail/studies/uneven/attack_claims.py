"""The claims about how little it takes, each with a statistic, a region and a verdict per set.

They were fixed in notes/claims.md before an answer to an attacked image had been seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from visionfail.claims import TWICE, Claim, weakest_verdict
from visionfail.metrics import Estimate
from visionfail.studies.uneven import confusions
from visionfail.studies.uneven.answers import estimate_of, weights_of
from visionfail.studies.uneven.attack_answers import (
    AttackedAnswers,
    mean_over_images,
    share_interval,
)
from visionfail.studies.uneven.attacked import HEADLINE
from visionfail.studies.uneven.claims import NOT_TESTABLE, Value, judge_set
from visionfail.studies.uneven.confusions import Structure
from visionfail.studies.uneven.covariates import rank_correlation
from visionfail.studies.uneven.link import Link
from visionfail.studies.uneven.seed_answers import SeedAnswers

INVISIBLE = 2.0  # of 255: the words of F2b say more than that (notes/claims.md)
WITH_EDGES = "F2a, edges mirrored"
SURE = 0.9  # confidence over which errors are called confident

ATTACK_CLAIMS = (
    Claim(
        key="F1a",
        words="one step takes a network towards chance",
        statistic="accuracy under FGSM at 8/255 / clean accuracy",
        high=0.25,
    ),
    Claim(
        key="F1b",
        words="twenty steps leave nothing",
        statistic="accuracy under PGD at 8/255",
        high=0.05,
    ),
    Claim(
        key="F2a",
        words="the change is imperceptible",
        statistic="mean SSIM of clean and PGD-attacked images, 8/255",
        low=0.9,
    ),
    Claim(
        key="F2b",
        words="a change that no screen shows is enough for most",
        statistic="share of right answers that PGD turns wrong, 2/255",
        low=0.5,
    ),
    Claim(
        key="F3a",
        words="attacked, it is surer of wrong answers than it is of its own errors",
        statistic="confidence of wrong answers, PGD at 8/255 minus clean",
        low=0.0,
    ),
    Claim(
        key="F3b",
        words="attacked, it is confidently wrong",
        statistic="share of wrong answers surer than 0.9, PGD at 8/255",
        low=0.5,
    ),
    Claim(
        key="F4a",
        words="attacks lead to certain answers",
        statistic="share of wrong answers misplaced minus by chance, FGSM at 8/255",
        low=0.05,
    ),
    Claim(
        key="F4b",
        words="they are the confusions of clean errors",
        statistic="rank correlation of residuals over pairs, clean and FGSM at 8/255",
        low=0.0,
    ),
    Claim(
        key="F5",
        words="classes that err most fall first",
        statistic="rank correlation of clean error and minus the epsilon that halves a class",
        low=0.0,
    ),
)


@dataclass(frozen=True, eq=False)
class Attacked:
    """What was measured of one set: FGSM on all images, PGD on a part, with resamples of both.

    Counts (B, N) and (B, M); `similarity` (S, M) is the SSIM of clean and PGD-attacked images, and
    `with_edges` the same with mirrored edges; `structure` that of the answers FGSM turned, `link`
    None where it is not testable.
    """

    fgsm: AttackedAnswers
    pgd: AttackedAnswers
    fgsm_counts: np.ndarray
    pgd_counts: np.ndarray
    similarity: np.ndarray
    with_edges: np.ndarray
    structure: Structure
    link: Link | None


def attack_claim_values(of_set: Attacked) -> dict[str, Value]:
    """{claim: value} of one set; n counts what is independent, for F5 classes."""
    fgsm, pgd = of_set.fgsm, of_set.pgd
    n_all, n_part = fgsm.clean.things, pgd.clean.things
    turned = fgsm.turned(HEADLINE)
    misfit = confusions.misfit_above_chance(
        turned.predicted, turned.labels, of_set.fgsm_counts, of_set.structure
    )
    everything = np.ones_like(of_set.similarity, dtype=bool)
    alike = mean_over_images(of_set.similarity, everything, of_set.pgd_counts)
    with_edges = mean_over_images(of_set.with_edges, everything, of_set.pgd_counts)
    values = {
        "F1a": share_value(share_left(fgsm, of_set.fgsm_counts), n_all),
        "F1b": Value(
            *share_interval(accuracy_at(pgd, HEADLINE, of_set.pgd_counts), n_part), n_part
        ),
        "F2a": Value(*alike.interval(), n_part),
        WITH_EDGES: Value(*with_edges.interval(), n_part),
        "F2b": Value(
            *share_interval(share_turned(pgd, INVISIBLE, of_set.pgd_counts), n_part), n_part
        ),
        "F3a": Value(*confidence_gained(pgd, of_set.pgd_counts).interval(), n_part),
        "F3b": share_value(sure_when_wrong(pgd, of_set.pgd_counts), n_part),
        "F4a": Value(*misfit.interval(), n_all, of_set.structure.p),
        "F4b": Value(*same_confusions(fgsm.clean, turned, of_set.fgsm_counts).interval(), n_all),
    }
    if of_set.link is not None:
        link = of_set.link
        values["F5"] = Value(link.value, link.lo, link.hi, link.classes)
    return values


def share_value(share: Estimate, n: int) -> Value:
    """A share with its `share_interval` over n things."""
    return Value(*share_interval(share, n), n)


def accuracy_at(attacked: AttackedAnswers, epsilon: float, counts: np.ndarray) -> Estimate:
    """The share of images right when clean and at one epsilon of 255, by seed."""
    right = attacked.at(epsilon).correct & attacked.clean.correct
    return mean_over_images(right, np.ones_like(right), counts)


def share_left(attacked: AttackedAnswers, counts: np.ndarray) -> Estimate:
    """Accuracy at HEADLINE over clean accuracy, by seed."""
    right = attacked.at(HEADLINE).correct  # an image wrong when clean is wrong here too
    return mean_over_images(right, attacked.clean.correct, counts)


def share_turned(attacked: AttackedAnswers, epsilon: float, counts: np.ndarray) -> Estimate:
    """The share of clean right answers that are wrong at one epsilon of 255, by seed."""
    return mean_over_images(attacked.at(epsilon).wrong, attacked.clean.correct, counts)


def confidence_gained(attacked: AttackedAnswers, counts: np.ndarray) -> Estimate:
    """Mean confidence of wrong answers at HEADLINE minus that of clean wrong answers, by seed."""
    at_headline = attacked.at(HEADLINE)
    clean = attacked.clean
    after = mean_over_images(at_headline.confidence, at_headline.wrong, counts)
    return after - mean_over_images(clean.confidence, clean.wrong, counts)


def sure_when_wrong(attacked: AttackedAnswers, counts: np.ndarray) -> Estimate:
    """The share of wrong answers at HEADLINE that are surer than SURE, by seed."""
    answers = attacked.at(HEADLINE)
    return mean_over_images(answers.confidence > SURE, answers.wrong, counts)


def same_confusions(clean: SeedAnswers, turned: SeedAnswers, counts: np.ndarray) -> Estimate:
    """Spearman's correlation over pairs of classes of two tables' residuals, by seed.

    Those of clean wrong answers and of the answers an attack turned, from quasi-independence; pairs
    that neither table expects are left out. NaN where a resample leaves fewer than three pairs.
    """
    weights = weights_of(counts, len(clean.labels))
    num_classes = len(clean.classes)
    residuals = []
    for answers in (clean, turned):
        tables = confusions.confusion_tables(
            answers.predicted, answers.labels, weights, num_classes=num_classes
        )
        expected = confusions.fitted_in_parts(tables)
        residuals.append(confusions.standardised(tables, expected))  # (B + 1, S, K, K)
    values = np.full(residuals[0].shape[:2], np.nan)
    for place in np.ndindex(*values.shape):
        of_clean, of_turned = residuals[0][place], residuals[1][place]
        pairs = (of_clean != 0) | (of_turned != 0)
        values[place] = rank_correlation(of_clean[pairs], of_turned[pairs])[0]
    return estimate_of(values)


def judge_attacks(
    values: Mapping[str, Value], attacked: AttackedAnswers, *, healthy: bool
) -> pd.DataFrame:
    """A row per claim for one set, with the columns JUDGED; NaN where it is not testable here.

    F2a has the verdict that SSIM has with edges and without, else it is undecided. Where the attack
    is not `healthy`, a light of its card being red, nothing holds or fails. Nothing here is
    confirmatory: a first verdict on fewer seeds had been seen.
    """
    table = judge_set(ATTACK_CLAIMS, values, attacked.clean)
    table["status"] = table.status.str.replace("confirmatory", TWICE)
    if WITH_EDGES in values:
        ssim = table.claim.str.startswith("F2a")
        other = values[WITH_EDGES]
        claim = next(claim for claim in ATTACK_CLAIMS if claim.key == "F2a")
        row = claim.judge_interval(other.value, other.lo, other.hi)
        both = [*table.loc[ssim].to_dict("records"), row]
        table.loc[ssim, "verdict"] = weakest_verdict(both)
    if not healthy:
        table.loc[table.verdict != NOT_TESTABLE, "verdict"] = "undecided"
    return table
