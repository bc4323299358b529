"""Spatter: drops of water or mud on the lens, for 32 x 32 images.

The water's shine follows OpenCV's filters step by step, in the same whole numbers: Canny's edges,
the distance to the nearest edge, its histogram equalised, a relief filter. All pictures at once, as
(32, 32, N).
"""

import torch
from torch import Tensor

from visionfail.corruptions import draws
from visionfail.corruptions.filters import extend, smooth
from visionfail.corruptions.pixels import paint, to_bytes_, to_unit

# mean, sd and smoothing sigma of the field; threshold; strength (of mud: smoothing); mud
SPATTER = (
    (0.62, 0.1, 0.7, 0.7, 0.5, False),
    (0.65, 0.1, 0.8, 0.7, 0.5, False),
    (0.65, 0.3, 1.0, 0.69, 0.5, False),
    (0.65, 0.1, 0.7, 0.69, 0.6, True),
    (0.65, 0.1, 0.5, 0.68, 0.6, True),
)

PALE_TURQUOISE = (175, 238, 238)
BROWN = (63, 42, 20)
CANNY_LOW = 50
CANNY_HIGH = 150
TAN_22_5 = 13573  # in units of 2^-15
FURTHEST = 20 << 16  # distances are in units of 2^-16 pixel

STRAIGHT = 65536  # 1: a step to a neighbour
DIAGONAL = 91750  # 1.4: across
KNIGHT = 143976  # 2.1969: two on and one aside


def spatter(images: Tensor, severity: int, *, normal: Tensor) -> Tensor:
    """The images with drops where a smoothed normal field rises over a threshold.

    Water adds light, mud covers. Draws: a normal field (N, 32, 32).
    """
    mean, sd, sigma, threshold, strength, mud = SPATTER[severity - 1]
    layer = smooth((normal.double() * sd).add_(mean).permute(1, 2, 0).contiguous(), sigma)
    x = to_unit(images)
    if mud:
        mask = smooth((layer > threshold).float(), strength)
        mask = mask.masked_fill_(mask < 0.8, 0).permute(2, 0, 1).contiguous()[:, None]
        return to_bytes_(x.mul_(1 - mask).add_(mask * paint(BROWN, x.shape[1], like=x)))
    shine = water_shine(layer.masked_fill_(layer < threshold, 0))  # (32, 32, N)
    shine = shine.permute(2, 0, 1).contiguous()[:, None]  # (N, 1, 32, 32)
    return to_bytes_(x.add_(shine * (paint(PALE_TURQUOISE, x.shape[1], like=x) * strength)))


def draw_spatter(keys: Tensor, severity: int, shape: torch.Size) -> dict[str, Tensor]:
    """The draws of `spatter`: a normal field (N, 32, 32)."""
    return {"normal": draws.normals(keys, 1024).view(-1, 32, 32)}


def water_shine(layer: Tensor) -> Tensor:
    """The light on the drops of a layer (32, 32, N) in [0, 1], float32 of that shape.

    The brightest point of each picture is 1, or all are 0.
    """
    layer = (layer * 255).clamp_(0, 255).int()
    distance = box_sum(distance_to_edge(canny(layer))).div_(9 << 16, rounding_mode="floor")
    relief = box_sum(emboss(equalise(distance))).add_(4).div_(9, rounding_mode="floor")
    shine = (layer * relief).float()
    return shine.div_(shine.amax((0, 1)).clamp_(min=1))


def canny(layer: Tensor) -> Tensor:
    """Canny's edges (1986) of a layer (32, 32, N), bool.

    Sobel slopes are thinned to ridges; weak ridges stay where they touch strong ones.
    """
    across, down = sobel(layer)
    steep = across.abs().add_(down.abs())
    edge = is_ridge(steep, across, down) & (steep > CANNY_LOW)
    strong = edge & (steep > CANNY_HIGH)
    while True:  # strong edges grow along weak ones, all pictures until the last one is done
        grown = grow(strong) & edge
        if torch.equal(grown, strong):
            return strong
        strong = grown


def sobel(layer: Tensor) -> tuple[Tensor, Tensor]:
    """The slopes along rows and columns, int32; edge pixels repeated."""
    padded = extend(extend(layer, 0, 1, "nearest"), 1, 1, "nearest")
    vertical = padded[:-2] + padded[1:-1] * 2 + padded[2:]
    horizontal = padded[:, :-2] + padded[:, 1:-1] * 2 + padded[:, 2:]
    return vertical[:, 2:] - vertical[:, :-2], horizontal[2:] - horizontal[:-2]


