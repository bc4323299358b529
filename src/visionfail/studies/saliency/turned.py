"""Whether drift ranks answers turned wrong, against confidence and against the class's log-odds.

Images right when clean count. Maps are of the class named on the clean image, and an answer has
turned wrong where another class overtook that one: so the log-odds of that class are the baseline.
"""

from collections.abc import Sequence

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
JUDGES = (
    "drift",
    "1 - confidence",
    "confidence and drift",
    "class log-odds",
    "class log-odds and drift",
)


def scores_for_turned_answers(measured: Drift) -> dict[Version, Scored]:
    """{version: scores of JUDGES (n,), higher where an answer has likelier turned wrong}.

    The n images are right when clean and have a map. Two at once are in a logistic regression
    fitted on other images. Empty where fewer than failure.FEW images ever turn wrong.
    """
    rows = measured.rows(CORRUPTED)
    wrong, judged = _wrong_and_judged(measured)  # (versions, N)
    if (wrong & judged).any(axis=0).sum() < failure.FEW:
        return {}
    image = np.broadcast_to(np.arange(wrong.shape[1]), wrong.shape)
    of_drift = [measured.overlap, measured.shift, measured.entropy]
    scores = {
        "drift": 1 - measured.overlap[rows].astype(np.float64),
        "1 - confidence": 1 - measured.confidence[rows],
        "confidence and drift": error_probability(measured, [measured.log_odds, *of_drift]),
        "class log-odds": -measured.class_log_odds[rows].astype(np.float64),
        "class log-odds and drift": error_probability(
            measured, [measured.class_log_odds, *of_drift]
        ),
    }
    scored = {}
    for k, version in enumerate(CORRUPTED):
        of_version = {judge: values[k][judged[k]] for judge, values in scores.items()}  # each (n,)
        scored[version] = Scored(of_version, wrong[k][judged[k]], image[k][judged[k]])
    return scored


def _wrong_and_judged(measured: Drift) -> tuple[np.ndarray, np.ndarray]:
    """Whether each answer is wrong, and whether it counts: bool (versions, N), as CORRUPTED.

    Those count that are right when clean and have a map.
    """
    rows = measured.rows(CORRUPTED)
    judged = measured.right_when_clean & np.isfinite(measured.overlap[rows])
    return ~measured.correct[rows], judged


def error_probability(
    measured: Drift, fields: Sequence[np.ndarray], *, penalty: float = 1.0
) -> np.ndarray:
    """The probability of an error (versions, N) from `fields`, each (M, N); 0 where none counts.

    A logistic regression in FOLDS folds, its squared weights weighed by `penalty`; all versions of
    an image lie in one fold.
    """
    rows = measured.rows(CORRUPTED)
    wrong, judged = _wrong_and_judged(measured)
    features = np.stack([values[rows] for values in fields], axis=-1)  # (versions, N, fields)
    image = np.broadcast_to(np.arange(wrong.shape[1]), wrong.shape)
    predicted = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty)),
        features[judged].astype(np.float64),  # (answers, fields)
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


# ---- what overlap tells of errors beside the class's log-odds


def overlap_and_error(measured: Drift, counts: np.ndarray) -> dict[str, Estimate]:
    """Correlations in [-1, 1] of overlap with error, less each version's means, by what is given.

    "nothing"; "log-odds", partial by a straight line of the class's log-odds; "error by log-odds",
    partial by the probability of an error that a logistic regression of them gives, fitted on other
    images. Whether an answer is wrong is nearly a step in the log-odds, which no line follows, nor
    a regression whose weights are held small.
    """
    rows = measured.rows(CORRUPTED)
    wrong, judged = _wrong_and_judged(measured)
    probability = error_probability(measured, [measured.class_log_odds], penalty=1e-6)
    values = {}
    for name, of_name in {
        "overlap": measured.overlap[rows],
        "error": wrong,
        "log-odds": measured.class_log_odds[rows],
        "error by log-odds": probability,
    }.items():
        values[name] = _less_version_means(of_name.astype(np.float64), judged)

    def correlation(first: str, second: str) -> Estimate:
        return _correlation(values[first], values[second], counts)

    correlations = {"nothing": correlation("overlap", "error")}
    for control in ("log-odds", "error by log-odds"):
        of_overlap = correlation("overlap", control)
        of_error = correlation("error", control)
        correlations[control] = _partial(correlations["nothing"], of_overlap, of_error)
    return correlations


def _less_version_means(values: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Values (versions, N) less the mean of each version's judged ones; 0 where not judged."""
    total = np.where(judged, values, 0).sum(axis=1, keepdims=True)
    means = total / judged.sum(axis=1, keepdims=True)
    return np.where(judged, values - means, 0)


def _correlation(first: np.ndarray, second: np.ndarray, counts: np.ndarray) -> Estimate:
    """The correlation of centred values (versions, N), all versions of an image drawn together."""
    sums = np.stack([first * second, first * first, second * second]).sum(axis=1)  # (3, N)
    exact = sums.sum(axis=1)  # (3,)
    samples = counts @ sums.T  # (B, 3)
    return Estimate(_cosine(exact[None]), _cosine(samples)[:, None])


def _cosine(sums: np.ndarray) -> np.ndarray:
    """Sum of products over the root of the sums of squares, of (..., 3): (...)."""
    return sums[..., 0] / np.sqrt(sums[..., 1] * sums[..., 2])


def _partial(plain: Estimate, first: Estimate, second: Estimate) -> Estimate:
    """The correlation of two things given a third, with which they correlate as said."""

    def value(r: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (r - a * b) / np.sqrt((1 - a**2) * (1 - b**2))

    return Estimate(
        value(plain.exact, first.exact, second.exact),
        value(plain.samples, first.samples, second.samples),
    )
