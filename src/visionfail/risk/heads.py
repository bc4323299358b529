"""Heads that differ in their seed alone, one by one and together."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from visionfail import metrics
from visionfail.models.features import Features
from visionfail.risk import experiments
from visionfail.risk.calibration import fit_calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored, rate_interval, rates
from visionfail.risk.thresholds import threshold_for

HEADS = 3


def heads_scores(features: Mapping[str, Features], config: RiskConfig) -> dict[str, np.ndarray]:
    """{"heads_val", "heads": scores (HEADS, N) of validation and of test pictures}.

    Each head learns from the plain training pictures.
    """
    scores: dict[str, list[np.ndarray]] = {"heads_val": [], "heads": []}
    for number in range(HEADS):
        seeded = dataclasses.replace(config, seed=config.seed + number)
        head = experiments.quick_head(features["train"], seeded)
        scores["heads_val"].append(experiments.head_score(head, features["val"].images))
        scores["heads"].append(experiments.head_score(head, features["test"].images))
    return {name: np.stack(rows) for name, rows in scores.items()}


def heads_table(
    validation: Sequence[Scored], test: Sequence[Scored], config: RiskConfig
) -> pd.DataFrame:
    """A row for one head, for all together (their mean score), and for the difference.

    Each has its own calibration and threshold, from its own validation scores. Columns: classifier,
    auroc, threshold, then missed and alarmed with lo and hi (95% over groups), n of the test groups
    of either class. The row of one head is the mean of as many classifiers as there are heads.
    """
    counts = test[0].counts()
    alone = [_measured(*pair, config, counts) for pair in zip(validation, test, strict=True)]
    both = _measured(_together(validation), _together(test), config, counts)
    unsafe = test[0].unsafe()
    n = {"missed": int(unsafe.sum()), "alarmed": int((~unsafe).sum())}
    one: dict[str, Any] = {"auroc": np.mean([head["auroc"] for head in alone])}
    one["threshold"] = np.mean([head["threshold"] for head in alone])
    for name in n:
        one[name] = metrics.mean_of_estimates([head[name] for head in alone])
    rows = []
    for words, found in {"one head": one, f"{len(test)} heads together": both}.items():
        row = {"classifier": words, "auroc": found["auroc"], "threshold": found["threshold"]}
        for name, count in n.items():
            row |= _columns(name, rate_interval(found[name], count))
        rows.append(row)
    difference: dict[str, Any] = {"classifier": "together minus one"}
    difference["auroc"] = both["auroc"] - one["auroc"]
    for name in n:
        difference |= _columns(name, (both[name] - one[name]).interval())
    table = pd.DataFrame([*rows, difference])
    return table.assign(n=f"{n['missed']} unsafe, {n['alarmed']} safe")


def _together(scored: Sequence[Scored]) -> Scored:
    """The mean of the scores."""
    return dataclasses.replace(scored[0], score=np.mean([each.score for each in scored], axis=0))


def _measured(
    validation: Scored, test: Scored, config: RiskConfig, counts: np.ndarray
) -> dict[str, Any]:
    """auroc, threshold, and missed and alarmed at it, as Estimates."""
    calibration = fit_calibration(validation.score, validation.labels)
    threshold = threshold_for(validation, calibration, config).value
    found: dict[str, Any] = {"threshold": threshold}
    found["auroc"] = float(roc_auc_score(test.labels, test.score))
    return found | rates(test, threshold, counts)


def _columns(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    """value, lo and hi as columns."""
    value, lo, hi = interval
    return {name: value, f"{name} lo": lo, f"{name} hi": hi}
