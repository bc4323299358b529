"""How many seeds would decide a comparison or a claim that is undecided."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import stats

from visionfail.failure.compare import outcome

MOST_SEEDS = 1000
WIDTH = 2 * stats.norm.ppf(0.975)  # of a 95% interval, in standard deviations


def seeds_to_decide(row: Mapping, by_seed: Sequence[float], *, comparisons: int) -> int | None:
    """How many seeds would give an undecided comparison an outcome, were its numbers to stay.

    These are `row`'s value, the scatter `by_seed` (S,), and what resampled images add to it, which
    more seeds do not lessen; p is corrected for so many `comparisons` (Bonferroni, so that it is
    rather too many). None where MOST_SEEDS would not do: that takes more images.
    """

    def decided(expected: dict[str, float]) -> bool:
        return outcome(expected, p=min(1.0, comparisons * expected["p"])) != "undecided"

    return _fewest_seeds(decided, row["value"], row, by_seed)


def seeds_to_exclude(border: float, row: Mapping, by_seed: Sequence[float]) -> int | None:
    """How many seeds would set an interval apart from `border`, were mean and scatter to stay.

    `row` has value, lo and hi, a 95% interval over images and seeds; `by_seed` (S,). Student's
    interval over seeds alone has to leave the border out, too: a few seeds that are resampled
    scatter less than as many new ones. None where MOST_SEEDS would not do: that takes more images.
    """

    def apart(expected: dict[str, float]) -> bool:
        above = min(expected["lo"], expected["seed_lo"]) > 0
        return above or max(expected["hi"], expected["seed_hi"]) < 0

    return _fewest_seeds(apart, row["value"] - border, row, by_seed)


def _fewest_seeds(
    told: Callable[[dict[str, float]], bool], value: float, row: Mapping, by_seed: Sequence[float]
) -> int | None:
    """The least number of seeds, more than there are, of which the expected row tells enough."""
    sd = float(np.std(by_seed, ddof=1))
    of_images = variance_of_images(row, by_seed)
    for seeds in range(len(by_seed) + 1, MOST_SEEDS + 1):
        if told(_expected_row(value, sd, of_images, seeds)):
            return seeds
    return None


def variance_of_images(row: Mapping, by_seed: Sequence[float]) -> float:
    """The variance of a difference over images alone, 0 or more.

    Of that over images and seeds, whose 95% interval `row` has, less that of the mean of as many
    seeds, drawn anew from `by_seed` (S,).
    """
    crossed = ((row["hi"] - row["lo"]) / WIDTH) ** 2
    return max(0.0, crossed - float(np.var(by_seed)) / len(by_seed))


def _expected_row(value: float, sd: float, of_images: float, seeds: int) -> dict[str, float]:
    """The `difference_row` that so many seeds would give, normal over images and seeds."""
    scatter = np.sqrt(of_images + sd**2 / seeds)
    reach = WIDTH / 2 * scatter
    of_seeds = stats.t.ppf(0.975, seeds - 1) * sd / np.sqrt(seeds)
    return {
        "value": value,
        "lo": value - reach,
        "hi": value + reach,
        "seed_lo": value - of_seeds,
        "seed_hi": value + of_seeds,
        "p": float(2 * stats.norm.sf(abs(value) / scatter)) if scatter else 1.0,
    }
