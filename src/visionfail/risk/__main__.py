"""The safe/unsafe classifier: train, evaluate, predict, check for drift, export.

Exit codes of predict: 0 all safe, 1 something is unsafe, 3 a person must look; 2 is a wrong call.
"""

import argparse
import dataclasses
import json
import sys
from functools import partial
from pathlib import Path

from visionfail.risk import commands, drift_check, export, predicting, report
from visionfail.risk.config import (
    DECISION_KEYS,
    FIELD_TYPES,
    RiskConfig,
    load_config,
    load_decision,
)
from visionfail.risk.predicting import Decision
from visionfail.risk.prediction_log import log_decision
from visionfail.risk.saved import Classifier, load_classifier

OUT = Path("runs/risk/model")
DRIFT = (
    "Compares a batch of new pictures, one of each group of its pictures.csv, with validation's. "
    "Safe and unsafe ones must come in validation's proportion: where they do not, an alarm may "
    "mean that alone. Exit code 0: no drift seen, 1: an alarm, 2: a wrong call. Unchanged pictures "
    "raise an alarm in one batch of twenty at most."
)


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; every setting has a flag of its own."""
    top = argparse.ArgumentParser(prog="python -m visionfail.risk", description=__doc__)
    commands_of = top.add_subparsers(required=True)
    training = commands_of.add_parser("train", help="a classifier from safe/ and unsafe/ pictures")
    training.add_argument("--data", required=True, help="folder with safe/ and unsafe/")
    training.add_argument("--out", default=str(OUT), help="folder of the classifier")
    training.add_argument("--config", help="YAML file of settings")
    add_settings(training, tuple(FIELD_TYPES))
    training.set_defaults(run=run_train)
    evaluating = commands_of.add_parser("evaluate", help="a threshold, and what it does")
    evaluating.add_argument("--model", default=str(OUT), help="folder of the classifier")
    evaluating.add_argument("--data", required=True, help="folder with safe/ and unsafe/")
    evaluating.add_argument("--require-guarantee", action="store_true", help="or stop")
    evaluating.add_argument("--config", help="YAML file; training's settings stay as they are")
    add_settings(evaluating, DECISION_KEYS)
    evaluating.set_defaults(run=run_evaluate)
    deciding = commands_of.add_parser("predict", help="decide about one picture, or many")
    deciding.add_argument("--image", required=True, help="a file, a folder, or - for a list")
    deciding.add_argument("--weights", default=str(OUT), help="folder of the classifier")
    deciding.add_argument(
        "--format", choices=("torch", *export.FORMATS), default="torch", help="of an export"
    )
    deciding.add_argument("--threshold", type=float, help="in the place of evaluate's")
    deciding.add_argument(
        "--people-below", type=float, default=0.0, help="probability; default 0, nobody"
    )
    deciding.add_argument("--fallback", choices=predicting.FALLBACKS, default="unsafe")
    deciding.add_argument("--csv", type=Path, help="a table that grows; a second run resumes")
    deciding.add_argument(
        "--label-next",
        type=_count,
        metavar="N",
        help="at the end, name the N files nearest the review band's middle",
    )
    deciding.add_argument("--log", type=Path, help="a log of decisions, without pictures or names")
    deciding.set_defaults(run=run_predict)
    drifting = commands_of.add_parser("drift", help="are new pictures unlike validation's?")
    drifting.description = DRIFT
    drifting.add_argument("--model", default=str(OUT), help="folder of the classifier")
    drifting.add_argument("--image", type=Path, required=True, help="folder of new pictures")
    drifting.set_defaults(run=run_drift)
    exporting = commands_of.add_parser("export", help="ONNX or int8, if it decides the same")
    exporting.add_argument("--model", default=str(OUT), help="folder of the classifier")
    exporting.add_argument("--data", required=True, help="folder that it was trained on")
    exporting.add_argument("--format", choices=("onnx", "int8"), required=True)
    exporting.add_argument(
        "--even-if-slower", action="store_true", help="int8 that is no faster here than ONNX"
    )
    exporting.set_defaults(run=run_export)
    return top


def add_settings(command: argparse.ArgumentParser, names: tuple[str, ...]) -> None:
    """Add a flag for each of these settings."""
    for field in dataclasses.fields(RiskConfig):
        if field.name not in names:
            continue
        kind = FIELD_TYPES[field.name]
        flag = "--" + field.name.replace("_", "-")
        read = _truth if kind is bool else kind
        command.add_argument(
            flag, type=read, default=None, metavar="X", help=f"default {field.default}"
        )


def _truth(text: str) -> bool:
    """true or false; ValueError, which argparse reports, for another word."""
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _count(text: str) -> int:
    """A whole number from 1; ValueError, which argparse reports, for another word."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def overrides(options: argparse.Namespace) -> dict:
    """The settings that the command line gave."""
    given = {name: getattr(options, name, None) for name in FIELD_TYPES}
    return {name: value for name, value in given.items() if value is not None}


