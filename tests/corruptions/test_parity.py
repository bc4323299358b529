"""Each corruption against its plain reference, pixel for pixel, the random ones on the same
draws.
"""

import math

import cv2
import numpy as np
import pytest
import torch
from makers import corruption_references as references
from scipy import ndimage, stats
from torchvision.datasets import CIFAR10

from visionfail import paths
from visionfail.corruptions import blur, filters, geometry, spatter
from visionfail.corruptions.apply import (
    ANY_SIZE,
    CORRUPTIONS,
    DETERMINISTIC,
    EXTRAS,
    RANDOM,
    corrupt,
)
from visionfail.corruptions.draws import image_keys, normals

ALL = CORRUPTIONS + EXTRAS
SEVERITIES = (1, 2, 3, 4, 5)

pytestmark = pytest.mark.slow


def blobs(count=8, channels=3, side=32):
    """Smooth pictures, one of pure noise, one half flat, a black one and a white one; uint8 (count,
    C, H, W).
    """
    rng = np.random.default_rng(3)
    x = rng.uniform(-0.3, 1.3, size=(count, channels, side, side))
    x[1:] = ndimage.gaussian_filter(x[1:], (0, 0, 1.5, 1.5)) * 4 - 1.5
    x[1, :, :, : side // 2] = 0.4
    x[2] = 0
    x[3] = 1
    return torch.from_numpy(np.uint8(np.clip(x, 0, 1) * 255))


@pytest.fixture(scope="module")
def images():
    """Synthetic pictures, and eight real ones where they lie on this machine."""
    if not (paths.data_dir() / "cifar-10-batches-py" / "test_batch").exists():
        return blobs()
    real = CIFAR10(paths.data_dir(), train=False).data[:8]
    return torch.cat([blobs(), torch.from_numpy(real).permute(0, 3, 1, 2)])


def pixels_last(tensor):
    return np.ascontiguousarray(tensor.permute(1, 2, 0).numpy())


def draws_of_one(name, severity, draws, k, image):
    """Our batched draws -> those that the reference takes for image k."""
    if name == "shot_noise":
        rate = image / 255 * (500, 250, 100, 75, 50)[severity - 1]
        return {
            "counts": stats.poisson.ppf((pixels_last(draws["quantile"][k]) + 0.5) / 65536, rate)
        }
    if name == "impulse_noise":
        uniform = pixels_last(draws["uniform"][k])
        amount = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
        return {"hit": uniform < amount, "salt": uniform >= amount / 2}
    if name == "fog":
        return {"uniforms": [step[k].double().numpy() for step in draws["uniforms"]]}
    if name in ("gaussian_noise", "speckle_noise", "frost"):
        return {key: pixels_last(draw[k]) for key, draw in draws.items()}
    return {key: draw[k].numpy() for key, draw in draws.items()}


def share_off(ours, expected):
    """Share of values that differ by more than one grey level."""
    return (np.abs(ours.astype(int) - expected.astype(int)) > 1).mean()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_pixel_for_pixel(name, severity, images):
    draws = {}
    if name in RANDOM:
        draw, _ = RANDOM[name]
        keys = image_keys(
            name, severity, seed=7, first_index=40, count=len(images), device=images.device
        )
        draws = draw(keys, severity, images.shape)
    ours = corrupt(images, name, severity, seed=7, first_index=40)
    reference = getattr(references, name)
    expected = []
    for k, image in enumerate(map(pixels_last, images)):
        expected.append(reference(image, severity, **draws_of_one(name, severity, draws, k, image)))
    assert share_off(ours.permute(0, 2, 3, 1).numpy(), np.stack(expected)) <= 1e-3


@pytest.mark.parametrize("name", sorted(DETERMINISTIC))
@pytest.mark.parametrize("severity", SEVERITIES)
def test_byte_for_byte_where_nothing_is_random(name, severity, images):
    expected = [getattr(references, name)(pixels_last(image), severity) for image in images]
    assert np.array_equal(
        corrupt(images, name, severity).permute(0, 2, 3, 1).numpy(), np.stack(expected)
    )


# scikit-image's HSV; their grey is in test_apply.py
IN_COLOUR_ONLY = {"brightness", "saturate"}
SIZES = []  # name, channels, side
for name in sorted(set(DETERMINISTIC) & set(ANY_SIZE)):
    SIZES.append((name, 3, 45))
    if name not in IN_COLOUR_ONLY:
        SIZES += [(name, 1, 28), (name, 1, 32)]


@pytest.mark.parametrize(("name", "channels", "side"), SIZES)
def test_other_sizes_and_one_channel(name, channels, side):
    images = blobs(6, channels, side)[:, :, :, : side - 3]
    for severity in (1, 5):
        expected = [getattr(references, name)(pixels_last(image), severity) for image in images]
        assert np.array_equal(
            corrupt(images, name, severity).permute(0, 2, 3, 1).numpy(), np.stack(expected)
        )


def test_noise_of_one_channel_and_another_size():
    images = blobs(40, 1, 28)
    for severity, sigma in enumerate((0.04, 0.06, 0.08, 0.09, 0.10), start=1):
        inside = (images > 110) & (images < 150)  # where nothing is clipped
        change = (corrupt(images, "gaussian_noise", severity).double() - images.double())[inside]
        assert change.std().item() == pytest.approx(255 * sigma, rel=0.05)
        assert change.mean().item() == pytest.approx(-0.5, abs=0.8)  # half a level is cut off


# --- the parts


@pytest.mark.parametrize("severity", SEVERITIES)
def test_the_defocus_kernel_is_opencvs(severity):
    expected = references.disc(*blur.DEFOCUS[severity - 1])
    assert np.array_equal(blur.disc(*blur.DEFOCUS[severity - 1]), expected[6:11, 6:11])
    assert expected.sum() == expected[6:11, 6:11].sum()


def test_the_zoom_factors_are_numpys_range():
    for severity, stop in enumerate((1.06, 1.11, 1.16, 1.21, 1.26), start=1):
        assert blur.zoom_factors(severity) == np.arange(1, stop, 0.01).tolist()


@pytest.mark.parametrize(
    ("border", "mode"), [("nearest", "edge"), ("reflect", "symmetric"), ("mirror", "reflect")]
)
@pytest.mark.parametrize("radius", [0, 1, 4, 19])
def test_borders(border, mode, radius):
    index = filters.border_index(7, radius, border).numpy()
    assert np.array_equal(index, np.pad(np.arange(7), radius, mode=mode))


@pytest.mark.parametrize(("border", "truncate"), [("nearest", 4.0), ("reflect", 3.0)])
@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.0, 6.4])
def test_smoothing_is_scipys_to_the_last_bit(border, truncate, sigma):
    x = np.random.default_rng(0).normal(size=(20, 32, 3))
    ours = filters.smooth(torch.from_numpy(x), sigma, truncate=truncate, border=border).numpy()
    expected = ndimage.gaussian_filter(x, (sigma, sigma, 0), mode=border, truncate=truncate)
    assert np.allclose(ours, expected, rtol=0, atol=1e-15)
    places = np.arange(-int(truncate * sigma + 0.5), int(truncate * sigma + 0.5) + 1)
    exponents = -0.5 / (sigma * sigma or 1) * places**2
    if (np.exp(exponents) == [math.exp(exponent) for exponent in exponents]).all():
        assert np.array_equal(ours, expected)  # the exp of numpy 1, which scipy takes, is another


