"""Training: a head with dropout on frozen features, perhaps its last stages with it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import nn

from visionfail import data, devices, models, results
from visionfail.data import ImageSet
from visionfail.models import transfer
from visionfail.models.features import Features
from visionfail.models.histories import join_histories
from visionfail.models.losses import focal_loss
from visionfail.risk.config import VIT_SIDE, RiskConfig
from visionfail.risk.features import checksum_of, load_or_extract

STAGES = ("layer3", "layer4")  # that may be unfrozen, the last one first


@devices.able_to_learn()
def start_of(config: RiskConfig) -> tuple[nn.Module, str]:
    """(the ImageNet network, rounded to half precision, a head of two logits; its weights' name).

    ConnectionError where the weights cannot be had.
    """
    weights, name = data.load_imagenet_weights(config.arch)
    side = VIT_SIDE if config.arch == "vit_b_16" else config.network_side or config.side
    drawn = transfer.pretrained(
        f"imagenet_{config.arch}",
        weights,
        num_classes=2,
        side=side,
        seed=config.seed,
    )
    return models.rounded_to_half(drawn), name  # as they will be stored


@devices.able_to_learn()
def train_risk(
    model: nn.Module, train: ImageSet, val: ImageSet, config: RiskConfig, *, folder: Path
) -> tuple[nn.Module, list[dict]]:
    """The trained network in eval mode, and the history; features are kept in `folder`.

    The head learns from frozen features; then the last `unfreeze` stages learn with it, from
    pictures. With `mixup` the first phase mixes features, and the second pictures. Where the second
    is broken off, a further call with all the same goes on from its last epoch.
    """
    model = devices.placed(model)  # features that are kept already would leave it where it was
    learnt, _ = load_or_extract(model, train, config, views=config.views, folder=folder)
    watched, _ = load_or_extract(model, val, config, views=0, folder=folder)
    history = fit_head(model, learnt, watched, config)
    if config.unfreeze:
        state = state_file(model, train, val, config, folder=folder)
        model, added = fit_last_stages(model, train, val, config, state=state)
        history = join_histories(history, added)
        state.unlink(missing_ok=True)  # finished: a further training begins at the beginning
    return model.cpu().eval(), history


def state_file(
    model: nn.Module, train: ImageSet, val: ImageSet, config: RiskConfig, *, folder: Path
) -> Path:
    """Where an unfinished second phase is kept: a file for each start, pictures and settings."""
    identity = dataclasses.asdict(config)
    identity["weights"] = checksum_of(model)
    identity["images"] = [train.checksum(), val.checksum()]
    return Path(folder) / f"unfreezing-{results.config_hash(identity)[:16]}.pt"


def fit_last_stages(
    model: nn.Module, train: ImageSet, val: ImageSet, config: RiskConfig, *, state: Path
) -> tuple[nn.Module, list[dict]]:
    """(the model whose last `unfreeze` stages learn from pictures beside the head, the history)."""
    transfer.inflate_norms(model, train.images[:1000])
    transfer.freeze_all_but(model, (*STAGES[-config.unfreeze :], "fc"))
    settings = head_settings(config, train.labels.numpy(), flip=config.flip)
    loss = focal_loss(config.focal_gamma)
    with devices.seeded(config.seed, devices.best_device()):
        return models.fit(model, train, val, config=settings, state=state, loss_of=loss)


def fit_head(model: nn.Module, train: Features, val: Features, config: RiskConfig) -> list[dict]:
    """Train the model's `fc` alone, in place, dropout before it; returns the history."""
    fc = model.get_submodule("fc")
    head = nn.Sequential(nn.Dropout(config.dropout), fc)
    settings = head_settings(config, train.labels.numpy())
    with devices.seeded(config.seed, devices.best_device()):
        trained, history = models.fit(
            head, train, val, config=settings, loss_of=focal_loss(config.focal_gamma)
        )
    (_, learnt) = trained.children()
    fc.load_state_dict(learnt.state_dict())
    return history


def head_settings(
    config: RiskConfig, labels: np.ndarray, *, flip: bool = False
) -> models.TrainConfig:
    """The settings of the one training loop for this configuration."""
    counts = np.bincount(labels, minlength=2)
    weights = tuple((len(labels) / (2 * counts)).tolist()) if config.balance else ()
    return models.TrainConfig(
        epochs=config.epochs,
        batch_size=config.batch,
        optimizer="adamw",
        schedule="constant",
        mixed_precision=False,
        peak_lr=config.lr,
        weight_decay=config.weight_decay,
        ema_decay=0,
        padding=0,
        flip=flip,
        mix="mixup" if config.mixup else "",
        class_weights=weights,
        seed=config.seed,
    )


def card_of(
    model: nn.Module,
    config: RiskConfig,
    *,
    weights: str,
    history: list[dict],
    images: Mapping[str, ImageSet],
) -> dict:
    """The card of a trained network, from which `models.load` builds it again."""
    settings = dataclasses.asdict(config)
    return {
        "dataset": "folder",
        "arch": f"imagenet_{config.arch}",
        "width": 64,
        "classes": list(images["train"].classes),
        "mean": list(transfer.MEAN),
        "std": list(transfer.STD),
        "side": model.side,
        "resizing": model.resizing,
        "pretrained": weights,
        "config": settings,
        "config_sha256": results.config_hash(settings),
        "history": history,
        "images": {split: len(part) for split, part in images.items()},
        "data_checksums": {split: part.checksum() for split, part in images.items()},
        "origin": images["train"].origin,
    }
