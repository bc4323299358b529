"""Rows for results/ and the plane in which activations are drawn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from visionfail.failure import Activations, Auditor


def result_rows(tables: Mapping[str, pd.DataFrame], *, origin: str) -> list[dict]:
    """Rows of results/ from tables with columns slice, judge, value, lo, hi, n: the metric is the
    table's name and the detector's.
    """
    rows = []
    for metric, table in tables.items():
        for line in table.to_dict("records"):
            row = {
                "dataset": "mnist",
                "origin": origin,
                "split": "test",
                "model": "mnist_cnn",
                "condition": line["slice"],
                "metric": f"{metric}: {line['judge']}",
                "value": line["value"],
                "lo": line["lo"],
                "hi": line["hi"],
                "n": line["n"],
            }
            rows.append(row)
    return rows


def principal_plane(
    auditor: Auditor, learnt: Activations, activations: Activations
) -> tuple[np.ndarray, float]:
    """(points (N, 2), share of the variance that the plane explains): activations, standardised as
    the auditor does it, in the first two principal components of what it has learnt from.
    """
    mean = auditor.mean.cpu().numpy()
    std = auditor.std.cpu().numpy()
    pca = PCA(2, random_state=0).fit((learnt.features() - mean) / std)
    points = pca.transform((activations.features() - mean) / std)
    return points, float(pca.explained_variance_ratio_.sum())


def budget_rows(
    realised: pd.DataFrame,
    shifted: pd.DataFrame,
    resplits: pd.DataFrame,
    *,
    origin: str,
    budget: float,
    repeats: int,
) -> list[dict]:
    """Rows of results/ from the three tables of studies.auditing.budgets; `budget` is that of
    `shifted`.
    """
    common = {"dataset": "mnist", "origin": origin, "split": "test", "model": "mnist_cnn"}
    rows = []
    on_mix = realised.assign(condition="mix")
    under_shift = shifted.assign(budget=budget)
    for line in [*on_mix.to_dict("records"), *under_shift.to_dict("records")]:
        place = {**common, "seed": line["seed"], "condition": line["condition"]}
        which = f"budget {line['budget']:g}: {line['judge']}"
        rows.append(
            {**place, "metric": f"coverage, {which}", "value": line["coverage"], "n": line["n"]}
        )
        if line["accepted"]:
            risk = {
                "value": line["risk"],
                "lo": line["lo"],
                "hi": line["hi"],
                "n": line["accepted"],
            }
            rows.append({**place, "metric": f"risk, {which}", **risk})
    for line in resplits.to_dict("records"):
        place = {**common, "seed": line["seed"], "condition": "dealt anew"}
        metric = f"kept, budget {line['budget']:g}: {line['judge']}"
        rows.append({**place, "metric": metric, "value": line["kept"] / repeats, "n": repeats})
    return rows
