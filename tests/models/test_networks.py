import numpy as np
import pytest
import torch
import torchvision
from makers.around import AROUND
from PIL import Image
from torchvision.transforms import v2

from visionfail.models import inputs, networks, transfer
from visionfail.models.predict import fold_norms

STATS = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2470, 0.2435, 0.2616)}


def test_state_dict_has_torchvisions_names_and_shapes_but_for_the_stem():
    ours = networks.build("resnet18", num_classes=1000, **STATS).state_dict()
    theirs = torchvision.models.resnet18().state_dict()
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name].shape != theirs[name].shape} == {"conv1.weight"}
    assert ours["conv1.weight"].shape == (64, 3, 3, 3)


def test_forward_equals_torchvisions_network_on_normalised_images():
    model = networks.build("resnet18", num_classes=10, **STATS).eval()
    plain = torchvision.models.resnet18(num_classes=10)
    plain.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    plain.maxpool = torch.nn.Identity()
    plain.load_state_dict(model.state_dict())
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    normalise = v2.Normalize(STATS["mean"], STATS["std"])
    with torch.no_grad():
        torch.testing.assert_close(
            model(images), plain.eval()(normalise(images)), rtol=1e-4, atol=1e-4
        )


def test_densenet_is_torchvisions_but_for_the_stem():
    model = networks.build("densenet121", num_classes=10, **STATS).eval()
    plain = torchvision.models.densenet121(num_classes=10)
    theirs = plain.state_dict()
    ours = model.state_dict()
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name].shape != theirs[name].shape} == {
        "features.conv0.weight"
    }
    plain.features.conv0 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    plain.features.pool0 = torch.nn.Identity()
    plain.load_state_dict(ours)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    normalise = v2.Normalize(STATS["mean"], STATS["std"])
    with torch.no_grad():
        torch.testing.assert_close(
            model(images), plain.eval()(normalise(images)), rtol=1e-4, atol=1e-4
        )
        assert model.features(images).shape == (2, 1024, 4, 4)


@pytest.mark.parametrize(("width", "torchvisions"), [(8, None), (64, 6_956_426)])
def test_densenets_parameter_count_is_the_architectures_arithmetic(width, torchvisions):
    growth = width // 2
    inside = width
    expected = 3 * 9 * width + 2 * width  # stem and its norm
    for block, layers in enumerate((6, 12, 24, 16)):
        for _ in range(layers):
            expected += 2 * inside + inside * 4 * growth  # norm, 1x1 convolution
            expected += 2 * 4 * growth + 4 * growth * growth * 9  # norm, 3x3 convolution
            inside += growth
        if block < 3:
            # transition: norm, 1x1 convolution, then pooling
            expected += 2 * inside + inside * (inside // 2)
            inside //= 2
    expected += 2 * inside + inside * 10 + 10
    model = networks.build("densenet121", num_classes=10, width=width, **STATS)
    assert sum(p.numel() for p in model.parameters()) == expected
    assert torchvisions in (None, expected)


def count_norms(model):
    return sum(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules())


WITH_NORMS = [arch for arch in networks.ARCHITECTURES if arch != "imagenet_vit_b_16"]


@pytest.mark.parametrize("arch", WITH_NORMS)
def test_norms_fold_into_convolutions_of_every_architecture(arch):
    model = networks.build(arch, num_classes=10, width=8, **STATS).eval()
    side = 28 if arch == "mnist_cnn" else 32
    images = torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    folded = fold_norms(model)
    assert count_norms(folded) < count_norms(model)
    with torch.no_grad():
        torch.testing.assert_close(folded(images), model(images), rtol=1e-4, atol=1e-4)


def test_mnist_cnn_has_the_channels_of_study_c_and_its_parameter_count():
    model = networks.build("mnist_cnn", num_classes=10, mean=(0.1307,), std=(0.3081,))
    rows = networks.stages(model, torch.rand(2, 1, 28, 28))
    assert [row["output"] for row in rows] == [(32, 14, 14), (64, 7, 7), (128,), (10,)]
    expected = 32 * 9 + 64 + 64 * 32 * 9 + 128 + 64 * 49 * 128 + 128 + 128 * 10 + 10
    assert sum(p.numel() for p in model.parameters()) == expected


def test_stages_keep_the_resolution_that_32_pixels_need():
    model = networks.build("resnet18", num_classes=10, **STATS)
    shapes = {}
    for name in ("conv1", "layer1", "layer2", "layer3", "layer4"):
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: shapes.update({name: tuple(output.shape[1:])})
        )
    model(torch.rand(2, 3, 32, 32))
    assert shapes == {
        "conv1": (64, 32, 32),
        "layer1": (64, 32, 32),
        "layer2": (128, 16, 16),
        "layer3": (256, 8, 8),
        "layer4": (512, 4, 4),
    }


