import gc
import os

import numpy as np
import pytest
import torch
from makers import STATS, squares
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from scipy.ndimage import center_of_mass
from scipy.stats import entropy as scipy_entropy

from visionfail.explain.gradcam import gradcam, gradcam_layers, signed_cells
from visionfail.explain.maps import centroid, centroid_shift, is_empty, map_entropy, overlap
from visionfail.models import networks

IMAGES = squares(12, seed=0).images
CLASSES = np.arange(12) % 10


def network(arch="resnet18"):
    return networks.build(arch, num_classes=10, width=8, **STATS).eval()


@pytest.mark.parametrize("arch", ["resnet18", "densenet121"])
@pytest.mark.parametrize("place", [0, 1])
def test_maps_are_the_librarys_plain_ones(arch, place):
    model = network(arch)
    name = gradcam_layers(model)[place]
    maps = gradcam(model, IMAGES, CLASSES, layer=name, batch_size=5)
    plain = GradCAM(model=model, target_layers=[model.get_submodule(name)])
    expected = []
    for k in range(12):
        target = ClassifierOutputTarget(int(CLASSES[k]))
        expected.append(plain(input_tensor=IMAGES[k : k + 1] / 255, targets=[target])[0])
    assert maps.shape == (12, 32, 32)
    assert np.abs(maps - np.stack(expected)).max() < 1e-3


def test_maps_are_weighted_activations_written_out_with_two_hooks():
    model = network()
    outputs = []
    handle = model.layer4.register_forward_hook(
        lambda module, inputs, output: outputs.append(output)
    )
    logits = model(IMAGES / 255)
    handle.remove()
    (activations,) = outputs  # (12, C, 4, 4)
    evidence = logits[torch.arange(12), torch.from_numpy(CLASSES)].sum()
    (gradient,) = torch.autograd.grad(evidence, activations)
    weights = gradient.mean((2, 3), keepdim=True)
    coarse = (weights * activations).sum(1).relu().detach().numpy()  # (12, 4, 4)
    maps = gradcam(model, IMAGES, CLASSES)
    for k in range(12):  # at the cells' middles the enlarged map is nearly the coarse one
        if coarse[k].max() > 0:
            assert np.corrcoef(maps[k, 4::8, 4::8].ravel(), coarse[k].ravel())[0, 1] > 0.98


@pytest.mark.parametrize("classes", [CLASSES, (CLASSES + 3) % 10])
def test_the_signed_map_and_the_bias_sum_to_the_logit(classes):
    """Zhou et al. 2016, arXiv:1512.04150: the head reads the mean over cells of the last stage."""
    model = network()
    with torch.no_grad():
        model.fc.bias.normal_()
    cells = signed_cells(model, IMAGES, classes, batch_size=5)
    assert cells.shape == (12, 4, 4)
    logits = model(IMAGES / 255).detach().numpy()
    expected = logits[np.arange(12), classes] - model.fc.bias.detach().numpy()[classes]
    assert np.abs(cells.sum(axis=(1, 2)) - expected).max() < 1e-4


def test_the_signed_map_sums_to_no_logit_where_a_norm_and_relu_follow():
    model = network("densenet121")
    with torch.no_grad():
        model.features.norm5.bias.normal_()
    cells = signed_cells(model, IMAGES, CLASSES)
    logits = model(IMAGES / 255).detach().numpy()
    expected = logits[np.arange(12), CLASSES] - model.classifier.bias.detach().numpy()[CLASSES]
    assert np.abs(cells.sum(axis=(1, 2)) - expected).max() > 1e-2
    with torch.no_grad():  # behind them it does
        features = model.features((IMAGES / 255 - model.mean) / model.std).relu()
        weights = model.classifier.weight[CLASSES]
        behind = torch.einsum("nchw,nc->nhw", features, weights).mean(dim=(1, 2))
    assert np.abs(behind.numpy() - expected).max() < 1e-4


