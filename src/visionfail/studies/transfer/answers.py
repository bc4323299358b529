"""What the networks of the ladder answered, all seeds of one recipe together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visionfail import corruptions, evaluation, files
from visionfail.studies.transfer import shifts
from visionfail.studies.transfer.recipes import Member, answers_file


@dataclass(frozen=True, eq=False)
class Asked(evaluation.Answers):
    """Answers of S seeds to N images: predicted (S, N), log_odds of the confidence, labels (N,)."""

    predicted: np.ndarray
    log_odds: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Trained:
    """The networks of one recipe: answers to test and validation images, and what they cost.

    shifted: whether each of the first M test images is answered rightly under each condition, bool
    (S, conditions, M), where they were asked. seconds (S,); made: the record of each.
    """

    member: Member
    test: Asked
    val: Asked
    shifted: np.ndarray | None
    seconds: np.ndarray
    made: Sequence[Mapping]

    @property
    def weights(self) -> str:
        """The ImageNet weights they started from, "none" where from scratch."""
        return self.made[0]["pretrained"]

    def under(self, names: Sequence[str]) -> np.ndarray:
        """The mean over the conditions of these names of each image's right answers, (S, M)."""
        if self.shifted is None:
            raise ValueError(f"{self.member.name} was not asked about shifted images.")
        conditions = shifts.shifted_conditions()
        rows = [row for row, (name, _) in enumerate(conditions) if name in names]
        return self.shifted[:, rows].mean(axis=1)

    def shuffled(self, tiles: int) -> np.ndarray:
        """Whether each image with shuffled tiles is answered rightly, bool (S, M)."""
        if self.shifted is None:
            raise ValueError(f"{self.member.name} was not asked about shuffled images.")
        return self.shifted[:, shifts.shifted_conditions().index((shifts.SHUFFLED, tiles))]


CORRUPTED = corruptions.CORRUPTIONS + corruptions.EXTRAS  # the 15 corruptions and the 4 extras


def stored_networks(member: Member) -> Trained | None:
    """The networks of a recipe whose answers are stored, None where there are none.

    ValueError where some of them started from other ImageNet weights.
    """
    seeds = [seed for seed in range(max(member.seeds) + 1) if answers_file(member, seed).exists()]
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
    labels = arrays[0]["test_labels"]
    shifted = None
    if "shifted_predicted" in arrays[0]:
        answered = np.stack([of_seed["shifted_predicted"] for of_seed in arrays])
        shifted = answered == labels[: answered.shape[2]]
    return Trained(
        member=member,
        test=_asked(arrays, "test"),
        val=_asked(arrays, "val"),
        shifted=shifted,
        seconds=np.array([record["seconds"] for record in made]),
        made=made,
    )


def _asked(arrays: Sequence[Mapping[str, np.ndarray]], split: str) -> Asked:
    """The answers of all seeds to one split."""
    predicted = np.stack([of_seed[f"{split}_predicted"] for of_seed in arrays])
    log_odds = np.stack([of_seed[f"{split}_log_odds"] for of_seed in arrays])
    return Asked(predicted, log_odds, arrays[0][f"{split}_labels"])
