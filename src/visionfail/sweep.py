"""One model under every corruption and severity: what it answered on each image, kept so that nothing need rerun."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from visionfail import corruptions, data, devices, evaluate, metrics, paths
from visionfail.data import ImageSet

Condition = tuple[str, int]  # corruption and severity; ("clean", 0) comes first
FIELDS = ("predicted", "log_odds", "log_odds_scaled", "log_prob")


EVERY = corruptions.CORRUPTIONS + corruptions.EXTRAS


def all_conditions(severities: Sequence[int] = (1, 2, 3, 4, 5), names: Sequence[str] = EVERY) -> list[Condition]:
    """Clean, then each corruption of `names`, the 15 and the 4 extras, at `severities`: 96 conditions with all five."""
    return [("clean", 0)] + [(name, severity) for name in names for severity in severities if severity > 0]


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

    predicted uint8 (M, N); as float16 (M, N): log_odds of the confidence, log_odds_scaled the same at `temperature`
    (fitted on clean validation data), log_prob the log-probability of the true class. labels uint8 (N,); origins (M,).
    """

    conditions: tuple[Condition, ...]
    labels: np.ndarray
    predicted: np.ndarray
    log_odds: np.ndarray
    log_odds_scaled: np.ndarray
    log_prob: np.ndarray
    origins: tuple[str, ...]
    temperature: float
    made: dict  # of which weights and images, in which precision and why, on what device, in how many seconds

    def at(self, name: str, severity: int) -> int:
        """The row of a condition; raises ValueError where it was not run."""
        if (name, severity) not in self.conditions:
            raise ValueError(f"{name} at severity {severity} is not among the {len(self.conditions)} conditions run.")
        return self.conditions.index((name, severity))

    def of(self, conditions: Sequence[Condition]) -> "Outcomes":
        """The same of some of the conditions, in that order; ValueError where one was not run."""
        rows = [self.at(*pair) for pair in conditions]
        fields = {field: getattr(self, field)[rows] for field in FIELDS}
        return replace(self, conditions=tuple(conditions), origins=tuple(self.origins[i] for i in rows), **fields)

    def save(self, path: Path) -> None:
        """One compressed .npz without pickled objects, written whole or not at all."""
        names = np.array([f"{name}-{severity}" for name, severity in self.conditions])
        fields = {field: getattr(self, field) for field in FIELDS}
        with paths.atomic_write(path) as part, open(part, "wb") as file:
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
            raise FileNotFoundError(f"no stored outcomes at {path}: run notebook 03 in the full profile to make them.")
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


def corrupted(clean: ImageSet, name: str, severity: int, *, seed: int = 0) -> ImageSet:
    """`clean` under a corruption: from the published files where it is the official test set and they are on disk,
    else regenerated, which `origin` says; with another `seed` than 0 regenerated always. Severity 0 is `clean` itself.
    """
    if severity == 0:
        return clean
    if clean.origin == "official" and seed == 0:
        return data.load_cifar10c(name, severity)
    images = corruptions.corrupt(clean.images, name, severity, seed=seed)
    return replace(clean, images=images, origin="regenerated" if clean.origin == "official" else clean.origin)


def outcome(logits: torch.Tensor, labels: torch.Tensor, *, temperature: float) -> dict[str, np.ndarray]:
    """What is kept of logits (N, K): the four arrays of `Outcomes` for one condition, each (N,)."""
    return {
        "predicted": logits.argmax(1).numpy().astype(np.uint8),
        "log_odds": metrics.log_odds(logits).astype(np.float16),
        "log_odds_scaled": metrics.log_odds(metrics.apply_temperature(logits, temperature)).astype(np.float16),
        "log_prob": metrics.true_class_log_probability(logits, labels).astype(np.float16),
    }


