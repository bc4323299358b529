"""Whether drift ranks answers turned wrong, against confidence; images right when clean count."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from visionfail import failure, metrics
from visionfail.failure import Scored
from visionfail.metrics import Estimate
from visionfail.studies.saliency.drift import CLEAN, CONDITIONS, JITTER, Drift, Version

CORRUPTED = tuple(version for version in CONDITIONS if version not in (CLEAN, JITTER))
FOLDS = 5
JUDGES = ("drift", "1 - confidence", "confidence and drift")


def scores_for_turned_answers(measured: Drift) -> dict[Version, Scored]:
    """{version: scores of JUDGES (n,), higher where an answer has likelier turned wrong}.

    The n images are right when clean and have a map. The third judge is a logistic regression
    fitted on other images. Empty where fewer than failure.FEW images ever turn wrong.
    """
    rows = measured.rows(CORRUPTED)
    wrong = ~measured.correct[rows]  # (versions, N)
    judged = measured.right_when_clean & np.isfinite(measured.overlap[rows])  # (versions, N)
    if (wrong & judged).any(axis=0).sum() < failure.FEW:
        return {}
    image = np.broadcast_to(np.arange(wrong.shape[1]), wrong.shape)
    scores = {
        "drift": 1 - measured.overlap[rows].astype(np.float64),
        "1 - confidence": 1 - measured.confidence[rows],
        "confidence and drift": _error_probability(measured, wrong, judged),
    }
    scored = {}
    for k, version in enumerate(CORRUPTED):
        of_version = {judge: values[k][judged[k]] for judge, values in scores.items()}  # each (n,)
        scored[version] = Scored(of_version, wrong[k][judged[k]], image[k][judged[k]])
    return scored


def _error_probability(measured: Drift, wrong: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """The probability of an error (versions, N) where `judged`, from confidence and drift, else 0.

    A logistic regression in FOLDS folds; all versions of an image lie in one fold.
    """
    rows = measured.rows(CORRUPTED)
    fields = (measured.log_odds, measured.overlap, measured.shift, measured.entropy)
    features = np.stack([values[rows] for values in fields], axis=-1)  # (versions, N, 4)
    image = np.broadcast_to(np.arange(wrong.shape[1]), wrong.shape)
    predicted = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression()),
        features[judged].astype(np.float64),  # (answers, 4)
        wrong[judged],
        groups=image[judged],
        cv=GroupKFold(FOLDS),
        method="predict_proba",
    )
    probability = np.zeros(wrong.shape)
    probability[judged] = np.asarray(predicted)[:, 1]
    return probability


def auroc_by_version(
    judged: dict[Version, Scored], counts: np.ndarray
) -> dict[Version, dict[str, Estimate]]:
    """{version: {judge: AUROC}} of the versions with enough of both outcomes.

    Counts (B, N) say how often each resample holds each image.
    """
    aurocs = {}
    for version, scored in judged.items():
        if failure.has_enough_failures([scored]):
            aurocs[version] = failure.aurocs([scored], counts)
    return aurocs


def overlap_within_images(measured: Drift, counts: np.ndarray) -> Estimate:
    """Overlap less its version's mean: answers still right minus those turned wrong, in [-2, 2].

    It is the mean over the images that have both.
    """
    rows = measured.rows(CORRUPTED)
    right = measured.correct[rows]  # (versions, N)
    overlap = measured.overlap[rows].astype(np.float64)
    overlap = np.where(measured.right_when_clean, overlap, np.nan)
    above = overlap - np.nanmean(overlap, axis=1, keepdims=True)  # (versions, N)
    still_right = np.isfinite(above) & right
    turned_wrong = np.isfinite(above) & ~right
    has_both = still_right.any(axis=0) & turned_wrong.any(axis=0)  # (N,)
    difference = _mean_where(still_right, above) - _mean_where(turned_wrong, above)
    return metrics.ratio_of_sums([np.where(has_both, difference, 0)], [has_both], counts)


def _mean_where(chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean over versions of the chosen values (versions, N): (N,), 0 where there are none."""
    total = np.where(chosen, values, 0).sum(axis=0)
    return total / np.maximum(chosen.sum(axis=0), 1)
