"""Pictures in a folder per class: what is read, and what is refused by name."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from visionfail.data import folders, imagenette, sets
from visionfail.data.imageset import ImageSet


def picture(path, *, mode="RGB", size=(40, 30), value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0], 4), value, dtype=np.uint8)
    pixels[..., 3] = 255
    Image.fromarray(pixels, "RGBA").convert(mode).save(path)


def test_classes_are_folders_in_alphabetical_order_and_pictures_are_squares(tmp_path):
    picture(tmp_path / "unsafe" / "b.png", value=200)
    picture(tmp_path / "safe" / "a.jpg", value=50)
    picture(tmp_path / "safe" / "c.png", mode="L", value=60)
    picture(tmp_path / "safe" / "d.png", mode="RGBA", value=70)
    found = folders.load_folder(tmp_path, side=24, origin="official")
    assert found.classes == ("safe", "unsafe") and found.images.shape == (4, 3, 24, 24)
    levels = found.images.float().mean(dim=(1, 2, 3))
    assert levels.tolist() == pytest.approx([50, 60, 70, 200], abs=1)
    assert found.labels.tolist() == [0, 0, 0, 1] and found.origin == "official"


@pytest.mark.fault("pictures that cannot be read")
def test_a_folder_may_begin_with_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    picture(tmp_path / "mine" / "safe" / "a.png")
    picture(tmp_path / "mine" / "unsafe" / "b.png")
    assert len(folders.load_folder("~/mine", side=24, origin="official")) == 2
    (tmp_path / "mine" / "safe" / "words.png").write_text("no picture")
    with pytest.raises(ValueError, match=rf"1 of 3 files in {tmp_path}/mine .*\nsafe/words\.png: "):
        folders.load_folder("~/mine", side=24, origin="official")


@pytest.mark.fault("pictures that cannot be read")
def test_files_that_cannot_be_read_are_named_with_their_reason(tmp_path):
    picture(tmp_path / "safe" / "good.png")
    (tmp_path / "safe" / "words.png").write_text("no picture")
    whole = tmp_path / "unsafe" / "whole.jpg"
    picture(whole, size=(300, 300))
    (tmp_path / "unsafe" / "cut.jpg").write_bytes(whole.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"2 of 4 files") as error:
        folders.load_folder(tmp_path, side=24, origin="official")
    assert "words.png" in str(error.value) and "cut.jpg" in str(error.value)


@pytest.mark.fault("pictures that cannot be read")
def test_an_empty_class_and_a_folder_without_classes_are_refused(tmp_path):
    picture(tmp_path / "safe" / "a.png")
    (tmp_path / "unsafe").mkdir()
    with pytest.raises(FileNotFoundError, match="unsafe"):
        folders.load_folder(tmp_path, side=24, origin="official")
    with pytest.raises(FileNotFoundError):
        folders.load_folder(tmp_path / "safe", side=24, origin="official")
    with pytest.raises(FileNotFoundError):
        folders.load_folder(tmp_path / "nowhere", side=24, origin="official")


def unpack(root, names, *, per_class=20):
    for part in ("train", "val"):
        for place, name in enumerate(names):
            for k in range(per_class):
                path = root / part / name / f"{k:04d}.png"
                picture(path, size=(160, 160), value=20 * place + k % 7)


@pytest.mark.parametrize("official", [True, False])
def test_imagenette_has_the_same_classes_in_both_layouts(tmp_path, official, monkeypatch):
    monkeypatch.setattr(imagenette, "PICTURES", {"train": 100, "val": 100})
    names = list(imagenette.FOLDERS if official else imagenette.FOLDERS.values())
    unpack(tmp_path / ("imagenette2-160" if official else "imagenette160"), names, per_class=10)
    test = sets.load("imagenette", "test", root=tmp_path)
    assert test.classes == imagenette.CLASSES and test.classes[0] == "tench"
    assert test.origin == ("official" if official else "subset")
    train = sets.load("imagenette", "train", root=tmp_path)
    val = sets.load("imagenette", "val", root=tmp_path)
    for part in (train, val, test):
        levels = part.images.float().mean(dim=(1, 2, 3)) // 20
        assert torch.equal(levels.long(), part.labels)  # a picture's level tells its folder
    assert (len(train), len(val)) == (90, 10) and train.origin == test.origin
    assert sorted(val.labels.tolist()) == list(range(10))


@pytest.mark.fault("downloads that fail")
@pytest.mark.parametrize("lost", ["train/n02102040/0001.png", "val/n03888257/0001.png", "val"])
def test_imagenette_that_was_half_unpacked_is_refused_and_unpacked_anew(
    tmp_path, lost, monkeypatch
):
    monkeypatch.setattr(imagenette, "PICTURES", {"train": 20, "val": 20})
    whole = tmp_path / "imagenette2-160"
    unpacked = []

    def get(root, **options):  # as torchvision, which unpacks nothing where the folder is there
        if not whole.exists():
            unpack(whole, list(imagenette.FOLDERS), per_class=2)
            unpacked.append(root)

    monkeypatch.setattr(imagenette.datasets, "Imagenette", get)
    assert sets.fetch("imagenette", root=tmp_path) and not sets.fetch("imagenette", root=tmp_path)
    gone = whole / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    split = "train" if lost.startswith("train") else "test"
    with pytest.raises((ValueError, FileNotFoundError), match=r"imagenette: .*make data"):
        sets.load("imagenette", split, root=tmp_path)
    assert sets.fetch("imagenette", root=tmp_path) and len(unpacked) == 2
    assert len(sets.load("imagenette", "test", root=tmp_path)) == 20


def test_a_part_of_imagenette_need_not_be_whole(tmp_path):
    unpack(tmp_path / "imagenette160", list(imagenette.FOLDERS.values()), per_class=2)
    assert not sets.fetch("imagenette", root=tmp_path)


@pytest.mark.fault("missing files and data")
def test_imagenette_with_a_class_too_few_is_refused(tmp_path):
    unpack(tmp_path / "imagenette160", list(imagenette.FOLDERS.values())[1:], per_class=1)
    with pytest.raises(ValueError, match="tench"):
        sets.load("imagenette", "test", root=tmp_path)
    with pytest.raises(FileNotFoundError, match="imagenette"):
        sets.load("imagenette", "test", root=tmp_path / "nothing")


def test_renamed_classes_keep_each_pictures_own():
    images = torch.zeros(3, 3, 4, 4, dtype=torch.uint8)
    found = ImageSet(images, torch.tensor([0, 1, 2]), ("a", "b", "c"), "official")
    renamed = found.renamed(("c", "a", "b"), ("cat", "ant", "bee"))
    assert [renamed.classes[k] for k in renamed.labels] == ["ant", "bee", "cat"]
