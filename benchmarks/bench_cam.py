"""Grad-CAM maps a second: explain.gradcam beside pytorch-grad-cam used one image at a time.

    python benchmarks/bench_cam.py [--images 128] [--repeats 3]

Both run here in turn, in this process, in float32, on the same full-width ResNet-18 and images; and
it is checked that the maps are the same. Ours works in batches of 64, with weights frozen and the
backward pass cut off at the layer.
"""

import argparse
import platform
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
from bench_corruptions import pictures, processor
from bench_training import network, rates
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from visionfail import explain


def plain(model: nn.Module, images: Tensor, classes: np.ndarray) -> Callable[[], np.ndarray]:
    cam = GradCAM(model=model, target_layers=[model.layer4])

    def maps() -> np.ndarray:
        pairs = zip(images.split(1), classes, strict=True)
        return np.concatenate(
            [cam(image.float() / 255, [ClassifierOutputTarget(int(k))]) for image, k in pairs]
        )

    return maps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    images, classes = pictures(chosen.images), np.arange(chosen.images) % 10
    model = network().eval()
    one_by_one = plain(network().eval(), images, classes)
    ways = {"ours": lambda: explain.gradcam(model, images, classes), "plain": one_by_one}
    apart = float(np.abs(ways["ours"]() - one_by_one()).max())
    print(
        f"{processor()}; Python {platform.python_version()}, torch {version('torch')}, grad-cam {version('grad-cam')}"
    )
    print(
        f"ResNet-18, layer4, float32, maps a second, best of {chosen.repeats}; largest difference {apart:.1e}\n"
    )
    found = rates(ways, chosen.images, chosen.repeats)
    print(f"{'':<12}{'ours':>8}{'plain':>8}{'ratio':>8}{'n':>8}")
    ratio = found["ours"] / found["plain"]
    print(
        f"{'Grad-CAM':<12}{found['ours']:>8.1f}{found['plain']:>8.1f}{ratio:>8.2f}{len(images):>8}"
    )


if __name__ == "__main__":
    main()
