import json

import pytest
import torch
from makers import STATS

from visionfail import files
from visionfail.data.sets import CLASSES
from visionfail.models import checkpoints

CARD = {
    "dataset": "cifar10",
    "arch": "resnet18",
    "width": 8,
    "classes": list(CLASSES["cifar10"]),
    "mean": STATS["mean"],
    "std": STATS["std"],
}


@pytest.fixture
def stem(tmp_path, tiny_model):
    card = dict(CARD)
    card["epochs"] = 1
    checkpoints.save_checkpoint(tiny_model, tmp_path / "net", card=card)
    return tmp_path / "net"


def edit(stem, **changes):
    path = stem.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_round_trip_in_half_precision(stem, tiny_model):
    model, card = checkpoints.load_checkpoint(stem)
    assert not model.training and card["epochs"] == 1 and len(card["sha256"]) == 64
    for name, tensor in tiny_model.state_dict().items():
        expected = tensor.half().float() if tensor.is_floating_point() else tensor
        assert torch.equal(model.state_dict()[name], expected), name
    assert model.mean.flatten().tolist() == pytest.approx(STATS["mean"])


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_missing_file_is_named(stem, suffix):
    stem.with_suffix(suffix).unlink()
    with pytest.raises(FileNotFoundError, match=f"net{suffix}"):
        checkpoints.load_checkpoint(stem)


def test_truncated_and_edited_weights_are_refused(stem):
    path = stem.with_suffix(".safetensors")
    undamaged = path.read_bytes()
    for damaged in (undamaged[:-100], undamaged[:-1] + bytes([undamaged[-1] ^ 1])):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="sha256"):
            checkpoints.load_checkpoint(stem)


def test_other_class_order_is_refused(stem):
    edit(stem, classes=list(reversed(CLASSES["cifar10"])))
    with pytest.raises(ValueError, match="order"):
        checkpoints.load_checkpoint(stem)


@pytest.mark.parametrize("changes", [{"width": 16}, {"arch": "resnet50"}])
def test_card_that_does_not_fit_the_weights_is_refused(stem, changes):
    edit(stem, **changes)
    with pytest.raises(ValueError, match=r"resnet50|does not fit"):
        checkpoints.load_checkpoint(stem)


def test_card_that_is_no_card_is_refused(stem):
    stem.with_suffix(".json").write_text("{")
    with pytest.raises(ValueError, match="json"):
        checkpoints.load_checkpoint(stem)
    stem.with_suffix(".json").write_text("{}")
    with pytest.raises(ValueError, match="lacks"):
        checkpoints.load_checkpoint(stem)


def test_a_pickle_under_our_name_is_never_opened(stem, tiny_model):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    path = stem.with_suffix(".safetensors")
    torch.save(Bomb(), path)
    edit(stem, sha256=files.sha256(path))
    with pytest.raises(ValueError, match="does not fit"):
        checkpoints.load_checkpoint(stem)


def test_diverged_weights_are_not_saved_and_the_old_file_stays(stem, tiny_model):
    before = stem.with_suffix(".safetensors").read_bytes()
    with torch.no_grad():
        tiny_model.fc.weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"fc\.weight"):
        checkpoints.save_checkpoint(tiny_model, stem, card=CARD)
    assert stem.with_suffix(".safetensors").read_bytes() == before


def test_a_card_without_what_load_needs_is_refused(tmp_path, tiny_model):
    card = dict(CARD)
    del card["classes"]
    with pytest.raises(ValueError, match="classes"):
        checkpoints.save_checkpoint(tiny_model, tmp_path / "x", card=card)
    assert list(tmp_path.iterdir()) == []
