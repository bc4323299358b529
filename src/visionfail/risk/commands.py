"""train and evaluate: from a folder of pictures to a classifier, a threshold and its report."""

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from visionfail import files, results
from visionfail.data import ImageSet
from visionfail.risk import decisions, pictures, report, saved, training
from visionfail.risk.calibration import brier, calibration_error, fit_calibration
from visionfail.risk.config import RiskConfig, decision_settings
from visionfail.risk.decisions import Scored
from visionfail.risk.drift_check import validation_reference
from visionfail.risk.pictures import Pictures
from visionfail.risk.report import Details
from visionfail.risk.report_figures import draw_figures
from visionfail.risk.saved import Classifier, load_classifier, save_classifier
from visionfail.risk.thresholds import Threshold, threshold_for

REPORT = "report.json"
FIGURES = "report"  # their folder
ERRORS = "errors.csv"


@dataclass(frozen=True, eq=False)
class Trained:
    """What `train_classifier` made: the classifier, its history, and the files left out."""

    classifier: Classifier
    history: list[dict]
    counts: dict[str, dict[str, int]]  # {part: {class: pictures}}
    left_out: dict[str, str]  # {file: why}


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A report on test pictures: the threshold, the table of rates, and the scores behind it."""

    threshold: Threshold
    settings: dict[str, Any]  # that decide: `config.decision_settings`
    rates: pd.DataFrame
    measures: dict[str, float]
    details: Details
    words: str
    look: int  # how often these test pictures have been looked at
    scored: Scored
    pictures: Pictures
    left_out: dict[str, str]
    not_drawn: dict[str, str]  # {figure: why}


def train_classifier(
    data: str | Path, out: str | Path, config: RiskConfig, *, cache: Path | None = None
) -> Trained:
    """Train on the pictures in a folder, calibrate on its validation part, and save to `out`.

    Features are kept in `cache`, or in `out`. Errors as in `split_pictures` and `start_of`;
    PermissionError where `out` cannot be written, before a picture is read.
    """
    out = Path(out)
    files.check_writable(out, remedy=files.ELSEWHERE, what="folder of the classifier")
    parts = pictures.split_pictures(data)
    sets = {}
    kept = {}
    left_out = {}
    for part in ("train", "val"):
        sets[part], kept[part], refused = pictures.read_pictures(parts[part], side=config.side)
        left_out.update(refused)
    seen = [digest for part in kept.values() for digest in part.digests]
    folder = Path(cache) if cache else out / "features"
    classifier = train_and_save(sets, config, out=out, features=folder, seen=seen)
    counts = {part: _class_counts(part_kept) for part, part_kept in kept.items()}
    counts["test"] = _class_counts(parts["test"])
    return Trained(classifier, classifier.card["history"], counts, left_out)


def train_and_save(
    sets: Mapping[str, ImageSet],
    config: RiskConfig,
    *,
    out: Path,
    features: Path,
    seen: Sequence[str] = (),
) -> Classifier:
    """The classifier trained on sets["train"], calibrated on sets["val"] and saved to `out`.

    Features are kept in the folder `features`; `seen` are the sha256 of the files of both.
    """
    model, weights = training.start_of(config)
    model, history = training.train_risk(model, sets["train"], sets["val"], config, folder=features)
    model = saved.rounded(model)
    val = sets["val"]
    score = saved.score_of(model, val.images)
    validation = Scored(score, val.labels.numpy(), val.group_numbers())
    save_classifier(
        out,
        model,
        config,
        card=training.card_of(model, config, weights=weights, history=history, images=sets),
        calibration=fit_calibration(score, validation.labels),
        validation=validation,
        reference=validation_reference(model, sets, score, config, folder=features),
        seen=seen,
    )
    return load_classifier(out)


def _class_counts(part: Pictures) -> dict[str, int]:
    """How many pictures of each class."""
    return {name: int((part.labels == k).sum()) for k, name in enumerate(pictures.CLASSES)}


def threshold_of(classifier: Classifier, config: RiskConfig) -> Threshold:
    """The threshold that validation pictures and the settings of a decision give, as a score."""
    return threshold_for(classifier.validation(), classifier.calibration, config)


def evaluate_classifier(classifier: Classifier, data: str | Path, config: RiskConfig) -> Evaluated:
    """The report on the test part of a folder, or on all of one without parts that is new.

    The threshold is chosen on validation pictures and kept for `predict`; each look at test
    pictures is counted. ValueError where test pictures trained or chose the classifier.
    """
    threshold = threshold_of(classifier, config)
    listed = pictures_to_test(classifier, data)
    images, kept, left_out = pictures.read_pictures(listed, side=classifier.config.side)
    scored = Scored(classifier.score(images.images), kept.labels, kept.groups)
    rates = decisions.rates_table(
        scored, threshold.value, prevalence=config.prevalence, cost_ratio=config.cost_ratio
    )
    words = decisions.in_words(
        threshold.value, rates, cost_ratio=config.cost_ratio, prevalence=config.prevalence
    )
    measures = decisions.picture_measures(scored, threshold.value)
    measures.update(calibration_measures(classifier, scored))
    details = report.details_of(
        scored,
        threshold.value,
        config,
        calibration=classifier.calibration,
        kinds=kept.kinds,
        brightness=images.images.float().mean(dim=(1, 2, 3)).numpy() / 255,
    )
    look = classifier.count_look(kept.checksum())
    classifier.keep_decision(threshold)
    settings = decision_settings(config)
    evaluated = Evaluated(
        threshold, settings, rates, measures, details, words, look, scored, kept, left_out, {}
    )
    write_report(evaluated, classifier)
    not_drawn = draw_figures(
        classifier.folder / FIGURES,
        scored,
        images.images,
        threshold=threshold,
        calibration=classifier.calibration,
        prevalence=config.prevalence,
    )
    return dataclasses.replace(evaluated, not_drawn=not_drawn)


def pictures_to_test(classifier: Classifier, data: str | Path) -> Pictures:
    """The pictures of a folder to test on: its test part, or those that the classifier never saw.

    ValueError where test pictures were seen, or nothing is left.
    """
    folder = Path(data)
    seen = classifier.seen()
    if (folder / "test").is_dir():
        found = pictures.list_pictures(folder / "test")
        known = [file for file, d in zip(found.files, found.digests, strict=True) if d in seen]
        if known:
            raise ValueError(
                f"{len(known)} test pictures trained or chose this classifier, {known[0]} among "
                "them: test on others."
            )
        return found
    found = pictures.list_pictures(folder)
    new = [k for k, digest in enumerate(found.digests) if digest not in seen]
    if not new:
        raise ValueError(f"every picture of {folder} trained or chose this classifier.")
    return found.at(new)


def validation_pictures(classifier: Classifier, data: str | Path) -> ImageSet:
    """The pictures that validated a classifier, from the folder it was trained on.

    ValueError where the folder has others now.
    """
    listed = pictures.split_pictures(data)["val"]
    images, _, _ = pictures.read_pictures(listed, side=classifier.config.side)
    if images.checksum() != classifier.card["data_checksums"]["val"]:
        raise ValueError(f"{data} has changed since training: export from the folder as it was.")
    return images


def calibration_measures(classifier: Classifier, scored: Scored) -> dict[str, float]:
    """ECE of the predicted class, confidence against right answers in 15 bins, and Brier's score.

    Of calibrated probabilities; "raw" of the network's own.
    """
    measures = {}
    calibrated = classifier.calibration.probability(scored.score)
    for words, probability in (("", calibrated), (" raw", scored.score)):
        measures[f"ECE{words}"] = calibration_error(probability, scored.labels)
        measures[f"Brier{words}"] = brier(probability, scored.labels)
    return measures


def write_report(evaluated: Evaluated, classifier: Classifier) -> None:
    """report.json, and errors.csv with every miss and false alarm, in the classifier's folder."""
    record = {
        "threshold": vars(evaluated.threshold),
        "decision": evaluated.settings,
        "decision_sha256": results.config_hash(evaluated.settings),
        "config_sha256": results.config_hash(dataclasses.asdict(classifier.config)),
        "rates": evaluated.rates.to_dict("records"),
        "measures": evaluated.measures,
        **report.record_of(evaluated.details),
        "words": evaluated.words,
        "look": evaluated.look,
        "pictures": len(evaluated.pictures),
        "left_out": evaluated.left_out,
        "pretrained": classifier.card["pretrained"],
        "model_sha256": classifier.card["sha256"],
    }
    folder = classifier.folder
    files.write_text(folder / REPORT, files.json_text(_plain(record), name=REPORT))
    files.write_text(folder / ERRORS, errors_csv(evaluated))


def _plain(value: object) -> object:
    """Numpy numbers as Python's own and NaN as None, all the way down."""
    if isinstance(value, dict):
        return {str(key): _plain(content) for key, content in value.items()}
    if isinstance(value, list):
        return [_plain(content) for content in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if value != value else value  # json has no NaN


def errors_csv(evaluated: Evaluated) -> str:
    """The text of errors.csv: file, error, score, kind, guarantee; the surest errors first."""
    scored = evaluated.scored
    flagged = scored.score >= evaluated.threshold.value
    wrong = np.flatnonzero(flagged != (scored.labels == 1))
    distance = np.abs(scored.score[wrong] - evaluated.threshold.value)
    mark = evaluated.threshold.mark
    rows: list[Sequence[object]] = [("file", "error", "score", "kind", "guarantee")]
    for k in wrong[np.argsort(-distance, kind="stable")]:
        error = "false alarm" if flagged[k] else "miss"
        file = evaluated.pictures.files[k].as_posix()
        score = f"{scored.score[k]:.6f}"
        rows.append((file, error, score, evaluated.pictures.kinds[k], mark))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
