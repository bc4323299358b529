"""Networks for small images, normalisation inside: images in [0, 1] go in, logits come out."""

from collections.abc import Callable, Sequence

import torch
import torch.fx
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.densenet import DenseNet
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet


class Normalised(nn.Module):
    """Images in [0, 1], (N, C, H, W) -> logits (N, K).

    Mean and std are in here, so an attack's epsilon keeps its meaning in pixels.
    """

    mean: Tensor  # (1, C, 1, 1)
    std: Tensor  # (1, C, 1, 1)

    def normalise_with(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set the mean and std of each channel, in pixels of [0, 1]."""
        # not persistent: the state dict keeps torchvision's names, the checkpoint's card carries
        # mean and std
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward((images - self.mean) / self.std)


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


class ImageNetResNet18(ScaledResNet):
    """ResNet-18 as made for ImageNet: stem 7x7 with stride 2 and max-pool, images resized inside.

    Images of any size are brought to `side` pixels (see `resize_to`), so that corruptions, attacks
    and maps are those of the images as they are. A norm whose weights are frozen stays in eval mode
    while the network trains: its statistics belong to those weights.
    """

    side = 224
    resizing = "bilinear"

    def resize_to(self, side: int, resizing: str) -> None:
        """Bring images to `side` pixels by one of RESIZINGS; ValueError for what cannot be."""
        if side < SMALLEST_SIDE:
            raise ValueError(
                f"side {side}: this stem halves images five times, pass {SMALLEST_SIDE} or more."
            )
        if resizing not in RESIZINGS:
            raise ValueError(
                f"unknown resizing {resizing!r}: choose one of {', '.join(RESIZINGS)}."
            )
        self.side = side
        self.resizing = resizing

    def train(self, mode: bool = True) -> "ImageNetResNet18":
        """As nn.Module's, but norms with frozen weights stay in eval mode."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
                module.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(resized(images, side=self.side, resizing=self.resizing))


class ImageNetResNet50(ImageNetResNet18):
    """ResNet-50 as made for ImageNet, images resized inside."""

    block = Bottleneck
    blocks = (3, 4, 6, 3)


RESIZINGS = ("bilinear", "bicubic", "bicubic-pil")
SMALLEST_SIDE = 32


@torch.fx.wrap
def resized(images: Tensor, *, side: int, resizing: str) -> Tensor:
    """Float images (N, C, H, W) in [0, 1] at (N, C, side, side), cut to [0, 1].

    "bicubic" is torch's kernel (a = -0.75), "bicubic-pil" PIL's (a = -0.5), here on floats: PIL
    rounds between its two passes. Images that shrink are smoothed first, as PIL does.
    """
    shrinks = max(images.shape[-2:]) > side
    return interpolate(
        images,
        size=(side, side),
        mode="bicubic" if resizing == "bicubic-pil" else resizing,
        antialias=shrinks or resizing == "bicubic-pil",  # which has PIL's kernel
    ).clamp(0, 1)


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
    with torch.random.fork_rng(devices=[]):
        # layers draw their weights from the global generator: forked, so nobody else's draws move
        torch.manual_seed(seed)
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
) -> ImageNetResNet18:
    """`build`, of an architecture as made for ImageNet, and `resize_to`; ValueError for another."""
    model = build(arch, num_classes=num_classes, mean=mean, std=std, width=width, seed=seed)
    if not isinstance(model, ImageNetResNet18):
        raise ValueError(f"{arch} is not made for ImageNet: choose imagenet_resnet18 or _resnet50.")
    model.resize_to(side, resizing)
    return model


@torch.no_grad()
def stages(model: nn.Module, images: Tensor) -> list[dict]:
    """Rows {"stage", "output", "parameters"}, one per part of `model` in the order they run.

    The parts are the model's children, and in the place of a DenseNet's `features` theirs. "output"
    is the shape, without N, of what the part makes of `images` (N, C, H, W).
    """
    rows = []

    def row_of(name: str) -> Callable[[nn.Module, tuple, Tensor], None]:
        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            count = sum(p.numel() for p in module.parameters())
            rows.append({"stage": name, "output": tuple(output.shape[1:]), "parameters": count})

        return hook

    handles = []
    for name, module in _parts(model).items():
        handles.append(module.register_forward_hook(row_of(name)))
    try:
        model(images.to(next(model.parameters()).device))
    finally:
        for handle in handles:
            handle.remove()
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
    with FlopCounterMode(display=False) as counter:
        model(image.to(next(model.parameters()).device))
    return counter.get_total_flops() // 2
