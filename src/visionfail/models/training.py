"""One plain training loop: data on the device, augmentation by the batch, a state to resume from
after every epoch.
"""

import dataclasses
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, interpolate, pad
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from visionfail import devices, files
from visionfail.data import ImageSet


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    epochs: int = 20
    batch_size: int = 128
    peak_lr: float = 0.1  # at batch 128, SGD with Nesterov momentum 0.9
    warmup: float = (
        0.2  # share of the steps in which the rate climbs linearly; then it falls linearly to 0
    )
    momentum: float = 0.9
    weight_decay: float = 5e-4  # on convolution and linear weights; none on norms and biases
    ema_decay: float = 0.995  # a step; the averaged weights are what fit returns. 0: no averaging
    padding: int = 4  # zero pixels around the image before the random crop
    flip: bool = (
        True  # mirror, alternating: an image seen plain in one epoch is seen mirrored in the next
    )
    rotation: float = 0.0  # degrees: each image is turned by up to so much, either way
    # brightness, contrast and each channel's gain are multiplied by 1 - jitter to 1 + jitter
    jitter: float = 0.0
    invert: float = 0.0  # this share of the images is shown as its negative
    cutout: int = 0  # side of a grey square that hides a part of each image, in 32nds of its side
    sides: tuple[
        int, ...
    ] = ()  # side of the images in the first epochs, one entry an epoch; then the full side
    seed: int = 0

    @classmethod
    def of(cls, stored: dict) -> "TrainConfig":
        """The configuration that a card holds as json."""
        return cls(**stored | {"sides": tuple(stored["sides"])})


def augment(images: Tensor, *, padding: int, flip: Tensor, generator: torch.Generator) -> Tensor:
    """Each image (N, C, H, W) padded with zeros, cropped at a place of its own, mirrored where
    `flip` (N,) is true.
    """
    n, _, height, width = images.shape
    images = torch.where(flip.view(-1, 1, 1, 1), images.flip(3), images)
    shift = torch.randint(2 * padding + 1, (2, n), generator=generator).to(images.device)
    rows = shift[0, :, None] + torch.arange(height, device=images.device)
    columns = shift[1, :, None] + torch.arange(width, device=images.device)
    padded = pad(images, (padding,) * 4).permute(
        0, 2, 3, 1
    )  # channels last: a pixel is gathered whole
    batch = torch.arange(n, device=images.device)[:, None, None]
    return padded[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def rotate(images: Tensor, *, degrees: float, generator: torch.Generator) -> Tensor:
    """Each float image (N, C, H, W) turned about its middle by an angle of its own, uniform in
    +-`degrees`.
    """
    n = len(images)
    angle = (2 * torch.rand(n, generator=generator) - 1) * math.radians(degrees)
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros(n)
    matrix = torch.stack([cosine, -sine, zero, sine, cosine, zero], dim=1).view(n, 2, 3)
    places = affine_grid(
        matrix.to(images.device), list(images.shape), align_corners=False
    )  # (N, H, W, 2)
    return grid_sample(images, places, mode="bilinear", padding_mode="border", align_corners=False)


def jitter_colours(images: Tensor, *, jitter: float, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W) in [0, 1] with contrast, brightness and each channel's gain changed
    at random.

    Each factor is uniform in 1 +- `jitter`, half of it for a channel's gain, and drawn for every
    image.
    """
    n, channels = images.shape[:2]
    draws = 2 * torch.rand(n, 2 + channels, 1, 1, generator=generator).to(images.device) - 1
    contrast = 1 + jitter * draws[:, 0:1]
    brightness = 1 + jitter * draws[:, 1:2]
    gain = 1 + jitter / 2 * draws[:, 2:]  # (N, C, 1, 1)
    middle = images.mean((1, 2, 3), keepdim=True)
    changed = (middle + contrast * (images - middle)) * brightness * gain
    return changed.clamp_(0, 1)


def invert(images: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W) in [0, 1], a random `share` of them as negatives."""
    chosen = torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device) < share
    return torch.where(chosen, 1 - images, images)


