"""What architectures and seeds disagree on, against counts by hand on planted answers."""

import numpy as np
import pytest

from visionfail.studies.degradation import mistakes

N = 2000


def planted(shared, own, *, seeds=2, longer=0.0):
    """{network: right answers}: mistakes that an architecture's seeds share, and each seed's own.

    ResNet-18 seed 0 is there, too: it was trained longer, so it must not count.
    """
    rng = np.random.default_rng(0)
    correct = {("resnet18", 0): rng.random(N) >= longer}
    for arch in ("densenet121", "resnet18"):
        of_arch = rng.random(N) < shared
        for seed in range(1, seeds + 1):
            correct[arch, seed] = ~(of_arch | (rng.random(N) < own))
    return correct


def shares_apart(correct, pairs):
    return np.mean([(correct[a] != correct[b]).mean() for a, b in pairs])


def test_architectures_that_share_no_more_than_seeds_do_are_not_told_apart():
    correct = planted(shared=0.0, own=0.1)
    row = mistakes.extra_disagreement(correct, bootstraps=500)
    assert row["lo"] < 0 < row["hi"]


def test_mistakes_of_an_architecture_show_and_the_longer_training_does_not_count():
    correct = planted(shared=0.1, own=0.02, longer=0.5)
    dense, residual = ([(arch, 1), (arch, 2)] for arch in ("densenet121", "resnet18"))
    row = mistakes.extra_disagreement(correct, bootstraps=500)
    within = [shares_apart(correct, [dense]), shares_apart(correct, [residual])]
    across = shares_apart(correct, [(a, b) for a in dense for b in residual])
    assert row["across"] == pytest.approx(across)
    assert [row["densenet121"], row["resnet18"]] == pytest.approx(within)
    assert row["value"] == pytest.approx(across - np.mean(within))
    assert 0 < row["lo"] < row["value"] < row["hi"]
    assert row["n"] == N


def test_each_architecture_counts_once_however_many_seeds_it_has():
    correct = planted(shared=0.1, own=0.02)
    correct["resnet18", 3] = np.random.default_rng(1).random(N) < 0.5
    row = mistakes.extra_disagreement(correct, bootstraps=50)
    assert row["value"] == pytest.approx(row["across"] - (row["densenet121"] + row["resnet18"]) / 2)
    assert row["resnet18"] > 5 * row["densenet121"]


def test_one_seed_of_an_architecture_does_not_say_how_far_two_lie_apart():
    correct = planted(shared=0.1, own=0.02)
    del correct["densenet121", 2]
    assert mistakes.extra_disagreement(correct, bootstraps=50) is None
    assert mistakes.accuracy_gap(correct, bootstraps=50)["seeds"] == "1 and 2"


def test_the_gap_of_accuracy_is_of_means_over_seeds_on_the_same_images():
    correct = planted(shared=0.1, own=0.02, longer=0.5)
    row = mistakes.accuracy_gap(correct, bootstraps=500)
    means = {}
    for arch in ("densenet121", "resnet18"):
        means[arch] = np.mean([correct[arch, seed].mean() for seed in (1, 2)])
    assert row["value"] == pytest.approx(means["densenet121"] - means["resnet18"])
    assert row["lo"] < row["value"] < row["hi"] and row["seeds"] == "2 and 2"
    only_resnets = {key: hits for key, hits in correct.items() if key[0] == "resnet18"}
    assert mistakes.accuracy_gap(only_resnets, bootstraps=50) is None
