"""Brightness, contrast and saturation, in float64 and in the published order of operations."""

import torch
from torch import Tensor

from visionfail.corruptions.pixels import (
    GREY_WEIGHTS,
    images_first,
    pixels_first,
    to_bytes_,
    to_unit,
)

BRIGHTNESS = (0.05, 0.1, 0.15, 0.2, 0.3)
CONTRAST = (0.75, 0.5, 0.4, 0.3, 0.15)
SATURATE = ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2))  # times a, plus b


def contrast(images: Tensor, severity: int) -> Tensor:
    """The images as (x - m) c + m, with m the mean of the channel, so closer to one grey."""
    x = pixels_first(images).double().div_(255)
    mean = pixel_sum(x).div_(images.shape[2] * images.shape[3])
    x.sub_(mean).mul_(CONTRAST[severity - 1]).add_(mean)
    return images_first(to_bytes_(x), images.shape[1])


def pixel_sum(x: Tensor) -> Tensor:
    """The sum of x (H, W, M) over its pixels, (M,), one after another in row order.

    x.sum() adds in pairs, which is more exact but not what the published files were made with:
    13,168 of their 153.6 million bytes would come out one level off.
    """
    total = torch.zeros_like(x[0, 0])
    for pixel in x.flatten(0, 1).unbind():
        total.add_(pixel)
    return total


def brightness(images: Tensor, severity: int) -> Tensor:
    """The images with c added to their value in HSV; a grey image is its own value."""
    if images.shape[1] == 1:
        return to_bytes_(to_unit(images, torch.float64).add_(BRIGHTNESS[severity - 1]))
    hue, saturation, value = rgb_to_hsv(to_unit(images, torch.float64))
    return to_bytes_(hsv_to_rgb(hue, saturation, value.add_(BRIGHTNESS[severity - 1]).clamp_(0, 1)))


def saturate(images: Tensor, severity: int) -> Tensor:
    """The images with their saturation in HSV times a plus b.

    Grey has no hue and counts as red, so that b > 0 takes b of its green and blue: one channel gets
    darker by as much as that darkens a grey picture of three, and for b = 0 it stays as it is.
    """
    a, b = SATURATE[severity - 1]
    x = to_unit(images, torch.float64)
    if images.shape[1] == 1:
        return to_bytes_(x.mul_(1 - b * (1 - GREY_WEIGHTS[0])))
    hue, saturation, value = rgb_to_hsv(x)
    return to_bytes_(hsv_to_rgb(hue, saturation.mul_(a).add_(b).clamp_(0, 1), value))


def rgb_to_hsv(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value in [0, 1], each (N, H, W), of x (N, 3, H, W) in [0, 1].

    This is the hexcone of Smith 1978.
    """
    red, green, blue = x.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    spread = value - torch.minimum(torch.minimum(red, green), blue)
    flat = spread == 0
    hue = torch.where(red == value, (green - blue).div_(spread), 0)
    hue = torch.where(green == value, (blue - red).div_(spread).add_(2), hue)
    hue = torch.where(blue == value, (red - green).div_(spread).add_(4), hue).div_(6)
    hue = torch.where(hue < 0, hue + 1, hue).masked_fill_(flat, 0)
    return hue, (spread / value).masked_fill_(flat, 0), value


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Red, green and blue (N, 3, H, W) in [0, 1] of hue, saturation and value, each (N, H, W).

    Along the hexagon one channel is full, one low, one between.
    """
    sixths = hue * 6
    sector = sixths.floor()
    share = sixths.sub_(sector)
    sector = sector.to(torch.int8)
    low = (1 - saturation).mul_(value)
    falling = (1 - share * saturation).mul_(value)
    rising = (1 - (1 - share).mul_(saturation)).mul_(value)
    channels = []
    for turn in (0, 4, 2):  # red is full around sector 0, green around 2, blue around 4
        place = (sector + turn) % 6
        channel = torch.where(place == 1, falling, torch.where(place == 4, rising, low))
        channels.append(torch.where((place == 0) | (place == 5), value, channel))
    return torch.stack(channels, dim=1)
