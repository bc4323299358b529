"""Failure scores from where an image's latents lie among those that the classifier learnt from."""

import numpy as np
from scipy.special import logsumexp


class RelativeMahalanobis:
    """Distance to the nearest class, minus the distance to all images together.

    Classes are normal with a covariance that they share. Ren et al. 2021, arXiv:2106.09022.
    """

    def __init__(self, latents: np.ndarray, labels: np.ndarray):
        """Fit on latents (M, D) and labels (M,) of images that the classifier learnt from."""
        latents = np.asarray(latents, dtype=np.float64)
        self.means = np.stack([latents[labels == k].mean(axis=0) for k in np.unique(labels)])
        places = np.searchsorted(np.unique(labels), labels)  # (M,)
        self.within = _precision(latents - self.means[places])
        self.mean = latents.mean(axis=0)
        self.overall = _precision(latents - self.mean)

    def score(self, latents: np.ndarray) -> np.ndarray:
        """The score (N,) of latents (N, D): squared distances, so it may be negative."""
        latents = np.asarray(latents, dtype=np.float64)
        by_class = [_squared_length(latents - mean, self.within) for mean in self.means]
        return np.min(by_class, axis=0) - _squared_length(latents - self.mean, self.overall)


class Vim:
    """Virtual-logit matching: what of the latents the classifier's main directions do not explain.

    The score is the residual's length, scaled to the size of the logits, minus their logsumexp.
    Wang et al. 2022, arXiv:2203.10807; latents are centred on their mean, for the classifier's
    bias is not asked for.
    """

    def __init__(self, latents: np.ndarray, logits: np.ndarray, *, dimensions: int):
        """Fit on latents (M, D) and logits (M, K); `dimensions` directions are the main ones.

        ValueError unless that leaves a residual.
        """
        latents = np.asarray(latents, dtype=np.float64)
        if not 0 < dimensions < latents.shape[1]:
            raise ValueError(
                f"{dimensions} main directions of {latents.shape[1]}: take fewer, at least one."
            )
        self.mean = latents.mean(axis=0)
        _, directions = np.linalg.eigh(np.cov(latents, rowvar=False))  # ascending variance
        self.residual = directions[:, :-dimensions]  # (D, D - dimensions)
        self.scale = np.max(logits, axis=1).mean() / self._length(latents).mean()

    def _length(self, latents: np.ndarray) -> np.ndarray:
        """The length (N,) of the residual of latents (N, D)."""
        return np.linalg.norm((latents - self.mean) @ self.residual, axis=1)

    def score(self, latents: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """The score (N,) of latents (N, D) and logits (N, K)."""
        length = self._length(np.asarray(latents, dtype=np.float64))
        return self.scale * length - logsumexp(np.asarray(logits, dtype=np.float64), axis=1)


def _precision(centred: np.ndarray) -> np.ndarray:
    """The pseudo-inverse (D, D) of the covariance of centred latents (M, D)."""
    covariance = centred.T @ centred / len(centred)
    return np.linalg.pinv(covariance, hermitian=True)


def _squared_length(vectors: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """The squared Mahalanobis length (N,) of vectors (N, D)."""
    return np.einsum("nd,de,ne->n", vectors, precision, vectors, optimize=True)
