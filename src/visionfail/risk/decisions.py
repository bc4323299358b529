"""What a threshold does: misses, false alarms, what passes, and what all of it costs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from visionfail import metrics
from visionfail.metrics import Estimate

BOOTSTRAPS = 1000


@dataclass(frozen=True, eq=False)
class Scored:
    """Pictures with their score, the probability of being unsafe, label and group, each (N,).

    What is averaged are the safe, and the unsafe pictures of each group: G of these, each with one
    label, though a group (a shop) may have pictures of both.
    """

    score: np.ndarray
    labels: np.ndarray
    groups: np.ndarray

    def of_groups(self, values: np.ndarray) -> np.ndarray:
        """The mean of values (N,) in each group's safe or unsafe pictures, (G,)."""
        place = self._places()
        return np.bincount(place, weights=values) / np.bincount(place)

    def of_pictures(self, values: np.ndarray) -> np.ndarray:
        """What stands for each of the G, (G,), at each of its pictures, (N,)."""
        return values[self._places()]

    def unsafe(self) -> np.ndarray:
        """Which of the G are unsafe, bool."""
        return self.of_groups(self.labels == 1) == 1

    def counts(self, *, bootstraps: int = BOOTSTRAPS) -> np.ndarray:
        """How often each resample holds each of the G, (B, G): the same for all that is compared.

        Groups are drawn, with all of their pictures.
        """
        names, first = np.unique(self._places(), return_index=True)
        _, group = np.unique(self.groups[first], return_inverse=True)  # of each of the G
        n = len(np.unique(self.groups))
        drawn = metrics.resampling_counts(bootstraps, n, np.random.default_rng(0))
        return drawn[:, group] if len(names) > n else drawn

    def _places(self) -> np.ndarray:
        """Which of the G each picture belongs to, (N,)."""
        pairs = np.stack([self.groups, self.labels], axis=1)
        _, place = np.unique(pairs, axis=0, return_inverse=True)
        return place.reshape(-1)


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
    missed: ArrayLike, alarmed: ArrayLike, *, prevalence: float, cost_ratio: float
) -> dict[str, np.ndarray]:
    """What rates (...) mean where a share `prevalence` is unsafe, in shares of all pictures there.

    coverage: what passes unseen; residual risk: the unsafe share of what passes; cost: of a picture
    on average, in false alarms, where a miss costs `cost_ratio` of them.
    """
    missed = np.asarray(missed, dtype=float)
    alarmed = np.asarray(alarmed, dtype=float)
    unsafe_passed = prevalence * missed
    passed = unsafe_passed + (1 - prevalence) * (1 - alarmed)
    return {
        "coverage": passed,
        "residual risk": unsafe_passed / np.maximum(passed, 1e-12),
        "cost": unsafe_passed * cost_ratio + (1 - prevalence) * alarmed,
    }


def rate_interval(estimate: Estimate, n: int) -> tuple[float, float, float]:
    """(value, lo, hi) of a share over n groups: the bootstrap's interval, widened to Wilson's.

    Where nearly all groups are decided alike resamples hardly differ, and an interval of theirs
    would promise what n groups cannot: none of ten missed says no more than 28% at most.
    """
    value, lo, hi = estimate.interval()
    wilson_lo, wilson_hi = metrics.wilson(np.clip(value * n, 0, n), n)
    return value, min(lo, float(wilson_lo)), max(hi, float(wilson_hi))


def rates_table(
    scored: Scored,
    threshold: float,
    *,
    prevalence: float,
    cost_ratio: float,
    counts: np.ndarray | None = None,
) -> pd.DataFrame:
    """A row per quantity of a threshold: quantity, value, lo, hi (95% over groups), n (groups).

    Intervals of what rates mean at work span those of both rates, so they are cautious. `counts`
    are those of `scored.counts()`, for who has several thresholds to ask about.
    """
    if counts is None:
        counts = scored.counts()
    rate = rates(scored, threshold, counts)
    unsafe = scored.unsafe()
    n = {"missed": int(unsafe.sum()), "alarmed": int((~unsafe).sum())}
    rows = []
    spans = []
    for name, estimate in rate.items():
        spans.append(rate_interval(estimate, n[name]))
        value, lo, hi = spans[-1]
        rows.append({"quantity": name, "value": value, "lo": lo, "hi": hi, "n": n[name]})
    missed, alarmed = np.meshgrid(*spans)  # (3, 3): value, lo and hi of both
    spanned = at_work(missed, alarmed, prevalence=prevalence, cost_ratio=cost_ratio)
    for name, values in spanned.items():
        row = {"quantity": name, "value": values[0, 0], "lo": values.min(), "hi": values.max()}
        rows.append({**row, "n": len(unsafe)})
    return pd.DataFrame(rows)