@pytest.mark.parametrize("factor", [1.01, 1.25, 1.75, 2.25])
def test_the_centre_zoom_is_scipys(factor):
    x = np.random.default_rng(0).normal(size=(32, 32, 3))
    ours = filters.zoom_centre(torch.from_numpy(x), factor).numpy()
    assert np.allclose(ours, references.clipped_zoom(x, factor), rtol=0, atol=1e-14)


@pytest.fixture(scope="module")
def layers():
    """Drops as spatter makes them, uint8 (40, 32, 32), and pure noise, whose edges are
    everywhere.
    """
    keys = image_keys("layers", 0, seed=0, first_index=0, count=40, device=torch.device("cpu"))
    field = ndimage.gaussian_filter(
        normals(keys, 1024).double().numpy().reshape(40, 32, 32), (0, 0.8, 0.8)
    )
    drops = np.where(0.65 + 0.1 * field < 0.68, 0, 0.65 + 0.1 * field) * 255
    noise = np.random.default_rng(0).integers(0, 256, size=(10, 32, 32))
    return np.concatenate([drops, noise, np.zeros((1, 32, 32))]).astype(np.uint8)


def together(function, pictures):
    """A batched function of (32, 32, N) whole numbers on (N, 32, 32) bytes."""
    return (
        function(torch.from_numpy(pictures.astype(np.int32)).permute(1, 2, 0).contiguous())
        .permute(2, 0, 1)
        .numpy()
    )