@pytest.mark.parametrize("width", [8, 16, 64])
def test_parameter_count_is_the_architectures_arithmetic(width):
    model = networks.build("resnet18", num_classes=10, width=width, **STATS)
    expected = 3 * 9 * width + 2 * width  # stem and its norm
    inside = width
    for out in (width, 2 * width, 4 * width, 8 * width):
        # four convolutions, four norms
        expected += inside * out * 9 + 3 * out * out * 9 + 4 * 2 * out
        if inside != out:  # the shortcut's 1x1 convolution and norm
            expected += inside * out + 2 * out
        inside = out
    expected += 8 * width * 10 + 10
    assert sum(p.numel() for p in model.parameters()) == expected


def test_stages_of_a_densenet_are_its_blocks():
    model = networks.build("densenet121", num_classes=10, width=8, **STATS).eval()
    rows = {row["stage"]: row for row in networks.stages(model, torch.rand(1, 3, 32, 32))}
    assert rows["denseblock1"]["output"][1:] == (32, 32)
    assert rows["denseblock4"]["output"][1:] == (4, 4)
    parameters = sum(p.numel() for p in model.parameters())
    assert sum(row["parameters"] for row in rows.values()) == parameters
    assert list(rows)[-1] == "classifier" and rows["classifier"]["output"] == (10,)


def test_multiply_adds_are_the_architectures_arithmetic():
    model = networks.build("resnet18", num_classes=10, **STATS).eval()
    image = torch.rand(1, 3, 32, 32)
    expected = 3 * 9 * 64 * 32**2
    inside = 64
    side = 32
    for out in (64, 128, 256, 512):
        side //= 2 if out > 64 else 1
        expected += (inside + 3 * out) * out * 9 * side**2
        expected += inside * out * side**2 if inside != out else 0
        inside = out
    assert networks.multiply_adds(model, image) == expected + 512 * 10


def test_seed_decides_the_weights_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    a, b, c = (
        networks.build("resnet18", num_classes=10, width=8, seed=s, **STATS).conv1.weight
        for s in (0, 0, 1)
    )
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.fault("settings around the call")
@pytest.mark.parametrize("setting", ["float64", "float16", "another device"])
def test_the_weights_are_those_of_the_seed_whatever_the_defaults(setting):
    expected = networks.build("mnist_cnn", num_classes=10, mean=(0.1,), std=(0.3,), width=4, seed=3)
    with AROUND[setting]():
        model = networks.build(
            "mnist_cnn", num_classes=10, mean=(0.1,), std=(0.3,), width=4, seed=3
        )
    for name, tensor in expected.state_dict().items():
        ours = model.state_dict()[name]
        assert ours.device.type == "cpu" and ours.dtype == tensor.dtype
        assert torch.equal(ours, tensor), name


@pytest.mark.fault("a caller's model left as it was")
@pytest.mark.parametrize("measure", [networks.stages, networks.multiply_adds])
def test_a_network_that_is_training_is_measured_and_left_as_it_was(measure):
    model = networks.build("resnet18", num_classes=10, width=8, **STATS).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    measured = measure(model, torch.rand(1, 3, 32, 32))
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert measured == measure(model.eval(), torch.rand(1, 3, 32, 32))


def test_one_channel_follows_from_the_statistics():
    model = networks.build("resnet18", num_classes=10, mean=(0.1307,), std=(0.3081,), width=8)
    assert model(torch.rand(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"arch": "resnet19"}, "resnet19"),
        ({"std": (0.2, 0.2, 0.0)}, "std"),
        ({"mean": (0.5,)}, "mean"),
        ({"width": 0}, "width"),
        ({"num_classes": 1}, "num_classes"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    good = dict(STATS)
    good["num_classes"] = 10
    good.update(arguments)
    arch = good.pop("arch", "resnet18")
    with pytest.raises(ValueError, match=words):
        networks.build(arch, **good)


def imagenet(arch="imagenet_resnet18", *, width=8, num_classes=10, seed=0):
    return networks.build(
        arch,
        num_classes=num_classes,
        width=width,
        seed=seed,
        mean=transfer.MEAN,
        std=transfer.STD,
    )


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_imagenet_networks_have_torchvisions_names_and_shapes(arch):
    ours = imagenet(f"imagenet_{arch}", width=64, num_classes=1000).state_dict()
    with torch.device("meta"):
        theirs = torchvision.models.get_model(arch).state_dict()
    assert {name: ours[name].shape for name in ours} == {
        name: theirs[name].shape for name in theirs
    }


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_imagenet_networks_answer_as_torchvisions_on_normalised_images(arch):
    model = imagenet(f"imagenet_{arch}", width=64, num_classes=1000).eval()
    with torch.device("meta"):
        plain = torchvision.models.get_model(arch)
    plain.load_state_dict(model.state_dict(), assign=True)
    preset = torchvision.models.get_model_weights(arch).IMAGENET1K_V1.transforms()
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = plain.eval()(v2.Normalize(preset.mean, preset.std)(images))
        tolerance = 1e-4 * expected.abs().max().item()
        torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=tolerance)


