import importlib.util
import sys

import numpy as np
import pytest
import torch
from makers.official_files import (
    NOBODY,
    md5,
    write_cifar10,
    write_cifar10c,
    write_mnist,
    write_svhn,
)
from torchvision import datasets

from visionfail import paths
from visionfail.corruptions import apply
from visionfail.data import cifar10c, sets, splits, standins

STORED = np.array([10, 1, 2, 3, 4, 5, 6, 7, 8, 9] * 4)


def test_cifar10_train_and_val_share_nothing(tmp_path, monkeypatch):
    written = write_cifar10(tmp_path, monkeypatch)
    train, val, test = (
        sets.load("cifar10", split, root=tmp_path) for split in ("train", "val", "test")
    )
    assert (len(train), len(val), len(test)) == (90, 10, 20)
    assert train.origin == val.origin == test.origin == "official"
    assert val.labels.bincount().tolist() == [1] * 10
    loaded = {image.numpy().tobytes() for image in torch.cat([train.images, val.images])}
    stored = set()
    for name, (rows, _) in written.items():
        if name != "test_batch":
            stored.update(row.tobytes() for row in rows)
    assert loaded == stored
    assert (
        test.classes == sets.CLASSES["cifar10"] and test.labels.tolist() == written["test_batch"][1]
    )


def test_mnist_parts_are_those_of_the_splits(tmp_path, monkeypatch):
    write_mnist(tmp_path, monkeypatch, train=60_000)
    expected = splits.split_mnist(np.arange(60_000) % 10)
    for split in ("train", "auditor", "val"):
        loaded = sets.load("mnist", split, root=tmp_path)
        number = loaded.images[:, 0, 0, :3].long() @ torch.tensor([1 << 16, 1 << 8, 1])
        assert np.array_equal(number.numpy(), expected[split])
        assert np.array_equal(loaded.labels.numpy(), expected[split] % 10)
    assert len(sets.load("mnist", "test", root=tmp_path)) == 30


def test_svhn_digit_zero_is_class_zero(tmp_path, monkeypatch):
    write_svhn(tmp_path, monkeypatch, labels=STORED)
    train = sets.load("svhn", "train", root=tmp_path)
    val = sets.load("svhn", "val", root=tmp_path)
    assert (len(train), len(val)) == (36, 4)
    assert torch.cat([train.labels, val.labels]).bincount().tolist() == [4] * 10
    assert (
        train.images.shape == (36, 3, 32, 32)
        and len(sets.load("svhn", "test", root=tmp_path)) == 20
    )


@pytest.mark.fault("damaged download")
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (STORED[:39], "39 labels for 40 images"),
        (np.where(STORED == 10, 11, STORED), "from 1 to 11, out of range for 10"),
    ],
)
def test_labels_of_another_length_or_out_of_range_are_refused(
    tmp_path, monkeypatch, labels, message
):
    write_svhn(tmp_path, monkeypatch, labels=labels)
    with pytest.raises(ValueError, match=message):
        sets.load("svhn", "train", root=tmp_path)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("load", [sets.load, sets.load_or_standin])
def test_an_unknown_set_or_split_is_refused(tmp_path, load):
    with pytest.raises(
        ValueError, match="unknown data set 'cifar100': choose one of cifar10, mnist, svhn"
    ):
        load("cifar100", "train", root=tmp_path)
    with pytest.raises(
        ValueError, match="unknown split 'auditor' of cifar10: choose one of train, val, test"
    ):
        load("cifar10", "auditor", root=tmp_path)


@pytest.mark.fault("missing files and data")
def test_a_missing_set_names_the_folder_and_the_remedy(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=rf"cifar10: {tmp_path}.*is missing.*make data.*VISIONFAIL_DATA"
    ):
        sets.load("cifar10", "test", root=tmp_path)


@pytest.mark.fault("folders that cannot be used")
def test_a_data_folder_that_is_a_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path / "file"))
    for call in (
        lambda: sets.load("cifar10", "test"),
        lambda: sets.load_or_standin("mnist", "val"),
        lambda: sets.load_cifar10c("fog", 3),
        lambda: sets.fetch("cifar10c"),
    ):
        with pytest.raises(
            ValueError, match=r"file is a file, not a folder: point VISIONFAIL_DATA"
        ):
            call()


@pytest.mark.fault("folders that cannot be used")
def test_downloading_without_network_or_where_nothing_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{NOBODY}/cifar-10-python.tar.gz")
    with pytest.raises(ConnectionError, match="Check the network and run `make data`"):
        sets.load("cifar10", "test", root=tmp_path, download=True)
    (tmp_path / "file").touch()
    with pytest.raises(PermissionError, match=r"the data folder .* can't be written"):
        sets.load("cifar10", "test", root=tmp_path / "file" / "data", download=True)


@pytest.mark.fault("missing files and data")
def test_a_standin_takes_the_place_of_a_set_that_is_not_there_at_all(tmp_path, monkeypatch):
    for name, split in (("cifar10", "val"), ("svhn", "val"), ("mnist", "auditor")):
        assert sets.load_or_standin(name, split, root=tmp_path).origin == "standin"
    write_cifar10(tmp_path, monkeypatch)
    assert sets.load_or_standin("cifar10", "val", root=tmp_path).origin == "official"
    bad = tmp_path / "cifar-10-batches-py" / "data_batch_1"
    bad.write_bytes(b"cut")
    for error in (
        ValueError,
        FileNotFoundError,
    ):  # refused at first, and when it is set aside as well
        with pytest.raises(error, match="data_batch_1"):
            sets.load_or_standin("cifar10", "val", root=tmp_path)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("severity", [6, -1, 2.5, "3", True, None])