def run_train(options: argparse.Namespace) -> int:
    """train: says how many pictures there were, how training went, and what comes next."""
    config = load_config(options.config and Path(options.config), overrides(options))
    trained = commands.train_classifier(options.data, options.out, config)
    for part, counts in trained.counts.items():
        print(f"{part}: {', '.join(f'{count:,} {name}' for name, count in counts.items())}")
    say_left_out(trained.left_out)
    last = trained.history[-1]
    print(f"validation: {last['val_accuracy']:.1%} right at a threshold of 0.5")
    print(f"ImageNet weights: {trained.classifier.card['pretrained']}; saved in {options.out}")
    print(f"next: python -m visionfail.risk evaluate --model {options.out} --data {options.data}")
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """evaluate: the threshold with its guarantee, then what it does on test pictures."""
    classifier = load_classifier(options.model)
    file = options.config and Path(options.config)
    config = load_decision(classifier.config, file, overrides(options))
    threshold = commands.threshold_of(classifier, config)
    print(f"threshold {threshold.value:.4g} by {threshold.rule}; {threshold.guarantee}")
    if options.require_guarantee and not threshold.guaranteed:
        print("stopped, as --require-guarantee asks: no test picture was looked at")
        return 2
    evaluated = commands.evaluate_classifier(classifier, options.data, config)
    say_left_out(evaluated.left_out)
    print(f"{len(evaluated.pictures):,} test pictures, look number {evaluated.look}")
    print(evaluated.words)
    for name, value in evaluated.measures.items():
        print(f"   {report.MEASURES.get(name, name)} {value:.3f}")
    print(*report.lines_of(evaluated.details), sep="\n")
    print(f"figures: {classifier.folder / commands.FIGURES}")
    for name, reason in evaluated.not_drawn.items():
        print(f"   {name} not drawn: {reason}")
    print(f"misses and false alarms: {classifier.folder / commands.ERRORS}")
    return 0


def say_left_out(left_out: dict[str, str]) -> None:
    """Name every file that could not be read, and why."""
    for file, reason in left_out.items():
        print(f"left out: {file}: {reason}")


def threshold_to_use(classifier: Classifier, own: float | None) -> tuple[float, bool]:
    """(the caller's own threshold, which promises nothing, or the last evaluation's; guaranteed).

    ValueError where there is neither, and for one outside [0, 1].
    """
    if own is not None:
        if not 0 <= own <= 1:
            raise ValueError(f"threshold {own}: give a score from 0 to 1.")
        return own, False
    kept = classifier.decision()
    if kept is None:
        raise ValueError("no threshold yet: run evaluate first, or give --threshold.")
    return kept.value, kept.guaranteed


def run_predict(options: argparse.Namespace) -> int:
    """predict: a line of json for each file."""
    classifier = load_classifier(options.weights)
    threshold, guaranteed = threshold_to_use(classifier, options.threshold)
    exported = None
    if options.format != "torch":
        exported = export.load_exported(classifier, options.format, own=options.threshold)
    decided = predicting.decide_all(
        classifier,
        predicting.files_to_decide(options.image, sys.stdin),
        threshold=threshold,
        guaranteed=guaranteed,
        people_below=options.people_below,
        fallback=options.fallback,
        exported=exported,
        table=options.csv,
        noted=options.log and partial(log_decision, options.log),
    )
    code = 0
    kept = []
    for decision in decided:
        print(decision.json_line(), flush=True)
        code = max(code, exit_code(decision))
        if options.label_next:
            kept.append(decision)
    if options.label_next:
        asked = predicting.label_next(kept, options.label_next, calibration=classifier.calibration)
        print(json.dumps({"label_next": asked}))
    return code


def exit_code(decision: Decision) -> int:
    """3 where a person must look, 1 where it is unsafe, else 0."""
    if decision.review:
        return 3
    return int(decision.decision == "unsafe")


def run_drift(options: argparse.Namespace) -> int:
    """drift: what raises an alarm, with its p value."""
    checked = drift_check.check_folder(load_classifier(options.model), options.image)
    say_left_out(checked.left_out)
    drift = checked.drift
    print(
        f"{drift.n:,} of {checked.pictures:,} pictures, one of each group, against "
        f"{checked.reference:,} of validation; p corrected for {len(drift.p_values)} tests"
    )
    for name in drift.moved:
        print(f"   {name} has moved: p = {drift.p_values[name]:.3g}")
    if not drift.alarm:
        print(f"no drift seen: the smallest p is {drift.p:.3g}")
    return int(drift.alarm)


def run_export(options: argparse.Namespace) -> int:
    """export: the file and what its gate measured, or why it is refused."""
    classifier = load_classifier(options.model)
    validation = commands.validation_pictures(classifier, options.data)
    threshold = classifier.decision() or commands.threshold_of(classifier, classifier.config)
    made = export.export(
        classifier,
        options.format,
        validation,
        threshold,
        even_if_slower=options.even_if_slower,
    )
    print(f"threshold {threshold.value:.4g} by {threshold.rule}; {threshold.guarantee}")
    print(f"{made.path}, {made.path.stat().st_size / 1e6:.1f} MB; its gate on {made.gate.host}:")
    for name, value in made.gate.measured.items():
        print(f"   {name} {value:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
