"""The figure of one network under attack."""

import numpy as np
import pandas as pd
import pytest

from figures.checks import assert_readable, curve, tick_names, with_interval, words
from visionfail import figures

EPSILONS = [0.0, 0.5, 8.0]


def accuracies():
    rows = []
    for attack, step in (("fgsm", 0.2), ("pgd", 0.4)):
        for place, epsilon in enumerate(EPSILONS):
            row = {"attack": attack, "epsilon": epsilon, "value": 0.9 - place * step}
            rows.append({**row, "n": 200})
    return with_interval(pd.DataFrame(rows))


def ladder():
    return figures.attack_ladder(accuracies(), model="yours", chance=0.1, title="Under attack")


def test_it_is_readable():
    assert_readable(ladder())


def test_each_attack_has_a_line_over_evenly_spaced_epsilons():
    fig = ladder()
    fgsm, pgd, guessing = fig.axes[0].lines
    assert np.allclose(curve(fgsm), ([0, 1, 2], [0.9, 0.7, 0.5]))
    assert np.allclose(curve(pgd)[1], [0.9, 0.5, 0.1])
    assert set(curve(guessing)[1]) == {0.1}
    assert tick_names(fig.axes[0].xaxis) == ["0", "0.5", "8"]
    assert any("n = 200 images" in text for text in words(fig))


@pytest.mark.fault("bad arguments")
def test_an_unknown_attack_is_refused():
    with pytest.raises(ValueError, match="no look for attack"):
        figures.attack_ladder(accuracies().replace("pgd", "cw"), model="yours", chance=0.1)
