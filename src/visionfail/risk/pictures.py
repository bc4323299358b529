"""Pictures in safe/ and unsafe/ folders: listed, checked for what would spoil a study, and read.

A file counts as hostile until it is read: what cannot be read for certain as one picture is refused
with a reason, and whoever decides falls back on "unsafe, needs review".
"""

import contextlib
import csv
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from visionfail.data import (
    PICTURE_SUFFIXES,
    ImageSet,
    read_whole_picture,
    stratified_order,
)

CLASSES = ("safe", "unsafe")  # by name, never by order
UNSAFE = CLASSES.index("unsafe")
UNKNOWN = -1  # the label of a picture that nobody has looked at
TABLE = "pictures.csv"  # beside the folders: file, group and kind of each picture
NAMED = 5  # files that a message names
PARTS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Pictures:
    """Files with their labels, and which of them show one thing.

    labels int64 (N,), 1 is unsafe; groups int64 (N,): pictures of one group are one independent
    thing; kinds: a name per picture by which subgroups are reported, "" where there is none;
    digests: the sha256 of each file.
    """

    files: tuple[Path, ...]
    labels: np.ndarray
    groups: np.ndarray
    kinds: tuple[str, ...]
    digests: tuple[str, ...]

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self.files)

    def at(self, index: Sequence[int] | np.ndarray) -> "Pictures":
        """The pictures of these places alone."""
        rows = [int(k) for k in index]
        return Pictures(
            tuple(self.files[k] for k in rows),
            self.labels[rows],
            self.groups[rows],
            tuple(self.kinds[k] for k in rows),
            tuple(self.digests[k] for k in rows),
        )

    def checksum(self) -> str:
        """The sha256 of all files and labels in their order, 64 hex digits."""
        digest = hashlib.sha256("".join(self.digests).encode())
        digest.update(self.labels.astype(np.int64).tobytes())
        return digest.hexdigest()


def list_pictures(folder: str | os.PathLike) -> Pictures:
    """The pictures of <folder>/safe and <folder>/unsafe, subfolders included, in a fixed order.

    Groups and kinds are those of pictures.csv (columns file, group, kind; files as
    safe/name.png), in the folder or, where it is train, val or test, in the one above it (files as
    train/safe/name.png); else copies of a picture are a group. FileNotFoundError where a class is
    missing or empty; ValueError for a picture in both classes, and for one that the table does not
    list.
    """
    folder = Path(folder)
    files = []
    labels = []
    for label, name in enumerate(CLASSES):
        found = _files_in(folder, name)
        files += found
        labels += [label] * len(found)
    digests = tuple(_digest(file) for file in files)
    _check_no_class_shares(files, labels, digests, folder)
    groups, kinds = _groups_and_kinds(folder, files, digests)
    return Pictures(tuple(files), np.array(labels), groups, kinds, digests)


def list_unlabelled(folder: Path) -> Pictures:
    """The files of a folder and below it, labels all UNKNOWN, groups as in `list_pictures`.

    FileNotFoundError where there are none.
    """
    files = [file for file in visible_files(folder) if file.name != TABLE]
    if not files:
        raise FileNotFoundError(f"{folder} has no file: name a folder of pictures.")
    digests = tuple(_digest(file) for file in files)
    groups, kinds = _groups_and_kinds(folder, files, digests)
    return Pictures(tuple(files), np.full(len(files), UNKNOWN), groups, kinds, digests)


def _files_in(folder: Path, name: str) -> list[Path]:
    """All files of a class but hidden ones, sorted; FileNotFoundError where there are none."""
    place = folder / name
    if not place.is_dir():
        raise FileNotFoundError(f"no folder {place}: put the {name} pictures there.")
    found = visible_files(place)
    if not found:
        raise FileNotFoundError(f"{place} has no file: put the {name} pictures there.")
    return found


def visible_files(folder: Path) -> list[Path]:
    """All files and links in a folder and below it, sorted, but hidden ones."""
    files = [file for file in folder.rglob("*") if file.is_file() or file.is_symlink()]
    return sorted(file for file in files if not file.name.startswith("."))


def _digest(file: Path) -> str:
    """The sha256 of a file's bytes; of its name where it is a link, empty or not to be read."""
    content = b""
    if not file.is_symlink():
        with contextlib.suppress(OSError):  # reading it will say why
            content = file.read_bytes()
    return hashlib.sha256(content or os.fsencode(file)).hexdigest()


def _check_no_class_shares(
    files: Sequence[Path], labels: Sequence[int], digests: Sequence[str], folder: Path
) -> None:
    """Raises ValueError where the same bytes lie in both classes."""
    first = {}
    shared = []
    for file, label, digest in zip(files, labels, digests, strict=True):
        if file.suffix.lower() not in PICTURE_SUFFIXES:
            continue  # such as Thumbs.db; reading it will refuse it
        other, other_label = first.setdefault(digest, (file, label))
        if other_label != label:
            shared.append(f"{other.relative_to(folder)} = {file.relative_to(folder)}")
    if shared:
        raise ValueError(
            f"{len(shared)} pictures of {folder} are both safe and unsafe; keep one of each:\n"
            + "\n".join(shared[:NAMED])
        )