def extra_cost(
    scored: Scored, threshold: float, other: float, *, prevalence: float, cost_ratio: float
) -> tuple[float, float, float]:
    """What a picture costs more on average, in false alarms, at a threshold than at the other.

    (value, lo, hi), paired over groups.
    """
    counts = scored.counts()
    one = rates(scored, threshold, counts)
    two = rates(scored, other, counts)
    missed = one["missed"] - two["missed"]
    alarmed = one["alarmed"] - two["alarmed"]
    weights = prevalence * cost_ratio, 1 - prevalence
    exact = weights[0] * missed.exact + weights[1] * alarmed.exact
    samples = weights[0] * missed.samples + weights[1] * alarmed.samples
    return Estimate(exact, samples).interval()


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


def surest_errors(scored: Scored, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """(places of what is missed, of false alarms): the surest one of each group, surest first."""
    flagged = scored.score >= threshold
    found = []
    for wrong, doubt in (
        (~flagged & (scored.labels == 1), scored.score),
        (flagged & (scored.labels == 0), -scored.score),
    ):
        places = np.flatnonzero(wrong)
        places = places[np.argsort(doubt[places], kind="stable")]
        _, first = np.unique(scored.groups[places], return_index=True)
        found.append(places[np.sort(first)])
    return found[0], found[1]


def in_words(threshold: float, table: pd.DataFrame, *, cost_ratio: float, prevalence: float) -> str:
    """What each error is and costs, of a table of `rates_table`."""
    row = table.set_index("quantity")
    missed = row.loc["missed"]
    alarmed = row.loc["alarmed"]
    cost = row.loc["cost"]
    return (
        f"Flagged from a score of {threshold:.3g} on. A miss lets an unsafe picture pass and costs "
        f"as much as {cost_ratio:g} false alarms: {1000 * missed.value:.1f} of 1,000 unsafe ones "
        f"(95% {1000 * missed.lo:.1f} to {1000 * missed.hi:.1f}, n = {int(missed.n):,}). A false "
        f"alarm has a person look at a safe picture: {1000 * alarmed.value:.1f} of 1,000 safe ones "
        f"(95% {1000 * alarmed.lo:.1f} to {1000 * alarmed.hi:.1f}, n = {int(alarmed.n):,}). Where "
        f"{prevalence:.1%} are unsafe, {row.value['coverage']:.1%} pass unseen and "
        f"{1000 * row.value['residual risk']:.2f} of 1,000 of these are unsafe; 1,000 pictures "
        f"cost as much as {1000 * cost.value:,.0f} false alarms ({1000 * cost.lo:,.0f} to "
        f"{1000 * cost.hi:,.0f})."
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
    unsafe = scored.unsafe()
    rows = []
    for name, inside in parts.items():
        share = scored.of_groups(inside)
        spans = []
        for chosen in (unsafe, ~unsafe):
            estimate = metrics.ratio_of_sums([share * chosen], [chosen], counts)
            spans.append(rate_interval(estimate, int(chosen.sum())))
        row: dict[str, object] = {"part": name}
        of_unsafe, of_safe = np.meshgrid(*spans)  # (3, 3): value, lo and hi of both
        row.update(_mixed(of_unsafe, of_safe, prevalence))
        rows.append(row)
    return pd.DataFrame(rows)


def _mixed(of_unsafe: np.ndarray, of_safe: np.ndarray, prevalence: float) -> dict[str, float]:
    """share and unsafe at a prevalence, with the intervals that span those of both (3, 3)."""
    share = prevalence * of_unsafe + (1 - prevalence) * of_safe
    unsafe = prevalence * of_unsafe / np.maximum(share, 1e-12)
    row = {}
    for name, values in (("share", share), ("unsafe", unsafe)):
        row.update({name: values[0, 0], f"{name} lo": values.min(), f"{name} hi": values.max()})
    return row
