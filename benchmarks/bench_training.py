"""Images a second of training and of prediction: the package beside the plain way of doing the
same.

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

from visionfail import data, devices, models
from visionfail.data import ImageSet
from visionfail.models import training

BATCH = 128
MEAN, STD = data.CHANNEL_STATS["cifar10"]


class PerImage(TensorDataset):
    """Images augmented one at a time, as most training scripts do."""

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
    run = models.Run(network(), models.TrainConfig(batch_size=BATCH), train=images)
    run.model.train()
    steps = len(images) // BATCH
    return lambda: models.train_epoch(
        run, images, epoch=0, bar=training.tqdm(total=steps, disable=True)
    )


def plain_prediction(model: nn.Module, images: torch.Tensor) -> Callable[[], torch.Tensor]:
    model = model.to(memory_format=torch.contiguous_format)

    @torch.no_grad()
    def predict() -> torch.Tensor:
        return torch.cat([model(batch.float() / 255) for batch in images.split(500)])

    return predict


def our_prediction(model: nn.Module, images: torch.Tensor) -> Callable[[], torch.Tensor]:
    dtype = torch.bfloat16 if devices.fast_bf16() else torch.float32
    return lambda: models.predict(model, images, batch_size=BATCH, dtype=dtype)


def rates(ways: dict[str, Callable], n: int, repeats: int) -> dict[str, float]:
    """Images a second of each way, the best of some repeats; the ways take turns, so that both see
    the same machine.
    """
    seconds = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: n / min(times) for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    n = chosen.steps * BATCH
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 10, n))
    train = ImageSet(pictures(n), labels, data.CLASSES["cifar10"], "standin")
    packages = ", ".join(f"{package} {version(package)}" for package in ("torch", "torchvision"))
    print(
        f"{processor()}; {devices.describe_device('cpu')}; Python {platform.python_version()}, {packages}"
    )
    print(f"ResNet-18, 32 x 32 x 3, images a second, best of {chosen.repeats}\n")
    print(f"{'':<28}{'ours':>8}{'plain':>8}{'ratio':>8}{'n':>8}")
    model, images = network().eval(), pictures(chosen.images)
    tasks = {
        f"training, batch {BATCH}": (
            {"ours": our_training(train), "plain": plain_training(train)},
            n,
        ),
        "prediction": (
            {
                "ours": our_prediction(model, images),
                "plain": plain_prediction(network().eval(), images),
            },
            chosen.images,
        ),
    }
    for name, (ways, count) in tasks.items():
        found = rates(ways, count, chosen.repeats)
        print(
            f"{name:<28}{found['ours']:>8.0f}{found['plain']:>8.0f}{found['ours'] / found['plain']:>8.2f}{count:>8}"
        )


if __name__ == "__main__":
    main()
