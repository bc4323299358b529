"""Every path that a GPU takes, on a device that is none and refuses what GPUs and MPS refuse.

tests/test_pretend_device.py runs it in an interpreter of its own; so does pytest with its name.
"""

import dataclasses
import io

import numpy as np
import pytest
import torch
from makers import STATS, pretend, squares

from visionfail import attacks, corruptions, data, devices, evaluation, explain, failure, models
from visionfail.failure import passes
from visionfail.models import networks, training, transfer
from visionfail.risk import drift_power, experiments, export
from visionfail.risk import training as risk_training
from visionfail.risk.calibration import Calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.saved import Classifier, rounded

pytestmark = pytest.mark.fault("devices")

SETS = (squares(100, seed=0), squares(40, seed=1))
FEW = squares(6, seed=2)
EPSILON = 4 / 255
CONFIG = models.TrainConfig(epochs=2, batch_size=25, sides=(16,), mixed_precision=False)
device = pretend.device
RISK = RiskConfig(side=32, views=1, epochs=2, lr=0.01, unfreeze=1, dropout=0.3)


def tiny(arch="resnet18", **words):
    return models.build(arch, num_classes=10, width=16, **STATS, **words)


def tiny_for_imagenet(classes=10):
    model = networks.build(
        "imagenet_resnet18", num_classes=classes, width=16, mean=transfer.MEAN, std=transfer.STD
    )
    model.resize_to(32, "bilinear")
    return model.eval()


def is_alike(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.allclose(a.cpu().float(), b.cpu().float(), atol=1e-4) for a, b in pairs)


