"""Pixelate and elastic transform: a coarse sensor and a bent glass."""

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

# how many pixels outside the image the affine map and the field can look at most
AFFINE_REACH = 24
FIELD_REACH = 5


def pixelate(images: Tensor, severity: int) -> Tensor:
    """The images box-resized to int(side * c) and back, in PIL's whole-number arithmetic."""
    share = PIXELATE[severity - 1]
    height, width = images.shape[2:]
    x = pixels_first(images).int()
    for back in (False, True):
        for dim, side in ((1, width), (0, height)):  # PIL resizes rows first, rounds in between
            x = box_resize(x, dim, side if back else int(side * share))
    return images_first(x.to(torch.uint8), images.shape[1])


def box_resize(x: Tensor, dim: int, size: int) -> Tensor:
    """x, bytes as int32, resized along `dim`: each new pixel the mean of the old ones under it.

    The sums are in units of 2^-22 and rounded.
    """
    index, weight = box_taps(x.shape[dim], size)
    shape = (-1, 1, 1) if dim == 0 else (-1, 1)
    out = torch.tensor(1 << 21, dtype=torch.int32, device=x.device)
    for tap in range(index.shape[1]):
        old = x.index_select(dim, index[:, tap].to(x.device))
        out = old.mul_(weight[:, tap].view(shape).to(x.device)).add_(out)
    return out >> 22


def box_taps(old: int, new: int) -> tuple[Tensor, Tensor]:
    """The old pixels that make up each new one, and their weights in 2^-22, each (new, taps)."""
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
    """The images under a random affine map, then every pixel displaced by a smooth random field.

    Draws in (-1, 1): three corners' displacements, x and y (N, 3, 2); one displacement per pixel,
    dx and dy (N, 32, 32).
    """
    alpha, sigma, affine = ELASTIC[severity - 1]
    wide = pad(to_unit(images), (AFFINE_REACH,) * 4, mode="reflect")  # torch's name for mirror
    x = read_between(wide, *affine_sources(corners * (32 * affine)), reach=AFFINE_REACH)
    field = torch.cat([dy, dx]).permute(1, 2, 0).contiguous()  # (32, 32, 2 N)
    field = smooth(field, 32 * sigma, truncate=3.0, border="reflect").mul_(32 * alpha)
    rows, columns = field.permute(2, 0, 1).contiguous().split(len(images))  # (N, 32, 32) each
    grid = torch.arange(32, dtype=torch.float32, device=images.device)
    wide = extend(extend(x, 3, FIELD_REACH, "reflect"), 2, FIELD_REACH, "reflect")
    return to_bytes_(read_between(wide, rows + grid[:, None], columns + grid, reach=FIELD_REACH))


def affine_sources(shift: Tensor) -> tuple[Tensor, Tensor]:
    """The row and column, (N, 32, 32) each, that a pixel comes from if corners move by `shift`.

    The corners are (26 26) (26 6) (6 6), points are (x, y), shift is (N, 3, 2). A pixel's
    coordinates along the two moved sides are its coordinates along the unmoved ones.
    """
    before = torch.tensor([[26, 26], [26, 6], [6, 6]]).to(shift)
    down, origin, left = (before + shift)[..., None, None].unbind(1)
    ux, uy = (down - origin).unbind(1)  # (N, 1, 1) each
    vx, vy = (left - origin).unbind(1)
    grid = torch.arange(32).to(shift)
    px = grid - origin[:, 0]
    py = grid[:, None] - origin[:, 1]
    area = ux * vy - uy * vx
    along_down = (vy * px - vx * py) / area
    along_left = (ux * py - uy * px) / area
    return along_down * 20 + 6, 26 - along_left * 20


def read_between(wide: Tensor, rows: Tensor, columns: Tensor, *, reach: int) -> Tensor:
    """Bilinear values (N, C, H, W) of images at `rows` and `columns` (N, H, W), in pixels.

    `wide` are the images with `reach` more pixels on all sides, which is how far outside those
    places may lie.
    """
    stride = wide.shape[3]
    flat = wide.flatten(2)
    top = rows.floor()
    left = columns.floor()
    down = (rows - top).flatten(1)[:, None]  # (N, 1, H W)
    right = (columns - left).flatten(1)[:, None]
    corner = ((top + reach) * stride + (left + reach)).long().flatten(1)[:, None]
    up = 1 - down
    out = torch.zeros(*wide.shape[:2], corner.shape[2], dtype=wide.dtype, device=wide.device)
    for step, weight in (
        (0, up * (1 - right)),
        (1, up * right),
        (stride, down * (1 - right)),
        (stride + 1, down * right),
    ):
        out.add_(flat.gather(2, (corner + step).expand_as(out)).mul_(weight))
    return out.unflatten(2, rows.shape[1:])


def draw_elastic(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """The draws of `elastic_transform`, uniform in (-1, 1): three corners and two fields."""
    draw = draws.uniforms(keys, 2056).mul_(2).sub_(1)
    corners, _, dx, dy = draw.split([6, 2, 1024, 1024], dim=1)
    return {"corners": corners.view(-1, 3, 2), "dx": dx.view(-1, 32, 32), "dy": dy.view(-1, 32, 32)}
