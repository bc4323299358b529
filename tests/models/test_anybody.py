"""A network that is named as module:function, or why it cannot be had."""

import pytest
from torch import nn

from visionfail import models

MODULE = """
from torch import nn

def good():
    return nn.Linear(2, 3)

def other():
    return "a network"

number = 3
"""


@pytest.fixture(autouse=True)
def somebodys_module(tmp_path, monkeypatch):
    (tmp_path / "somebodys_networks.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken_networks.py").write_text("import no_such_package", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_the_function_gives_the_network():
    model = models.model_from("somebodys_networks:good")
    assert isinstance(model, nn.Linear) and model.out_features == 3


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("somebodys_networks", "write module:function"),
        ("somebodys_networks:", "write module:function"),
        (":good", "write module:function"),
        ("no_such_module:good", "no_such_module cannot be imported"),
        ("broken_networks:good", "no_such_package"),
        ("somebodys_networks:bad", "has no function 'bad'"),
        ("somebodys_networks:number", "has no function 'number'"),
        ("somebodys_networks:other", "the model is a str: pass a torch.nn.Module"),
    ],
)
def test_what_cannot_be_had_is_named(name, message):
    with pytest.raises(ValueError, match=message):
        models.model_from(name)
