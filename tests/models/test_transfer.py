import copy
import dataclasses
import shutil
import warnings

import numpy as np
import pytest
import torch
import torchvision
from makers import STATS, squares
from torchvision.models.resnet import BasicBlock

from visionfail import devices
from visionfail.models import networks, states, training, transfer
from visionfail.models.optimizer import learning_rate
from visionfail.models.train_config import TrainConfig

FROZEN = TrainConfig(epochs=2, batch_size=30, peak_lr=0.1, ema_decay=0.9, padding=0)
UNFROZEN = TrainConfig(
    epochs=3, batch_size=30, peak_lr=0.1, base_rate=0.5, ema_decay=0.9, padding=2, seed=100
)
KEPT = ("conv1", "bn1", "layer1", "layer2")  # children that stay frozen throughout


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    monkeypatch.setattr(devices, "fast_bf16", lambda device: False)


def small(*, side=32, seed=0):
    model = networks.build(
        "imagenet_resnet18",
        num_classes=10,
        width=8,
        mean=transfer.MEAN,
        std=transfer.STD,
        seed=seed,
    )
    model.resize_to(side, "bilinear")
    return model.eval()


def pairs(model):
    """(convolution, norm after it), all of a ResNet-18."""
    yield model.conv1, model.bn1
    for block in model.modules():
        if isinstance(block, BasicBlock):
            yield block.conv1, block.bn1
            yield block.conv2, block.bn2
            if block.downsample is not None:
                yield tuple(block.downsample)


def draw_norms(model, *, seed=0):
    """Give norms weights, biases and statistics as a trained network has them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, norm in pairs(model):
            for tensor in (norm.weight, norm.running_var):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            for tensor in (norm.bias, norm.running_mean):
                tensor.copy_(0.3 * torch.randn(tensor.shape, generator=generator))
            norm.num_batches_tracked.fill_(7)
    return model


def fold(model, *, but=()):
    """A copy with norms folded into their convolutions, except in the children `but`."""
    folded = copy.deepcopy(model)
    kept = {module for name in but for module in folded.get_submodule(name).modules()}
    with torch.no_grad():
        for convolution, norm in pairs(folded):
            if norm in kept:
                continue
            gain = norm.weight / (norm.running_var + norm.eps).sqrt()
            norm.bias.sub_(norm.running_mean * gain)
            # a norm of mean 0 and variance 1 still divides by sqrt(1 + eps)
            convolution.weight.mul_((gain * (1 + norm.eps) ** 0.5)[:, None, None, None])
            norm.weight.fill_(1)
            norm.running_mean.zero_()
            norm.running_var.fill_(1)
    return folded


def logits_of(model, images):
    with torch.no_grad():
        return model(images.float() / 255)


def same_state(before, after, *, children):
    """Whether all of these children, running statistics included, are bit for bit the same.

    Counters of batches aside: torch rounds them down where it averages a network's buffers.
    """
    names = [name for name in before if name.split(".")[0] in children]
    names = [name for name in names if not name.endswith("num_batches_tracked")]
    return bool(names) and all(torch.equal(before[name], after[name]) for name in names)


def state_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_constants_are_those_of_torchvisions_weights():
    for weights in (
        torchvision.models.ResNet18_Weights.IMAGENET1K_V1,
        torchvision.models.ResNet50_Weights.IMAGENET1K_V1,
    ):
        preset = weights.transforms()
        assert tuple(preset.mean) == transfer.MEAN
        assert tuple(preset.std) == transfer.STD


@pytest.fixture(scope="module")
def imagenet_weights():
    """Weights of torchvision's ResNet-18 for 12 classes, in half precision as a trunk's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = torchvision.models.resnet18(num_classes=12)
    model.bn1.running_mean.fill_(0.25)
    model.layer3[0].bn2.num_batches_tracked.fill_(9)
    return model.half().state_dict()


