"""Anybody's model: right, or refused in one sentence before the long pass, and left as it was."""

import contextlib
import copy
import dataclasses
import functools
import re
import warnings

import numpy as np
import pytest
import torch
from makers import random_activations, squares
from makers.around import AROUND
from makers.strangers import KIND_OF, STRANGERS, Counting, plain_cnn
from matplotlib import pyplot
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import nn
from torch.nn.functional import cross_entropy

from visionfail import (
    attacks,
    corruptions,
    data,
    devices,
    evaluation,
    explain,
    failure,
    models,
    paths,
)
from visionfail.data import cifar10c

IMAGES = squares(6, seed=0).images
FLOATS = IMAGES.float() / 255
TEXT = (paths.ROOT / "README.md").read_text(encoding="utf-8")
SOME = ("plain", "dataclass", "nothing at all", "tuple")
OTHERS = [name for name in STRANGERS if name not in SOME]


def of_kind(names):
    """The names as parameters, marked with what is uncommon about each network."""
    parameters = []
    for name in names:
        mark = pytest.mark.fault(f"networks of all kinds: {KIND_OF[name]}")
        parameters.append(pytest.param(name, marks=mark))
    return parameters


@pytest.fixture(params=of_kind(STRANGERS))
def name(request):
    return request.param


def labels_of(stranger, images=IMAGES, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(stranger.classes, (len(images),), generator=generator)


def set_of(stranger, count=6):
    """Images with labels among as many classes as the stranger has."""
    images = squares(count, seed=0).images
    classes = tuple(f"class {k}" for k in range(stranger.classes))
    return data.ImageSet(images, labels_of(stranger, images), classes, "standin")


PLAIN_SET = set_of(STRANGERS["plain"])


def disturb(model):
    """Put a model into the state of a training that somebody broke off."""
    for k, module in enumerate(model.modules()):
        with contextlib.suppress(AttributeError):  # a frozen script has no mode
            module.training = k % 2 == 0
    for k, parameter in enumerate(model.parameters()):
        if nn.parameter.is_lazy(parameter) or parameter.is_inference():
            continue
        if k % 3 == 0:
            parameter.grad = torch.full_like(parameter, 7)
        parameter.requires_grad_(k % 4 != 1)


def comparable(tensor):
    """What tells whether a tensor is the same one with the same values."""
    if tensor is None or nn.parameter.is_lazy(tensor) or tensor.device.type == "meta":
        return None
    values = tensor.detach().double()
    return tensor.dtype, str(tensor.device), tensor.stride(), values.sum().item()


def state(model):
    """All that must be as it was."""
    parameters = list(model.parameters())
    hooks = []
    for module in model.modules():
        if not isinstance(module, torch.jit.ScriptModule):
            hooks.append((len(module._forward_hooks), len(module._forward_pre_hooks)))
    return {
        "modes": [getattr(module, "training", None) for module in model.modules()],
        "parameters": [id(parameter) for parameter in parameters],
        "trainable": [parameter.requires_grad for parameter in parameters],
        "gradients": [(id(p.grad), comparable(p.grad)) for p in parameters],
        "values": {key: comparable(value) for key, value in model.state_dict().items()},
        "hooks": hooks,
        "around": (
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.get_num_threads(),
        ),
    }


@contextlib.contextmanager
def untouched(model):
    before = state(model)
    pixels = (IMAGES.clone(), FLOATS.clone())
    try:
        yield
    finally:
        assert state(model) == before
        assert torch.equal(IMAGES, pixels[0]) and torch.equal(FLOATS, pixels[1])


def is_one_sentence(error):
    """Whether a message is one line that ends as a sentence does, after saying what to do."""
    text = str(error)
    return "\n" not in text and text.endswith(".") and re.search(r"[:,] ", text) and len(text) < 500


@contextlib.contextmanager
def right_or_refused(stranger, function):
    """A block that may warn of nothing; where the stranger is refused, in the words said."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        if function not in stranger.refused:
            yield
            return
        with pytest.raises(ValueError, match=stranger.refused[function]) as refused:
            yield
        assert is_one_sentence(refused.value), str(refused.value)


def ordinary(plain, images=IMAGES, dtype=torch.float32):
    """The logits (N, K) of the plain forward pass, in a precision."""
    exact = copy.deepcopy(plain).to(dtype) if dtype != torch.float32 else plain
    with torch.no_grad():
        return exact((images.float() / 255).to(dtype)).float().view(len(images), -1)


def check_close(values, expected, rtol):
    """Whether values are float32, of the same shape, and as near as `rtol` of the largest."""
    values = np.asarray(values)
    expected = np.asarray(expected)
    assert values.shape == expected.shape
    assert values.dtype == np.float32
    assert np.abs(values - expected).max() <= rtol * np.abs(expected).max()


def test_predict(name):
    stranger = STRANGERS[name]
    model, plain = stranger.pair()
    disturb(model)
    with untouched(model), right_or_refused(stranger, "predict"):
        logits = models.predict(model, IMAGES, batch_size=5)
        check_close(logits, ordinary(plain), stranger.rtol)
        check_close(models.predict(model, FLOATS), ordinary(plain), stranger.rtol)
        assert not logits.requires_grad and not logits.is_inference()


def outputs_of(plain, images, names):
    """({name: output}, logits) of a pass with hooks written out, with gradients."""
    outputs = {}
    handles = []
    for name in names:

        def keep(module, inputs, output, name=name):
            outputs[name] = output
            return output.clone()  # what comes next may work in place

        handles.append(plain.get_submodule(name).register_forward_hook(keep))
    pixels = (images.float() / 255).requires_grad_().clone()  # for networks without weights
    logits = plain(pixels).view(len(images), -1)
    for handle in handles:
        handle.remove()
    return outputs, logits


def test_extract(name):
    stranger = STRANGERS[name]
    model, plain = stranger.pair()
    disturb(model)
    labels = labels_of(stranger)
    layers = [stranger.prefix + layer for layer in stranger.layers]
    with untouched(model), right_or_refused(stranger, "extract"):
        seen = failure.extract(model, IMAGES, labels, layers=layers, batch_size=4)
        check_close(seen.logits, ordinary(plain), stranger.rtol)
        names = [layer.removeprefix("module.") for layer in stranger.layers]
        outputs, _ = outputs_of(plain, IMAGES, names)
        for layer, plain_name in zip(stranger.layers, names, strict=True):
            axes = stranger.layers[layer]
            output = outputs[plain_name].detach()
            expected = output.mean(axes) if axes else output
            check_close(seen.latents[stranger.prefix + layer], expected, stranger.rtol)
        assert np.array_equal(seen.labels, labels.numpy())


def test_gradcam(name):
    stranger = STRANGERS[name]
    model, plain = stranger.pair()
    disturb(model)
    classes = labels_of(stranger)
    with untouched(model), right_or_refused(stranger, "gradcam"):
        layer = stranger.prefix + stranger.map_layer
        maps = explain.gradcam(model, IMAGES, classes, layer=layer, batch_size=4)
        plain_name = stranger.map_layer.removeprefix("module.")
        outputs, logits = outputs_of(plain, IMAGES, [plain_name])
        output = outputs[plain_name]
        evidence = logits.gather(1, classes[:, None]).sum()
        (gradient,) = torch.autograd.grad(evidence, output)
        if stranger.last:
            output, gradient = output.permute(0, 3, 1, 2), gradient.permute(0, 3, 1, 2)
        weights = gradient.mean((2, 3), keepdim=True)
        cells = (weights * output).sum(1).relu().detach().numpy()
        expected = scale_cam_image(scale_cam_image(cells, (32, 32)))
        check_close(maps, expected, max(stranger.rtol, 1e-3))


def test_attacks(name):
    stranger = STRANGERS[name]
    model, plain = stranger.pair()
    disturb(model)
    answers = torch.zeros(len(IMAGES), dtype=torch.long)
    if "predict" not in stranger.refused:
        answers = models.predict(model, IMAGES).argmax(1)
    words = {"epsilon": 4 / 255, "batch_size": 4}
    with untouched(model), right_or_refused(stranger, "attack"):
        moved = attacks.fgsm(model, FLOATS, answers, **words)
        worst = attacks.pgd(model, IMAGES, answers, steps=2, seed=0, **words)
        for attacked in (moved, worst):
            assert attacked.dtype == FLOATS.dtype or stranger.dtype == torch.double
            assert (attacked - FLOATS).abs().max() <= 4 / 255 + 1e-6
            assert loss_of(plain, attacked, answers) >= loss_of(plain, FLOATS, answers)
        pixels = FLOATS.clone().requires_grad_()
        loss_sum = cross_entropy(plain(pixels * 1).view(6, -1), answers, reduction="sum")
        (gradient,) = torch.autograd.grad(loss_sum, pixels)
        inside = (FLOATS > 4 / 255) & (FLOATS < 251 / 255) & (gradient != 0)
        same = ((moved - FLOATS).sign() == gradient.sign())[inside].float().mean()
        assert same > (0.9 if stranger.dtype in (torch.half, torch.bfloat16) else 0.999)


@pytest.mark.fault("settings around the call")
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
@pytest.mark.parametrize("name", ["plain", "ours"])
def test_attacks_under_a_callers_mode(name, mode):
    model, _ = STRANGERS[name].pair()
    answers = models.predict(model, IMAGES).argmax(1)
    expected = attacks.pgd(model, IMAGES, answers, epsilon=4 / 255, steps=1, seed=0)
    with mode():
        images, labels = IMAGES.clone(), answers.clone()  # inference tensors, in one of them
        moved = attacks.pgd(model, images, labels, epsilon=4 / 255, steps=1, seed=0)
    assert torch.equal(moved, expected)


def loss_of(plain, images, labels):
    """The mean loss of the plain forward pass."""
    with torch.no_grad():
        return cross_entropy(plain(images.float().clone()).view(len(images), -1), labels).item()


@pytest.mark.parametrize("name", of_kind(["half", "dict of logits", "no parameters", "tuple"]))
def test_health_card(name):
    stranger = STRANGERS[name]
    model, _ = stranger.pair()
    labels = labels_of(stranger)
    with untouched(model), right_or_refused(stranger, "attack"):
        card = attacks.health_card(model, IMAGES, labels, epsilon=4 / 255, steps=2)
        lights = card.set_index("light").ok
        assert lights["epsilon 0 changes nothing"] and lights["within epsilon and [0, 1]"]


@pytest.fixture(scope="module")
def corrupted_before():
    """{corruption, severity, seed, number of images: images}, made once for all strangers."""
    return {}


@pytest.fixture
def few_corruptions(monkeypatch, corrupted_before):
    corrupt = corruptions.corrupt

    def remembered(images, corruption, severity, *, seed=0):
        key = (corruption, severity, seed, len(images))
        if key not in corrupted_before:
            corrupted_before[key] = corrupt(images, corruption, severity, seed=seed)
        return corrupted_before[key]

    monkeypatch.setattr(corruptions, "corrupt", remembered)


def test_benchmark(name, tmp_path, few_corruptions):
    stranger = STRANGERS[name]
    model, plain = stranger.pair()
    disturb(model)
    test = set_of(stranger)
    with untouched(model), right_or_refused(stranger, "benchmark"):
        accuracy, _ = evaluation.benchmark(model, test, folder=tmp_path, severities=(5,))
        assert len(accuracy) == 20
        for row in accuracy.itertuples():
            images = test.images
            if row.severity:
                images = corruptions.corrupt(images, row.condition, row.severity)
            right = ordinary(plain, images, stranger.dtype).argmax(1) == test.labels
            assert row.value == pytest.approx(right.float().mean().item()) and row.n == 6
    if "benchmark" in stranger.refused:
        assert list(tmp_path.iterdir()) == []  # before the long pass


def snippet_with(call):
    """The README's Python block that makes this call."""
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (snippet,) = [block for block in blocks if call in block]
    return snippet


def test_the_auditor_of_the_readme(name, capsys):
    stranger = STRANGERS[name]
    model, _ = stranger.pair()
    snippet = snippet_with("failure.fit")
    layers = [stranger.prefix + layer for layer in stranger.layers]
    own = re.sub(r"layers=\[[^]]*\]", f"layers={layers}", snippet)
    seen, new = set_of(stranger, 60), set_of(stranger, 40)
    names = {"model": model, "images": seen.images, "labels": seen.labels}
    names |= {"new_images": new.images, "new_labels": new.labels}
    with untouched(model):
        for text in (snippet, own):
            try:
                exec(text, dict(names))
            except ValueError as refused:
                assert is_one_sentence(refused), refused
            else:
                printed = capsys.readouterr().out.split()
                assert all(0 <= float(word) <= 1 for word in printed) and printed
                assert text == snippet or "extract" not in stranger.refused


@pytest.mark.parametrize("name", [*of_kind(SOME), *OTHERS])
def test_your_own_model_of_the_readme(name, tmp_path, monkeypatch, few_corruptions, capsys):
    stranger = STRANGERS[name]
    model, _ = stranger.pair()
    monkeypatch.setattr(data, "load", lambda *words, download: set_of(stranger))
    monkeypatch.chdir(tmp_path)
    if name in OTHERS:  # the figure of one severity, and undrawn: it knows nothing of the model
        shorter = functools.partial(evaluation.benchmark, severities=(5,))
        monkeypatch.setattr(evaluation, "benchmark", shorter)
        monkeypatch.setattr(pyplot.Figure, "savefig", lambda figure, file: open(file, "x").close())
    with untouched(model), right_or_refused(stranger, "benchmark"):
        exec(snippet_with("evaluation.benchmark"), {"model": model})
        assert "mean of 15" in capsys.readouterr().out
        assert (tmp_path / "runs/mine/curves.png").exists()
    pyplot.close("all")


# ---- the process around: other defaults, no gradients


@pytest.fixture(scope="module")
def model():
    return STRANGERS["plain"].pair()[0]


def all_answers(model):
    """What the package makes of a model and of images, as arrays."""
    test = PLAIN_SET
    learnt = random_activations(200)
    seen = failure.extract(model, IMAGES, test.labels, layers=["1", "5"])
    auditor = failure.fit(learnt.features(), learnt.failed, seed=0, epochs=2)
    answers = {
        "predict": models.predict(model, IMAGES).numpy(),
        "extract": seen.features(),
        "gradcam": explain.gradcam(model, IMAGES, test.labels, layer="1"),
        "fit": auditor.score(learnt.features()),
        "first": test.first(2).images.numpy(),
    }
    for name in corruptions.CORRUPTIONS + corruptions.EXTRAS:
        answers[name] = corruptions.corrupt(IMAGES, name, 5).numpy()
    for name in corruptions.SHIFTS:
        answers[name] = corruptions.shift(IMAGES, name, 0.7).numpy()
    kind, strength = corruptions.draw(6)
    answers["drawn"] = corruptions.shift_drawn(IMAGES, kind, strength).numpy()
    return answers


@pytest.fixture(scope="module")
def expected(model):
    return all_answers(model)


@pytest.mark.fault("settings around the call")
@pytest.mark.parametrize("setting", AROUND)
def test_numbers_do_not_depend_on_the_settings_around(setting, model, expected):
    with AROUND[setting]():
        answers = all_answers(model)
    for name, values in expected.items():
        assert np.array_equal(answers[name], values), name


@pytest.mark.fault("a caller's model left as it was")
def test_a_pass_leaves_nothing_that_bars_training():
    model, _ = STRANGERS["caching"].pair()
    with torch.no_grad():
        first = models.predict(model, IMAGES)
    assert not model.ramp.is_inference()
    loss = model.train()(IMAGES.float() / 255).square().sum()
    loss.backward()
    assert torch.equal(models.predict(model, IMAGES), first)


# ---- before the long pass


class Counted(nn.Module):
    """Counts the images that it has seen."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()
        self.images = 0

    def forward(self, images):
        self.images += len(images)
        return self.net(images)


MANY = squares(70, seed=0)
BAD_CALLS = {
    "layer": lambda net: failure.extract(net, MANY.images, MANY.labels, layers=["layer4"]),
    "layers as one word": lambda net: failure.extract(net, MANY.images, MANY.labels, layers="1"),
    "no layers": lambda net: failure.extract(net, MANY.images, MANY.labels, layers=[]),
    "a module": lambda net: failure.extract(net, MANY.images, MANY.labels, layers=[net.net]),
    "labels too few": lambda net: failure.extract(
        net, MANY.images, MANY.labels[:5], layers=["net.1"]
    ),
    "labels in a column": lambda net: failure.extract(
        net, MANY.images, MANY.labels[:, None], layers=["net.1"]
    ),
    "labels of ImageNet": lambda net: failure.extract(
        net, MANY.images, MANY.labels + 700, layers=["net.1"], batch_size=10
    ),
    "labels of words": lambda net: failure.extract(
        net, MANY.images, ["cat"] * 70, layers=["net.1"]
    ),
    "class of the last image": lambda net: explain.gradcam(
        net, MANY.images, [0] * 69 + [10], layer="net.1", batch_size=10
    ),
    "class below 0": lambda net: explain.gradcam(net, MANY.images, [-1] * 70, layer="net.1"),
    "half a class": lambda net: explain.gradcam(net, MANY.images, [0.5] * 70, layer="net.1"),
    "numpy images": lambda net: models.predict(net, MANY.images.numpy()),
    "batches of none": lambda net: models.predict(net, MANY.images, batch_size=0),
    "a function": lambda net: models.predict(net.forward, MANY.images),
    "a model and its card": lambda net: models.predict((net, {}), MANY.images),
}


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("call", BAD_CALLS)
def test_what_cannot_be_right_is_refused_before_the_long_pass(call):
    net = Counted()
    with untouched(net), pytest.raises(ValueError) as refused:
        BAD_CALLS[call](net)
    assert is_one_sentence(refused.value), str(refused.value)
    assert net.images <= 2


@pytest.mark.parametrize("values", [list, np.array, torch.tensor, lambda x: np.array(x, np.int32)])
def test_labels_and_classes_may_be_lists_arrays_or_tensors(model, values):
    labels = [0, 1, 2, 3, 4, 5]
    seen = failure.extract(model, IMAGES, values(labels), layers=["1", "1"])
    assert seen.labels.tolist() == labels and seen.labels.dtype == np.int64
    assert explain.gradcam(model, IMAGES, values(labels), layer="1").shape == (6, 32, 32)


BAD_SETS = {
    "a pair": (IMAGES, torch.zeros(6)),
    "an array": IMAGES.numpy(),
    "large": data.ImageSet(
        torch.zeros(2, 3, 64, 64, dtype=torch.uint8), torch.zeros(2).long(), ("a", "b"), "official"
    ),
    "grey": data.ImageSet(IMAGES[:, :1], torch.zeros(6).long(), tuple("0123456789"), "official"),
    "other classes": set_of(dataclasses.replace(STRANGERS["plain"], classes=1000)),
}


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("kind", BAD_SETS)
def test_sets_that_cannot_be_swept_are_refused_before_the_long_pass(model, tmp_path, kind):
    with pytest.raises(ValueError) as refused:
        evaluation.benchmark(model, BAD_SETS[kind], folder=tmp_path)
    assert is_one_sentence(refused.value), str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("severities", [3, (1, 1), (), (6,), (2.0,), "5", (0,)])
def test_severities_that_do_not_exist_are_refused(model, tmp_path, severities):
    with pytest.raises(ValueError) as refused:
        evaluation.benchmark(model, PLAIN_SET, folder=tmp_path, severities=severities)
    assert is_one_sentence(refused.value), str(refused.value)
    assert list(tmp_path.iterdir()) == []


# ---- the folder of a sweep


class Shifted(nn.Module):
    """A normalisation that is no weight: the state dict does not tell it."""

    def __init__(self, net, mean=0.0):
        super().__init__()
        self.net = net
        self.mean = mean

    def forward(self, images):
        return self.net(images - self.mean)


@pytest.mark.fault("results of another run")
def test_a_folder_is_of_what_the_model_answers_too(tmp_path, few_corruptions):
    test = PLAIN_SET
    net = plain_cnn()

    def sweep(model):
        return evaluation.benchmark(model, test, folder=tmp_path, severities=(5,))[0].value

    first = sweep(Shifted(net))
    assert np.array_equal(first, sweep(torch.compile(Shifted(net), backend="eager")))
    assert np.array_equal(first, sweep(Shifted(net, mean=1e-6)))  # as another device would compute
    with pytest.raises(ValueError, match="the same weights that answers otherwise") as refused:
        sweep(Shifted(net, mean=0.5))
    assert is_one_sentence(refused.value)


@pytest.mark.fault("networks of all kinds: answers")
@pytest.mark.parametrize(
    ("model", "words"),
    [(Counting(), "other logits when asked again"), (nn.Sequential(plain_cnn(), nn.Dropout()), "")],
)
def test_a_model_that_answers_otherwise_each_time_is_refused(tmp_path, model, words):
    if not words:  # dropout is off in eval mode
        evaluation.benchmark(model, PLAIN_SET, folder=tmp_path, severities=(5,))
        return
    with pytest.raises(ValueError, match=words) as refused:
        evaluation.benchmark(model, PLAIN_SET, folder=tmp_path)
    assert is_one_sentence(refused.value)


@pytest.mark.fault("folders that cannot be used")
def test_the_folder_may_be_at_home_and_not_a_file(model, tmp_path, monkeypatch, few_corruptions):
    monkeypatch.setenv("HOME", str(tmp_path))
    test = PLAIN_SET
    evaluation.benchmark(model, test, folder="~/mine", severities=(5,))
    assert (tmp_path / "mine" / "identity.json").exists()
    with pytest.raises(ValueError, match="is a file: name a folder"):
        evaluation.benchmark(model, test, folder=tmp_path / "mine/identity.json", severities=(5,))


@pytest.mark.fault("devices")
def test_a_copy_works_on_a_better_device_if_it_can(tmp_path, monkeypatch, few_corruptions):
    model, _ = STRANGERS["plain"].pair()
    test = PLAIN_SET
    here, _ = evaluation.benchmark(model, test, folder=tmp_path / "a", severities=(5,))
    monkeypatch.setattr(devices, "best_device", lambda: torch.device("meta"))  # it cannot
    with untouched(model):
        there, _ = evaluation.benchmark(model, test, folder=tmp_path / "b", severities=(5,))
    assert np.array_equal(here.value, there.value)


# ---- sets that look official, and as many classes as ImageNet has


@pytest.mark.fault("results of another run")
def test_an_official_looking_set_is_corrupted_itself(monkeypatch):
    images = squares(12, seed=3)
    mine = dataclasses.replace(images, origin="official")
    monkeypatch.setattr(data, "load_cifar10c", None)
    changed = evaluation.sweep.corrupted_set(mine, "contrast", 1)
    assert torch.equal(changed.images, corruptions.corrupt(mine.images, "contrast", 1))
    assert changed.origin == "regenerated" and torch.equal(changed.labels, mine.labels)


@pytest.mark.fault("results of another run")
@pytest.mark.realdata
def test_the_published_files_are_for_the_test_set_of_cifar10_alone(monkeypatch):
    test = data.load("cifar10", "test")
    assert data.is_cifar10_test(test)
    turned = dataclasses.replace(test, images=test.images.flip(0), labels=test.labels.flip(0))
    assert not data.is_cifar10_test(turned)
    assert not data.is_cifar10_test(dataclasses.replace(test, origin="subset"))
    assert not data.is_cifar10_test(data.load("cifar10", "val"))
    asked = []
    monkeypatch.setattr(data, "load_cifar10c", lambda *words, clean: asked.append((words, clean)))
    evaluation.sweep.corrupted_set(test, "contrast", 1)
    assert asked == [(("contrast", 1), test)]  # which need not be in the default folder


@pytest.mark.fault("results of another run")
def test_a_set_of_another_root_is_not_mixed_with_the_default_one(monkeypatch, tmp_path):
    mine = dataclasses.replace(squares(12, seed=3), origin="official")
    monkeypatch.setattr(cifar10c, "CLEAN", mine.checksum())  # as if it were the test set
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))  # where nothing is
    changed = evaluation.sweep.corrupted_set(mine, "contrast", 1)
    assert torch.equal(changed.images, corruptions.corrupt(mine.images, "contrast", 1))
    assert changed.origin == "identical"


@pytest.mark.fault("networks of all kinds: answers")
def test_class_256_is_not_class_0(tmp_path, few_corruptions):
    class Wide(nn.Module):
        def forward(self, images):
            logits = torch.zeros(len(images), 300)
            logits[:, 256] = 9
            return logits

    classes = tuple(map(str, range(300)))
    none = data.ImageSet(IMAGES, torch.zeros(6).long(), classes, "standin")
    every = dataclasses.replace(none, labels=torch.full((6,), 256))
    for test, share in ((none, 0), (every, 1)):
        folder = tmp_path / str(share)
        accuracy, _ = evaluation.benchmark(Wide(), test, folder=folder, severities=(5,))
        assert (accuracy.value == share).all()


@pytest.mark.fault("networks of all kinds: answers")
def test_logits_beyond_half_precision_are_kept_as_the_largest(tmp_path):
    logits = torch.tensor([[1e6, 0.0], [0.0, 1e6]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored = evaluation.outcome_of_logits(logits, torch.tensor([0, 0]), temperature=1.0)
    assert np.isfinite(stored["log_odds"]).all() and np.isfinite(stored["log_prob"]).all()
