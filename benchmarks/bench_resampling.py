"""Resampled AUROCs per second: metrics.bootstrap_auroc beside its former way and scikit-learn.

    python benchmarks/bench_resampling.py [--images 10000] [--resamples 200] [--repeats 3]
                                          [--detectors 20] [--seeds 5]

All run here in turn, in this process, on the same scores and resamples; and it is checked that the
values are the same. Ours sorts once, and counts for each failure the right answers below it; the
former way summed runs of equal scores in every resample; scikit-learn takes a resample at a time.
Last, the seconds of a whole slice of notebook 09: so many detectors and seeds, 1,000 resamples.
"""

import argparse
import platform
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
from bench_corruptions import processor
from bench_training import print_rates, rates
from sklearn.metrics import roc_auc_score

from visionfail import failure, metrics

FAILING = 0.2  # of the images
ROWS = 16  # resamples at once, in the former way as in ours
OF_A_SLICE = 1000  # resamples


def sample(images: int, resamples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(score (N,), failed (N,), counts (B, N)) of a score that knows something."""
    generator = np.random.default_rng(0)
    failed = generator.random(images) < FAILING
    score = generator.normal(size=images) + failed
    return score, failed, metrics.resampling_counts(resamples, images, generator)


def former(score: np.ndarray, failed: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The AUROC in each resample (B,) as it was computed until 2026-11-28."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))  # of each run of equal scores
    failed = failed[order]
    areas = []
    for row in range(0, len(counts), ROWS):
        drawn = counts[row : row + ROWS, order]
        # failures and right answers drawn from each run of equal scores, (B, T)
        wrong = np.add.reduceat(np.where(failed, drawn, 0), starts, axis=1, dtype=np.float64)
        right = np.add.reduceat(np.where(failed, 0, drawn), starts, axis=1, dtype=np.float64)
        below = np.cumsum(right, axis=1) - right / 2
        pairs = wrong.sum(axis=1) * right.sum(axis=1)
        areas.append((wrong * below).sum(axis=1) / pairs)
    return np.concatenate(areas)


def slice_of(images: int, detectors: int, seeds: int) -> list[failure.Scored]:
    """Scores of so many detectors on the same images, other ones and other failures each seed."""
    generator = np.random.default_rng(0)
    scored = []
    for _ in range(seeds):
        failed = generator.random(images) < FAILING
        scores = {str(k): generator.normal(size=images) + failed for k in range(detectors)}
        scored.append(failure.Scored(scores, failed, np.arange(images)))
    return scored


def seconds_of_slice(scored: list[failure.Scored], resampled: Callable) -> float:
    """The seconds that `failure.aurocs` takes for one slice with this way of resampling."""
    images = len(scored[0].failed)
    counts = metrics.resampling_counts(OF_A_SLICE, images, np.random.default_rng(0))
    start = time.perf_counter()
    failure.aurocs(scored, counts, measure=(metrics.auroc, resampled))
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--detectors", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    score, failed, counts = sample(arguments.images, arguments.resamples)

    def sklearn() -> np.ndarray:
        return np.array([roc_auc_score(failed, score, sample_weight=drawn) for drawn in counts])

    def before() -> np.ndarray:
        return former(score, failed, counts)

    def ours() -> np.ndarray:
        return metrics.bootstrap_auroc(score, failed, counts)

    packages = f"numpy {version('numpy')}, scikit-learn {version('scikit-learn')}"
    print(f"{processor()}; Python {platform.python_version()}, {packages}")
    print(
        f"AUROC of {arguments.images:,} images, resamples per second, best of {arguments.repeats}\n"
    )
    print(f"{'ours beside':<28}{'ours':>8}{'plain':>8}{'ratio':>8}{'n':>8}")
    for name, plain in {"its former way": before, "scikit-learn": sklearn}.items():
        per_second = rates({"ours": ours, "plain": plain}, arguments.resamples, arguments.repeats)
        print_rates(name, per_second, arguments.resamples)
        print(f"{'largest difference':<28}{np.abs(ours() - plain()).max():>8.1e}")
    print_slice(arguments.images, arguments.detectors, arguments.seeds)


def print_slice(images: int, detectors: int, seeds: int) -> None:
    """Print the seconds of one slice in both ways, with all detectors and with half of them."""
    print(f"\nA slice: {images:,} images, {seeds} seeds, {OF_A_SLICE:,} resamples, seconds")
    for count in (detectors // 2, detectors):
        scored = slice_of(images, count, seeds)
        now = seconds_of_slice(scored, metrics.bootstrap_auroc)
        then = seconds_of_slice(scored, former)
        print(f"{count} detectors: {now:.1f} s, in the former way {then:.1f} s")


if __name__ == "__main__":
    main()
