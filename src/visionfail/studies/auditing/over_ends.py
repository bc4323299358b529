"""Comparisons with the stored ensemble that hold whatever its missing probabilities are."""

from collections.abc import Mapping, Sequence

import pandas as pd

from visionfail import failure
from visionfail.failure.compare import Comparison
from visionfail.metrics import Estimate
from visionfail.studies.auditing.stored_ensemble import ENDS, ENSEMBLE

WIDEST = {"lo": "min", "seed_lo": "min", "hi": "max", "seed_hi": "max"}
WIDEST.update({"p": "max", "p_corrected": "max"})

AurocsBySlice = Mapping[str, Mapping[str, Estimate]]


def compare_over_ends(
    aurocs: AurocsBySlice, pairs: Sequence[tuple[str, str]], *, prespecified: Comparison
) -> pd.DataFrame:
    """`failure.comparison_table` of each pair on each slice, over all that is not stored.

    A table is made with each of ENDS in the place of ENSEMBLE. The outcome is the one that they
    share, else "undecided"; `hangs` is then true of the ensemble's comparisons, which hang on
    probabilities that are not stored. value and seeds are those where the rest is shared out,
    `at_lowest` and `at_highest` the values at the ends; intervals are the widest, p the largest.
    Without the ensemble in `pairs` there is one table.
    """
    with_ensemble = any(ENSEMBLE in pair for pair in pairs)
    tables = []
    for end in ENDS if with_ensemble else [ENSEMBLE]:
        differences = _differences(aurocs, pairs, end=end)
        tables.append(failure.comparison_table(differences, prespecified=prespecified))
    compared = _agreed(tables)
    shared = _differences(aurocs, pairs, end=ENSEMBLE)
    compared["seeds"] = [list(difference.exact) for difference in shared.values()]
    return compared


def _differences(
    aurocs: AurocsBySlice, pairs: Sequence[tuple[str, str]], *, end: str
) -> dict[Comparison, Estimate]:
    """Each pair's difference on each slice, `end` in the place of ENSEMBLE."""
    differences = {}
    for name, estimates in aurocs.items():
        for pair in pairs:
            first, second = (end if detector == ENSEMBLE else detector for detector in pair)
            differences[name, *pair] = estimates[first] - estimates[second]
    return differences


def _agreed(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of several of the same comparisons: the first, with what holds in all of them."""
    agreed = tables[0].copy()
    for column, how in WIDEST.items():
        agreed[column] = pd.concat([table[column] for table in tables], axis=1).agg(how, axis=1)
    outcomes = pd.concat([table.outcome for table in tables], axis=1)
    differ = outcomes.nunique(axis=1) > 1
    agreed.loc[differ, "outcome"] = "undecided"
    # others may differ by Holm's correction, which counts the ensemble's comparisons too
    agreed["hangs"] = differ & agreed[["detector", "baseline"]].eq(ENSEMBLE).any(axis=1)
    agreed["at_lowest"] = tables[len(tables) // 2].value
    agreed["at_highest"] = tables[-1].value
    opposite = agreed.at_lowest * agreed.at_highest < 0
    agreed.loc[opposite, ["p", "p_corrected"]] = 1.0  # a difference of 0 is among the possible
    return agreed


def widen_to_ends(table: pd.DataFrame) -> pd.DataFrame:
    """`failure.auroc_rows` in which ENSEMBLE's interval reaches from the lowest to the highest end.

    As it is where the ensemble is not among the detectors.
    """
    ends = table[table.detector.isin(ENDS)].groupby("slice")
    lowest = ends.lo.transform("min").reindex(table.index)
    highest = ends.hi.transform("max").reindex(table.index)
    others = table.detector != ENSEMBLE
    return table.assign(lo=table.lo.where(others, lowest), hi=table.hi.where(others, highest))
