import pytest
import torch
import torchvision
from torchvision.transforms import v2

from visionfail.models import networks
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


@pytest.mark.parametrize("arch", networks.ARCHITECTURES)
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


def test_one_channel_follows_from_the_statistics():
    model = networks.build("resnet18", num_classes=10, mean=(0.1307,), std=(0.3081,), width=8)
    assert model(torch.rand(2, 1, 28, 28)).shape == (2, 10)


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
