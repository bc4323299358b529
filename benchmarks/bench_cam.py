"""Grad-CAM maps per second: explain.gradcam beside pytorch-grad-cam used one image at a time.

    python benchmarks/bench_cam.py [--images 128] [--repeats 3]

Both run here in turn, in this process, in float32, on the same full-width ResNet-18 and images; and
it is checked that the maps are the same. Ours works in batches of 64, with weights frozen and the
backward pass cut off at the layer.
"""

import argparse
import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from bench_corruptions import pictures, processor
from bench_training import network, print_rates, rates
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from visionfail import explain


def plain_maps(model: nn.Module, images: Tensor, classes: np.ndarray) -> Callable[[], np.ndarray]:
    """A function that makes the maps (N, H, W) with pytorch-grad-cam, one image at a time."""
    cam = GradCAM(model=model, target_layers=[model.get_submodule("layer4")])

    def maps() -> np.ndarray:
        heats = []
        for image, k in zip(images.split(1), classes, strict=True):
            targets: list[Any] = [ClassifierOutputTarget(int(k))]  # it declares modules
            heats.append(cam(image.float() / 255, targets))  # (1, H, W)
        return np.concatenate(heats)

    return maps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    images = pictures(arguments.images)
    classes = np.arange(arguments.images) % 10
    model = network().eval()
    plain = plain_maps(network().eval(), images, classes)

    def ours() -> np.ndarray:
        return explain.gradcam(model, images, classes.tolist())

    difference = float(np.abs(ours() - plain()).max())
    packages = f"torch {version('torch')}, grad-cam {version('grad-cam')}"
    print(f"{processor()}; Python {platform.python_version()}, {packages}")
    print(
        f"ResNet-18, layer4, float32, maps per second, best of {arguments.repeats}; "
        f"largest difference {difference:.1e}\n"
    )
    per_second = rates({"ours": ours, "plain": plain}, arguments.images, arguments.repeats)
    print(f"{'':<28}{'ours':>8}{'plain':>8}{'ratio':>8}{'n':>8}")
    print_rates("Grad-CAM", per_second, len(images))


if __name__ == "__main__":
    main()
