import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from visionfail.data import image_io

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8)


def stored(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def bomb(width, height):
    """A PNG whose header claims a size and which holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


PNG = stored(Image.fromarray(COLOUR))
FRAMES = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]


@pytest.mark.fault("pictures that cannot be read")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no PNG or JPEG"),
        (b"MZ\x90\x00 not a picture", "no PNG or JPEG"),
        (stored(Image.fromarray(COLOUR), "GIF"), "no PNG or JPEG"),
        (stored(Image.fromarray(COLOUR), "BMP"), "no PNG or JPEG"),
        (stored(Image.fromarray(COLOUR), "TIFF"), "no PNG or JPEG"),
        (stored(FRAMES[0], save_all=True, append_images=FRAMES[1:]), "animation of 2"),
        (PNG[: len(PNG) // 2], "broken or cut off"),
        (stored(Image.fromarray(COLOUR), "JPEG")[:400], "broken or cut off|no PNG"),
        (PNG[:60] + bytes(40) + PNG[100:], "broken or cut off"),
        (bomb(30_000, 30_000), "pixels"),
        (bomb(5_000, 5_000), "pixels"),
        (bomb(1_000, 1_000), "broken or cut off"),
        (PNG + bytes(image_io.MAX_BYTES), "bytes"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_refused_in_words(data, said):
    with pytest.raises(ValueError, match=said):
        image_io.read_picture(data, channels=3, side=32)


@pytest.mark.fault("pictures that cannot be read")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "picture",
    [
        Image.fromarray(COLOUR),
        Image.fromarray(COLOUR[..., 0]),
        Image.fromarray(COLOUR[..., 0]).convert("1"),
        Image.fromarray(COLOUR).convert("P"),
        Image.fromarray(np.dstack([COLOUR, COLOUR[..., 0]])),
        Image.fromarray(COLOUR[:, :30]),
        Image.fromarray(COLOUR[:1]),
        Image.fromarray(COLOUR[..., 0].astype(np.uint16) * 257),
    ],
    ids=["colour", "grey", "bits", "palette", "alpha", "not square", "one row", "16 bits"],
)
def test_handled(picture, channels):
    image = image_io.read_picture(stored(picture), channels=channels, side=28)
    assert image.shape == (1, channels, 28, 28) and image.dtype == torch.uint8


def test_pixels_are_those_of_the_picture():
    image = image_io.read_picture(PNG, channels=3, side=40)
    assert torch.equal(image[0].permute(1, 2, 0), torch.from_numpy(COLOUR))
    deep = image_io.read_picture(
        stored(Image.fromarray(COLOUR[..., 0].astype(np.uint16) * 257)), channels=1, side=40
    )
    assert torch.equal(deep[0, 0], torch.from_numpy(COLOUR[..., 0]))


@pytest.mark.fault("pictures that cannot be read")
def test_of_a_jpeg_with_a_preview_behind_it_the_first_picture_is_taken():
    second = Image.fromarray(255 - COLOUR)
    both = stored(FRAMES[0], "MPO", save_all=True, append_images=[second])  # as phones save it
    one = stored(FRAMES[0], "JPEG")
    assert Image.open(io.BytesIO(both)).n_frames == 2
    assert torch.equal(
        image_io.read_picture(both, channels=3, side=40),
        image_io.read_picture(one, channels=3, side=40),
    )
    for suffix in (".jpg", ".JPEG"):
        whole = image_io.read_whole_picture(both, side=16, suffix=suffix)
        assert torch.equal(whole, image_io.read_whole_picture(one, side=16, suffix=suffix))
    with pytest.raises(ValueError, match=r"called \.png and holds .*: name it \.jpg or \.jpeg"):
        image_io.read_whole_picture(both, side=16, suffix=".png")
    with pytest.raises(ValueError, match=r"broken or cut off|no PNG or JPEG"):
        image_io.read_picture(both[:400], channels=3, side=40)


def test_what_is_transparent_is_white_and_exif_turns():
    clear = np.zeros((8, 8, 4), dtype=np.uint8)
    assert (image_io.read_picture(stored(Image.fromarray(clear)), channels=3, side=8) == 255).all()
    tall = Image.fromarray(np.repeat(np.arange(16, dtype=np.uint8)[:, None] * 16, 16, axis=1))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = image_io.read_picture(stored(tall, exif=exif), channels=1, side=16)
    assert torch.equal(turned, image_io.read_picture(stored(tall), channels=1, side=16).flip(2, 3))


def test_a_digit_in_ink_is_turned_into_one_of_light():
    ink = torch.full((1, 1, 28, 28), 250, dtype=torch.uint8)
    ink[..., 8:20, 13:15] = 10
    light = image_io.as_digit(ink)
    assert light[0, 0, 0, 0] == 5 and light[0, 0, 10, 13] == 245
    assert torch.equal(image_io.as_digit(light), light)


def test_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    image_io.read_picture(PNG, channels=3, side=32)
    assert list(tmp_path.iterdir()) == []
