"""Answers of several networks to the same images under one attack at every epsilon."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from visionfail.evaluation import Outcomes
from visionfail.metrics import Estimate
from visionfail.studies.uneven.answers import estimate_of, quotient, weights_of
from visionfail.studies.uneven.attacked import EPSILONS
from visionfail.studies.uneven.groups import effective_wilson
from visionfail.studies.uneven.seed_answers import SeedAnswers


@dataclass(frozen=True, eq=False)
class AttackedAnswers:
    """Answers of S networks to M images at the epsilons E of EPSILONS, the first of them 0.

    predicted uint8, log_odds of the confidence and log_prob of the true class float16, (S, E, M)
    each; `clean` are the answers to these images as they are.
    """

    attack: str
    predicted: np.ndarray
    log_odds: np.ndarray
    log_prob: np.ndarray
    clean: SeedAnswers

    @property
    def correct(self) -> np.ndarray:
        """Whether each answer is right, bool (S, E, M)."""
        return self.predicted == self.clean.labels

    def at(self, epsilon: float) -> SeedAnswers:
        """The answers at one epsilon of 255; ValueError for one that is not on the ladder."""
        if epsilon not in EPSILONS:
            ladder = ", ".join(f"{value:g}" for value in EPSILONS)
            raise ValueError(f"{epsilon:g} / 255 was not attacked: choose one of {ladder}.")
        place = EPSILONS.index(epsilon)
        return replace(
            self.clean,
            predicted=self.predicted[:, place].astype(np.int64),
            log_odds=self.log_odds[:, place],
        )

    def turned(self, epsilon: float) -> SeedAnswers:
        """As `at`, but images that a network has wrong when clean count as right: not turned.

        What an attack adds: an image that is wrong already stays as it is.
        """
        attacked = self.at(epsilon)
        predicted = np.where(self.correct[:, 0], attacked.predicted, self.clean.labels)
        return replace(attacked, predicted=predicted)


def attacked_answers(
    outcomes: Mapping[int, Outcomes], base: SeedAnswers, images: np.ndarray | None = None
) -> AttackedAnswers:
    """The AttackedAnswers of the stored {seed: outcomes} of one attack.

    `base` are answers to all N test images, `images` (M,) the numbers of those attacked, all where
    None. Where things have several frames, and which is unknown, the order of test images is taken
    as random, so that a part has fewer of each. ValueError where the outcomes are of other images.
    """
    images = np.arange(len(base.labels)) if images is None else images
    part = base.taken(images)
    others = (base.frames - 1) * (len(images) - 1) / (len(base.labels) - 1)  # of one's thing
    frames = math.ceil(1 + others)
    for seed, of_seed in outcomes.items():
        if not np.array_equal(of_seed.labels, part.labels):
            raise ValueError(f"the attacked answers of seed {seed} are not to these images.")
    arrays = {
        field: np.stack([getattr(of_seed, field) for of_seed in outcomes.values()])
        for field in ("predicted", "log_odds", "log_prob")
    }  # (S, E, M) each
    clean = replace(
        part,
        predicted=arrays["predicted"][:, 0].astype(np.int64),
        log_odds=arrays["log_odds"][:, 0],
        made={**part.made, "seeds": list(outcomes), "frames": frames},
    )
    attack = next(iter(outcomes.values())).conditions[-1][0]
    return AttackedAnswers(attack=attack, clean=clean, **arrays)


def mean_over_images(values: np.ndarray, counted: np.ndarray, counts: np.ndarray) -> Estimate:
    """The mean by seed of values (S, M) over the images counted, bool (S, M).

    Counts (B, M) are of resamples; where a resample counts none its value is NaN.
    """
    weights = weights_of(counts, values.shape[1])
    top = weights @ (values * counted).T.astype(np.float32)  # (B + 1, S)
    return estimate_of(quotient(top, weights @ counted.T.astype(np.float32)))


def share_interval(share: Estimate, things: int) -> tuple[float, float, float]:
    """(value, lo, hi) of a share: the wider of the bootstrap and Wilson's interval over `things`.

    Where all or none are, resamples do not differ, and Wilson's alone is fit.
    """
    value, lo, hi = share.interval()
    wilson_lo, wilson_hi = effective_wilson(value, things)
    return value, float(min(lo, wilson_lo)), float(max(hi, wilson_hi))


def turned_and_right_again(attacked: AttackedAnswers) -> np.ndarray:
    """The share of images that are wrong at some epsilon and right at a larger one, (S,).

    A worst case within the larger epsilon cannot be: the attack has missed it.
    """
    wrong_so_far = np.logical_or.accumulate(~attacked.correct, axis=1)  # (S, E, M)
    return (wrong_so_far & attacked.correct).any(axis=1).mean(axis=1)
