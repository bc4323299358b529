"""The contract of corrupt(): what it refuses, what it leaves alone, and what an image's result
depends on.
"""

import numpy as np
import pytest
import torch

from visionfail.corruptions.apply import ANY_SIZE, CORRUPTIONS, EXTRAS, corrupt, names_for
from visionfail.corruptions.chunks import CHUNK, fill_in_chunks

ALL = CORRUPTIONS + EXTRAS
THIRTY_TWO_ONLY = tuple(name for name in ALL if name not in ANY_SIZE)


def pictures(count, channels=3, side=32, seed=0):
    """Smooth coloured blobs with some noise, uint8 (count, channels, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    blobs = torch.rand(count, channels, 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(
        blobs, size=(side, side), mode="bicubic", align_corners=True
    )
    noise = 0.05 * torch.randn(smooth.shape, generator=generator)
    return ((smooth * 1.3 - 0.15 + noise).clamp(0, 1) * 255).to(torch.uint8)


@pytest.fixture(scope="module")
def images():
    return pictures(CHUNK + 9)


def test_names():
    assert (len(CORRUPTIONS), len(EXTRAS), len(set(ALL))) == (15, 4, 19)
    assert set(ANY_SIZE) < set(ALL)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("name", ["gaussian", "", "Fog", None])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=f"unknown corruption {name!r}.*fog, brightness"):
        corrupt(pictures(1), name, 1)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("severity", [6, -1, 2.5, 3.0, "3", True, None, torch.tensor(3)])
def test_severities_other_than_whole_0_to_5_are_refused(severity):
    with pytest.raises(ValueError, match=r"severity .* from 0"):
        corrupt(pictures(1), "fog", severity)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    "bad", [{"seed": 0.5}, {"seed": "a"}, {"seed": None}, {"first_index": -1}, {"first_index": 1.0}]
)
def test_seeds_and_indices_are_whole_numbers(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        corrupt(pictures(1), "fog", 1, **bad)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    "bad", [pictures(1).float() / 255, pictures(1).long(), pictures(1).numpy()]
)
@pytest.mark.parametrize("severity", [0, 1])
def test_other_types_than_uint8_tensors_are_refused(bad, severity):
    with pytest.raises(ValueError, match="not a uint8 tensor: convert"):
        corrupt(bad, "contrast", severity)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    "shape",
    [(3, 32, 32), (1, 32, 32, 3), (1, 2, 32, 32), (1, 4, 32, 32), (32, 32), (1, 1, 3, 32, 32)],
)
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="1 or 3 channels"):
        corrupt(torch.zeros(shape, dtype=torch.uint8), "contrast", 1)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("name", THIRTY_TWO_ONLY)
@pytest.mark.parametrize("severity", [0, 1])
def test_corruptions_for_32_pixels_refuse_other_sizes(name, severity):
    with pytest.raises(
        ValueError, match=f"{name} is defined for 32 x 32 images, not 28 x 28.*gaussian_noise"
    ):
        corrupt(pictures(1, side=28), name, severity)


@pytest.mark.fault("bad arguments")
def test_tiny_images_are_refused():
    with pytest.raises(ValueError, match="7 x 9 are too small"):
        corrupt(torch.zeros(1, 3, 7, 9, dtype=torch.uint8), "contrast", 1)


@pytest.mark.parametrize("name", ALL)
def test_severity_0_is_a_copy(name, images):
    out = corrupt(images, name, 0)
    assert torch.equal(out, images)
    assert out.data_ptr() != images.data_ptr()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("severity", [1, 5])
def test_an_image_depends_on_its_index_and_not_on_its_batch(name, severity, images):
    before = images.clone()
    in_one_batch = corrupt(images, name, severity, first_index=1000)
    for start in range(0, 21, 7):
        seven = corrupt(images[start : start + 7], name, severity, first_index=1000 + start)
        assert torch.equal(seven, in_one_batch[start : start + 7])
    for k in (0, 5, CHUNK - 1, CHUNK, len(images) - 1):
        alone = corrupt(images[k : k + 1], name, severity, first_index=1000 + k)
        assert torch.equal(alone[0], in_one_batch[k])
    assert torch.equal(images, before)


@pytest.mark.fault("settings around the call")
@pytest.mark.parametrize("name", ALL)
def test_the_number_of_threads_changes_nothing(name, images):
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(corrupt(images, name, 4))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


@pytest.mark.parametrize("name", ALL)
def test_layout_and_kind_of_whole_number_change_nothing(name, images):
    plain = corrupt(images[:5], name, 3, seed=1, first_index=2)
    turned = images[:5].to(memory_format=torch.channels_last)
    assert torch.equal(
        corrupt(turned, name, np.int64(3), seed=np.int64(1), first_index=np.int64(2)), plain
    )


@pytest.mark.fault("settings around the call")
def test_an_error_in_a_chunk_is_raised_and_the_threads_come_back(images):
    def fail(chunk, start):
        raise ArithmeticError(f"at {start}")

    threads = torch.get_num_threads()
    with pytest.raises(ArithmeticError, match="at 0"):
        fill_in_chunks(images.clone(), fail)
    assert torch.get_num_threads() == threads


@pytest.mark.fault("settings around the call")
@pytest.mark.parametrize("name", ["gaussian_noise", "spatter", "jpeg_compression"])
def test_inference_mode_changes_nothing(name, images):
    with torch.inference_mode():
        inside = corrupt(images.clone(), name, 2)
    assert torch.equal(inside, corrupt(images, name, 2))


RANDOM = set(ALL) - {
    "defocus_blur",
    "zoom_blur",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
    "gaussian_blur",
    "saturate",
}


@pytest.mark.parametrize("name", ALL)
def test_random_corruptions_change_with_the_seed_the_index_and_nothing_else(name, images):
    same = images[:1].expand(6, -1, -1, -1)
    once = corrupt(same, name, 3)
    again = corrupt(same, name, 3)
    other_seed = corrupt(same, name, 3, seed=1)
    assert torch.equal(once, again)
    if name in RANDOM:
        distinct = len({image.numpy().tobytes() for image in torch.cat([once, other_seed])})
        # a motion blur has few ways to round its path to whole pixels
        assert distinct == 12 or (name == "motion_blur" and distinct > 6)
    else:
        assert torch.equal(once, other_seed)
        assert len({image.numpy().tobytes() for image in once}) == 1


@pytest.mark.parametrize("name", ALL)
def test_every_corruption_changes_the_image_more_as_a_whole_than_not_at_all(name, images):
    for severity in range(1, 6):
        out = corrupt(images[:8], name, severity)
        assert out.dtype == torch.uint8
        assert out.shape == images[:8].shape
        assert 0 < (out.float() - images[:8].float()).abs().mean() < 128


@pytest.mark.parametrize("name", ALL)
def test_no_images_give_no_images(name):
    empty = torch.zeros(0, 3, 32, 32, dtype=torch.uint8)
    assert corrupt(empty, name, 3).shape == empty.shape


NOISE = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
)  # has other draws for other channels


@pytest.mark.parametrize("name", [name for name in ALL if name not in NOISE])
def test_one_channel_is_the_brightness_of_the_same_picture_in_colour(name):
    grey = pictures(4, channels=1)
    for severity in (1, 3, 5):
        colour = corrupt(grey.expand(-1, 3, -1, -1), name, severity).float()
        brightness = (colour * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(
            1, keepdim=True
        )
        difference = (corrupt(grey, name, severity).float() - brightness).abs()
        # two bytes cut off apart, and a colour is cut at white channel by channel
        assert difference.mean() < 1
        assert difference.max() < (16 if name in ("frost", "spatter") else 4)


@pytest.mark.parametrize(
    "name", ["fog", "snow", "spatter", "saturate", "brightness", "contrast", "motion_blur"]
)
def test_black_and_white_pictures_stay_finite(name):
    flat = torch.stack([torch.zeros(3, 32, 32), torch.full((3, 32, 32), 255.0)]).to(torch.uint8)
    for severity in range(1, 6):
        out = corrupt(flat, name, severity)
        if name in ("saturate", "contrast", "motion_blur", "fog"):
            assert torch.equal(out[0], flat[0])
        if name in ("contrast", "motion_blur", "brightness", "snow"):
            assert torch.equal(out[1], flat[1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_device_changes_one_grey_level_at_most(images):
    for name in ALL:
        for severity in (1, 3, 5):
            on_device = corrupt(images.cuda(), name, severity)
            assert on_device.is_cuda
            difference = (on_device.cpu().int() - corrupt(images, name, severity).int()).abs()
            assert (difference > 1).float().mean() < 1e-3, (name, severity)


@pytest.mark.parametrize("side", [32, 48])
def test_every_named_corruption_takes_pictures_of_the_size(side):
    few = pictures(2, side=side)
    names = names_for(few)
    assert names == (ALL if side == 32 else tuple(name for name in ALL if name in ANY_SIZE))
    for name in names:
        assert corrupt(few, name, 1).shape == few.shape
