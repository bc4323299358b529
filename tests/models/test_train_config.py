import dataclasses
import json

import pytest

from visionfail import paths
from visionfail.models import config_fields
from visionfail.models.train_config import TrainConfig

ADDED = ("base_rate", "cycle", "mix", "class_weights")  # fields that old cards lack


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    "cycle", [(-0.1, 1.0), (0.0, 1.1), (0.5, 0.5), (0.6, 0.4), (1.0, 1.0), (float("nan"), 1.0)]
)
def test_a_cycle_that_is_no_part_of_a_triangle_is_refused(cycle):
    with pytest.raises(ValueError, match=r"cycle \(.*0 <= start < end <= 1"):
        TrainConfig(cycle=cycle)


@pytest.mark.parametrize("cycle", [(0.0, 1.0), (0.0, 0.375), (0.375, 1.0), (0.2, 0.4)])
def test_parts_of_a_triangle_are_taken(cycle):
    assert TrainConfig(cycle=cycle).cycle == cycle


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("optimizer", "unknown optimizer 'other': choose 'sgd' or 'adam'"),
        ("schedule", "unknown schedule 'other': choose 'triangle' or 'constant'"),
        ("mix", "unknown mix 'other': choose 'cutmix' or 'mixup'"),
    ],
)
def test_an_unknown_choice_is_refused_with_those_there_are(field, words):
    with pytest.raises(ValueError, match=words):
        TrainConfig(**{field: "other"})


@pytest.mark.parametrize("mix", ["", "cutmix", "mixup"])
def test_known_mixes_are_taken(mix):
    assert TrainConfig(mix=mix).mix == mix


def filled():
    """A configuration of which no field has its default."""
    return TrainConfig(
        epochs=3,
        batch_size=7,
        optimizer="adam",
        schedule="constant",
        mixed_precision=False,
        peak_lr=0.25,
        warmup=0.5,
        momentum=0.5,
        weight_decay=0.5,
        ema_decay=0.5,
        padding=1,
        flip=False,
        rotation=5.0,
        jitter=0.25,
        invert=0.25,
        cutout=4,
        sides=(16, 24),
        base_rate=0.125,
        cycle=(0.25, 0.75),
        mix="mixup",
        class_weights=(0.5, 1.5),
        seed=9,
    )


def test_every_field_survives_json():
    config = filled()
    default = TrainConfig()
    for field in dataclasses.fields(config):
        assert getattr(config, field.name) != getattr(default, field.name), field.name
    for stored in (dataclasses.asdict(config), config_fields(config)):
        assert TrainConfig.of(json.loads(json.dumps(stored))) == config
    in_card = config_fields(config)
    assert json.loads(json.dumps(in_card)) == in_card  # lists already, as json has them


@pytest.mark.parametrize("field", ADDED)
def test_a_card_from_before_a_field_was_there_means_its_default(field):
    old = json.loads(json.dumps(config_fields(filled())))
    del old[field]
    default = getattr(TrainConfig(), field)
    assert TrainConfig.of(old) == dataclasses.replace(filled(), **{field: default})


def test_the_cards_of_this_repository_are_read():
    cards = [json.loads(path.read_text()) for path in sorted(paths.MODELS.glob("*.json"))]
    stored = [fields for card in cards for fields in card.get("rounds", [])]
    old = [fields for fields in stored if not fields.keys() & set(ADDED)]
    assert old  # trained before these fields were there
    for fields in stored:
        config = TrainConfig.of(fields)
        read = config_fields(config)
        assert {name: read[name] for name in fields} == fields
    for fields in old:
        config = TrainConfig.of(fields)
        assert (config.base_rate, config.cycle, config.mix, config.class_weights) == (
            1.0,
            (0.0, 1.0),
            "",
            (),
        )
