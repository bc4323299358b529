"""What a sweep needs: memory and time of one corruption at five severities on 10,000 images, in a
process of its own.

    python benchmarks/bench_sweep.py [--corruption fog] [--images 10000]

The pictures are drawn and the weights random: neither changes what is measured.
"""

import argparse
import platform
import resource
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import torch
from bench_corruptions import pictures, processor
from bench_training import network

from visionfail import devices, evaluation
from visionfail.data import CLASSES, ImageSet


def peak_gigabytes() -> float:
    """The most memory that this process has held so far."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corruption", default="fog")
    parser.add_argument("--images", type=int, default=10_000)
    chosen = parser.parse_args()
    labels = torch.arange(chosen.images) % 10
    clean = ImageSet(pictures(chosen.images), labels, CLASSES["cifar10"], "standin")
    model, conditions = (
        network().eval(),
        [(chosen.corruption, severity) for severity in range(1, 6)],
    )
    dtype = torch.bfloat16 if devices.fast_bf16() else torch.float32
    before, start = peak_gigabytes(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        evaluation.run_sweep(
            model, clean, conditions, temperature=1.0, identity={}, folder=Path(folder), dtype=dtype
        )
    seconds = time.perf_counter() - start
    print(f"{processor()}; Python {platform.python_version()}, torch {version('torch')}")
    print(f"ResNet-18, {chosen.corruption} at 5 severities, n = {chosen.images:,} images, {dtype}")
    print(
        f"peak memory {peak_gigabytes():.2f} GB ({before:.2f} GB before the sweep), {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
