import itertools

import numpy as np
import torch
from makers import squares
from scipy import ndimage

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
