import numpy as np
import pytest
from makers.official_files import (
    NOBODY,
    gzipped_mnist,
    pack_cifar10,
    server,
    write_cifar10,
    write_mnist,
    write_svhn,
)
from torchvision import datasets

from visionfail import paths
from visionfail.data import downloads, torchvision_sets

STORED = np.array([10, 1, 2, 3, 4, 5, 6, 7, 8, 9] * 4)  # SVHN stores the digit 0 as 10


def test_cifar10_rows_are_three_planes_of_32_by_32(tmp_path, monkeypatch):
    written = write_cifar10(tmp_path, monkeypatch, per_batch=7)
    images, labels = torchvision_sets.read_official("cifar10", "train", tmp_path)
    assert images.shape == (35, 3, 32, 32) and images.is_contiguous()
    rows, marks = written["data_batch_2"]
    # batch 2, image 3: red in row order first, then green, then blue
    assert (
        images[10, 0, 0, 5] == rows[3, 5]
        and images[10, 1, 2, 0] == rows[3, 1024 + 64]
        and images[10, 2, 31, 31] == rows[3, -1]
    )
    assert labels[7:14].tolist() == marks
    images, labels = torchvision_sets.read_official("cifar10", "test", tmp_path)
    assert np.array_equal(images.numpy().reshape(7, -1), written["test_batch"][0])


def test_mnist_keeps_its_order(tmp_path, monkeypatch):
    arrays = write_mnist(tmp_path, monkeypatch, train=50)
    for split, file in (("train", "train"), ("test", "t10k")):
        images, labels = torchvision_sets.read_official("mnist", split, tmp_path)
        assert np.array_equal(images[:, 0].numpy(), arrays[f"{file}-images-idx3-ubyte"])
        assert np.array_equal(labels.numpy(), arrays[f"{file}-labels-idx1-ubyte"])


def test_svhn_turns_ten_into_zero_and_the_axes_round(tmp_path, monkeypatch):
    pictures = write_svhn(tmp_path, monkeypatch, labels=STORED)
    images, labels = torchvision_sets.read_official("svhn", "train", tmp_path)
    assert labels.tolist() == list(range(10)) * 4
    assert np.array_equal(images.numpy(), pictures) and images.is_contiguous()


@pytest.mark.fault("damaged download")
@pytest.mark.parametrize("content", [b"", b"x" * 4000])
def test_a_file_cut_short_is_named_and_set_aside(tmp_path, monkeypatch, content):
    write_cifar10(tmp_path, monkeypatch)
    bad = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    bad.write_bytes(content)
    with pytest.raises(
        ValueError,
        match=r"cifar10: .*data_batch_3 is cut short or changed.*data_batch_3\.corrupt.*make data",
    ):
        torchvision_sets.check_official("cifar10", tmp_path)
    assert not bad.exists() and bad.with_name("data_batch_3.corrupt").read_bytes() == content
    with pytest.raises(FileNotFoundError, match=r"data_batch_3 is missing"):
        torchvision_sets.check_official("cifar10", tmp_path)


@pytest.mark.fault("damaged download")
def test_the_unpacked_mnist_files_are_checked(tmp_path, monkeypatch):
    write_mnist(tmp_path, monkeypatch, train=50)
    torchvision_sets.check_official("mnist", tmp_path)
    labels = tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x07")
    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte is cut short or changed"):
        torchvision_sets.check_official("mnist", tmp_path)


def test_cifar10_is_downloaded_unpacked_and_verified(tmp_path, monkeypatch):
    written = write_cifar10(tmp_path / "host", monkeypatch)
    archive = pack_cifar10(tmp_path / "host", monkeypatch)
    with server({"cifar.tar.gz": archive}) as (address, asked):
        monkeypatch.setattr(datasets.CIFAR10, "url", f"{address}/cifar.tar.gz")
        assert torchvision_sets.download_official("cifar10", tmp_path / "here")
        assert not torchvision_sets.download_official("cifar10", tmp_path / "here")
        assert len(asked) == 1
    images, _ = torchvision_sets.read_official("cifar10", "test", tmp_path / "here")
    assert np.array_equal(images.numpy().reshape(20, -1), written["test_batch"][0])


@pytest.mark.fault("damaged download")
def test_a_damaged_set_is_set_aside_and_unpacked_again(tmp_path, monkeypatch):
    write_cifar10(tmp_path, monkeypatch)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(pack_cifar10(tmp_path, monkeypatch))
    bad = tmp_path / "cifar-10-batches-py" / "test_batch"
    content = bad.read_bytes()
    bad.write_bytes(content[:-10])
    monkeypatch.setattr(
        datasets.CIFAR10, "url", f"{NOBODY}/none"
    )  # the archive is there: no network is needed
    assert torchvision_sets.download_official("cifar10", tmp_path)
    assert bad.read_bytes() == content and not bad.with_name("test_batch.corrupt").exists()


@pytest.mark.fault("downloads that fail")
def test_mnist_comes_from_the_second_mirror(tmp_path, monkeypatch):
    packed = gzipped_mnist(write_mnist(tmp_path / "host", monkeypatch, train=50), monkeypatch)
    with server(packed) as (address, _):
        monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{NOBODY}/", f"{address}/"])
        assert torchvision_sets.download_official("mnist", tmp_path / "here")
    assert len(torchvision_sets.read_official("mnist", "train", tmp_path / "here")[0]) == 50


def test_svhn_is_downloaded(tmp_path, monkeypatch):
    write_svhn(tmp_path / "host", monkeypatch, labels=STORED)
    files = {file.name: file.read_bytes() for file in (tmp_path / "host").iterdir()}
    with server(files) as (address, _):
        listed = {
            split: [f"{address}/{file}", file, md5]
            for split, (_, file, md5) in datasets.SVHN.split_list.items()
        }
        monkeypatch.setattr(datasets.SVHN, "split_list", listed)
        assert torchvision_sets.download_official("svhn", tmp_path / "here")
    assert len(torchvision_sets.read_official("svhn", "test", tmp_path / "here")[0]) == 20


@pytest.mark.fault("downloads that fail")
def test_no_network_names_the_set_the_reason_and_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{NOBODY}/cifar-10-python.tar.gz")
    with pytest.raises(
        ConnectionError,
        match=r"cifar-10-python\.tar\.gz could not be downloaded:\n.*refused.*\n.*make data",
    ):
        torchvision_sets.download_official("cifar10", tmp_path)


def test_a_set_is_there_as_soon_as_one_of_its_files_was(tmp_path, monkeypatch):
    assert not torchvision_sets.official_is_present("cifar10", tmp_path)
    write_cifar10(tmp_path, monkeypatch)
    assert torchvision_sets.official_is_present("cifar10", tmp_path)
    for path in torchvision_sets.official_files("cifar10", tmp_path):
        downloads.set_aside(path)
    assert torchvision_sets.official_is_present("cifar10", tmp_path)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["cifar10", "mnist"])
def test_the_real_files_have_the_official_sums(name):
    torchvision_sets.check_official(name, paths.data_dir())
