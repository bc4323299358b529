import copy
import dataclasses

import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail.models import networks
from visionfail.models.features import features_of

IMAGES = squares(24, seed=0)


def small():
    """A network whose parts are in different modes, so that it can be left as it was."""
    model = networks.build("imagenet_resnet18", num_classes=10, width=8, **STATS)
    model.resize_to(32, "bilinear")
    model.train()
    model.layer2.eval()
    return model


@pytest.fixture(scope="module")
def features():
    return features_of(small(), IMAGES)


def test_features_times_the_head_are_the_logits(features):
    model = small()
    assert features.images.shape == (24, 64) and len(features) == 24
    with torch.no_grad():
        logits = model.eval()(IMAGES.images.float() / 255).double()
    weight = model.fc.weight.detach().double().numpy()
    bias = model.fc.bias.detach().double().numpy()
    made = features.images.double().numpy() @ weight.T + bias
    np.testing.assert_allclose(made, logits.numpy(), rtol=1e-4, atol=1e-5)


def inputs_of_the_head(images):
    """What reaches the last layer, of images one by one, (N, F)."""
    model = small().eval()
    kept = []
    model.fc.register_forward_pre_hook(lambda module, inputs: kept.append(inputs[0]))
    with torch.no_grad():
        for image in images:
            model(image[None].float() / 255)
    return torch.cat(kept)


def test_mirrored_features_are_those_of_mirror_images(features):
    mirrored = torch.from_numpy(np.flip(IMAGES.images.numpy(), axis=3).copy())
    expected = inputs_of_the_head(mirrored)
    torch.testing.assert_close(features.mirrored, expected, rtol=1e-4, atol=1e-5)
    plain = inputs_of_the_head(IMAGES.images)
    torch.testing.assert_close(features.images, plain, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(plain, expected, rtol=1e-2)


def test_without_mirror_images_both_views_are_the_plain_one(features):
    plain = features_of(small(), IMAGES, mirrored=False)
    assert torch.equal(plain.images, features.images)
    assert torch.equal(plain.mirrored, plain.images)


def test_labels_classes_and_origin_are_those_of_the_images(features):
    assert torch.equal(features.labels, IMAGES.labels)
    assert features.classes == IMAGES.classes and features.origin == "standin"
    moved = features.to("cpu")
    assert moved.checksum() == features.checksum() and moved.classes == features.classes


def test_views_are_mirrored_where_flip_says_so(features):
    index = torch.tensor([5, 2, 5, 0])
    flip = torch.tensor([True, False, False, True])
    views = features.views(index, flip)
    for row, (number, mirrored) in enumerate(zip(index, flip, strict=True)):
        source = features.mirrored if mirrored else features.images
        assert torch.equal(views[row], source[number])
    assert not torch.equal(views[0], views[2])


def changed(tensor):
    """The tensor with one number changed."""
    other = tensor.clone()
    other.view(-1)[3] += 1
    return other


def test_checksum_changes_with_features_and_labels(features):
    again = features_of(small(), IMAGES)
    assert again.checksum() == features.checksum() and len(features.checksum()) == 64
    sums = {features.checksum()}
    for field in ("images", "mirrored", "labels"):
        other = dataclasses.replace(features, **{field: changed(getattr(features, field))})
        sums.add(other.checksum())
    backwards = {
        field: getattr(features, field).flip(0) for field in ("images", "mirrored", "labels")
    }
    sums.add(dataclasses.replace(features, **backwards).checksum())
    sums.add(dataclasses.replace(features, images=features.mirrored).checksum())
    assert len(sums) == 6


def test_the_model_is_left_as_it_was():
    model = small()
    head = model.fc
    modes = {name: module.training for name, module in model.named_modules()}
    before = copy.deepcopy(model.state_dict())
    features_of(model, IMAGES)
    assert model.fc is head and isinstance(head, torch.nn.Linear)
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert set(modes.values()) == {True, False}


def test_features_in_bfloat16_are_float32_and_close(features):
    rough = features_of(small(), IMAGES, dtype=torch.bfloat16)
    assert rough.images.dtype == torch.float32
    torch.testing.assert_close(rough.images, features.images, rtol=0.1, atol=0.05)
    assert not torch.equal(rough.images, features.images)
