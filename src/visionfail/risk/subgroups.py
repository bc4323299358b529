"""Who bears the errors: rates by kind of picture, compared with all others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.risk.decisions import Scored
from visionfail.risk.pictures import CLASSES

PERMUTED = 9999
FEWEST = 3  # groups of which a p value is given
THIRDS = ("darkest third", "middle third", "brightest third")


def by_kind_table(scored: Scored, kinds: Sequence[str], threshold: float) -> pd.DataFrame:
    """A row per kind: the share decided wrongly at a threshold, the most first.

    Columns: kind, error ("missed" or "flagged"), value, lo, hi (95% over groups, Wilson's, each
    group counted as its share), n groups, p_holm. p is by permutation, of the difference to its
    class's other kinds, corrected by Holm for their number; missing where a kind has fewer than
    FEWEST groups or is alone.
    """
    wrong = scored.of_groups((scored.score >= threshold) != (scored.labels == 1))  # (G,)
    unsafe = scored.unsafe()
    names = sorted(set(kinds))
    number = scored.of_groups(np.searchsorted(names, np.array(kinds))).round().astype(int)  # (G,)
    rows = []
    for k, kind in enumerate(names):
        chosen = number == k
        others = ~chosen & (unsafe == unsafe[chosen][0])
        row: dict[str, object] = {"kind": kind}
        row["error"] = "missed" if unsafe[chosen][0] else "flagged"
        row["value"] = wrong[chosen].mean()
        row["lo"], row["hi"] = metrics.wilson(wrong[chosen].sum(), int(chosen.sum()))
        row["n"] = int(chosen.sum())
        row["p"] = _permuted_p(wrong[chosen], wrong[others])
        rows.append(row)
    table = pd.DataFrame(rows)
    table["p_holm"] = np.nan
    tested = table.p.notna()
    if tested.any():
        table.loc[tested, "p_holm"] = metrics.holm(table.p[tested])
    return table.drop(columns="p").sort_values("value", ascending=False, kind="stable")


def brightness_kinds(brightness: np.ndarray, scored: Scored) -> list[str]:
    """The kind of each picture, "darkest third, unsafe" and so on, by its group's mean brightness.

    Thirds are of all groups, safe and unsafe together; brightness (N,).
    """
    of_groups = scored.of_groups(brightness)  # (G,)
    edges = np.quantile(of_groups, [1 / 3, 2 / 3])
    third = scored.of_pictures(np.searchsorted(edges, of_groups, side="right"))  # (N,)
    return [
        f"{THIRDS[number]}, {CLASSES[label]}"
        for number, label in zip(third, scored.labels, strict=True)
    ]


def _permuted_p(these: np.ndarray, others: np.ndarray) -> float:
    """The two-sided p of a difference of means, by PERMUTED random relabellings; NaN for few."""
    if len(these) < FEWEST or not len(others):
        return np.nan
    together = np.concatenate([these, others])
    generator = np.random.default_rng(0)
    drawn = [generator.permutation(together)[: len(these)].mean() for _ in range(PERMUTED)]
    middle = together.mean()
    as_far = np.abs(np.array(drawn) - middle) >= abs(these.mean() - middle) - 1e-12
    return (1 + int(as_far.sum())) / (1 + PERMUTED)