def test_all_but_the_head_is_loaded(imagenet_weights):
    model = transfer.pretrained(
        "imagenet_resnet18", imagenet_weights, num_classes=10, side=64, resizing="bicubic", seed=2
    )
    state = model.state_dict()
    assert state.keys() == imagenet_weights.keys()
    for name, tensor in imagenet_weights.items():
        if not name.startswith("fc."):
            assert torch.equal(state[name], tensor.to(state[name].dtype)), name
    assert state["conv1.weight"].dtype == torch.float32
    assert (model.side, model.resizing) == (64, "bicubic") and not model.training
    assert torch.equal(model.mean.flatten(), torch.tensor(transfer.MEAN))
    assert torch.equal(model.std.flatten(), torch.tensor(transfer.STD))


def test_the_head_is_drawn_whatever_head_the_weights_have(imagenet_weights):
    headless = {k: v for k, v in imagenet_weights.items() if not k.startswith("fc.")}
    ten_classes = {**headless, "fc.weight": torch.ones(10, 512), "fc.bias": torch.ones(10)}
    heads = [
        transfer.pretrained(
            "imagenet_resnet18", weights, num_classes=10, side=64, seed=seed
        ).fc.weight
        for weights, seed in [
            (imagenet_weights, 2),
            (headless, 2),
            (ten_classes, 2),
            (ten_classes, 3),
        ]
    ]
    assert heads[0].shape == (10, 512) and heads[0].std() > 0.01
    assert torch.equal(heads[0], heads[1]) and torch.equal(heads[0], heads[2])
    assert not torch.equal(heads[0], heads[3])


@pytest.mark.fault("results of another run")
def test_weights_of_another_architecture_are_refused_by_name(imagenet_weights):
    with torch.device("meta"):
        deeper = torchvision.models.resnet50().state_dict()
    words = (
        r"do not fit imagenet_resnet18: layer1\.0\.conv1\.weight is \(64, 64, 1, 1\), "
        r"not \(64, 64, 3, 3\)"
    )
    weights = {**deeper, "conv1.weight": torch.zeros(64, 3, 7, 7)}
    for name in ("weight", "bias", "running_mean", "running_var"):
        weights[f"bn1.{name}"] = torch.zeros(64)
    weights["bn1.num_batches_tracked"] = torch.tensor(0)
    with pytest.raises(ValueError, match=words):
        transfer.pretrained("imagenet_resnet18", weights, num_classes=10, side=64)
    lacking = dict(imagenet_weights)
    del lacking["layer2.1.bn2.running_var"]
    with pytest.raises(ValueError, match=r"layer2\.1\.bn2\.running_var is missing"):
        transfer.pretrained("imagenet_resnet18", lacking, num_classes=10, side=64)


def test_weights_without_the_norms_counters_are_loaded(imagenet_weights):
    weights = {k: v for k, v in imagenet_weights.items() if "num_batches_tracked" not in k}
    torchvision.models.resnet18(num_classes=12).load_state_dict(dict(weights))
    model = transfer.pretrained("imagenet_resnet18", weights, num_classes=10, side=64)
    assert torch.equal(model.conv1.weight, weights["conv1.weight"].float())


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_inflated_norms_leave_the_logits_and_survive_train_mode(eps):
    model = draw_norms(small(side=64))
    for _, norm in pairs(model):
        norm.eps = eps
    images = squares(64, seed=0).images
    folded = fold(model)
    expected = logits_of(model, images)
    torch.testing.assert_close(logits_of(folded, images), expected, rtol=1e-4, atol=1e-4)
    ruined = logits_of(copy.deepcopy(folded).train(), images)
    transfer.inflate_norms(folded, images)
    torch.testing.assert_close(logits_of(folded, images), expected, rtol=1e-4, atol=1e-4)
    batch = logits_of(copy.deepcopy(folded).train(), images)
    spread = expected.std(dim=0).mean()
    # a batch divides by its variance, running statistics have n / (n - 1) of it
    assert (batch - expected).abs().max() < 0.1 * spread
    assert (ruined - expected).abs().max() > spread


