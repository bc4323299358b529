import dataclasses
import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail import devices
from visionfail.models import networks, training
from visionfail.models.training import TrainConfig

CONFIG = TrainConfig(epochs=3, batch_size=40, peak_lr=0.05, ema_decay=0.9, padding=2)


def small_model(seed=0):
    return networks.build("resnet18", num_classes=10, width=8, seed=seed, **STATS)


def fit(config=CONFIG, state=None, model=None, **options):
    model = small_model() if model is None else model
    sets = (squares(200, seed=0), squares(60, seed=1))
    return training.fit(model, *sets, config=config, device="cpu", state=state, **options)


def test_rate_climbs_to_the_peak_and_falls_to_zero():
    rates = [
        training.learning_rate(s, steps=100, config=TrainConfig(peak_lr=0.1, warmup=0.2))
        for s in range(100)
    ]
    assert max(rates) == pytest.approx(0.1) and int(np.argmax(rates)) in (19, 20)
    assert np.all(np.diff(rates[:20]) > 0) and np.all(np.diff(rates[20:]) < 0)
    assert rates[0] == pytest.approx(0.005) and rates[-1] == pytest.approx(0.1 / 80)


def test_weight_decay_spares_norms_and_biases():
    model = small_model()
    optimizer = training.make_optimizer(model, CONFIG)
    decayed, spared = (group["params"] for group in optimizer.param_groups)
    names = {id(p): name for name, p in model.named_parameters()}
    assert {names[id(p)].split(".")[-1] for p in decayed} == {"weight"}
    assert all(p.ndim > 1 for p in decayed)
    for p in spared:
        name = names[id(p)]
        assert "bn" in name or "downsample.1" in name or name == "fc.bias"
    assert len(decayed) + len(spared) == len(names)


def test_one_step_is_pytorchs_nesterov_step():
    model = small_model()
    twin = small_model()
    data = squares(32, seed=0)
    images = training.to_float(data.images)
    training.train_step(model, training.make_optimizer(model, CONFIG), images, data.labels)
    with torch.enable_grad():
        torch.nn.functional.cross_entropy(twin(images), data.labels).backward()
    # the first Nesterov step: (1 + momentum) times the decayed gradient
    for name, p in twin.named_parameters():
        gradient = p.grad + (CONFIG.weight_decay * p.detach() if p.ndim > 1 else 0)
        expected = p.detach() - CONFIG.peak_lr * (1 + CONFIG.momentum) * gradient
        if not devices.fast_bf16("cpu"):
            torch.testing.assert_close(
                model.get_parameter(name).detach(), expected, rtol=1e-4, atol=1e-6
            )


def test_it_learns():
    config = dataclasses.replace(CONFIG, epochs=8, flip=False)  # the square's place is the class
    model, history = fit(config)
    assert history[-1]["val_accuracy"] > 0.9 and not model.training
    assert [row["epoch"] for row in history] == list(range(1, 9))
    columns = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds"}
    assert columns <= history[0].keys()


def test_smaller_images_in_the_first_epochs():
    sides = []
    model = small_model()
    model.register_forward_pre_hook(
        lambda m, inputs: sides.append(inputs[0].shape[-1]) if m.training else None
    )
    fit(dataclasses.replace(CONFIG, sides=(16, 24)), model=model)
    assert sides == [16] * 5 + [24] * 5 + [32] * 5


KILLED = """
import sys, time
sys.path[:0] = [{here!r}, {tests!r}]
import torch
from pathlib import Path
from test_training import fit, small_model, training
steps = 0
step = training.train_step
def slow(*arguments, **options):
    global steps
    steps += 1
    if steps == 8:  # in the middle of the second epoch
        print("now", flush=True)
        time.sleep(60)
    return step(*arguments, **options)
training.train_step = slow
fit(state=Path({state!r}))
"""


@pytest.mark.fault("interrupted run")
@pytest.mark.slow  # starts a fresh interpreter
def test_run_killed_in_mid_epoch_ends_bit_for_bit_where_an_unbroken_one_ends(tmp_path):
    state = tmp_path / "state.pt"
    unbroken, unbroken_history = fit(state=tmp_path / "unbroken.pt")
    here = Path(__file__).parent
    code = textwrap.dedent(KILLED).format(here=str(here), tests=str(here.parent), state=str(state))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().strip() == "now"
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    resumed, history = fit(state=state)
    for row in (*history, *unbroken_history):
        del row["seconds"]
    assert history == unbroken_history
    for name, tensor in unbroken.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    a, b = (torch.load(p, weights_only=True) for p in (state, tmp_path / "unbroken.pt"))
    assert torch.equal(a["generator"], b["generator"])
    for key, slot in a["optimizer"]["state"].items():
        assert torch.equal(slot["momentum_buffer"], b["optimizer"]["state"][key]["momentum_buffer"])


def test_finished_run_is_not_trained_again(tmp_path):
    fit(state=tmp_path / "s.pt")
    start = time.perf_counter()
    _, history = fit(state=tmp_path / "s.pt")
    assert len(history) == CONFIG.epochs and time.perf_counter() - start < 2


