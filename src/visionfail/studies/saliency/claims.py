"""The sentences about attention, each with a statistic, a region and a verdict; fixed in
notes/claims.md beforehand.

Only images that the network gets right when they are clean count, in every version of them.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from visionfail import claims, explain, failure, metrics
from visionfail.failure import Scored
from visionfail.metrics import Estimate
from visionfail.studies.saliency import drift
from visionfail.studies.saliency.drift import CLEAN, CONDITIONS, JITTER, MEASURES, Drift

Network = tuple[str, int]  # architecture, seed
CORRUPTED = tuple(pair for pair in CONDITIONS if pair not in (CLEAN, JITTER))
SEVERE = tuple(pair for pair in CORRUPTED if pair[1] == max(drift.SEVERITIES))
FOLDS = 5
JUDGES = ("drift", "1 - confidence", "confidence and drift")
CENTRED = "attention is object-centric when clean"
DRIFTS = "attention drifts under severe corruption"
ERROR = "drift goes with error"

SALIENCY_CLAIMS = {  # key: (words, statistic, low, high)
    "9a": (
        f"{CENTRED}: more than an even spread",
        "share of a clean map in the middle quarter",
        0.25,
        np.inf,
    ),
    "9b": (
        f"{CENTRED}: more than with random weights",
        "that share minus the same, random weights",
        0.0,
        np.inf,
    ),
    "10a": (
        f"{DRIFTS}: where it is strongest",
        "overlap under jitter minus at severity 5",
        0.1,
        np.inf,
    ),
    "10b": (
        f"{DRIFTS}: its centre",
        "centre's shift at severity 5 minus under jitter, of the side",
        1 / 32,
        np.inf,
    ),
    "10c": (
        f"{DRIFTS}: more than with random weights",
        "10a minus the same, random weights",
        0.0,
        np.inf,
    ),
    "11": (
        "localisation weakens under severe corruption",
        "entropy at severity 5 minus under jitter",
        0.0,
        np.inf,
    ),
    "12a": (
        f"{ERROR}: across images",
        "AUROC of 1 - overlap for answers turned wrong",
        0.5,
        np.inf,
    ),
    "12b": (
        f"{ERROR}: within one image",
        "overlap above its condition's mean, right minus wrong",
        0.0,
        np.inf,
    ),
    "12c": (
        "drift tells more than confidence does",
        "AUROC, confidence and drift minus confidence",
        0.01,
        np.inf,
    ),
}


def mean_measure(
    found: Drift, measure: str, versions: Sequence[tuple], kept: np.ndarray, counts: np.ndarray
) -> Estimate:
    """The mean of a measure over `versions` and the images `kept` (N,), and in each resample of the
    images.
    """
    return _mean(
        getattr(found, measure)[[CONDITIONS.index(pair) for pair in versions]], kept, counts
    )


def _mean(values: np.ndarray, kept: np.ndarray, counts: np.ndarray) -> Estimate:
    values = values.astype(np.float64)
    known = np.isfinite(values) & kept
    return metrics.ratio_of_sums(
        [np.where(known, values, 0).sum(axis=0)], [known.sum(axis=0)], counts
    )


def causes_of_drift(
    trained: Mapping[Network, Drift], maps: Mapping[Network, np.ndarray], counts: np.ndarray
) -> pd.DataFrame:
    """What a map keeps of its place under jitter, under the corruptions at each severity, in
    another network, and on another image, the next one: what maps share that have nothing in
    common. `maps` (N, H, W) are of clean images and their true classes; of these, images that both
    get right. A row a network or pair and cause: model, seed, cause, other, overlap with its 95%
    interval over images lo, hi, and n.
    """
    right = {key: found.correct[CONDITIONS.index(CLEAN)] for key, found in trained.items()}
    severities = {
        f"severity {s}": [pair for pair in CORRUPTED if pair[1] == s] for s in drift.SEVERITIES
    }
    lines = []
    for key, found in trained.items():
        for cause, versions in ({"jitter": [JITTER]} | severities).items():
            value = mean_measure(found, "overlap", versions, right[key], counts).interval()
            lines.append((*key, cause, "", *value, right[key].sum()))
    for a, b in sorted(
        itertools.combinations(maps, 2), key=lambda pair: pair[0][0] != pair[1][0]
    ):  # seeds first
        cause = "another seed" if a[0] == b[0] else "another architecture"
        lines.append(
            (*a, cause, "{} s{}".format(*b), *_apart(maps[a], maps[b], right[a] & right[b], counts))
        )
    for key, one in maps.items():
        following, both = np.roll(one, -1, axis=0), right[key] & np.roll(right[key], -1)
        lines.append((*key, "another image", "", *_apart(one, following, both, counts)))
    return pd.DataFrame(
        lines, columns=["model", "seed", "cause", "other", "overlap", "lo", "hi", "n"]
    )


def _apart(
    a: np.ndarray, b: np.ndarray, kept: np.ndarray, counts: np.ndarray
) -> tuple[float, float, float, int]:
    """Overlap of maps (N, H, W), its interval, and of how many images `kept` (N,) that have both
    maps.
    """
    overlap = explain.overlap(a, b)
    return *_mean(overlap[None], kept, counts).interval(), int((kept & np.isfinite(overlap)).sum())


def drift_by_condition(found: Drift, kept: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """A row a version and measure: condition, severity, measure, value, lo, hi (95% over images),
    n.
    """
    lines = []
    for name, severity in CONDITIONS:
        for measure in MEASURES:
            value, lo, hi = mean_measure(
                found, measure, [(name, severity)], kept, counts
            ).interval()
            line = {
                "condition": name,
                "severity": severity,
                "measure": measure,
                "value": value,
                "lo": lo,
                "hi": hi,
            }
            lines.append(line | {"n": int(kept.sum())})
    return pd.DataFrame(lines)


def scores_for_turned_answers(found: Drift) -> dict[tuple[str, int], Scored]:
    """By corruption and severity, the images right when clean: who tells that the answer has turned
    wrong, drift, confidence, or both together by a logistic regression that was fitted on other
    images? Empty where fewer than verdicts.FEW images ever turn wrong.
    """
    kept = found.correct[CONDITIONS.index(CLEAN)]
    rows = [CONDITIONS.index(pair) for pair in CORRUPTED]
    known = kept & np.isfinite(found.overlap[rows])
    features = np.stack(
        [getattr(found, name)[rows] for name in ("log_odds", "overlap", "shift", "entropy")],
        axis=-1,
    )
    wrong, image = ~found.correct[rows], np.broadcast_to(np.arange(len(kept)), known.shape)
    if (wrong & known).any(axis=0).sum() < failure.FEW:
        return {}
    both = np.zeros(known.shape)
    both[known] = _fitted_elsewhere(features[known], wrong[known], image[known])
    judged = {}
    for k, (pair, row) in enumerate(zip(CORRUPTED, rows, strict=True)):
        scores = {
            "drift": 1 - found.overlap[row].astype(np.float64),
            "1 - confidence": 1 - found.confidence[row],
        }
        scores |= {"confidence and drift": both[k]}
        judged[pair] = Scored(
            {n: s[known[k]] for n, s in scores.items()}, wrong[k][known[k]], image[k][known[k]]
        )
    return judged


def _fitted_elsewhere(features: np.ndarray, wrong: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The probability of an error (N,) by logistic regression; all versions of an image lie in one
    fold.
    """
    model, x = make_pipeline(StandardScaler(), LogisticRegression()), features.astype(np.float64)
    return cross_val_predict(
        model, x, wrong, groups=image, cv=GroupKFold(FOLDS), method="predict_proba"
    )[:, 1]


