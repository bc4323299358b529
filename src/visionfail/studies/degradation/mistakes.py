"""Whether two architectures make other mistakes than two seeds of one do, on the same images."""

import itertools
from collections.abc import Mapping

import numpy as np

from visionfail import metrics
from visionfail.studies.degradation.seeds import COMPARED, Network, trained_alike


def accuracy_gap(correct: Mapping[Network, np.ndarray], *, bootstraps: int) -> dict | None:
    """The accuracy of DenseNet-121 minus ResNet-18's, means over the seeds trained alike.

    `correct` is {network: bool (N,)} on the same images. {"value", "lo", "hi": 95%, bootstrap over
    images, "n", "seeds": of each, in words}; None where an architecture is missing.
    """
    alike = trained_alike(correct)
    ours, theirs = ([alike[key] for key in alike if key[0] == arch] for arch in COMPARED)
    if not ours or not theirs:
        return None
    gap = np.mean(ours, axis=0) - np.mean(theirs, axis=0)  # (N,)
    return {**_mean_over_images(gap, bootstraps), "seeds": f"{len(ours)} and {len(theirs)}"}


def extra_disagreement(correct: Mapping[Network, np.ndarray], *, bootstraps: int) -> dict | None:
    """On how many more images two architectures disagree than two seeds of one, trained alike.

    Two networks disagree where exactly one is right. {"across", "densenet121", "resnet18": the
    share of images, mean over pairs of networks; "value", "lo", "hi": across minus the mean of the
    two others, 95%, bootstrap over images; "n"}. None where an architecture has fewer than two
    seeds: nothing says then how much two seeds disagree.
    """
    apart = _disagreements(trained_alike(correct))
    if set(apart) != {"across", *COMPARED}:
        return None
    extra = apart["across"] - np.mean([apart[arch] for arch in COMPARED], axis=0)  # (N,)
    shares = {kind: float(by_image.mean()) for kind, by_image in apart.items()}
    return {**shares, **_mean_over_images(extra, bootstraps)}


def _disagreements(correct: Mapping[Network, np.ndarray]) -> dict[str, np.ndarray]:
    """{architecture, or "across": the share of pairs of networks that disagree, (N,)}."""
    pairs: dict[str, list[np.ndarray]] = {}
    for first, second in itertools.combinations(correct, 2):
        kind = first[0] if first[0] == second[0] else "across"
        pairs.setdefault(kind, []).append(correct[first] != correct[second])
    return {kind: np.mean(each, axis=0) for kind, each in pairs.items()}


def _mean_over_images(by_image: np.ndarray, bootstraps: int) -> dict:
    """{"value", "lo", "hi", "n"}: the mean of a value per image (N,) and its bootstrap interval."""
    means = metrics.bootstrap_means(
        by_image[None], bootstraps=bootstraps, generator=np.random.default_rng(0)
    )  # (B, 1)
    lo, hi = metrics.percentile_interval(means[:, 0])
    return {"value": float(by_image.mean()), "lo": lo, "hi": hi, "n": len(by_image)}
