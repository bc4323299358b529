"""svhn10k and gtsrb: what one house or one sign shows stays together."""

import shutil

import numpy as np
import pytest
import torch
from makers.official_files import write_tracks
from PIL import Image
from scipy.io import savemat
from torchvision import datasets

from visionfail.data import gtsrb, sets, splits, svhn10k


def test_groups_stay_together_and_every_class_is_in_every_part():
    generator = np.random.default_rng(0)
    class_of_group = generator.integers(0, 5, 200)
    groups = np.sort(generator.integers(0, 200, 3000))
    parts = splits.split_by_group(class_of_group[groups], groups, ("val", "heldout"))
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(3000))
    members = [set(groups[index]) for index in parts.values()]
    assert not (members[0] & members[1] or members[0] & members[2] or members[1] & members[2])
    for index in parts.values():
        assert set(class_of_group[groups[index]]) == set(range(5))


@pytest.mark.fault("too few data")
def test_a_class_with_too_few_groups_is_refused():
    with pytest.raises(ValueError, match="class 0 has 2 groups"):
        splits.split_by_group(np.zeros(4, int), np.array([1, 1, 2, 2]), ("val", "heldout"))


def test_houses_number_the_first_ten_thousand_digits():
    house = svhn10k.houses()
    assert len(house) == 10_000 and house[0] == 1 and house[-1] == 5033
    assert (np.diff(house) >= 0).all() and (house <= svhn10k.LAST_HOUSE_TO_LEARN_FROM).sum() == 7000


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["svhn10k", "gtsrb"])
def test_real_parts_share_no_group(name):
    parts = {split: sets.load(name, split) for split in sets.SPLITS[name]}
    groups = []
    for images in parts.values():
        assert images.origin == "subset"
        if images.groups is not None:
            groups += images.groups.unique().tolist()
    assert len(groups) == len(set(groups))
    assert parts["val"].labels.unique().tolist() == list(range(len(sets.CLASSES[name])))


@pytest.mark.fault("damaged download")
def test_official_mat_gives_the_digits_and_another_file_is_refused(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 12_000), dtype=np.uint8)
    labels = np.arange(12_000) % 10 + 1  # the file writes 10 for the digit 0
    savemat(tmp_path / "test_32x32.mat", {"X": pixels, "y": labels[:, None].astype(np.uint8)})
    wrong_sum = datasets.SVHN.split_list["test"]
    with pytest.raises(ValueError, match="cut short or changed"):
        sets.load("svhn10k", "val", root=tmp_path)
    (tmp_path / "test_32x32.mat.corrupt").rename(tmp_path / "test_32x32.mat")
    monkeypatch.setitem(
        datasets.SVHN.split_list,
        "test",
        [*wrong_sum[:2], svhn10k.downloads.md5(tmp_path / "test_32x32.mat")],
    )
    with pytest.raises(ValueError, match="pixels are not the official ones"):
        sets.load("svhn10k", "val", root=tmp_path)
    monkeypatch.setattr(svhn10k, "_check_digits", lambda images, labels: None)
    images, read, _ = svhn10k.read_svhn10k(tmp_path)
    assert np.array_equal(images[7], pixels[..., 7].transpose(2, 0, 1))
    assert np.array_equal(read, np.arange(1, 10_001) % 10)


@pytest.mark.fault("damaged download")
@pytest.mark.parametrize("shape", [(32, 32, 3), (32, 32, 12), (3, 32, 32, 12)])
def test_a_mat_of_another_shape_is_refused_and_set_aside(tmp_path, shape):
    pixels = np.zeros(shape, dtype=np.uint8)
    savemat(tmp_path / "test_32x32.mat", {"X": pixels, "y": np.ones((12, 1), dtype=np.uint8)})
    with pytest.raises(ValueError, match="cut short or changed"):
        sets.load("svhn10k", "test", root=tmp_path)
    assert (tmp_path / "test_32x32.mat.corrupt").exists()


@pytest.mark.fault("damaged download")
def test_damaged_npz_is_set_aside(tmp_path):
    (tmp_path / "svhn10k").mkdir()
    np.savez(
        tmp_path / "svhn10k" / "first10000.npz",
        images=np.zeros((3, 32, 32, 3), np.uint8),
        labels=np.zeros(3),
    )
    with pytest.raises(ValueError, match=r"set aside as first10000\.npz\.corrupt"):
        sets.load("svhn10k", "train", root=tmp_path)
    assert [path.name for path in (tmp_path / "svhn10k").iterdir()] == ["first10000.npz.corrupt"]


def unpack_test(root):
    pictures = gtsrb.test_folder(root)
    pictures.mkdir(parents=True)
    rows = ["Filename;ClassId"]
    for number in range(3):
        Image.new("RGB", (30, 30), (number, 0, 0)).save(pictures / f"{number:05d}.ppm")
        rows.append(f"{number:05d}.ppm;{number}")
    gtsrb.test_table(root).write_text("\n".join(rows))


