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
    *,
    origin: str,
    bootstraps: int,
) -> list[dict]:
    """The reference under every corruption, then tables of `ladder_table` and `changes_table`.

    Rows of the ladder have the recipe as their condition and no seed, for they are means of all.
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
    n = len(reference.labels)
    for rung in ladder.to_dict("records"):
        model = "imagenet_resnet50" if "ResNet-50" in rung["words"] else MODEL
        row = {**about, "model": model, "condition": f"ladder: {rung['words']}"}
        row.update({"metric": "accuracy", "n": rung["n"]})
        rows.append(row | {name: rung[name] for name in ("value", "lo", "hi")})
        row = {**about, "model": model, "condition": f"ladder: {rung['words']}"}
        rows.append(row | {"metric": "minutes", "value": rung["minutes"], "n": rung["seeds"]})
    for change in changes.to_dict("records"):
        row = {**about, "model": MODEL, "condition": change["change"], "n": n}
        row["metric"] = f"{change['measure']} minus the baseline's"
        rows.append(row | {name: change[name] for name in ("value", "lo", "hi")})
    return rows
