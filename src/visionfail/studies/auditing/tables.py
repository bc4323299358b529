"""Rows for results/ and the plane in which activations are drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from visionfail.failure import Activations, Auditor


def result_rows(tables: Mapping[str, pd.DataFrame], *, origin: str) -> list[dict]:
    """Rows of results/ from tables with columns slice, detector, value, lo, hi, n.

    A row's metric is the name of its table and the detector's.
    """
    rows = []
    for metric, table in tables.items():
        for line in table.to_dict("records"):
            row = _test_row(origin)
            row["condition"] = line["slice"]
            row["metric"] = f"{metric}: {line['detector']}"
            for name in ("value", "lo", "hi", "n"):
                row[name] = line[name]
            rows.append(row)
    return rows


def _test_row(origin: str) -> dict[str, Any]:
    """The fields that all rows of this study have."""
    return {"dataset": "mnist", "origin": origin, "split": "test", "model": "mnist_cnn"}


def principal_plane(
    auditor: Auditor, learnt: Activations, activations: Activations
) -> tuple[np.ndarray, float]:
    """(points (N, 2), explained): activations in the first two principal components of `learnt`.

    Activations are standardised as the auditor does it; `explained` is the share of the variance
    that the plane has, in [0, 1].
    """
    mean = auditor.get_buffer("mean").cpu().numpy()  # (D,)
    std = auditor.get_buffer("std").cpu().numpy()
    pca = PCA(2, random_state=0).fit((learnt.features() - mean) / std)
    points = pca.transform((activations.features() - mean) / std)
    return points, float(pca.explained_variance_ratio_.sum())


def budget_rows(
    evaluated: pd.DataFrame,
    shifted: pd.DataFrame,
    resplits: pd.DataFrame,
    *,
    origin: str,
    budget: float,
    repeats: int,
) -> list[dict]:
    """Rows of results/ from the three tables of studies.auditing.budgets.

    `budget` is that of `shifted`, `repeats` the number of re-splits.
    """
    rows = []
    for table in (evaluated.assign(condition="mix"), shifted.assign(budget=budget)):
        for line in table.to_dict("records"):
            rows.append(_coverage_row(line, origin))
            if line["accepted"]:
                rows.append(_risk_row(line, origin))
    for line in resplits.to_dict("records"):
        rows.append(_resplit_row(line, origin, repeats))
    return rows


def _coverage_row(line: Mapping[Any, Any], origin: str) -> dict[str, Any]:
    """The row of the coverage of one threshold."""
    row = _test_row(origin)
    row["seed"] = line["seed"]
    row["condition"] = line["condition"]
    row["metric"] = f"coverage, {_budget_and_detector(line)}"
    row["value"] = line["coverage"]
    row["n"] = line["n"]
    return row


def _risk_row(line: Mapping[Any, Any], origin: str) -> dict[str, Any]:
    """The row of the risk of one threshold; n counts its accepted answers."""
    row = _test_row(origin)
    row["seed"] = line["seed"]
    row["condition"] = line["condition"]
    row["metric"] = f"risk, {_budget_and_detector(line)}"
    row["value"] = line["risk"]
    row["lo"] = line["lo"]
    row["hi"] = line["hi"]
    row["n"] = line["accepted"]
    return row


def _resplit_row(line: Mapping[Any, Any], origin: str, repeats: int) -> dict[str, Any]:
    """The row of the share of re-splits that met a budget."""
    row = _test_row(origin)
    row["seed"] = line["seed"]
    row["condition"] = "re-splits"
    row["metric"] = f"budget met, {_budget_and_detector(line)}"
    row["value"] = line["met"] / repeats
    row["n"] = repeats
    return row


def _budget_and_detector(line: Mapping[Any, Any]) -> str:
    """What a metric's name ends with: "budget 0.02: auditor"."""
    return f"budget {line['budget']:g}: {line['detector']}"
