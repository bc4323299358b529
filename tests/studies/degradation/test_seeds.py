import dataclasses

import numpy as np
import pandas as pd
import pytest
from makers import planted_sweep, random_outcomes
from scipy import stats

from visionfail.corruptions import FROST_TEXTURE
from visionfail.studies.degradation import seeds

SWEEP = random_outcomes(n=300)[0]


def test_the_spread_of_seeds_is_that_of_their_accuracies():
    sweeps = [planted_sweep(accuracy, seed) for seed, accuracy in enumerate((0.6, 0.7, 0.8))]
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
    present = {("densenet121", 0): planted_sweep(0.75, 0), ("resnet18", 1): planted_sweep(0.73, 1)}
    for key, outcomes in present.items():
        present[key] = dataclasses.replace(outcomes, made={"frost_texture": FROST_TEXTURE})
    assert seeds.comparable(present) == present
    mixed = dict(present)
    mixed["resnet18", 1] = dataclasses.replace(present["resnet18", 1], made={})
    for outcomes in seeds.comparable(mixed).values():
        assert "frost" not in {name for name, _ in outcomes.conditions}
        assert len(outcomes.predicted) == 96 - 5


def test_equal_architectures_differ_more_than_their_seeds_by_chance():
    # two seeds: the distance of means over that of the seeds is a ratio of two normal numbers
    for ours in (1, 2, 5):
        ratio = np.sqrt(2 / (1 / ours + 1 / 2))
        expected = 1 - 2 / np.pi * np.arctan(ratio)
        assert seeds.chance_of_larger(ours, 2) == pytest.approx(expected, abs=0.005)
    spread = stats.studentized_range(3, np.inf)
    apart = np.abs(stats.norm(0, np.sqrt(1 / 2 + 1 / 3)).ppf(np.linspace(0.0005, 0.9995, 1000)))
    assert seeds.chance_of_larger(2, 3) == pytest.approx(spread.cdf(apart).mean(), abs=0.005)


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
