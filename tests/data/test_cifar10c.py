import io
import os
import tarfile
import tracemalloc

import numpy as np
import pytest
from makers.official_files import NOBODY, md5, pack_cifar10c, server, write_cifar10c

from visionfail.data import cifar10c, downloads

NAMES = ("fog", "contrast")


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_a_severity_is_its_block_of_the_file_with_its_labels(tmp_path, severity):
    arrays = write_cifar10c(tmp_path, NAMES, per_severity=12)
    arrays["labels"][:] = np.arange(60) // 6  # unlike the real ones, so that a wrong block shows
    np.save(tmp_path / "CIFAR-10-C" / "labels.npy", arrays["labels"])
    images, labels = cifar10c.read_cifar10c(tmp_path, "contrast", severity, images_per_severity=12)
    assert images.shape == (12, 3, 32, 32) and images.is_contiguous()
    for k in (0, 7, 11):
        row = 12 * (severity - 1) + k
        assert np.array_equal(images[k, 1].numpy(), arrays["contrast"][row, :, :, 1])
        assert labels[k] == row // 6


@pytest.mark.fault("damaged download")
@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (
            "fog",
            np.zeros((60, 3, 32, 32), np.uint8),
            r"uint8 \(60, 3, 32, 32\) where CIFAR-10-C has uint8 \(60, 32, 32, 3\)",
        ),
        ("fog", np.zeros((60, 32, 32, 3), np.float32), r"float32 \(60, 32, 32, 3\) where"),
        ("fog", np.zeros((59, 32, 32, 3), np.uint8), r"uint8 \(59, 32, 32, 3\) where"),
        (
            "labels",
            np.zeros((12,), np.uint8),
            r"labels\.npy holds uint8 \(12,\) where CIFAR-10-C has uint8 \(60,\)",
        ),
        ("labels", np.zeros((60,), np.int64), r"int64 \(60,\) where"),
    ],
)
def test_another_shape_dtype_or_length_is_refused_by_name(tmp_path, name, array, message):
    write_cifar10c(tmp_path, NAMES, per_severity=12)
    np.save(tmp_path / "CIFAR-10-C" / f"{name}.npy", array)
    for _ in range(2):  # and refused again
        with pytest.raises(ValueError, match=message):
            cifar10c.read_cifar10c(tmp_path, "fog", 1, images_per_severity=12)


@pytest.mark.fault("damaged download")
@pytest.mark.parametrize("length", [0, 50, 5000])
def test_a_file_cut_short_is_set_aside(tmp_path, length):
    write_cifar10c(tmp_path, NAMES, per_severity=12)
    file = tmp_path / "CIFAR-10-C" / "fog.npy"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(
        ValueError,
        match=r"fog\.npy is cut short or no \.npy file.*set aside as fog\.npy\.corrupt.*make data",
    ):
        cifar10c.read_cifar10c(tmp_path, "fog", 1, images_per_severity=12)
    assert file.with_name("fog.npy.corrupt").stat().st_size == length
    assert cifar10c.cifar10c_is_present(
        tmp_path, "fog"
    )  # it was: nothing is regenerated in its place behind the user's back
    with pytest.raises(FileNotFoundError, match=r"fog\.npy is missing"):
        cifar10c.read_cifar10c(tmp_path, "fog", 1, images_per_severity=12)


@pytest.mark.fault("missing files and data")
def test_missing_labels_are_named(tmp_path):
    write_cifar10c(tmp_path, NAMES)
    os.remove(tmp_path / "CIFAR-10-C" / "labels.npy")
    with pytest.raises(FileNotFoundError, match=r"labels\.npy is missing"):
        cifar10c.read_cifar10c(tmp_path, "fog", 1, images_per_severity=12)


