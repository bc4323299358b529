"""Small models of all the kinds that people bring, built in code, each with its plain counterpart.

A counterpart has the same weights and takes and gives plain tensors in float32, so that a hook and
a forward pass written out can be compared with.
"""

import collections
import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torchvision import models as torchvision_models
from torchvision.models import convnext, resnet, swin_transformer, vision_transformer
from torchvision.ops import FrozenBatchNorm2d

from visionfail.models import networks

STATS = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2470, 0.2435, 0.2616)}


def plain_cnn(outputs: int = 10) -> nn.Sequential:
    """Convolution, norm, ReLU, convolution, pooling, logits; nothing strange."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1),  # (N, 6, 16, 16)
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=4, padding=1),  # (N, 8, 4, 4)
        nn.Flatten(),
        nn.Linear(128, outputs),
    )


class Around(nn.Module):
    """A network whose answer is made of another one's logits."""

    def __init__(self, change: Callable[[Tensor], Any], net: nn.Module | None = None) -> None:
        super().__init__()
        self.net = plain_cnn() if net is None else net
        self.change = change

    def forward(self, images: Tensor) -> Any:
        return self.change(self.net(images))


@dataclasses.dataclass
class Output:
    """What a library of transformers gives."""

    logits: Tensor
    features: Tensor


Pair = collections.namedtuple("Pair", ["logits", "aux_logits"])


class Viewing(nn.Module):
    """LeNet as tutorials have it: `view` needs contiguous maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 5, stride=3)  # (N, 6, 10, 10)
        self.fc = nn.Linear(600, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = relu(self.conv(images))
        return self.fc(maps.view(maps.size(0), -1))


class InPlace(nn.Module):
    """Each layer's output is changed where it lies by what comes next."""

    def __init__(self, *, inplace: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=inplace)
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.hidden = nn.Linear(96, 16)
        self.hidden_relu = nn.ReLU(inplace=inplace)
        self.fc = nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu(self.norm(self.conv(images)))
        hidden = self.hidden_relu(self.hidden(self.pool(maps).flatten(1)))
        return self.fc(hidden)


class Templates(nn.Module):
    """No parameters: images are compared with one picture a class, which are buffers."""

    templates: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("templates", torch.randn(10, 3, 8, 8))
        self.pool = nn.AvgPool2d(4)

    def forward(self, images: Tensor) -> Tensor:
        small = self.pool(images)  # (N, 3, 8, 8)
        return torch.einsum("nchw,kchw->nk", small, self.templates)


class Bare(nn.Module):
    """Neither parameters nor buffers: the logits are sums over stripes of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.squared = nn.Softplus()

    def forward(self, images: Tensor) -> Tensor:
        return self.squared(images)[:, :, :30].unflatten(2, (10, 3)).sum(dim=(1, 3, 4))


class Caching(nn.Module):
    """Makes a tensor in its first pass and uses it in all the others."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=4, padding=1)  # (N, 6, 8, 8)
        self.fc = nn.Linear(384, 10)
        self.ramp: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        maps = self.conv(images)
        if self.ramp is None:
            self.ramp = torch.linspace(0, 1, 8).to(maps)
        return self.fc((maps * self.ramp).flatten(1))


