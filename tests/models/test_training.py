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
from scipy import ndimage

from visionfail import devices
from visionfail.models import networks, training
from visionfail.models.training import TrainConfig

CONFIG = TrainConfig(epochs=3, batch_size=40, peak_lr=0.05, ema_decay=0.9, padding=2)


def small_model(seed=0):
    return networks.build("resnet18", num_classes=10, width=8, seed=seed, **STATS)


def fit(config=CONFIG, state=None, model=None):
    model = small_model() if model is None else model
    return training.fit(
        model, squares(200, seed=0), squares(60, seed=1), config=config, device="cpu", state=state
    )


def test_each_image_has_a_crop_and_a_flip_of_its_own():
    # every pixel is unique, so the crop and the mirror can be read off the result
    image = torch.arange(1, 65, dtype=torch.uint8).view(1, 1, 8, 8).expand(64, 3, 8, 8)
    flip = torch.arange(64) % 2 == 0
    out = training.augment(image, padding=4, flip=flip, generator=torch.Generator().manual_seed(0))
    padded = np.pad(image[0, 0].numpy(), 4)
    places = []
    for result, mirrored in zip(out[:, 0].numpy(), flip.numpy(), strict=True):
        source = np.pad(image[0, 0].numpy()[:, ::-1], 4) if mirrored else padded
        hits = [
            (r, c)
            for r in range(9)
            for c in range(9)
            if np.array_equal(source[r : r + 8, c : c + 8], result)
        ]
        assert hits, "not a crop of the padded image"
        places.append(hits[0])
    assert (
        len(set(places)) > 30
    )  # 64 draws from 81 places: torchvision's v2 transforms would give one
    assert torch.equal(out[:, 0], out[:, 1])  # channels move together


def test_augment_draws_from_its_generator_alone():
    images = squares(16, seed=0).images
    flip = torch.zeros(16, dtype=torch.bool)

    def draw(seed):
        return training.augment(
            images, padding=4, flip=flip, generator=torch.Generator().manual_seed(seed)
        )

    assert torch.equal(draw(0), draw(0)) and not torch.equal(draw(0), draw(1))


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
    decayed, spared = (
        group["params"] for group in training.make_optimizer(model, CONFIG).param_groups
    )
    names = {id(p): name for name, p in model.named_parameters()}
    assert {names[id(p)].split(".")[-1] for p in decayed} == {"weight"} and all(
        p.ndim > 1 for p in decayed
    )
    assert all(
        "bn" in names[id(p)] or "downsample.1" in names[id(p)] or names[id(p)] == "fc.bias"
        for p in spared
    )
    assert len(decayed) + len(spared) == len(names)


def test_one_step_is_pytorchs_nesterov_step():
    model, twin = small_model(), small_model()
    data = squares(32, seed=0)
    images = training.to_float(data.images)
    training.train_step(model, training.make_optimizer(model, CONFIG), images, data.labels)
    with torch.enable_grad():
        torch.nn.functional.cross_entropy(twin(images), data.labels).backward()
    for (
        name,
        p,
    ) in (
        twin.named_parameters()
    ):  # the first Nesterov step: (1 + momentum) times the decayed gradient
        gradient = p.grad + (CONFIG.weight_decay * p.detach() if p.ndim > 1 else 0)
        expected = p.detach() - CONFIG.peak_lr * (1 + CONFIG.momentum) * gradient
        if not devices.fast_bf16("cpu"):
            torch.testing.assert_close(
                model.get_parameter(name).detach(), expected, rtol=1e-4, atol=1e-6
            )


def test_it_learns():
    config = dataclasses.replace(
        CONFIG, epochs=8, flip=False
    )  # the place of the square is the class
    model, history = fit(config)
    assert history[-1]["val_accuracy"] > 0.9 and not model.training
    assert [row["epoch"] for row in history] == list(range(1, 9))
    assert {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds"} <= history[
        0
    ].keys()


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
from scipy import ndimage
from pathlib import Path
from test_training import fit, small_model, training
steps = 0
step = training.train_step
def slow(*arguments):
    global steps
    steps += 1
    if steps == 8:  # in the middle of the second epoch
        print("now", flush=True)
        time.sleep(60)
    return step(*arguments)
