"""What is loaded, trained, attacked and chosen is the same whatever a caller has set around it."""

import dataclasses

import numpy as np
import pytest
import torch
from makers import STATS, squares
from makers.around import AROUND
from makers.official_files import write_cifar10, write_mnist, write_svhn
from makers.strangers import STRANGERS
from PIL import Image

from visionfail import attacks, data, explain, failure, models
from visionfail.data import folders, torchvision_sets
from visionfail.failure import passes
from visionfail.models import augmentation, networks, transfer
from visionfail.risk import experiments
from visionfail.risk import training as risk_training
from visionfail.risk.config import RiskConfig

pytestmark = pytest.mark.fault("settings around the call")

DEFAULTS = ("float64", "float16", "bfloat16", "another device")
SETS = (squares(40, seed=0), squares(20, seed=1))
CONFIG = models.TrainConfig(epochs=1, batch_size=20, sides=(16,), peak_lr=0.05)
CARD = {"dataset": "x", "arch": "resnet18", "width": 8, "classes": list("abcdefghij"), **STATS}


def assert_same_weights(one, other):
    expected = other.state_dict()
    for name, values in one.state_dict().items():
        assert values.dtype == expected[name].dtype, name
        assert torch.equal(values, expected[name]), name


@pytest.mark.parametrize("setting", DEFAULTS)
def test_a_checkpoint_is_the_same_network_under_other_defaults(setting, tmp_path, tiny_model):
    models.save_checkpoint(tiny_model, tmp_path / "net", card=CARD)
    expected, _ = models.load(tmp_path / "net")
    with AROUND[setting]():
        before = (torch.get_default_dtype(), torch.get_default_device())
        model, _ = models.load(tmp_path / "net")
        assert (torch.get_default_dtype(), torch.get_default_device()) == before
    assert_same_weights(model, expected)
    assert torch.equal(model.mean, expected.mean) and torch.equal(model.std, expected.std)


@pytest.mark.parametrize("setting", DEFAULTS)
def test_the_demo_answers_the_same_under_other_defaults(setting):
    digit = torch.randint(256, (1, 1, 28, 28), generator=torch.Generator().manual_seed(0)).byte()
    expected = failure.monitor_answer(failure.load_monitor(), digit)
    with AROUND[setting]():
        assert failure.monitor_answer(failure.load_monitor(), digit) == expected


CHANGES = {
    "moved and mirrored": {},
    "varied": {"rotation": 10.0, "jitter": 0.2, "invert": 0.1, "cutout": 8},
    "cutmix": {"mix": "cutmix", "optimizer": "adamw"},
    "mixup": {"mix": "mixup", "class_weights": (1.0,) * 10, "ema_decay": 0},
}


def fitted(**changes):
    model = networks.build("resnet18", num_classes=10, width=8, **STATS)
    perturb = attacks.random_start_fgsm(epsilon=0.01) if not changes else None
    config = dataclasses.replace(CONFIG, **changes)

    def fit():
        return models.fit(model, *SETS, config=config, device="cpu", perturb=perturb)

    return fit


@pytest.mark.parametrize("setting", AROUND)
@pytest.mark.parametrize("changes", CHANGES)
def test_training_ends_in_the_same_weights(setting, changes):
    expected, history = fitted(**CHANGES[changes])()
    again = fitted(**CHANGES[changes])
    with AROUND[setting]():
        model, rows = again()
    assert_same_weights(model, expected)
    assert rows[0]["train_loss"] == history[0]["train_loss"]


@pytest.mark.parametrize("setting", AROUND)
def test_transfer_in_two_phases_ends_in_the_same_weights(setting, tmp_path):
    def prepared(folder):
        model = networks.build_for_imagenet(
            "imagenet_resnet18",
            num_classes=10,
            mean=transfer.MEAN,
            std=transfer.STD,
            side=32,
            resizing="bilinear",
            width=8,
        )
        config = dataclasses.replace(CONFIG, sides=())
        words = {"frozen": config, "unfrozen": config, "state": tmp_path / folder}
        return lambda: transfer.fit_in_two_phases(model, *SETS, **words)

    expected, _ = prepared("plain")()
    again = prepared("around")
    with AROUND[setting]():
        model, _ = again()
    assert_same_weights(model, expected)


@pytest.mark.parametrize("setting", AROUND)
def test_the_risk_classifier_ends_in_the_same_weights(setting, tmp_path):
    config = RiskConfig(side=32, views=1, epochs=1, lr=0.01, unfreeze=1, dropout=0.3)
    sets = []
    for plain in SETS:
        two = plain.labels // 5
        sets.append(data.ImageSet(plain.images, two, ("safe", "unsafe"), "standin"))

    def prepared(folder):
        model = networks.build(
            "imagenet_resnet18", num_classes=2, width=8, mean=transfer.MEAN, std=transfer.STD
        )
        model.resize_to(32, "bilinear")
        return lambda: risk_training.train_risk(model, *sets, config, folder=tmp_path / folder)

    expected, _ = prepared("plain")()
    again = prepared("around")
    with AROUND[setting]():
        model, _ = again()
    assert_same_weights(model, expected)


