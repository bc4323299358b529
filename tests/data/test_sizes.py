"""Sizes in the photographs, and SVHN's list of full house numbers, by files of their formats."""

import h5py
import numpy as np
import pytest
import torch

from visionfail import paths
from visionfail.data import digit_struct, sets, sizes, svhn10k
from visionfail.data.imageset import ImageSet


def write_digit_struct(path, houses):
    """A digitStruct.mat as MATLAB writes it, of houses given as lists of digit heights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        references = np.empty((len(houses), 1), dtype=h5py.ref_dtype)
        for k, heights in enumerate(houses):
            group = file.create_group(f"#refs#/house{k}")
            if len(heights) == 1:
                group["height"] = np.array([heights], dtype=np.float64)  # (1, 1)
            else:
                of_digits = np.empty((len(heights), 1), dtype=h5py.ref_dtype)
                for j, height in enumerate(heights):
                    name = f"#refs#/house{k}digit{j}"
                    file[name] = np.array([[height]], dtype=np.float64)
                    of_digits[j, 0] = file[name].ref
                group.create_dataset("height", data=of_digits, dtype=h5py.ref_dtype)
            references[k, 0] = group.ref
        file.create_dataset("digitStruct/bbox", data=references, dtype=h5py.ref_dtype)


def test_digits_of_one_house_are_told(tmp_path):
    path = tmp_path / "test" / "digitStruct.mat"
    write_digit_struct(path, [[30, 31], [12], [79, 78, 77]])
    house, height = digit_struct.read_digit_struct(path)
    assert house.tolist() == [1, 1, 2, 3, 3, 3]
    assert height.tolist() == [30, 31, 12, 79, 78, 77]


@pytest.mark.fault("damaged download")
def test_a_list_of_another_shape_is_refused(tmp_path):
    path = tmp_path / "digitStruct.mat"
    with h5py.File(path, "w") as file:
        file["digitStruct/bbox"] = np.zeros(3)
    with pytest.raises(ValueError, match="unpack it anew"):
        digit_struct.read_digit_struct(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(ValueError, match="not SVHN's list of digits"):
        digit_struct.read_digit_struct(path)


def test_test_digits_get_their_houses_where_the_list_is_at_hand(tmp_path):
    images = torch.zeros(3, 3, 32, 32, dtype=torch.uint8)
    digits = ImageSet(images, torch.tensor([1, 2, 3]), tuple("0123456789"), "official")
    assert sets._with_houses(digits, tmp_path).groups is None
    path = digit_struct.digit_struct_file(tmp_path, "test")
    write_digit_struct(path, [[30, 31], [12]])
    assert sets._with_houses(digits, tmp_path).groups.tolist() == [1, 1, 2]
    assert sizes.pixel_sizes("svhn", "test", root=tmp_path).tolist() == [30, 31, 12]
    write_digit_struct(path, [[30, 31]])
    with pytest.raises(ValueError, match="lists 2 digits, the test set has 3"):
        sets._with_houses(digits, tmp_path)


@pytest.mark.fault("missing files and data")
def test_sizes_that_no_file_tells_are_none(tmp_path):
    for name, split in (("svhn", "test"), ("svhn10k", "test"), ("gtsrb", "heldout")):
        assert sizes.pixel_sizes(name, split, root=tmp_path) is None


def test_the_shorter_side_of_each_frame_is_read(tmp_path):
    table = tmp_path / "gtsrb" / "GT-final_test.csv"
    table.parent.mkdir()
    table.write_text("Filename;Width;Height;ClassId\n0.ppm;53;54;16\n1.ppm;42;35;1\n")
    assert sizes.pixel_sizes("gtsrb", "test", root=tmp_path).tolist() == [53, 35]


@pytest.mark.realdata
def test_heights_of_real_digits_follow_their_split():
    heights = {split: sizes.pixel_sizes("svhn10k", split) for split in sets.SPLITS["svhn10k"]}
    for split, values in heights.items():
        assert len(values) == len(sets.load("svhn10k", split))
    together = np.concatenate(list(heights.values()))
    assert len(together) == svhn10k.DIGITS
    with np.load(svhn10k.npz_file(paths.data_dir(None))) as stored:
        boxes = stored["box"].astype(int)
        test = stored["house"] > svhn10k.LAST_HOUSE_TO_LEARN_FROM
    assert heights["test"].tolist() == (boxes[test, 3] - boxes[test, 1]).tolist()
