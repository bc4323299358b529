"""JPEG compression without the file, byte for byte what libjpeg writes and reads back.

JPEG loses information in three places: rounding to brightness and two colours, halving the colours'
resolution (4:2:0), and rounding 8 x 8 cosine coefficients to multiples of a quantisation step. The
Huffman code that packs the rest loses nothing, so it is left out here. All numbers are whole and
small enough to be exact, in float32 (below 2^24) and for the cosines in float64: the order of
additions, and with it the size of the batch, does not matter even in a matrix product. The steps
are those of libjpeg's slow integer method (jfdctint, jidctint), its default.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

QUALITY = (80, 65, 58, 50, 40)

# Quantisation steps at quality 50, from the JPEG standard (ITU-T T.81, annex K)
BRIGHTNESS_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)

COLOUR_STEPS = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)

# Left halves of the cosine matrix times 2^13 sqrt(2); the right halves mirror them, odd rows with
# the other sign. Not quite the rounded cosines: libjpeg multiplies with sums of rounded constants.
COSINES = (
    (8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260),
    (10703, 4433, -4433, -10703),
    (9633, -2259, -11362, -6436),
    (8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633),
    (4433, -10704, 10704, -4433),
    (2260, -6436, 9633, -11363),
)


def jpeg_compression(images: Tensor, severity: int) -> Tensor:
    """The images uint8 (N, C, H, W) as stored in JPEG of quality 80 to 40 and read back."""
    quality = QUALITY[severity - 1]
    x = images.float()
    if images.shape[1] == 1:
        return cut(code(x, BRIGHTNESS_STEPS, quality)).to(torch.uint8)
    brightness, colours = split_colours(x)
    brightness = code(brightness, BRIGHTNESS_STEPS, quality)
    colours = code(halve(colours), COLOUR_STEPS, quality)
    return join_colours(brightness, enlarge(colours, images.shape[2:])).to(torch.uint8)


def shift_bits(x: Tensor, bits: int) -> Tensor:
    """x / 2^bits, rounded to the nearest whole number, halves upwards; in place."""
    return x.add_(2 ** (bits - 1)).div_(2**bits).floor_()


def cut(x: Tensor) -> Tensor:
    """x cut off at 0 and 255; in place."""
    return x.clamp_(0, 255)


def split_colours(x: Tensor) -> tuple[Tensor, Tensor]:
    """Brightness (N, 1, H, W) and blueness and redness (N, 2, H, W) of RGB, all 0 to 255."""
    red = x[:, 0:1]
    green = x[:, 1:2]
    blue = x[:, 2:3]
    brightness = shift_bits((red * 19595).add_(green * 38470).add_(blue * 7471), 16)
    blueness = (blue * 32768).sub_(red * 11059).sub_(green * 21709)
    redness = (red * 32768).sub_(green * 27439).sub_(blue * 5329)
    return brightness, shift_bits(torch.cat([blueness, redness], dim=1).add_((128 << 16) - 1), 16)


def join_colours(brightness: Tensor, colours: Tensor) -> Tensor:
    """RGB (N, 3, H, W), 0 to 255, of what `split_colours` gives."""
    blueness, redness = (colours - 128).chunk(2, dim=1)
    red = brightness + shift_bits(redness * 91881, 16)
    green = brightness + shift_bits((blueness * -22554).sub_(redness * 46802), 16)
    blue = brightness + shift_bits(blueness * 116130, 16)
    return cut(torch.cat([red, green, blue], dim=1))


def halve(x: Tensor) -> Tensor:
    """Means of 2 x 2 pixels, rounded up and down in turns along the row.

    The last pixels repeat to full blocks.
    """
    x = pad(x, (0, -x.shape[3] % 16, 0, x.shape[2] % 2), mode="replicate")
    total = x[:, :, ::2] + x[:, :, 1::2]
    total = total[..., ::2] + total[..., 1::2]
    total[..., ::2] += 1
    total[..., 1::2] += 2
    return total.div_(4).floor_()


def enlarge(x: Tensor, size: torch.Size) -> Tensor:
    """x at twice its size, cut to `size` (height, width), by "fancy" upsampling.

    Each pixel comes from its four nearest, with weights 9 3 3 1 in sixteenths.
    """
    height, width = size
    padded = pad(x[..., : (width + 1) // 2], (1, 1, 1, 1), mode="replicate")
    near = padded[:, :, 1:-1] * 3
    rows = torch.stack([near + padded[:, :, :-2], near + padded[:, :, 2:]], dim=3).flatten(2, 3)
    near = rows[..., 1:-1] * 3
    columns = torch.stack([near + rows[..., :-2] + 8, near + rows[..., 2:] + 7], dim=4)
    columns = columns.flatten(3, 4)
    return columns[:, :, :height, :width].div(16).floor_()


def code(x: Tensor, steps: tuple[tuple[int, ...], ...], quality: int) -> Tensor:
    """x (N, C, H, W), 0 to 255, with its cosine coefficients rounded to multiples of the steps."""
    height, width = x.shape[2:]
    x = pad(x, (0, -width % 8, 0, -height % 8), mode="replicate").double().sub_(128)
    step = scaled_steps(steps, quality).to(x)
    coefficients = cosine_transform(x)
    # the coefficients are eight times too large; ties are rounded away from zero
    levels = coefficients.abs().add_(step * 4).div_(step * 8).floor_().mul_(coefficients.sign())
    return cut(inverse_transform(levels.mul_(step)).add_(128))[:, :, :height, :width].float()


def scaled_steps(steps: tuple[tuple[int, ...], ...], quality: int) -> Tensor:
    """The steps for a quality of 1 to 100, (8, 1, 8), to go with blocks as (..., 8, W / 8, 8)."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return (
        torch.tensor(steps)
        .mul(percent)
        .add(50)
        .div(100, rounding_mode="floor")
        .clamp(1, 255)[:, None]
    )


def cosine_matrix(like: Tensor) -> Tensor:
    """The 8 x 8 cosine matrix, frequency by place."""
    left = torch.tensor(COSINES).to(like)
    sign = torch.tensor([1, -1] * 4).to(like)[:, None]
    return torch.cat([left, left.flip(1) * sign], dim=1)


def cosine_transform(x: Tensor) -> Tensor:
    """Blocks of (N, C, H, W) -> coefficients (N, C, H / 8, 8, W / 8, 8), eight times too large:
    rows, then columns.
    """
    matrix = cosine_matrix(x)
    x = shift_bits(x.unflatten(3, (-1, 8)) @ matrix.T, 11)
    x = matrix @ x.flatten(3).unflatten(2, (-1, 8))
    return shift_bits(x, 15).unflatten(4, (-1, 8))


def inverse_transform(x: Tensor) -> Tensor:
    """Coefficients (N, C, H / 8, 8, W / 8, 8) -> (N, C, H, W): columns, then rows."""
    matrix = cosine_matrix(x)
    x = shift_bits(matrix.T @ x.flatten(4), 11)
    return shift_bits(x.unflatten(4, (-1, 8)) @ matrix, 18).flatten(4).flatten(2, 3)
