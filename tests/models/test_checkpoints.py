import json

import pytest
import torch
from makers import STATS

from visionfail import files
from visionfail.data.sets import CLASSES
from visionfail.models import checkpoints, networks

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


@pytest.mark.fault("networks of all kinds: weights")
def test_tied_weights_that_are_half_already_are_saved(tmp_path, tiny_model):
    half = tiny_model.half()
    half.layer1[1].bn2.weight = half.layer1[1].bn1.weight
    checkpoints.save_checkpoint(half, tmp_path / "net", card=CARD)
    model, _ = checkpoints.load_checkpoint(tmp_path / "net")
    for name, tensor in half.state_dict().items():
        expected = tensor.float() if tensor.is_floating_point() else tensor
        assert torch.equal(model.state_dict()[name], expected), name


@pytest.mark.fault("missing files and data")
@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_missing_file_is_named(stem, suffix):
    stem.with_suffix(suffix).unlink()
    with pytest.raises(FileNotFoundError, match=f"net{suffix}"):
        checkpoints.load_checkpoint(stem)


@pytest.mark.fault("damaged file: fields of another kind")
def test_truncated_and_edited_weights_are_refused(stem):
    path = stem.with_suffix(".safetensors")
    undamaged = path.read_bytes()
    for damaged in (undamaged[:-100], undamaged[:-1] + bytes([undamaged[-1] ^ 1])):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="sha256"):
            checkpoints.load_checkpoint(stem)


@pytest.mark.fault("results of another run")
def test_other_class_order_is_refused(stem):
    edit(stem, classes=list(reversed(CLASSES["cifar10"])))
    with pytest.raises(ValueError, match="order"):
        checkpoints.load_checkpoint(stem)


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize("changes", [{"width": 16}, {"arch": "resnet50"}])
def test_card_that_does_not_fit_the_weights_is_refused(stem, changes):
    edit(stem, **changes)
    with pytest.raises(ValueError, match=r"resnet50|does not fit"):
        checkpoints.load_checkpoint(stem)


@pytest.mark.fault("damaged file: fields of another kind")
def test_card_that_is_no_card_is_refused(stem):
    stem.with_suffix(".json").write_text("{")
    with pytest.raises(ValueError, match="json"):
        checkpoints.load_checkpoint(stem)
    stem.with_suffix(".json").write_text("{}")
    with pytest.raises(ValueError, match="lacks"):
        checkpoints.load_checkpoint(stem)


@pytest.mark.fault("files that run code or write elsewhere")
def test_a_pickle_under_our_name_is_never_opened(stem, tiny_model):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    path = stem.with_suffix(".safetensors")
    torch.save(Bomb(), path)
    edit(stem, sha256=files.sha256(path))
    with pytest.raises(ValueError, match="does not fit"):
        checkpoints.load_checkpoint(stem)


@pytest.mark.fault("numbers that are not finite")
def test_diverged_weights_are_not_saved_and_the_old_file_stays(stem, tiny_model):
    before = stem.with_suffix(".safetensors").read_bytes()
    with torch.no_grad():
        tiny_model.fc.weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"fc\.weight"):
        checkpoints.save_checkpoint(tiny_model, stem, card=CARD)
    assert stem.with_suffix(".safetensors").read_bytes() == before


@pytest.mark.fault("damaged file: fields of another kind")
def test_a_card_without_what_load_needs_is_refused(tmp_path, tiny_model):
    card = dict(CARD)
    del card["classes"]
    with pytest.raises(ValueError, match="classes"):
        checkpoints.save_checkpoint(tiny_model, tmp_path / "x", card=card)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def imagenet_model():
    model = networks.build("imagenet_resnet18", num_classes=10, width=8, seed=3, **STATS)
    model.resize_to(96, "bicubic")
    return model.eval()


IMAGENET_CARD = {**CARD, "arch": "imagenet_resnet18", "side": 96, "resizing": "bicubic"}


def test_an_imagenet_network_is_loaded_with_its_side_and_resizing(imagenet_model, tmp_path):
    checkpoints.save_checkpoint(imagenet_model, tmp_path / "net", card=IMAGENET_CARD)
    loaded, card = checkpoints.load_checkpoint(tmp_path / "net")
    assert (loaded.side, loaded.resizing) == (96, "bicubic")
    assert (card["side"], card["resizing"]) == (96, "bicubic")
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    halved = checkpoints.rounded_to_half(imagenet_model)
    assert (halved.side, halved.resizing) == (96, "bicubic")
    with torch.no_grad():
        expected = halved(images)
        torch.testing.assert_close(loaded(images), expected, rtol=1e-5, atol=1e-6)
        halved.resize_to(96, "bilinear")
        assert not torch.allclose(halved(images), expected, rtol=1e-3)  # resizing matters
        assert not torch.equal(imagenet_model(images), expected)  # and so does rounding


@pytest.mark.fault("damaged file: fields of another kind")
def test_a_card_with_a_side_that_cannot_be_is_refused(imagenet_model, tmp_path):
    checkpoints.save_checkpoint(imagenet_model, tmp_path / "net", card=IMAGENET_CARD)
    edit(tmp_path / "net", side=16)
    with pytest.raises(ValueError, match="side 16"):
        checkpoints.load_checkpoint(tmp_path / "net")


@pytest.mark.fault("damaged file: fields of another kind")
def test_a_card_of_an_imagenet_network_without_its_side_is_refused(imagenet_model, tmp_path):
    checkpoints.save_checkpoint(imagenet_model, tmp_path / "net", card=IMAGENET_CARD)
    fields = json.loads((tmp_path / "net.json").read_text())
    del fields["side"]
    (tmp_path / "net.json").write_text(json.dumps(fields))
    with pytest.raises(ValueError, match="side"):
        checkpoints.load_checkpoint(tmp_path / "net")