def test_the_signed_map_is_the_map_before_it_is_cut_and_enlarged():
    model = network()
    cells = np.maximum(signed_cells(model, IMAGES, CLASSES), 0)
    maps = gradcam(model, IMAGES, CLASSES)
    for k in range(12):
        if cells[k].max() > 0:
            assert np.corrcoef(maps[k, 4::8, 4::8].ravel(), cells[k].ravel())[0, 1] > 0.98


@pytest.mark.fault("a caller's model left as it was")
def test_the_model_is_left_as_it_was():
    model = network().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradcam(model, IMAGES, CLASSES)
    assert model.training and all(p.requires_grad and p.grad is None for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.fault("a caller's model left as it was")
def test_hooks_are_removed_when_something_fails():
    model = network()
    with pytest.raises(ValueError, match="no map"):
        gradcam(model, IMAGES, CLASSES, layer="fc")
    assert not any(module._forward_hooks for module in model.modules())
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("changes", "message"),
    [({"layer": "layer9"}, "no layer 'layer9'"), ({"classes": [1, 2]}, "2 classes for 12")],
)
def test_bad_input_is_named(changes, message):
    arguments = {"classes": CLASSES, "layer": None}
    arguments.update(changes)
    with pytest.raises(ValueError, match=message):
        gradcam(network(), IMAGES, **arguments)


@pytest.mark.fault("bad arguments")
def test_a_network_without_usual_layers_is_named():
    with pytest.raises(ValueError, match="none of ResNet18"):
        gradcam(torch.nn.Conv2d(3, 10, 3), IMAGES, CLASSES)


@pytest.mark.fault("numbers that are not finite")
def test_gradients_that_are_not_finite_are_refused():
    model = network()
    with torch.no_grad():
        model.fc.weight.fill_(float("inf"))
    with pytest.raises(FloatingPointError, match="not finite"):
        gradcam(model, IMAGES, CLASSES)


def test_a_map_without_evidence_is_zero_and_counted_and_its_measures_are_missing():
    model = network()
    with torch.no_grad():
        model.fc.weight.fill_(-1.0)  # every channel speaks against every class
    maps = gradcam(model, IMAGES, CLASSES)
    assert is_empty(maps).all() and (maps == 0).all()
    random = np.random.default_rng(0).random(maps.shape)
    for values in (overlap(maps, random), centroid_shift(maps, random), map_entropy(maps)):
        assert np.isnan(values).all()


def test_memory_does_not_grow_over_5000_images():
    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not os.path.exists("/proc/self/statm"):
        pytest.skip("no /proc on this system")
    model = network()
    images = squares(500, seed=0).images
    classes = np.zeros(500, dtype=int)
    gradcam(model, images, classes)
    before = resident()
    for _ in range(10):
        gradcam(model, images, classes)
    assert resident() - before < 30e6


def test_overlap_by_hand():
    a = np.zeros((1, 10, 10))
    b = np.zeros((1, 10, 10))
    a[0, :2] = 1
    b[0, 1:3] = 1
    a[0, 0, 0] = 2
    b[0, 1, 0] = 2
    assert overlap(a, b, top=0.2)[0] == pytest.approx(10 / 30)
    assert overlap(a, a)[0] == 1


def test_centre_and_spread_are_those_of_scipy():
    maps = np.random.default_rng(0).random((4, 9, 7))
    assert np.allclose(centroid(maps), [center_of_mass(values) for values in maps])
    entropies = [scipy_entropy(values.ravel()) for values in maps]  # nats
    assert np.allclose(map_entropy(maps), np.array(entropies) / np.log(63))
    spot = np.zeros((2, 9, 7))
    spot[0, 1, 2] = 3
    spot[1, 4, 6] = 3
    assert centroid_shift(spot[:1], spot[1:])[0] == pytest.approx(5)
    assert np.allclose(map_entropy(spot), 0)