@pytest.fixture
def signs(tmp_path, monkeypatch):
    """The tiny tracks of `write_tracks`; the test images are three, and not there."""
    monkeypatch.setattr(gtsrb, "FRAMES", (43 * 3 * 2,))
    monkeypatch.setattr(gtsrb, "TEST_IMAGES", 3)
    write_tracks(tmp_path)
    return tmp_path


@pytest.fixture
def torchvisions_gtsrb(monkeypatch):
    """torchvision's class without the network: it unpacks nothing where the folder is there."""
    parts = {
        "train": (gtsrb.training_folder, write_tracks),
        "test": (gtsrb.test_folder, unpack_test),
    }
    unpacked = []

    def get(root, *, split, download):
        place, unpack = parts[split]
        if not place(root).exists():
            unpack(root)
            unpacked.append(split)

    monkeypatch.setattr(datasets, "GTSRB", get)
    return unpacked


def test_every_second_frame_and_each_class_in_each_part(signs):
    parts = {split: sets.load("gtsrb", split, root=signs) for split in ("train", "val", "heldout")}
    for frames in parts.values():
        assert frames.images.shape[1:] == (3, 32, 32) and len(frames) == 43 * 2
        red, green, blue = frames.images.unbind(1)
        assert torch.equal(red[:, 0, 0].long(), frames.labels)  # red is the class
        assert frames.groups is not None
        assert torch.equal(green[:, 0, 0].long(), frames.groups % 100_000)  # green is the track
        assert set(blue.unique().tolist()) == {0, 2}  # blue is the frame


def test_a_grouped_set_is_present_where_something_of_it_is(signs):
    assert sets.is_present("gtsrb", signs) and not sets.is_present("svhn10k", signs)
    (signs / "svhn10k").mkdir()
    (signs / "svhn10k" / "first10000.npz").touch()
    assert sets.is_present("svhn10k", signs)


@pytest.mark.fault("missing files and data")
def test_missing_signs_and_files_that_are_no_pictures_are_named(signs):
    with pytest.raises(FileNotFoundError, match=r"GT-final_test\.csv is missing"):
        sets.load("gtsrb", "test", root=signs)
    for track in range(3):  # one in each part
        broken = gtsrb.training_folder(signs) / "00007" / f"{track:05d}_00002.ppm"
        broken.write_bytes(b"P6 nonsense")
    for split in ("train", "val", "heldout"):
        with pytest.raises(ValueError, match=r"00007/0000\d_00002\.ppm is no picture"):
            sets.load("gtsrb", split, root=signs)


@pytest.mark.fault("downloads that fail")
@pytest.mark.parametrize("lost", ["00042/00002_00002.ppm", "00042", "00007/00001_00000.ppm"])
def test_training_frames_that_were_half_unpacked_are_refused_and_unpacked_anew(
    lost, signs, torchvisions_gtsrb
):
    gone = gtsrb.training_folder(signs) / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises((ValueError, FileNotFoundError), match=r"gtsrb: .*make data"):
        sets.load("gtsrb", "train", root=signs)
    for unpacked in (["train", "test"], ["train", "test"]):  # a second call finds all there
        sets.fetch("gtsrb", root=signs)
        assert torchvisions_gtsrb == unpacked
    assert len(sets.load("gtsrb", "train", root=signs)) == 43 * 2


@pytest.mark.fault("downloads that fail")
@pytest.mark.parametrize("lost", ["no list", "a picture", "a row"])
def test_test_images_that_were_half_unpacked_are_unpacked_anew(lost, signs, torchvisions_gtsrb):
    unpack_test(signs)
    table = gtsrb.test_table(signs)
    if lost == "no list":
        table.unlink()
    elif lost == "a picture":
        (gtsrb.test_folder(signs) / "00002.ppm").unlink()
    else:
        table.write_text(table.read_text()[:-8])
    with pytest.raises((ValueError, FileNotFoundError), match=r"gtsrb: .*make data"):
        sets.load("gtsrb", "test", root=signs)
    assert sets.fetch("gtsrb", root=signs) and torchvisions_gtsrb == ["test"]
    assert sets.load("gtsrb", "test", root=signs).labels.tolist() == [0, 1, 2]
    assert not sets.fetch("gtsrb", root=signs)


@pytest.mark.fault("downloads that fail")
def test_an_unpacking_that_is_interrupted_twice_is_repaired_too(signs, torchvisions_gtsrb):
    for lost in ("00001", "00002"):
        shutil.rmtree(gtsrb.training_folder(signs) / lost)
        sets.fetch("gtsrb", root=signs)
    assert torchvisions_gtsrb == ["train", "test", "train"]
    assert len(sets.load("gtsrb", "train", root=signs)) == 43 * 2


@pytest.mark.fault("downloads that fail")
def test_signs_that_were_set_aside_are_no_reason_for_standins(signs, monkeypatch):
    def unreachable(root, **options):
        raise RuntimeError("no network")

    monkeypatch.setattr(datasets, "GTSRB", unreachable)
    shutil.rmtree(gtsrb.training_folder(signs) / "00001")
    with pytest.raises(ConnectionError, match="no network"):
        sets.fetch("gtsrb", root=signs)
    with pytest.raises(FileNotFoundError, match="is missing"):
        sets.load_or_standin("gtsrb", "train", root=signs)
