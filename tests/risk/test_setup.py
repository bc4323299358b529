"""What the notebook of the safe/unsafe classifier starts from."""

import pytest
from makers.official_files import write_tracks

from visionfail.data import gtsrb
from visionfail.risk import setup
from visionfail.risk.pictures import PARTS


@pytest.mark.fault("missing files and data")
def test_quick_reads_the_tracks_that_are_there_once_a_part_and_fetches_nothing(
    tmp_path, monkeypatch
):
    write_tracks(tmp_path)  # and no test set
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    monkeypatch.setattr(gtsrb, "FRAMES", (43 * 3 * 2,))
    read = gtsrb.read_gtsrb_training
    readings = []

    def watched(split, folder):
        readings.append(split)
        return read(split, folder)

    def fetch(*_, **__):
        raise AssertionError("quick downloads nothing")

    monkeypatch.setattr(gtsrb, "read_gtsrb_training", watched)
    monkeypatch.setattr(gtsrb.datasets, "GTSRB", fetch)
    run, kinds = setup.prepare_risk("quick")
    assert tuple(run.sets) == tuple(kinds) == PARTS
    assert readings == ["train", "val", "heldout"]  # held-out tracks stand for the test
    assert {images.origin for images in run.sets.values()} == {"subset"}


@pytest.mark.fault("missing files and data")
def test_quick_takes_standins_where_no_sign_is_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    run, _ = setup.prepare_risk("quick")
    assert {images.origin for images in run.sets.values()} == {"standin"}