@pytest.mark.parametrize("arch", ["resnet18", "imagenet_resnet18"])
def test_weights_are_drawn_as_torchvisions_network_then_the_stem_then_the_head(arch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        plain = torchvision.models.ResNet(
            torchvision.models.resnet.BasicBlock, [2, 2, 2, 2], num_classes=10
        )
        stem = {"kernel_size": 3, "padding": 1}
        if arch == "imagenet_resnet18":
            stem = {"kernel_size": 7, "stride": 2, "padding": 3}
        plain.conv1 = torch.nn.Conv2d(3, 64, bias=False, **stem)
        torch.nn.init.kaiming_normal_(plain.conv1.weight, mode="fan_out", nonlinearity="relu")
        plain.fc = torch.nn.Linear(512, 10)
    drawn = networks.build(arch, num_classes=10, seed=3, **STATS).state_dict()
    for name, tensor in plain.state_dict().items():
        assert torch.equal(drawn[name], tensor), name


def test_seed_decides_the_weights_of_imagenet_networks():
    first, again, other = (imagenet(seed=seed).state_dict() for seed in (0, 0, 1))
    for name in ("conv1.weight", "layer4.1.conv2.weight", "fc.weight"):
        assert torch.equal(first[name], again[name])
        assert not torch.equal(first[name], other[name])


def drawn_pictures(height, width):
    """Noise with some structure, uint8 (2, 3, height, width)."""
    generator = torch.Generator().manual_seed(height)
    noise = torch.rand(2, 3, height, width, generator=generator)
    slope = torch.linspace(-0.3, 1.3, width)  # runs into black and white
    return ((noise + slope).clamp(0, 1) * 255).round().to(torch.uint8)


def by_pillow(pictures, side, kernel, *, in_bytes):
    """Each channel resized by PIL, (N, C, side, side) in [0, 1].

    Computed in floats, or as PIL does it with bytes, which rounds after either pass.
    """
    resized = np.empty((*pictures.shape[:2], side, side))
    for place in np.ndindex(*pictures.shape[:2]):
        plane = pictures[place].numpy()
        plane = plane if in_bytes else plane.astype(np.float32)
        resized[place] = Image.fromarray(plane).resize((side, side), kernel)
    return (resized / 255).clip(0, 1)


KERNELS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "bicubic-pil": Image.Resampling.BICUBIC,
}


@pytest.mark.parametrize("resizing", ["bilinear", "bicubic-pil"])
@pytest.mark.parametrize("side", [50, 128])
def test_images_are_enlarged_as_by_pillow(resizing, side):
    pictures = drawn_pictures(32, 32)
    ours = inputs.resized(pictures / 255, side=side, resizing=resizing).numpy()
    exact = by_pillow(pictures, side, KERNELS[resizing], in_bytes=False)
    np.testing.assert_allclose(ours, exact, atol=1e-5)


@pytest.mark.parametrize("resizing", ["bilinear", "bicubic-pil"])
def test_enlarged_images_are_those_of_pillow_up_to_its_rounding_to_bytes(resizing):
    pictures = 80 + drawn_pictures(32, 32) // 3  # from 80 to 165: nothing to cut between passes
    ours = inputs.resized(pictures / 255, side=128, resizing=resizing).numpy()
    rounded = by_pillow(pictures, 128, KERNELS[resizing], in_bytes=True)
    # half a level a pass; the second pass may enlarge the first's by the kernel's negative lobes
    assert np.abs(ours - rounded).max() < 1.2 / 255


@pytest.mark.parametrize("resizing", inputs.RESIZINGS)
@pytest.mark.parametrize("shape", [(96, 96), (24, 100)])
def test_images_are_shrunk_as_by_pillow_smoothed_first(resizing, shape):
    pictures = drawn_pictures(*shape)
    ours = inputs.resized(pictures / 255, side=32, resizing=resizing).numpy()
    exact = by_pillow(pictures, 32, KERNELS[resizing], in_bytes=False)
    np.testing.assert_allclose(ours, exact, atol=1e-5)


def cubic_weights(before, after, a):
    """(after, before): Keys' cubic kernel of parameter `a`, borders repeated."""
    weights = np.zeros((after, before))
    for row in range(after):
        place = (row + 0.5) * before / after - 0.5
        for pixel in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            t = abs(place - pixel)
            inner = (a + 2) * t**3 - (a + 3) * t**2 + 1
            outer = a * (t**3 - 5 * t**2 + 8 * t - 4)
            weights[row, min(max(pixel, 0), before - 1)] += inner if t <= 1 else outer
    return weights


