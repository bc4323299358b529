import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA

from visionfail.failure.distances import RelativeMahalanobis, Vim

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 400)
LATENTS = RNG.normal(size=(400, 6)) + 2 * np.eye(6)[LABELS]
FRESH = RNG.normal(size=(30, 6))
LOGITS = RNG.normal(size=(400, 3))


def test_relative_mahalanobis_is_that_of_scikit_learns_covariances():
    means = np.array([LATENTS[k == LABELS].mean(axis=0) for k in range(3)])
    shared = EmpiricalCovariance(assume_centered=True).fit(LATENTS - means[LABELS])
    overall = EmpiricalCovariance().fit(LATENTS)
    nearest = np.min([shared.mahalanobis(FRESH - mean) for mean in means], axis=0)
    ours = RelativeMahalanobis(LATENTS, LABELS).score(FRESH)
    assert np.allclose(ours, nearest - overall.mahalanobis(FRESH))


def test_classes_need_not_be_numbered_from_zero_and_a_dead_latent_does_no_harm():
    dead = np.concatenate([LATENTS, np.zeros((400, 1))], axis=1)
    fresh = np.concatenate([FRESH, np.zeros((30, 1))], axis=1)
    ours = RelativeMahalanobis(dead, 5 + 2 * LABELS).score(fresh)
    assert np.allclose(ours, RelativeMahalanobis(LATENTS, LABELS).score(FRESH))


def test_vim_is_what_pca_leaves_over():
    pca = PCA(2).fit(LATENTS)

    def left_over(latents):
        return np.linalg.norm(latents - pca.inverse_transform(pca.transform(latents)), axis=1)

    scale = LOGITS.max(axis=1).mean() / left_over(LATENTS).mean()
    fresh_logits = RNG.normal(size=(30, 3))
    expected = scale * left_over(FRESH) - logsumexp(fresh_logits, axis=1)
    assert np.allclose(Vim(LATENTS, LOGITS, dimensions=2).score(FRESH, fresh_logits), expected)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("dimensions", [0, 6])
def test_vim_needs_a_residual(dimensions):
    with pytest.raises(ValueError, match="main directions"):
        Vim(LATENTS, LOGITS, dimensions=dimensions)
