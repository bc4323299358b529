"""Snow, frost and fog, for 32 x 32 images (N, C, 32, 32) uint8, one channel or three."""

import torch
from torch import Tensor

from visionfail.corruptions import draws
from visionfail.corruptions.filters import motion_blur_bytes, zoom_centre
from visionfail.corruptions.frost_texture import SIDE, TEXTURES, frost_textures
from visionfail.corruptions.pixels import grey, to_bytes_, to_unit

SNOW = (  # mean, sd, zoom, threshold, blur radius, blur sigma, share of the image in the mix
    (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
    (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
)

# share of image, share of frost
FROST = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))
# amount, decay of the roughness
FOG = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))


def snow(images: Tensor, severity: int, *, normal: Tensor, angle: Tensor) -> Tensor:
    """The images whitened, with flakes streaking down.

    Draws: a normal field (N, 32, 32), an angle (N,) in degrees.
    """
    mix = SNOW[severity - 1][-1]
    layer = flakes(severity, normal, angle)
    x = to_unit(images)
    white = torch.maximum(x, grey(x) * 1.5 + 0.5)
    x.mul_(mix).add_(white.mul_(1 - mix)).add_(layer).add_(layer.flip(2, 3))
    return to_bytes_(x)


def flakes(severity: int, normal: Tensor, angle: Tensor) -> Tensor:
    """The layer of snow in [0, 1], (N, 1, 32, 32).

    It is the bright spots of a random field, enlarged and smeared along an angle.
    """
    mean, sd, zoom, threshold, radius, sigma, _ = SNOW[severity - 1]
    field = (normal.double() * sd).add_(mean).permute(1, 2, 0)
    if zoom > 1:
        field = zoom_centre(field.contiguous(), zoom)
    spots = to_bytes_(field.masked_fill(field < threshold, 0))  # (32, 32, N)
    spots = spots.permute(2, 0, 1).contiguous()[:, None]  # (N, 1, 32, 32)
    return motion_blur_bytes(spots, radius, sigma, angle).div_(255)


def draw_snow(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """The draws of `snow`: a normal field and an angle between -135 and -45 degrees."""
    angle = draws.uniforms(keys, 1, skip=1024)[:, 0] * 90 - 135
    return {"normal": draws.normals(keys, 1024).view(-1, 32, 32), "angle": angle}


def frost(images: Tensor, severity: int, *, crop: Tensor) -> Tensor:
    """The images as a x + b frost, with a crop, uint8 (N, C, 32, 32), of a frost texture.

    The texture is ours, drawn by frost_texture.py: the published benchmark uses five photographs
    that are not ours to ship. It changes images as much as theirs on average, its shapes are not
    theirs, so frost figures are not comparable digit by digit.
    """
    a, b = FROST[severity - 1]
    return (images.double().mul_(a)).add_(crop.double().mul_(b)).clamp_(0, 255).to(torch.uint8)


def draw_frost(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """The draws of `frost`: a 32 x 32 window per image of a texture, or of its brightness."""
    textures = frost_textures(shape[1], keys.device)
    windows = textures.unfold(2, 32, 1).unfold(3, 32, 1)  # (TEXTURES, C, tops, lefts, 32, 32)
    choices = torch.tensor([TEXTURES, SIDE - 31, SIDE - 31]).to(keys)
    which, top, left = (draws.uniforms(keys, 3) * choices).long().T  # (N,) each
    return {"crop": windows[which, :, top, left]}


def fog(images: Tensor, severity: int, *, uniforms: list[Tensor]) -> Tensor:
    """The images plus a plasma cloud, dimmed so that the brightest pixel stays as it was."""
    amount, decay = FOG[severity - 1]
    x = to_unit(images)
    peak = x.amax((1, 2, 3), keepdim=True)
    cloud = plasma(uniforms, decay)[:, None]  # (N, 1, 32, 32)
    return to_bytes_(x.add_(cloud * amount).mul_(peak).div_(peak + amount))


def plasma(uniforms: list[Tensor], decay: float) -> Tensor:
    """A cloud in [0, 1], (N, 32, 32), by diamond-square with wrap-around.

    The draws are (N, 3, n, n) for n = 1, 2, 4, 8, 16. At each step the grid of known points becomes
    twice as fine: first the middles of the squares, then those of their sides, each the mean of its
    four neighbours plus chance, which shrinks from step to step: coarse shapes first.
    """
    first = uniforms[0]
    field = torch.zeros(len(first), 32, 32, dtype=first.dtype, device=first.device)
    spread = 100.0
    for draw in uniforms:
        step = 32 // draw.shape[-1]
        half = step // 2
        # the published generator draws from U(-w, w) and multiplies by w once more
        middle_noise, row_noise, column_noise = (draw * spread**2).unbind(1)
        corner = field[:, ::step, ::step].clone()
        middle = pair_sum(pair_sum(corner, -1, 1), -1, 2).div_(4).add_(middle_noise)
        on_rows = pair_sum(middle, 1, 1).add_(pair_sum(corner, -1, 2)).div_(4).add_(row_noise)
        on_columns = pair_sum(middle, 1, 2).add_(pair_sum(corner, -1, 1)).div_(4).add_(column_noise)
        field[:, half::step, half::step] = middle
        field[:, ::step, half::step] = on_rows
        field[:, half::step, ::step] = on_columns
        spread /= decay
    field.sub_(field.amin((1, 2), keepdim=True))
    return field.div_(field.amax((1, 2), keepdim=True))


def pair_sum(x: Tensor, shift: int, dim: int) -> Tensor:
    """Each point plus its neighbour along `dim`, around the edge."""
    return x + x.roll(shift, dim)


def draw_fog(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, list[Tensor]]:
    """The draws of `fog`, uniform in (-1, 1), for the five steps of the plasma, coarse to fine."""
    sides = (1, 2, 4, 8, 16)
    values = draws.uniforms(keys, 1024).mul_(2).sub_(1)[:, :1023]
    steps = values.split([3 * side * side for side in sides], dim=1)
    uniforms = []
    for step, side in zip(steps, sides, strict=True):
        uniforms.append(step.view(-1, 3, side, side))
    return {"uniforms": uniforms}
