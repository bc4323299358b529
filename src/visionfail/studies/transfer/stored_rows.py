"""The rows of results/transfer.csv: the reference's sweep, the ladder, what follow-ups change."""

import numpy as np
import pandas as pd

from visionfail import evaluation, paths
from visionfail.evaluation import Outcomes

MODEL = "imagenet_resnet18"


def result_rows(
    reference: Outcomes,
    ladder: pd.DataFrame,
    changes: pd.DataFrame,
    controlled: pd.DataFrame,
    controls: pd.DataFrame,
    *,
    origin: str,
    bootstraps: int,
) -> list[dict]:
    """The reference under every corruption, then the tables of ladder, changes and controls.

    They are `ladder_table`, `changes_table`, `controlled_table` and `controls_table`.

    Rows of the ladder have the recipe and its ImageNet weights as their condition and no seed, for
    they are means of all. Those of changes began with the reference's weights.
    """
    rows = evaluation.sweep_rows(
        reference,
        evaluation.read_published(paths.RESULTS),
        model=MODEL,
        seed=0,
        bootstraps=bootstraps,
        generator=np.random.default_rng(0),
    )
    about = {"dataset": "cifar10", "origin": origin, "split": "test"}
    for rung in ladder.to_dict("records"):
        model = "imagenet_resnet50" if "ResNet-50" in rung["words"] else MODEL
        condition = f"ladder: {rung['words']} (weights: {rung['weights']})"
        row = {**about, "model": model, "condition": condition}
        measured = {name: rung[name] for name in ("value", "lo", "hi", "n")}
        rows.append(row | {"metric": "accuracy", **measured})
        rows.append(row | {"metric": "minutes", "value": rung["minutes"], "n": rung["seeds"]})
    for change in changes.to_dict("records"):
        row = {**about, "model": MODEL, "condition": change["change"]}
        row["metric"] = f"{change['measure']} minus the baseline's"
        rows.append(row | {name: change[name] for name in ("value", "lo", "hi", "n")})
    for pair in controlled.to_dict("records"):
        row = {**about, "model": MODEL, "condition": f"control: {pair['network']}"}
        row |= {"metric": "kept under 19 corruptions", "value": pair["kept"]}
        rows.append(row | {name: pair[name] for name in ("lo", "hi", "n")})
    for control in controls.to_dict("records"):
        row = {**about, "model": MODEL, "condition": f"control of {control['claim']}"}
        row["metric"] = control["control"]
        rows.append(row | {name: control[name] for name in ("value", "lo", "hi", "n")})
    return rows
