"""Milliseconds per image of all 19 corruptions: ours beside one image at a time the plain way.

    python benchmarks/bench_corruptions.py [--images 2000] [--reference-images 50]
        [--severities 1 3 5] [--repeats 3]

Both run here, one after the other, in this process: ours batched in torch, on its own number of
threads, best of the repeats; the plain references of tests/makers/corruption_references.py (numpy,
scipy, scikit-image, OpenCV, PIL) once, on fewer images.
"""

import argparse
import importlib
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from visionfail.corruptions import CORRUPTIONS, EXTRAS, SIDE, corrupt, frost_textures

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
references = importlib.import_module("makers.corruption_references")

ALL = CORRUPTIONS + EXTRAS


def pictures(count: int) -> Tensor:
    """Smooth coloured blobs, uint8 (count, 3, 32, 32): the motif hardly matters for the time."""
    blobs = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    images = torch.nn.functional.interpolate(blobs, size=(32, 32), mode="bilinear")
    return (images * 255).to(torch.uint8)


def time_ours(images: Tensor, name: str, severity: int, repeats: int) -> float:
    """Milliseconds per image of ours, the best of `repeats`."""
    corrupt(images[:256], name, severity)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        corrupt(images, name, severity)
        seconds.append(time.perf_counter() - start)
    return 1000 * min(seconds) / len(images)


def time_reference(images: Tensor, name: str, severity: int) -> float:
    """Milliseconds per image of the plain reference, draws included."""
    rng = np.random.default_rng(0)
    textures = frost_textures(3, torch.device("cpu")).permute(0, 2, 3, 1).numpy()
    reference = getattr(references, name)
    batch = images.permute(0, 2, 3, 1).contiguous().numpy()
    start = time.perf_counter()
    for image in batch:
        draws = references.draws(name, severity, rng, image)
        if name == "frost":
            which, top, left = rng.integers(0, [len(textures), SIDE - 31, SIDE - 31])
            draws = {"crop": textures[which, top : top + 32, left : left + 32]}
        reference(image, severity, **draws)
    return 1000 * (time.perf_counter() - start) / len(batch)


def processor() -> str:
    """The processor's name, where the system tells it, else the machine's kind."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--reference-images", type=int, default=50)
    parser.add_argument("--severities", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    images = pictures(max(arguments.images, arguments.reference_images))
    packages = ("torch", "numpy", "scipy", "scikit-image", "opencv-python-headless", "pillow")
    print(f"{processor()}, {torch.get_num_threads()} threads; Python {platform.python_version()}")
    print(", ".join(f"{package} {version(package)}" for package in packages))
    print(
        f"32 x 32 x 3, n = {arguments.images} (ours, best of {arguments.repeats}), "
        f"{arguments.reference_images} (plain)"
    )
    print(f"ms per image, mean over severities {' '.join(map(str, arguments.severities))}\n")
    print(f"{'corruption':<20}{'ours':>9}{'plain':>9}{'ratio':>8}{'slowest severity of ours':>27}")
    means = []
    for name in ALL:
        ours = []
        plain = []
        for severity in arguments.severities:
            many = images[: arguments.images]
            few = images[: arguments.reference_images]
            ours.append(time_ours(many, name, severity, arguments.repeats))
            plain.append(time_reference(few, name, severity))
        means.append((np.mean(ours), np.mean(plain)))
        print(f"{row(name, *means[-1])}{max(ours):>27.4f}", flush=True)
    ours_mean, plain_mean = np.mean(means, axis=0)
    print(row(f"mean of {len(ALL)}", ours_mean, plain_mean))


def row(name: str, ours: float, plain: float) -> str:
    """A line of the table: milliseconds of ours and of the plain way, and their ratio."""
    return f"{name:<20}{ours:>9.4f}{plain:>9.3f}{plain / ours:>8.1f}"


if __name__ == "__main__":
    main()