def test_edges_are_opencvs(layers):
    expected = np.stack([cv2.Canny(layer, 50, 150) for layer in layers]) > 0
    assert 0.02 < expected.mean() < 0.5
    assert np.array_equal(together(spatter.canny, layers), expected)


def test_distances_are_opencvs(layers):
    edges = np.stack([cv2.Canny(layer, 50, 150) for layer in layers])
    edges[:9] = 0
    edges[np.arange(8), np.arange(8) * 4, 3] = 255  # far from a lone edge
    expected = np.stack([cv2.distanceTransform(255 - edge, cv2.DIST_L2, 5) for edge in edges])
    ours = together(lambda edge: spatter.distance_to_edge(edge > 0), edges) / 65536
    assert np.allclose(ours, np.minimum(expected, 20), rtol=0, atol=1e-4)


def test_equalising_and_embossing_are_opencvs(layers):
    levels = layers // 13
    levels[0] = 20
    expected = np.stack([cv2.equalizeHist(level) for level in levels])
    assert np.array_equal(together(spatter.equalise, levels), expected)
    relief = np.float32([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    assert np.array_equal(
        together(spatter.emboss, expected),
        np.stack([cv2.filter2D(x, cv2.CV_8U, relief) for x in expected]),
    )


def test_water_is_opencvs(layers):
    expected = np.stack([references.water(layer / 255.0) for layer in layers])
    ours = spatter.water_shine(torch.from_numpy(layers / 255.0).permute(1, 2, 0)).permute(2, 0, 1)
    assert np.allclose(ours, expected, rtol=0, atol=1e-6)
    assert ours[-1].max() == 0


def test_the_elastic_transform_never_looks_further_than_its_reach():
    extremes = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 6).view(-1, 3, 2)
    for alpha, sigma, affine in geometry.ELASTIC:
        places = torch.stack(geometry.affine_sources(extremes * 32 * affine))
        assert places.min() >= -geometry.AFFINE_REACH
        assert places.max() < 31 + geometry.AFFINE_REACH - 1
        assert 32 * alpha < geometry.FIELD_REACH - 1, (
            sigma
        )  # smoothing makes no displacement larger


def test_the_affine_map_is_opencvs(images):
    """OpenCV's own warp rounds coordinates to 1/32 pixel in older versions: alike, not equal."""
    keys = image_keys(
        "elastic_transform", 1, seed=0, first_index=0, count=len(images), device=images.device
    )
    draws = RANDOM["elastic_transform"][0](keys, 1, images.shape)
    ours = RANDOM["elastic_transform"][1](images, 1, **draws).permute(0, 2, 3, 1).numpy()
    before = np.float32([[26, 26], [26, 6], [6, 6]])
    for image, shift, result in zip(
        map(pixels_last, images[4:]), draws["corners"][4:], ours[4:], strict=True
    ):
        matrix = cv2.getAffineTransform(before, before + 2.56 * shift.numpy())
        warped = cv2.warpAffine(
            np.float32(image), matrix, (32, 32), borderMode=cv2.BORDER_REFLECT_101
        )
        assert np.abs(result - warped).mean() < 1.5