class Squeezing(nn.Module):
    """A batch of one image loses its first axis."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 10, 3, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, images: Tensor) -> Tensor:
        return self.pool(self.conv(images)).squeeze()


class Calls(nn.Module):
    """One layer is never run, another twice, another has no part in the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=4, padding=1)  # (N, 6, 8, 8)
        self.again = nn.Conv2d(6, 6, 3, padding=1)
        self.unused = nn.Conv2d(6, 6, 3, padding=1)
        self.idle = nn.Conv2d(6, 6, 3)
        self.fc = nn.Linear(384, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = relu(self.conv(images))
        self.unused(maps)
        maps = self.again(relu(self.again(maps)))
        return self.fc(maps.flatten(1))


class Mixed(nn.Module):
    """The head, which was made first, is more exact than the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(384, 10).double()
        self.conv = nn.Conv2d(3, 6, 3, stride=4, padding=1)  # (N, 6, 8, 8)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.conv(images).flatten(1).to(self.fc.weight.dtype))


class Folding(nn.Module):
    """Its mode of evaluation folds one weight into another, as LoRA does; it works in either."""

    def __init__(self) -> None:
        super().__init__()
        self.net = plain_cnn()
        self.change = nn.Parameter(torch.randn(10, 128))
        self.folded = False

    def train(self, mode: bool = True) -> "Folding":
        if self.folded is mode:
            sign = -1 if mode else 1
            self.net[5].weight.data += sign * self.change
            self.folded = not mode
        return super().train(mode)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.net[:5](images)
        logits = self.net[5](hidden)
        return logits if self.folded else logits + hidden @ self.change.T


class Counting(nn.Module):
    """Its answer depends on what it was asked before."""

    def __init__(self) -> None:
        super().__init__()
        self.net = plain_cnn()
        self.asked = 0

    def forward(self, images: Tensor) -> Tensor:
        self.asked += 1
        return self.net(images) * self.asked


class Sequences(nn.Module):
    """Tokens whose first axis is the sequence, as nn.TransformerEncoder has them by default."""

    def __init__(self, *, batch_first: bool = False) -> None:
        super().__init__()
        self.batch_first = batch_first
        self.patches = nn.Conv2d(3, 16, 16, stride=16)  # (N, 16, 2, 2)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.fc = nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)  # (N, 4, 16)
        if self.batch_first:
            return self.fc(self.encoder(tokens).mean(dim=1))
        return self.fc(self.encoder(tokens.transpose(0, 1)).mean(dim=0))


class Subtracting(nn.Module):
    """Works on the images themselves, in place."""

    def __init__(self) -> None:
        super().__init__()
        self.net = plain_cnn()

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images.sub_(0.5))


def vit() -> nn.Module:
    """torchvision's vision transformer, small: tokens (N, 17, 12)."""
    return vision_transformer.VisionTransformer(32, 8, 2, 2, 12, 24, num_classes=10)


def swin() -> nn.Module:
    """torchvision's Swin transformer, small: its maps have their channels last."""
    return swin_transformer.SwinTransformer([4, 4], 8, [1, 1], [1, 2], [4, 4], num_classes=10)


def small_convnext(width: int = 12) -> nn.Module:
    """torchvision's ConvNeXt, small, with maps of 8 x 8: channels are last inside a block only."""
    settings = [convnext.CNBlockConfig(width, 8, 1), convnext.CNBlockConfig(8, None, 1)]
    return convnext.ConvNeXt(settings, num_classes=10)


def short_resnet(**options: Any) -> nn.Module:
    """torchvision's ResNet with one block a stage, whose ReLUs are run twice and work in place."""
    return resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes=10, **options)


def ours() -> nn.Module:
    """The house's own network, with the normalisation inside."""
    return networks.build("resnet18", num_classes=10, width=4, **STATS)


def compiled(model: nn.Module) -> nn.Module:
    """As torch.compile gives it; another backend would only be slower to begin."""
    return torch.compile(model, backend="eager")  # pyright: ignore[reportReturnType]


def compiled_in_place(model: nn.Module) -> nn.Module:
    """The same module, compiled where it is."""
    model.compile(backend="eager")
    return model


def in_inference_mode(model: nn.Module) -> nn.Module:
    """The same weights as tensors that no gradient can go through."""
    with torch.inference_mode():
        return copy.deepcopy(model)


def run_before(model: nn.Module) -> nn.Module:
    """The model after a pass: what is compiled then holds a graph without hooks."""
    model.eval()
    with torch.no_grad():
        model(torch.zeros(4, 3, 32, 32))
    return model


