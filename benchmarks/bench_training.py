"""Images per second of training and of prediction: the package beside the plain way.

    python benchmarks/bench_training.py [--steps 10] [--images 2000] [--repeats 3]

Both run here in turn, in this process. Plain: float32, contiguous, a DataLoader with two workers
and torchvision's transforms image by image. Ours: images on the device as uint8, augmented by the
batch, channels_last, bfloat16 where the processor is fast at it, averaged weights included. Same
network, batch 128, same kind of augmentation.
"""

import argparse
import platform
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from bench_corruptions import pictures, processor
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2
from tqdm import tqdm

from visionfail import data, devices, models
from visionfail.data import ImageSet

BATCH = 128
MEAN, STD = data.CHANNEL_STATS["cifar10"]


class PerImage(TensorDataset):
    """Images and labels, augmented one image at a time as most training scripts do."""

    transform = v2.Compose(
        [
            v2.RandomCrop(32, padding=4),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, label = super().__getitem__(index)
        return self.transform(image), label


def network() -> nn.Module:
    """A full-width ResNet-18 with random weights."""
    return models.build("resnet18", num_classes=10, mean=MEAN, std=STD)


def plain_training(images: ImageSet) -> Callable[[], None]:
    """A function that trains one epoch on `images` the plain way."""
    model = network().to(memory_format=torch.contiguous_format).train()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    loader = DataLoader(
        PerImage(images.images, images.labels), batch_size=BATCH, shuffle=True, num_workers=2
    )

    def epoch() -> None:
        for batch, labels in loader:
            loss = nn.functional.cross_entropy(model(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def our_training(images: ImageSet) -> Callable[[], None]:
    """A function that trains one epoch on `images` as training.fit does."""
    run = models.TrainingRun(network(), models.TrainConfig(batch_size=BATCH), train=images)
    run.model.train()
    steps = len(images) // BATCH

    def epoch() -> None:
        models.train_epoch(run, images, epoch=0, bar=tqdm(total=steps, disable=True))

    return epoch


def plain_prediction(model: nn.Module, images: torch.Tensor) -> Callable[[], torch.Tensor]:
    """A function that predicts `images` the plain way: logits (N, K)."""
    model = model.to(memory_format=torch.contiguous_format)

    @torch.no_grad()
    def predict() -> torch.Tensor:
        return torch.cat([model(batch.float() / 255) for batch in images.split(500)])

    return predict


def our_prediction(model: nn.Module, images: torch.Tensor) -> Callable[[], torch.Tensor]:
    """A function that predicts `images` as the package does: logits (N, K)."""
    dtype = torch.bfloat16 if devices.fast_bf16() else torch.float32
    return lambda: models.predict(model, images, batch_size=BATCH, dtype=dtype)


def rates(functions: dict[str, Callable], n: int, repeats: int) -> dict[str, float]:
    """Images per second of each function on `n` images, the best of `repeats`.

    The functions take turns, so that all see the same machine.
    """
    seconds = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: n / min(times) for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    n = arguments.steps * BATCH
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 10, n))
    train = ImageSet(pictures(n), labels, data.CLASSES["cifar10"], "standin")
    images = pictures(arguments.images)
    packages = ", ".join(f"{package} {version(package)}" for package in ("torch", "torchvision"))
    print(
        f"{processor()}; {devices.describe_device('cpu')}; "
        f"Python {platform.python_version()}, {packages}"
    )
    print(f"ResNet-18, 32 x 32 x 3, images per second, best of {arguments.repeats}\n")
    print(f"{'':<28}{'ours':>8}{'plain':>8}{'ratio':>8}{'n':>8}")
    trainings = {"ours": our_training(train), "plain": plain_training(train)}
    print_rates(f"training, batch {BATCH}", rates(trainings, n, arguments.repeats), n)
    predictions = {
        "ours": our_prediction(network().eval(), images),
        "plain": plain_prediction(network().eval(), images),
    }
    per_second = rates(predictions, len(images), arguments.repeats)
    print_rates("prediction", per_second, len(images))


def print_rates(task: str, per_second: dict[str, float], n: int) -> None:
    """Print a line of the table: images per second of ours and plain, and their ratio."""
    ratio = per_second["ours"] / per_second["plain"]
    print(f"{task:<28}{per_second['ours']:>8.0f}{per_second['plain']:>8.0f}{ratio:>8.2f}{n:>8}")


if __name__ == "__main__":
    main()
