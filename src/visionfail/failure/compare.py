"""AUROC, AURC and AUGRC of failure scores by seed, differences between them, and their outcomes.

Scores of different seeds are never pooled: each seed's network fails on other images, so each gets
an AUROC of its own. Differences are averaged over seeds; images and seeds are resampled crossed. A
difference is a win or a loss only where that interval and the one over seeds alone say so: five
seeds that are resampled scatter a little less than five new ones.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from visionfail import files, metrics

# an interval within +-MARGIN is a tie: nobody would choose a method for such a difference
MARGIN = 0.01
ALPHA = 0.05
LEAST_P = 1e-6  # five seeds and a normal tail tell nothing of smaller ones
FEW = 10  # with ten failures one resample in 20,000 has none
COVERAGE_STEPS = 50  # of 2% each

KEYS = ("slice", "detector", "baseline")
NUMBERS = ("value", "lo", "hi", "seed_lo", "seed_hi", "p")
OUTCOMES = ("win", "loss", "tie", "undecided")
Comparison = tuple[str, str, str]  # slice, detector, baseline
Exact = Callable[[np.ndarray, np.ndarray], float]  # (score, failed) -> value
Resampled = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # and counts -> (B,)
Measure = tuple[Exact, Resampled]
AUROC: Measure = (metrics.auroc, metrics.bootstrap_auroc)
AURC: Measure = (metrics.aurc, metrics.bootstrap_aurc)
AUGRC: Measure = (metrics.augrc, metrics.bootstrap_augrc)


@dataclass(frozen=True, eq=False)
class Scored:
    """Failure scores of one seed on one slice: {detector: (N,)}, failed bool (N,), digit (N,).

    `digit` is each image's place in the set it is from, for joint resampling.
    """

    scores: Mapping[str, np.ndarray]
    failed: np.ndarray
    digit: np.ndarray

    def at(self, mask: np.ndarray) -> "Scored":
        """The scores of the images where `mask` (N,) is true."""
        scores = {detector: values[mask] for detector, values in self.scores.items()}
        return Scored(scores, self.failed[mask], self.digit[mask])


def has_enough_failures(seeds: Sequence[Scored]) -> bool:
    """Whether every seed has at least FEW failures and FEW right answers.

    Below that no AUROC is worth its interval.
    """
    return all(FEW <= seed.failed.sum() <= len(seed.failed) - FEW for seed in seeds)


def aurocs(
    seeds: Sequence[Scored],
    counts: np.ndarray,
    *,
    detectors: Sequence[str] | None = None,
    measure: Measure = AUROC,
) -> dict[str, metrics.Estimate]:
    """{detector: AUROC by seed and resample} of one slice, of all detectors where none are named.

    Counts (B, digits) say how often each digit is drawn, the same for every slice. Another measure,
    such as AURC, is given as two functions: its value, and its value in resamples.
    """
    exactly, resampled = measure
    names = list(detectors or seeds[0].scores)
    samples = _resamples(seeds, names, counts, resampled)
    estimates = {}
    for detector in names:
        exact = [exactly(seed.scores[detector], seed.failed) for seed in seeds]
        estimates[detector] = metrics.Estimate(np.array(exact), samples[detector])
    return estimates


def _resamples(
    seeds: Sequence[Scored], detectors: Sequence[str], counts: np.ndarray, resampled: Resampled
) -> dict[str, np.ndarray]:
    """{detector: its measure in each resample, (B, seeds)}; one without a seed is resampled once.

    How often each image is drawn is looked up once a seed, for all of its detectors.
    """
    by_seed: dict[str, list[np.ndarray]] = {detector: [] for detector in detectors}
    with_seed = {detector for detector in detectors if _has_seed(seeds, detector)}
    for number, seed in enumerate(seeds):
        drawn = counts.take(seed.digit, axis=1)  # (B, N), a resample in one piece of memory
        for detector in detectors:
            if number and detector not in with_seed:
                values = by_seed[detector][0]
            else:
                values = resampled(seed.scores[detector], seed.failed, drawn)  # (B,)
            by_seed[detector].append(values)
    return {detector: np.stack(values, axis=1) for detector, values in by_seed.items()}


def _has_seed(seeds: Sequence[Scored], detector: str) -> bool:
    """Whether a detector's scores, or the failures it scores, are not the same in all seeds.

    A baseline that is fitted once for several seeds of the auditor has no seed of its own.
    """
    first = seeds[0]
    for seed in seeds[1:]:
        same_images = np.array_equal(seed.digit, first.digit)
        same_failures = np.array_equal(seed.failed, first.failed)
        same_scores = np.array_equal(seed.scores[detector], first.scores[detector])
        if not (same_images and same_failures and same_scores):
            return True
    return False


def auroc_rows(
    found: Mapping[str, Mapping[str, metrics.Estimate]], n: Mapping[str, int]
) -> pd.DataFrame:
    """A row per slice and detector: slice, detector, n, seeds, value (mean over seeds), lo, hi.

    `found` are the estimates {slice: {detector: estimate}}, `n` the images of each slice.
    """
    rows = []
    for name, estimates in found.items():
        for detector, estimate in estimates.items():
            value, lo, hi = estimate.interval()
            rows.append(
                {
                    "slice": name,
                    "detector": detector,
                    "n": n[name],
                    "seeds": len(estimate.exact),
                    "value": value,
                    "lo": lo,
                    "hi": hi,
                }
            )
    return pd.DataFrame(rows)


def risk_coverage_by_seed(
    seeds: Sequence[Scored], detector: str, *, counts: np.ndarray
) -> pd.DataFrame:
    """The selective risk of one detector at every 2% of coverage: coverage, risk, lo, hi.

    Fractions; the mean over seeds, with a 95% interval over digits and seeds, resampled crossed:
    each resample draws digits as often as its row of counts (B, digits) says, for all seeds.
    """
    coverages = np.linspace(0.02, 1, COVERAGE_STEPS)
    once = np.ones((1, counts.shape[1]))
    exact = _risks(seeds, detector, coverages, once)  # (1, S, COVERAGE_STEPS)
    samples = _risks(seeds, detector, coverages, counts)  # (B, S, COVERAGE_STEPS)
    drawn = metrics.drawn_seeds(len(samples), len(seeds))  # (B, S)
    crossed = np.take_along_axis(samples, drawn[:, :, None], axis=1).mean(axis=1)
    lo, hi = metrics.percentile_interval(crossed)
    risk = exact.mean(axis=(0, 1))
    return pd.DataFrame({"coverage": coverages, "risk": risk, "lo": lo, "hi": hi})


def _risks(
    seeds: Sequence[Scored], detector: str, coverages: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """The selective risk of each seed in each resample: (B, S, coverages)."""
    risks = []
    for seed in seeds:
        drawn = counts.take(seed.digit, axis=1)  # (B, N)
        score = seed.scores[detector]
        risks.append(metrics.selective_risk_at(score, seed.failed, coverages, drawn))
    return np.stack(risks, axis=1)


def difference_row(difference: metrics.Estimate) -> dict:
    """{"value", "lo", "hi", "seed_lo", "seed_hi", "p"} of a difference, its mean over seeds.

    lo and hi are 95% over digits and seeds, seed_lo and seed_hi 95% over seeds alone. p is
    two-sided, over both, that of a normal curve as wide as the resamples: counting those beyond 0
    can give no p under 2 / (B + 1), which Holm's correction of fifty comparisons would never let
    pass. Below LEAST_P it is LEAST_P.
    """
    value, lo, hi = difference.interval()
    over_seeds = metrics.interval_over_seeds(difference.exact.tolist())
    means = difference.means()  # (B,)
    p = 1.0
    if means.std():
        p = max(LEAST_P, 2 * stats.norm.sf(abs(value) / means.std(ddof=1)))
    return {
        "value": value,
        "lo": lo,
        "hi": hi,
        "seed_lo": over_seeds["lo"],
        "seed_hi": over_seeds["hi"],
        "p": p,
    }


def outcome(row: Mapping, *, p: float) -> str:
    """The outcome of a `difference_row`: "tie", "win", "loss" or "undecided".

    A tie is an interval within +-MARGIN. A win lies above 0, over digits and seeds and over seeds
    alone, with p (corrected, if it is one of many) under 5%; a loss lies below 0 likewise.
    """
    if row["lo"] >= -MARGIN and row["hi"] <= MARGIN:
        return "tie"
    if p < ALPHA and row["lo"] > 0 and row["seed_lo"] > 0:
        return "win"
    if p < ALPHA and row["hi"] < 0 and row["seed_hi"] < 0:
        return "loss"
    return "undecided"


def comparison_table(
    differences: Mapping[Comparison, metrics.Estimate], *, prespecified: Comparison
) -> pd.DataFrame:
    """A row per (slice, detector, baseline): how far the detector is ahead, p, and the outcome.

    `prespecified` was chosen beforehand and stands by itself; the others are Holm-corrected
    together, the same difference under two names once. ValueError where `prespecified` is not among
    the differences.
    """
    rows = []
    for (name, detector, baseline), difference in differences.items():
        row = {"slice": name, "detector": detector, "baseline": baseline}
        row.update(difference_row(difference))
        rows.append(row)
    table = pd.DataFrame(rows)
    table["prespecified"] = [comparison == prespecified for comparison in differences]
    if table.prespecified.sum() != 1:
        raise ValueError(f"{prespecified} is not among the comparisons {list(differences)}.")
    table["p_corrected"] = table.p
    once = _corrected_together(table)
    table.loc[once.index, "p_corrected"] = metrics.holm(once.p)
    same = table.groupby([*NUMBERS, "prespecified"], dropna=False)
    table["p_corrected"] = same.p_corrected.transform("max")  # p itself where it stands again
    table["outcome"] = [outcome(row, p=row["p_corrected"]) for row in table.to_dict("records")]
    return table


def count_corrected(table: pd.DataFrame) -> int:
    """How many comparisons the p values of a `comparison_table` are corrected for."""
    return len(_corrected_together(table))


def _corrected_together(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that were not chosen beforehand, each difference once."""
    return table.loc[~table.prespecified].drop_duplicates(list(NUMBERS))


