"""Claim 8 on planted networks: judged over images and seeds, by the interval that its row has."""

import dataclasses

import numpy as np
import pytest
from makers import planted_sweep, random_outcomes
from scipy import stats

from visionfail import claims
from visionfail.corruptions import CORRUPTIONS, FROST_TEXTURE
from visionfail.figures import claims_plot
from visionfail.names import network_name
from visionfail.studies.degradation import architectures, seeds

SWEEP = random_outcomes(n=300)[0]
FIFTEEN = [row for row, (name, _) in enumerate(SWEEP.conditions) if name in CORRUPTIONS]


def networks(ours, theirs):
    """{network: sweep} of DenseNet-121 seeds 0, 1, ... and ResNet-18 seeds 1, 2, ..."""
    sweeps = {}
    for seed, accuracy in enumerate(ours):
        sweeps["densenet121", seed] = planted_sweep(accuracy, seed)
    for seed, accuracy in enumerate(theirs, start=1):
        sweeps["resnet18", seed] = planted_sweep(accuracy, 10 + seed)
    return sweeps


def judged(sweeps):
    return architectures.judge_architectures(
        sweeps, bootstraps=300, generator=np.random.default_rng(0)
    )


def means_of(sweeps, arch):
    """The mean accuracy of each seed of an architecture under the 15 corruptions."""
    chosen = [outcomes for (name, _), outcomes in sweeps.items() if name == arch]
    return [outcomes.correct[FIFTEEN].mean() for outcomes in chosen]


def test_one_seed_of_either_leaves_the_architecture_undecided():
    sweeps = {("densenet121", 0): planted_sweep(0.745, 0), ("resnet18", 0): planted_sweep(0.73, 1)}
    row = judged(sweeps).iloc[0]
    ours, theirs = (sweeps[arch, 0].correct[FIFTEEN] for arch in ("densenet121", "resnet18"))
    assert row.value == pytest.approx(ours.mean() - theirs.mean())
    scatter = (ours.mean(axis=0) - theirs.mean(axis=0)).std(ddof=1)  # over images
    width = 2 * 1.96 * scatter / np.sqrt(300)
    assert row.hi - row.lo == pytest.approx(width, rel=0.15)
    assert claims.verdict_of(row.lo, row.hi, low=row.low, high=row.high) == "holds"
    assert row.verdict == "undecided"
    assert row.n == 300
    assert row.statistic.endswith("(these checkpoints, ResNet-18's trained longer)")


@pytest.mark.parametrize(("ahead", "verdict"), [(0.015, "holds"), (0.2, "fails"), (-0.1, "fails")])
def test_several_seeds_decide_where_seeds_and_images_agree(ahead, verdict):
    sweeps = networks([0.7 + ahead] * 3, [0.7] * 3)
    row = judged(sweeps).iloc[0]
    assert row.verdict == verdict
    assert row.seed == "0, 1, 2"
    assert network_name(row.model, row.seed) == "DenseNet-121, seeds 0, 1, 2"
    our_means, their_means = (means_of(sweeps, arch) for arch in ("densenet121", "resnet18"))
    assert stats.ttest_ind(our_means, their_means).pvalue < 0.05


@pytest.mark.parametrize("ours", [[0.6, 0.8], [0.71, 0.716], [0.72, 0.72], [0.9, 0.9]])
def test_the_row_has_the_interval_that_it_is_judged_by(ours):
    sweeps = networks(ours, [0.7, 0.701, 0.699])
    row = judged(sweeps).iloc[0]
    assert row.verdict == claims.verdict_of(row.lo, row.hi, low=0.0, high=0.03)
    measured = [means_of(sweeps, arch) for arch in ("densenet121", "resnet18")]
    welch = stats.ttest_ind(*measured, equal_var=False).confidence_interval()
    assert row.lo <= welch.low + 1e-9
    assert row.hi >= welch.high - 1e-9
    assert (
        row.statistic == "mean accuracy over 15, minus ResNet-18's (2 seeds and 3 of ResNet-18's)"
    )


