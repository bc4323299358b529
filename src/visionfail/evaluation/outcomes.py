"""What a model answered under every condition, kept per image so that nothing need rerun."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from visionfail import corruptions, files, metrics

Condition = tuple[str, int]  # corruption and severity; ("clean", 0) comes first
FIELDS = ("predicted", "log_odds", "log_odds_scaled", "log_prob")
EVERY = corruptions.CORRUPTIONS + corruptions.EXTRAS


def all_conditions(
    severities: Sequence[int] = (1, 2, 3, 4, 5), names: Sequence[str] = EVERY
) -> list[Condition]:
    """Clean, then each corruption of `names`, the 15 and the 4 extras, at `severities`: 96
    conditions with all five.
    """
    return [("clean", 0)] + [
        (name, severity) for name in names for severity in severities if severity > 0
    ]


class Answers:
    """What follows from predicted (M, N), labels (N,) and the log-odds of the confidence (M, N)."""

    @property
    def correct(self) -> np.ndarray:
        """(M, N) bool."""
        return self.predicted == self.labels

    @property
    def confidence(self) -> np.ndarray:
        """(M, N) in [0, 1]: the softmax probability of the predicted class."""
        return metrics.confidence_from_log_odds(self.log_odds)


@dataclass(frozen=True, eq=False)
class Outcomes(Answers):
    """What a model answered, per condition (M) and image (N), small enough to commit.

    predicted uint8 (M, N); as float16 (M, N): log_odds of the confidence, log_odds_scaled the same
    at `temperature` (fitted on clean validation data), log_prob the log-probability of the true
    class. labels uint8 (N,); origins (M,).
    """

    conditions: tuple[Condition, ...]
    labels: np.ndarray
    predicted: np.ndarray
    log_odds: np.ndarray
    log_odds_scaled: np.ndarray
    log_prob: np.ndarray
    origins: tuple[str, ...]
    temperature: float
    # of which weights and images, in which precision and why, on what device, in how many seconds
    made: dict

    def at(self, name: str, severity: int) -> int:
        """The row of a condition; raises ValueError where it was not run."""
        if (name, severity) not in self.conditions:
            raise ValueError(
                f"{name} at severity {severity} is not among the {len(self.conditions)} conditions run."
            )
        return self.conditions.index((name, severity))

    def of(self, conditions: Sequence[Condition]) -> "Outcomes":
        """The same of some of the conditions, in that order; ValueError where one was not run."""
        rows = [self.at(*pair) for pair in conditions]
        fields = {field: getattr(self, field)[rows] for field in FIELDS}
        return replace(
            self,
            conditions=tuple(conditions),
            origins=tuple(self.origins[i] for i in rows),
            **fields,
        )

    def save(self, path: Path) -> None:
        """One compressed .npz without pickled objects, written whole or not at all."""
        names = np.array([f"{name}-{severity}" for name, severity in self.conditions])
        fields = {field: getattr(self, field) for field in FIELDS}
        with files.atomic_write(path) as part, open(part, "wb") as file:
            np.savez_compressed(
                file,
                conditions=names,
                labels=self.labels,
                origins=np.array(self.origins),
                temperature=np.float64(self.temperature),
                made=np.array(json.dumps(self.made)),
                **fields,
            )

    @classmethod
    def load(cls, path: Path) -> "Outcomes":
        """Read what `save` wrote; raises FileNotFoundError where there is nothing."""
        if not Path(path).exists():
            raise FileNotFoundError(
                f"no stored outcomes at {path}: run notebook 03 in the full profile to make them."
            )
        with np.load(path, allow_pickle=False) as stored:
            pairs = (name.rsplit("-", 1) for name in stored["conditions"].tolist())
            return cls(
                conditions=tuple((name, int(severity)) for name, severity in pairs),
                labels=stored["labels"],
                origins=tuple(stored["origins"].tolist()),
                temperature=float(stored["temperature"]),
                made=json.loads(str(stored["made"])),
                **{field: stored[field] for field in FIELDS},
            )


def outcome_of_logits(
    logits: torch.Tensor, labels: torch.Tensor, *, temperature: float
) -> dict[str, np.ndarray]:
    """What is kept of logits (N, K): the four arrays of `Outcomes` for one condition, each (N,)."""
    return {
        "predicted": logits.argmax(1).numpy().astype(np.uint8),
        "log_odds": metrics.log_odds(logits).astype(np.float16),
        "log_odds_scaled": metrics.log_odds(metrics.apply_temperature(logits, temperature)).astype(
            np.float16
        ),
        "log_prob": metrics.true_class_log_probability(logits, labels).astype(np.float16),
    }
