"""Two real sets laid out as safe/ and unsafe/ folders."""

import os

import pytest
import risk_folders
import torch

from visionfail.data import ImageSet
from visionfail.risk import pictures


@pytest.mark.fault("a write that fails")
def test_a_part_is_read_as_it_was_written_and_its_table_replaced_whole(tmp_path):
    images = torch.arange(4, dtype=torch.uint8).reshape(4, 1, 1, 1).repeat(1, 3, 32, 32)
    signs = ImageSet(
        images,
        torch.tensor([0, 1, 1, 0]),
        ("stop", "danger"),
        "subset",
        groups=torch.tensor([5, 6, 6, 7]),
    )
    table = tmp_path / "pictures.csv"
    table.write_text("old", encoding="utf-8")
    other = tmp_path / "other"
    os.link(table, other)  # the bytes of before, which nobody writes over
    risk_folders.write_part(signs, tmp_path, ("stop",))
    assert other.read_text(encoding="utf-8") == "old"
    listed = pictures.list_pictures(tmp_path)
    assert listed.kinds == ("danger", "danger", "stop", "stop")
    assert listed.labels.tolist() == [0, 0, 1, 1] and len(set(listed.groups.tolist())) == 3
    assert table.read_bytes().count(b"\n") == 5 and b"\r" not in table.read_bytes()
