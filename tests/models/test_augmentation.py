import itertools

import numpy as np
import pytest
import torch
from makers import squares
from scipy import ndimage, stats

from visionfail.models import augmentation


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def place_of_crop(source, crop):
    """(row, column) of the 8x8 crop in the padded image (16, 16)."""
    for row, column in itertools.product(range(9), repeat=2):
        if np.array_equal(source[row : row + 8, column : column + 8], crop):
            return row, column
    raise AssertionError("not a crop of the padded image")


def test_each_image_has_a_crop_and_a_flip_of_its_own():
    # every pixel is unique, so the crop and the mirror can be read off the result
    image = torch.arange(1, 65, dtype=torch.uint8).view(1, 1, 8, 8).expand(64, 3, 8, 8)
    flip = torch.arange(64) % 2 == 0
    out = augmentation.augment(image, padding=4, flip=flip, generator=draw())
    padded = np.pad(image[0, 0].numpy(), 4)
    places = []
    for result, mirrored in zip(out[:, 0].numpy(), flip.numpy(), strict=True):
        source = np.pad(image[0, 0].numpy()[:, ::-1], 4) if mirrored else padded
        places.append(place_of_crop(source, result))
    # 64 draws from 81 places: torchvision's v2 transforms would give one
    assert len(set(places)) > 30
    assert torch.equal(out[:, 0], out[:, 1])  # channels move together


def test_augment_draws_from_its_generator_alone():
    images = squares(16, seed=0).images
    flip = torch.zeros(16, dtype=torch.bool)

    def augmented(seed):
        return augmentation.augment(images, padding=4, flip=flip, generator=draw(seed))

    assert torch.equal(augmented(0), augmented(0)) and not torch.equal(augmented(0), augmented(1))


def test_turned_by_a_quarter_is_what_numpy_turns():
    images = torch.rand(40, 3, 8, 8, generator=draw())
    turned = augmentation.rotate(images, degrees=90.0, generator=draw(1))
    angle = (2 * torch.rand(40, generator=draw(1)) - 1) * 90
    k = int(angle.abs().argmax())  # the image turned furthest, against scipy on a disc
    expected = ndimage.rotate(
        images[k, 0].numpy(), angle[k].item(), reshape=False, order=1, mode="nearest"
    )
    rows, columns = np.mgrid[:8, :8] - 3.5
    inside = np.hypot(rows, columns) < 3.5
    np.testing.assert_allclose(turned[k, 0].numpy()[inside], expected[inside], atol=1e-4)


def test_colours_stay_in_range_and_differ_by_image():
    images = torch.full((30, 3, 8, 8), 0.5)
    changed = augmentation.jitter_colours(images, jitter=0.4, generator=draw())
    assert changed.min() >= 0 and changed.max() <= 1
    assert changed.amax((1, 2, 3)).unique().numel() == 30
    assert torch.equal(augmentation.jitter_colours(images, jitter=0.0, generator=draw()), images)


def test_half_of_the_images_are_negatives():
    images = torch.rand(400, 1, 4, 4, generator=draw())
    shown = augmentation.invert(images, share=0.5, generator=draw(1))
    inverted = (shown - (1 - images)).abs().amax((1, 2, 3)) == 0
    unchanged = (shown - images).abs().amax((1, 2, 3)) == 0
    assert (inverted ^ unchanged).all() and 150 < inverted.sum() < 250


def test_a_square_of_each_image_is_hidden():
    images = torch.ones(200, 3, 32, 32)
    hidden = (augmentation.cut_out(images, size=10, generator=draw()) == 0.5).sum((2, 3))
    assert (hidden[:, 0] == hidden[:, 2]).all() and 80 <= hidden.max() <= 100
    assert hidden[:, 0].unique().numel() > 5  # near the rim a part lies outside


def drawn_batch(n=6, side=12):
    """Floats of which no two are alike, (n, 3, side, side), and labels, neighbours' different."""
    images = torch.rand(n, 3, side, side, generator=draw(9))
    assert images.unique().numel() > 0.99 * images.numel()
    return images, torch.arange(n) % 4


def mixed(kind, *, seed=0, classes=5, batch=None):
    images, labels = drawn_batch() if batch is None else batch
    return augmentation.mix(images, labels, kind=kind, classes=classes, generator=draw(seed))


def shares_by_hand(labels, own, *, classes=5):
    """(B, K): the share `own` of each image's label, the rest for that of the one before it."""
    shares = np.zeros((len(labels), classes))
    for row, label in enumerate(labels):
        shares[row, label] += own
        shares[row, labels[row - 1]] += 1 - own  # -1 is the last: the batch is rolled
    return shares


