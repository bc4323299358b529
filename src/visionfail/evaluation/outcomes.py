"""A model's answers under every condition, kept per image so that nothing need be run again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from visionfail import corruptions, data, files, metrics

Condition = tuple[str, int]  # corruption and severity; ("clean", 0) comes first
FIELDS = ("predicted", "log_odds", "log_odds_scaled", "log_prob")
EVERY = corruptions.CORRUPTIONS + corruptions.EXTRAS


def all_conditions(
    severities: Sequence[int] = (1, 2, 3, 4, 5), names: Sequence[str] = EVERY
) -> list[Condition]:
    """("clean", 0), then each corruption of `names` at each of `severities` above 0.

    The defaults, the 15 corruptions and the 4 extras at five severities, are 96 conditions.
    """
    conditions = [("clean", 0)]
    for name in names:
        conditions += [(name, severity) for severity in severities if severity > 0]
    return conditions


class Answers:
    """Predicted classes (M, N), labels (N,), log-odds of the confidence (M, N), and what follows.

    M conditions, N images.
    """

    predicted: np.ndarray
    labels: np.ndarray
    log_odds: np.ndarray

    @property
    def correct(self) -> np.ndarray:
        """Whether each answer is right, bool (M, N)."""
        return self.predicted == self.labels

    @property
    def confidence(self) -> np.ndarray:
        """The softmax probability of the predicted class, (M, N) in [0, 1]."""
        return metrics.confidence_from_log_odds(self.log_odds)


@dataclass(frozen=True, eq=False)
class Outcomes(Answers):
    """A model's answers per condition (M) and image (N), small enough to commit.

    predicted uint8 (M, N), uint16 for more than 256 classes; as float16 (M, N): log_odds of the
    confidence, log_odds_scaled the same at `temperature` (fitted on clean validation data),
    log_prob the log-probability of the true class. labels as predicted (N,); origins (M,).
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
                f"{name} at severity {severity} is not among the {len(self.conditions)} "
                "conditions run."
            )
        return self.conditions.index((name, severity))

    def of(self, conditions: Sequence[Condition]) -> "Outcomes":
        """The outcomes of `conditions` alone, in that order; ValueError where one was not run."""
        rows = [self.at(name, severity) for name, severity in conditions]
        return replace(
            self,
            conditions=tuple(conditions),
            predicted=self.predicted[rows],
            log_odds=self.log_odds[rows],
            log_odds_scaled=self.log_odds_scaled[rows],
            log_prob=self.log_prob[rows],
            origins=tuple(self.origins[row] for row in rows),
        )

    def save(self, path: Path) -> None:
        """Write one compressed .npz without pickled objects, whole or not at all."""
        names = [f"{name}-{severity}" for name, severity in self.conditions]
        arrays = {
            "conditions": np.array(names),
            "labels": self.labels,
            "origins": np.array(self.origins),
            "temperature": np.float64(self.temperature),
        }
        for field in FIELDS:
            arrays[field] = getattr(self, field)
        files.save_arrays(path, arrays, made=self.made)

    @classmethod
    def load(cls, path: Path) -> "Outcomes":
        """The outcomes that `save` wrote to `path`; FileNotFoundError where there is nothing.

        ValueError with its name where it is damaged, or holds other arrays.
        """
        with files.reading(path, remedy="restore it (git checkout), or remove it and sweep again"):
            arrays, made = files.load_arrays(path)
            conditions = []
            for condition in arrays.pop("conditions").tolist():
                name, severity = condition.rsplit("-", 1)
                conditions.append((name, int(severity)))
            origins = tuple(arrays.pop("origins").tolist())
            temperature = float(arrays.pop("temperature"))
            _check_stored(arrays, len(conditions))
            _check_origins(origins, len(conditions))
            if not 0 < temperature < np.inf:
                raise ValueError(f"temperature is {temperature}")
            return cls(
                conditions=tuple(conditions),
                origins=origins,
                temperature=temperature,
                made=made,
                **arrays,
            )


def _check_stored(arrays: Mapping[str, np.ndarray], conditions: int) -> None:
    """Raises ValueError unless the arrays of a sweep are what `Outcomes` says of them."""
    labels = arrays["labels"]
    if labels.dtype.kind != "u" or labels.ndim != 1:
        raise ValueError(f"labels is {labels.dtype} {labels.shape}")
    for field in FIELDS:
        check_field(field, arrays[field], (conditions, len(labels)))


def check_field(field: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises ValueError unless the values of one of FIELDS are of this shape, dtype and range."""
    kind = "u" if field == "predicted" else "f"
    if values.dtype.kind != kind or values.shape != shape:
        raise ValueError(f"{field} is {values.dtype} {values.shape}, not {shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{field} is not finite")
    if field == "log_prob" and (values > 0).any():
        raise ValueError("log_prob is above 0, and so no log-probability")


def _check_origins(origins: Sequence[str], conditions: int) -> None:
    """Raises ValueError unless there is one of `data.ORIGINS` for each condition."""
    if len(origins) != conditions:
        raise ValueError(f"origins are {len(origins)} for {conditions} conditions")
    unknown = set(origins) - set(data.ORIGINS)
    if unknown:
        raise ValueError(f"origins {', '.join(map(str, unknown))} are unknown")


def outcome_of_logits(
    logits: torch.Tensor, labels: torch.Tensor, *, temperature: float
) -> dict[str, np.ndarray]:
    """The four arrays FIELDS of one condition, each (N,), of its logits (N, K)."""
    scaled = metrics.apply_temperature(logits, temperature)  # (N, K)
    return {
        "predicted": logits.argmax(1).numpy().astype(dtype_of(logits.shape[1])),
        "log_odds": _halved(metrics.log_odds(logits)),
        "log_odds_scaled": _halved(metrics.log_odds(scaled)),
        "log_prob": _halved(metrics.true_class_log_probability(logits, labels)),
    }


def dtype_of(classes: int) -> np.dtype:
    """The smallest unsigned dtype for numbers of so many classes: uint8 up to 256 of them."""
    return np.min_scalar_type(classes - 1)


def _halved(values: np.ndarray) -> np.ndarray:
    """Values as float16; those beyond its range are its largest."""
    most = np.finfo(np.float16).max
    return values.clip(-most, most).astype(np.float16)