def test_an_unknown_severity_is_refused(tmp_path, severity):
    write_cifar10c(tmp_path, ("fog",))
    with pytest.raises(
        ValueError, match=f"severity {severity!r} does not exist: take a whole number from 0"
    ):
        sets.load_cifar10c("fog", severity, root=tmp_path)


@pytest.mark.fault("bad arguments")
def test_an_unknown_corruption_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"unknown corruption 'fogg': choose one of gaussian_noise, .* saturate"
    ):
        sets.load_cifar10c("fogg", 3, root=tmp_path)
    with pytest.raises(ValueError, match="unknown corruption 'labels'"):
        sets.load_cifar10c("labels", 3, root=tmp_path)


def test_published_files_are_preferred_and_fewer_images_are_a_subset(tmp_path, monkeypatch):
    write_cifar10(tmp_path, monkeypatch)
    arrays = write_cifar10c(tmp_path, ("fog",), per_severity=12)
    subset = sets.load_cifar10c("fog", 5, root=tmp_path, images_per_severity=12)
    assert subset.origin == "subset" and subset.classes == sets.CLASSES["cifar10"]
    assert np.array_equal(subset.images.permute(0, 2, 3, 1).numpy(), arrays["fog"][48:])
    monkeypatch.setattr(cifar10c, "IMAGES", 12)  # as if 12 were all there are
    monkeypatch.setattr(
        cifar10c, "PUBLISHED_MD5", {n: md5(f.read_bytes()) for n, f in files_of(tmp_path)}
    )
    assert sets.load_cifar10c("fog", 5, root=tmp_path, images_per_severity=12).origin == "official"


def files_of(folder):
    return [(file.stem, file) for file in (folder / "CIFAR-10-C").glob("*.npy")]


@pytest.mark.fault("missing files and data")
@pytest.mark.parametrize(
    ("name", "origin"), [("contrast", "identical"), ("gaussian_noise", "regenerated")]
)
def test_without_the_published_file_it_is_regenerated_and_says_so(
    tmp_path, monkeypatch, name, origin
):
    write_cifar10(tmp_path, monkeypatch)
    clean = sets.load("cifar10", "test", root=tmp_path)
    loaded = sets.load_cifar10c(name, 4, root=tmp_path, seed=3)
    assert loaded.origin == origin and loaded.labels.equal(clean.labels)
    assert loaded.images.equal(apply.corrupt(clean.images, name, 4, seed=3))
    assert not loaded.images.equal(clean.images)


def test_severity_zero_is_the_clean_test_set(tmp_path, monkeypatch):
    write_cifar10(tmp_path, monkeypatch)
    write_cifar10c(tmp_path, ("fog",))
    loaded = sets.load_cifar10c("fog", 0, root=tmp_path)
    assert loaded.origin == "official" and loaded.images.equal(
        sets.load("cifar10", "test", root=tmp_path).images
    )


def test_corrupted_standins_stay_standins(tmp_path):
    loaded = sets.load_cifar10c("contrast", 5, root=tmp_path)
    assert loaded.origin == "standin" and loaded.classes == standins.OBJECTS
    spread = standins.coloured_objects("test").images.double().std(dim=(2, 3)).mean()
    assert loaded.images.double().std(dim=(2, 3)).mean() / spread == pytest.approx(
        0.15, abs=0.01
    )  # contrast 5 is 0.15


def run_tool(monkeypatch, *arguments):
    spec = importlib.util.spec_from_file_location("tool", paths.ROOT / "tools" / "data.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(sys, "argv", ["data.py", *arguments])
    return tool.main()


@pytest.mark.fault("downloads that fail")
def test_the_command_goes_on_after_a_set_that_cannot_be_had(tmp_path, monkeypatch, capsys):
    write_svhn(tmp_path, monkeypatch, labels=STORED)
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{NOBODY}/cifar-10-python.tar.gz")
    assert run_tool(monkeypatch, "cifar10", "svhn", "--root", str(tmp_path)) == 1
    printed = capsys.readouterr()
    assert (
        f"svhn: verified in {tmp_path}" in printed.out
        and "cifar10: cifar-10-python.tar.gz could not" in printed.err
    )
    assert run_tool(monkeypatch, "svhn", "--root", str(tmp_path)) == 0
    with pytest.raises(SystemExit):
        run_tool(monkeypatch, "imagenet")
    assert (
        "unknown set imagenet: choose from cifar10, mnist, svhn, svhn10k" in capsys.readouterr().err
    )


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["cifar10", "mnist"])
def test_the_statistics_are_those_of_the_training_pixels(name):
    training = [sets.load(name, split).images for split in sets.SPLITS[name] if split != "test"]
    pixels = torch.cat(training)
    for channel, (mean, std) in enumerate(zip(*sets.CHANNEL_STATS[name], strict=True)):
        counts = pixels[:, channel].flatten().bincount(minlength=256).numpy()
        centre = np.average(np.arange(256), weights=counts)
        assert centre / 255 == pytest.approx(mean, abs=6e-5)  # given with four digits
        assert np.average(
            (np.arange(256) - centre) ** 2, weights=counts
        ) ** 0.5 / 255 == pytest.approx(std, abs=6e-5)


@pytest.mark.realdata
def test_the_class_names_are_the_official_ones():
    assert tuple(datasets.CIFAR10(paths.data_dir(), train=False).classes) == sets.CLASSES["cifar10"]


@pytest.mark.realdata
def test_every_test_set_is_whole():
    for name in ("cifar10", "mnist"):
        loaded = sets.load(name, "test")
        assert len(loaded) == 10_000 and loaded.origin == "official"
    assert sets.load("cifar10", "test").labels.bincount().tolist() == [1000] * 10
