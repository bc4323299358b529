"""Tracks found by their pixels, where they are plain and where there are none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from visionfail.data import ImageSet
from visionfail.studies import uneven


def frames(*, noise):
    """Two classes of three and one tracks, ten frames each: one picture and noise."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(4), 10)
    pictures = rng.integers(60, 180, (4, 3, 8, 8))[groups]
    pixels = np.clip(pictures + noise * rng.normal(size=(40, 3, 8, 8)), 0, 255).astype(np.uint8)
    labels = torch.from_numpy((groups == 3).astype(np.int64))
    images = torch.from_numpy(pixels)
    return ImageSet(images, labels, ("a", "b"), "subset", groups=torch.from_numpy(groups))


def test_tracks_of_one_picture_are_found_and_of_noise_are_not():
    table = uneven.track_recovery(frames(noise=5))
    found = {"class": "a", "tracks": 3, "frames": 30, "ari": 1.0, "split": 0, "mixed": 0}
    assert table.to_dict("records") == [found]
    assert uneven.track_recovery(frames(noise=3000)).ari[0] < 0.3


def test_a_track_of_two_pictures_is_split_and_mixes_others():
    images = frames(noise=5)
    pixels = images.images.clone()
    pixels[5:10] = 255 - pixels[5:10]  # half of the first track shows something else
    table = uneven.track_recovery(replace(images, images=pixels))
    # three clusters for four pictures: the first track lies in two, and two tracks share one
    assert table.split[0] == 1 and table.mixed[0] == 1


@pytest.mark.fault("bad arguments")
def test_unknown_groups_are_refused():
    images = frames(noise=5)
    unknown = ImageSet(images.images, images.labels, images.classes, images.origin)
    with pytest.raises(ValueError, match="not known"):
        uneven.track_recovery(unknown)
