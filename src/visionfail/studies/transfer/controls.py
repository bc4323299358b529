"""What else would produce a claim's value: its statistic with one thing taken away or put in."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from visionfail.evaluation import Outcomes
from visionfail.metrics import Estimate, ratio_of_sums
from visionfail.studies.transfer import measures
from visionfail.studies.transfer.answers import Asked, Trained, paired
from visionfail.studies.transfer.backgrounds import Swapped
from visionfail.studies.transfer.claims import CAT, DOG, OF_RECIPES, Found
from visionfail.studies.transfer.hypotheses import (
    accuracy_gained,
    rigid_minus_organic,
    worst_class,
)
from visionfail.studies.transfer.recipes import BASELINE
from visionfail.studies.transfer.robustness import of_robustness

# {claim: what its control is, for which the unit is that of the claim}
CONTROLS = {
    "D3": "beside layers 3 and 4 at once",
    "D5": "without cat and dog",
    "D8a": "beside the picture's centre",
    "D10c": "that class's precision",
    "D13": "without frost, whose texture is ours",
}


def controls_table(
    asked: Asked,
    counts: np.ndarray,
    networks: Mapping[str, Trained],
    swapped: Swapped,
    of_pictures: np.ndarray,
    under_corruption: Outcomes,
) -> pd.DataFrame:
    """A row per claim that has a control and was measured: claim, control, value, lo, hi, n, seeds.

    `asked` are the reference's answers with counts (B, N), `swapped` those about objects with
    counts (B, M), `under_corruption` those to corrupted images. "One seed" is said of a control
    that compares recipes and has a single training seed.
    """
    without = rigid_minus_organic(asked, counts, without=(CAT, DOG))
    on_object = swapped.peak_on_mask.astype(float) - swapped.centre_on_mask
    off_centre = measures.mean_of(on_object[None], of_pictures)
    found = {
        "D5": Found.of(without, n=len(asked.labels), seeds=[0]),
        "D8a": Found.of(off_centre, n=len(swapped.labels), seeds=[0]),
    }
    if BASELINE in networks and "late-at-once-64" in networks:
        found["D3"] = accuracy_gained(networks[BASELINE], networks["late-at-once-64"], counts)
    if BASELINE in networks and "weighted-64" in networks:
        found["D10c"] = precision_gained(networks["weighted-64"], networks[BASELINE], counts)
    found |= of_robustness(under_corruption, counts, without="frost")
    rows = []
    for claim, words in CONTROLS.items():
        if claim in found:
            alone = claim in OF_RECIPES and found[claim].seeds.isdigit()
            words += " (one seed)" if alone else ""
            rows.append({"claim": claim, "control": words, **asdict(found[claim])})
    return pd.DataFrame(rows).drop(columns="by_seed")


def precision_gained(more: Trained, less: Trained, counts: np.ndarray) -> Found:
    """The precision of the class that is worst on validation images, one recipe minus another."""
    after, before = paired(more, less)
    worst = [worst_class(predicted, before.val.labels) for predicted in before.val.predicted]
    gained = precision_of(after.test, worst, counts) - precision_of(before.test, worst, counts)
    return Found.of(gained, n=len(after.test.labels), seeds=after.seeds)


def precision_of(asked: Asked, classes: list[int], counts: np.ndarray) -> Estimate:
    """Of the answers that name the class, one for each seed, the share that is right."""
    named = asked.predicted == np.array(classes)[:, None]  # (S, N)
    return ratio_of_sums((named & asked.correct).astype(float), named.astype(float), counts)