def two_classes(n, *, seed):
    plain = squares(n, seed=seed)
    return data.ImageSet(plain.images, plain.labels // 5, ("safe", "unsafe"), "standin")


def test_the_device_refuses_what_an_accelerator_refuses(device):
    there = torch.ones(3, device=device)
    assert there.device == device and there.cpu().numpy().sum() == 3
    mistakes = [lambda: there + torch.ones(3), there.numpy, lambda: np.asarray(there)]
    mistakes.append(lambda: torch.rand(3, device=device, generator=torch.Generator()))
    if not devices.has_float64(device):
        mistakes.append(there.double)
    for mistake in mistakes:
        with pytest.raises((RuntimeError, TypeError)):
            mistake()


def test_training_ends_alike_whether_whole_or_broken_off(device, tmp_path, monkeypatch):
    whole, _ = training.fit(tiny(), *SETS, config=CONFIG, state=tmp_path / "one.pt")
    here, _ = training.fit(tiny(), *SETS, config=CONFIG, device="cpu")
    assert is_alike(whole, here)
    validate = training.validate
    calls = iter([False, True])

    def breaks(*args, **words):
        if next(calls):
            raise KeyboardInterrupt
        return validate(*args, **words)

    monkeypatch.setattr(training, "validate", breaks)
    with pytest.raises(KeyboardInterrupt):
        training.fit(tiny(), *SETS, config=CONFIG, state=tmp_path / "two.pt")
    monkeypatch.setattr(training, "validate", validate)
    for where in (None, "cpu"):  # the state goes on there, and on another device
        again, history = training.fit(
            tiny(), *SETS, config=CONFIG, state=tmp_path / "two.pt", device=where
        )
        assert len(history) == 2 and is_alike(whole, again)
        assert models.device_of(again).type == ("cpu" if where else "pretend")


def arrivals(config, sets=SETS, **words):
    """How many tensors a training copies to the device."""
    before = pretend.RULES.arrivals
    training.fit(tiny(), *sets, config=config, **words)
    return pretend.RULES.arrivals - before


def test_copies_to_the_device_are_by_the_epoch_not_by_the_step(device):
    few = arrivals(dataclasses.replace(CONFIG, batch_size=50))
    many = arrivals(dataclasses.replace(CONFIG, batch_size=10))
    assert few == many


@pytest.mark.parametrize(
    "changes",
    [
        {"rotation": 10.0, "jitter": 0.2, "invert": 0.1, "cutout": 8},
        {"mix": "cutmix"},
        {"mix": "mixup", "class_weights": (1.0,) * 10},
        {"optimizer": "adamw", "ema_decay": 0.0, "padding": 0, "flip": False},
    ],
)
def test_every_setting_trains_there_as_here(device, changes):
    config = dataclasses.replace(CONFIG, epochs=1, sides=(), peak_lr=0.01, **changes)
    there, _ = training.fit(tiny(), *SETS, config=config)
    here, _ = training.fit(tiny(), *SETS, config=config, device="cpu")
    assert is_alike(there, here)


def test_adversarial_training_there(device):
    perturb = attacks.random_start_fgsm(epsilon=EPSILON)
    check = attacks.pgd_check(FEW, epsilon=EPSILON, steps=1)
    config = dataclasses.replace(CONFIG, epochs=1)
    _, history = training.fit(tiny(), *SETS, config=config, perturb=perturb, check=check)
    assert {"val_fgsm", "val_pgd"} <= history[0].keys()


def test_weights_lie_there_as_they_may(device):
    model, _ = training.fit(tiny(), *SETS, config=dataclasses.replace(CONFIG, epochs=1))
    weights = model.get_parameter("layer1.0.conv1.weight")
    layout = devices.memory_layout(device)
    assert weights.is_contiguous(memory_format=layout)
    assert models.model_input(model, FEW.images).is_contiguous(memory_format=layout)


def test_the_two_phases_of_transfer_there(device, tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1, sides=(), base_rate=0.5, peak_lr=0.01)
    words = {"frozen": config, "unfrozen": config, "state": tmp_path}
    model, history = transfer.fit_in_two_phases(tiny_for_imagenet(), *SETS, **words)
    again, _ = transfer.fit_in_two_phases(tiny_for_imagenet(), *SETS, **words)
    assert len(history) == 2 and is_alike(model, again)  # resumed from its state
    transfer.inflate_norms(model, FEW.images)
    assert transfer.smallest_map(model, FEW) == (1, 1)


@pytest.mark.parametrize("arch", ["resnet18", "densenet121"])
def test_a_network_there_is_read_mapped_and_described(device, arch):
    model = devices.placed(tiny(arch)).eval()
    images = FEW.images
    here = models.predict(tiny(arch).eval(), images)
    assert torch.allclose(models.predict(model, images), here, atol=1e-5)
    assert torch.allclose(models.predict(model, images.to(device)), here, atol=1e-5)
    assert explain.gradcam(model, images, FEW.labels, batch_size=4).shape == (6, 32, 32)
    assert explain.gradcam(model, images.to(device), FEW.labels.to(device)).shape == (6, 32, 32)
    assert models.stages(model, models.as_float(images[:1]))
    assert models.multiply_adds(model, models.as_float(images[:1])) > 0
    part = explain.parts_from_the_top(model)["head"]
    assert (
        explain.randomised(model, part, images, seed=0)(models.model_input(model, images))
        is not None
    )


@pytest.mark.parametrize("on_device", [False, True])
def test_attacks_there_move_images_as_here(device, on_device):
    model = devices.placed(tiny()).eval()
    plain = tiny().eval()
    labels = models.predict(plain, FEW.images).argmax(1)
    images = FEW.images.to(device) if on_device else FEW.images
    truth = labels.to(device) if on_device else labels
    for attack in (attacks.fgsm, attacks.pgd):
        words = {"epsilon": EPSILON}
        if attack is attacks.pgd:
            words |= {"steps": 2, "seed": 0, "restarts": 2}
        there = attack(model, images, truth, **words)
        here = attack(plain, FEW.images, labels, **words)
        apart = (there - here).abs() > 1e-6
        assert there.device.type == "cpu" and apart.float().mean() < 0.01  # signs of almost 0
    card = attacks.health_card(model, images, truth, epsilon=EPSILON, steps=2, surrogate=model)
    lights = card.set_index("light").ok
    assert lights["epsilon 0 changes nothing"] and lights["within epsilon and [0, 1]"]


def test_activations_there_teach_an_auditor(device):
    model = devices.placed(tiny()).eval()
    sets = squares(60, seed=3)
    labels = models.predict(model, sets.images).argmax(1)
    labels[::2] = (labels[::2] + 1) % 10
    reading = failure.extract(model, sets.images, labels.to(device), layers=["layer1", "layer4"])
    detectors = failure.fit_detectors(reading, reading, seed=0)
    assert np.isfinite(detectors.auditor.score(reading.features())).all()
    moved = detectors.auditor.to(device)
    assert np.isfinite(moved.score(reading.features())).all()
    head = model.get_submodule("fc")
    assert passes.mc_dropout_score(head, reading.latents["layer4"]).shape == (60,)
    assert failure.moved_images_score(model, FEW.images).shape == (6,)


def test_a_sweep_and_a_benchmark_there(device, tmp_path):
    model = tiny()
    before = pretend.RULES.arrivals
    accuracy, means = evaluation.benchmark(model, FEW, folder=tmp_path / "own", severities=(5,))
    assert pretend.RULES.arrivals - before > 20  # each condition came there
    assert len(accuracy) == 20 and means.value.notna().all()
    assert models.device_of(model).type == "cpu"  # a copy of it worked there
    sets = {name: FEW for name in ("train", "val", "test")}
    words = {"severities": (0, 5), "weights": "w", "state": tmp_path, "names": ("fog",)}
    made = evaluation.load_or_sweep(tmp_path / "x.npz", devices.placed(model), sets, **words)
    assert made[1] == "computed"
    there = evaluation.run_sweep(
        devices.placed(tiny()),
        FEW.to(device),
        [("clean", 0), ("fog", 5)],
        temperature=1.0,
        identity={},
        folder=tmp_path / "there",
    )
    assert (there.predicted == made[0].predicted).all()


@pytest.mark.parametrize("name", [*corruptions.CORRUPTIONS, *corruptions.EXTRAS])
def test_images_there_are_corrupted_like_those_here(device, name):
    images = squares(4, seed=0).images
    for severity in (1, 5):
        there = corruptions.corrupt(images.to(device), name, severity)
        here = corruptions.corrupt(images, name, severity)
        assert there.device == device and torch.equal(there.cpu(), here)


@pytest.mark.parametrize("name", corruptions.SHIFTS)
def test_digits_there_are_shifted_like_those_here(device, name):
    digits = FEW.images[:, :1]
    there = corruptions.shift(digits.to(device), name, 0.7)
    assert there.device == device
    assert torch.equal(there.cpu(), corruptions.shift(digits, name, 0.7))


def test_drawn_shifts_there_are_those_here(device):
    digits = squares(30, seed=0).images[:, :1]
    kind, strength = corruptions.shifts.draw(30, seed=1)
    there = corruptions.shifts.shift_drawn(digits.to(device), kind, strength)
    here = corruptions.shifts.shift_drawn(digits, kind, strength)
    assert there.device == device and torch.equal(there.cpu(), here)


def test_nobody_elses_generators_are_seeded(device):
    before = torch.default_generator.get_state()
    tiny(seed=7)
    with devices.seeded(3, device):
        first = torch.rand(4, device=device).cpu()
    with devices.seeded(3, device):
        assert torch.equal(first, torch.rand(4, device=device).cpu())
    assert torch.equal(before, torch.default_generator.get_state())


def test_a_checkpoint_of_a_network_there_is_read_here(device, tmp_path):
    model = devices.placed(tiny())
    card = {"dataset": "x", "arch": "resnet18", "width": 16, "classes": list("abcdefghij"), **STATS}
    models.save_checkpoint(model, tmp_path / "net", card=card)
    read, _ = models.load(tmp_path / "net")
    assert models.device_of(read).type == "cpu" and is_alike(read, models.rounded_to_half(model))
    kept = io.BytesIO()
    torch.save(model.state_dict(), kept)
    kept.seek(0)
    assert torch.load(kept, weights_only=True)["fc.weight"].device.type == "cpu"


@pytest.fixture
def classifier(device, tmp_path):
    """A safe/unsafe classifier trained on the device, and its pictures."""
    parts = {"train": two_classes(60, seed=0), "val": two_classes(40, seed=1)}
    model, history = risk_training.train_risk(
        tiny_for_imagenet(2), parts["train"], parts["val"], RISK, folder=tmp_path / "features"
    )
    assert len(history) == 4
    made = Classifier(rounded(model), {"sha256": "x"}, RISK, Calibration(1.0, 0.0), tmp_path)
    return made, parts


def test_the_risk_classifier_trains_and_scores_there(device, classifier):
    made, parts = classifier
    assert models.device_of(made.model) == device
    score = made.score(parts["val"].images)
    assert score.shape == (40,) and np.isfinite(score).all()
    assert made.score(parts["val"].images.to(device)) == pytest.approx(score, abs=1e-6)


def test_dropout_of_the_risk_head_is_drawn_from_its_seed(device):
    rows = torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
    part = two_classes(60, seed=0)
    features = models.features.Features(rows, rows, part.labels, part.classes, "standin")
    heads = [experiments.quick_head(features, RISK) for _ in range(2)]
    assert torch.equal(heads[0].fc.weight, heads[1].fc.weight)
    assert experiments.head_score(heads[0], rows.to(device)).shape == (60,)


def test_an_export_leaves_the_network_where_it_was(device, classifier, monkeypatch, tmp_path):
    made, _ = classifier
    asked = []
    monkeypatch.setattr(torch.onnx, "export", lambda model, *a, **k: asked.append(model))
    monkeypatch.setattr(export.files, "atomic_write", lambda path: pytest.MonkeyPatch.context())
    export.write_onnx(made, tmp_path / "x.onnx")
    assert models.device_of(asked[0]).type == "cpu"
    assert models.device_of(made.model) == device


def test_a_gate_asks_a_copy_here_whose_float32_is_that_of_an_export(
    device, classifier, monkeypatch
):
    made, parts = classifier
    predict = models.predict
    asked = []

    def watched(model, *arguments, **words):
        asked.append(models.device_of(model).type)
        return predict(model, *arguments, **words)

    monkeypatch.setattr(models, "predict", watched)
    arrays = export.gate_arrays(made, parts["val"])
    assert asked == ["cpu"] and arrays["logits"].shape == (40, 2)
    assert models.device_of(made.model) == device


def test_kept_features_serve_a_second_training_there(device, classifier, tmp_path):
    made, parts = classifier
    again, _ = risk_training.train_risk(
        tiny_for_imagenet(2), parts["train"], parts["val"], RISK, folder=tmp_path / "features"
    )
    assert is_alike(rounded(again), made.model)


def test_drift_of_pictures_scored_there(device, classifier):
    made, parts = classifier
    parts = {**parts, "test": two_classes(30, seed=2)}
    features = {
        part: transfer.features_on_device(made.model, images, mirrored=False)
        for part, images in parts.items()
    }
    rows = drift_power.drift_rows(made, features, parts, batches=(10,), repeats=2)
    assert len(rows) == len(drift_power.DRIFTED) + len(drift_power.RARER)
