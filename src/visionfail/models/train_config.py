"""The settings of one round of training."""

from dataclasses import dataclass

LISTS = ("sides", "cycle", "class_weights")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One round of training: everything that decides its weights, besides data and model."""

    epochs: int = 20
    batch_size: int = 128
    # with Nesterov momentum; or "adam" without weight decay, or "adamw" with it
    optimizer: str = "sgd"
    schedule: str = "triangle"  # or "constant"
    mixed_precision: bool = True  # bfloat16 where the device is fast at it; else float32
    peak_lr: float = 0.1  # at batch 128
    # share of the steps in which the rate climbs linearly; then it falls linearly to 0
    warmup: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4  # on convolution and linear weights; none on norms and biases
    ema_decay: float = 0.995  # per step; fit returns the averaged weights. 0: no averaging
    padding: int = 4  # zero pixels around the image before the random crop
    # mirror, alternating: an image seen plain in one epoch is seen mirrored in the next
    flip: bool = True
    rotation: float = 0.0  # degrees: each image is turned by up to so much, either way
    # contrast and brightness are multiplied by 1 - jitter to 1 + jitter, each channel's gain by
    # 1 - jitter / 2 to 1 + jitter / 2
    jitter: float = 0.0
    invert: float = 0.0  # this share of the images is shown as its negative
    cutout: int = 0  # side of a grey square that hides a part of each image, in 32nds of its side
    # side of the images in the first epochs, one entry per epoch; then the full side
    sides: tuple[int, ...] = ()
    base_rate: float = 1.0  # the rate of all layers but the last, as a share of the last one's
    cycle: tuple[float, float] = (0.0, 1.0)  # the part of one triangle of rates that is covered
    mix: str = ""  # "cutmix" or "mixup" of pairs of images, lambda uniform
    class_weights: tuple[float, ...] = ()  # of the loss, one per class
    seed: int = 0

    def __post_init__(self) -> None:
        known = {
            "optimizer": ("sgd", "adam", "adamw"),
            "schedule": ("triangle", "constant"),
            "mix": ("cutmix", "mixup", ""),
        }
        for field, choices in known.items():
            value = getattr(self, field)
            if value not in choices:
                choice = " or ".join(repr(name) for name in choices)
                raise ValueError(f"unknown {field} {value!r}: choose {choice}.")
        if len(self.cycle) != 2 or not 0 <= self.cycle[0] < self.cycle[1] <= 1:
            raise ValueError(f"cycle {self.cycle}: pass its start and end, 0 <= start < end <= 1.")

    @classmethod
    def of(cls, stored: dict) -> "TrainConfig":
        """The configuration that a card holds as json."""
        fields = dict(stored)
        for field in LISTS:
            if field in stored:
                fields[field] = tuple(stored[field])  # json has lists only
        return cls(**fields)