def auroc_by_version(
    judged: dict[tuple[str, int], Scored], counts: np.ndarray
) -> dict[tuple[str, int], dict[str, Estimate]]:
    """{version: {judge: AUROC}} of the versions with enough of both outcomes."""
    return {
        pair: failure.aurocs([one], counts)
        for pair, one in judged.items()
        if failure.has_enough_failures([one])
    }


def overlap_within_images(found: Drift, counts: np.ndarray) -> Estimate:
    """Overlap less the mean of its version: answers that stayed right minus those turned wrong,
    mean over the images that have both.
    """
    kept = found.correct[CONDITIONS.index(CLEAN)]
    rows = [CONDITIONS.index(pair) for pair in CORRUPTED]
    overlap, right = (
        np.where(kept, found.overlap[rows].astype(np.float64), np.nan),
        found.correct[rows],
    )
    rest = overlap - np.nanmean(overlap, axis=1, keepdims=True)
    sums = [np.where(np.isfinite(rest) & chosen, rest, 0).sum(axis=0) for chosen in (right, ~right)]
    number = [(np.isfinite(rest) & chosen).sum(axis=0) for chosen in (right, ~right)]
    both = (number[0] > 0) & (number[1] > 0)
    apart = sums[0] / np.maximum(number[0], 1) - sums[1] / np.maximum(number[1], 1)
    return metrics.ratio_of_sums([np.where(both, apart, 0)], [both], counts)


def judge_saliency(
    trained: Drift, untrained: Drift, told: dict, *, model: str, seed: int, counts: np.ndarray
) -> pd.DataFrame:
    """A row a sentence, with the columns of claims.csv. `untrained` is the same of random weights,
    asked for the same classes of the same images; `told` is what `telling` found, without which
    nothing is said of errors; counts (B, N) are the resamples of the images.
    """
    kept = trained.correct[CONDITIONS.index(CLEAN)]

    def of(found: Drift, measure: str, versions: Sequence[tuple]) -> Estimate:
        return mean_measure(found, measure, versions, kept, counts)

    changes = {
        name: getattr(trained, name) - getattr(untrained, name) for name in ("overlap", "centre")
    }
    ahead = replace(
        trained, **changes
    )  # NaN where either map is empty: the same images and versions for both
    average = (
        {name: metrics.mean_of_estimates([one[name] for one in told.values()]) for name in JUDGES}
        if told
        else {}
    )
    values = {
        "9a": of(trained, "centre", [CLEAN]),
        "9b": of(ahead, "centre", [CLEAN]),
        "10a": of(trained, "overlap", [JITTER]) - of(trained, "overlap", SEVERE),
        "10b": of(trained, "shift", SEVERE) - of(trained, "shift", [JITTER]),
        "10c": of(ahead, "overlap", [JITTER]) - of(ahead, "overlap", SEVERE),
        "11": of(trained, "entropy", SEVERE) - of(trained, "entropy", [JITTER]),
    }
    if told:
        values |= {"12a": average["drift"], "12b": overlap_within_images(trained, counts)}
        values |= {"12c": average["confidence and drift"] - average["1 - confidence"]}
    common = {"source": "working hypothesis", "model": model, "seed": seed}
    common |= {"status": "confirmatory" + ", subset" * (trained.made.get("origin") == "subset")}
    common |= {"n": int(kept.sum())}
    lines = [
        claims.claim_row(key, *SALIENCY_CLAIMS[key], value) | common
        for key, value in values.items()
    ]
    return pd.DataFrame(lines)[list(claims.JUDGED)]