def test_weights_made_in_inference_mode_are_refused_before_an_epoch():
    with torch.inference_mode():
        fit = fitted()
        with pytest.raises(ValueError, match=r"made under torch\.inference_mode.*outside it\.$"):
            fit()


@pytest.mark.parametrize("setting", DEFAULTS)
def test_draws_are_the_same_under_other_defaults(setting):
    images = SETS[0].images.float() / 255

    def drawn():
        generator = torch.Generator("cpu").manual_seed(0)
        turned = augmentation.rotate(images, degrees=10.0, generator=generator)
        mixed, shares = augmentation.mix(
            turned, SETS[0].labels, kind="mixup", classes=10, generator=generator
        )
        return augmentation.cut_out(mixed, size=8, generator=generator), shares

    expected = drawn()
    with AROUND[setting]():
        changed = drawn()
    assert torch.equal(changed[0], expected[0]) and torch.equal(changed[1], expected[1])


FEW = squares(6, seed=2).images
MANY = squares(60, seed=0).images
PLAIN = STRANGERS["plain"].pair()[0]
OURS = networks.build("resnet18", num_classes=10, width=8, **STATS)
RIGHT = models.predict(PLAIN, MANY).argmax(1)
LATENTS = np.random.default_rng(0).normal(size=(20, 128)).astype(np.float32)


def randomised_weights():
    copy = explain.randomised(OURS, ["fc", "layer4"], FEW, seed=0)
    explain.gradcam(copy, FEW, [0] * 6)  # gradients go through it
    return torch.cat([values.flatten() for values in copy.state_dict().values()])


CALLS = {
    "fgsm": lambda: attacks.fgsm(PLAIN, MANY, RIGHT, epsilon=4 / 255),
    "pgd": lambda: attacks.pgd(PLAIN, MANY, RIGHT, epsilon=4 / 255, steps=2, seed=0),
    "accuracy by epsilon": lambda: attacks.accuracy_by_epsilon(
        PLAIN, MANY, RIGHT, epsilons=[0, 4], steps=2
    ),
    "dropout": lambda: passes.mc_dropout_score(PLAIN.get_submodule("5"), LATENTS),
    "head of the risk classifier": lambda: experiments.head_score(
        PLAIN.get_submodule("5"), torch.from_numpy(LATENTS)
    ),
    "moved images": lambda: failure.moved_images_score(PLAIN, FEW),
    "randomised": randomised_weights,
    "choose layers": lambda: failure.choose_layers(PLAIN, FEW),
}


@pytest.mark.parametrize("setting", AROUND)
@pytest.mark.parametrize("call", CALLS)
def test_the_numbers_are_the_same(call, setting):
    expected = CALLS[call]()
    with AROUND[setting]():
        again = CALLS[call]()
    assert np.array_equal(np.asarray(again), np.asarray(expected))


def test_a_model_without_numbers_is_not_randomised():
    empty = networks.build("resnet18", num_classes=10, width=8, **STATS).to("meta")
    with pytest.raises(ValueError, match=r"on the device meta, without numbers: .*weights\.$"):
        explain.randomised(empty, ["fc"], FEW, seed=0)


def read_all(folder):
    """The images and labels of each kind of set."""
    for name in ("cifar10", "mnist", "svhn"):
        yield torchvision_sets.read_official(name, "test", folder)
    pictures = folders.load_folder(folder / "own", side=24, origin="official")
    yield pictures.images, pictures.labels


@pytest.mark.parametrize("setting", AROUND)
def test_sets_that_are_read_are_on_the_cpu(setting, tmp_path, monkeypatch):
    write_cifar10(tmp_path, monkeypatch, per_batch=7)
    write_mnist(tmp_path, monkeypatch, train=50)
    write_svhn(tmp_path, monkeypatch, labels=[1, 2, 10])
    for k, name in enumerate(("safe", "unsafe")):
        (tmp_path / "own" / name).mkdir(parents=True)
        Image.new("RGB", (40, 30), (k, 50, 90)).save(tmp_path / "own" / name / "a.png")
    expected = list(read_all(tmp_path))
    with AROUND[setting]():
        again = list(read_all(tmp_path))
    for (images, labels), (same_images, same_labels) in zip(expected, again, strict=True):
        assert torch.equal(images, same_images) and torch.equal(labels, same_labels)