def load_or_run(
    path: Path,
    model: nn.Module,
    sets: dict[str, ImageSet],
    *,
    severities: Sequence[int],
    weights: str,
    state: Path,
    names: Sequence[str] = EVERY,
    seed: int = 0,
) -> tuple[Outcomes, str]:
    """(outcomes, "loaded" | "computed") of the corruptions `names` at `severities`, drawn from `seed`, on sets["test"].

    Loaded where `path` holds the answers of the network with these `weights` (the card's sha256) to these images;
    else computed, with temperature and precision chosen on sets["val"], and saved there. `state` is a folder for the
    conditions done so far.
    """
    conditions, test, val = all_conditions(severities, names), sets["test"], sets["val"]
    identity = {"weights": weights, "origin": test.origin, "images": test.checksum(), "n": len(test)}
    identity |= {"seed": seed} if seed else {}  # sweeps stored before there was a choice are those of 0
    if path.exists():
        found = Outcomes.load(path)
        same = identity.items() <= found.made.items() and found.made.get("seed", 0) == seed
        if same and list(found.conditions) == conditions:
            return found, "loaded"
    temperature = metrics.fit_temperature(evaluate.predict(model, val.images), val.labels)
    dtype, gate = evaluate.choose_dtype(model, val)
    folder = state / path.stem
    options = {"temperature": temperature, "identity": identity, "folder": folder, "dtype": dtype, "seed": seed}
    found = run(model, test, conditions, **options)
    found = replace(found, made=found.made | {"gate": gate})
    found.save(path)
    shutil.rmtree(folder)  # whole now: another sweep may begin here
    return found, "computed"


def run(
    model: nn.Module,
    clean: ImageSet,
    conditions: Sequence[Condition],
    *,
    temperature: float,
    identity: dict,
    folder: Path,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Outcomes:
    """Predict `clean` under each of `conditions`, drawn from `seed`, storing each in `folder` as it is done; a second
    call resumes.

    `identity` says which weights and images these are; raises ValueError where `folder` holds the conditions of
    another run. The clean condition is computed in float32 always.
    """
    folder, made = Path(folder), identity | {"dtype": str(dtype).removeprefix("torch.")}
    _claim(folder, made | {"temperature": temperature})
    device = next(model.parameters()).device
    batch_size = 128 if device.type == "cpu" else 1024  # a CPU's cache holds what 128 images make of a stage
    rows = []
    for name, severity in tqdm(conditions, unit="condition"):
        file = folder / f"{name}-{severity}.npz"
        if not file.exists():
            start = time.perf_counter()
            images = corrupted(clean, name, severity, seed=seed)
            precision = dtype if severity else torch.float32
            logits = evaluate.predict(model, images.images, batch_size=batch_size, dtype=precision)
            row = outcome(logits, clean.labels, temperature=temperature)
            with paths.atomic_write(file) as part, open(part, "wb") as handle:
                np.savez(handle, origin=np.array(images.origin), seconds=time.perf_counter() - start, **row)
        with np.load(file, allow_pickle=False) as stored:
            rows.append({key: stored[key] for key in (*FIELDS, "origin", "seconds")})
    seconds = round(sum(float(row["seconds"]) for row in rows), 1)
    return Outcomes(
        conditions=tuple(conditions),
        labels=clean.labels.numpy().astype(np.uint8),
        origins=tuple(str(row["origin"]) for row in rows),
        temperature=temperature,
        made=made | {"device": devices.describe(device), "seconds": seconds},
        **{field: np.stack([row[field] for row in rows]) for field in FIELDS},
    )


def _claim(folder: Path, identity: dict) -> None:
    """Write the run's identity into `folder`, or compare it with the one there."""
    file = folder / "identity.json"
    identity = json.loads(json.dumps(identity))
    if not file.exists():
        with paths.atomic_write(file) as part:
            part.write_text(json.dumps(identity, indent=1) + "\n", encoding="utf-8")
        return
    known = json.loads(file.read_text(encoding="utf-8"))
    for field in sorted(identity.keys() | known.keys()):
        if identity.get(field) != known.get(field):
            raise ValueError(
                f"{folder} holds a sweep with {field} = {known.get(field)!r}, not {identity.get(field)!r}: "
                "remove the folder or give another."
            )