def inputs_of_norms(model, images):
    """{norm: its input, float64 (C, N * H * W)} of a network in eval mode."""
    inputs = {}

    def keep(module, arguments):
        inputs[module] = arguments[0].double().transpose(0, 1).flatten(1).numpy()

    handles = [norm.register_forward_pre_hook(keep) for _, norm in pairs(model)]
    logits_of(model, images)
    for handle in handles:
        handle.remove()
    return inputs


def test_running_statistics_become_those_of_the_images():
    folded = fold(draw_norms(small()))
    images = squares(40, seed=0).images
    inputs = inputs_of_norms(folded, images)
    transfer.inflate_norms(folded, images)
    for _, norm in pairs(folded):
        scale = np.sqrt(inputs[norm].var(axis=1)).mean()
        np.testing.assert_allclose(
            norm.running_mean, inputs[norm].mean(axis=1), rtol=1e-4, atol=1e-5 * scale
        )
        np.testing.assert_allclose(norm.running_var, inputs[norm].var(axis=1, ddof=1), rtol=1e-3)


def test_norms_that_are_not_folded_are_untouched():
    folded = fold(draw_norms(small()), but=("layer4",))
    images = squares(20, seed=0).images
    folded.layer2.train()
    before = state_of(folded)
    expected = logits_of(copy.deepcopy(folded).eval(), images)
    transfer.inflate_norms(folded, images)
    after = folded.state_dict()
    assert same_state(before, after, children=("layer4", "fc"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert all("bn" in name or "downsample.1" in name for name in changed)
    statistics = {name for name in after if name.endswith("running_var")}
    outside = {name for name in statistics if not name.startswith("layer4")}
    assert changed & statistics == outside
    assert folded.layer2.training and not folded.layer1.training  # left as it was
    assert not any(norm._forward_pre_hooks for _, norm in pairs(folded))
    torch.testing.assert_close(logits_of(folded.eval(), images), expected, rtol=1e-4, atol=1e-4)


def asking(model):
    """The children whose parameters ask for gradients, all of them or none."""
    children = set()
    for name, child in model.named_children():
        wishes = {parameter.requires_grad for parameter in child.parameters()}
        assert len(wishes) < 2, name
        if True in wishes:
            children.add(name)
    return children


def test_only_the_named_children_ask_for_gradients():
    model = small()
    transfer.freeze_all_but(model, ("fc",))
    assert asking(model) == {"fc"}
    transfer.freeze_all_but(model, transfer.UNFROZEN)
    assert asking(model) == {"layer3", "layer4", "fc"}
    transfer.freeze_all_but(model, ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"))
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.fault("bad arguments")
def test_an_unknown_child_is_refused_and_nothing_is_frozen():
    model = small()
    with pytest.raises(ValueError, match="the model has no layer5, head: pass names"):
        transfer.freeze_all_but(model, ("layer5", "layer4", "head"))
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(("side", "pixels"), [(32, 1), (64, 2), (128, 4)])
def test_the_smallest_map_is_a_thirty_second_of_the_side(side, pixels):
    assert transfer.smallest_map(small(side=side), squares(2, seed=0)) == (pixels, pixels)


@pytest.mark.fault("bad arguments")
def test_a_model_without_a_last_stage_has_no_smallest_map():
    model = networks.build("mnist_cnn", num_classes=10, width=8, **STATS)
    images = squares(2, seed=0)
    digits = dataclasses.replace(images, images=images.images[..., 2:30, 2:30])
    with pytest.raises(ValueError, match="layer4"):
        transfer.smallest_map(model, digits)


def rates_of(config, *, steps_per_epoch):
    steps = config.epochs * steps_per_epoch
    return [learning_rate(step, steps=steps, config=config) for step in range(steps)]


@pytest.mark.parametrize(("epochs", "per_epoch"), [((3, 5), 7), ((1, 9), 4), ((6, 2), 5)])
def test_both_rounds_cover_one_triangle(epochs, per_epoch):
    frozen = dataclasses.replace(FROZEN, epochs=epochs[0])
    unfrozen = dataclasses.replace(UNFROZEN, epochs=epochs[1])
    first, second = transfer.one_triangle(frozen, unfrozen)
    assert dataclasses.replace(first, cycle=(0.0, 1.0)) == frozen
    assert dataclasses.replace(second, cycle=(0.0, 1.0)) == unfrozen
    trace = [
        *rates_of(first, steps_per_epoch=per_epoch),
        *rates_of(second, steps_per_epoch=per_epoch),
    ]
    steps = sum(epochs) * per_epoch
    step = np.arange(steps)
    climb = 0.2 * steps
    triangle = 0.1 * np.minimum((step + 1) / climb, (steps - step) / (steps - climb))
    assert trace == pytest.approx(triangle.clip(max=0.1))
    whole = dataclasses.replace(unfrozen, epochs=sum(epochs))
    assert trace == pytest.approx(rates_of(whole, steps_per_epoch=per_epoch))
    top = int(np.argmax(trace))
    assert (np.diff(trace[: top + 1]) > 0).all()
    assert (np.diff(trace[top:]) <= 0).all()  # two steps may share the top
    assert (np.diff(trace[top + 1 :]) < 0).all()
    assert min(trace) == trace[-1] == pytest.approx(0.1 / (0.8 * steps))


def test_fitting_the_head_changes_nothing_else():
    model = draw_norms(small())
    before = state_of(model)
    train = transfer.features_on_device(model, squares(90, seed=0), mirrored=True)
    val = transfer.features_on_device(model, squares(30, seed=1), mirrored=False)
    history = transfer.fit_head(model, train, val, config=FROZEN)
    after = model.state_dict()
    base = {name.split(".")[0] for name in before} - {"fc"}
    assert same_state(before, after, children=base)
    assert not torch.equal(before["fc.weight"], after["fc.weight"])
    assert not torch.equal(before["fc.bias"], after["fc.bias"])
    assert [row["epoch"] for row in history] == [1, 2]
    # the last row speaks of the very head that the model has now
    with torch.no_grad():
        logits = (val.images @ model.fc.weight.T + model.fc.bias).double()
    right = (logits.argmax(1) == val.labels).double().mean().item()
    loss = -logits.log_softmax(1)[torch.arange(len(val)), val.labels].mean().item()
    assert history[-1]["val_accuracy"] == pytest.approx(right)
    assert history[-1]["val_loss"] == pytest.approx(loss, rel=1e-4)


def test_a_head_learns_what_the_features_tell():
    model = small()
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(0, 10, 200))
    told = 3 * torch.nn.functional.one_hot(labels, 64).float()
    told += torch.from_numpy(rng.normal(0, 0.3, (200, 64)).astype(np.float32))
    classes = tuple(str(k) for k in range(10))
    features = transfer.Features(told, told, labels, classes, "standin")
    config = dataclasses.replace(FROZEN, epochs=4)
    history = transfer.fit_head(model, features, features, config=config)
    assert history[-1]["val_accuracy"] > 0.95


def two_phases(state, *, train=None, children=transfer.UNFROZEN, seed=0, frozen=FROZEN):
    first, second = transfer.one_triangle(frozen, UNFROZEN)
    return transfer.fit_in_two_phases(
        draw_norms(small(seed=seed)),
        squares(90, seed=0) if train is None else train,
        squares(30, seed=1),
        frozen=first,
        unfrozen=second,
        children=children,
        state=state,
    )


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """(state of the network between the phases, network, history) of a run without a break."""
    between = []
    fit = training.fit

    def watched(model, *arguments, **options):
        if hasattr(model, "layer1"):
            between.append(state_of(model))
        return fit(model, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "fast_bf16", lambda device: False)
        patch.setattr(training, "fit", watched)
        model, history = two_phases(tmp_path_factory.mktemp("unbroken"))
    assert len(between) == 1
    return between[0], model, history


def test_the_frozen_phase_changes_the_head_alone(unbroken):
    between, _, _ = unbroken
    before = draw_norms(small()).state_dict()
    changed = {name for name in before if not torch.equal(before[name], between[name])}
    assert changed == {"fc.weight", "fc.bias"}


def test_children_that_stay_frozen_are_the_same_after_both_phases(unbroken):
    between, model, _ = unbroken
    after = model.state_dict()
    assert same_state(between, after, children=KEPT)
    changed = {name for name in after if not torch.equal(between[name], after[name])}
    statistics = {name for name in after if name.endswith(("running_mean", "running_var"))}
    learnt = {name for name in after if not name.startswith(KEPT)}
    counters = {name for name in after if name.endswith("num_batches_tracked")}
    assert changed - counters == learnt - counters
    assert statistics & changed  # norms that learn move their statistics
    assert not model.training


def test_the_history_counts_the_epochs_of_both_phases_on_one_triangle(unbroken):
    _, _, history = unbroken
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5]
    steps = 15  # five epochs of three batches
    last = np.array([2, 5, 8, 11, 14])  # steps
    expected = 0.1 * np.minimum((last + 1) / (0.2 * steps), (steps - last) / (0.8 * steps))
    assert [row["lr"] for row in history] == pytest.approx(expected.clip(max=0.1))


def without_seconds(history):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


# validation of epoch 2 of either phase: the first has two epochs, so calls 2 and 4
@pytest.mark.fault("interrupted run")
@pytest.mark.parametrize(("call", "left"), [(2, []), (4, ["head.pt", "whole.pt"])])
def test_a_run_interrupted_in_either_phase_ends_where_an_unbroken_one_ends(
    unbroken, tmp_path, monkeypatch, call, left
):
    _, model, history = unbroken
    validate = training.validate
    calls = []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return validate(*arguments, **options)

    monkeypatch.setattr(training, "validate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        two_phases(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    monkeypatch.setattr(training, "validate", validate)
    if left:
        monkeypatch.setattr(transfer, "fit_head", None)  # the head is not trained again
    resumed, resumed_history = two_phases(tmp_path)
    assert without_seconds(resumed_history) == without_seconds(history)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


@pytest.mark.fault("interrupted run")
def test_a_run_interrupted_between_the_phases_keeps_the_head(unbroken, tmp_path, monkeypatch):
    _, model, history = unbroken
    fit = training.fit

    def interrupted(network, *arguments, **options):
        if hasattr(network, "layer1"):
            raise KeyboardInterrupt
        return fit(network, *arguments, **options)

    monkeypatch.setattr(training, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        two_phases(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["head.pt"]
    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(transfer, "fit_head", None)
    resumed, resumed_history = two_phases(tmp_path)
    assert without_seconds(resumed_history) == without_seconds(history)
    assert torch.equal(model.fc.weight, resumed.fc.weight)


OTHERS = {
    "train_data": {"train": squares(90, seed=7)},
    "start": {"seed": 1},
    "peak_lr": {"frozen": dataclasses.replace(FROZEN, peak_lr=0.2)},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of the state of a run that has ended."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "fast_bf16", lambda device: False)
        two_phases(folder)
    return folder


@pytest.mark.fault("results of another run")
@pytest.mark.parametrize("field", OTHERS)
def test_a_head_of_another_run_is_refused_by_field(field, finished):
    with pytest.raises(ValueError, match=rf"head\.pt was made with {field} = .*remove it"):
        two_phases(finished, **OTHERS[field])


@pytest.mark.fault("results of another run")
@pytest.mark.parametrize("field", OTHERS)
def test_a_second_phase_that_began_with_other_weights_is_refused(field, finished, tmp_path):
    shutil.copy(finished / "whole.pt", tmp_path)
    with pytest.raises(ValueError, match=r"whole\.pt was made with (start|train_data) = "):
        two_phases(tmp_path, **OTHERS[field])


@pytest.mark.fault("results of another run")
def test_a_head_that_does_not_say_of_what_run_it_is_is_refused(finished, tmp_path):
    stored = states.load_state(finished / "head.pt", fields=("fc", "history"))
    nameless = {field: stored[field] for field in ("fc", "history")}
    states.save_state(tmp_path / "head.pt", nameless)
    with pytest.raises(ValueError, match=r"head\.pt lacks identity: remove it"):
        two_phases(tmp_path)


def test_a_start_is_known_by_its_convolutions_and_linear_layers_alone():
    """Norms may have got statistics of images, which differ with threads in the last digit."""
    same = small()
    before = states.weights_checksum(same)
    assert states.weights_checksum(draw_norms(same)) == before
    assert states.weights_checksum(small(seed=1)) != before
    with torch.no_grad():
        same.fc.weight[0, 0] += 1
    assert states.weights_checksum(same) != before


def test_seconds_of_the_features_count(monkeypatch, tmp_path):
    clock = iter([0.0, 1000.0, *np.arange(2000.0, 3000.0)])
    monkeypatch.setattr(transfer.time, "perf_counter", lambda: next(clock))
    _, history = two_phases(tmp_path, children=("fc",))
    assert history[0]["seconds"] > 1000 > history[1]["seconds"]


def test_children_choose_what_learns_in_the_second_phase(tmp_path):
    model, _ = two_phases(tmp_path, children=("fc", "layer4"))
    start = draw_norms(small()).state_dict()
    assert same_state(start, model.state_dict(), children=(*KEPT, "layer3"))
    assert not same_state(start, model.state_dict(), children=("layer4",))


@pytest.mark.parametrize("flip", [True, False])
def test_the_head_sees_mirror_images_where_the_frozen_phase_flips(flip, tmp_path, monkeypatch):
    features_on_device = transfer.features_on_device
    asked = []

    def watched(model, images, *, mirrored):
        asked.append((len(images), mirrored))
        return features_on_device(model, images, mirrored=mirrored)

    monkeypatch.setattr(transfer, "features_on_device", watched)
    first, second = transfer.one_triangle(dataclasses.replace(FROZEN, flip=flip), UNFROZEN)
    transfer.fit_in_two_phases(
        small(),
        squares(90, seed=0),
        squares(30, seed=1),
        frozen=first,
        unfrozen=dataclasses.replace(second, epochs=1),
        state=tmp_path,
    )
    assert asked == [(90, flip), (30, False)]


@pytest.mark.parametrize("name", ["efficientnet_b0", "vit_b_16"])
def test_torchvision_networks_give_their_own_features_and_a_new_head(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = torchvision.models.get_model(name).eval()
    ours = transfer.pretrained(f"imagenet_{name}", theirs.state_dict(), num_classes=2, side=224)
    assert ours.fc.out_features == 2
    ours.fc = torch.nn.Identity()
    setattr(theirs, "classifier" if name == "efficientnet_b0" else "heads", torch.nn.Identity())
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    normalised = torchvision.transforms.v2.functional.normalize(images, transfer.MEAN, transfer.STD)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(normalised))


@pytest.mark.parametrize(("side", "warned"), [(64, True), (96, True), (97, False)])
def test_a_small_last_map_is_warned_of(side, warned):
    weights = networks.build(
        "imagenet_resnet18", num_classes=1000, mean=(0.5,) * 3, std=(0.5,) * 3
    ).state_dict()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = transfer.pretrained("imagenet_resnet18", weights, num_classes=2, side=side)
    told = [str(warning.message) for warning in seen if "last map is" in str(warning.message)]
    assert bool(told) == warned
    height, width = transfer.smallest_map(model, squares(2, seed=0))
    assert (min(height, width) < 4) == warned
    if warned:
        assert f"{height} x {width}" in told[0]
