"""Do incoming pictures still look like those that the classifier was validated on?

Kolmogorov and Smirnov's test on each principal component of the features and on the score,
corrected for their number by Holm's method. Rabanser et al. 2019, arXiv:1810.11953. Of a group one
picture is taken: frames of one sign are no news to each other.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.decomposition import PCA

from visionfail import metrics

COMPONENTS = 32


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

    On unchanged pictures an alarm has probability `level` at most. ValueError for an empty batch.
    """
    if not len(features):
        raise ValueError("the batch is empty: give at least one picture.")
    batch = _values(reference.pca, features, score)
    count = batch.shape[1]
    p = np.array([stats.ks_2samp(reference.values[:, k], batch[:, k]).pvalue for k in range(count)])
    corrected = metrics.holm(p)
    names = [f"component {k + 1}" for k in range(count - 1)] + ["score"]
    moved = tuple(name for name, value in zip(names, corrected, strict=True) if value <= level)
    return Drift(alarm=bool(moved), p=float(corrected.min()), moved=moved, n=len(batch))
