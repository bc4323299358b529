import hashlib
import os
import time

import pytest
from makers.official_files import NOBODY, server

from visionfail import files
from visionfail.data import downloads

CONTENT = bytes(range(256)) * 40
RIGHT = hashlib.md5(CONTENT).hexdigest()


def test_a_file_comes_whole_and_is_not_fetched_again(tmp_path):
    path = tmp_path / "new" / "folder" / "set.bin"
    with server({"set.bin": CONTENT}) as (address, asked):
        assert downloads.fetch_file([f"{address}/set.bin?download=1"], path, right=RIGHT)
        assert path.read_bytes() == CONTENT
        assert not downloads.fetch_file([f"{address}/set.bin?download=1"], path, right=RIGHT)
    assert len(asked) == 1
    assert [file.name for file in path.parent.iterdir()] == ["set.bin"]


@pytest.mark.fault("downloads that fail")
@pytest.mark.parametrize("first", ["nobody listens", "not found", "other bytes", "cut short"])
def test_the_second_mirror_serves_where_the_first_fails(tmp_path, first):
    path = tmp_path / "set.bin"
    bad = {
        "other bytes": {"set.bin": b"<html>blocked</html>"},
        "cut short": {"set.bin": CONTENT},
    }.get(first, {})
    with (
        server(bad, stop_after=1000) as (broken, _),
        server({"set.bin": CONTENT}) as (good, asked),
    ):
        addresses = [NOBODY if first == "nobody listens" else broken, good]
        assert downloads.fetch_file(
            [f"{address}/set.bin" for address in addresses], path, right=RIGHT
        )
    assert path.read_bytes() == CONTENT
    assert asked == [
        ("/set.bin", "bytes=1000-" if first == "cut short" else None)
    ]  # the rest, not all of it again


@pytest.mark.fault("downloads that fail")
def test_a_download_that_broke_off_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "set.bin"
    with (
        server({"set.bin": CONTENT}, stop_after=4000) as (address, asked),
        pytest.raises(
            ConnectionError,
            match=r"set\.bin could not be downloaded:\n.*stopped at 4,000 of 10,240 bytes",
        ),
    ):
        downloads.fetch_file([f"{address}/set.bin"], path, right=RIGHT)
    assert not path.exists() and (tmp_path / "set.bin.part").stat().st_size == 4000
    with server({"set.bin": CONTENT}) as (address, asked):
        downloads.fetch_file([f"{address}/set.bin"], path, right=RIGHT)
    assert asked == [("/set.bin", "bytes=4000-")] and path.read_bytes() == CONTENT


@pytest.mark.fault("downloads that fail")
def test_a_server_that_cannot_resume_sends_it_all(tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:100])
    with server({"set.bin": CONTENT}, ranges=False) as (address, _):
        downloads.fetch_file([f"{address}/set.bin"], tmp_path / "set.bin", right=RIGHT)
    assert (tmp_path / "set.bin").read_bytes() == CONTENT


@pytest.mark.fault("damaged download")
@pytest.mark.parametrize("beginning", [b"x" * 100, CONTENT + b"too long", b"x" * len(CONTENT)])
def test_a_bad_beginning_is_set_aside_and_all_fetched_afresh(tmp_path, beginning):
    (tmp_path / "set.bin.part").write_bytes(beginning)
    with server({"set.bin": CONTENT}) as (address, asked):
        downloads.fetch_file([f"{address}/set.bin"], tmp_path / "set.bin", right=RIGHT)
    assert (tmp_path / "set.bin").read_bytes() == CONTENT
    assert [wanted for _, wanted in asked] == [f"bytes={len(beginning)}-", None]
    assert [file.name for file in tmp_path.iterdir()] == ["set.bin"]  # the good one alone


@pytest.mark.fault("downloads that fail")
def test_a_whole_part_needs_no_network(tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT)
    assert downloads.fetch_file([f"{NOBODY}/set.bin"], tmp_path / "set.bin", right=RIGHT)
    assert (tmp_path / "set.bin").read_bytes() == CONTENT


