"""Who bears the errors: rates by kind of picture, compared with all others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from visionfail import metrics
from visionfail.risk.decisions import Scored

RESAMPLES = 1000


def by_kind_table(scored: Scored, kinds: Sequence[str], threshold: float) -> pd.DataFrame:
    """A row per kind: the share decided wrongly at a threshold, the most first.

    Columns: kind, error ("missed" or "flagged"), value, lo, hi (95% over groups), n groups, p_holm.
    p is of a rank test between the kind's groups and those of its class's other kinds, corrected by
    Holm for their number; missing where a kind is alone. An interval of few groups is narrow where
    all of them are decided alike.
    """
    wrong = scored.of_groups((scored.score >= threshold) != (scored.labels == 1))  # (G,)
    unsafe = scored.of_groups(scored.labels == 1) > 0.5
    _, first = np.unique(scored.groups, return_index=True)
    of_group = np.array(kinds)[first]
    rows = []
    for kind in sorted(set(kinds)):
        chosen = of_group == kind
        others = ~chosen & (unsafe == unsafe[chosen][0])
        row: dict[str, object] = {"kind": kind}
        row["error"] = "missed" if unsafe[chosen][0] else "flagged"
        row["value"] = wrong[chosen].mean()
        row["lo"], row["hi"] = _interval(wrong[chosen])
        row["n"] = int(chosen.sum())
        row["p"] = _rank_p(wrong[chosen], wrong[others])
        rows.append(row)
    table = pd.DataFrame(rows)
    tested = table.p.notna()
    table.loc[tested, "p_holm"] = metrics.holm(table.p[tested])
    return table.drop(columns="p").sort_values("value", ascending=False, kind="stable")


def _interval(shares: np.ndarray) -> tuple[float, float]:
    """A 95% interval of the mean of shares (G,): Wilson's, each group counted as its share."""
    lo, hi = metrics.wilson(shares.sum(), len(shares))
    return float(lo), float(hi)


def _rank_p(these: np.ndarray, others: np.ndarray) -> float:
    """The p value of Mann and Whitney's test; NaN without others, 1 where all are alike."""
    if not len(others):
        return np.nan
    if np.ptp(np.concatenate([these, others])) == 0:
        return 1.0
    return float(stats.mannwhitneyu(these, others).pvalue)
