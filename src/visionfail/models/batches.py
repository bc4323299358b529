"""What an epoch of training draws, made and moved to the device once, and the batches it makes."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from visionfail.data import ImageSet
from visionfail.models.augmentation import crop, draw_moves, laid_out, to_float, vary
from visionfail.models.features import Features
from visionfail.models.train_config import TrainConfig

TrainingData = ImageSet | Features
VARIED = ("rotation", "jitter", "invert", "cutout", "mix")  # settings that draw for each batch


@dataclass(frozen=True, eq=False)
class Draws:
    """What is drawn for N images, in the order in which they are seen, on the device of the data.

    Their places index int64 (N,), whether each is mirrored, bool (N,), and where it is cropped,
    moves int64 (2, N), or None where that is drawn with its batch.
    """

    index: Tensor
    flip: Tensor
    moves: Tensor | None

    def batches(self, size: int) -> Iterator["Draws"]:
        """The draws of so many images after the other."""
        for start in range(0, len(self.index), size):
            part = slice(start, start + size)
            moves = None if self.moves is None else self.moves[:, part]
            yield Draws(self.index[part], self.flip[part], moves)


def draws_ahead(config: TrainConfig, data: TrainingData) -> bool:
    """Whether crops may be drawn before the first batch without moving any other draw.

    Not where each batch draws more from the same generator: all would come out otherwise.
    """
    cropped = isinstance(data, ImageSet) and (config.padding or config.flip)
    return bool(cropped) and not any(getattr(config, name) for name in VARIED)


def draw_epoch(
    config: TrainConfig,
    data: TrainingData,
    *,
    first_flip: Tensor,
    epoch: int,
    generator: torch.Generator,
    ahead: bool,
) -> Draws:
    """The draws of an epoch over `data`, in an order of its own: each moved to the device once.

    An image is mirrored in every other epoch, as `first_flip` bool (N,) begins. Crops are among
    them where `ahead`.
    """
    device = data.images.device
    order = torch.randperm(len(data), generator=generator, device="cpu")  # (N,)
    flip = (first_flip[order] ^ bool(epoch % 2)) & config.flip  # (N,)
    moves = None
    if ahead:
        drawn = [
            draw_moves(len(index), padding=config.padding, generator=generator)
            for index in order.split(config.batch_size)
        ]
        moves = torch.cat(drawn, dim=1).to(device)  # (2, N)
    return Draws(order.to(device), flip.to(device), moves)


def training_batch(
    config: TrainConfig,
    data: TrainingData,
    draws: Draws,
    *,
    epoch: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Augmented float images (B, C, H, W) and labels (B,) of the images that `draws` names.

    Their side is that of the epoch; what was not drawn before is drawn from the generator.
    """
    side = config.sides[epoch] if epoch < len(config.sides) else None
    if isinstance(data, Features):
        return data.views(draws.index, draws.flip), data.labels[draws.index]
    images = data.images[draws.index]
    if config.padding or config.flip:
        moves = draws.moves
        if moves is None:
            moves = draw_moves(len(images), padding=config.padding, generator=generator)
            moves = moves.to(images.device)
        images = crop(images, padding=config.padding, flip=draws.flip, moves=moves)
    images = to_float(images, side=side)
    images = vary(images, config, generator=generator)
    return laid_out(images), data.labels[draws.index]