def save_comparison(table: pd.DataFrame, path: Path) -> None:
    """Write a `comparison_table` as csv, whole or not at all.

    Its column "seeds", the difference of every seed, is written as numbers in words, "by_seed".
    """
    by_seed = [_joined(differences) for differences in table["seeds"]]
    with files.atomic_write(path) as temporary:
        text = table.drop(columns="seeds").assign(by_seed=by_seed)
        text.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def load_comparison(path: Path) -> pd.DataFrame:
    """The table that `save_comparison` wrote, with "by_seed" in place of "seeds".

    FileNotFoundError where there is none. ValueError with the name of the file where it is damaged,
    lacks a column, or has an outcome that is none, a comparison twice or not one prespecified.
    """
    kinds = {"prespecified": bool, "n": int}
    kinds.update(dict.fromkeys(("value", "lo", "hi"), float))
    table = files.read_table(path, columns=(*KEYS, *kinds, "outcome"), dtype=kinds)
    with files.reading(path, remedy=files.RESTORE):
        _check_comparison(table)
    return table


def _check_comparison(table: pd.DataFrame) -> None:
    """Raises ValueError unless the rows are different comparisons with their outcomes."""
    strange = set(table.outcome) - set(OUTCOMES)
    if strange:
        raise ValueError(f"its outcomes {', '.join(map(str, strange))} are none")
    if table.duplicated(list(KEYS)).any():
        raise ValueError("it has a comparison twice")
    if table.prespecified.sum() != 1:
        raise ValueError(f"{table.prespecified.sum()} of its comparisons are prespecified, not 1")


def _joined(values: Iterable[float]) -> str:
    """Numbers to six digits, with a space between them."""
    return " ".join(f"{value:.6g}" for value in values)