def test_seeds_and_images_are_resampled_crossed():
    rng = np.random.default_rng(0)
    images = rng.normal(0, 1, 400)  # of one architecture, the same for all of its seeds
    images = (images - images.mean()) / images.std()
    by_seed = rng.normal(0, 1, (2, 40, 1))
    by_seed = (by_seed - by_seed.mean(axis=1, keepdims=True)) / by_seed.std(axis=1, keepdims=True)
    over_images = 0.5 / np.sqrt(400)  # standard errors of the difference, as large as each other
    over_seeds = over_images
    ours, theirs = 0.7 + by_seed * over_seeds * np.sqrt(40 / 2) + np.zeros(400)
    sides = architectures.Sides([], ours + 0.5 * images, theirs, corruptions=15, longer=False)
    lo, hi = architectures._interval(sides, 4000, np.random.default_rng(0))
    width = 2 * 1.96 * np.sqrt(over_images**2 + over_seeds**2)
    assert hi - lo == pytest.approx(width, rel=0.05)  # either alone is 0.7 times as wide


def test_seeds_that_differ_more_than_the_networks_decide_nothing():
    assert judged(networks([0.6, 0.8], [0.68, 0.68])).verdict.iloc[0] == "undecided"


def test_its_rule_was_amended_so_it_is_exploratory_over_14_and_over_15():
    sweeps = networks([0.75], [0.73])
    assert judged(sweeps).status.tolist() == ["exploratory"]
    sweeps["resnet18", 1] = dataclasses.replace(
        sweeps["resnet18", 1], made={"frost_texture": FROST_TEXTURE}
    )
    assert "over 14" in judged(sweeps).statistic[0]
    assert judged(sweeps).status.tolist() == ["exploratory"]


def test_a_network_trained_longer_does_not_count_where_one_trained_alike_is_there():
    sweeps = networks([0.75], [0.73])
    longer = dict(sweeps)
    longer["resnet18", 0] = planted_sweep(0.99, 2)
    assert judged(longer).equals(judged(sweeps))
    assert judged(sweeps).statistic[0].endswith("(these checkpoints)")
    assert list(seeds.trained_alike(longer)) == list(sweeps)


def test_without_one_of_the_networks_there_is_no_row():
    sweeps = {("resnet18", 0): planted_sweep(0.7, 0)}
    table = judged(sweeps)
    assert not len(table)
    assert list(table.columns) == list(claims.JUDGED)
    assert architectures.seeds_for_architectures(sweeps) is None


def test_networks_on_two_textures_of_frost_are_compared_without_it():
    present = networks([0.75], [0.73])
    for key, outcomes in present.items():
        present[key] = dataclasses.replace(outcomes, made={"frost_texture": FROST_TEXTURE})
    assert "over 15" in judged(present).statistic[0]
    mixed = dict(present)
    mixed["resnet18", 1] = dataclasses.replace(present["resnet18", 1], made={})
    assert "over 14" in judged(mixed).statistic[0]
    without = seeds.comparable(mixed)
    difference = [seeds.share_correct(without[key]).mean() for key in present]
    assert judged(mixed).value[0] == pytest.approx(difference[0] - difference[1])


def test_how_many_seeds_would_tell_pools_the_scatter_of_both():
    sweeps = networks([0.71, 0.73], [0.70, 0.71, 0.72])
    found = architectures.seeds_for_architectures(sweeps)
    ours, theirs = (means_of(sweeps, arch) for arch in ("densenet121", "resnet18"))
    pooled = np.sqrt((np.var(ours, ddof=1) + 2 * np.var(theirs, ddof=1)) / 3)
    assert found.sd == pytest.approx(pooled)
    assert found.there == "2 and 3"
    assert found.difference == pytest.approx(np.mean(ours) - np.mean(theirs))
    assert found.distance == pytest.approx(found.difference)  # 0 is nearer than 0.03
    assert found.needed == str(seeds.seeds_needed(found.sd, found.distance))


def test_how_many_seeds_with_one_seed_of_one_network_and_beyond_the_region():
    sweeps = networks([0.80], [0.70, 0.71])
    found = architectures.seeds_for_architectures(sweeps)
    assert found.there == "1 and 2"
    assert found.sd == pytest.approx(np.std(means_of(sweeps, "resnet18"), ddof=1))
    assert found.distance == pytest.approx(found.difference - 0.03)
    assert architectures.seeds_for_architectures(networks([0.8], [0.7])) is None
    assert architectures._needed(1.0, 1e-6) == "more than 1,000"


def test_claim_8_of_several_seeds_is_drawn():
    fig = claims_plot(judged(networks([0.75, 0.74], [0.73, 0.72])), title="claims")
    assert "DenseNet-121, seeds 0, 1" in {text.get_text() for text in fig.legends[0].get_texts()}
