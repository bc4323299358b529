"""A picture that somebody sends, as a tensor; it counts as hostile and never touches the disk."""

import io

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

MAX_BYTES = 4_000_000
MAX_PIXELS = 16_000_000  # checked in the header, before anything is decoded
FORMATS = ("PNG", "JPEG")  # by content; a name says nothing
PREVIEWED = "MPO"  # what PIL calls a JPEG with further ones behind it, such as a phone's preview
JPEG_SUFFIXES = (".jpg", ".jpeg")
PICTURE_SUFFIXES = (".png", *JPEG_SUFFIXES)
SUFFIXES_OF_FORMATS = {"PNG": (".png",), "JPEG": JPEG_SUFFIXES, PREVIEWED: JPEG_SUFFIXES}
EIGHT_BITS = ("1", "L", "LA", "P", "RGB", "RGBA")  # PIL's modes that mean the same to every reader


def read_picture(data: bytes, *, channels: int, side: int) -> Tensor:
    """The picture in the bytes of a PNG or JPEG as uint8 (1, channels, side, side).

    Channels are 1 or 3. The picture is turned as its EXIF says, laid on white where it is
    transparent, cut to the square in its middle and shrunk or enlarged; 16 bits become 8. Of a JPEG
    with others behind it, as phones save it, it is the first.
    ValueError, with the remedy, for anything else: too many bytes or pixels, another format, an
    animation, a broken or cut-off file.
    """
    if channels not in (1, 3) or side < 1:
        raise ValueError(
            f"channels {channels} and side {side}: one or three channels, at least one pixel."
        )
    picture = _decoded(data, _opened(data))
    square = ImageOps.fit(
        picture.convert("RGB" if channels == 3 else "L"), (side, side), Image.Resampling.BILINEAR
    )
    pixels = torch.from_numpy(np.array(square, dtype=np.uint8))
    return pixels.view(1, side, side, channels).permute(0, 3, 1, 2).contiguous()


def read_whole_picture(data: bytes, *, side: int, suffix: str) -> Tensor:
    """The whole picture in the bytes of a file as uint8 (1, 3, side, side), its sides squeezed.

    Nothing is cut off, for what matters may stand at the rim. As `read_picture`, but ValueError too
    where the file's `suffix` is not that of its content, and for 16 bits and CMYK, which readers
    take differently.
    """
    picture = _opened(data)
    allowed = SUFFIXES_OF_FORMATS.get(str(picture.format), ())
    if suffix.lower() not in allowed:
        raise ValueError(
            f"the file is called {suffix or 'nothing'} and holds {picture.format}: name it "
            f"{' or '.join(allowed)}."
        )
    if picture.mode not in EIGHT_BITS:
        raise ValueError(f"the picture has mode {picture.mode}: save it as 8-bit RGB or grey.")
    whole = _decoded(data, picture).convert("RGB")
    whole = whole.resize((side, side), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(whole, dtype=np.uint8))
    return pixels.permute(2, 0, 1)[None].contiguous()


def as_digit(image: Tensor) -> Tensor:
    """A grey picture uint8 (1, 1, H, W) as MNIST has it, bright on black.

    It is inverted where its rim is bright.
    """
    edges = [image[..., 0, :], image[..., -1, :], image[..., :, 0], image[..., :, -1]]
    rim = torch.cat(edges, dim=-1)  # (1, 1, 2 H + 2 W)
    return 255 - image if rim.float().median() > 127 else image


def _opened(data: bytes) -> Image.Image:
    """The picture with its header read and nothing decoded; ValueError where it is refused."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"the file has {len(data):,} bytes: send one of at most {MAX_BYTES:,}.")
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"the picture claims too many pixels: send one of at most {MAX_PIXELS:,}."
        ) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            "this is no PNG or JPEG that can be read: save the picture as one of these."
        ) from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"the picture has {width:,} x {height:,} pixels: send one of at most {MAX_PIXELS:,}."
        )
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != PREVIEWED:
        raise ValueError(f"the picture is an animation of {frames} frames: send a single one.")
    return picture


def _decoded(data: bytes, picture: Image.Image) -> Image.Image:
    """The picture decoded to eight bits, upright and opaque; ValueError where it is broken."""
    try:
        picture.load()
        picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith(("I", "F")):
            # 16 bits: convert() would clip at 255 instead of scaling
            values = np.asarray(picture, dtype=np.float64)
            picture = Image.fromarray((values / 257).round().clip(0, 255).astype(np.uint8))
        if "A" in picture.getbands() or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    except (OSError, SyntaxError, ValueError, MemoryError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"the file of {len(data):,} bytes is broken or cut off: save it again and send that."
        ) from error
    return picture
