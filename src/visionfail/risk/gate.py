"""Whether an export decides as the network that was evaluated: one rule after another.

A rule takes what was Compared and gives its reason to refuse, or None.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from visionfail import devices, metrics
from visionfail.risk.calibration import Calibration, calibration_error
from visionfail.risk.thresholds import Threshold, miss_p_value, miss_share_by_group

CLOSE = 1e-4  # of logits, for onnx
FLIPS = 0.01  # the 95% upper bound on the share of flipped decisions, for int8
MOVED = 0.02  # likewise of pictures that change their part: twice FLIPS, for a band has two ends
ECE_RISE = 0.01  # of calibrated probabilities, for int8
PEOPLE_BELOW = 0.9  # the review band's upper end, a calibrated probability


@dataclass(frozen=True)
class Gate:
    """What a gate found of an export: passed, or every reason why not."""

    passed: bool
    reasons: tuple[str, ...]
    measured: dict[str, float]
    host: str  # processor and providers; int8 kernels differ between hosts


@dataclass(frozen=True, eq=False)
class Compared:
    """Logits (N, 2) of the network and of its export on the same pictures, with all that judges.

    labels and groups are (N,); the threshold is a score.
    """

    reference: np.ndarray
    answers: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    threshold: Threshold
    calibration: Calibration

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """The probability of "unsafe" by the network and by its export, each (N,)."""
        score = metrics.probabilities(self.reference)[:, 1]
        return score, metrics.probabilities(self.answers)[:, 1]

    def apart(self) -> float:
        """The largest distance of two logits."""
        return float(np.abs(self.reference - self.answers).max())

    def flips(self) -> int:
        """How many decisions differ."""
        score, theirs = self.scores()
        return int(((score >= self.threshold.value) != (theirs >= self.threshold.value)).sum())

    def moved(self) -> int:
        """How many pictures change their part: passed, to people (the review band), refused."""
        high = float(self.calibration.score_at(PEOPLE_BELOW))
        ends = [self.threshold.value, max(self.threshold.value, high)]
        score, theirs = self.scores()
        return int((np.digitize(score, ends) != np.digitize(theirs, ends)).sum())

    def ece_rise(self) -> float:
        """The export's ECE of the predicted class minus the network's, of calibrated ones."""
        ours, theirs = (
            calibration_error(self.calibration.probability(score), self.labels)
            for score in self.scores()
        )
        return theirs - ours

    def measures(self) -> dict[str, float]:
        """All that the rules look at, by name."""
        n = len(self.labels)
        return {
            "flips": self.flips(),
            "flip bound": upper_bound(self.flips(), n),
            "parts moved": self.moved(),
            "parts moved bound": upper_bound(self.moved(), n),
            "logits apart": self.apart(),
            "ECE moved": self.ece_rise(),
        }


def upper_bound(count: int, n: int) -> float:
    """The one-sided 95% upper bound on a share, of which `count` of n were seen.

    Clopper and Pearson 1934.
    """
    return float(stats.beta.ppf(0.95, count + 1, n - count)) if count < n else 1.0


def pictures_needed(limit: float) -> int:
    """The fewest pictures by which a share can be bounded by `limit`, none of them counted."""
    return math.ceil(math.log(0.05) / math.log1p(-limit))


def all_numbers(compared: Compared) -> str | None:
    """Every logit is a finite number, the network's own too."""
    for logits in (compared.reference, compared.answers):
        if not np.isfinite(logits).all():
            return "some logits are no finite numbers"
    return None


def no_flip(compared: Compared) -> str | None:
    """No decision differs."""
    flips = compared.flips()
    return f"{flips} decisions flip" if flips else None


def close_logits(compared: Compared) -> str | None:
    """No two logits are more than CLOSE apart."""
    apart = compared.apart()
    return f"logits {apart:.2g} apart, more than {CLOSE:g}" if apart > CLOSE else None


def few_flips(compared: Compared) -> str | None:
    """The share of flipped decisions is bounded by FLIPS."""
    return _too_many(compared.flips(), len(compared.labels), FLIPS, "flips")


def few_moved(compared: Compared) -> str | None:
    """The share of pictures that change their part is bounded by MOVED."""
    return _too_many(compared.moved(), len(compared.labels), MOVED, "changes of part")


def _too_many(count: int, n: int, limit: float, words: str) -> str | None:
    """The reason where the upper bound on a share is above its limit."""
    bound = upper_bound(count, n)
    if bound <= limit:
        return None
    needed = pictures_needed(limit)
    few = f"; it takes {needed} pictures at least" if n < needed else ""
    return f"{count} {words} of {n}, up to {bound:.1%}, more than {limit:.0%}{few}"


def recall_kept(compared: Compared) -> str | None:
    """A recall guarantee is one by the export's own scores too."""
    threshold = compared.threshold
    if not threshold.guaranteed:
        return None
    _, theirs = compared.scores()
    losses = miss_share_by_group(theirs, compared.labels, compared.groups, [threshold.value])
    still = miss_p_value(losses, threshold.max_miss)[0] <= threshold.delta
    return None if still else "the recall guarantee is lost"


def ece_kept(compared: Compared) -> str | None:
    """ECE rises by no more than ECE_RISE."""
    rise = compared.ece_rise()
    return f"ECE rises by {rise:.3f}, more than {ECE_RISE:g}" if rise > ECE_RISE else None


RULES: dict[str, tuple[Callable[[Compared], str | None], ...]] = {
    "onnx": (no_flip, close_logits),
    "int8": (few_flips, few_moved, recall_kept, ece_kept),
}


def check_export(
    kind: str,
    reference: np.ndarray,
    answers: Mapping[int, np.ndarray],
    *,
    labels: np.ndarray,
    groups: np.ndarray,
    threshold: Threshold,
    calibration: Calibration,
) -> Gate:
    """Whether an export with logits `answers` {batch size: (N, 2)} decides as the `reference`.

    "onnx": no decision flips and logits lie within CLOSE. "int8": flips are at most FLIPS and
    changes of part at most MOVED by their 95% upper bounds, a recall guarantee is kept, and ECE
    rises by no more than ECE_RISE.
    """
    reasons = []
    measured: dict[str, float] = {}
    for size, logits in answers.items():
        compared = Compared(reference, logits, labels, groups, threshold, calibration)
        refused = [all_numbers(compared)]
        if refused == [None]:
            refused = [rule(compared) for rule in RULES[kind]]
            for name, value in compared.measures().items():
                measured[f"{name}, batch {size}"] = value
        reasons += [f"batch {size}: {reason}" for reason in refused if reason]
    return Gate(not reasons, tuple(reasons), measured, describe_host())


def describe_host() -> str:
    """Processor, its int8 instructions, onnxruntime and its providers: int8 differs by them."""
    import onnxruntime

    processor = devices.describe_device("cpu")
    int8 = ", ".join(devices.int8_instructions()) or "none"
    providers = ", ".join(onnxruntime.get_available_providers())
    return (
        f"{processor}, int8 instructions: {int8}; onnxruntime {onnxruntime.__version__} with "
        f"{providers}"
    )
