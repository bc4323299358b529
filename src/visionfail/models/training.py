"""The one training loop: data on the device, augmentation by the batch, a state per epoch."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from visionfail import devices, files
from visionfail.models.augmentation import draw_evenly, laid_out, mix, to_float
from visionfail.models.averaging import Average
from visionfail.models.batches import TrainingData, draw_epoch, draws_ahead, training_batch
from visionfail.models.epoch_totals import EpochTotals, check_finite, show_progress
from visionfail.models.losses import Loss
from visionfail.models.modes import check_takes_gradients
from visionfail.models.optimizer import learning_rate, make_optimizer, set_learning_rate
from visionfail.models.states import check_identity, load_state, save_state
from visionfail.models.train_config import TrainConfig

STATE = ("identity", "model", "average", "optimizer", "generator", "history")  # of a run, saved
# (model in train mode, float images, labels, generator) -> images to train on in their place
Perturb = Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]
# (averaged network) -> numbers for the epoch's row of the history
Check = Callable[[nn.Module], Mapping[str, float]]


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    *,
    mixed_precision: bool = True,
    class_weights: Tensor | None = None,
    loss_of: Loss = cross_entropy,
) -> tuple[Tensor, Tensor]:
    """The mean loss and the number of right answers of one step of training on float images.

    `labels` are classes (B,), or shares of them (B, K) where images are mixed: then a right answer
    counts its share. Both are scalars on the device: asking for their values waits for it.
    """
    with devices.autocast(images.device, enabled=mixed_precision):
        logits = model(images)  # (B, K)
        loss = loss_of(logits, labels, weight=class_weights)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    answers = logits.detach().argmax(1)  # (B,)
    if labels.ndim == 2:
        return loss.detach(), labels.gather(1, answers[:, None]).sum()
    return loss.detach(), (answers == labels).sum()


class TrainingRun:
    """A run of training, saved and restored whole: weights, average, optimiser, draws, history.

    `start` names the weights it begins with, where these are not drawn from the config's seed.
    """

    def __init__(
        self, model: nn.Module, config: TrainConfig, *, train: TrainingData, start: str = ""
    ):
        self.layout = devices.training_layout(model, train.images.device)
        if self.layout == torch.contiguous_format:
            model = model.to(memory_format=self.layout)
        self.model = model
        self.config = config
        self.history: list[dict] = []
        self.identity = dataclasses.asdict(config)
        self.identity["parameters"] = sum(p.numel() for p in model.parameters())
        self.identity["train_data"] = train.checksum()
        if start:
            self.identity["start"] = start
        self.optimizer = make_optimizer(model, config)
        self.average = Average(model, decay=config.ema_decay)
        # on the CPU: the same draws on every device
        self.generator = torch.Generator("cpu").manual_seed(config.seed)
        self.first_flip = torch.zeros(len(train), dtype=torch.bool, device="cpu")  # (N,)
        if config.flip:
            self.first_flip = draw_evenly(len(train), generator=self.generator) < 0.5

    def save(self, path: Path) -> None:
        """Write all of the run to `path`, whole or not at all."""
        state = {
            "identity": self.identity,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "history": self.history,
        }
        save_state(path, state)

    def restore(self, path: Path) -> None:
        """Continue from the state at `path`.

        Raises ValueError that names the field where the state is of another configuration, and the
        file where that is damaged.
        """
        state = load_state(path, fields=STATE)
        remedy = "remove it to start anew"
        with files.reading(path, remedy=remedy):
            identity = dict(state["identity"])
        check_identity(path, identity, self.identity)
        with files.reading(path, remedy=remedy):
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.generator.set_state(state["generator"])
            self.history = [dict(row) for row in state["history"]]

    def best(self) -> nn.Module:
        """The averaged network, or the last one where nothing is averaged."""
        return self.average.module if self.config.ema_decay else self.model

    def update_average(self) -> None:
        """Move the averaged weights towards the present ones, where the run averages."""
        if self.config.ema_decay:
            self.average.update_parameters(self.model)


def train_epoch(
    run: TrainingRun,
    data: TrainingData,
    *,
    epoch: int,
    bar: tqdm,
    perturb: Perturb | None = None,
    loss_of: Loss = cross_entropy,
) -> dict:
    """Loss and accuracy on augmented images of one pass over `data`, and the last learning rate.

    `data` is on the device and is seen in an order of the epoch's own, each batch as `perturb`
    changes it. Raises FloatingPointError where the loss is not finite.
    """
    draws = draw_epoch(
        run.config,
        data,
        first_flip=run.first_flip,
        epoch=epoch,
        generator=run.generator,
        ahead=perturb is None and draws_ahead(run.config, data),
    )
    batches = list(draws.batches(run.config.batch_size))
    steps = run.config.epochs * len(batches)
    totals = EpochTotals(data.images.device)
    classes = len(data.classes)
    weights = _class_weights(run.config, classes, device=data.images.device)
    start = time.perf_counter()
    for number, batch in enumerate(batches):
        step = epoch * len(batches) + number
        rate = learning_rate(step, steps=steps, config=run.config)
        set_learning_rate(run.optimizer, rate)
        images, labels = training_batch(
            run.config, data, batch, epoch=epoch, generator=run.generator
        )
        if perturb is not None:
            images = perturb(run.model, images, labels, run.generator)
        if run.config.mix:
            images, labels = mix(
                images, labels, kind=run.config.mix, classes=classes, generator=run.generator
            )
        loss, right = train_step(
            run.model,
            run.optimizer,
            laid_out(images, run.layout),
            labels,
            mixed_precision=run.config.mixed_precision,
            class_weights=weights,
            loss_of=loss_of,
        )
        run.update_average()
        totals.add(loss, right, images=len(labels))
        # a value makes the CPU wait for the device, so not at every step
        if number % 20 == 0 or number == len(batches) - 1:
            check_finite(totals.loss, loss, epoch=epoch, step=step, rate=rate)
            show_progress(bar, totals, seconds=time.perf_counter() - start)
        bar.update(1)
    return {
        "train_loss": totals.mean_loss(),
        "train_accuracy": totals.accuracy(),
        "lr": run.optimizer.param_groups[0]["lr"],
    }


def _class_weights(config: TrainConfig, classes: int, *, device: torch.device) -> Tensor | None:
    """The weights of the classes in the loss, (K,), None where all count the same."""
    if not config.class_weights:
        return None
    if len(config.class_weights) != classes:
        raise ValueError(
            f"{len(config.class_weights)} class_weights for {classes} classes: pass one for each."
        )
    return torch.tensor(config.class_weights, dtype=torch.float32, device=device)


@torch.no_grad()
def validate(
    model: nn.Module, data: TrainingData, *, batch_size: int = 250, mixed_precision: bool = True
) -> dict:
    """Mean cross-entropy and accuracy of `model` in eval mode on `data`, which is on the device.

    They are in the precision of training; what the card reports is measured anew, in float32 and on
    the stored weights.
    """
    model.eval()
    loss = 0.0
    right = 0
    batches = zip(data.images.split(batch_size), data.labels.split(batch_size), strict=True)
    for images, labels in batches:
        images = laid_out(to_float(images))
        with devices.autocast(images.device, enabled=mixed_precision):
            logits = model(images).float()  # (B, K)
        loss += cross_entropy(logits, labels, reduction="sum").item()
        right += (logits.argmax(1) == labels).sum().item()
    return {"val_loss": loss / len(data.labels), "val_accuracy": right / len(data.labels)}


def fit(
    model: nn.Module,
    train: TrainingData,
    val: TrainingData,
    *,
    config: TrainConfig,
    device: torch.device | str | None = None,
    state: Path | None = None,
    perturb: Perturb | None = None,
    check: Check | None = None,
    loss_of: Loss = cross_entropy,
    start: str = "",
) -> tuple[nn.Module, list[dict]]:
    """The trained (averaged) network in eval mode, and the history: one dict per epoch.

    `perturb` changes each batch before its step, drawing from the run's generator alone, as
    adversarial training does; what `check` says of the averaged network after an epoch joins that
    epoch's row; `loss_of` is what is minimised. `start` names the weights that the model has where
    they are not drawn from the config's seed.

    `state` is a file that is written whole after every epoch; where it exists the run continues
    from it, and on a CPU ends bit for bit where an unbroken run ends (a GPU adds gradients up in an
    order of its own). Raises ValueError for a state of another configuration or start or a damaged
    one, PermissionError where none can be written, and FloatingPointError where the loss is not
    finite. KeyboardInterrupt loses nothing but the epoch under way. The caller's settings
    (defaults, autocast, no gradients) change nothing; ValueError for weights of inference mode.
    """
    if state is not None:  # before the first epoch, not after it
        remedy = "make it writable, or name another place for the state"
        files.check_writable(Path(state).parent, remedy=remedy)
    check_takes_gradients(model)
    device = devices.best_device() if device is None else torch.device(device)
    with devices.able_to_learn(device):
        train = train.to(device)
        val = val.to(device)
        run = TrainingRun(devices.placed(model, device), config, train=train, start=start)
        if state is not None and Path(state).exists():
            run.restore(Path(state))
        _train(run, train, val, state=state, perturb=perturb, check=check, loss_of=loss_of)
    return run.best().eval(), run.history


def _train(
    run: TrainingRun,
    train: TrainingData,
    val: TrainingData,
    *,
    state: Path | None,
    perturb: Perturb | None,
    check: Check | None,
    loss_of: Loss,
) -> None:
    """The epochs of `fit` that are still to come."""
    config = run.config
    steps = math.ceil(len(train.labels) / config.batch_size)
    first_epoch = len(run.history)  # the epochs before it were restored
    with tqdm(total=config.epochs * steps, initial=first_epoch * steps, unit="step") as bar:
        for epoch in range(first_epoch, config.epochs):
            start = time.perf_counter()
            run.model.train()
            row: dict[str, float] = {"epoch": epoch + 1}
            trained = train_epoch(
                run, train, epoch=epoch, bar=bar, perturb=perturb, loss_of=loss_of
            )
            row.update(trained)
            row.update(validate(run.best(), val, mixed_precision=config.mixed_precision))
            if check is not None:
                row.update(check(run.best()))
            row["seconds"] = round(time.perf_counter() - start, 1)
            run.history.append(row)
            if state is not None:
                run.save(Path(state))
