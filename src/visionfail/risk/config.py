"""The settings of the safe/unsafe classifier, read from one YAML file and checked key by key."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ARCHITECTURES = ("resnet18", "resnet50", "efficientnet_b0", "vit_b_16")
# "lower" of what the recall target and the cost ratio ask for, or one of the two alone
RULES = ("lower", "recall", "cost")
# settings that need no training: another value is another decision by the same network
DECISION_KEYS = ("rule", "cost_ratio", "max_miss", "delta", "prevalence")
CHOICES = {"arch": ARCHITECTURES, "rule": RULES}
# {key: (smallest, largest)} of numbers; largest and smallest are allowed
SMALLEST_SIDE, LARGEST_SIDE = 32, 512  # pixels
VIT_SIDE = 224  # the one side that its positions are made for
LIMITS = {
    "side": (SMALLEST_SIDE, LARGEST_SIDE),
    "network_side": (0, LARGEST_SIDE),
    "rotation": (0, 180),
    "jitter": (0, 1),
    "views": (0, 20),
    "dropout": (0, 0.9),
    "unfreeze": (0, 2),
    "epochs": (1, 1000),
    "batch": (1, 4096),
    "lr": (1e-7, 1),
    "weight_decay": (0, 1),
    "focal_gamma": (0, 10),
    "seed": (0, 2**31 - 1),
    "cost_ratio": (1e-6, 1e6),
    "max_miss": (1e-6, 0.999),
    "delta": (1e-6, 0.5),
    "prevalence": (1e-9, 0.999),
}


@dataclass(frozen=True, kw_only=True)
class RiskConfig:
    """Every setting with its default; ValueError that names a key and its allowed values."""

    side: int = 128
    network_side: int = 0
    flip: bool = True
    rotation: float = 10.0
    jitter: float = 0.2
    views: int = 5
    arch: str = "resnet18"
    dropout: float = 0.3
    unfreeze: int = 0
    epochs: int = 15
    batch: int = 32
    lr: float = 5e-4
    weight_decay: float = 1e-4
    focal_gamma: float = 0.0
    balance: bool = True
    mixup: bool = False
    seed: int = 0
    rule: str = "lower"
    cost_ratio: float = 10.0
    max_miss: float = 0.05
    delta: float = 0.05
    prevalence: float = 0.01

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field.name, getattr(self, field.name), FIELD_TYPES[field.name])
        if self.unfreeze and not self.arch.startswith("resnet"):
            raise ValueError(f"unfreeze is {self.unfreeze}: of {self.arch} the head alone learns.")
        _check_network_side(self.network_side, self.arch)


FIELD_TYPES = {field.name: type(field.default) for field in dataclasses.fields(RiskConfig)}


def _check(key: str, value: Any, kind: type) -> None:
    """Raises ValueError that names the key and what it may be."""
    if kind is str:
        if value not in CHOICES[key]:
            raise ValueError(f"{key} is {value!r}: choose one of {', '.join(CHOICES[key])}.")
        return
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{key} is {value!r}: choose true or false.")
        return
    low, high = LIMITS[key]
    numeric = isinstance(value, int) or (kind is float and isinstance(value, float))
    if isinstance(value, bool) or not numeric or not low <= value <= high:
        words = "a whole number" if kind is int else "a number"
        raise ValueError(f"{key} is {value!r}: give {words} from {low:g} to {high:g}.")


def _check_network_side(side: int, arch: str) -> None:
    """Raises ValueError for a side, other than 0, that the network cannot take."""
    if 0 < side < SMALLEST_SIDE:
        raise ValueError(
            f"network_side is {side}: give 0, which is side itself, or a whole number from "
            f"{SMALLEST_SIDE} to {LARGEST_SIDE}."
        )
    if arch == "vit_b_16" and side not in (0, VIT_SIDE):
        raise ValueError(f"network_side is {side}: {arch} takes {VIT_SIDE} alone; leave it at 0.")


def load_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> RiskConfig:
    """The settings of a YAML file, or the defaults, with `overrides` in their place.

    FileNotFoundError where there is no such file; ValueError for a file that is no YAML mapping, a
    key that does not exist, and a value that is not allowed, each named.
    """
    return RiskConfig(**_settings(path, overrides or {}))


def load_decision(
    trained: RiskConfig, path: Path | None, overrides: Mapping[str, Any] | None = None
) -> RiskConfig:
    """The settings `trained` with, for a decision, those of a YAML file and of `overrides`.

    Errors as in `load_config`; ValueError, too, for a key of training that differs from `trained`.
    """
    given = _settings(path, overrides or {})
    for key, value in given.items():
        used = getattr(trained, key)
        if key not in DECISION_KEYS and value != used:
            raise ValueError(
                f"{key} is {value!r}, and the classifier was trained with {used!r}: train again, "
                f"or leave it out; evaluate takes {', '.join(DECISION_KEYS)}."
            )
    return dataclasses.replace(trained, **given)


def decision_settings(config: RiskConfig) -> dict[str, Any]:
    """The settings of DECISION_KEYS."""
    return {key: getattr(config, key) for key in DECISION_KEYS}


def _settings(path: Path | None, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What a YAML file and `overrides` set, each key known."""
    read = {} if path is None else _read(Path(path))
    settings = {**read, **overrides}
    unknown = sorted(set(settings) - set(FIELD_TYPES))
    if unknown:
        raise ValueError(
            f"no setting is called {', '.join(unknown)}: choose among {', '.join(FIELD_TYPES)}."
        )
    for key, value in settings.items():
        if FIELD_TYPES[key] is float and not isinstance(value, bool):
            settings[key] = _as_float(value)
    return settings


def _as_float(value: Any) -> Any:
    """A number as float; YAML takes 5e-4, without a point, for a text. Else the value as it is."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file."""
    if not path.exists():
        raise FileNotFoundError(f"no settings at {path}: name a YAML file, or leave it out.")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not readable as YAML: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no settings: write them as `key: value`, one a line.")
    return {str(key): value for key, value in found.items()}
