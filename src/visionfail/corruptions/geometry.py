"""Pixelate and elastic transform: what a coarse sensor and a bent glass do to a picture."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from visionfail.corruptions import draws
from visionfail.corruptions.filters import extend, smooth
from visionfail.corruptions.pixels import images_first, pixels_first, to_bytes_, to_unit

PIXELATE = (0.95, 0.9, 0.85, 0.75, 0.65)  # share of the side that is left

ELASTIC = (  # alpha and sigma of the displacements, range of the affine corners; in image sides
    (0.0, 0.0, 0.08),
    (0.05, 0.2, 0.07),
    (0.08, 0.06, 0.06),
    (0.1, 0.04, 0.05),
    (0.1, 0.03, 0.03),
)

AFFINE_REACH, FIELD_REACH = 24, 5  # how many pixels outside the image the two can look at most


def pixelate(images: Tensor, severity: int) -> Tensor:
    """Box-resized to int(side * c) and back: PIL's bytes, whose resampling is whole-number
    arithmetic.
    """
    share = PIXELATE[severity - 1]
    x = pixels_first(images).int()
    for back in (False, True):
        for dim, side in (
            (1, images.shape[3]),
            (0, images.shape[2]),
        ):  # PIL resizes rows first, and rounds in between
            x = box_resize(x, dim, side if back else int(side * share))
    return images_first(x.to(torch.uint8), images.shape[1])


def box_resize(x: Tensor, dim: int, size: int) -> Tensor:
    """int32 bytes resized along `dim`: each new pixel the mean of the old ones under it, in units
    of 2^-22, rounded.
    """
    index, weight = box_taps(x.shape[dim], size)
    shape = (-1, 1, 1) if dim == 0 else (-1, 1)
    out = torch.tensor(1 << 21, dtype=torch.int32, device=x.device)
    for tap in range(index.shape[1]):
        taken = x.index_select(dim, index[:, tap].to(x.device))
        out = taken.mul_(weight[:, tap].view(shape).to(x.device)).add_(out)
    return out >> 22


def box_taps(old: int, new: int) -> tuple[Tensor, Tensor]:
    """Which old pixels make up each new one, (new, taps), and with what weight, in units of
    2^-22.
    """
    scale = old / new
    reach = 0.5 * max(scale, 1.0)
    centre = (np.arange(new) + 0.5) * scale
    first = np.floor(centre - reach + 0.5).astype(int).clip(0)
    index = first[:, None] + np.arange(math.ceil(2 * reach) + 1)
    distance = (index - centre[:, None] + 0.5) / max(scale, 1.0)
    weight = np.where((distance > -0.5) & (distance <= 0.5) & (index < old), 1.0, 0.0)
    weight = np.floor(weight / weight.sum(1, keepdims=True) * 2**22 + 0.5)
    return torch.from_numpy(index.clip(0, old - 1)), torch.from_numpy(weight).int()


def elastic_transform(
    images: Tensor, severity: int, *, corners: Tensor, dx: Tensor, dy: Tensor
) -> Tensor:
    """A random affine map, then every pixel displaced by a smooth random field.

    Draws in (-1, 1): three corners' displacements, x and y (N, 3, 2); one displacement a pixel, dx
    and dy (N, 32, 32).
    """
    alpha, sigma, affine = ELASTIC[severity - 1]
    wide = pad(to_unit(images), (AFFINE_REACH,) * 4, mode="reflect")  # torch's name for mirror
    x = read_between(wide, *affine_sources(corners * (32 * affine)), reach=AFFINE_REACH)
    field = torch.cat([dy, dx]).permute(1, 2, 0).contiguous()
    field = (
        smooth(field, 32 * sigma, truncate=3.0, border="reflect").mul_(32 * alpha).permute(2, 0, 1)
    )
    rows, columns = field.contiguous().split(len(images))
    grid = torch.arange(32.0, device=images.device)
    wide = extend(extend(x, 3, FIELD_REACH, "reflect"), 2, FIELD_REACH, "reflect")
    return to_bytes_(read_between(wide, rows + grid[:, None], columns + grid, reach=FIELD_REACH))


def affine_sources(shift: Tensor) -> tuple[Tensor, Tensor]:
    """For each pixel the row and column it is read from, (N, 32, 32), if three corners of a square
    move by `shift`.

    The corners are (26 26) (26 6) (6 6), points are (x, y), shift is (N, 3, 2). A pixel's
    coordinates along the two moved sides are its coordinates along the unmoved ones.
    """
    before = torch.tensor([[26.0, 26.0], [26.0, 6.0], [6.0, 6.0]], device=shift.device)
    down, origin, left = (before + shift)[..., None, None].unbind(1)
    (ux, uy), (vx, vy) = (down - origin).unbind(1), (left - origin).unbind(1)
    grid = torch.arange(32.0, device=shift.device)
    px, py = grid - origin[:, 0], grid[:, None] - origin[:, 1]
    area = ux * vy - uy * vx
    along_down, along_left = (vy * px - vx * py) / area, (ux * py - uy * px) / area
    return along_down * 20 + 6, 26 - along_left * 20


def read_between(wide: Tensor, rows: Tensor, columns: Tensor, *, reach: int) -> Tensor:
    """Bilinear values (N, C, H, W) of images at `rows` and `columns` (N, H, W), in pixels.

    `wide` are the images with `reach` more pixels on all sides, which is how far outside those
    places may lie.
    """
    stride, flat = wide.shape[3], wide.flatten(2)
    top, left = rows.floor(), columns.floor()
    down, right = (
        (place - edge).flatten(1)[:, None] for place, edge in ((rows, top), (columns, left))
    )
    corner = ((top + reach) * stride + (left + reach)).long().flatten(1)[:, None]
    up, out = 1 - down, torch.zeros(*wide.shape[:2], corner.shape[2], device=wide.device)
    for step, weight in (
        (0, up * (1 - right)),
        (1, up * right),
        (stride, down * (1 - right)),
        (stride + 1, down * right),
    ):
        out.add_(flat.gather(2, (corner + step).expand_as(out)).mul_(weight))
    return out.unflatten(2, rows.shape[1:])


def draw_elastic(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """Uniform draws in (-1, 1): three corners and two fields."""
    draw = draws.uniforms(keys, 2056).mul_(2).sub_(1)
    corners, _, dx, dy = draw.split([6, 2, 1024, 1024], dim=1)
    return {"corners": corners.view(-1, 3, 2), "dx": dx.view(-1, 32, 32), "dy": dy.view(-1, 32, 32)}
