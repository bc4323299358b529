import dataclasses

import numpy as np
import pandas as pd
import pytest
from makers import random_outcomes
from scipy import stats

from visionfail import claims
from visionfail.corruptions import FROST_TEXTURE
from visionfail.corruptions.apply import CORRUPTIONS
from visionfail.studies.degradation import seeds

SWEEP = random_outcomes(n=300)[0]


def network(accuracy, seed):
    """A sweep whose every condition is right for about this share of the images."""
    rng = np.random.default_rng(seed)
    hit = rng.random(SWEEP.predicted.shape) < accuracy
    predicted = np.where(hit, SWEEP.labels, (SWEEP.labels + 1) % 10)
    return dataclasses.replace(SWEEP, predicted=predicted.astype(np.uint8))


def judged(sweeps):
    return seeds.judge_architectures(sweeps, bootstraps=300, generator=np.random.default_rng(0))


def test_one_seed_of_either_leaves_the_architecture_undecided():
    sweeps = {("densenet121", 0): network(0.75, 0), ("resnet18", 0): network(0.73, 1)}
    row = judged(sweeps).iloc[0]
    rows = [i for i, (name, _) in enumerate(SWEEP.conditions) if name in CORRUPTIONS]
    means = [sweeps[arch, 0].correct[rows].mean() for arch in ("densenet121", "resnet18")]
    assert row.value == pytest.approx(means[0] - means[1])
    assert row.lo < row.value < row.hi
    assert row.verdict == "undecided"
    assert row.n == 300
    assert row.statistic.endswith("(these checkpoints, ResNet-18's trained longer)")


@pytest.mark.parametrize(("ahead", "verdict"), [(0.015, "holds"), (0.2, "fails"), (-0.1, "fails")])
def test_several_seeds_decide_where_seeds_and_images_agree(ahead, verdict):
    ours = [network(0.7 + ahead, seed) for seed in range(3)]
    theirs = [network(0.7, 10 + seed) for seed in range(1, 4)]
    sweeps = dict(zip([("densenet121", seed) for seed in range(3)], ours, strict=True))
    for seed, outcomes in enumerate(theirs, start=1):
        sweeps["resnet18", seed] = outcomes
    row = judged(sweeps).iloc[0]
    assert row.verdict == verdict
    assert row.seed == "0 and 1 and 2"
    our_means = [outcomes.correct.mean() for outcomes in ours]
    their_means = [outcomes.correct.mean() for outcomes in theirs]
    assert stats.ttest_ind(our_means, their_means).pvalue < 0.05


def test_seeds_that_differ_more_than_the_networks_decide_nothing():
    sweeps = {
        ("densenet121", 0): network(0.6, 0),
        ("densenet121", 1): network(0.8, 1),
        ("resnet18", 1): network(0.68, 11),
        ("resnet18", 2): network(0.68, 12),
    }
    assert judged(sweeps).verdict.iloc[0] == "undecided"


def test_a_network_trained_longer_does_not_count_where_one_trained_alike_is_there():
    sweeps = {("densenet121", 0): network(0.75, 0), ("resnet18", 1): network(0.73, 1)}
    longer = dict(sweeps)
    longer["resnet18", 0] = network(0.99, 2)
    assert judged(longer).equals(judged(sweeps))
    assert judged(sweeps).statistic[0].endswith("(these checkpoints)")
    assert list(seeds.trained_alike(longer)) == list(sweeps)


def test_without_one_of_the_networks_there_is_no_row():
    table = judged({("resnet18", 0): network(0.7, 0)})
    assert not len(table)
    assert list(table.columns) == list(claims.JUDGED)


def test_the_spread_of_seeds_is_that_of_their_accuracies():
    sweeps = [network(accuracy, seed) for seed, accuracy in enumerate((0.6, 0.7, 0.8))]
    table = seeds.seed_spread(sweeps)
    accuracy = np.stack([outcomes.correct.mean(axis=1) for outcomes in sweeps])
    assert np.allclose(table.spread, accuracy.max(axis=0) - accuracy.min(axis=0))
    assert np.allclose(table.sd, stats.tstd(accuracy, axis=0))
    assert (table.seeds == 3).all()
    with pytest.raises(ValueError, match="1 sweeps: a spread needs two"):
        seeds.seed_spread(sweeps[:1])


def test_agreement_weighs_architectures_against_seeds_trained_alike():
    values = {
        ("resnet18", "0"): 0.9,
        ("densenet121", "0"): 0.5,
        ("resnet18", "1"): 0.2,
        ("resnet18", "2"): 0.3,
    }
    rows = [
        {"claim": "7a", "words": "a", "model": m, "seed": s, "value": v}
        for (m, s), v in values.items()
    ]
    rows = pd.DataFrame(rows).assign(verdict=["holds", "fails", "holds", "holds"])
    once = rows[:1].assign(claim="8")
    spans = rows[:1].assign(claim="C1", model="mnist_cnn", seed="0 to 4")
    (row,) = seeds.verdict_agreement(pd.concat([rows, once, spans])).to_dict("records")
    assert (row["networks"], row["smallest"], row["largest"]) == (4, 0.2, 0.9)
    assert row["between_seeds"] == pytest.approx(0.1)
    assert row["between_architectures"] == pytest.approx(0.25)
    assert row["verdicts"] == "holds, fails"
    assert not row["same"]
    table = seeds.verdict_agreement(rows[:2].assign(verdict="fails"))
    assert table.same.all()
    assert table.between_seeds.isna().all()  # one seed of each has no spread
    assert table.between_architectures[0] == pytest.approx(-0.4)


def test_networks_on_two_textures_of_frost_are_compared_without_it():
    present = {("densenet121", 0): network(0.75, 0), ("resnet18", 1): network(0.73, 1)}
    for key, outcomes in present.items():
        present[key] = dataclasses.replace(outcomes, made={"frost_texture": FROST_TEXTURE})
    assert seeds.comparable(present) == present
    assert "over 15" in judged(present).statistic[0]
    mixed = dict(present)
    mixed["resnet18", 1] = dataclasses.replace(present["resnet18", 1], made={})
    for outcomes in seeds.comparable(mixed).values():
        assert "frost" not in {name for name, _ in outcomes.conditions}
        assert len(outcomes.predicted) == 96 - 5
    assert "over 14" in judged(mixed).statistic[0]
    without = seeds.comparable(mixed)
    difference = [seeds.share_correct(without[key]).mean() for key in present]
    assert judged(mixed).value[0] == pytest.approx(difference[0] - difference[1])


@pytest.mark.parametrize(("sd", "distance"), [(0.006, 0.011), (0.006, 0.004), (0.01, 0.03)])
def test_as_many_seeds_as_make_the_interval_short_enough_and_no_fewer(sd, distance):
    needed = seeds.seeds_needed(sd, distance)

    def reach(count):
        """Half of Student's interval of a difference of means whose samples have this SD."""
        sample = np.tile([-1.0, 1.0], count)[:count]
        sample = sample / sample.std(ddof=1) * sd
        interval = stats.ttest_ind(sample, sample).confidence_interval()
        return (interval.high - interval.low) / 2

    assert reach(needed) <= distance * (1 + 1e-9)
    assert needed == 2 or reach(needed - 1) > distance
    with pytest.raises(ValueError, match="1000 seeds"):
        seeds.seeds_needed(1.0, 1e-6)
