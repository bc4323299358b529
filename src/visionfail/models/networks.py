"""Networks for small images, with the normalisation inside: images in [0, 1] go in, logits come
out.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.densenet import DenseNet
from torchvision.models.resnet import BasicBlock, ResNet


class Normalised(nn.Module):
    """Images in [0, 1], (N, C, H, W) -> logits (N, K). Epsilon keeps its pixel meaning: mean and
    std are in here.
    """

    def normalise_with(self, mean: Sequence[float], std: Sequence[float]) -> None:
        # not persistent: the state dict keeps torchvision's names, the checkpoint's card carries
        # mean and std
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward((images - self.mean) / self.std)


class ResNet18(Normalised, ResNet):
    """torchvision's ResNet-18 with a stem for 32x32 images: 3x3, stride 1, no max-pool. He et al.,
    arXiv:1512.03385.
    """

    def __init__(self, *, num_classes: int, channels: int, width: int):
        self.width = width
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=num_classes)
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Identity()
        self.fc = nn.Linear(8 * width, num_classes)

    def _make_layer(
        self, block, planes: int, blocks: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        # torchvision starts at 64 channels and doubles; here every stage is scaled by width / 64
        if planes == 64:
            self.inplanes = self.width
        return super()._make_layer(block, planes * self.width // 64, blocks, stride, dilate)


class DenseNet121(Normalised, DenseNet):
    """torchvision's DenseNet-121 with a stem for 32x32 images: 3x3, stride 1, no pooling before the
    first block. Growth is width / 2, so 32 at width 64. Huang et al. 2017, arXiv:1608.06993.
    """

    def __init__(self, *, num_classes: int, channels: int, width: int):
        super().__init__(
            width // 2, (6, 12, 24, 16), num_init_features=width, num_classes=num_classes
        )
        self.features.conv0 = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.features.conv0.weight)
        self.features.pool0 = nn.Identity()


class ShallowCnn(nn.Module):
    """For 28x28 pictures: two blocks of 3x3 convolution, norm, ReLU and max-pooling with width / 2
    and width channels, a dense layer of 2 * width, logits; at width 64 these are 32, 64, 128.
    """

    def __init__(self, *, num_classes: int, channels: int, width: int):
        super().__init__()
        self.block1 = self.block(channels, width // 2)
        self.block2 = self.block(width // 2, width)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(7 * 7 * width, 2 * width), nn.ReLU())
        self.fc = nn.Linear(2 * width, num_classes)

    @staticmethod
    def block(before: int, after: int) -> nn.Sequential:
        convolution = nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.hidden(self.block2(self.block1(x))))


class MnistCnn(Normalised, ShallowCnn):
    """The shallow network whose failures study C predicts."""


ARCHITECTURES = {"resnet18": ResNet18, "densenet121": DenseNet121, "mnist_cnn": MnistCnn}


def build(
    arch: str,
    *,
    num_classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    width: int = 64,
    seed: int = 0,
) -> nn.Module:
    """A network with fresh weights drawn from `seed`: float images in [0, 1], (N, C, H, W) ->
    logits (N, num_classes).

    C is the length of `mean` and `std`, which are in pixels of [0, 1]. At width 64 the state dict
    has torchvision's names and, the stem apart, its shapes. Raises ValueError for an unknown
    architecture or impossible statistics.
    """
    if arch not in ARCHITECTURES:
        raise ValueError(
            f"unknown architecture {arch!r}: choose one of {', '.join(ARCHITECTURES)}."
        )
    if len(mean) != len(std) or min(std) <= 0:
        raise ValueError(
            f"mean {mean} and std {std} must have one entry a channel, and std must be positive."
        )
    if width < 2 or num_classes < 2:
        raise ValueError(
            f"width and num_classes must be at least 2, got {width} and {num_classes}."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(
            seed
        )  # layers initialise themselves from the global generator: forked, so nobody else's
        model = ARCHITECTURES[arch](num_classes=num_classes, channels=len(mean), width=width)
    model.normalise_with(mean, std)
    return model.to(memory_format=torch.channels_last)


@torch.no_grad()
def stages(model: nn.Module, images: Tensor) -> list[dict]:
    """What each part of `model` makes of `images` (N, C, H, W): [{"stage", "output",
    "parameters"}], in order.

    The parts are its children, and in the place of a DenseNet's `features` theirs.
    """
    rows = []
    parts = dict(model.named_children())
    if isinstance(model, DenseNet):
        parts = dict(model.features.named_children()) | {"classifier": model.classifier}

    def note(name: str):
        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            count = sum(p.numel() for p in module.parameters())
            rows.append({"stage": name, "output": tuple(output.shape[1:]), "parameters": count})

        return hook

    handles = [module.register_forward_hook(note(name)) for name, module in parts.items()]
    try:
        model(images.to(next(model.parameters()).device))
    finally:
        for handle in handles:
            handle.remove()
    return rows


@torch.no_grad()
def multiply_adds(model: nn.Module, image: Tensor) -> int:
    """How many multiplications and additions, taken as pairs, one image (1, C, H, W) costs in
    convolutions and linear layers; a "FLOP" is half of a pair, or a whole one, depending on whom
    one reads.
    """
    with FlopCounterMode(display=False) as counter:
        model(image.to(next(model.parameters()).device))
    return counter.get_total_flops() // 2
