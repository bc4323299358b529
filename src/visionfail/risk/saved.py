"""A trained classifier on disk: one folder with everything that a decision needs."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from torch import Tensor, nn
from tqdm import tqdm

from visionfail import devices, files, metrics, models
from visionfail.risk.calibration import Calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored
from visionfail.risk.drift import Reference, load_reference, save_reference
from visionfail.risk.thresholds import Threshold

MODEL = "model"  # .safetensors and .json
SETTINGS = "settings.yaml"
VALIDATION = "validation.npz"
SEEN = "seen.json"  # the sha256 of every picture that trained or chose something
DECISION = "decision.json"  # of the last evaluation
DRIFT = "drift.npz"  # what validation pictures look like
LOOKS = "looks.json"  # at test pictures
AT_ONCE = 1024  # pictures from one step of the progress bar to the next, whole batches
AGAIN = "restore it, or train again"


@dataclass(frozen=True, eq=False)
class Classifier:
    """A network with two logits, its settings and calibration, and where it was loaded from."""

    model: nn.Module
    card: dict
    config: RiskConfig
    calibration: Calibration
    folder: Path

    def score(self, images: Tensor) -> np.ndarray:
        """The softmax probability of "unsafe", (N,), of pictures uint8 (N, 3, H, W)."""
        return score_of(self.model, images)

    def validation(self) -> Scored:
        """Scores, labels and groups of the validation pictures."""
        file = self.folder / VALIDATION
        with files.reading(file, remedy=AGAIN):
            arrays, _ = files.load_arrays(file)
            return Scored(arrays["score"], arrays["labels"], arrays["groups"])

    def drift_reference(self) -> Reference:
        """What validation pictures look like; FileNotFoundError where they were too few."""
        return load_reference(self.folder / DRIFT)

    def seen(self) -> set[str]:
        """The sha256 of the pictures that it was trained or chosen on."""
        file = self.folder / SEEN
        with files.reading(file, remedy=AGAIN):
            return {str(digest) for digest in list(files.read_json(file)["sha256"])}

    def decision(self) -> Threshold | None:
        """The threshold of the last evaluation, None where there was none."""
        path = self.folder / DECISION
        if not path.exists():
            return None
        with files.reading(path, remedy="evaluate again"):
            threshold = Threshold(**files.read_json(path))
            float(threshold.value)
        return threshold

    def keep_decision(self, threshold: Threshold) -> None:
        """Let later predictions use this threshold."""
        text = files.json_text(dataclasses.asdict(threshold), name=DECISION)
        files.write_text(self.folder / DECISION, text)

    def count_look(self, checksum: str) -> int:
        """Note one more look at test pictures with this checksum; returns how many there were."""
        path = self.folder / LOOKS
        looks = files.read_json(path) if path.exists() else {}
        with files.reading(path, remedy="restore it: looks at test pictures are counted there"):
            looks[checksum] = int(looks.get(checksum, 0)) + 1
        files.write_text(path, files.json_text(looks, name=LOOKS))
        return looks[checksum]


def score_of(model: nn.Module, images: Tensor) -> np.ndarray:
    """The softmax probability of "unsafe", float64 (N,), in float32 on the model's device."""
    parts = images.split(AT_ONCE)
    logits = []
    for part in tqdm(parts, desc="scores", unit="part", leave=False, disable=len(parts) == 1):
        logits.append(models.predict(model, part, batch_size=128).numpy())
    return metrics.probabilities(np.concatenate(logits))[:, 1]


def save_classifier(
    folder: Path,
    model: nn.Module,
    config: RiskConfig,
    *,
    card: dict,
    calibration: Calibration,
    validation: Scored,
    reference: Reference | None,
    seen: Sequence[str],
) -> None:
    """Write a classifier's folder; the card comes last, so that a half-written one is none."""
    folder = Path(folder)
    settings = yaml.safe_dump(dataclasses.asdict(config), sort_keys=False)
    files.write_text(folder / SETTINGS, settings)
    arrays = {
        "score": validation.score,
        "labels": validation.labels,
        "groups": validation.groups,
    }
    files.save_arrays(folder / VALIDATION, arrays, made={"checksum": card["data_checksums"]["val"]})
    files.write_text(folder / SEEN, files.json_text({"sha256": sorted(seen)}, name=SEEN))
    (folder / DECISION).unlink(missing_ok=True)  # of another network; its looks stay counted
    (folder / DRIFT).unlink(missing_ok=True)
    if reference is not None:
        save_reference(reference, folder / DRIFT)
    full_card = {**card, "calibration": dataclasses.asdict(calibration)}
    models.save_checkpoint(model, folder / MODEL, card=full_card)


def load_classifier(where: str | Path) -> Classifier:
    """The classifier in a folder, or beside its model.safetensors, on the best device.

    FileNotFoundError where there is none; ValueError where its files do not belong together.
    """
    where = Path(where)
    folder = where.parent if where.suffix == ".safetensors" else where
    if not (folder / f"{MODEL}.json").exists():
        raise FileNotFoundError(
            f"no trained classifier in {folder}: `python -m visionfail.risk train --data FOLDER "
            f"--out {folder}` makes one."
        )
    model, card = models.load(folder / MODEL)
    if "calibration" not in card or "config" not in card:
        raise ValueError(f"{folder / MODEL}.json is not the card of a risk classifier.")
    with files.reading(folder / f"{MODEL}.json", remedy=AGAIN):
        config = RiskConfig(**card["config"])
        calibration = Calibration(**card["calibration"])
    return Classifier(
        model=devices.placed(model),
        card=card,
        config=config,
        calibration=calibration,
        folder=folder,
    )


def rounded(model: nn.Module) -> nn.Module:
    """The network as its file will hold it, in half precision, on the best device."""
    return devices.placed(models.rounded_to_half(model))
