"""Networks randomised from the top down, the control for maps of a trained one.

A map that stays as it is when the weights are lost explains nothing of them. Adebayo et al. 2018,
arXiv:1810.03292.
"""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from visionfail import devices, models
from visionfail.explain.gradcam import of_kind

# the parts of a network from its logits down to its pixels, each with the names of its modules
PARTS = {
    models.ResNet18: {
        "head": ("fc",),
        "stage 4": ("layer4",),
        "stage 3": ("layer3",),
        "stage 2": ("layer2",),
        "stage 1": ("layer1",),
        "stem": ("bn1", "conv1"),
    },
    models.DenseNet121: {
        "head": ("classifier",),
        "stage 4": ("features.norm5", "features.denseblock4"),
        "stage 3": ("features.transition3", "features.denseblock3"),
        "stage 2": ("features.transition2", "features.denseblock2"),
        "stage 1": ("features.transition1", "features.denseblock1"),
        "stem": ("features.norm0", "features.conv0"),
    },
}
BATCH = 250  # images whose statistics are averaged


def parts_from_the_top(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """{part: names of its modules}, the head first; ValueError for a model that is none of ours."""
    return of_kind(model, PARTS, "parts")


def randomised(model: nn.Module, names: Sequence[str], images: Tensor, *, seed: int) -> nn.Module:
    """A copy of the model in eval mode whose modules called `names` have lost what they learnt.

    Weights are drawn anew from `seed` as torch draws them, in the order of `names`: with more names
    at the end the first ones get the same weights. Norms in these modules get the statistics of
    `images` (N, C, H, W), which are training images: with those of no image, activations vanish
    from layer to layer. The model stays as it is. ValueError for a module that is not there, and
    for a model without numbers.
    """
    models.check_module(model)
    device = models.device_of(model)
    with devices.able_to_learn(device):  # so that gradients can go through the copy
        return _randomised(model, names, images, seed=seed)


def _randomised(model: nn.Module, names: Sequence[str], images: Tensor, *, seed: int) -> nn.Module:
    """`randomised`, in the usual settings."""
    device = models.device_of(model)
    copy = deepcopy(model).cpu().eval()
    modules: list[nn.Module] = []
    for name in names:
        modules += _module_of(copy, name).modules()
    with devices.seeded(seed):  # on the CPU, where the copy is
        for module in modules:
            draw_anew = getattr(module, "reset_parameters", None)
            if draw_anew is not None:
                draw_anew()
    copy.to(device)
    norms = [module for module in modules if isinstance(module, _BatchNorm)]
    _estimate_statistics(copy, norms, images)
    return copy


def _module_of(model: nn.Module, name: str) -> nn.Module:
    """The module called `name`; ValueError where there is none."""
    modules = dict(model.named_modules())
    if not name or name not in modules:
        raise ValueError(
            f"the model has no module {name!r}: it has {', '.join(dict(model.named_children()))}."
        )
    return modules[name]


@torch.no_grad()
def _estimate_statistics(model: nn.Module, norms: Sequence[_BatchNorm], images: Tensor) -> None:
    """Give each norm the mean and variance of its inputs over the images, batch by batch."""
    device = models.device_of(model)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = None  # a plain average over the batches
        norm.train()
    for batch in images.split(BATCH):
        model(models.as_float(batch.to(device)).to(models.input_dtype(model)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