training.train_step = slow
fit(state=Path({state!r}))
"""


def test_run_killed_in_mid_epoch_ends_bit_for_bit_where_an_unbroken_one_ends(tmp_path):
    state = tmp_path / "state.pt"
    whole, whole_history = fit(state=tmp_path / "whole.pt")
    here = Path(__file__).parent
    code = textwrap.dedent(KILLED).format(here=str(here), tests=str(here.parent), state=str(state))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().strip() == "now"
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    resumed, history = fit(state=state)
    strip = lambda rows: [{k: v for k, v in row.items() if k != "seconds"} for row in rows]  # noqa: E731
    assert strip(history) == strip(whole_history)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    a, b = (torch.load(p, weights_only=True) for p in (state, tmp_path / "whole.pt"))
    assert torch.equal(a["generator"], b["generator"])
    for key, slot in a["optimizer"]["state"].items():
        assert torch.equal(slot["momentum_buffer"], b["optimizer"]["state"][key]["momentum_buffer"])


def test_finished_run_is_not_trained_again(tmp_path):
    fit(state=tmp_path / "s.pt")
    start = time.perf_counter()
    _, history = fit(state=tmp_path / "s.pt")
    assert len(history) == CONFIG.epochs and time.perf_counter() - start < 2


def test_state_of_another_configuration_is_refused_by_field(tmp_path):
    fit(dataclasses.replace(CONFIG, epochs=1), state=tmp_path / "s.pt")
    for field, value in [("epochs", 3), ("peak_lr", 0.2), ("seed", 7)]:
        with pytest.raises(ValueError, match=f"made with {field} = "):
            fit(
                dataclasses.replace(CONFIG, **({"epochs": 1} | {field: value})),
                state=tmp_path / "s.pt",
            )
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


def test_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(tmp_path, monkeypatch):
    state = tmp_path / "s.pt"
    step, seen = training.train_step, []

    def poisoned(model, optimizer, images, labels):
        seen.append(1)
        return step(model, optimizer, images * (float("nan") if len(seen) > 7 else 1.0), labels)

    monkeypatch.setattr(training, "train_step", poisoned)
    with pytest.raises(FloatingPointError, match=r"epoch 2, step \d+, learning rate 0\.0"):
        fit(state=state)
    kept = torch.load(state, weights_only=True)
    assert len(kept["history"]) == 1 and all(
        torch.isfinite(t).all() for t in kept["model"].values()
    )


def test_ctrl_c_keeps_the_last_whole_epoch_and_leaves_no_half_file(tmp_path, monkeypatch):
    state, seen, step = tmp_path / "s.pt", [], training.train_step

    def interrupted(*arguments):
        seen.append(1)
        if len(seen) == 8:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(training, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(state=state)
    assert [p.name for p in tmp_path.iterdir()] == ["s.pt"]
    monkeypatch.setattr(training, "train_step", step)
    resumed, _ = fit(state=state)
    whole, _ = fit()
    assert all(torch.equal(t, resumed.state_dict()[n]) for n, t in whole.state_dict().items())


def test_config_survives_json():
    config = dataclasses.replace(CONFIG, sides=(16, 24))
    stored = json.loads(json.dumps(dataclasses.asdict(config)))
    assert TrainConfig.of(stored) == config


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def test_turned_by_a_quarter_is_what_numpy_turns():
    images = torch.rand(40, 3, 8, 8, generator=draw())
    turned = training.rotate(images, degrees=90.0, generator=draw(1))
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
    changed = training.jitter_colours(images, jitter=0.4, generator=draw())
    assert changed.min() >= 0 and changed.max() <= 1
    assert changed.amax((1, 2, 3)).unique().numel() == 30
    assert torch.equal(training.jitter_colours(images, jitter=0.0, generator=draw()), images)


def test_half_of_the_images_are_negatives():
    images = torch.rand(400, 1, 4, 4, generator=draw())
    shown = training.invert(images, share=0.5, generator=draw(1))
    inverted = (shown - (1 - images)).abs().amax((1, 2, 3)) == 0
    kept = (shown - images).abs().amax((1, 2, 3)) == 0
    assert (inverted ^ kept).all() and 150 < inverted.sum() < 250


def test_a_square_of_each_image_is_hidden():
    images = torch.ones(200, 3, 32, 32)
    hidden = (training.cut_out(images, size=10, generator=draw()) == 0.5).sum((2, 3))
    assert (hidden[:, 0] == hidden[:, 2]).all() and 80 <= hidden.max() <= 100
    assert hidden[:, 0].unique().numel() > 5  # near the rim a part lies outside