def _groups_and_kinds(
    folder: Path, files: Sequence[Path], digests: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(groups (N,), kinds) of the table in the folder; else copies of one picture are a group."""
    table = folder / TABLE
    root = folder
    if not table.exists() and folder.name in PARTS:
        table = folder.parent / TABLE
        root = folder.parent
    if not table.exists():
        return np.array([_number(digest) for digest in digests]), ("",) * len(files)
    with open(table, newline="", encoding="utf-8-sig") as handle:  # Excel begins with a mark
        rows = {row.get("file", ""): row for row in csv.DictReader(handle)}
    groups = []
    kinds = []
    for file in files:
        name = file.relative_to(root).as_posix()
        if name not in rows or not rows[name].get("group"):
            raise ValueError(f"{table} has no group for {name}: list every picture, or remove it.")
        groups.append(_number(rows[name]["group"]))
        kinds.append(rows[name].get("kind") or "")
    return np.array(groups), tuple(kinds)


def _number(name: str) -> int:
    """A group's name as a number, the same in every part and on every machine."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:15], 16)


def has_parts(folder: str | os.PathLike) -> bool:
    """Whether a folder is split by its owner: into train/, val/ and test/."""
    return all((Path(folder) / part).is_dir() for part in PARTS)


def split_pictures(folder: str | os.PathLike) -> dict[str, Pictures]:
    """{"train", "val", "test"}: the owner's split, or a fixed one of 60, 20 and 20 percent.

    Groups stay together, and classes in proportion. ValueError where the same bytes lie in two
    parts, and where a class has fewer than five groups.
    """
    folder = Path(folder)
    if has_parts(folder):
        parts = {part: list_pictures(folder / part) for part in PARTS}
    else:
        pictures = list_pictures(folder)
        parts = {name: pictures.at(index) for name, index in _fixed_split(pictures).items()}
    _check_disjoint(parts)
    return parts


def _fixed_split(pictures: Pictures) -> dict[str, np.ndarray]:
    """{part: places}: of every five groups three are for training; a class needs five groups."""
    names, place = np.unique(pictures.groups, return_inverse=True)
    has = np.zeros((len(names), len(CLASSES)), dtype=np.int64)  # pictures of each class
    has[place, pictures.labels] = 1
    for label, name in enumerate(CLASSES):
        if has[:, label].sum() < 5:
            raise ValueError(
                f"{name} has {has[:, label].sum()} independent pictures: three parts need five, "
                "better hundreds."
            )
    kind = has @ np.array([1, 2])  # safe ones alone, unsafe ones alone, or both
    order = stratified_order(kind)
    part_of_group = np.empty(len(names), dtype=object)
    for value in np.unique(kind):
        members = order[kind[order] == value]
        fifth = len(members) // 5
        part_of_group[members[:fifth]] = "val"
        part_of_group[members[fifth : 2 * fifth]] = "test"
        part_of_group[members[2 * fifth :]] = "train"
    return {part: np.flatnonzero(part_of_group[place] == part) for part in PARTS}


def _check_disjoint(parts: dict[str, Pictures]) -> None:
    """Raises ValueError where the same bytes, or pictures of one group, lie in two parts."""
    first_of_picture = {}
    first_of_group = {}
    for part, pictures in parts.items():
        listed = zip(pictures.files, pictures.digests, pictures.groups.tolist(), strict=True)
        for file, digest, group in listed:
            other, where = first_of_picture.setdefault(digest, (file, part))
            if where != part:
                raise ValueError(
                    f"{other} ({where}) and {file} ({part}) are the same picture: keep one, or put "
                    f"both in one group of {TABLE}."
                )
            other, where = first_of_group.setdefault(group, (file, part))
            if where != part:
                raise ValueError(
                    f"{other} ({where}) and {file} ({part}) are of one group of {TABLE}: keep a "
                    "group in one part."
                )


def read_pictures(pictures: Pictures, *, side: int) -> tuple[ImageSet, Pictures, dict[str, str]]:
    """(images, their pictures, {file: why it is left out}), uint8 RGB of `side` pixels.

    Their origin is "own", of somebody's folder. ValueError where none can be read.
    """
    tensors, kept, refused = read_all(pictures, side=side)
    missing = [name for label, name in enumerate(CLASSES) if not (kept.labels == label).any()]
    if missing:
        raise ValueError(
            f"none of the {' and '.join(missing)} pictures can be read: "
            f"{next(iter(refused.values()), 'there are none')}"
        )
    labels = torch.from_numpy(kept.labels)
    groups = torch.from_numpy(kept.groups)
    return ImageSet(torch.cat(tensors), labels, CLASSES, "own", groups), kept, refused


def read_all(pictures: Pictures, *, side: int) -> tuple[list[Tensor], Pictures, dict[str, str]]:
    """(images uint8 (1, 3, side, side), their pictures, {file: why it is left out})."""
    tensors = []
    readable = []
    refused = {}
    for k, file in enumerate(tqdm(pictures.files, unit="picture")):
        try:
            tensors.append(read_file(file, side=side))
            readable.append(k)
        except ValueError as error:
            refused[str(file)] = str(error)
    return tensors, pictures.at(readable), refused


def read_file(file: Path, *, side: int) -> Tensor:
    """A file's picture uint8 (1, 3, side, side); ValueError with the reason where it is refused.

    Refused are links, names that do not fit the content, 16 bits, CMYK, and what
    `read_whole_picture` refuses.
    """
    if file.is_symlink():
        raise ValueError("it is a link: give the file itself.")
    if not file.is_file():
        raise ValueError("there is no such file: check its name.")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(f"it cannot be opened: {error.strerror}.") from error
    return read_whole_picture(content, side=side, suffix=file.suffix)
