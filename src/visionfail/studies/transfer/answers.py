"""What the networks of the ladder answered, all seeds of one recipe together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visionfail import corruptions, evaluation, files
from visionfail.studies.transfer import shifts
from visionfail.studies.transfer.recipes import SEEDS, Member, answers_file


@dataclass(frozen=True, eq=False)
class Asked(evaluation.Answers):
    """Answers of S seeds to N images: predicted (S, N), log_odds of the confidence, labels (N,)."""

    predicted: np.ndarray
    log_odds: np.ndarray
    labels: np.ndarray

    def of(self, rows: Sequence[int]) -> "Asked":
        """The answers of some of the S seeds."""
        index = list(rows)
        return Asked(self.predicted[index], self.log_odds[index], self.labels)


@dataclass(frozen=True, eq=False)
class Trained:
    """The networks of one recipe: answers to test and validation images, and what they cost.

    shifted: the answer to each of the first M test images under each condition, (S, conditions, M),
    where they were asked. made: the record of each seed.
    """

    member: Member
    test: Asked
    val: Asked
    shifted: np.ndarray | None
    made: Sequence[Mapping]

    @property
    def seeds(self) -> list[int]:
        """The seeds of its networks, in the order of the answers."""
        return [record["seed"] for record in self.made]

    @property
    def seconds(self) -> np.ndarray:
        """What training each network took, (S,)."""
        return np.array([record["seconds"] for record in self.made])

    @property
    def weights(self) -> str:
        """The ImageNet weights they started from, "none" where from scratch."""
        return self.made[0]["pretrained"]

    def of(self, seeds: Sequence[int]) -> "Trained":
        """The networks of some of its seeds."""
        rows = [self.seeds.index(seed) for seed in seeds]
        shifted = None if self.shifted is None else self.shifted[rows]
        made = [self.made[row] for row in rows]
        return Trained(self.member, self.test.of(rows), self.val.of(rows), shifted, made)

    def under(self, names: Sequence[str]) -> np.ndarray:
        """The mean over the conditions of these names of each image's right answers, (S, M)."""
        conditions = shifts.shifted_conditions()
        rows = [row for row, (name, _) in enumerate(conditions) if name in names]
        answers = self._shifted()[:, rows]
        return (answers == self.test.labels[: answers.shape[2]]).mean(axis=1)

    def shuffled(self, tiles: int) -> np.ndarray:
        """The answer to each image with shuffled tiles, (S, M)."""
        return self._shifted()[:, shifts.shifted_conditions().index((shifts.SHUFFLED, tiles))]

    def _shifted(self) -> np.ndarray:
        """`shifted`; ValueError where it was not asked."""
        if self.shifted is None:
            raise ValueError(f"{self.member.name} was not asked about shifted images.")
        return self.shifted


def paired(first: Trained, second: Trained) -> tuple[Trained, Trained]:
    """Two recipes with the networks of the seeds that both have.

    ValueError where they have none in common.
    """
    seeds = [seed for seed in first.seeds if seed in second.seeds]
    if not seeds:
        raise ValueError(
            f"{first.member.name} and {second.member.name} have no seed in common: train one."
        )
    return first.of(seeds), second.of(seeds)


CORRUPTED = corruptions.CORRUPTIONS + corruptions.EXTRAS  # the 15 corruptions and the 4 extras


def stored_networks(member: Member) -> Trained | None:
    """The networks of a recipe whose answers are stored, None where there are none.

    ValueError where some of them started from other ImageNet weights.
    """
    seeds = [seed for seed in SEEDS if answers_file(member, seed).exists()]
    if not seeds:
        return None
    loaded = [files.load_arrays(answers_file(member, seed)) for seed in seeds]
    arrays = [of_seed for of_seed, _ in loaded]
    made = [record for _, record in loaded]
    weights = {record["pretrained"] for record in made}
    if len(weights) > 1:
        raise ValueError(
            f"{member.name}: networks from {', '.join(sorted(weights))} weights are stored side by "
            "side. Remove the files of one kind in results/."
        )
    shifted = None
    if "shifted_predicted" in arrays[0]:
        shifted = np.stack([of_seed["shifted_predicted"] for of_seed in arrays])
    return Trained(
        member=member,
        test=_asked(arrays, "test"),
        val=_asked(arrays, "val"),
        shifted=shifted,
        made=made,
    )


def _asked(arrays: Sequence[Mapping[str, np.ndarray]], split: str) -> Asked:
    """The answers of all seeds to one split."""
    predicted = np.stack([of_seed[f"{split}_predicted"] for of_seed in arrays])
    log_odds = np.stack([of_seed[f"{split}_log_odds"] for of_seed in arrays])
    return Asked(predicted, log_odds, arrays[0][f"{split}_labels"])
