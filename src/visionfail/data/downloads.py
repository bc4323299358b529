"""Files from the network: resumed, checked by MD5, from a second mirror if the first fails."""

import functools
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from visionfail import files

TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 20
REMEDY = "run `make data` (python tools/data.py)"


def md5(path: Path) -> str:
    """The MD5 of a file, read once for as long as its size and times of change stay the same."""
    status = path.stat()
    return _md5(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@functools.lru_cache(maxsize=256)
def _md5(path: Path, size: int, written: int, changed: int) -> str:
    """The MD5 of a file; size and times are part of the key under which it is cached.

    The time of writing can be set back, as copies do; that of change cannot.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def set_aside(path: Path) -> Path:
    """The new path of a bad file or folder, <name>.corrupt, so that nobody reads it by mistake.

    What was set aside under that name before is replaced.
    """
    aside = aside_of(path)
    try:
        if aside.is_dir():
            shutil.rmtree(aside)
        os.replace(path, aside)
    except OSError as error:
        raise PermissionError(
            f"{path} is damaged and can't be renamed ({error.strerror}): remove it, or point "
            "VISIONFAIL_DATA at another folder."
        ) from error
    return aside


def aside_of(path: Path) -> Path:
    """Where a bad file of this name, or a bad part of it, is set aside."""
    return path.with_name(path.name.removesuffix(".part") + ".corrupt")


def set_aside_wrong(sums: Mapping[Path, str]) -> list[Path]:
    """The new paths of the existing files whose MD5 is not the one given: they are set aside."""
    new_paths = []
    for path, right in sums.items():
        if path.exists() and md5(path) != right:
            new_paths.append(set_aside(path))
    return new_paths


def remove_aside(paths: Iterable[Path]) -> None:
    """Remove what was set aside of what is right now: up to gigabytes that nobody reads."""
    for path in paths:
        aside = aside_of(path)
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink(missing_ok=True)


def was_there(path: Path) -> bool:
    """Whether the file or folder exists, or did until it was set aside."""
    return path.exists() or aside_of(path).exists()


def check_present(name: str, paths: Iterable[Path]) -> None:
    """Raises FileNotFoundError for a file of the set `name` that is missing."""
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(
                f"{name}: {path} is missing. To download it, {REMEDY}; or point "
                "VISIONFAIL_DATA at the folder that has it."
            )


def check_sums(name: str, sums: Mapping[Path, str]) -> None:
    """Raises ValueError for a file of the set `name` with another MD5; it is set aside."""
    for aside in set_aside_wrong(sums):
        raise ValueError(
            f"{name}: {aside.with_suffix('')} is cut short or changed, its MD5 is not the official "
            f"one. It is set aside as {aside.name}; to get it whole, {REMEDY}."
        )


def check_writable(folder: Path) -> None:
    """Make the data folder if need be; raises PermissionError if no file can be written in it."""
    remedy = "make it writable, or point VISIONFAIL_DATA at another folder"
    files.check_writable(folder, remedy=remedy, what="data folder")


def are_official(sums: Mapping[Path, str]) -> bool:
    """Whether all of the files are there with their MD5: then nothing need be written."""
    return all(path.is_file() and md5(path) == right for path, right in sums.items())


def fetch_by(download: Callable[[], object], name: str, folder: Path, *, unpacked: Path) -> None:
    """Call what downloads the set `name` into the folder, such as a data set of torchvision.

    torchvision takes `unpacked`, where it is, for all of the archive: what an interruption left
    there is set aside before. ConnectionError with the reason where it fails, PermissionError where
    nothing can be written.
    """
    check_writable(folder)
    if unpacked.exists():
        set_aside(unpacked)
    try:
        download()
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            f"{name} could not be downloaded: {error}\nCheck the network and {REMEDY} again."
        ) from error


def fetch_file(urls: Sequence[str], path: Path, *, right: str) -> bool:
    """Download `path`, with the MD5 `right`, from the first mirror that can; False if it was there.

    What a broken download left is continued; what has another MD5 is set aside until the right file
    is there. ConnectionError, with the reason for each mirror, if none has it; PermissionError if
    the folder can't be written.
    """
    if path.exists() and md5(path) == right:
        return False
    check_writable(path.parent)
    set_aside_wrong({path: right})
    partial = path.with_name(path.name + ".part")
    reasons = ""
    for url in urls:
        try:
            _fetch_from(url, partial, right=right)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reasons += f"  {url}: {error}\n"
            continue
        files.put_in_place(partial, path)
        remove_aside([path])
        return True
    raise ConnectionError(
        f"{path.name} could not be downloaded:\n{reasons}"
        f"Check the network and {REMEDY} again, which goes on where this stopped; "
        f"or save the file as {path}."
    )


def _fetch_from(url: str, partial: Path, *, right: str) -> None:
    """Complete the file `partial`, whose MD5 shall be `right`, from one mirror.

    ValueError, and the file set aside, where the mirror has other bytes.
    """
    resumed = partial.exists()
    if resumed and md5(partial) == right:
        return
    try:
        _stream(url, partial)
    except urllib.error.HTTPError as error:
        # 416: the server has nothing after what we have, and our sum is wrong
        if error.code != 416:
            raise
    if md5(partial) == right:
        return
    aside = set_aside(partial)
    if not resumed:
        raise ValueError(f"what came has another MD5, it is set aside as {aside.name}")
    _fetch_from(url, partial, right=right)  # perhaps only the old beginning was bad


def _stream(url: str, partial: Path) -> None:
    """Append what `partial` still lacks; ConnectionError if the line breaks before the end."""
    size = partial.stat().st_size if partial.exists() else 0
    headers = {"User-Agent": "visionfail"}
    if size:
        headers["Range"] = f"bytes={size}-"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
        resumed = size if reply.status == 206 else 0  # some servers send it all again
        total = None
        if "Content-Length" in reply.headers:
            total = resumed + int(reply.headers["Content-Length"])
        bar = tqdm(total=total, initial=resumed, unit="B", unit_scale=True, desc=partial.stem)
        with open(partial, "ab" if resumed else "wb") as file, bar:
            while chunk := reply.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    size = partial.stat().st_size
    if total is not None and size < total:
        raise ConnectionError(f"the download stopped at {size:,} of {total:,} bytes")
