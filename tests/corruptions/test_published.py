"""Against the published benchmark: the MD5 of whole files, and how much each corruption changes the
test images.
"""

import csv
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from visionfail import paths
from visionfail.corruptions.apply import CORRUPTIONS, DETERMINISTIC, EXTRAS, corrupt
from visionfail.corruptions.published import (
    IDENTICAL,
    PUBLISHED_MD5,
    corrupted_blocks,
    npy_md5,
    regenerated_md5,
)

# What the published generator did to test images 4000 to 4199, in grey levels: 19 corruptions,
# severities 1, 3, 5
GENERATOR = list(csv.DictReader((Path(__file__).parent / "corruption_reference.csv").open()))


@pytest.fixture(scope="module")
def cifar():
    """The official test images, uint8 (10000, 3, 32, 32), and their labels."""
    if not (paths.data_dir() / "cifar-10-batches-py" / "test_batch").exists():
        pytest.skip("needs CIFAR-10: no cifar-10-batches-py in data/ or VISIONFAIL_DATA")
    test = CIFAR10(paths.data_dir(), train=False)
    return torch.from_numpy(test.data).permute(0, 3, 1, 2).contiguous(), np.array(test.targets)


def test_the_table_of_sums_is_complete():
    assert set(PUBLISHED_MD5) == {*CORRUPTIONS, *EXTRAS, "labels"}
    assert len(set(PUBLISHED_MD5.values())) == 20
    assert all(
        len(md5) == 32 and set(md5) <= set("0123456789abcdef") for md5 in PUBLISHED_MD5.values()
    )
    assert set(IDENTICAL) == set(DETERMINISTIC) - {"jpeg_compression"}


def test_the_sum_is_that_of_the_file_that_numpy_would_save():
    images = torch.arange(7 * 3 * 32 * 32).remainder(251).to(torch.uint8).view(7, 3, 32, 32)
    blocks = list(corrupted_blocks(images, "contrast", size=3))
    saved = io.BytesIO()
    np.save(
        saved,
        np.concatenate(
            [corrupt(images, "contrast", s).permute(0, 2, 3, 1).numpy() for s in range(1, 6)]
        ),
    )
    expected = hashlib.md5(saved.getvalue()).hexdigest()
    assert npy_md5(blocks, (35, 32, 32, 3)) == regenerated_md5(images, "contrast") == expected


@pytest.mark.realdata
def test_the_labels_are_the_published_file(cifar):
    _, labels = cifar
    assert npy_md5([labels.astype(np.uint8)] * 5, (50_000,)) == PUBLISHED_MD5["labels"]


@pytest.mark.realdata
@pytest.mark.parametrize("name", IDENTICAL)
def test_the_whole_regenerated_file_is_the_published_one(name, cifar):
    assert regenerated_md5(cifar[0], name) == PUBLISHED_MD5[name]


@pytest.mark.realdata
@pytest.mark.parametrize("row", GENERATOR, ids=lambda row: f"{row['corruption']}-{row['severity']}")
def test_images_change_as_much_as_the_published_generator_changes_them(row, cifar):
    """At n = 200 two seeds of the published generator differ by as much as is allowed here; so may
    frost, whose texture is ours.
    """
    name = row["corruption"]
    severity = int(row["severity"])
    images = cifar[0][4000:4200]
    change = (corrupt(images, name, severity, first_index=4000).double() - images).flatten()
    cloudy = name in ("fog", "snow")
    expected = float(row["mean_abs_change"])
    shift = float(row["mean_shift"])
    assert change.abs().mean().item() == pytest.approx(
        expected, abs=(0.15 if cloudy else 0.10) * expected + 0.3
    )
    assert change.mean().item() == pytest.approx(
        shift, abs=0.10 * abs(shift) + (8 if cloudy else 1.5)
    )


@pytest.mark.realdata
@pytest.mark.parametrize("row", [row for row in GENERATOR if row["corruption"] == "frost"])
def test_frost_changes_images_within_a_tenth_of_the_published_photographs(row, cifar):
    images = cifar[0][4000:4200]
    changed = corrupt(images, "frost", int(row["severity"]), first_index=4000)
    change = (changed.double() - images).flatten()
    measured = {
        "mean_abs_change": change.abs().mean().item(),
        "mean_shift": change.mean().item(),
        "p95_abs_change": change.abs().quantile(0.95).item(),
    }
    for name, value in measured.items():
        assert value == pytest.approx(float(row[name]), rel=0.1), name
