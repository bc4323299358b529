"""How the networks of the study of transfer learning are trained, chosen on validation data."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from visionfail import profiles
from visionfail.models.train_config import TrainConfig
from visionfail.models.transfer import UNFROZEN, one_triangle

# A pilot on 5,000 images at 64 pixels, 2,000 validation images: peak rates of 0.02, 0.05 and 0.1.
# A frozen phase of the head alone, then layers 3 and 4 at half its rate, one triangle over both.
HEAD = TrainConfig(epochs=3, peak_lr=0.1, weight_decay=1e-4, ema_decay=0.98, padding=0)
WHOLE = TrainConfig(epochs=5, peak_lr=0.1, base_rate=0.5, ema_decay=0.99)

PROBE = dataclasses.replace(HEAD, epochs=20)  # of a head alone: seconds
EVERYTHING = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc")
TUNED = dataclasses.replace(WHOLE, epochs=6)
# as many epochs as both phases have, all layers from the first on
AT_ONCE = dataclasses.replace(WHOLE, epochs=HEAD.epochs + TUNED.epochs)
SCRATCH = TrainConfig(epochs=24, peak_lr=0.1, weight_decay=1e-3, ema_decay=0.99)
CONSTANT_RATES = (0.01, 0.03, 0.1)
SEEDS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A network of the ladder: where it starts, at which side, and how it is trained.

    `head` is the frozen phase, `whole` what follows with `unfrozen` children; None where a phase is
    left out. `learns_from`: "weights" of the loss or "hard" examples, from the baseline's answers.
    `shifted` says that it is asked about shifted images, too.
    """

    name: str
    words: str
    dataset: str = "cifar10"
    arch: str = "imagenet_resnet18"
    side: int = 64
    resizing: str = "bilinear"
    pretrained: bool = True
    head: TrainConfig | None = HEAD
    whole: TrainConfig | None = TUNED
    unfrozen: tuple[str, ...] = UNFROZEN
    learns_from: str = ""
    shifted: bool = False
    seeds: tuple[int, ...] = SEEDS


BASELINE = "tuned-64"
DEEPER = Member(  # its ImageNet weights are torchvision's: it needs the download
    name="tuned-50-64", words="ResNet-50, fine-tuned, 64", arch="imagenet_resnet50"
)


def answers_file(member: Member, seed: int) -> Path:
    """Where the answers of a network of the ladder are stored."""
    return profiles.FULL.results / f"transfer-{member.name}-s{seed}.npz"


def members() -> dict[str, Member]:
    """{name: network} of all that the ladder, the ablations and the follow-ups need."""
    of_ladder = [
        *(frozen(side, "bilinear") for side in (32, 64, 128)),
        *(frozen(128, resizing) for resizing in ("bicubic", "bicubic-pil")),
        Member(name=BASELINE, words="fine-tuned, 64", shifted=True),
        from_scratch("scratch-64", "from scratch, 64"),
        from_scratch("scratch-50-64", "ResNet-50 from scratch, 64", arch="imagenet_resnet50"),
        Member(
            name="at-once-64",
            words="all layers at once, 64",
            head=None,
            whole=AT_ONCE,
            unfrozen=EVERYTHING,
        ),
        Member(
            name="late-at-once-64",
            words="layers 3 and 4 at once, 64",
            head=None,
            whole=AT_ONCE,
            seeds=SEEDS[:1],  # a control, no claim
        ),
        *(constant(rate) for rate in CONSTANT_RATES),
        *(mixed(kind) for kind in ("cutmix", "mixup")),
        Member(name="weighted-64", words="weighted loss", learns_from="weights", shifted=True),
        Member(name="hard-64", words="hard examples", learns_from="hard", shifted=True),
    ]
    return {member.name: member for member in of_ladder}


def imagenette_members() -> dict[str, Member]:
    """The rungs of the ladder on Imagenette at 160 pixels: frozen, fine-tuned, from scratch."""
    side = {"side": 160, "dataset": "imagenette"}
    rungs = [
        Member(name="imagenette-frozen", words="frozen", head=PROBE, whole=None, **side),
        Member(name="imagenette-tuned", words="fine-tuned", **side),
        Member(
            name="imagenette-scratch",
            words="from scratch",
            pretrained=False,
            head=None,
            whole=SCRATCH,
            unfrozen=EVERYTHING,
            seeds=SEEDS[:1],  # half an hour
            **side,
        ),
    ]
    return {member.name: member for member in rungs}


def frozen(side: int, resizing: str) -> Member:
    """A new head on frozen features."""
    name = f"frozen-{side}" + ("" if resizing == "bilinear" else f"-{resizing}")
    words = f"frozen, {side}" + ("" if resizing == "bilinear" else f", {resizing}")
    return Member(name=name, words=words, side=side, resizing=resizing, head=PROBE, whole=None)


def from_scratch(name: str, words: str, *, arch: str = "imagenet_resnet18") -> Member:
    """A network from random weights; a ResNet-50 once."""
    seeds = SEEDS if arch == "imagenet_resnet18" else SEEDS[:1]
    return Member(
        name=name,
        words=words,
        arch=arch,
        pretrained=False,
        head=None,
        whole=SCRATCH,
        unfrozen=EVERYTHING,
        shifted=arch == "imagenet_resnet18",
        seeds=seeds,
    )


def constant(rate: float) -> Member:
    """The baseline at a constant rate; all rates for seed 0, the best for the others as well."""
    head = dataclasses.replace(HEAD, schedule="constant", peak_lr=rate)
    whole = dataclasses.replace(TUNED, schedule="constant", peak_lr=rate)
    return Member(
        name=f"constant-{rate:g}-64",
        words=f"constant rate {rate:g}",
        head=head,
        whole=whole,
        seeds=SEEDS[:1],
    )


def mixed(kind: str) -> Member:
    """The baseline on mixed images, "cutmix" or "mixup", after the same frozen phase."""
    whole = dataclasses.replace(TUNED, mix=kind)
    words = {"cutmix": "CutMix", "mixup": "MixUp"}[kind]
    return Member(name=f"{kind}-64", words=words, whole=whole, shifted=True)


def staged(head: TrainConfig, whole: TrainConfig, *, seed: int) -> tuple[TrainConfig, TrainConfig]:
    """(frozen, unfrozen) rounds over one triangle of rates, with seeds of their own."""
    head = dataclasses.replace(head, seed=seed)
    whole = dataclasses.replace(whole, seed=seed + 100)
    return one_triangle(head, whole)
