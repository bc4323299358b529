"""Do incoming pictures still look like those that the classifier was validated on?

Kolmogorov and Smirnov's test on each principal component of the features and on the score,
corrected for their number by Holm's method. Rabanser et al. 2019, arXiv:1810.11953. Of a group one
picture is taken: frames of one sign are no news to each other.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy import stats
from sklearn.decomposition import PCA

from visionfail import corruptions, metrics
from visionfail.data import ImageSet
from visionfail.models.features import Features
from visionfail.models.transfer import features_on_device
from visionfail.risk.decisions import Scored
from visionfail.risk.experiments import head_score
from visionfail.risk.saved import Classifier

COMPONENTS = 32
# conditions whose batches are checked; clean ones count false alarms
DRIFTED = (
    ("clean", 0),
    ("brightness", 3),
    ("contrast", 3),
    ("gaussian_noise", 1),
    ("gaussian_noise", 3),
    ("pixelate", 3),
)


@dataclass(frozen=True, eq=False)
class Reference:
    """What validation pictures look like: their components (N, C), the score among them."""

    pca: PCA
    values: np.ndarray

    @property
    def n(self) -> int:
        """How many independent pictures it holds."""
        return len(self.values)


@dataclass(frozen=True)
class Drift:
    """Whether a batch differs, by the smallest corrected p value, and in which components."""

    alarm: bool
    p: float
    moved: tuple[str, ...]
    n: int


def one_per_group(groups: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The place of one picture of each group, drawn at random, int64 (G,)."""
    order = generator.permutation(len(groups))
    _, first = np.unique(groups[order], return_index=True)
    return order[first]


def reference_of(
    features: np.ndarray, score: np.ndarray, *, components_of: np.ndarray
) -> Reference:
    """The reference of features (N, F) and scores (N,), one picture a group.

    Components are those of other pictures' features `components_of` (M, F), the training ones: the
    reference must not fit its own components better than a new batch does. ValueError for fewer
    than 20 pictures of either.
    """
    fewest = min(len(features), len(components_of))
    if fewest < 20:
        raise ValueError(f"{fewest} pictures are no reference: give at least 20.")
    count = min(COMPONENTS, len(components_of) - 1, features.shape[1])
    pca = PCA(count, random_state=0).fit(components_of)
    return Reference(pca, _values(pca, features, score))


def _values(pca: PCA, features: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Components and score, (N, C + 1)."""
    return np.column_stack([pca.transform(features), score])


def check_drift(
    reference: Reference, features: np.ndarray, score: np.ndarray, *, level: float = 0.05
) -> Drift:
    """Whether a batch of features (M, F) and scores (M,), one picture a group, has drifted.

    On pictures drawn as those of the reference were, classes in the same proportion, an alarm has
    probability `level` at most; where unsafe ones are rarer at work the score alone will differ.
    ValueError for an empty batch.
    """
    if not len(features):
        raise ValueError("the batch is empty: give at least one picture.")
    batch = _values(reference.pca, features, score)
    count = batch.shape[1]
    p = np.empty(count)
    for k in range(count):
        found: Any = stats.ks_2samp(reference.values[:, k], batch[:, k])
        p[k] = found.pvalue
    corrected = metrics.holm(p)
    names = [f"component {k + 1}" for k in range(count - 1)] + ["score"]
    moved = tuple(name for name, value in zip(names, corrected, strict=True) if value <= level)
    return Drift(alarm=bool(moved), p=float(corrected.min()), moved=moved, n=len(batch))


def drift_rows(
    classifier: Classifier,
    features: Mapping[str, Features],
    parts: Mapping[str, ImageSet],
    *,
    batches: Sequence[int],
    repeats: int,
) -> list[dict]:
    """A row per condition and batch size: condition, severity, size, alarms (a share), lo, hi, n.

    Batches are drawn from the test pictures, one of a group; "clean" counts false alarms.
    """
    generator = np.random.default_rng(0)
    groups = {part: images.group_numbers() for part, images in parts.items()}
    kept = one_per_group(groups["val"], generator)
    learnt = one_per_group(groups["train"], generator)
    fc = deepcopy(classifier.model.get_submodule("fc")).cpu()
    reference = reference_of(
        features["val"].images[kept].numpy(),
        head_score(fc, features["val"].images[kept]),
        components_of=features["train"].images[learnt].numpy(),
    )
    rows = []
    for name, severity in DRIFTED:
        images = parts["test"].images
        changed = corruptions.corrupt(images, name, severity) if severity else images
        seen = replace(parts["test"], images=changed)
        of_test = features_on_device(classifier.model, seen, mirrored=False).images
        score = head_score(fc, of_test)
        for size in batches:
            alarms = 0
            for _ in range(repeats):
                chosen = generator.permutation(one_per_group(groups["test"], generator))[:size]
                batch = of_test[torch.from_numpy(chosen)].numpy()
                alarms += check_drift(reference, batch, score[chosen]).alarm
            lo, hi = metrics.wilson(alarms, repeats)
            row = {"condition": name, "severity": severity, "size": size}
            row.update({"alarms": alarms / repeats, "lo": float(lo), "hi": float(hi)})
            rows.append({**row, "n": repeats})
    return rows


def check_score_drift(
    validation: Scored, score: np.ndarray, *, level: float = 0.05, seed: int = 0
) -> Drift:
    """Whether the scores (M,) of a batch differ from the validation scores, one of each group.

    All that a log can tell, which keeps no pictures. Of safe pictures alone, as most are at work:
    validation's unsafe ones are left out, and whoever expects many unsafe ones will see an alarm.
    ValueError for an empty batch.
    """
    if not len(score):
        raise ValueError("the batch is empty: give at least one score.")
    safe = np.flatnonzero(validation.labels == 0)
    kept = safe[one_per_group(validation.groups[safe], np.random.default_rng(seed))]
    found: Any = stats.ks_2samp(validation.score[kept], score)
    p = float(found.pvalue)
    return Drift(alarm=p <= level, p=p, moved=("score",) if p <= level else (), n=len(score))
