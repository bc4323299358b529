"""Resampled AUROCs per second: metrics.bootstrap_auroc beside scikit-learn, a resample at a time.

    python benchmarks/bench_resampling.py [--images 10000] [--resamples 200] [--repeats 3]

Both run here in turn, in this process, on the same scores and resamples; and it is checked that the
values are the same. Ours sorts once, and counts for each failure the right answers below it.
"""

import argparse
import platform
from importlib.metadata import version

import numpy as np
from bench_corruptions import processor
from bench_training import print_rates, rates
from sklearn.metrics import roc_auc_score

from visionfail import metrics

FAILING = 0.2  # of the images


def sample(images: int, resamples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(score (N,), failed (N,), counts (B, N)) of a score that knows something."""
    generator = np.random.default_rng(0)
    failed = generator.random(images) < FAILING
    score = generator.normal(size=images) + failed
    return score, failed, metrics.resampling_counts(resamples, images, generator)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    score, failed, counts = sample(arguments.images, arguments.resamples)

    def plain() -> np.ndarray:
        return np.array([roc_auc_score(failed, score, sample_weight=drawn) for drawn in counts])

    def ours() -> np.ndarray:
        return metrics.bootstrap_auroc(score, failed, counts)

    difference = float(np.abs(ours() - plain()).max())
    packages = f"numpy {version('numpy')}, scikit-learn {version('scikit-learn')}"
    print(f"{processor()}; Python {platform.python_version()}, {packages}")
    print(
        f"AUROC of {arguments.images:,} images, resamples per second, best of "
        f"{arguments.repeats}; largest difference {difference:.1e}\n"
    )
    per_second = rates({"ours": ours, "plain": plain}, arguments.resamples, arguments.repeats)
    print(f"{'':<28}{'ours':>8}{'plain':>8}{'ratio':>8}{'n':>8}")
    print_rates("AUROC", per_second, arguments.resamples)


if __name__ == "__main__":
    main()