def test_bicubic_is_torchs_kernel_and_not_pillows():
    pictures = drawn_pictures(32, 32)
    ours = inputs.resized(pictures / 255, side=128, resizing="bicubic").numpy()
    weights = cubic_weights(32, 128, -0.75)
    expected = (weights @ (pictures.numpy() / 255) @ weights.T).clip(0, 1)
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    plain = torch.nn.functional.interpolate(pictures / 255, size=(128, 128), mode="bicubic")
    assert plain.min() < -0.01 and plain.max() > 1.01  # so that there is something to cut
    np.testing.assert_allclose(ours, plain.clamp(0, 1).numpy(), atol=1e-6)
    pillows = by_pillow(pictures, 128, Image.Resampling.BICUBIC, in_bytes=False)
    assert np.abs(ours - pillows).max() > 5 / 255


@pytest.mark.parametrize("resizing", inputs.RESIZINGS)
def test_images_of_the_networks_side_are_left_as_they_are(resizing):
    images = drawn_pictures(64, 64) / 255
    kept = inputs.resized(images, side=64, resizing=resizing)
    torch.testing.assert_close(kept, images, rtol=0, atol=1e-6)


@pytest.mark.parametrize("resizing", inputs.RESIZINGS)
def test_a_network_resizes_small_images_inside(resizing):
    model = imagenet().eval()
    images = drawn_pictures(32, 32) / 255
    model.resize_to(64, resizing)
    with torch.no_grad():
        small = model(images)
        model.resize_to(64, "bilinear")  # which leaves images of 64 pixels alone
        large = model(inputs.resized(images, side=64, resizing=resizing))
    torch.testing.assert_close(small, large, rtol=1e-4, atol=1e-5)
    rows = {row["stage"]: row["output"] for row in networks.stages(model, images)}
    assert rows["conv1"] == (8, 32, 32) and rows["maxpool"] == (8, 16, 16)
    assert rows["layer4"] == (64, 2, 2)


@pytest.mark.fault("bad arguments")
def test_a_side_that_the_stem_cannot_halve_is_refused_and_nothing_changes():
    model = imagenet()
    with pytest.raises(ValueError, match=r"side 16: .* pass 32 or more"):
        model.resize_to(16, "bilinear")
    with pytest.raises(ValueError, match=r"unknown resizing 'lanczos': choose one of bilinear, "):
        model.resize_to(64, "lanczos")
    assert (model.side, model.resizing) == (224, "bilinear")
    model.resize_to(32, "bicubic")
    assert (model.side, model.resizing) == (32, "bicubic")


def norms_of(model):
    """{name: norm} of a network."""
    modules = model.named_modules()
    return {name: norm for name, norm in modules if isinstance(norm, torch.nn.BatchNorm2d)}


def test_a_norm_with_frozen_weights_keeps_its_statistics_while_the_network_trains():
    model = imagenet()
    model.resize_to(32, "bilinear")
    model.bn1.requires_grad_(False)
    model.layer1.requires_grad_(False)
    assert model.train() is model
    norms = norms_of(model)
    frozen = {name for name in norms if name.startswith(("bn1", "layer1."))}
    assert {name for name in norms if not norms[name].training} == frozen
    before = {name: norm.running_mean.clone() for name, norm in norms.items()}
    with torch.no_grad():
        model(drawn_pictures(32, 32) / 255)
    unmoved = {name for name in norms if torch.equal(norms[name].running_mean, before[name])}
    assert unmoved == frozen and len(frozen) == 5
    assert not any(norm.training for norm in norms_of(model.eval()).values())


def test_norms_wake_up_once_their_weights_may_learn_again():
    model = imagenet()
    model.requires_grad_(False).train()
    assert not any(norm.training for norm in norms_of(model).values())
    model.requires_grad_(True).train()
    assert all(norm.training for norm in norms_of(model).values())


@pytest.mark.fault("bad arguments")
def test_a_network_for_imagenet_is_built_with_its_side_and_another_is_refused():
    arguments = {"num_classes": 10, "width": 8, "side": 64, "resizing": "bicubic", **STATS}
    model = networks.build_for_imagenet("imagenet_resnet18", seed=3, **arguments)
    assert (model.side, model.resizing) == (64, "bicubic")
    plain = networks.build("imagenet_resnet18", num_classes=10, width=8, seed=3, **STATS)
    assert torch.equal(model.fc.weight, plain.fc.weight)
    with pytest.raises(ValueError, match="resnet18 is not made for ImageNet: choose"):
        networks.build_for_imagenet("resnet18", **arguments)
