"""Folders of pictures: what is listed, split, read, and refused with which words."""

import os

import numpy as np
import pytest
from PIL import Image

from visionfail.risk import pictures


def write(file, *, seed=0, size=(20, 12), mode="RGB", **options):
    """A picture with pixels of its own."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(file, **options)
    return file


def folder_of(tmp_path, count=10):
    for label, name in enumerate(pictures.CLASSES):
        for k in range(count):
            write(tmp_path / name / f"{k:03d}.png", seed=1000 * label + k)
    return tmp_path


def with_groups(folder, size=2):
    rows = ["file,group,kind"]
    for name in pictures.CLASSES:
        for k, file in enumerate(sorted((folder / name).iterdir())):
            rows.append(f"{name}/{file.name},{name}{k // size},{name} kind")
    (folder / pictures.TABLE).write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_labels_follow_names_and_not_order(tmp_path):
    listed = pictures.list_pictures(folder_of(tmp_path, 3))
    assert listed.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert {file.parent.name for file in listed.at(np.flatnonzero(listed.labels)).files} == {
        "unsafe"
    }


@pytest.mark.fault("pictures that cannot be read")
def test_a_class_that_is_missing_or_empty_is_named(tmp_path):
    write(tmp_path / "safe" / "a.png")
    with pytest.raises(FileNotFoundError, match=r"no folder .*unsafe"):
        pictures.list_pictures(tmp_path)
    (tmp_path / "unsafe").mkdir()
    with pytest.raises(FileNotFoundError, match="unsafe has no file"):
        pictures.list_pictures(tmp_path)


@pytest.mark.fault("pictures that cannot be read")
def test_one_picture_in_both_classes_is_named(tmp_path):
    folder_of(tmp_path, 2)
    (tmp_path / "unsafe" / "copy.png").write_bytes((tmp_path / "safe" / "001.png").read_bytes())
    with pytest.raises(ValueError, match=r"both safe and unsafe.*\n.*001.png = .*copy.png"):
        pictures.list_pictures(tmp_path)


def test_groups_stay_together_and_parts_are_whole(tmp_path):
    parts = pictures.split_pictures(with_groups(folder_of(tmp_path, 20)))
    groups = [set(part.groups.tolist()) for part in parts.values()]
    assert not groups[0] & groups[1] and not groups[1] & groups[2] and not groups[0] & groups[2]
    assert sum(map(len, parts.values())) == 40
    assert {name: len(part) for name, part in parts.items()} == {"train": 24, "val": 8, "test": 8}
    assert all(0 < part.labels.mean() < 1 for part in parts.values())
    assert set(parts["test"].kinds) == {"safe kind", "unsafe kind"}


def test_copies_of_a_picture_stay_together(tmp_path):
    folder_of(tmp_path, 10)
    for k in range(10):
        copy = tmp_path / "safe" / f"copy{k}.png"
        copy.write_bytes((tmp_path / "safe" / f"{k:03d}.png").read_bytes())
    parts = pictures.split_pictures(tmp_path)
    digests = [set(part.digests) for part in parts.values()]
    assert not digests[0] & digests[1] and not digests[1] & digests[2]


@pytest.mark.fault("pictures that cannot be read")
def test_the_owners_split_is_kept_and_checked(tmp_path):
    for number, part in enumerate(pictures.PARTS):
        for label, name in enumerate(pictures.CLASSES):
            for k in range(2):
                write(tmp_path / part / name / f"{k}.png", seed=100 * number + 10 * label + k)
    assert {k: len(v) for k, v in pictures.split_pictures(tmp_path).items()} == {
        "train": 4,
        "val": 4,
        "test": 4,
    }
    copy = (tmp_path / "train" / "safe" / "0.png").read_bytes()
    (tmp_path / "test" / "safe" / "again.png").write_bytes(copy)
    with pytest.raises(ValueError, match="are the same picture"):
        pictures.split_pictures(tmp_path)


@pytest.mark.fault("too few data")
def test_too_few_to_split_is_told(tmp_path):
    with pytest.raises(ValueError, match="safe has 4 independent pictures"):
        pictures.split_pictures(folder_of(tmp_path, 4))


@pytest.mark.fault("pictures that cannot be read")
def test_a_table_must_list_every_picture(tmp_path):
    with_groups(folder_of(tmp_path, 3))
    write(tmp_path / "safe" / "new.png", seed=9)
    with pytest.raises(ValueError, match=r"no group for safe/new\.png"):
        pictures.list_pictures(tmp_path)


def refused_files(folder):
    whole = write(folder / "whole.jpg", seed=1, size=(64, 64)).read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "named.png").write_bytes(whole)
    (folder / "text.jpg").write_text("no picture", encoding="utf-8")
    (folder / "empty.png").write_bytes(b"")
    write(folder / "cmyk.jpg", mode="CMYK")
    Image.fromarray(np.zeros((8, 8), dtype=np.uint16)).save(folder / "deep.png")
    Image.new("1", (5000, 5000)).save(folder / "huge.png")
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "moving.png", save_all=True, append_images=frames[1:])
    os.symlink(folder / "whole.jpg", folder / "link.jpg")
    return {
        "truncated.jpg": "broken or cut off",
        "named.png": "holds JPEG: name it .jpg or .jpeg",
        "text.jpg": "no PNG or JPEG",
        "empty.png": "no PNG or JPEG",
        "cmyk.jpg": "mode CMYK",
        "deep.png": "mode I[;:]",
        "huge.png": "5,000 x 5,000 pixels",
        "moving.png": "animation of 2 frames",
        "link.jpg": "it is a link",
        "missing.png": "no such file",
    }


@pytest.mark.fault("pictures that cannot be read")
def test_what_cannot_be_read_for_certain_is_refused_in_words(tmp_path):
    for name, words in refused_files(tmp_path).items():
        with pytest.raises(ValueError, match=words.replace("(", r"\(")):
            pictures.read_file(tmp_path / name, side=16)
    assert pictures.read_file(tmp_path / "whole.jpg", side=16).shape == (1, 3, 16, 16)


def test_the_whole_picture_is_seen_and_upright(tmp_path):
    pixels = np.zeros((10, 40, 3), dtype=np.uint8)
    pixels[:, :4] = 255  # a white rim at the left, which a middle square would cut off
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    seen = pictures.read_file(tmp_path / "wide.png", side=16)
    assert seen[0, :, 8, 0].float().mean() > 200 and seen[0, :, 8, 8:].max() == 0
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    turned = pictures.read_file(tmp_path / "turned.jpg", side=16)
    assert turned[0, :, 0, 8].float().mean() > 200 and turned[0, :, 12, 8].max() < 30


@pytest.mark.fault("pictures that cannot be read")
def test_unreadable_pictures_are_left_out_with_their_reason(tmp_path):
    folder_of(tmp_path, 3)
    (tmp_path / "safe" / "note.txt").write_text("hello", encoding="utf-8")
    listed = pictures.list_pictures(tmp_path)
    images, kept, refused = pictures.read_pictures(listed, side=8)
    assert len(images) == len(kept) == 6 and images.origin == "own"
    ((file, reason),) = refused.items()
    assert file.endswith("note.txt") and "no PNG or JPEG" in reason


@pytest.mark.fault("pictures that cannot be read")
def test_a_class_without_a_readable_picture_is_refused(tmp_path):
    folder_of(tmp_path, 2)
    for file in (tmp_path / "unsafe").iterdir():
        file.write_bytes(b"gone")
    with pytest.raises(ValueError, match="none of the unsafe pictures can be read"):
        pictures.read_pictures(pictures.list_pictures(tmp_path), side=8)


def split_folder(tmp_path):
    for number, part in enumerate(pictures.PARTS):
        for label, name in enumerate(pictures.CLASSES):
            write(tmp_path / part / name / "0.png", seed=100 * number + 10 * label)
    return tmp_path


def test_a_table_above_the_parts_is_read_and_a_group_stays_in_one(tmp_path):
    folder = split_folder(tmp_path)
    rows = ["file,group,kind"]
    for part in pictures.PARTS:
        rows += [f"{part}/{name}/0.png,{part} {name},thing" for name in pictures.CLASSES]
    table = folder / pictures.TABLE
    table.write_text("\ufeff" + "\n".join(rows), encoding="utf-8")  # as Excel writes it
    parts = pictures.split_pictures(folder)
    assert set(parts["val"].kinds) == {"thing"}
    table.write_text("\n".join(rows).replace("test safe", "train safe"), encoding="utf-8")
    with pytest.raises(ValueError, match="are of one group"):
        pictures.split_pictures(folder)


@pytest.mark.fault("pictures that cannot be read")
def test_files_that_are_no_pictures_may_be_alike(tmp_path):
    folder_of(tmp_path, 2)
    for name in pictures.CLASSES:
        (tmp_path / name / "Thumbs.db").write_bytes(b"same")
        (tmp_path / name / "empty.png").write_bytes(b"")
    listed = pictures.list_pictures(tmp_path)
    images, _, refused = pictures.read_pictures(listed, side=8)
    assert len(images) == 4 and len(refused) == 4


def test_a_shop_with_pictures_of_both_classes_stays_together(tmp_path):
    folder_of(tmp_path, 30)
    rows = ["file,group"]
    for name in pictures.CLASSES:
        rows += [f"{name}/{k:03d}.png,shop {k // 3}" for k in range(30)]
    (tmp_path / pictures.TABLE).write_text("\n".join(rows), encoding="utf-8")
    parts = pictures.split_pictures(tmp_path)
    assert [len(part) for part in parts.values()] == [36, 12, 12]
    assert all(part.labels.mean() == 0.5 for part in parts.values())
