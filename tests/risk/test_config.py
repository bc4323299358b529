"""Settings: the file that is shipped, and what a wrong key or value is told."""

import dataclasses

import pytest
import yaml

from visionfail import paths
from visionfail.risk.config import FIELD_TYPES, RiskConfig, load_config, load_decision

SHIPPED = paths.ROOT / "configs" / "risk.yaml"


def test_the_shipped_file_has_every_key_with_its_default():
    written = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    assert list(written) == [field.name for field in dataclasses.fields(RiskConfig)]
    assert load_config(SHIPPED) == RiskConfig()


def test_the_command_line_wins_over_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("lr: 0.01\nepochs: 3\n", encoding="utf-8")
    config = load_config(file, {"epochs": 5})
    assert (config.lr, config.epochs, config.batch) == (0.01, 5, 32)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learning_rate: 0.1", "learning_rate.*choose among side.*lr"),
        ("epochs: 0", "epochs is 0: give a whole number from 1 to 1000"),
        ("epochs: 2.5", "epochs is 2.5: give a whole number"),
        ("epochs: true", "epochs is True"),
        ("lr: fast", "lr is 'fast': give a number from"),
        ("lr: .nan", "lr is nan"),
        ("arch: resnet19", "arch is 'resnet19': choose one of resnet18, resnet50"),
        ("balance: 1", "balance is 1: choose true or false"),
        ("max_miss: 5", "max_miss is 5.0: give a number from 1e-06 to 0.999"),
        ("arch: vit_b_16\nunfreeze: 1", "unfreeze is 1: of vit_b_16 the head alone"),
        ("network_side: 16", "network_side is 16: give 0, which is side itself, or .* 32 to 512"),
        ("arch: vit_b_16\nnetwork_side: 64", "network_side is 64: vit_b_16 takes 224"),
        ("- lr", "holds no settings"),
        ("lr: [", "not readable as YAML"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(tmp_path, text, words):
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        load_config(file)


def test_numbers_without_a_point_are_numbers(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("lr: 5e-4\nrotation: 10\n", encoding="utf-8")
    assert (load_config(file).lr, load_config(file).rotation) == (5e-4, 10.0)


@pytest.mark.fault("missing files and data")
def test_a_file_that_is_missing_or_empty(tmp_path):
    with pytest.raises(FileNotFoundError, match="no settings at"):
        load_config(tmp_path / "none.yaml")
    empty = tmp_path / "empty.yaml"
    empty.write_text("", encoding="utf-8")
    assert load_config(empty) == RiskConfig()


def test_every_number_has_limits():
    RiskConfig()
    assert {type(getattr(RiskConfig(), name)) for name in FIELD_TYPES} == {int, float, bool, str}


def test_a_decision_takes_keys_of_its_own_alone(tmp_path):
    trained = RiskConfig(side=64, lr=0.01)
    file = tmp_path / "mine.yaml"
    file.write_text("side: 64\ncost_ratio: 100\nprevalence: 1e-3\n", encoding="utf-8")
    found = load_decision(trained, file, {"prevalence": 0.2})
    assert found == RiskConfig(side=64, lr=0.01, cost_ratio=100.0, prevalence=0.2)
    file.write_text("side: 128\n", encoding="utf-8")
    with pytest.raises(ValueError, match="side is 128, and the classifier was trained with 64"):
        load_decision(trained, file)
    file.write_text("cost_ratio: -1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="cost_ratio is -1"):
        load_decision(trained, file)
