"""Pictures in a folder per class: what is read, and what is refused by name."""

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
def test_imagenette_has_the_same_classes_in_both_layouts(tmp_path, official):
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
