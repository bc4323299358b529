"""The 19 corruptions once more, one image at a time, with numpy, scipy, scikit-image, OpenCV and
PIL.

Slow and plain on purpose: the tests hold visionfail.corruptions against these, the benchmark times
both in one run. Every function takes an (H, W, 3) uint8 picture, the severity and its random draws,
and returns an (H, W, 3) uint8 picture (those for any size take one channel, too); `draws` makes the
draws with an ordinary numpy generator, as the published generator does.
"""

import io

import cv2
import numpy as np
import skimage.color
import skimage.filters
from PIL import Image
from scipy import ndimage


def finish(x):
    return np.uint8(np.clip(x, 0, 1) * 255)


# --- noise


def gaussian_noise(image, severity, *, normal):
    return finish(image / 255.0 + normal * (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1])


def shot_noise(image, severity, *, counts):
    return finish(counts / (500, 250, 100, 75, 50)[severity - 1])


def impulse_noise(image, severity, *, hit, salt):
    return np.where(hit, np.where(salt, 255, 0), image).astype(np.uint8)


def speckle_noise(image, severity, *, normal):
    x = image / 255.0
    return finish(x + x * normal * (0.06, 0.1, 0.12, 0.16, 0.2)[severity - 1])


# --- blur


def blurred(x, sigma):
    return skimage.filters.gaussian(x, sigma=sigma, channel_axis=-1, mode="nearest", truncate=4.0)


def gaussian_blur(image, severity):
    return finish(blurred(image / 255.0, (0.4, 0.6, 0.7, 0.8, 1)[severity - 1]))


def disc(radius, alias_sigma):
    y, x = np.mgrid[-8:9, -8:9]
    kernel = np.float32(x**2 + y**2 <= radius**2)
    return cv2.GaussianBlur(kernel / kernel.sum(), ksize=(3, 3), sigmaX=alias_sigma)


def defocus_blur(image, severity):
    kernel = disc(*((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[severity - 1])
    x = image / 255.0
    return finish(
        np.stack(
            [cv2.filter2D(x[..., channel], -1, kernel) for channel in range(x.shape[-1])], axis=-1
        )
    )


def glass_blur(image, severity, *, dy, dx):
    """Draws: (passes, 32, 32) offsets, used at the scan position."""
    sigma, delta, passes = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))[
        severity - 1
    ]
    x = np.uint8(blurred(image / 255.0, sigma) * 255)
    for scan in range(passes):
        for row in range(32 - delta, delta, -1):
            for column in range(32 - delta, delta, -1):
                other = row + dy[scan, row, column], column + dx[scan, row, column]
                # views on both sides: the second assignment copies back what the first has just
                # written
                x[row, column], x[other] = x[other], x[row, column]
    return finish(blurred(x / 255.0, sigma))


def motion_blurred(plane, radius, sigma, angle):
    """(H, W) or (H, W, 3) uint8 -> the same, blurred along `angle` (degrees) as ImageMagick does
    it.
    """
    taps = np.arange(2 * radius + 1)
    weights = np.exp(-(taps**2) / (2 * sigma**2))
    kernel = np.zeros((4 * radius + 1,) * 2)
    for tap, weight in zip(taps, weights / weights.sum(), strict=True):
        dy = int(np.ceil(tap * np.sin(np.deg2rad(angle)) - 0.5))
        dx = int(np.ceil(tap * np.cos(np.deg2rad(angle)) - 0.5))
        kernel[2 * radius + dy, 2 * radius + dx] += weight
    planes = np.atleast_3d(plane).astype(np.float64)
    out = [
        ndimage.correlate(planes[..., c], kernel, mode="nearest") for c in range(planes.shape[-1])
    ]
    sixteen_bits = np.rint(257 * np.stack(out, axis=-1)).astype(int)
    return np.uint8(sixteen_bits // 257).reshape(plane.shape)


def motion_blur(image, severity, *, angle):
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    return motion_blurred(image, radius, sigma, angle)


def clipped_zoom(x, factor):
    side = x.shape[0]
    crop = int(np.ceil(side / factor))
    top = (side - crop) // 2
    centre = x[top : top + crop, top : top + crop]
    large = ndimage.zoom(centre, (factor, factor, 1)[: x.ndim], order=1)
    trim = (large.shape[0] - side) // 2
    return large[trim : trim + side, trim : trim + side]


def zoom_blur(image, severity):
    factors = np.arange(1, (1.06, 1.11, 1.16, 1.21, 1.26)[severity - 1], 0.01)
    x = (image / 255.0).astype(np.float32)
    out = np.zeros_like(x)
    for factor in factors:
        out += clipped_zoom(x, factor)
    return finish((x + out) / (len(factors) + 1))


# --- weather


def snow(image, severity, *, normal, angle):
    mean, sd, zoom, threshold, radius, sigma, mix = (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    )[severity - 1]
    layer = clipped_zoom(mean + sd * normal, zoom)
    layer[layer < threshold] = 0
    layer = motion_blurred(finish(layer), radius, sigma, angle)[..., None] / 255.0
    x = np.float32(image) / 255
    grey = cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)[..., None]
    x = mix * x + (1 - mix) * np.maximum(x, grey * 1.5 + 0.5)
    return finish(x + layer + np.rot90(layer, k=2))