@dataclasses.dataclass(frozen=True)
class Stranger:
    """A model, its plain counterpart, and what is asked of it.

    `layers` are {name: the axes over which its output is averaged}; `map_layer` puts out a map, and
    where that has its channels last, `last` is True. `refused` holds {function: words} where it
    cannot be right.
    """

    strange: Callable[[nn.Module], nn.Module]
    plain: Callable[[], nn.Module] = plain_cnn
    layers: dict[str, tuple[int, ...]] = dataclasses.field(
        default_factory=lambda: {"1": (2, 3), "5": ()}
    )
    map_layer: str = "1"
    last: bool = False
    prefix: str = ""  # before the counterpart's names of layers
    classes: int = 10
    dtype: torch.dtype = torch.float32  # its own precision
    refused: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def rtol(self) -> float:
        """How near the plain pass in float32 it comes, of the largest value: ten last digits."""
        return max(1e-4, 10 * torch.finfo(self.dtype).eps)

    def pair(self, seed: int = 0) -> tuple[nn.Module, nn.Module]:
        """(the model, its plain counterpart in eval mode), of the same weights."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            plain = self.plain()
        for parameter in plain.parameters():
            parameter.data += 0.02 * torch.randn(
                parameter.shape, generator=torch.Generator().manual_seed(seed)
            )
        return self.strange(copy.deepcopy(plain)), plain.eval()


def itself(model: nn.Module) -> nn.Module:
    return model


def everywhere(words: str) -> dict[str, str]:
    """Refused by all five functions, in these words."""
    return dict.fromkeys(("predict", "extract", "gradcam", "benchmark", "attack"), words)


def around(change: Callable[[Tensor], Any]) -> Callable[[nn.Module], nn.Module]:
    return lambda net: Around(change, net)


HOOKLESS = {"extract": "no hooks.*before", "gradcam": "no hooks.*before"}
STRANGERS = {
    "plain": Stranger(itself),
    "two classes": Stranger(itself, lambda: plain_cnn(2), classes=2),
    "a thousand classes": Stranger(itself, lambda: plain_cnn(1000), classes=1000),
    "one logit": Stranger(
        itself, lambda: plain_cnn(1), classes=2, refused=everywhere("one number")
    ),
    "one flat logit": Stranger(
        around(lambda z: z[:, 0]), classes=2, prefix="net.", refused=everywhere("one number")
    ),
    "tuple": Stranger(around(lambda z: (z, None)), prefix="net.", refused=everywhere("a tuple")),
    "list": Stranger(around(lambda z: [z, z]), prefix="net.", refused=everywhere("a list")),
    "dict of no logits": Stranger(
        around(lambda z: {"out": z}), prefix="net.", refused=everywhere("a dict")
    ),
    "integers": Stranger(
        around(lambda z: z.round().long()), prefix="net.", refused=everywhere("int64")
    ),
    "segmentation": Stranger(
        around(lambda z: z[:, :, None, None].expand(-1, -1, 4, 4)),
        prefix="net.",
        refused=everywhere(r"\(., 10, 4, 4\)"),
    ),
    "dict of logits": Stranger(around(lambda z: {"logits": z, "loss": None}), prefix="net."),
    "dataclass": Stranger(around(lambda z: Output(z, z)), prefix="net."),
    "named tuple": Stranger(around(lambda z: Pair(z, None)), prefix="net."),
    "bfloat16": Stranger(lambda net: net.bfloat16(), dtype=torch.bfloat16),
    "half": Stranger(lambda net: net.half(), dtype=torch.half),
    "double": Stranger(lambda net: net.double(), dtype=torch.double),
    "no parameters": Stranger(itself, Templates, layers={"pool": (2, 3)}, map_layer="pool"),
    "nothing at all": Stranger(itself, Bare, layers={"squared": (2, 3)}, map_layer="squared"),
    "compiled": Stranger(compiled),
    "compiled and run before": Stranger(lambda net: run_before(compiled(net))),
    "compiled in place": Stranger(lambda net: run_before(compiled_in_place(net))),
    "scripted": Stranger(torch.jit.script, refused=HOOKLESS),
    "traced": Stranger(
        lambda net: torch.jit.trace(net.eval(), torch.zeros(2, 3, 32, 32)), refused=HOOKLESS
    ),
    "scripted and frozen": Stranger(
        lambda net: torch.jit.freeze(torch.jit.script(net.eval())), refused=HOOKLESS
    ),
    "DataParallel": Stranger(nn.DataParallel),
    "DataParallel, its own names": Stranger(
        nn.DataParallel, layers={"module.1": (2, 3)}, map_layer="module.1"
    ),
    "view": Stranger(itself, Viewing, layers={"conv": (2, 3)}, map_layer="conv"),
    "in place": Stranger(
        itself,
        InPlace,
        layers={"conv": (2, 3), "norm": (2, 3), "hidden": ()},
        map_layer="norm",
    ),
    "caching": Stranger(itself, Caching, layers={"conv": (2, 3)}, map_layer="conv"),
    "squeezing": Stranger(itself, Squeezing, layers={"conv": (2, 3)}, map_layer="conv"),
    "channels_last": Stranger(lambda net: net.to(memory_format=torch.channels_last)),
    "ours": Stranger(itself, ours, layers={"layer2": (2, 3), "layer4": (2, 3)}, map_layer="layer4"),
    "ours, wrapped": Stranger(
        nn.Sequential, ours, layers={"layer3": (2, 3)}, map_layer="layer4", prefix="0."
    ),
    "never run": Stranger(
        itself,
        Calls,
        layers={"idle": ()},
        map_layer="idle",
        refused={"extract": "'idle' was not run", "gradcam": "'idle' was not run"},
    ),
    "run twice": Stranger(
        itself,
        Calls,
        layers={"again": ()},
        map_layer="again",
        refused={"extract": "'again' is run 2 times", "gradcam": "'again' is run 2 times"},
    ),
    "without a part": Stranger(
        itself,
        Calls,
        layers={"unused": (2, 3)},
        map_layer="unused",
        refused={"gradcam": "'unused' has no part"},
    ),
    "in place on images": Stranger(
        itself, Subtracting, layers={"net.1": (2, 3)}, map_layer="net.1"
    ),
    "tokens": Stranger(
        itself,
        lambda: Sequences(batch_first=True),
        layers={"encoder": (1,), "encoder.layers.0.linear1": (1,), "patches": (2, 3)},
        map_layer="patches",
    ),
    "sequences": Stranger(
        itself,
        Sequences,
        layers={"encoder": ()},
        map_layer="patches",
        refused={"extract": "'encoder' puts out"},
    ),
    "attention": Stranger(
        itself,
        Sequences,
        layers={"encoder.layers.0.self_attn": ()},
        map_layer="encoder",
        refused={
            "extract": "'encoder.layers.0.self_attn' puts out",
            "gradcam": "'encoder' puts out",
        },
    ),
    "torchvision ResNet-18": Stranger(
        itself,
        lambda: torchvision_models.resnet18(num_classes=10),
        layers={"layer1": (2, 3), "layer3": (2, 3)},
        map_layer="layer2",
    ),
    "torchvision ResNet-18, its ReLU": Stranger(
        itself,
        short_resnet,
        layers={"layer1.0.relu": ()},
        map_layer="layer1.0.relu",
        refused={"extract": "is run 2 times", "gradcam": "is run 2 times"},
    ),
    "frozen norms": Stranger(
        itself,
        lambda: short_resnet(norm_layer=FrozenBatchNorm2d),
        layers={"layer1.0.bn2": (2, 3)},
        map_layer="layer1.0.bn2",
    ),
    "torchvision MobileNet": Stranger(
        itself,
        lambda: torchvision_models.mobilenet_v3_small(num_classes=10),
        layers={"features.2": (2, 3), "classifier.0": ()},
        map_layer="features.1",
    ),
    "torchvision SqueezeNet": Stranger(
        itself,
        lambda: torchvision_models.squeezenet1_1(num_classes=10),
        layers={"features.3": (2, 3)},
        map_layer="features.0",
    ),
    "torchvision ViT": Stranger(
        itself,
        vit,
        layers={"conv_proj": (2, 3), "encoder.layers.encoder_layer_1": (1,), "encoder.ln": (1,)},
        map_layer="conv_proj",
    ),
    "torchvision ViT, tokens": Stranger(
        itself,
        vit,
        layers={"encoder.layers.encoder_layer_0.self_attention": ()},
        map_layer="encoder.ln",
        refused={"extract": "self_attention' puts out a tuple", "gradcam": "'encoder.ln' puts out"},
    ),
    "torchvision Swin": Stranger(
        itself,
        swin,
        layers={"features.1": (1, 2), "features.3": (1, 2), "norm": (1, 2), "permute": (2, 3)},
        map_layer="features.1",
        last=True,
    ),
    "mixed precision": Stranger(itself, Mixed, layers={"conv": (2, 3)}, map_layer="conv"),
    "folding": Stranger(itself, Folding, layers={"net.1": (2, 3)}, map_layer="net.1"),
    "two arguments": Stranger(
        lambda net: nn.Sequential(nn.Identity(), nn.Bilinear(3, 3, 10)),
        layers={"1": ()},
        refused=everywhere("Sequential fails on images.*wrap it"),
    ),
    "lazy": Stranger(lambda net: nn.LazyLinear(10), refused=everywhere("lazy layers")),
    "on meta": Stranger(lambda net: net.to("meta"), refused=everywhere("device meta")),
    "exported": Stranger(
        lambda net: torch.export.export(
            net.eval(), (torch.zeros(2, 3, 32, 32),), dynamic_shapes=({0: torch.export.Dim("n")},)
        ).module(),
        refused={"extract": "was not run", "gradcam": "was not run"},
    ),
    "made in inference mode": Stranger(
        in_inference_mode,
        refused=dict.fromkeys(("gradcam", "attack"), "made under torch.inference_mode"),
    ),
    "ambiguous": Stranger(
        itself,
        lambda: small_convnext(width=8),
        layers={"features.1": (2, 3)},
        map_layer="features.1",
        refused={"extract": "more than one axis", "gradcam": "more than one axis"},
    ),
    "torchvision ConvNeXt": Stranger(
        itself,
        small_convnext,
        layers={"features.1": (2, 3), "features.1.0.block.3": (1, 2)},
        map_layer="features.1.0.block.2",
        last=True,
    ),
}

# what is uncommon about them, for the table of faults in notes/reliability.md
KINDS = {
    "nothing uncommon": (
        "plain",
        "ours",
        "ours, wrapped",
        "DataParallel",
        "DataParallel, its own names",
        "torchvision ResNet-18",
        "torchvision MobileNet",
        "torchvision SqueezeNet",
    ),
    "answers": (
        "two classes",
        "a thousand classes",
        "one logit",
        "one flat logit",
        "tuple",
        "list",
        "dict of no logits",
        "integers",
        "segmentation",
        "dict of logits",
        "dataclass",
        "named tuple",
    ),
    "precision": ("bfloat16", "half", "double", "mixed precision"),
    "compiled, scripted or exported": (
        "compiled",
        "compiled and run before",
        "compiled in place",
        "scripted",
        "traced",
        "scripted and frozen",
        "exported",
    ),
    "weights": (
        "no parameters",
        "nothing at all",
        "lazy",
        "on meta",
        "made in inference mode",
        "frozen norms",
        "folding",
    ),
    "memory": ("view", "in place", "in place on images", "caching", "squeezing", "channels_last"),
    "calls": (
        "never run",
        "run twice",
        "without a part",
        "two arguments",
        "torchvision ResNet-18, its ReLU",
    ),
    "tokens and channels last": (
        "tokens",
        "sequences",
        "attention",
        "ambiguous",
        "torchvision ViT",
        "torchvision ViT, tokens",
        "torchvision Swin",
        "torchvision ConvNeXt",
    ),
}
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names}