def cut_out(images: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W), each with a grey square at a place of its own, partly outside
    where that is near the rim. DeVries and Taylor 2017, arXiv:1708.04552.
    """
    n, _, height, width = images.shape
    centre = torch.rand(2, n, 1, generator=generator).to(images.device)
    rows = torch.arange(height, device=images.device) - centre[0] * height  # (N, H)
    columns = torch.arange(width, device=images.device) - centre[1] * width  # (N, W)
    hidden = (rows.abs() < size / 2)[:, :, None] & (columns.abs() < size / 2)[:, None, :]
    return torch.where(hidden[:, None], 0.5, images)  # hidden (N, 1, H, W)


def vary(images: Tensor, config: TrainConfig, *, generator: torch.Generator) -> Tensor:
    """Float images (N, C, H, W) in [0, 1], turned, recoloured, inverted and partly hidden as the
    configuration says; draws nothing for what it does not ask for.
    """
    if config.rotation:
        images = rotate(images, degrees=config.rotation, generator=generator)
    if config.jitter:
        images = jitter_colours(images, jitter=config.jitter, generator=generator)
    if config.invert:
        images = invert(images, share=config.invert, generator=generator)
    if config.cutout:
        size = round(config.cutout * images.shape[-1] / 32)
        images = cut_out(images, size=size, generator=generator)
    return images


def to_float(images: Tensor, *, side: int | None = None) -> Tensor:
    """uint8 (N, C, H, W) -> float32 in [0, 1], shrunk to `side` pixels where given."""
    images = images.float().div_(255)
    if side is None or side == images.shape[-1]:
        return images
    return interpolate(images, size=(side, side), mode="bilinear", antialias=True)


def learning_rate(step: int, *, steps: int, config: TrainConfig) -> float:
    """Triangle: up to `peak_lr` in the first `warmup` of the steps, then down to 0. Smith 2017,
    arXiv:1708.07120.
    """
    climb = max(1.0, config.warmup * steps)
    return config.peak_lr * min((step + 1) / climb, (steps - step) / max(1.0, steps - climb), 1.0)


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.SGD:
    """SGD with Nesterov momentum; weight decay on matrices and filters only (parameters of two or
    more dimensions).
    """
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=config.peak_lr, momentum=config.momentum, nesterov=True)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of cross-entropy on float images; returns the mean loss and the number of right
    answers.
    """
    with devices.autocast(images.device):
        logits = model(images)
        loss = cross_entropy(logits, labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach(), (logits.detach().argmax(1) == labels).sum()


class Run:
    """Everything that a run is: weights, their average, optimiser, generators, history. Saved and
    restored whole.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, *, train: ImageSet):
        self.model, self.config, self.history = model, config, []
        parameters = sum(p.numel() for p in model.parameters())
        self.identity = dataclasses.asdict(config) | {
            "parameters": parameters,
            "train_data": train.checksum(),
        }
        self.optimizer = make_optimizer(model, config)
        self.average = AveragedModel(
            model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay), use_buffers=True
        )
        self.generator = torch.Generator().manual_seed(
            config.seed
        )  # on the CPU: the same draws on every device
        self.first_flip = torch.rand(len(train), generator=self.generator) < 0.5

    def save(self, path: Path) -> None:
        state = {
            "identity": self.identity,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "history": self.history,
        }
        with files.atomic_write(path) as part:
            torch.save(state, part)

    def restore(self, path: Path) -> None:
        """Continue from `path`; raises ValueError that names the field where the state is of
        another configuration.
        """
        state = torch.load(path, map_location="cpu", weights_only=True)
        for field, value in self.identity.items():
            if state["identity"].get(field) != value:
                raise ValueError(
                    f"{path} was made with {field} = {state['identity'].get(field)!r}, not {value!r}: "
                    "remove it to start anew, or train with its configuration."
                )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.history = state["history"]

    def best(self) -> nn.Module:
        """The averaged network, or the last one where nothing is averaged."""
        return self.average.module if self.config.ema_decay else self.model


def train_epoch(run: Run, data: ImageSet, *, epoch: int, bar: tqdm) -> dict:
    """One pass over `data` (on the device) in an order of its own; returns loss and accuracy on
    augmented images.
    """
    config, device, n = run.config, data.images.device, len(data.labels)
    order = torch.randperm(n, generator=run.generator)
    side = config.sides[epoch] if epoch < len(config.sides) else None
    batches = order.split(config.batch_size)
    total_loss, right, start = (
        torch.zeros((), device=device),
        torch.zeros((), device=device),
        time.perf_counter(),
    )
    for i, index in enumerate(batches):
        step = epoch * len(batches) + i
        rate = learning_rate(step, steps=config.epochs * len(batches), config=config)
        for group in run.optimizer.param_groups:
            group["lr"] = rate
        flip = (run.first_flip[index] ^ bool(epoch % 2)) & config.flip
        index = index.to(device)
        images = augment(
            data.images[index],
            padding=config.padding,
            flip=flip.to(device),
            generator=run.generator,
        )
        images = to_float(images, side=side)
        images = vary(images, config, generator=run.generator)
        images = images.contiguous(memory_format=torch.channels_last)
        loss, correct = train_step(run.model, run.optimizer, images, data.labels[index])
        if run.config.ema_decay:
            run.average.update_parameters(run.model)
        total_loss += loss * len(index)
        right += correct
        if (
            i % 20 == 0 or i == len(batches) - 1
        ):  # asking for the value waits for the device: not at every step
            if not math.isfinite(total_loss.item()):
                raise FloatingPointError(
                    f"the loss is {loss.item()} by epoch {epoch + 1}, step {step}, learning rate {rate:.4g}: "
                    "lower peak_lr. The state of the last whole epoch is kept."
                )
            seen = min((i + 1) * config.batch_size, n)
            bar.set_postfix(
                loss=f"{total_loss.item() / seen:.3f}",
                accuracy=f"{right.item() / seen:.3f}",
                images_s=f"{seen / (time.perf_counter() - start):.0f}",
            )
        bar.update(1)
    return {"train_loss": total_loss.item() / n, "train_accuracy": right.item() / n, "lr": rate}


@torch.no_grad()
def validate(model: nn.Module, data: ImageSet, *, batch_size: int = 250) -> dict:
    """Mean cross-entropy and accuracy of `model` in eval mode on `data` (on the device), in the
    precision of training.

    What the card reports is measured anew, in float32 and on the stored weights.
    """
    model.eval()
    loss, right = 0.0, 0
    for images, labels in zip(
        data.images.split(batch_size), data.labels.split(batch_size), strict=True
    ):
        with devices.autocast(images.device):
            logits = model(to_float(images).contiguous(memory_format=torch.channels_last)).float()
        loss += cross_entropy(logits, labels, reduction="sum").item()
        right += (logits.argmax(1) == labels).sum().item()
    return {"val_loss": loss / len(data.labels), "val_accuracy": right / len(data.labels)}


def fit(
    model: nn.Module,
    train: ImageSet,
    val: ImageSet,
    *,
    config: TrainConfig,
    device: torch.device | str | None = None,
    state: Path | None = None,
) -> tuple[nn.Module, list[dict]]:
    """Train `model`; returns the (averaged) network in eval mode and the history, one dict an
    epoch.

    `state` is a file that is written whole after every epoch; where it exists the run continues
    from it, and ends bit for bit where an unbroken run ends. Raises ValueError for a state of
    another configuration, and FloatingPointError where the loss is not finite. KeyboardInterrupt
    loses nothing but the epoch under way.
    """
    device = devices.best_device() if device is None else torch.device(device)
    train, val = train.to(device), val.to(device)
    run = Run(model.to(device, memory_format=torch.channels_last), config, train=train)
    if state is not None and Path(state).exists():
        run.restore(Path(state))
    steps = math.ceil(len(train.labels) / config.batch_size)
    done = len(run.history)
    with tqdm(total=config.epochs * steps, initial=done * steps, unit="step") as bar:
        for epoch in range(done, config.epochs):
            start = time.perf_counter()
            run.model.train()
            row = {"epoch": epoch + 1, **train_epoch(run, train, epoch=epoch, bar=bar)}
            row |= validate(run.best(), val)
            run.history.append(row | {"seconds": round(time.perf_counter() - start, 1)})
            if state is not None:
                run.save(Path(state))
    return run.best().eval(), run.history