@pytest.mark.fault("damaged download")
def test_at_full_size_the_sum_must_be_the_published_one(tmp_path, monkeypatch):
    file = tmp_path / "CIFAR-10-C" / "fog.npy"
    file.parent.mkdir()
    array = np.lib.format.open_memmap(
        file, "w+", np.uint8, (50_000, 32, 32, 3)
    )  # mostly a hole in the disk
    array[20_003, 4, 5, 1] = 77
    array.flush()
    del array
    np.save(file.with_name("labels.npy"), np.tile(np.arange(10_000, dtype=np.uint8) % 10, 5))
    sums = {name: md5(file.with_name(f"{name}.npy").read_bytes()) for name in ("fog", "labels")}
    monkeypatch.setattr(cifar10c, "PUBLISHED_MD5", sums)
    tracemalloc.start()
    images, labels = cifar10c.read_cifar10c(tmp_path, "fog", 3, images_per_severity=cifar10c.IMAGES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6  # one severity is 30.7 MB, the file 153.6
    assert images.shape == (10_000, 3, 32, 32) and images[3, 1, 4, 5] == 77 and images.sum() == 77
    assert labels[:11].tolist() == [*range(10), 0]
    monkeypatch.setitem(sums, "fog", "0" * 32)
    with pytest.raises(
        ValueError, match=r"cifar10c: .*fog\.npy is cut short or changed.*fog\.npy\.corrupt"
    ):
        cifar10c.read_cifar10c(tmp_path, "fog", 3, images_per_severity=cifar10c.IMAGES)
    assert not file.exists()


@pytest.mark.fault("downloads that fail")
def test_the_archive_comes_from_the_second_mirror_and_is_unpacked(tmp_path, monkeypatch):
    arrays = write_cifar10c(tmp_path / "host", NAMES)
    archive = pack_cifar10c(tmp_path / "host", monkeypatch)
    with (
        server({"CIFAR-10-C.tar": archive[:1000]}) as (broken, _),
        server({"CIFAR-10-C.tar": archive}) as (good, asked),
    ):
        monkeypatch.setattr(
            cifar10c, "URLS", (f"{broken}/CIFAR-10-C.tar?download=1", f"{good}/CIFAR-10-C.tar")
        )
        assert cifar10c.download_cifar10c(tmp_path / "here")
        assert not cifar10c.download_cifar10c(tmp_path / "here")
        assert len(asked) == 1
    assert os.listdir(tmp_path / "here") == ["CIFAR-10-C"]  # both archives are gone
    images, _ = cifar10c.read_cifar10c(tmp_path / "here", "fog", 2, images_per_severity=12)
    assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), arrays["fog"][12:24])


@pytest.mark.fault("damaged download")
def test_what_is_there_is_verified_and_what_is_bad_fetched_again(tmp_path, monkeypatch):
    write_cifar10c(tmp_path, NAMES)
    archive = pack_cifar10c(tmp_path, monkeypatch)
    fog = tmp_path / "CIFAR-10-C" / "fog.npy"
    content = fog.read_bytes()
    monkeypatch.setattr(cifar10c, "URLS", (f"{NOBODY}/CIFAR-10-C.tar",))
    assert not cifar10c.download_cifar10c(tmp_path)
    fog.write_bytes(content[:-1] + b"!")
    with pytest.raises(ConnectionError, match=r"CIFAR-10-C\.tar could not be downloaded"):
        cifar10c.download_cifar10c(tmp_path)
    assert fog.with_name("fog.npy.corrupt").exists() and not fog.exists()
    with server({"CIFAR-10-C.tar": archive}) as (address, _):
        monkeypatch.setattr(cifar10c, "URLS", (f"{address}/CIFAR-10-C.tar",))
        assert cifar10c.download_cifar10c(tmp_path)
    assert fog.read_bytes() == content


@pytest.mark.fault("folders that cannot be used")
def test_whole_files_in_a_folder_that_cannot_be_written_are_taken(tmp_path, monkeypatch):
    write_cifar10c(tmp_path, NAMES)
    content = pack_cifar10c(tmp_path, monkeypatch)
    (tmp_path / "archive.tar").write_bytes(content)

    def denied(*_, **__):
        pytest.fail("asked whether it can write")

    monkeypatch.setattr(downloads, "check_writable", denied)
    assert not cifar10c.download_cifar10c(tmp_path)
    assert not downloads.fetch_file([NOBODY], tmp_path / "archive.tar", right=md5(content))


@pytest.mark.fault("files that run code or write elsewhere")
def test_nothing_in_the_archive_is_written_elsewhere(tmp_path, monkeypatch):
    write_cifar10c(tmp_path / "host", NAMES)
    packed = io.BytesIO(pack_cifar10c(tmp_path / "host", monkeypatch))
    with tarfile.open(fileobj=packed, mode="a") as tar:
        member = tarfile.TarInfo("../../escaped.txt")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"bad"))
    archive = tmp_path / "here" / "deep" / "CIFAR-10-C.tar"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(packed.getvalue())
    monkeypatch.setattr(cifar10c, "ARCHIVE_MD5", md5(packed.getvalue()))
    assert cifar10c.download_cifar10c(archive.parent)
    assert not list(tmp_path.rglob("escaped.txt"))
    assert sorted(os.listdir(archive.parent / "CIFAR-10-C")) == [
        "contrast.npy",
        "fog.npy",
        "labels.npy",
    ]


@pytest.mark.fault("damaged download")
def test_an_archive_without_a_file_is_refused_by_name(tmp_path, monkeypatch):
    write_cifar10c(tmp_path, ("fog",))
    (tmp_path / "CIFAR-10-C.tar").write_bytes(pack_cifar10c(tmp_path, monkeypatch))
    monkeypatch.setattr(cifar10c, "PUBLISHED_MD5", dict(cifar10c.PUBLISHED_MD5, snow="0" * 32))
    with pytest.raises(
        ValueError,
        match=r"CIFAR-10-C\.tar has no snow\.npy: take the archive of Zenodo record 2535967",
    ):
        cifar10c.download_cifar10c(tmp_path)
