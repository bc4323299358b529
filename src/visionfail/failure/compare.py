"""Does one judge tell failures better than another? Differences averaged over seeds, images
resampled jointly.

Scores of different seeds are never pooled: each seed's network fails on other images, so each gets
an AUROC of its own. A difference is a win or a loss only where both the images and the seeds say
so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from visionfail import files, metrics

MARGIN = (
    0.01  # an interval inside +-MARGIN is a tie: a difference that nobody would choose a method for
)

ALPHA = 0.05
FEW = 10  # with ten failures one resample in 20,000 has none


@dataclass(frozen=True, eq=False)
class Scored:
    """One seed on one slice: {judge: scores (N,)}, failed (N,) bool, digit (N,) for joint
    resampling.
    """

    scores: Mapping[str, np.ndarray]
    failed: np.ndarray
    digit: np.ndarray

    def at(self, mask: np.ndarray) -> "Scored":
        """The same of some of the digits."""
        scores = {judge: values[mask] for judge, values in self.scores.items()}
        return Scored(scores, self.failed[mask], self.digit[mask])


def has_enough_failures(seeds: Sequence[Scored]) -> bool:
    """Whether every seed has FEW failures and FEW right answers: below that no AUROC is worth its
    interval.
    """
    return all(FEW <= seed.failed.sum() <= len(seed.failed) - FEW for seed in seeds)


AUROC = (metrics.auroc, metrics.bootstrap_auroc)
AURC = (metrics.aurc, metrics.bootstrap_aurc)


def aurocs(
    seeds: Sequence[Scored],
    counts: np.ndarray,
    *,
    judges: Sequence[str] | None = None,
    measure: tuple = AUROC,
) -> dict[str, metrics.Estimate]:
    """{judge: Aurocs} of one slice; counts (B, digits) says how often each digit is drawn, the same
    for every slice. All judges where none are named; another measure, such as AURC, by its value
    and its value in resamples.
    """
    found, (exactly, resampled) = {}, measure
    for judge in judges or seeds[0].scores:
        exact = [exactly(seed.scores[judge], seed.failed) for seed in seeds]
        # a judge without a seed of its own has the very same scores and failures in all of them
        drawn = {}
        keys = [(id(seed.scores[judge]), id(seed.failed)) for seed in seeds]
        for key, seed in zip(keys, seeds, strict=True):
            if key not in drawn:
                drawn[key] = resampled(seed.scores[judge], seed.failed, counts[:, seed.digit])
        found[judge] = metrics.Estimate(
            np.array(exact), np.stack([drawn[key] for key in keys], axis=1)
        )
    return found


def auroc_rows(
    found: Mapping[str, Mapping[str, metrics.Estimate]], n: Mapping[str, int]
) -> pd.DataFrame:
    """A row a slice and judge: slice, judge, value (mean over seeds), lo, hi, n, seeds."""
    lines = [
        {"slice": name, "judge": judge, "n": n[name], "seeds": len(one.exact)}
        | dict(zip(("value", "lo", "hi"), one.interval(), strict=True))
        for name, judges in found.items()
        for judge, one in judges.items()
    ]
    return pd.DataFrame(lines)


def risk_coverage_by_seed(
    seeds: Sequence[Scored], judge: str, *, counts: np.ndarray
) -> pd.DataFrame:
    """Selective risk of one judge at every 2% of coverage, mean over seeds, 95% over digits:
    coverage, risk, lo, hi.
    """
    coverages, once = np.linspace(0.02, 1, 50), np.ones((1, counts.shape[1]))
    exact, drawn = (
        np.mean(
            [
                metrics.selective_risk_at(s.scores[judge], s.failed, coverages, c[:, s.digit])
                for s in seeds
            ],
            axis=0,
        )
        for c in (once, counts)
    )
    lo, hi = metrics.percentile_interval(drawn)
    return pd.DataFrame({"coverage": coverages, "risk": exact[0], "lo": lo, "hi": hi})


def difference_row(difference: metrics.Estimate) -> dict:
    """value (mean over seeds), lo, hi (95% over digits), t_lo, t_hi (95% over seeds), p (two-sided,
    over digits).

    p is that of a normal curve as wide as the resamples: counting those beyond 0 can give no p
    under 2 / (B + 1), which Holm's correction of fifty comparisons would never let pass.
    """
    value, lo, hi = difference.interval()
    seeds = metrics.interval_over_seeds(difference.exact)
    means = difference.means()
    p = 2 * stats.norm.sf(abs(value) / means.std(ddof=1)) if means.std() else 1.0
    return {"value": value, "lo": lo, "hi": hi, "t_lo": seeds["lo"], "t_hi": seeds["hi"], "p": p}


def outcome(row: Mapping, *, p: float) -> str:
    """tie: the interval lies within +-MARGIN; win: above 0, over digits and over seeds, and p
    (corrected, if it is one of many) under 5%; loss: below 0 likewise; else undecided.
    """
    if row["lo"] >= -MARGIN and row["hi"] <= MARGIN:
        return "tie"
    if p < ALPHA and row["lo"] > 0 and row["t_lo"] > 0:
        return "win"
    if p < ALPHA and row["hi"] < 0 and row["t_hi"] < 0:
        return "loss"
    return "undecided"


def comparison_table(
    differences: Mapping[tuple[str, str], metrics.Estimate], *, primary: tuple[str, str]
) -> pd.DataFrame:
    """A row a (slice, rival): how far the auditor is ahead, and the verdict. `primary` is judged by
    itself, chosen beforehand; the others are Holm-corrected together.
    """
    rows = pd.DataFrame(
        [{"slice": s, "rival": r, **difference_row(d)} for (s, r), d in differences.items()]
    )
    rows["primary"] = [key == primary for key in differences]
    if rows.primary.sum() != 1:
        raise ValueError(f"{primary} is not among the comparisons {list(differences)}.")
    rows["p_corrected"] = rows.p
    rows.loc[~rows.primary, "p_corrected"] = metrics.holm(rows.p[~rows.primary])
    rows["verdict"] = [outcome(row, p=row["p_corrected"]) for row in rows.to_dict("records")]
    return rows


def save_comparison(table: pd.DataFrame, path: Path) -> None:
    """Write a verdict table, with the difference of every seed in by_seed, as csv: whole or not at
    all.
    """
    by_seed = [" ".join(f"{value:.6g}" for value in seeds) for seeds in table["seeds"]]
    with files.atomic_write(path) as part:
        text = table.drop(columns="seeds").assign(by_seed=by_seed)
        text.to_csv(part, index=False, float_format="%.6g", lineterminator="\n")
