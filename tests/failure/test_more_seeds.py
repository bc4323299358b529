import numpy as np
import pytest

from visionfail import failure
from visionfail.failure import compare, more_seeds
from visionfail.metrics import Estimate


def differences(value, sd, *, seeds, of_images=0.0, resamples=4000):
    """A difference with this mean and SD over seeds, whose images add a scatter to all of them."""
    rng = np.random.default_rng(0)
    exact = np.tile([-1.0, 1.0], seeds)[:seeds]
    exact = value + (exact - exact.mean()) / exact.std(ddof=1) * sd
    return Estimate(exact, exact + rng.normal(0, of_images, (resamples, 1)))


def undecided_row(**known):
    difference = differences(**known)
    row = compare.difference_row(difference)
    assert compare.outcome(row, p=row["p"]) == "undecided"
    return row, difference.exact


@pytest.mark.parametrize(
    ("value", "sd", "of_images"), [(0.02, 0.03, 0.0), (0.02, 0.04, 0.004), (-0.03, 0.06, 0.002)]
)
def test_so_many_seeds_decide_and_fewer_do_not(value, sd, of_images):
    row, by_seed = undecided_row(value=value, sd=sd, seeds=5, of_images=of_images)
    needed = failure.seeds_to_decide(row, by_seed, comparisons=1)
    told = {}
    for seeds in (int(0.7 * needed), int(1.3 * needed)):
        again = compare.difference_row(differences(value, sd, seeds=seeds, of_images=of_images))
        told[seeds > needed] = compare.outcome(again, p=again["p"])
    assert told == {False: "undecided", True: "win" if value > 0 else "loss"}


def test_a_small_difference_is_decided_as_a_tie():
    row, by_seed = undecided_row(value=0.002, sd=0.02, seeds=5)
    needed = failure.seeds_to_decide(row, by_seed, comparisons=1)
    again = compare.difference_row(differences(0.002, 0.02, seeds=int(1.3 * needed)))
    assert compare.outcome(again, p=again["p"]) == "tie"


def test_no_seed_lessens_what_images_add():
    row, by_seed = undecided_row(value=0.02, sd=0.001, seeds=5, of_images=0.02)
    assert failure.seeds_to_decide(row, by_seed, comparisons=1) is None


def test_more_comparisons_need_more_seeds():
    row, by_seed = undecided_row(value=0.02, sd=0.03, seeds=5)
    of_one = failure.seeds_to_decide(row, by_seed, comparisons=1)
    assert failure.seeds_to_decide(row, by_seed, comparisons=100) > of_one > 5


def test_the_variance_of_images_is_what_seeds_do_not_explain():
    difference = differences(0.02, 0.03, seeds=5, of_images=0.01)
    row = compare.difference_row(difference)
    assert more_seeds.variance_of_images(row, difference.exact) == pytest.approx(1e-4, rel=0.25)


@pytest.mark.parametrize("border", [0.0, 0.05])
def test_so_many_seeds_set_an_interval_apart_from_a_border(border):
    row, by_seed = undecided_row(value=0.02, sd=0.03, seeds=5, of_images=0.002)
    apart = {"value": row["value"] + border, "lo": row["lo"] + border, "hi": row["hi"] + border}
    shifted = by_seed + border
    needed = failure.seeds_to_exclude(border, apart, shifted)
    told = {}
    for seeds in (int(0.7 * needed), int(1.4 * needed)):
        again = compare.difference_row(differences(0.02, 0.03, seeds=seeds, of_images=0.002))
        told[seeds > needed] = again["lo"] > 0 and again["seed_lo"] > 0
    assert told == {False: False, True: True}


def test_a_tie_does_not_set_an_interval_apart():
    row, by_seed = undecided_row(value=0.002, sd=0.02, seeds=5, of_images=0.01)
    assert failure.seeds_to_exclude(0.0, row, by_seed) is None
