"""Do incoming pictures still look like those that the classifier was validated on?

Kolmogorov and Smirnov's test on each principal component of the features and on the score,
corrected for their number by Holm's method. Rabanser et al. 2019, arXiv:1810.11953. Of a group one
picture is taken: frames of one sign are no news to each other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.decomposition import PCA

from visionfail import files, metrics
from visionfail.risk.decisions import Scored

COMPONENTS = 32
FEWEST = 20  # pictures of a reference


@dataclass(frozen=True, eq=False)
class Reference:
    """What validation pictures look like.

    values: their components and the score, (N, C + 1), by the `mean` (F,) of features and the
    principal `components` (C, F).
    """

    mean: np.ndarray
    components: np.ndarray
    values: np.ndarray

    @property
    def n(self) -> int:
        """How many independent pictures it holds."""
        return len(self.values)


@dataclass(frozen=True)
class Drift:
    """Whether a batch differs, by the smallest corrected p value, and in which components.

    p_values: the corrected p of each component and the score; moved: those that raise the alarm.
    """

    alarm: bool
    p: float
    moved: tuple[str, ...]
    n: int
    p_values: dict[str, float]


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
    than FEWEST pictures of either.
    """
    fewest = min(len(features), len(components_of))
    if fewest < FEWEST:
        raise ValueError(f"{fewest} pictures are no reference: give at least {FEWEST}.")
    count = min(COMPONENTS, len(components_of) - 1, features.shape[1])
    pca = PCA(count, random_state=0).fit(components_of)
    mean = np.asarray(pca.mean_)
    components = np.asarray(pca.components_)
    return Reference(mean, components, _values(mean, components, features, score))


def _values(
    mean: np.ndarray, components: np.ndarray, features: np.ndarray, score: np.ndarray
) -> np.ndarray:
    """Components and score, (N, C + 1)."""
    return np.column_stack([(features - mean) @ components.T, score])


def save_reference(reference: Reference, path: Path) -> None:
    """Write a reference to one .npz."""
    files.save_arrays(path, vars(reference), made={})


def load_reference(path: Path) -> Reference:
    """The reference in a file; FileNotFoundError where there is none, ValueError for another."""
    if not path.exists():
        raise FileNotFoundError(
            f"no {path.name} in {path.parent}: train again; it is kept where training and "
            f"validation have {FEWEST} independent pictures or more."
        )
    arrays, _ = files.load_arrays(path)
    with files.reading(path, remedy="train again"):
        return Reference(**arrays)


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
    batch = _values(reference.mean, reference.components, features, score)
    count = batch.shape[1]
    p = np.empty(count)
    for k in range(count):
        found: Any = stats.ks_2samp(reference.values[:, k], batch[:, k])
        p[k] = found.pvalue
    corrected = metrics.holm(p)
    names = [f"component {k + 1}" for k in range(count - 1)] + ["score"]
    p_values = dict(zip(names, corrected.tolist(), strict=True))
    moved = tuple(name for name, value in p_values.items() if value <= level)
    smallest = min(p_values.values())
    return Drift(alarm=bool(moved), p=smallest, moved=moved, n=len(batch), p_values=p_values)


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
    moved = ("score",) if p <= level else ()
    return Drift(alarm=bool(moved), p=p, moved=moved, n=len(score), p_values={"score": p})