def test_cutmix_pastes_a_rectangle_of_the_neighbour_and_shares_the_label_by_area():
    images, labels = drawn_batch()
    areas = []
    for seed in range(30):
        out, shares = mixed("cutmix", seed=seed)
        pasted = np.zeros((len(images), 12, 12), dtype=bool)
        for row in range(len(images)):
            for i, j in itertools.product(range(12), repeat=2):
                pixel = out[row, :, i, j]
                pasted[row, i, j] = torch.equal(pixel, images[row - 1, :, i, j])
                assert pasted[row, i, j] or torch.equal(pixel, images[row, :, i, j])
        assert (pasted == pasted[0]).all()  # one rectangle a batch
        rows = np.flatnonzero(pasted[0].any(axis=1))
        columns = np.flatnonzero(pasted[0].any(axis=0))
        if len(rows):
            assert pasted[0][rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        area = pasted[0].mean()
        np.testing.assert_allclose(shares, shares_by_hand(labels, 1 - area), atol=1e-6)
        areas.append(area)
    assert len(set(areas)) > 10 and min(areas) < 0.1 and max(areas) > 0.6


def share_of_own(image, neighbour, out):
    """Lambda of out = lambda image + (1 - lambda) neighbour, by least squares."""
    difference = (image - neighbour).double().flatten()
    return float(difference @ (out - neighbour).double().flatten() / (difference @ difference))


def test_mixup_takes_the_mean_of_pixels_and_labels_with_one_lambda():
    images, labels = drawn_batch()
    for seed in range(10):
        out, shares = mixed("mixup", seed=seed)
        own = share_of_own(images[0], images[-1], out[0])
        expected = own * images + (1 - own) * images.roll(1, 0)
        torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(shares, shares_by_hand(labels, own), atol=1e-5)


def test_lambda_is_uniform():
    images = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)
    labels = torch.tensor([0, 1])
    generator = draw()
    lambdas = [
        augmentation.mix(images, labels, kind="mixup", classes=2, generator=generator)[1][0, 0]
        for _ in range(400)
    ]
    assert stats.kstest(np.array(lambdas), "uniform").pvalue > 0.01
    assert stats.kstest(np.array(lambdas) ** 2, "uniform").pvalue < 0.01  # the test can tell


@pytest.mark.parametrize("kind", ["cutmix", "mixup"])
def test_shares_sum_to_one_and_equal_labels_keep_all(kind):
    images, _ = drawn_batch()
    labels = torch.tensor([2, 2, 0, 1, 1, 3])
    for seed in range(5):
        out, shares = mixed(kind, seed=seed, batch=(images, labels))
        assert out.shape == images.shape and shares.shape == (6, 5)
        np.testing.assert_allclose(shares.sum(dim=1), np.ones(6), atol=1e-6)
        assert (shares >= 0).all()
        assert shares[1, 2].item() == pytest.approx(1)  # the one before has the same label


@pytest.mark.parametrize("kind", ["cutmix", "mixup"])
def test_mixing_draws_from_its_generator_alone(kind):
    images, labels = drawn_batch()
    generator = draw(4)
    first, shares = augmentation.mix(images, labels, kind=kind, classes=5, generator=generator)
    second, _ = augmentation.mix(images, labels, kind=kind, classes=5, generator=generator)
    assert not torch.equal(first, second)  # the next batch has draws of its own
    before = torch.get_rng_state()
    torch.rand(3)  # the global generator stands elsewhere
    moved = torch.get_rng_state()
    again, again_shares = mixed(kind, seed=4)
    assert torch.equal(first, again) and torch.equal(shares, again_shares)
    assert torch.equal(torch.get_rng_state(), moved) and not torch.equal(moved, before)
    assert torch.equal(images, drawn_batch()[0])  # what is given stays


@pytest.mark.fault("bad arguments")
def test_an_unknown_mix_is_refused():
    with pytest.raises(ValueError, match="unknown mix 'blend': choose one of cutmix, mixup"):
        mixed("blend")


def test_floats_keep_their_values_and_bytes_are_divided():
    features = torch.tensor([[-3.0, 700.0, 0.5]])
    assert torch.equal(augmentation.to_float(features), features)
    assert torch.equal(augmentation.to_float(features, side=2), features)
    halves = torch.tensor([[0.5, 2.0]], dtype=torch.float16)
    assert augmentation.to_float(halves).dtype == torch.float32
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    expected = np.arange(256, dtype=np.float64).reshape(1, 1, 16, 16) / 255
    np.testing.assert_allclose(augmentation.to_float(levels), expected, atol=1e-7)
    assert levels.dtype == torch.uint8 and levels.flatten()[255] == 255


def test_images_are_laid_out_channels_last_and_features_as_they_are():
    images = torch.rand(2, 3, 5, 4, generator=draw())
    last = augmentation.laid_out(images)
    assert last.stride() == (60, 1, 12, 3) and torch.equal(last, images)
    features = torch.rand(2, 7, generator=draw())
    assert augmentation.laid_out(features) is features
