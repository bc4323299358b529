"""Every network beside the ResNet-18s trained alike: which pairs, and what a pair's row says."""

import numpy as np
import pytest
from makers import planted_sweep

from visionfail import evaluation
from visionfail.studies.degradation import pairs

SWEEPS = {
    ("resnet18", 0): planted_sweep(0.75, 0),
    ("resnet18", 1): planted_sweep(0.70, 1),
    ("resnet18", 2): planted_sweep(0.69, 2),
    ("densenet121", 0): planted_sweep(0.85, 3),
}


def test_each_pair_stands_there_once_and_the_longer_training_is_no_baseline():
    table = pairs.beside_resnets(SWEEPS, bootstraps=20)
    found = list(zip(table.model, table.seed, table.beside, strict=True))
    assert found == [
        ("resnet18", 0, 1),
        ("resnet18", 0, 2),
        ("resnet18", 2, 1),
        ("densenet121", 0, 1),
        ("densenet121", 0, 2),
    ]


def test_a_row_counts_the_conditions_that_differ():
    table = pairs.beside_resnets(SWEEPS, bootstraps=20).set_index(["model", "seed", "beside"])
    row = table.loc["densenet121", 0, 2]
    pair = evaluation.paired_by_condition(
        SWEEPS["densenet121", 0],
        SWEEPS["resnet18", 2],
        bootstraps=20,
        generator=np.random.default_rng(0),
    )
    pair = pair[pair.severity > 0]
    assert row.difference == pytest.approx(pair.difference.mean())
    assert row.ahead == ((pair.p_holm < 0.05) & (pair.difference > 0)).sum() > 90
    assert row.behind == 0 and row.conditions == len(pair) == 95 and row.n == 300
    assert table.loc["resnet18", 2, 1][["ahead", "behind"]].sum() < 5
