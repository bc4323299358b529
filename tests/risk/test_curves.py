"""Curves with bands, beside scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from visionfail.risk import curves
from visionfail.risk.decisions import Scored


def scored(n=600, size=1, seed=0, hard=1.0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.tile([0, 1], n // 2), size)
    hardness = np.repeat(rng.normal(0, hard, n), size)
    logits = 2 * (2 * labels - 1) + hardness + rng.normal(0, 1, n * size)
    return Scored(1 / (1 + np.exp(-logits)), labels, np.repeat(np.arange(n), size))


def test_the_area_under_the_curve_is_scikit_learns():
    given = scored()
    band = curves.roc_band(given)
    area = sklearn_metrics.auc(band.x, band.y)
    expected = sklearn_metrics.roc_auc_score(given.labels, given.score)
    assert area == pytest.approx(expected, abs=0.005)
    assert (band.lo <= band.y + 1e-9).all() and (band.y <= band.hi + 1e-9).all()
    assert (np.diff(band.y) >= 0).all()


def test_precision_is_scikit_learns_at_the_sets_own_share():
    given = scored(n=4000)
    band = curves.precision_band(given, prevalence=0.5)
    precision, recall, _ = sklearn_metrics.precision_recall_curve(given.labels, given.score)
    theirs = np.interp(band.x, recall[::-1], precision[::-1])
    assert np.abs(band.y - theirs)[5:-1].max() < 0.02  # at 1 theirs is one of several


def test_the_rarer_the_unsafe_the_lower_the_precision():
    given = scored()
    rare = curves.precision_band(given, prevalence=0.01)
    even = curves.precision_band(given, prevalence=0.5)
    assert (rare.y[1:] < even.y[1:] + 1e-9).all() and rare.y[90] < 0.5 * even.y[90]


def test_frames_of_one_sign_widen_the_band():
    signs = scored(n=60, size=10, hard=3.0)
    alone = Scored(signs.score, signs.labels, np.arange(600))
    width = {}
    for words, given in (("signs", signs), ("frames", alone)):
        band = curves.roc_band(given)
        width[words] = (band.hi - band.lo).mean()
    assert width["signs"] > 1.5 * width["frames"]


def test_a_group_of_both_classes_is_drawn_whole():
    # one group ranks its unsafe picture above its safe one, the other below
    given = Scored(np.array([0.2, 0.8, 0.9, 0.1]), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    band = curves.roc_band(given)
    assert band.lo[50] < 0.6 and band.hi[50] == 1.0


def test_resamples_without_a_class_are_left_out():
    given = Scored(np.array([0.2, 0.3, 0.4, 0.8]), np.array([0, 0, 0, 1]), np.arange(4))
    for band in (curves.roc_band(given), curves.precision_band(given, prevalence=0.1)):
        assert np.isfinite([band.lo, band.hi]).all()
        assert (band.lo <= band.y).all() and (band.y <= band.hi).all()
