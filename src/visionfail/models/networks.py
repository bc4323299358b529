"""Networks for small images, normalisation inside: images in [0, 1] go in, logits come out."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import efficientnet_b0, vit_b_16
from torchvision.models.densenet import DenseNet
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from visionfail import devices
from visionfail.models.inputs import Normalised, ResizedInside
from visionfail.models.modes import evaluating


class ScaledResNet(Normalised, ResNet):
    """torchvision's ResNet with each stage scaled by width / 64: the same at width 64.

    He et al. 2016, arXiv:1512.03385.
    """

    block: type[BasicBlock | Bottleneck] = BasicBlock
    blocks = (2, 2, 2, 2)  # of each stage: ResNet-18

    def __init__(self, *, num_classes: int, channels: int, width: int):
        self.width = width
        super().__init__(self.block, list(self.blocks), num_classes=num_classes)
        self.set_stem(channels)
        self.bn1 = nn.BatchNorm2d(width)
        self.fc = nn.Linear(8 * width * self.block.expansion, num_classes)

    def set_stem(self, channels: int) -> None:
        """Make the first convolution, with ImageNet's stem: 7x7, stride 2, and max-pool."""
        self.conv1 = nn.Conv2d(channels, self.width, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")

    def _make_layer(
        self,
        block: type[BasicBlock | Bottleneck],
        planes: int,
        blocks: int,
        stride: int = 1,
        dilate: bool = False,
    ) -> nn.Sequential:
        # torchvision begins with 64 channels and doubles them
        if planes == 64:
            self.inplanes = self.width
        return super()._make_layer(block, planes * self.width // 64, blocks, stride, dilate)


class ResNet18(ScaledResNet):
    """ResNet-18 with a stem for 32x32 images: 3x3, stride 1, no max-pool."""

    def set_stem(self, channels: int) -> None:
        """Make the first convolution, with the stem for small images."""
        self.conv1 = nn.Conv2d(channels, self.width, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.maxpool = nn.Identity()


class ImageNetResNet18(ResizedInside, ScaledResNet):
    """ResNet-18 as made for ImageNet: stem 7x7, stride 2, max-pool; images resized inside."""


class ImageNetResNet50(ImageNetResNet18):
    """ResNet-50 as made for ImageNet, images resized inside."""

    block = Bottleneck
    blocks = (3, 4, 6, 3)


class BackboneWithHead(nn.Module):
    """A torchvision network without its last layer, as `base`, and a new last layer, `fc`."""

    def __init__(self, base: nn.Module, *, features: int, num_classes: int):
        super().__init__()
        self.base = base
        self.fc = nn.Linear(features, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.base(images))


class ImageNetEfficientNetB0(ResizedInside, BackboneWithHead):
    """EfficientNet-B0 as made for ImageNet, images resized inside. Tan and Le 2019."""

    def __init__(self, *, num_classes: int, channels: int, width: int):
        base = efficientnet_b0()
        base.classifier = nn.Sequential(nn.Identity())
        super().__init__(base, features=1280, num_classes=num_classes)


class ImageNetViTB16(ResizedInside, BackboneWithHead):
    """ViT-B/16 as made for ImageNet, images resized inside to 224. Dosovitskiy et al. 2021."""

    def __init__(self, *, num_classes: int, channels: int, width: int):
        base = vit_b_16()
        base.heads = nn.Sequential(nn.Identity())
        super().__init__(base, features=768, num_classes=num_classes)


class DenseNet121(Normalised, DenseNet):
    """torchvision's DenseNet-121 with a stem for 32x32 images: 3x3, stride 1, no first pooling.

    Growth is width / 2, so 32 at width 64. Huang et al. 2017, arXiv:1608.06993.
    """

    def __init__(self, *, num_classes: int, channels: int, width: int):
        super().__init__(
            width // 2, (6, 12, 24, 16), num_init_features=width, num_classes=num_classes
        )
        self.features.conv0 = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.features.conv0.weight)
        self.features.pool0 = nn.Identity()


class ShallowCnn(nn.Module):
    """A shallow network for 28x28 images: two convolution blocks, a dense layer, logits.

    A block is 3x3 convolution, norm, ReLU and max-pooling, with width / 2 and width channels; the
    dense layer has 2 * width units. At width 64 these are 32, 64 and 128.
    """

    def __init__(self, *, num_classes: int, channels: int, width: int):
        super().__init__()
        self.block1 = self.block(channels, width // 2)
        self.block2 = self.block(width // 2, width)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(7 * 7 * width, 2 * width), nn.ReLU())
        self.fc = nn.Linear(2 * width, num_classes)

    @staticmethod
    def block(before: int, after: int) -> nn.Sequential:
        """A block of `before` input and `after` output channels that halves height and width."""
        convolution = nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, images: Tensor) -> Tensor:
        features = self.block1(images)  # (N, width / 2, 14, 14)
        features = self.block2(features)  # (N, width, 7, 7)
        return self.fc(self.hidden(features))  # (N, K)


class MnistCnn(Normalised, ShallowCnn):
    """The shallow network with the normalisation inside: the base classifier on MNIST."""


ARCHITECTURES = {
    "resnet18": ResNet18,
    "densenet121": DenseNet121,
    "mnist_cnn": MnistCnn,
    "imagenet_resnet18": ImageNetResNet18,
    "imagenet_resnet50": ImageNetResNet50,
    "imagenet_efficientnet_b0": ImageNetEfficientNetB0,
    "imagenet_vit_b_16": ImageNetViTB16,
}


def build(
    arch: str,
    *,
    num_classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    width: int = 64,
    seed: int = 0,
) -> nn.Module:
    """A network with weights drawn from `seed`: images in [0, 1] -> logits (N, num_classes).

    It is in float32 and on the CPU, whatever the defaults around.
    Images are float (N, C, H, W); C is the length of `mean` and `std`, which are in pixels of
    [0, 1]. At width 64 the state dict has torchvision's names and, the stem apart, its shapes.
    Raises ValueError for an unknown architecture or impossible statistics.
    """
    if arch not in ARCHITECTURES:
        raise ValueError(
            f"unknown architecture {arch!r}: choose one of {', '.join(ARCHITECTURES)}."
        )
    if len(mean) != len(std) or min(std) <= 0:
        raise ValueError(
            f"mean {mean} and std {std} must have one entry per channel, and std must be positive."
        )
    if width < 2 or num_classes < 2:
        raise ValueError(
            f"width and num_classes must be at least 2, got {width} and {num_classes}."
        )
    # layers draw their weights from the global generator: forked, so nobody else's draws move
    with devices.seeded(seed), devices.usual_defaults():
        model = ARCHITECTURES[arch](num_classes=num_classes, channels=len(mean), width=width)
        model.normalise_with(mean, std)
    return model.to(memory_format=torch.channels_last)


def build_for_imagenet(
    arch: str,
    *,
    num_classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    side: int,
    resizing: str,
    width: int = 64,
    seed: int = 0,
) -> ResizedInside:
    """`build`, of an architecture as made for ImageNet, and `resize_to`; ValueError for another."""
    model = build(arch, num_classes=num_classes, mean=mean, std=std, width=width, seed=seed)
    if not isinstance(model, ResizedInside):
        raise ValueError(f"{arch} is not made for ImageNet: choose one that begins with imagenet_.")
    model.resize_to(side, resizing)
    return model


@torch.no_grad()
def stages(model: nn.Module, images: Tensor) -> list[dict]:
    """Rows {"stage", "output", "parameters"}, one per part of `model` in the order they run.

    The parts are the model's children, and in the place of a DenseNet's `features` theirs. "output"
    is the shape, without N, of what the part makes of `images` (N, C, H, W) in eval mode.
    """
    rows = []

    def row_of(name: str) -> Callable[[nn.Module, tuple, Tensor], None]:
        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            count = sum(p.numel() for p in module.parameters())
            rows.append({"stage": name, "output": tuple(output.shape[1:]), "parameters": count})

        return hook

    with ExitStack() as hooks:
        for name, module in _parts(model).items():
            hooks.enter_context(module.register_forward_hook(row_of(name)))
        hooks.enter_context(evaluating(model))
        model(images.to(next(model.parameters()).device))
    return rows


def _parts(model: nn.Module) -> dict[str, nn.Module]:
    """{name: module} of a model's children, a DenseNet's `features` replaced by theirs."""
    if not isinstance(model, DenseNet):
        return dict(model.named_children())
    parts = dict(model.features.named_children())
    parts["classifier"] = model.classifier
    return parts


@torch.no_grad()
def multiply_adds(model: nn.Module, image: Tensor) -> int:
    """The number of multiply-add pairs that convolutions and linear layers spend on one image.

    The image is (1, C, H, W). Some authors call a pair one FLOP, others two.
    """
    with evaluating(model), FlopCounterMode(display=False) as counter:
        model(image.to(next(model.parameters()).device))
    return counter.get_total_flops() // 2
