"""The study of one set: a classifier trained on it, and all that is measured of it, stored."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from visionfail import devices, files, profiles
from visionfail.data import ImageSet
from visionfail.models.features import Features
from visionfail.profiles import Profile
from visionfail.risk import experiments, sheet
from visionfail.risk.calibration import Calibration
from visionfail.risk.commands import train_and_save
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored
from visionfail.risk.drift_power import drift_rows
from visionfail.risk.export import int8_score
from visionfail.risk.features import load_or_extract
from visionfail.risk.formats import can_export, format_rows
from visionfail.risk.heads import heads_scores
from visionfail.risk.saved import Classifier
from visionfail.risk.sets import risk_sets
from visionfail.risk.thresholds import Threshold, threshold_for

SETTINGS = {
    "gtsrb": RiskConfig(side=32, network_side=64, flip=False),
    "imagenette": RiskConfig(side=160, network_side=128),
}
SIZES = (50, 100, 200, 500, 1000, 2000)
ATTACKED = 60  # groups under PGD
BATCHES = (10, 25, 50, 100)  # of the drift check
REPEATS = 200
LABELLED = 200  # pictures of a round of labels


@dataclass(frozen=True, eq=False)
class Studied:
    """What is known of one set's classifier: scores of validation and test pictures, and tables.

    scored {condition: Scored of the test pictures}; heads_val and heads: validation and test
    pictures by each of HEADS heads; kinds and brightness (N,) of the test pictures; made: the
    record with its tables.
    """

    config: RiskConfig
    calibration: Calibration
    validation: Scored
    scored: Mapping[sheet.Condition, Scored]
    heads_val: tuple[Scored, ...]
    heads: tuple[Scored, ...]
    kinds: tuple[str, ...]
    brightness: np.ndarray
    made: Mapping

    @property
    def clean(self) -> Scored:
        """The test pictures as they are."""
        return self.scored[sheet.CLEAN]

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables: "history", "curve", "kinds", "labels", "drift", ..."""
        return pd.DataFrame(self.made["tables"][name])

    def threshold(
        self, *, cost_ratio: float, max_miss: float, prevalence: float, rule: str = "lower"
    ) -> Threshold:
        """The threshold that validation pictures give, by a rule of `choose_threshold`."""
        config = dataclasses.replace(
            self.config,
            cost_ratio=cost_ratio,
            max_miss=max_miss,
            prevalence=prevalence,
            rule=rule,
        )
        return threshold_for(self.validation, self.calibration, config)


def study_file(name: str) -> Path:
    """Where the study of a set is stored."""
    return profiles.FULL.results / f"risk-{name}.npz"


def load_or_study(name: str, profile: Profile) -> tuple[Studied, str]:
    """(the study of "gtsrb" or "imagenette", "loaded" | "computed"): in quick what is stored.

    In full it is loaded where settings and pictures are those of today. The classifier's own files
    are in the profile's state folder.
    """
    path = study_file(name)
    if profile.name == "quick":
        if not path.exists():
            raise FileNotFoundError(f"{path.name} is not there: restore it (git checkout).")
        return studied_of(*files.load_arrays(path)), "loaded"
    config = SETTINGS[name]
    parts, kinds = risk_sets(name)
    if path.exists():
        arrays, made = files.load_arrays(path)
        if RiskConfig(**made["config"]) == config and made["checksums"] == checksums_of(parts):
            return studied_of(arrays, made), "loaded"
    arrays, made = study(parts, kinds, config, folder=profile.state / f"risk-{name}")
    files.save_arrays(path, arrays, made={"set": name, **made})
    return studied_of(arrays, made), "computed"


def checksums_of(parts: Mapping[str, ImageSet]) -> dict[str, str]:
    """{part: the checksum of its pictures and labels}, as a card has them."""
    return {part: images.checksum() for part, images in parts.items()}


def studied_of(arrays: Mapping[str, np.ndarray], made: Mapping) -> Studied:
    """The Studied that arrays and their record hold."""
    config = RiskConfig(**made["config"])
    labels = arrays["labels"]
    groups = arrays["groups"]
    scored = {}
    for k, (name, severity) in enumerate(made["conditions"]):
        scored[name, severity] = Scored(arrays["score"][k].astype(float), labels, groups)
    chosen = arrays["attacked"]
    scored[sheet.ATTACK] = sheet.only_unsafe_attacked(
        Scored(arrays["attack"].astype(float), labels[chosen], groups[chosen]),
        scored[sheet.CLEAN],
    )
    if arrays["int8"].size:
        scored[sheet.INT8] = Scored(arrays["int8"].astype(float), labels, groups)
    validation = Scored(arrays["val_score"], arrays["val_labels"], arrays["val_groups"])
    return Studied(
        config=config,
        calibration=Calibration(**made["calibration"]),
        validation=validation,
        scored=scored,
        heads_val=tuple(
            dataclasses.replace(validation, score=score) for score in arrays["heads_val"]
        ),
        heads=tuple(Scored(score, labels, groups) for score in arrays["heads"]),
        kinds=tuple(made["kinds"]),
        brightness=arrays["brightness"],
        made=made,
    )


