import urllib.error

import pytest
import torch
import torchvision

from visionfail import data
from visionfail.data import pretrained

TRUNK = {"conv1.weight": torch.full((2, 2), 3.0, dtype=torch.float16)}


@pytest.fixture
def downloads(monkeypatch):
    """{"asked": what torch.hub is asked for, "answer": what it gives or raises}."""
    hub = {"asked": [], "answer": {"fc.bias": torch.zeros(3)}}

    def load(url, **options):
        hub["asked"].append((url, options))
        if isinstance(hub["answer"], Exception):
            raise hub["answer"]
        return hub["answer"]

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", load)
    return hub


@pytest.fixture
def with_trunk(tmp_path):
    (tmp_path / "pretrained").mkdir()
    torch.save(TRUNK, tmp_path / "pretrained" / "resnet18_imagenet_trunk.pt")
    return tmp_path


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_torchvisions_weights_are_taken_with_their_name(downloads, with_trunk, arch):
    weights, name = data.load_imagenet_weights(arch, root=with_trunk)
    assert weights is downloads["answer"] and name == "IMAGENET1K_V1"
    url, options = downloads["asked"][0]
    assert url == torchvision.models.get_model_weights(arch).IMAGENET1K_V1.url
    assert f"/{arch}-" in url and len(downloads["asked"]) == 1
    assert options["check_hash"] is True and options["map_location"] == "cpu"
    assert options["model_dir"] == str(with_trunk / "pretrained")


def test_the_folder_follows_the_data(downloads, tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path / "elsewhere"))
    data.load_imagenet_weights("resnet18")
    _, options = downloads["asked"][0]
    assert options["model_dir"] == str(tmp_path / "elsewhere" / "pretrained")


NO_NETWORK = [
    urllib.error.URLError("no route"),
    urllib.error.HTTPError("url", 404, "gone", None, None),
    ConnectionResetError("cut off"),
    TimeoutError("too slow"),
]


@pytest.mark.fault("downloads that fail")
@pytest.mark.parametrize("error", NO_NETWORK, ids=lambda error: type(error).__name__)
def test_where_they_cannot_be_had_the_trunk_serves_and_says_so(downloads, with_trunk, error):
    downloads["answer"] = error
    weights, name = data.load_imagenet_weights("resnet18", root=with_trunk)
    assert name == "trunk" and weights.keys() == TRUNK.keys()
    assert torch.equal(weights["conv1.weight"], TRUNK["conv1.weight"])
    assert len(downloads["asked"]) == 1


@pytest.mark.fault("downloads that fail")
def test_with_neither_the_error_names_the_folder_and_the_file_to_fetch(downloads, tmp_path):
    downloads["answer"] = urllib.error.URLError("no route")
    with pytest.raises(ConnectionError, match="no route") as caught:
        data.load_imagenet_weights("resnet18", root=tmp_path)
    assert str(tmp_path / "pretrained") in str(caught.value)
    assert torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url in str(caught.value)
    assert caught.value.__cause__ is downloads["answer"]


@pytest.mark.fault("downloads that fail")
def test_a_resnet50_never_takes_the_trunk(downloads, with_trunk):
    downloads["answer"] = urllib.error.URLError("no route")
    with pytest.raises(ConnectionError, match="resnet50") as caught:
        data.load_imagenet_weights("resnet50", root=with_trunk)
    assert str(with_trunk / "pretrained") in str(caught.value)


@pytest.mark.fault("damaged download")
def test_a_file_that_is_not_the_published_one_is_not_replaced_in_silence(downloads, with_trunk):
    downloads["answer"] = RuntimeError('invalid hash value (expected "f37072fd", got "0")')
    with pytest.raises(RuntimeError, match="invalid hash"):
        data.load_imagenet_weights("resnet18", root=with_trunk)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("arch", ["resnet34", "imagenet_resnet18", ""])
def test_an_unknown_architecture_is_refused_without_a_download(downloads, tmp_path, arch):
    with pytest.raises(ValueError, match=f"of '{arch}': choose resnet18, resnet50"):
        data.load_imagenet_weights(arch, root=tmp_path)
    assert downloads["asked"] == []


@pytest.mark.fault("files that run code or write elsewhere")
def test_a_pickle_that_runs_code_is_no_trunk(downloads, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    downloads["answer"] = urllib.error.URLError("no route")
    (tmp_path / "pretrained").mkdir()
    torch.save(Bomb(), tmp_path / "pretrained" / pretrained.TRUNK)
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        data.load_imagenet_weights("resnet18", root=tmp_path)