def frost(image, severity, *, crop):
    """Draws: the 32 x 32 x 3 crop of a frost texture, uint8."""
    a, b = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity - 1]
    return np.uint8(np.clip(a * np.float64(image) + b * np.float64(crop), 0, 255))


def plasma(uniforms, decay, side=32):
    """Diamond-square with wrap-around, scaled to [0, 1]; `uniforms` in (-1, 1), three (n, n) arrays
    a step.
    """
    field = np.zeros((side, side))
    step = side
    spread = 100.0
    for squares, rows, columns in uniforms:
        half = step // 2
        for name, draw in (("square", squares), ("row", rows), ("column", columns)):
            for i in range(side // step):
                for j in range(side // step):
                    y = i * step
                    x = j * step
                    if name == "square":
                        y += half
                        x += half
                        around = [
                            (y - half, x - half),
                            (y - half, x + half),
                            (y + half, x - half),
                            (y + half, x + half),
                        ]
                    else:
                        y, x = (y, x + half) if name == "row" else (y + half, x)
                        around = [(y - half, x), (y + half, x), (y, x - half), (y, x + half)]
                    mean = sum(field[a % side, b % side] for a, b in around) / 4
                    field[y, x] = mean + spread * spread * draw[i, j]
        step = half
        spread /= decay
    field -= field.min()
    return field / field.max()


def fog(image, severity, *, uniforms):
    amount, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    x = image / 255.0
    peak = x.max()
    return finish((x + amount * plasma(uniforms, decay)[..., None]) * peak / (peak + amount))


def water(layer):
    """(32, 32) float layer -> its brightness after the edge, distance and relief filters, at most
    1.
    """
    layer = finish(layer)
    distance = cv2.distanceTransform(255 - cv2.Canny(layer, 50, 150), cv2.DIST_L2, 5)
    distance = cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8)
    relief = np.float32([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    relief = cv2.blur(cv2.filter2D(cv2.equalizeHist(distance), cv2.CV_8U, relief), (3, 3))
    shine = layer.astype(np.float32) * relief
    return shine / max(shine.max(), 1e-9)


def spatter(image, severity, *, normal):
    mean, sd, sigma, threshold, strength, mud = (
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
    )[severity - 1]
    layer = skimage.filters.gaussian(mean + sd * normal, sigma=sigma, mode="nearest", truncate=4.0)
    layer[layer < threshold] = 0
    x = image / 255.0
    if not mud:
        return finish(x + strength * water(layer)[..., None] * np.array([175, 238, 238]) / 255)
    mask = skimage.filters.gaussian(
        np.float32(layer > threshold), sigma=strength, mode="nearest", truncate=4.0
    )
    mask[mask < 0.8] = 0
    return finish(x * (1 - mask[..., None]) + mask[..., None] * np.array([63, 42, 20]) / 255)


# --- colour and digital


def brightness(image, severity):
    hsv = skimage.color.rgb2hsv(image / 255.0)
    hsv[..., 2] = np.clip(hsv[..., 2] + (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1], 0, 1)
    return finish(skimage.color.hsv2rgb(hsv))


def saturate(image, severity):
    a, b = ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))[severity - 1]
    hsv = skimage.color.rgb2hsv(image / 255.0)
    hsv[..., 1] = np.clip(hsv[..., 1] * a + b, 0, 1)
    return finish(skimage.color.hsv2rgb(hsv))


def contrast(image, severity):
    x = image / 255.0
    mean = np.add.accumulate(x.reshape(-1, x.shape[-1]))[-1] / (x.shape[0] * x.shape[1])
    return finish((x - mean) * (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1] + mean)


def pixelate(image, severity):
    share = (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1]
    height, width = image.shape[:2]
    small = Image.fromarray(image.squeeze()).resize(
        (int(width * share), int(height * share)), Image.Resampling.BOX
    )
    return np.asarray(small.resize((width, height), Image.Resampling.BOX)).reshape(image.shape)


def jpeg_compression(image, severity):
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze()).save(
        buffer, "JPEG", quality=(80, 65, 58, 50, 40)[severity - 1]
    )
    return np.asarray(Image.open(buffer)).reshape(image.shape)


