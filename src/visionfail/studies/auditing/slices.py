"""Scores, AUROCs and evidence slice by slice, for all seeds of the classifier at once.

A slice is a part of the test draws: clean digits, the mix, what is shifted in it, one shift, or a
third of one shift's strength.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from visionfail import corruptions, failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Scored
from visionfail.metrics import Estimate
from visionfail.names import readable
from visionfail.studies.auditing.members import Members, score_members, train_members
from visionfail.studies.auditing.protocol import extract_sample, training_draws
from visionfail.studies.auditing.shifted_digits import (
    ShiftedDigits,
    slices_of,
    unseen_samples,
)

WITHIN = "within slices"


def scores_by_slice(
    members: Members, samples: Mapping[str, ShiftedDigits]
) -> dict[str, list[Scored]]:
    """{slice: failure scores of every detector, one per seed} on the test draws."""
    by_sample = {name: score_members(members, sample) for name, sample in samples.items()}
    by_slice = {}
    for name, (sample_name, mask) in slices_of(dict(samples)).items():
        by_slice[name] = [scored.at(mask) for scored in by_sample[sample_name]]
    return by_slice


def strength_thirds(slices: Sequence[str]) -> list[str]:
    """The slices that are a third of one shift's strength, such as "rotation, weak"."""
    return [name for name in slices if name.endswith((", weak", ", middle", ", strong"))]


def auroc_by_slice(
    by_slice: Mapping[str, list[Scored]], counts: np.ndarray
) -> dict[str, dict[str, Estimate]]:
    """{slice: {detector: AUROC}} of the slices with enough failures and right answers.

    Last comes "within slices", the mean over the thirds of strength: a detector that only
    recognises which shift it sees gains nothing there. Counts (B, N) say how often each resample
    holds each digit.
    """
    estimates = {}
    for name, seeds in by_slice.items():
        if failure.has_enough_failures(seeds):
            estimates[name] = failure.aurocs(seeds, counts)
    estimates[WITHIN] = _mean_over(estimates, strength_thirds(list(estimates)))
    return estimates


def within_without_each_shift(
    estimates: Mapping[str, Mapping[str, Estimate]],
) -> dict[str, dict[str, Estimate]]:
    """{"within slices without rotation": {detector: AUROC}, ...} from those of `auroc_by_slice`.

    The mean over the thirds of strength of the other shifts; a shift that alone has thirds with
    enough failures is not left out.
    """
    thirds = strength_thirds(list(estimates))
    without = {}
    for shift in corruptions.SHIFTS:
        others = [name for name in thirds if not name.startswith(f"{shift}, ")]
        if others:
            without[f"{WITHIN} without {shift}"] = _mean_over(estimates, others)
    return without


def _mean_over(
    estimates: Mapping[str, Mapping[str, Estimate]], slices: Sequence[str]
) -> dict[str, Estimate]:
    """{detector: AUROC averaged over these slices}; ValueError where there are none."""
    if not slices:
        raise ValueError(
            "no third of any shift has enough failures to be measured: take more digits."
        )
    means = {}
    for detector in estimates[slices[0]]:
        means[detector] = metrics.mean_of_estimates([estimates[name][detector] for name in slices])
    return means


def scores_without_each_shift(
    members: Members, sets: Mapping[str, ImageSet], samples: Mapping[str, ShiftedDigits]
) -> dict[str, list[Scored]]:
    """{"rotation, left out": scores by seed, ...} of detectors trained without the scored shift."""
    by_shift = {}
    for left_out in corruptions.SHIFTS:
        kinds = [name for name in corruptions.SHIFTS if name != left_out]
        draws = training_draws(sets["auditor"], kinds=kinds)
        without = train_members(members.models, draws, sets)
        by_shift[f"{left_out}, left out"] = score_members(without, samples[left_out])
    return by_shift


def scores_on_unseen(members: Members, test: ImageSet) -> dict[str, list[Scored]]:
    """{kind: scores by seed} on corruptions and digits unlike the four shifts.

    The detectors have learnt all four shifts.
    """
    by_kind = {}
    for name, sample in unseen_samples(test).items():
        by_kind[readable(name)] = score_members(members, sample)
    return by_kind


def auroc_by_layer(
    members: Members, shifted: ShiftedDigits, counts: np.ndarray
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """({layer: AUROC of an auditor of this layer alone}, {layer: AUROC lost without this layer}).

    The second is what the auditor of all layers loses when the layer's activations are shuffled
    between digits. Counts (B, N) say how often each resample holds each digit.
    """
    alone = []
    shuffled = []
    for seed, model in members.models.items():
        activations = extract_sample(model, shifted)
        learnt = members.trained[seed].learnt
        auditor = members.trained[seed].panel.auditor
        one_layer = failure.scores_from_single_layers(learnt, activations, seed=seed)
        generator = np.random.default_rng(seed)
        shuffle = failure.scores_with_shuffled_layers(auditor, activations, generator=generator)
        alone.append(Scored(one_layer, activations.failed, shifted.digit))
        shuffled.append(Scored(shuffle, activations.failed, shifted.digit))
    by_layer = failure.aurocs(alone, counts)
    after_shuffle = failure.aurocs(shuffled, counts)
    intact = after_shuffle.pop("none")
    lost = {layer: intact - estimate for layer, estimate in after_shuffle.items()}
    return by_layer, lost
