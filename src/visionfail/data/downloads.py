"""Files from the network: resumed, checked against their MD5, from a second mirror if the first
fails.
"""

import functools
import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 20
REMEDY = "run `make data` (python tools/data.py)"


def md5(path: Path) -> str:
    """The MD5 of a file, read once for as long as its size and time of change stay the same."""
    status = path.stat()
    return _md5(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _md5(path: Path, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def set_aside(path: Path) -> Path:
    """Rename a bad file to <name>.corrupt, so that nobody reads it by mistake; returns the new
    path.
    """
    aside = path.with_name(path.name.removesuffix(".part") + ".corrupt")
    os.replace(path, aside)
    return aside


def set_aside_wrong(sums: Mapping[Path, str]) -> list[Path]:
    """Set aside those of the existing files whose MD5 is not the one given, and return their new
    paths.
    """
    return [set_aside(path) for path, right in sums.items() if path.exists() and md5(path) != right]


def was_there(path: Path) -> bool:
    """Whether the file exists, or did until it was set aside."""
    return path.exists() or path.with_name(path.name + ".corrupt").exists()


def check_present(name: str, paths: Iterable[Path]) -> None:
    """FileNotFoundError for a file of the set `name` that is missing."""
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(
                f"{name}: {path} is missing. To download it, {REMEDY}; or point "
                "VISIONFAIL_DATA at the folder that has it."
            )


def check_sums(name: str, sums: Mapping[Path, str]) -> None:
    """ValueError for a file of the set `name` with another MD5 than the one given; it is set
    aside.
    """
    for aside in set_aside_wrong(sums):
        raise ValueError(
            f"{name}: {aside.with_suffix('')} is cut short or changed, its MD5 is not the official "
            f"one. It is set aside as {aside.name}; to get it whole, {REMEDY}."
        )


def check_writable(folder: Path) -> None:
    """Make the folder if need be; PermissionError if no file can be written in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise PermissionError(
            f"the data folder {folder} can't be written ({error.strerror}): make it writable, or "
            "point VISIONFAIL_DATA at another folder."
        ) from error


def fetch_file(urls: Sequence[str], path: Path, *, right: str) -> bool:
    """Bring `path` there, with the MD5 `right`, from the first mirror that can; False if it was
    there already.

    What a broken download left is continued; what has another MD5 is set aside. ConnectionError,
    with the reason for each mirror, if none has it; PermissionError if the folder can't be written.
    """
    if path.exists() and md5(path) == right:
        return False
    check_writable(path.parent)
    set_aside_wrong({path: right})
    part = path.with_name(path.name + ".part")
    reasons = []
    for url in urls:
        try:
            _fetch_from(url, part, right=right)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reasons.append(f"  {url}: {error}")
            continue
        os.replace(part, path)
        return True
    raise ConnectionError(
        "\n".join([f"{path.name} could not be downloaded:", *reasons])
        + f"\nCheck the network and {REMEDY} again, which goes on where this stopped; "
        + f"or save the file as {path}."
    )


def _fetch_from(url: str, part: Path, *, right: str) -> None:
    begun = part.exists()
    if begun and md5(part) == right:
        return
    try:
        _stream(url, part)
    except urllib.error.HTTPError as error:
        if (
            error.code != 416
        ):  # 416: the server has nothing after what we have, and our sum is wrong
            raise
    if md5(part) == right:
        return
    aside = set_aside(part)
    if not begun:
        raise ValueError(f"what came has another MD5, it is set aside as {aside.name}")
    _fetch_from(url, part, right=right)  # perhaps only the old beginning was bad


def _stream(url: str, part: Path) -> None:
    """Append what `part` still lacks; ConnectionError if the line breaks before the end."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "visionfail"} | ({"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(
        urllib.request.Request(url, headers=headers), timeout=TIMEOUT
    ) as reply:
        have = have if reply.status == 206 else 0  # some servers send it all again
        total = (
            have + int(reply.headers["Content-Length"])
            if "Content-Length" in reply.headers
            else None
        )
        bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=part.stem)
        with open(part, "ab" if have else "wb") as file, bar:
            while chunk := reply.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and part.stat().st_size < total:
        raise ConnectionError(f"the download stopped at {part.stat().st_size:,} of {total:,} bytes")