@pytest.mark.fault("results of another run")
def test_state_of_another_configuration_is_refused_by_field(tmp_path):
    fit(dataclasses.replace(CONFIG, epochs=1), state=tmp_path / "s.pt")
    for field, value in [("epochs", 3), ("peak_lr", 0.2), ("seed", 7)]:
        with pytest.raises(ValueError, match=f"made with {field} = "):
            changes = {"epochs": 1}
            changes[field] = value
            fit(dataclasses.replace(CONFIG, **changes), state=tmp_path / "s.pt")
    with pytest.raises(ValueError, match="made with train_data = "):  # same size, other images
        config = dataclasses.replace(CONFIG, epochs=1)
        training.fit(
            small_model(),
            squares(200, seed=9),
            squares(60, seed=1),
            config=config,
            state=tmp_path / "s.pt",
        )
    wide = networks.build("resnet18", num_classes=10, width=16, **STATS)
    with pytest.raises(ValueError, match="made with parameters = "):
        fit(dataclasses.replace(CONFIG, epochs=1), state=tmp_path / "s.pt", model=wide)


@pytest.mark.fault("results of another run")
def test_a_state_of_another_start_is_refused_and_no_start_leaves_the_identity_as_it_was(tmp_path):
    short = dataclasses.replace(CONFIG, epochs=1)
    fit(short, state=tmp_path / "named.pt", start="first")
    fit(short, state=tmp_path / "named.pt", start="first")
    with pytest.raises(ValueError, match="made with start = 'first', not 'second'"):
        fit(short, state=tmp_path / "named.pt", start="second")
    fit(short, state=tmp_path / "drawn.pt")
    with pytest.raises(ValueError, match="made with start = None, not 'first'"):
        fit(short, state=tmp_path / "drawn.pt", start="first")
    stored = torch.load(tmp_path / "drawn.pt", weights_only=True)
    expected = {*dataclasses.asdict(short), "parameters", "train_data"}
    assert set(stored["identity"]) == expected


@pytest.mark.fault("numbers that are not finite")
def test_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(tmp_path, monkeypatch):
    state = tmp_path / "s.pt"
    step = training.train_step
    calls = []

    def poisoned(model, optimizer, images, labels, **options):
        calls.append(1)
        return step(model, optimizer, images * (float("nan") if len(calls) > 7 else 1.0), labels)

    monkeypatch.setattr(training, "train_step", poisoned)
    with pytest.raises(FloatingPointError, match=r"epoch 2, step \d+, learning rate 0\.0"):
        fit(state=state)
    stored = torch.load(state, weights_only=True)
    assert len(stored["history"]) == 1
    assert all(torch.isfinite(t).all() for t in stored["model"].values())


