"""Rows that are stored: values with their intervals, and what n counts."""

import numpy as np
import pandas as pd
import pytest

from visionfail import paths, results
from visionfail.studies import uneven

TABLE = pd.DataFrame(
    {
        "name": ["svhn10k", "gtsrb"],
        "split": ["test", "heldout"],
        "kappa": [0.7, np.nan],
        "low": [0.6, np.nan],
        "high": [0.8, np.nan],
        "independent": [0.002, 0.1],  # a share by chance, no number of things
        "things": [1506, 133],
    }
)
ORIGINS = {"svhn10k": "subset", "gtsrb": "subset"}


def test_a_row_has_its_value_its_interval_and_the_n_that_was_named():
    rows = uneven.stored_rows(TABLE, "kappa", ("kappa", "low", "high"), n="things", origins=ORIGINS)
    assert len(rows) == 1  # the other value is not defined
    (row,) = rows
    assert (row["value"], row["lo"], row["hi"], row["n"]) == (0.7, 0.6, 0.8, 1506)
    assert (row["dataset"], row["split"], row["condition"]) == ("svhn10k", "test", "all classes")


def test_a_row_says_what_it_is_about():
    table = TABLE.assign(letter=["a", "b"], kappa=0.5, low=0.4, high=0.6)
    columns = ("kappa", "low", "high")
    rows = uneven.stored_rows(table, "kappa", columns, n="things", origins=ORIGINS, about="letter")
    assert [row["condition"] for row in rows] == ["a", "b"]
    assert [row["split"] for row in rows] == ["test", "heldout"]


@pytest.mark.parametrize(
    ("dataset", "things"), [("svhn10k", 1506), ("gtsrb", 421), ("cifar10", 10_000)]
)
def test_what_is_stored_counts_houses_signs_and_images(dataset, things):
    table, _ = results.load_run("uneven", folder=paths.RESULTS)
    assert (table.n > 0).all()
    of_set = table[(table.dataset == dataset) & (table.split == "test")]
    n = of_set[of_set.condition == "all classes"].set_index("metric").n
    for metric in ("accuracy", "kappa of being wrong", "best minus worst class"):
        assert n[metric] == things
    assert n["kappa without doubtful labels"] <= things
