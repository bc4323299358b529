"""Further paths that a GPU takes, on the device of pretend_paths.py."""

import dataclasses

import numpy as np
import pytest
import torch
from makers import pretend
from pretend_paths import CONFIG, EPSILON, FEW, SETS, is_alike, tiny

from visionfail import attacks, corruptions, devices, evaluation, failure, models
from visionfail.evaluation import sweep
from visionfail.explain import faithfulness
from visionfail.models import training

device = pretend.device


def few_on(device, there):
    """A few images and labels, on the device or here."""
    return FEW.to(device) if there else FEW


@pytest.mark.parametrize("there", [False, True])
def test_accuracy_and_lights_there_are_those_here(device, there):
    model = devices.placed(tiny()).eval()
    plain = tiny().eval()
    few = few_on(device, there)
    words = {"epsilons": [0, 4], "steps": 1}
    found = attacks.accuracy_by_epsilon(model, few.images, few.labels, **words)
    here = attacks.accuracy_by_epsilon(plain, FEW.images, FEW.labels, **words)
    assert len(found) == 4 and found.value.notna().all()
    assert found[found.epsilon == 0].equals(here[here.epsilon == 0])
    moved = attacks.fgsm(model, few.images, few.labels, epsilon=EPSILON)
    lights = attacks.picture_lights(model, few.images, few.labels, moved, epsilon=EPSILON)
    assert lights.set_index("light").ok["within epsilon and [0, 1]"]


@pytest.mark.parametrize("there", [False, True])
def test_layers_are_chosen_there_as_here(device, there):
    model = devices.placed(tiny()).eval()
    chosen = failure.choose_layers(model, few_on(device, there).images)
    assert chosen == failure.choose_layers(tiny().eval(), FEW.images)


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("model_there", [False, True])
def test_a_model_is_checked_and_swept_wherever_it_and_its_images_are(
    device, tmp_path, there, model_there
):
    model = devices.placed(tiny()).eval() if model_there else tiny().eval()
    few = few_on(device, there)
    evaluation.check_model(model, few)
    words = {"severities": (5,), "names": ("fog", "contrast")}
    found = evaluation.sweep_model(model, few, folder=tmp_path, **words)
    expected = models.predict(tiny().eval(), corruptions.corrupt(FEW.images, "contrast", 5))
    assert np.array_equal(found.predicted[found.at("contrast", 5)], expected.argmax(1))


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_a_benchmark_of_another_precision_there(device, tmp_path, dtype):
    flat = torch.nn.Flatten()
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, stride=4), flat, torch.nn.Linear(256, 10))
    accuracy, means = evaluation.benchmark(model.to(dtype), FEW, folder=tmp_path, severities=(5,))
    assert len(accuracy) == 20 and means.value.notna().all()
    assert {weights.dtype for weights in model.parameters()} == {dtype}


@pytest.mark.parametrize("own_make", [False, True])
def test_corruptions_alone_are_made_ahead_there(device, tmp_path, monkeypatch, own_make):
    model = devices.placed(tiny())
    happened = []

    def make(clean, name, severity, *, seed=0):
        happened.append(name)
        return clean

    monkeypatch.setattr(sweep, "corrupted_set", make)
    model.register_forward_pre_hook(lambda *_: happened.append("predicted"))
    words = {"temperature": 1.0, "identity": {}, "folder": tmp_path}
    words["make"] = make if own_make else None  # which may run the model itself
    evaluation.run_sweep(model, FEW, [("clean", 0), ("fog", 5), ("snow", 5)], **words)
    if own_make:
        assert happened == ["clean", "predicted", "fog", "predicted", "snow", "predicted"]
    else:
        assert happened == ["clean", "fog", "predicted", "snow", "predicted", "predicted"]


def test_a_training_on_sets_that_are_there_already(device):
    config = dataclasses.replace(CONFIG, epochs=1)
    there, _ = training.fit(tiny(), *(images.to(device) for images in SETS), config=config)
    from_here, _ = training.fit(tiny(), *SETS, config=config)
    assert models.device_of(there) == device and is_alike(there, from_here)


@pytest.mark.parametrize("there", [False, True])
def test_pixels_of_images_there_are_hidden_as_here(device, there):
    hidden = np.zeros((6, 32, 32), dtype=bool)
    hidden[1:, 5:20, 8:25] = True  # the first image stays as it is
    classes = FEW.labels.numpy()
    images = few_on(device, there).images
    falls = faithfulness.fall_when_hidden(devices.placed(tiny()), images, classes, [hidden])
    here = faithfulness.fall_when_hidden(tiny().eval(), FEW.images, classes, [hidden])
    assert np.allclose(falls, here, atol=1e-4) and falls[0, 0] == 0
