"""What a threshold does: misses, false alarms, what passes, and what all of it costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.metrics import Estimate

BOOTSTRAPS = 1000


@dataclass(frozen=True, eq=False)
class Scored:
    """Pictures with their score, the probability of being unsafe, label and group, each (N,)."""

    score: np.ndarray
    labels: np.ndarray
    groups: np.ndarray

    def of_groups(self, values: np.ndarray) -> np.ndarray:
        """The mean of values (N,) in each group, (G,)."""
        _, place = np.unique(self.groups, return_inverse=True)
        return np.bincount(place, weights=values) / np.bincount(place)

    def counts(self, *, bootstraps: int = BOOTSTRAPS) -> np.ndarray:
        """How often each resample holds each group, (B, G): the same for all that is compared."""
        n = len(np.unique(self.groups))
        return metrics.resampling_counts(bootstraps, n, np.random.default_rng(0))


def rates(scored: Scored, threshold: float, counts: np.ndarray) -> dict[str, Estimate]:
    """{"missed", "alarmed"}: the share of unsafe pictures passed, and of safe ones flagged.

    Means over groups, whose resamples are counts (B, G). ValueError where a class is missing.
    """
    if len(np.unique(scored.labels)) < 2:
        raise ValueError("these pictures are all of one class: rates need safe and unsafe ones.")
    flagged = scored.score >= threshold
    unsafe = scored.of_groups(scored.labels == 1) > 0.5  # (G,)
    share_flagged = scored.of_groups(flagged)
    return {
        "missed": metrics.ratio_of_sums([(1 - share_flagged) * unsafe], [unsafe], counts),
        "alarmed": metrics.ratio_of_sums([share_flagged * ~unsafe], [~unsafe], counts),
    }


def at_work(
    rate: Mapping[str, Estimate], *, prevalence: float, cost_ratio: float
) -> dict[str, Estimate]:
    """What the rates mean where a share `prevalence` is unsafe, in shares of all pictures there.

    coverage: what passes unseen; residual risk: the unsafe share of what passes; cost: of a picture
    on average, in false alarms, where a miss costs `cost_ratio` of them.
    """
    missed = rate["missed"]
    alarmed = rate["alarmed"]

    def of(missed: np.ndarray, alarmed: np.ndarray) -> dict[str, np.ndarray]:
        unsafe_passed = prevalence * missed
        passed = unsafe_passed + (1 - prevalence) * (1 - alarmed)
        return {
            "coverage": passed,
            "residual risk": unsafe_passed / np.maximum(passed, 1e-12),
            "cost": prevalence * cost_ratio * missed + (1 - prevalence) * alarmed,
        }

    exact = of(missed.exact, alarmed.exact)
    samples = of(missed.samples, alarmed.samples)
    return {name: Estimate(exact[name], samples[name]) for name in exact}


def rates_table(
    scored: Scored, threshold: float, *, prevalence: float, cost_ratio: float
) -> pd.DataFrame:
    """A row per quantity of a threshold: quantity, value, lo, hi (95% over groups), n (groups)."""
    counts = scored.counts()
    rate = rates(scored, threshold, counts)
    unsafe = scored.of_groups(scored.labels == 1) > 0.5
    n = {"missed": int(unsafe.sum()), "alarmed": int((~unsafe).sum())}
    rows = []
    everything = {**rate, **at_work(rate, prevalence=prevalence, cost_ratio=cost_ratio)}
    for name, estimate in everything.items():
        value, lo, hi = estimate.interval()
        row = {"quantity": name, "value": value, "lo": lo, "hi": hi}
        rows.append({**row, "n": n.get(name, len(unsafe))})
    return pd.DataFrame(rows)


def picture_measures(scored: Scored, threshold: float) -> dict[str, float]:
    """Accuracy, precision, recall, F1 and specificity over pictures; unsafe is the positive class.

    Precision is that of this set, whose share of unsafe pictures is its own. NaN where undefined.
    """
    flagged = scored.score >= threshold
    unsafe = scored.labels == 1
    hits = int((flagged & unsafe).sum())
    alarms = int((flagged & ~unsafe).sum())
    misses = int((~flagged & unsafe).sum())
    passed = int((~flagged & ~unsafe).sum())
    return {
        "accuracy": (hits + passed) / len(flagged),
        "precision": hits / (hits + alarms) if hits + alarms else np.nan,
        "recall": hits / (hits + misses) if hits + misses else np.nan,
        "F1": 2 * hits / (2 * hits + alarms + misses) if hits + alarms + misses else np.nan,
        "specificity": passed / (passed + alarms) if passed + alarms else np.nan,
    }


def in_words(threshold: float, table: pd.DataFrame, *, cost_ratio: float, prevalence: float) -> str:
    """What each error is and costs, of a table of `rates_table`."""
    row = table.set_index("quantity")
    missed = row.loc["missed"]
    alarmed = row.loc["alarmed"]
    return (
        f"Flagged from a score of {threshold:.3g} on. A miss lets an unsafe picture pass and costs "
        f"as much as {cost_ratio:g} false alarms: {1000 * missed.value:.1f} of 1,000 unsafe ones "
        f"(95% {1000 * missed.lo:.1f} to {1000 * missed.hi:.1f}, n = {int(missed.n):,}). A false "
        f"alarm has a person look at a safe picture: {1000 * alarmed.value:.1f} of 1,000 safe ones "
        f"(95% {1000 * alarmed.lo:.1f} to {1000 * alarmed.hi:.1f}, n = {int(alarmed.n):,}). Where "
        f"{prevalence:.1%} are unsafe, {row.value['coverage']:.1%} pass unseen and "
        f"{1000 * row.value['residual risk']:.2f} of 1,000 of these are unsafe."
    )


def review_band(
    scored: Scored, low: float, high: float, counts: np.ndarray, *, prevalence: float
) -> pd.DataFrame:
    """Pass below `low`, people between, refuse from `high` on: a row per part, with intervals.

    Columns: part, share (of pictures where `prevalence` are unsafe), unsafe (the unsafe share of
    the part), each with lo and hi. ValueError unless low <= high.
    """
    if low > high:
        raise ValueError(f"the band goes from {low} to {high}: pass the lower end first.")
    score = scored.score
    parts = {"passed": score < low, "to people": (score >= low) & (score < high)}
    parts["refused"] = score >= high
    unsafe = scored.of_groups(scored.labels == 1) > 0.5
    rows = []
    for name, inside in parts.items():
        share = scored.of_groups(inside)
        of_unsafe = metrics.ratio_of_sums([share * unsafe], [unsafe], counts)
        of_safe = metrics.ratio_of_sums([share * ~unsafe], [~unsafe], counts)
        row: dict[str, object] = {"part": name}
        row.update(_mixed(of_unsafe, of_safe, prevalence))
        rows.append(row)
    return pd.DataFrame(rows)


def _mixed(of_unsafe: Estimate, of_safe: Estimate, prevalence: float) -> dict[str, float]:
    """share and unsafe with their intervals, at a prevalence."""

    def of(unsafe: np.ndarray, safe: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = prevalence * unsafe + (1 - prevalence) * safe
        return share, prevalence * unsafe / np.maximum(share, 1e-12)

    share, unsafe = of(of_unsafe.exact, of_safe.exact)
    share_samples, unsafe_samples = of(of_unsafe.samples, of_safe.samples)
    row = {}
    for name, exact, samples in (
        ("share", share, share_samples),
        ("unsafe", unsafe, unsafe_samples),
    ):
        value, lo, hi = Estimate(exact, samples).interval()
        row.update({name: value, f"{name} lo": lo, f"{name} hi": hi})
    return row
