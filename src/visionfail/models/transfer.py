"""Transfer learning: a new head on ImageNet weights, trained frozen first, then with its base."""

import dataclasses
import math
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor, nn

from visionfail import devices, files
from visionfail.data import ImageSet
from visionfail.models import inputs, networks, training
from visionfail.models.features import Features, features_of
from visionfail.models.histories import join_histories
from visionfail.models.predict import predict
from visionfail.models.states import (
    check_identity,
    load_state,
    save_state,
    weights_checksum,
)
from visionfail.models.train_config import TrainConfig

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's weights in torchvision, in pixels of [0, 1]
STD = (0.229, 0.224, 0.225)
STRIDE = 32  # pixels of the input for one of the last map
SMALLEST_MAP = 4
UNFROZEN = ("layer3", "layer4", "fc")


def pretrained(
    arch: str,
    weights: Mapping[str, Tensor],
    *,
    num_classes: int,
    side: int,
    resizing: str = "bilinear",
    seed: int = 0,
) -> inputs.ResizedInside:
    """A network with the ImageNet `weights` of `arch`, but for a new head drawn from `seed`.

    `arch` begins with "imagenet_", the weights have torchvision's names; images in [0, 1] of any
    size are brought to `side` pixels. ValueError where the weights are of another architecture.
    Warns where the last map of a ResNet is smaller than SMALLEST_MAP pixels.
    """
    model = networks.build_for_imagenet(
        arch,
        num_classes=num_classes,
        mean=MEAN,
        std=STD,
        side=side,
        resizing=resizing,
        seed=seed,
    )
    loaded = {}
    for name, tensor in model.state_dict().items():
        named = name.removeprefix("base.")  # as torchvision names it
        counter = named.endswith("num_batches_tracked") and named not in weights  # of old files
        if name.startswith("fc.") or counter:
            loaded[name] = tensor
            continue
        if named not in weights or weights[named].shape != tensor.shape:
            there = tuple(weights[named].shape) if named in weights else "missing"
            raise ValueError(
                f"the weights do not fit {arch}: {named} is {there}, not {tuple(tensor.shape)}. "
                "Pass weights of the same architecture."
            )
        loaded[name] = weights[named].to(tensor.dtype)
    model.load_state_dict(loaded)
    last = -(-side // STRIDE)  # each of five halvings rounds up
    if arch.startswith("imagenet_resnet") and last < SMALLEST_MAP:
        warnings.warn(
            f"at {side} pixels the last map is {last} x {last}: little is left of where things "
            f"are. {STRIDE * SMALLEST_MAP} pixels cost more and give more.",
            stacklevel=2,
        )
    return model.eval()


@torch.no_grad()
def inflate_norms(model: nn.Module, images: Tensor) -> None:
    """Give norms that were folded into convolutions the statistics of images, logits unchanged.

    A folded norm has mean 0, variance 1 and weight 1. In train mode it would divide by the standard
    deviation of a batch and destroy the features; here its weight becomes that deviation. images:
    uint8 (N, C, H, W), enough for the statistics. Other norms are left as they are.
    """
    folded = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d) and _is_folded(m)]
    if not folded:
        return
    statistics = {}

    def keep(module: nn.Module, inputs: tuple[Tensor]) -> None:
        before = inputs[0].float()  # (N, C, H, W)
        statistics[module] = (before.mean((0, 2, 3)), before.var((0, 2, 3)))

    with ExitStack() as hooks:
        for norm in folded:
            hooks.enter_context(norm.register_forward_pre_hook(keep))
        predict(model, images, batch_size=len(images))
    for norm in folded:
        mean, variance = statistics[norm]
        unit = math.sqrt(1 + norm.eps)  # what the folded norm divides by
        norm.get_buffer("running_mean").copy_(mean)
        norm.get_buffer("running_var").copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt() / unit)
        norm.bias.add_(mean / unit)


def _is_folded(norm: nn.BatchNorm2d) -> bool:
    """Whether a norm only adds its bias."""
    plain = (norm.running_mean == 0).all() and (norm.running_var == 1).all()
    return bool(plain and (norm.weight == 1).all())


