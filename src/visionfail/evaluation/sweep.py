"""One model under every corruption and severity: what it answered on each image, kept so that
nothing need rerun.
"""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from visionfail import corruptions, data, devices, files, metrics, models
from visionfail.data import ImageSet
from visionfail.evaluation import outcomes


def corrupted_set(clean: ImageSet, name: str, severity: int, *, seed: int = 0) -> ImageSet:
    """`clean` under a corruption: from the published files where it is the official test set and
    they are on disk, else regenerated, which `origin` says; with another `seed` than 0 regenerated
    always. Severity 0 is `clean` itself.
    """
    if severity == 0:
        return clean
    if clean.origin == "official" and seed == 0:
        return data.load_cifar10c(name, severity)
    images = corruptions.corrupt(clean.images, name, severity, seed=seed)
    return replace(
        clean, images=images, origin="regenerated" if clean.origin == "official" else clean.origin
    )


def load_or_sweep(
    path: Path,
    model: nn.Module,
    sets: dict[str, ImageSet],
    *,
    severities: Sequence[int],
    weights: str,
    state: Path,
    names: Sequence[str] = outcomes.EVERY,
    seed: int = 0,
) -> tuple[outcomes.Outcomes, str]:
    """(outcomes, "loaded" | "computed") of the corruptions `names` at `severities`, drawn from
    `seed`, on sets["test"].

    Loaded where `path` holds the answers of the network with these `weights` (the card's sha256) to
    these images; else computed, with temperature and precision chosen on sets["val"], and saved
    there. `state` is a folder for the conditions done so far.
    """
    conditions, test, val = outcomes.all_conditions(severities, names), sets["test"], sets["val"]
    identity = {
        "weights": weights,
        "origin": test.origin,
        "images": test.checksum(),
        "n": len(test),
    }
    identity |= (
        {"seed": seed} if seed else {}
    )  # sweeps stored before there was a choice are those of 0
    if path.exists():
        found = outcomes.Outcomes.load(path)
        same = identity.items() <= found.made.items() and found.made.get("seed", 0) == seed
        if same and list(found.conditions) == conditions:
            return found, "loaded"
    temperature = metrics.fit_temperature(models.predict(model, val.images), val.labels)
    dtype, gate = models.choose_dtype(model, val)
    folder = state / path.stem
    options = {
        "temperature": temperature,
        "identity": identity,
        "folder": folder,
        "dtype": dtype,
        "seed": seed,
    }
    found = run_sweep(model, test, conditions, **options)
    found = replace(found, made=found.made | {"gate": gate})
    found.save(path)
    shutil.rmtree(folder)  # whole now: another sweep may begin here
    return found, "computed"


def run_sweep(
    model: nn.Module,
    clean: ImageSet,
    conditions: Sequence[outcomes.Condition],
    *,
    temperature: float,
    identity: dict,
    folder: Path,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> outcomes.Outcomes:
    """Predict `clean` under each of `conditions`, drawn from `seed`, storing each in `folder` as it
    is done; a second call resumes.

    `identity` says which weights and images these are; raises ValueError where `folder` holds the
    conditions of another run. The clean condition is computed in float32 always.
    """
    folder, made = Path(folder), identity | {"dtype": str(dtype).removeprefix("torch.")}
    _claim(folder, made | {"temperature": temperature})
    device = next(model.parameters()).device
    batch_size = (
        128 if device.type == "cpu" else 1024
    )  # a CPU's cache holds what 128 images make of a stage
    rows = []
    for name, severity in tqdm(conditions, unit="condition"):
        file = folder / f"{name}-{severity}.npz"
        if not file.exists():
            start = time.perf_counter()
            images = corrupted_set(clean, name, severity, seed=seed)
            precision = dtype if severity else torch.float32
            logits = models.predict(model, images.images, batch_size=batch_size, dtype=precision)
            row = outcomes.outcome_of_logits(logits, clean.labels, temperature=temperature)
            with files.atomic_write(file) as part, open(part, "wb") as handle:
                np.savez(
                    handle,
                    origin=np.array(images.origin),
                    seconds=time.perf_counter() - start,
                    **row,
                )
        with np.load(file, allow_pickle=False) as stored:
            rows.append({key: stored[key] for key in (*outcomes.FIELDS, "origin", "seconds")})
    seconds = round(sum(float(row["seconds"]) for row in rows), 1)
    return outcomes.Outcomes(
        conditions=tuple(conditions),
        labels=clean.labels.numpy().astype(np.uint8),
        origins=tuple(str(row["origin"]) for row in rows),
        temperature=temperature,
        made=made | {"device": devices.describe_device(device), "seconds": seconds},
        **{field: np.stack([row[field] for row in rows]) for field in outcomes.FIELDS},
    )


def _claim(folder: Path, identity: dict) -> None:
    """Write the run's identity into `folder`, or compare it with the one there."""
    file = folder / "identity.json"
    identity = json.loads(json.dumps(identity))
    if not file.exists():
        with files.atomic_write(file) as part:
            part.write_text(json.dumps(identity, indent=1) + "\n", encoding="utf-8")
        return
    known = json.loads(file.read_text(encoding="utf-8"))
    for field in sorted(identity.keys() | known.keys()):
        if identity.get(field) != known.get(field):
            raise ValueError(
                f"{folder} holds a sweep with {field} = {known.get(field)!r}, not {identity.get(field)!r}: "
                "remove the folder or give another."
            )