def elastic_transform(image, severity, *, corners, dx, dy):
    """Draws: (3, 2) corner displacements and two (32, 32) fields, all in (-1, 1)."""
    alpha, sigma, affine = (
        (0, 0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    )[severity - 1]
    x = image / 255.0
    before = np.float32([[26, 26], [26, 6], [6, 6]])
    matrix = cv2.getAffineTransform(before, np.float32(before + 32 * affine * corners))
    inverse = cv2.invertAffineTransform(matrix)
    columns, rows = np.meshgrid(np.arange(32.0), np.arange(32.0))
    source_x = inverse[0, 0] * columns + inverse[0, 1] * rows + inverse[0, 2]
    source_y = inverse[1, 0] * columns + inverse[1, 1] * rows + inverse[1, 2]
    x = np.stack(
        [
            ndimage.map_coordinates(x[..., c], [source_y, source_x], order=1, mode="mirror")
            for c in range(3)
        ],
        axis=-1,
    )
    smooth = {"sigma": 32 * sigma, "mode": "reflect", "truncate": 3.0}
    rows = rows + 32 * alpha * ndimage.gaussian_filter(dy, **smooth)
    columns = columns + 32 * alpha * ndimage.gaussian_filter(dx, **smooth)
    return finish(
        np.stack(
            [
                ndimage.map_coordinates(x[..., c], [rows, columns], order=1, mode="reflect")
                for c in range(3)
            ],
            -1,
        )
    )


# --- draws


def draws(name, severity, rng, image):
    """The random draws of one image, from a numpy generator; frost's texture has to come from the
    caller.
    """
    shape = image.shape
    if name in ("gaussian_noise", "speckle_noise"):
        return {"normal": rng.normal(size=shape)}
    if name == "shot_noise":
        return {"counts": rng.poisson(image / 255.0 * (500, 250, 100, 75, 50)[severity - 1])}
    if name == "impulse_noise":
        amount = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
        return {"hit": rng.random(shape) < amount, "salt": rng.random(shape) < 0.5}
    if name == "glass_blur":
        passes = (1, 1, 1, 2, 2)[severity - 1]
        return {axis: rng.integers(-1, 1, size=(passes, 32, 32)) for axis in ("dy", "dx")}
    if name == "motion_blur":
        return {"angle": rng.uniform(-45, 45)}
    if name == "snow":
        return {"normal": rng.normal(size=(32, 32)), "angle": rng.uniform(-135, -45)}
    if name == "fog":
        return {"uniforms": [rng.uniform(-1, 1, size=(3, n, n)) for n in (1, 2, 4, 8, 16)]}
    if name == "spatter":
        return {"normal": rng.normal(size=(32, 32))}
    if name == "elastic_transform":
        dx = rng.uniform(-1, 1, size=(32, 32))
        dy = rng.uniform(-1, 1, size=(32, 32))
        return {"corners": rng.uniform(-1, 1, size=(3, 2)), "dx": dx, "dy": dy}
    return {}