def freeze_all_but(model: nn.Module, children: Sequence[str]) -> None:
    """Let the parameters of these children of the model alone ask for gradients."""
    missing = [name for name in children if name not in dict(model.named_children())]
    if missing:
        raise ValueError(f"the model has no {', '.join(missing)}: pass names of its children.")
    for name, child in model.named_children():
        child.requires_grad_(name in children)


def smallest_map(model: nn.Module, images: ImageSet) -> tuple[int, int]:
    """Height and width of what the last stage makes of an image, before pooling."""
    image = images.images[:1].float() / 255
    for row in networks.stages(model, image):
        if row["stage"] == "layer4":
            return row["output"][1:]
    raise ValueError("the model has no layer4: its last map is not known.")


def one_triangle(frozen: TrainConfig, unfrozen: TrainConfig) -> tuple[TrainConfig, TrainConfig]:
    """Both rounds with the parts of one triangle of rates that their epochs take."""
    share = frozen.epochs / (frozen.epochs + unfrozen.epochs)
    first = dataclasses.replace(frozen, cycle=(0.0, share))
    second = dataclasses.replace(unfrozen, cycle=(share, 1.0))
    return first, second


@devices.able_to_learn()
def fit_in_two_phases(
    model: nn.Module,
    train: ImageSet,
    val: ImageSet,
    *,
    frozen: TrainConfig,
    unfrozen: TrainConfig,
    children: Sequence[str] = UNFROZEN,
    state: Path,
) -> tuple[nn.Module, list[dict]]:
    """The model with its head trained first, then `children` with it; and the history of both.

    `state` is the folder of an unfinished training, from which a second call resumes. ValueError
    that names the field where it is of other weights, images or configuration.
    """
    head_file = Path(state) / "head.pt"
    identity = dataclasses.asdict(frozen)
    identity["train_data"] = train.checksum()
    identity["start"] = weights_checksum(model)
    if head_file.exists():
        history = _stored_head(head_file, model, identity)
    else:
        start = time.perf_counter()
        of_train = features_on_device(model, train, mirrored=frozen.flip)
        of_val = features_on_device(model, val, mirrored=False)
        seconds = time.perf_counter() - start
        history = fit_head(model, of_train, of_val, config=frozen)
        for first in history[:1]:
            first["seconds"] = round(first["seconds"] + seconds, 1)  # features count
        head = model.get_submodule("fc").state_dict()
        save_state(head_file, {"identity": identity, "fc": head, "history": history})
    freeze_all_but(model, children)
    phase = {"state": Path(state) / "whole.pt", "start": weights_checksum(model)}
    model, added = training.fit(model, train, val, config=unfrozen, **phase)
    return model, join_histories(history, added)


def _stored_head(path: Path, model: nn.Module, identity: Mapping[str, object]) -> list[dict]:
    """The history of the head at `path`, which the model gets; ValueError for another identity."""
    stored = load_state(path, fields=("identity", "fc", "history"))
    remedy = "remove it to start anew"
    with files.reading(path, remedy=remedy):
        of_head = dict(stored["identity"])
    check_identity(path, of_head, identity)
    with files.reading(path, remedy=remedy):
        model.get_submodule("fc").load_state_dict(stored["fc"])
        return [dict(row) for row in stored["history"]]


def features_on_device(model: nn.Module, images: ImageSet, *, mirrored: bool) -> Features:
    """`features_of` on the best device, in bfloat16 where it is fast at it."""
    device = devices.best_device()
    dtype = torch.bfloat16 if devices.fast_bf16(device) else torch.float32
    return features_of(devices.placed(model), images, dtype=dtype, mirrored=mirrored)


def fit_head(
    model: nn.Module, train: Features, val: Features, *, config: TrainConfig
) -> list[dict]:
    """Train the model's `fc` alone, in place, on cached features; returns the history.

    Nothing else of the model changes, norms' statistics included.
    """
    head = nn.Sequential(model.get_submodule("fc"))
    trained, history = training.fit(head, train, val, config=config)
    (fc,) = trained.children()
    model.get_submodule("fc").load_state_dict(fc.state_dict())
    return history
