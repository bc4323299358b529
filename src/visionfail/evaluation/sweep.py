"""One model under every corruption and severity: its answer to each image, kept on the disk."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from visionfail import corruptions, data, devices, files, metrics, models, results
from visionfail.data import ImageSet
from visionfail.evaluation import outcomes, processes, unfinished
from visionfail.evaluation.ahead import made_ahead


class Pictures(Protocol):
    """Images (N, C, H, W), uint8 or floats in [0, 1], and their origin, as an ImageSet has them."""

    @property
    def images(self) -> Tensor:
        """The images."""
        ...

    @property
    def origin(self) -> str:
        """Where they come from, one of `data.ORIGINS`."""
        ...


Make = Callable[[ImageSet, str, int], Pictures]  # clean images, name, severity -> changed images


def corrupted_set(clean: ImageSet, name: str, severity: int, *, seed: int = 0) -> ImageSet:
    """The images of `clean` under a corruption; at severity 0 `clean` itself.

    They are the published files where `clean` is CIFAR-10's official test set, which its checksum
    proves, and they are on disk, else regenerated, which `origin` says; with another `seed` than 0
    regenerated always.
    """
    if severity == 0:
        return clean
    if seed == 0 and data.is_cifar10_test(clean):
        return data.load_cifar10c(name, severity, clean=clean)
    images = corruptions.corrupt(clean.images, name, severity, seed=seed)
    origin = "regenerated" if clean.origin == "official" else clean.origin
    return replace(clean, images=images, origin=origin)


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
    """(outcomes, "loaded" | "computed") of the corruptions `names` on sets["test"].

    The corruptions are at `severities`, drawn from `seed`. Loaded where `path` holds the answers of
    the network with these `weights` (the card's sha256) to these images; else computed, with
    temperature and precision chosen on sets["val"], and saved there. `state` is the folder for the
    conditions of an unfinished sweep. PermissionError where nothing can be saved, before the sweep.
    """
    test = sets["test"]
    conditions = outcomes.all_conditions(severities, names)
    identity = _identity(test, weights=weights, seed=seed)
    stored = stored_outcomes(path, {**identity, **_textures(conditions)}, conditions)
    if stored is not None:
        return stored, "loaded"
    files.check_writable(path.parent, remedy=files.ELSEWHERE)
    val = sets["val"]
    temperature = metrics.fit_temperature(models.predict(model, val.images), val.labels)
    dtype, gate = models.choose_dtype(model, val)
    folder = state / path.stem
    computed = run_sweep(
        model,
        test,
        conditions,
        temperature=temperature,
        identity=identity,
        folder=folder,
        dtype=dtype,
        seed=seed,
    )
    record = dict(computed.made)
    record["gate"] = gate
    computed = replace(computed, made=record)
    computed.save(path)
    shutil.rmtree(folder, ignore_errors=True)  # the sweep is whole: another one may begin here
    return computed, "computed"


def stored_outcomes(
    path: Path, wanted: Mapping[str, Any], conditions: Sequence[outcomes.Condition]
) -> outcomes.Outcomes | None:
    """The outcomes at `path` if they have these conditions and all fields `wanted`, else None."""
    if not path.exists():
        return None
    stored = outcomes.Outcomes.load(path)
    made = {"seed": 0}
    made.update(stored.made)  # sweeps stored before there was a choice of seed lack the field
    same = results.matches(made, wanted) and list(stored.conditions) == list(conditions)
    return stored if same else None


def _identity(test: ImageSet, *, weights: str, seed: int) -> dict[str, Any]:
    """The fields by which a stored sweep is known to be of these weights, images and draws."""
    return {
        "weights": weights,
        "origin": test.origin,
        "images": test.checksum(),
        "n": len(test),
        "seed": seed,
    }


def _textures(conditions: Sequence[outcomes.Condition]) -> dict[str, str]:
    """{"frost_texture": its name} where frost is among the conditions, else {}."""
    names = {name for name, severity in conditions if severity > 0}
    return {"frost_texture": corruptions.FROST_TEXTURE} if "frost" in names else {}


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
    make: Make | None = None,
    _ahead: bool | None = None,
) -> outcomes.Outcomes:
    """The model's answers to `clean` under each of `conditions`; a second call resumes.

    Each condition is stored in `folder` as it is done; one whose file is damaged is computed again,
    with a warning. `make(clean, name, severity)` gives the
    images of one; the default is `corrupted_set` with draws from `seed`. `identity` says which
    weights these are, and which `make` with which settings where it is another (its field ANSWERS,
    logits, is compared within CLOSE): ValueError where `folder` holds conditions of another
    identity, or of other clean images or labels; PermissionError where it cannot be written.
    Severity 0 is predicted in float32 always. Where the model is on another device than the CPU,
    `corrupted_set` makes the next condition's images, on a thread, while one is predicted.
    The processes of a torchrun share the missing conditions; each returns the answers to all.
    """
    folder = Path(folder)
    record = dict(identity)
    if make is None:
        record.update(_textures(conditions))
    record["dtype"] = str(dtype).removeprefix("torch.")
    record["images"] = clean.checksum()
    record["n"] = len(clean)
    unfinished.check_place(folder, conditions)
    with processes.first_alone():
        unfinished.check_unclaimed(folder, conditions)
        temperature = unfinished.claim_folder(folder, record, temperature=temperature)
    device = models.device_of(model)
    make_one = partial(make or partial(corrupted_set, seed=seed), clean)
    missing = [each for each in conditions if not unfinished.file_of(folder, *each).exists()]
    processes.wait_for_all()  # with one list in all, before any of them is stored
    mine = processes.share_of(missing)
    next_missing = partial(_next_missing, conditions=mine, folder=folder)
    # another `make` may run the model, and a CPU's cores are busy with its predictions
    ahead = make is None and device.type != "cpu" if _ahead is None else _ahead
    with made_ahead(make_one, next_missing, enabled=ahead) as make_next:
        run = _Sweep(model, clean, make_next, temperature, dtype)
        done = {
            each: run.stored_or_answered(folder, *each) for each in tqdm(mine, unit="condition")
        }
    processes.wait_for_all()
    run = replace(run, make=make_one)  # nothing of other processes' shares was made ahead
    rows = [done.get(each) or run.stored_or_answered(folder, *each) for each in conditions]
    processes.wait_for_all()  # until all have read: the folder may be removed now
    record["device"] = devices.describe_device(device)
    record["seconds"] = round(sum(float(row["seconds"]) for row in rows), 1)
    return outcomes.Outcomes(
        conditions=tuple(conditions),
        labels=clean.labels.cpu().numpy().astype(outcomes.dtype_of(len(clean.classes))),
        predicted=np.stack([row["predicted"] for row in rows]),  # (M, N), as are the next three
        log_odds=np.stack([row["log_odds"] for row in rows]),
        log_odds_scaled=np.stack([row["log_odds_scaled"] for row in rows]),
        log_prob=np.stack([row["log_prob"] for row in rows]),
        origins=tuple(str(row["origin"]) for row in rows),
        temperature=temperature,
        made=record,
    )


def _next_missing(
    condition: outcomes.Condition, *, conditions: Sequence[outcomes.Condition], folder: Path
) -> outcomes.Condition | None:
    """The first condition after this one that is not stored in `folder`, None where all are."""
    for name, severity in conditions[conditions.index(condition) + 1 :]:
        if not unfinished.file_of(folder, name, severity).exists():
            return name, severity
    return None


@dataclass(frozen=True, eq=False)
class _Sweep:
    """What is the same for every condition of a sweep."""

    model: nn.Module
    clean: ImageSet
    make: Callable[[str, int], Pictures]
    temperature: float
    dtype: torch.dtype

    def stored_or_answered(self, folder: Path, name: str, severity: int) -> dict[str, Any]:
        """The arrays of one condition from its file in `folder`, else answered and stored there."""
        file = unfinished.file_of(folder, name, severity)
        if file.exists():
            row = unfinished.stored_condition(file, len(self.clean))
            if row is not None:
                return row
        row = self.answer(name, severity)
        unfinished.save_condition(file, row)
        return row

    def answer(self, name: str, severity: int) -> dict[str, Any]:
        """The arrays kept of one condition, (N,) each, its images' origin, and the seconds."""
        start = time.perf_counter()
        images = self.make(name, severity)
        device = models.device_of(self.model)
        logits = models.predict(
            self.model,
            images.images,
            # a CPU's cache holds what 128 images make of a stage
            batch_size=128 if device.type == "cpu" else 1024,
            dtype=self.dtype if severity else torch.float32,
        )
        models.check_logits_finite(logits, where=f" under {name} at severity {severity}")
        arrays: dict[str, Any] = outcomes.outcome_of_logits(
            logits, self.clean.labels.cpu(), temperature=self.temperature
        )
        arrays["origin"] = np.array(images.origin)
        arrays["seconds"] = time.perf_counter() - start
        return arrays