@pytest.mark.fault("interrupted run")
def test_ctrl_c_keeps_the_last_whole_epoch_and_leaves_no_half_file(tmp_path, monkeypatch):
    state = tmp_path / "s.pt"
    step = training.train_step
    calls = []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return step(*arguments, **options)

    monkeypatch.setattr(training, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(state=state)
    assert [p.name for p in tmp_path.iterdir()] == ["s.pt"]
    monkeypatch.setattr(training, "train_step", step)
    resumed, _ = fit(state=state)
    unbroken, _ = fit()
    for name, tensor in unbroken.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_config_survives_json():
    config = dataclasses.replace(CONFIG, sides=(16, 24))
    stored = json.loads(json.dumps(dataclasses.asdict(config)))
    assert TrainConfig.of(stored) == config


def linear_step(labels, *, class_weights=None):
    """(loss, right answers) of one step of a linear model, and the model's logits before it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(6, 4))
        images = torch.rand(12, 6)
    logits = model(images).detach().double().numpy()
    loss, right = training.train_step(
        model,
        training.make_optimizer(model, CONFIG),
        images,
        labels,
        mixed_precision=False,
        class_weights=class_weights,
    )
    return loss.item(), right.item(), logits


def log_softmax(logits):
    """The log of each class's share, (B, K)."""
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


SHARES = np.random.default_rng(0).dirichlet(np.ones(4), 12).astype(np.float32)
CLASSES = np.arange(12) % 4
WEIGHTS = np.array([0.5, 2.0, 1.0, 0.25])


def test_shares_of_classes_cost_their_cross_entropy_and_count_their_share():
    loss, right, logits = linear_step(torch.from_numpy(SHARES))
    expected = -(SHARES * log_softmax(logits)).sum(axis=1).mean()
    assert loss == pytest.approx(expected, rel=1e-5)
    answers = logits.argmax(axis=1)
    assert right == pytest.approx(sum(SHARES[row, answers[row]] for row in range(12)))


def test_shares_that_are_all_of_one_class_are_labels():
    labels = torch.from_numpy(CLASSES)
    whole = torch.nn.functional.one_hot(labels, 4).float()
    assert linear_step(whole)[:2] == pytest.approx(linear_step(labels)[:2])


def test_class_weights_weigh_the_mean_of_the_losses():
    weights = torch.from_numpy(WEIGHTS).float()
    loss, _, logits = linear_step(torch.from_numpy(CLASSES), class_weights=weights)
    losses = -log_softmax(logits)[np.arange(12), CLASSES]
    by_image = WEIGHTS[CLASSES]
    assert loss == pytest.approx((by_image * losses).sum() / by_image.sum(), rel=1e-5)
    plain, _, _ = linear_step(torch.from_numpy(CLASSES))
    assert plain == pytest.approx(losses.mean(), rel=1e-5) and plain != pytest.approx(loss)


def linear_model():
    """A model of a single layer, trained in no time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10))


def steps_of_fit(monkeypatch, config):
    """What `fit` passes to each step, (labels, class weights), and the history of one epoch."""
    step = training.train_step
    passed = []

    def watched(model, optimizer, images, labels, **options):
        passed.append((labels, options["class_weights"]))
        return step(model, optimizer, images, labels, **options)

    monkeypatch.setattr(training, "train_step", watched)
    _, history = fit(dataclasses.replace(config, epochs=1), model=linear_model())
    return passed, history


def test_fit_weighs_the_classes_as_configured(monkeypatch):
    weights = tuple(float(k + 1) for k in range(10))
    passed, _ = steps_of_fit(monkeypatch, dataclasses.replace(CONFIG, class_weights=weights))
    assert len(passed) == 5
    for labels, class_weights in passed:
        assert labels.ndim == 1 and class_weights.tolist() == list(weights)
    passed, _ = steps_of_fit(monkeypatch, CONFIG)
    assert all(class_weights is None for _, class_weights in passed)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("count", [1, 9, 11])
def test_a_wrong_number_of_class_weights_is_refused(count):
    config = dataclasses.replace(CONFIG, class_weights=(1.0,) * count)
    with pytest.raises(ValueError, match=rf"{count} class_weights for 10 classes: pass one"):
        fit(config)


@pytest.mark.parametrize("kind", ["cutmix", "mixup"])
def test_fit_mixes_each_batch_anew(monkeypatch, kind):
    passed, history = steps_of_fit(monkeypatch, dataclasses.replace(CONFIG, mix=kind))
    assert all(labels.shape == (40, 10) for labels, _ in passed)
    shares = [labels.max(dim=1).values.min().item() for labels, _ in passed]
    assert len(set(shares)) == 5  # a lambda of its own for each batch
    assert 0 <= history[0]["train_accuracy"] <= 1


@pytest.mark.fault("interrupted run")
@pytest.mark.parametrize("kind", ["cutmix", "mixup"])
def test_a_mixed_run_that_was_interrupted_ends_where_an_unbroken_one_ends(
    tmp_path, monkeypatch, kind
):
    config = dataclasses.replace(CONFIG, mix=kind, base_rate=0.5)
    unbroken, _ = fit(config, model=linear_model())
    plain, _ = fit(dataclasses.replace(config, mix=""), model=linear_model())
    step = training.train_step
    calls = []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return step(*arguments, **options)

    monkeypatch.setattr(training, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(config, state=tmp_path / "s.pt", model=linear_model())
    monkeypatch.setattr(training, "train_step", step)
    resumed, _ = fit(config, state=tmp_path / "s.pt", model=linear_model())
    assert torch.equal(unbroken[1].weight, resumed[1].weight)
    assert torch.equal(unbroken[1].bias, resumed[1].bias)
    assert not torch.equal(unbroken[1].weight, plain[1].weight)


def test_the_history_of_a_part_of_a_triangle_records_its_rates():
    _, history = fit(dataclasses.replace(CONFIG, cycle=(0.25, 1.0)), model=linear_model())
    # 15 steps are three quarters of 20, whose climb takes 4
    last = np.array([9, 14, 19])
    expected = CONFIG.peak_lr * (20 - last) / 16
    assert [row["lr"] for row in history] == pytest.approx(expected)


@pytest.mark.fault("settings around the call")
def test_narrow_shortcuts_learn_right_whatever_the_number_of_threads():
    # with channels last, 25 images among two threads had ended the process (oneDNN issue 6035)
    narrow = networks.build("resnet18", num_classes=10, width=8, **STATS)
    wide = networks.build("resnet18", num_classes=10, width=16, **STATS)
    assert devices.training_layout(narrow, "cpu") == torch.contiguous_format
    assert devices.training_layout(wide, "cpu") == torch.channels_last
    assert devices.training_layout(narrow, "cuda") == torch.channels_last
    seen = []
    narrow.get_submodule("conv1").register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    config = dataclasses.replace(CONFIG, epochs=1, batch_size=25)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        training.fit(narrow, squares(50, seed=0), squares(20, seed=1), config=config, device="cpu")
    finally:
        torch.set_num_threads(threads)
    assert all(images.is_contiguous() for images in seen[:2])
    assert all(p.is_contiguous() for p in narrow.parameters())