@pytest.mark.fault("downloads that fail")
def test_no_network_names_the_file_every_mirror_the_reason_and_the_remedy(tmp_path):
    with pytest.raises(ConnectionError) as caught:
        downloads.fetch_file(
            [f"{NOBODY}/set.bin", f"{NOBODY}/copy"], tmp_path / "set.bin", right=RIGHT
        )
    message = str(caught.value)
    for expected in (
        f"{NOBODY}/set.bin: ",
        f"{NOBODY}/copy: ",
        "refused",
        "make data",
        f"save the file as {tmp_path}",
    ):
        assert expected in message, message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("damaged download")
def test_other_bytes_on_every_mirror_are_set_aside_never_used(tmp_path):
    path = tmp_path / "set.bin"
    with (
        server({"set.bin": b"other"}) as (address, _),
        pytest.raises(ConnectionError, match=r"another MD5, it is set aside as set\.bin\.corrupt"),
    ):
        downloads.fetch_file([f"{address}/set.bin"], path, right=RIGHT)
    assert [file.name for file in tmp_path.iterdir()] == ["set.bin.corrupt"]


@pytest.mark.fault("damaged download")
def test_a_bad_file_already_there_is_set_aside_and_replaced(tmp_path):
    path = tmp_path / "set.bin"
    path.write_bytes(CONTENT[:-1])
    with server({"set.bin": CONTENT}) as (address, _):
        assert downloads.fetch_file([f"{address}/set.bin"], path, right=RIGHT)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in tmp_path.iterdir()] == ["set.bin"]  # what was set aside is gone


@pytest.mark.fault("folders that cannot be used")
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_fetched(
    tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    with pytest.raises(
        PermissionError, match=r"the data folder .*file.below can't be written \(.*VISIONFAIL_DATA"
    ):
        downloads.fetch_file(
            [f"{NOBODY}/set.bin"], tmp_path / "file" / "below" / "set.bin", right=RIGHT
        )

    def denied(**arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", denied)
    with pytest.raises(
        PermissionError, match=r"can't be written \(Permission denied\): make it writable"
    ):
        downloads.check_writable(tmp_path)


@pytest.mark.fault("damaged download")
def test_sums_are_taken_again_when_a_file_has_changed(tmp_path):
    path = tmp_path / "set.bin"
    for content in (b"one", b"another"):
        path.write_bytes(content)
        assert downloads.md5(path) == hashlib.md5(content).hexdigest()


@pytest.mark.fault("damaged download")
def test_sums_are_taken_again_where_size_and_time_are_those_of_before(tmp_path):
    path = tmp_path / "set.bin"
    path.write_bytes(b"one")
    first = path.stat()
    assert downloads.md5(path) == hashlib.md5(b"one").hexdigest()
    time.sleep(0.05)  # clocks of file systems tick in milliseconds
    path.write_bytes(b"two")
    os.utime(path, ns=(first.st_atime_ns, first.st_mtime_ns))  # as cp -p and rsync leave it
    assert downloads.md5(path) == hashlib.md5(b"two").hexdigest()


@pytest.mark.fault("damaged download")
def test_bad_and_missing_files_are_named(tmp_path):
    path = tmp_path / "set.bin"
    path.write_bytes(CONTENT[:500])
    with pytest.raises(
        ValueError,
        match=r"cifar: .*set\.bin is cut short or changed.*set aside as set\.bin\.corrupt.*make",
    ):
        downloads.check_sums("cifar", {path: RIGHT})
    assert downloads.was_there(path)
    with pytest.raises(
        FileNotFoundError, match=r"cifar: .*set\.bin is missing.*make data.*VISIONFAIL_DATA"
    ):
        downloads.check_present("cifar", [path])


def test_bytes_of_a_download_are_on_the_disk_before_its_name(tmp_path, monkeypatch):
    order = []
    fsync = os.fsync
    replace = os.replace

    def synced(handle):
        order.append("fsync")
        fsync(handle)

    def renamed(*ends):
        order.append(f"replace {ends[1].name}")
        replace(*ends)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    with server({"set.bin": CONTENT}) as (address, _):
        downloads.fetch_file([f"{address}/set.bin"], tmp_path / "set.bin", right=RIGHT)
    assert order[:2] == ["fsync", "replace set.bin"]
