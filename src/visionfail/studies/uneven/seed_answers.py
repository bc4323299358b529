"""Answers of networks that differ in their seed alone, and which of the images are independent."""

from dataclasses import dataclass, replace

import numpy as np

from visionfail.evaluation import Answers
from visionfail.studies.uneven import groups

DIGITS = ("svhn10k", "svhn")
FRAMES = {"gtsrb": 30}  # test images of one sign, where which belong together is not told


@dataclass(frozen=True, eq=False)
class SeedAnswers(Answers):
    """Answers of S networks to N images of K classes, with what is known of the images.

    predicted uint8 (S, N), log_odds of the confidence float16 (S, N), labels uint8 (N,). `groups`
    int64 (N,) tells images that show one thing, None where that is unknown or each is a thing of
    its own. `covariates` are {name: (N,)}, NaN where unknown. `made` says of which set and split,
    which seeds, weights and images, and its classes.
    """

    labels: np.ndarray
    predicted: np.ndarray
    log_odds: np.ndarray
    groups: np.ndarray | None
    covariates: dict[str, np.ndarray]
    made: dict

    @property
    def classes(self) -> list[str]:
        """The names of the K classes."""
        return self.made["classes"]

    @property
    def wrong(self) -> np.ndarray:
        """Whether each answer is wrong, bool (S, N)."""
        return ~self.correct

    @property
    def thing(self) -> str:
        """What is independent, in the plural: "houses", "signs", "images"; "digits" of no house."""
        if self.frames == 1 and self.groups is None:
            return "digits" if self.made["dataset"] in DIGITS else "images"
        return "signs" if self.made["dataset"] == "gtsrb" else "houses"

    @property
    def frames(self) -> int:
        """How many images show one thing, where it is unknown which; else 1.

        In a part of them drawn evenly fewer do: `made` says how many.
        """
        unknown = self.made["split"] == "test" and self.groups is None
        return self.made.get("frames", FRAMES.get(self.made["dataset"], 1)) if unknown else 1

    @property
    def independent(self) -> np.ndarray:
        """How many independent things show each class, int64 (K,)."""
        num_classes = len(self.classes)
        if self.frames > 1:
            images = np.bincount(self.labels, minlength=num_classes)
            return np.ceil(images / self.frames).astype(np.int64)
        return groups.groups_per_class(self.labels, self.groups, num_classes=num_classes)

    @property
    def things(self) -> int:
        """How many independent things there are: a house with digits of two classes is one."""
        if self.frames > 1:
            return int(self.independent.sum())
        return int(groups.group_index(self.groups, len(self.labels)).max()) + 1

    def things_among(self, chosen: np.ndarray) -> int:
        """How many independent things the images show that `chosen`, bool (N,), takes."""
        return self.taken(np.flatnonzero(chosen)).things if chosen.any() else 0

    def counts(self, *, bootstraps: int, seed: int = 0) -> np.ndarray:
        """How often each image counts in resamples of what is independent, float32 (B, N)."""
        generator = np.random.default_rng(seed)
        if self.frames > 1:
            return groups.sign_counts(
                self.labels, frames=self.frames, bootstraps=bootstraps, generator=generator
            )
        return groups.group_counts(
            self.groups, len(self.labels), bootstraps=bootstraps, generator=generator
        )

    def groups_for_errors(self) -> np.ndarray | None:
        """Groups (N,) for tests of error rates: as known, else the most cautious ones."""
        if self.frames > 1:
            return groups.worst_case_groups(self.predicted, self.labels, frames=self.frames)
        return self.groups

    def groups_for_confusions(self) -> np.ndarray | None:
        """Groups (N,) for tests of confusions: as known, else the most cautious ones."""
        if self.frames > 1:
            return groups.worst_case_answers(self.predicted, self.labels, frames=self.frames)
        return self.groups

    def correlation_within(self) -> float:
        """The correlation of being right between images of one group, mean over seeds.

        Groups are compared within their class where each has one. 0 without groups, NaN where all
        answers are right.
        """
        if self.groups is None:
            return 0.0
        pairs = np.stack([self.groups, self.labels])
        one_class = len(np.unique(pairs, axis=1).T) == len(np.unique(self.groups))
        labels = self.labels if one_class else None
        correlations = []
        for correct in self.correct:
            correlations.append(
                groups.correlation_within_groups(correct, self.groups, labels=labels)
            )
        return float(np.mean(correlations))

    def design_effect(self, correlation: float | None = None) -> float:
        """How many times wider a variance is than over independent images; 1 or more, or NaN.

        By the correlation within groups, or by one measured on other images of such groups; the
        size of groups is that which a random image sees of its own.
        """
        if correlation is None:
            correlation = self.correlation_within()
        size = float(self.frames)
        if self.frames == 1:
            images = np.bincount(groups.group_index(self.groups, len(self.labels)))
            size = float((images**2).sum() / images.sum())
        return max(1.0, groups.design_effect(correlation, frames=size))

    def effective(self, correlation: float | None = None) -> np.ndarray:
        """How many independent images those of each class are worth, (K,): see `design_effect`.

        One at least for a class that has any; with a correlation that is NaN, as many as there are
        things.
        """
        images = np.bincount(self.labels, minlength=len(self.classes))
        effect = self.design_effect(correlation)
        if np.isnan(effect):
            return self.independent.astype(np.float64)
        worth = groups.effective_size(images, design_effect=effect, frames=self.frames)
        return np.where(images > 0, np.maximum(worth, 1), 0)

    def without(self, images: np.ndarray) -> "SeedAnswers":
        """The answers to all images but these (M,) and those of their groups.

        ValueError where none stay.
        """
        index = groups.group_index(self.groups, len(self.labels))
        kept = ~np.isin(index, index[images])
        if not kept.any():
            raise ValueError(f"all {len(kept)} images are left out: keep some.")
        return self.taken(np.flatnonzero(kept))

    def of_seed(self, number: int) -> "SeedAnswers":
        """The answers of one network alone, S = 1."""
        return replace(self, predicted=self.predicted[[number]], log_odds=self.log_odds[[number]])

    def taken(self, images: np.ndarray) -> "SeedAnswers":
        """The answers to these images (M,) alone."""
        return replace(
            self,
            labels=self.labels[images],
            predicted=self.predicted[:, images],
            log_odds=self.log_odds[:, images],
            groups=None if self.groups is None else self.groups[images],
            covariates={name: values[images] for name, values in self.covariates.items()},
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored of the answers beside `made`, and what `of_arrays` reads."""
        arrays = {
            "labels": self.labels,
            "predicted": self.predicted,
            "log_odds": self.log_odds,
        }
        if self.groups is not None:
            arrays["groups"] = self.groups
        for name, values in self.covariates.items():
            arrays[f"covariate {name}"] = values
        return arrays

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray], made: dict) -> "SeedAnswers":
        """The answers that `arrays` gave, with their record."""
        covariates = {}
        for name, values in arrays.items():
            if name.startswith("covariate "):
                covariates[name.removeprefix("covariate ")] = values
        return cls(
            labels=arrays["labels"].astype(np.int64),
            predicted=arrays["predicted"].astype(np.int64),
            log_odds=arrays["log_odds"],
            groups=arrays.get("groups"),
            covariates=covariates,
            made=made,
        )
