"""Memory and time of a sweep: one corruption at five severities on 10,000 images.

    python benchmarks/bench_sweep.py [--corruption fog] [--images 10000]

It takes a process of its own, on Linux or macOS. The pictures are drawn and the weights random:
neither changes what is measured.
"""

import argparse
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import torch
from bench_corruptions import pictures, processor
from bench_training import network

from visionfail import devices, evaluation
from visionfail.data import CLASSES, ImageSet

try:
    import resource
except ImportError:  # Windows
    raise SystemExit(
        "bench_sweep.py reads its peak memory from Python's module resource, which Windows lacks: "
        "run it on Linux or macOS, or in WSL. The other benchmarks run here."
    ) from None


def peak_gigabytes() -> float:
    """The most memory that this process has held so far, in GB."""
    bytes_per_unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * bytes_per_unit / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corruption", default="fog")
    parser.add_argument("--images", type=int, default=10_000)
    arguments = parser.parse_args()
    labels = torch.arange(arguments.images) % 10
    clean = ImageSet(pictures(arguments.images), labels, CLASSES["cifar10"], "standin")
    model = network().eval()
    conditions = [(arguments.corruption, severity) for severity in range(1, 6)]
    dtype = torch.bfloat16 if devices.fast_bf16() else torch.float32
    before = peak_gigabytes()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        evaluation.run_sweep(
            model, clean, conditions, temperature=1.0, identity={}, folder=Path(folder), dtype=dtype
        )
    seconds = time.perf_counter() - start
    print(f"{processor()}; Python {platform.python_version()}, torch {version('torch')}")
    print(
        f"ResNet-18, {arguments.corruption} at 5 severities, n = {arguments.images:,} images, "
        f"{dtype}"
    )
    print(
        f"peak memory {peak_gigabytes():.2f} GB ({before:.2f} GB before the sweep), {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
