"""What is loaded, trained, attacked and chosen is the same whatever a caller has set around it."""

import pytest
import torch
from makers import STATS
from makers.around import AROUND

from visionfail import failure, models

DEFAULTS = ("float64", "float16", "bfloat16", "another device")
CARD = {"dataset": "x", "arch": "resnet18", "width": 8, "classes": list("abcdefghij"), **STATS}


def assert_same_weights(one, other):
    expected = other.state_dict()
    for name, values in one.state_dict().items():
        assert values.dtype == expected[name].dtype, name
        assert torch.equal(values, expected[name]), name


@pytest.mark.parametrize("setting", DEFAULTS)
def test_a_checkpoint_is_the_same_network_under_other_defaults(setting, tmp_path, tiny_model):
    models.save_checkpoint(tiny_model, tmp_path / "net", card=CARD)
    expected, _ = models.load(tmp_path / "net")
    with AROUND[setting]():
        before = (torch.get_default_dtype(), torch.get_default_device())
        model, _ = models.load(tmp_path / "net")
        assert (torch.get_default_dtype(), torch.get_default_device()) == before
    assert_same_weights(model, expected)
    assert torch.equal(model.mean, expected.mean) and torch.equal(model.std, expected.std)


@pytest.mark.parametrize("setting", DEFAULTS)
def test_the_demo_answers_the_same_under_other_defaults(setting):
    digit = torch.randint(256, (1, 1, 28, 28), generator=torch.Generator().manual_seed(0)).byte()
    expected = failure.monitor_answer(failure.load_monitor(), digit)
    with AROUND[setting]():
        assert failure.monitor_answer(failure.load_monitor(), digit) == expected