def is_ridge(steep: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Whether the slope is steeper than at both neighbours along its direction, bool.

    The direction is one of four.
    """
    around = torch.nn.functional.pad(steep, (0, 0, 1, 1, 1, 1))
    wide = across.abs()
    high = down.abs().mul_(1 << 15)
    flat = wide * TAN_22_5
    beside = (steep > around[1:-1, :-2]) & (steep >= around[1:-1, 2:])
    above = (steep > around[:-2, 1:-1]) & (steep >= around[2:, 1:-1])
    falling = (steep > around[:-2, :-2]) & (steep > around[2:, 2:])
    rising = (steep > around[:-2, 2:]) & (steep > around[2:, :-2])
    slanted = torch.where((across ^ down) < 0, rising, falling)
    return torch.where(high < flat, beside, torch.where(high > flat + (wide << 16), above, slanted))


def grow(mask: Tensor) -> Tensor:
    """The mask and its eight neighbours."""
    tall = mask.clone()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    wide = tall.clone()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def distance_to_edge(edge: Tensor) -> Tensor:
    """The distance to the nearest edge, int32 in 2^-16 pixel, cut at 20 pixels.

    Steps are those of the 5 x 5 chamfer mask (Borgefors 1986). A shortest way uses its steps in any
    order, so: all that lead down, or all that lead up, then those along the row.
    """
    start = torch.where(edge, 0, FURTHEST).to(torch.int32)
    down, up = walk_down(torch.cat([start, start.flip(0)], dim=2)).chunk(2, dim=2)
    distance = torch.minimum(down, up.flip(0))
    for step in (1, 2, 4, 8, 16):
        before = distance.clone()
        shorten(distance[:, step:], before[:, :-step], step * STRAIGHT)
        shorten(distance[:, :-step], before[:, step:], step * STRAIGHT)
    return distance


def walk_down(start: Tensor) -> Tensor:
    """The distances from `start` where every step leads to a lower row."""
    distance = start.clone()
    for row in range(1, len(distance)):
        here = distance[row]
        above = distance[row - 1]
        shorten(here, above, STRAIGHT)
        for side, cost in ((1, DIAGONAL), (2, KNIGHT)):
            shorten(here[side:], above[:-side], cost)
            shorten(here[:-side], above[side:], cost)
        if row > 1:
            shorten(here[1:], distance[row - 2, :-1], KNIGHT)
            shorten(here[:-1], distance[row - 2, 1:], KNIGHT)
    return distance


def shorten(distance: Tensor, neighbour: Tensor, cost: int) -> None:
    """Take the way through the neighbour where that is shorter; in place."""
    torch.minimum(distance, neighbour + cost, out=distance)


def box_sum(x: Tensor) -> Tensor:
    """The sum of the 3 x 3 pixels around each, the border a mirror; int32."""
    x = extend(extend(x, 0, 1, "mirror"), 1, 1, "mirror")
    x = x[:-2] + x[1:-1] + x[2:]
    return x[:, :-2] + x[:, 1:-1] + x[:, 2:]


def equalise(levels: Tensor) -> Tensor:
    """Whole distances 0 ... 20 spread to 0 ... 255 so that their histogram is flat, int32.

    The arithmetic is that of OpenCV's equalizeHist.
    """
    flat = levels.flatten(0, 1).long()
    count = torch.zeros(21, flat.shape[1], dtype=torch.int64, device=flat.device)
    at_most = count.scatter_add_(0, flat, torch.ones_like(flat)).cumsum(0)
    lowest = at_most.gather(0, flat.amin(0, keepdim=True))
    scale = 255 / (len(flat) - lowest).float()
    curve = ((at_most - lowest).float() * scale).round_()
    spread = curve.gather(0, flat).long()
    # where there is one level only, there is nothing to spread
    return torch.where(lowest == len(flat), flat, spread).int().view(levels.shape)


def emboss(x: Tensor) -> Tensor:
    """x filtered with [-2 -1 0; -1 1 1; 0 1 2], as if lit from the upper left, 0 ... 255."""
    p = extend(extend(x, 0, 1, "mirror"), 1, 1, "mirror")
    lit = (
        (p[2:, 2:] - p[:-2, :-2]) * 2
        + p[2:, 1:-1]
        - p[:-2, 1:-1]
        + p[1:-1, 2:]
        - p[1:-1, :-2]
        + p[1:-1, 1:-1]
    )
    return lit.clamp_(0, 255)