def study(
    parts: Mapping[str, ImageSet],
    kinds: Mapping[str, tuple[str, ...]],
    config: RiskConfig,
    *,
    folder: Path,
) -> tuple[dict[str, np.ndarray], dict]:
    """(arrays, record) of a classifier trained on parts["train"]; features are kept in `folder`."""
    start = time.perf_counter()
    classifier = train_and_save(parts, config, out=folder, features=folder)
    card = classifier.card
    conditions = sheet.conditions_for(config.side)
    scored = sheet.score_conditions(classifier, parts["test"], conditions, attacked=ATTACKED)
    features = _plain_features(classifier.model, parts, config, folder)
    tables = {"history": card["history"]}
    tables.update(_measured(features, scored[sheet.CLEAN], kinds, parts, classifier))
    arrays = _arrays(classifier.validation(), scored, conditions, parts["test"])
    arrays |= heads_scores(features, config)
    arrays["int8"] = _int8_score(classifier, parts)
    arrays["brightness"] = parts["test"].images.float().mean(dim=(1, 2, 3)).numpy() / 255
    made = {
        "config": dataclasses.asdict(config),
        "calibration": dataclasses.asdict(classifier.calibration),
        "conditions": [list(condition) for condition in conditions],
        "kinds": list(kinds["test"]),
        "weights": card["pretrained"],
        "origin": parts["test"].origin,
        "images": card["images"],
        "checksums": card["data_checksums"],
        "tables": tables,
        "device": devices.describe_device(devices.best_device()),
        "seconds": round(time.perf_counter() - start, 1),
    }
    return arrays, made


def _plain_features(
    model: nn.Module, parts: Mapping[str, ImageSet], config: RiskConfig, folder: Path
) -> dict[str, Features]:
    """The features of the plain pictures of every part; those of training are kept with views."""
    plain = {}
    for part, images in parts.items():
        views = config.views if part == "train" else 0
        found, _ = load_or_extract(model, images, config, views=views, folder=folder)
        plain[part] = found.at(torch.arange(len(images)))
    return plain


def _int8_score(classifier: Classifier, parts: Mapping[str, ImageSet]) -> np.ndarray:
    """The test pictures' scores by an int8 version, empty where onnxruntime is not installed."""
    if not can_export():
        return np.zeros(0, dtype=np.float32)
    return int8_score(classifier, parts["val"], parts["test"].images).astype("f4")


def _arrays(
    validation: Scored,
    scored: Mapping[sheet.Condition, Scored],
    conditions: list[sheet.Condition],
    test: ImageSet,
) -> dict[str, np.ndarray]:
    """What is stored of scores: float32 (conditions, N) and the labels and groups of all."""
    groups = test.group_numbers()
    attacked = sheet.attacked_groups(test.labels.numpy(), groups, ATTACKED)
    return {
        "val_score": validation.score,
        "val_labels": validation.labels.astype(np.int64),
        "val_groups": validation.groups,
        "score": np.stack([scored[condition].score for condition in conditions]).astype("f4"),
        "labels": test.labels.numpy(),
        "groups": groups,
        "attacked": np.flatnonzero(np.isin(groups, attacked)),
        "attack": scored[sheet.ATTACK].score.astype("f4"),
    }


def _measured(
    features: Mapping[str, Features],
    clean: Scored,
    kinds: Mapping[str, tuple[str, ...]],
    parts: Mapping[str, ImageSet],
    classifier: Classifier,
) -> dict[str, list[dict]]:
    """{"curve", "kinds", "drift", "values"}: the rows of every experiment.

    "values" are claims' statistics: claim, value, lo, hi, n.
    """
    config = classifier.config
    learnt, test = features["train"], features["test"]
    curve, by_size = experiments.learning_curve(learnt, test, clean, config, sizes=SIZES)
    size = min(LABELLED, len(learnt) // 4)
    labels = experiments.labelling_round(learnt, test, clean, config, size=size)
    by_kind, new = experiments.new_kinds(learnt, kinds["train"], test, clean, kinds["test"], config)
    threshold = threshold_for(classifier.validation(), classifier.calibration, config)
    frames, unsafe = experiments.mixed_frames(parts["test"].images, clean.labels)
    mixed = experiments.more_missed(clean, classifier.score(frames), unsafe, threshold.value)
    rare = experiments.imbalance(learnt, test, clean, config)
    estimates = {"E5": new, "E6": mixed, "E7": rare}
    if 500 in by_size:
        estimates["E2"] = by_size[500] - by_size[max(by_size)]
    values = []
    for claim, estimate in estimates.items():
        value, lo, hi = estimate.interval()
        values.append({"claim": claim, "value": value, "lo": lo, "hi": hi})
    return {
        "curve": curve.to_dict("records"),
        "kinds": by_kind.to_dict("records"),
        "labels": labels.to_dict("records"),
        "drift": drift_rows(classifier, features, parts, batches=BATCHES, repeats=REPEATS),
        "values": values,
        "formats": format_rows(classifier, parts["val"], threshold),
    }
